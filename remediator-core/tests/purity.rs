//! The core's purity, checked where it can be broken: in its dependency tree.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::process::Command;

/// A planner that depends on a runtime or on an SDK will use it sooner or later.
#[test]
fn the_tree_holds_no_runtime_and_no_sdk() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--package",
            "remediator-core",
        ])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo tree failed: {stderr}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(
        names.contains(&"remediator-core") && names.contains(&"ipnet"),
        "not our tree: {tree}"
    );
    for name in names {
        let impure = name == "tokio" || name.starts_with("aws-") || name.starts_with("hyper");
        assert!(!impure, "`{name}` is in the tree of the core");
    }
}
