//! Calls of the query protocol and in JSON.

use fastrand::Rng;

use super::names::{JSON, QUERY};
use super::{FORM, Place, encoded, request};
use crate::values;

pub(super) fn form(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let (service, actions) = rng.choice(QUERY).unwrap_or(QUERY[0]);
    let action = rng.choice(actions).copied().unwrap_or("");
    let mut body = format!("Action={action}");
    for _ in 0..rng.usize(..10) {
        let mut name = values::member(rng);
        for _ in 0..rng.usize(..4) {
            match rng.u8(..6) {
                0 => name.push_str(".member"),
                1 | 2 => name.push_str(&format!(".{}", rng.u8(..4))),
                3 => name.push_str(&format!(".{}", values::member(rng))),
                4 => name.push_str(".entry.1.key"),
                _ => name.push_str(&format!(".{}", rng.u64(..))),
            }
        }
        let value = values::text(rng);
        match rng.u8(..10) {
            // Not encoded at all.
            0 => body.push_str(&format!("&{name}={value}")),
            1 => body.push_str(&format!("&{}=%zz%", encoded(&name))),
            2 => body.push_str(&format!(
                "&{}={}",
                ".".repeat(rng.usize(..2_000)),
                encoded(&value)
            )),
            _ => body.push_str(&format!("&{}={}", encoded(&name), encoded(&value))),
        }
    }
    request(place, "POST", "/", service, &FORM, body.as_bytes(), rng)
}

pub(super) fn json(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let (service, prefix, actions) = rng.choice(JSON).unwrap_or(JSON[0]);
    let action = rng.choice(actions).copied().unwrap_or("");
    let body = match rng.u8(..10) {
        0 => "[".repeat(rng.usize(..100_000)),
        1 => "{\"a\":".repeat(rng.usize(..20_000)),
        2 => format!("{{\"ConfigRuleName\":{}", values::json(rng, 0)),
        3 => "{\"a\":\"\\ud800\"}".to_owned(),
        _ => values::object(rng, 0),
    };
    let target = format!("{prefix}.{action}");
    let more = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    request(place, "POST", "/", service, &more, body.as_bytes(), rng)
}
