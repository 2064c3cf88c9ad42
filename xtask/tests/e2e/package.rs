//! The function's package, as it is built for this machine.

use crate::support::Place;

/// The package for the other processor is checked by whoever builds it.
#[test]
fn the_package_is_as_small_as_is_promised() {
    let architecture = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "x86_64"
    };
    let place = Place::new();
    let built = place.xtask(&["build-lambda", "--arch", architecture, "--output", "json"]);
    let package = built.ok().json();
    assert!(package["bytes"].as_u64().unwrap() > 0, "{package}");
}
