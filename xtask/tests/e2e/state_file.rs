//! The secret of the sandboxes that xtask starts: where it is kept, what it opens, and that restarts keep it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::client::Client;
use crate::support::{ACCOUNT, Place};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn state_file(sandbox: &Value) -> PathBuf {
    PathBuf::from(sandbox["state_file"].as_str().unwrap())
}

/// A variable among the lines of `sandbox env`.
fn exported(lines: &str, name: &str) -> String {
    let begin = format!("export {name}='");
    let mut found = lines.lines().filter_map(|line| line.strip_prefix(&begin));
    let value = found.next().unwrap_or_else(|| panic!("no {name}: {lines}"));
    value.strip_suffix('\'').unwrap().to_owned()
}

#[test]
fn sandbox_env_prints_the_pair_and_the_bearer_that_open_the_sandbox() {
    let place = Place::new();
    let sandbox = place.sandbox();
    let file = state_file(&sandbox);
    assert!(file.starts_with(place.dir.join("state")), "{file:?}");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    assert_eq!(mode(&place.dir.join("state")), 0o700);
    let status = place.xtask(&["sandbox", "status"]).ok().stdout;
    assert!(status.contains(file.to_str().unwrap()), "{status}");

    let client = Client::of(&sandbox);
    let env = place.xtask(&["sandbox", "env"]).ok().stdout;
    assert_eq!(exported(&env, "AWS_ACCESS_KEY_ID"), ACCOUNT);
    let secret = exported(&env, "AWS_SECRET_ACCESS_KEY");
    assert_eq!(secret, client.secret(ACCOUNT));
    assert_eq!(secret.len(), 40);
    let other = place
        .xtask(&["sandbox", "env", "--account", "210987654321"])
        .ok()
        .stdout;
    assert_ne!(exported(&other, "AWS_SECRET_ACCESS_KEY"), secret);

    let bearer = exported(&env, "DRIFTLAB_SANDBOX_SECRET");
    let calls = |authorization: &str| client.send("GET", "/_sandbox/calls", authorization, "");
    let (status, ..) = calls(&format!("Authorization: Bearer {bearer}\r\n"));
    assert_eq!(status, 200);
    for wrong in ["", "Authorization: Bearer x\r\n"] {
        let (status, head, body) = calls(wrong);
        assert_eq!(status, 401);
        assert!(
            head.to_ascii_lowercase()
                .contains("\r\nwww-authenticate: bearer"),
            "{head}"
        );
        assert!(
            body.contains("DRIFTLAB_SANDBOX_SECRET") && body.contains("sandbox env"),
            "{body}"
        );
    }
    // The ready line is remembered and logged; it holds no secret.
    assert!(!sandbox.to_string().contains(&bearer));
}

#[test]
fn restart_keeps_the_secret_and_a_new_state_file_makes_a_new_one() {
    let place = Place::new();
    let first = place.sandbox();
    let secret = Client::of(&first).secret(ACCOUNT);
    place.xtask(&["sandbox", "stop"]).ok();
    let second = place.sandbox();
    assert_ne!(second["instance"], first["instance"]);
    assert_eq!(Client::of(&second).secret(ACCOUNT), secret);
    place.xtask(&["sandbox", "stop"]).ok();
    fs::remove_file(state_file(&second)).unwrap();
    assert_ne!(Client::of(&place.sandbox()).secret(ACCOUNT), secret);
}

#[test]
fn state_file_open_to_others_stops_the_start_with_the_remedy() {
    let place = Place::new();
    let file = state_file(&place.sandbox());
    place.xtask(&["sandbox", "stop"]).ok();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let remedy = format!("run `rm {}`", file.display());
    place
        .xtask(&["sandbox", "start"])
        .exits(1)
        .says("is open to other users (mode 644)")
        .says(&remedy);
    // A private sandbox is no exception.
    place.xtask(&["demo"]).exits(1).says(&remedy);
    fs::remove_file(&file).unwrap();
    place.sandbox();
}

#[test]
fn state_file_that_is_gone_while_the_sandbox_runs_is_told() {
    let place = Place::new();
    let file = state_file(&place.sandbox());
    let aside = place.dir.join("aside");
    fs::rename(&file, &aside).unwrap();
    for command in [vec!["sandbox", "env"], vec!["status"]] {
        place
            .xtask(&command)
            .exits(1)
            .says("cannot read the sandbox's state file")
            .says("sandbox stop");
    }
    // Another secret than the one that it was started with.
    fs::write(&file, r#"{"secret": "", "bearer": "AAAA"}"#).unwrap();
    place
        .xtask(&["sandbox", "env"])
        .exits(1)
        .says("gives no keys (HTTP 401)");
    fs::rename(&aside, &file).unwrap();
    place.xtask(&["sandbox", "env"]).ok();
}
