//! A lab with a time to live, in a sandbox process whose clock is moved.

use serde_json::{Value, json};

use crate::client::{Client, admin};
use crate::support::Place;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// Lets time pass in steps, and lets what falls due happen.
fn pass(client: &Client, mut seconds: u64, step: u64) {
    while seconds > 0 {
        let now = seconds.min(step);
        admin(client, "POST", &format!("clock/advance?seconds={now}"), "");
        seconds -= now;
        // Each look is a round trip, in which the sandbox gets on with its work.
        while admin(client, "GET", "health", "")["idle"] != true {}
    }
}

fn status(place: &Place) -> Value {
    place.xtask(&["status", "--output", "json"]).ok().json()
}

#[test]
fn a_lab_with_a_time_to_live_is_gone_when_it_is_over() {
    let place = Place::new();
    let client = place.client();
    let deploy = ["deploy", "--ttl", "15m", "--output", "json"];
    let deployed = place.xtask(&deploy).ok().json();
    assert!(deployed["expires"].is_string(), "{deployed}");
    assert_eq!(status(&place)["expires"], deployed["expires"]);

    pass(&client, 10 * MINUTE, MINUTE);
    assert_eq!(status(&place)["groups"][0]["compliance"], "COMPLIANT");
    // What acts and bills goes within half an hour, and S3 empties the buckets in the days after.
    pass(&client, HOUR, MINUTE);
    let shown = status(&place);
    assert_eq!(shown["groups"], json!([]), "{shown}");
    pass(&client, 5 * 24 * HOUR, HOUR);
    let shown = status(&place);
    assert_eq!(shown["deployed"], false, "{shown}");
    let told = shown["self_destruct"][0].as_str().unwrap();
    assert!(told.contains("has removed itself"), "{told}");

    // Somebody has to take the empty role away; nothing else is left.
    let cleanup = ["cleanup", "--output", "json"];
    let removed = place.xtask(&cleanup).ok().json();
    let role = "role `driftlab-expiry-us-east-1-lab-environment`";
    assert_eq!(removed["removed"], json!([role]));
    assert_eq!(removed["leftovers"], json!([]));
}
