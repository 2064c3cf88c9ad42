//! Sandboxes and accounts do not see each other.

use crate::client::{Client, group_names};
use crate::support::{ACCOUNT, Place};

const OTHER_ACCOUNT: &str = "210987654321";

fn has_lab(client: &Client, account: &str) -> bool {
    group_names(client, account)
        .iter()
        .any(|name| name == "LabSG1")
}

#[test]
fn two_sandboxes_side_by_side_are_two_worlds() {
    let (one, other) = (Place::new(), Place::new());
    let (here, there) = (one.client(), other.client());
    assert_ne!(here.endpoint, there.endpoint);
    one.xtask(&["deploy"]).ok();
    assert!(has_lab(&here, ACCOUNT));
    assert!(!has_lab(&there, ACCOUNT));
    // The same names are free on the other side, and removing them there removes nothing here.
    other.xtask(&["deploy"]).ok();
    other.xtask(&["cleanup"]).ok();
    assert!(!has_lab(&there, ACCOUNT));
    one.xtask(&["simulate-incident"]).ok();
}

#[test]
fn two_accounts_in_one_sandbox_are_two_worlds() {
    let place = Place::new();
    let client = place.client();
    place.xtask(&["deploy"]).ok();
    assert!(has_lab(&client, ACCOUNT));
    assert!(!has_lab(&client, OTHER_ACCOUNT));
    place.xtask(&["deploy", "--account", OTHER_ACCOUNT]).ok();
    let one = place
        .xtask(&["simulate-incident", "--output", "json"])
        .ok()
        .json();
    let other = place
        .xtask(&[
            "simulate-incident",
            "--account",
            OTHER_ACCOUNT,
            "--output",
            "json",
        ])
        .ok()
        .json();
    assert_ne!(one["incident"]["group_id"], other["incident"]["group_id"]);
    place.xtask(&["cleanup", "--account", OTHER_ACCOUNT]).ok();
    assert!(!has_lab(&client, OTHER_ACCOUNT));
    assert!(has_lab(&client, ACCOUNT));
    place.xtask(&["simulate-incident"]).ok();
}
