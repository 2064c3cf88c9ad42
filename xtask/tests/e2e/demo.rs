//! `cargo xtask demo`: heals, proves it, leaves nothing.

use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::{Place, package};

/// How long processes may take to end on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// The moments of the story in the order in which they must have happened.
const MOMENTS: [&str; 5] = [
    "opened_at",
    "recorded_at",
    "invoked_at",
    "revoked_at",
    "compliant_at",
];

fn texts(value: &Value) -> Vec<String> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            entry
                .as_str()
                .map_or_else(|| entry.to_string(), str::to_owned)
        })
        .collect()
}

#[test]
fn the_document_proves_the_whole_story() {
    let place = Place::new();
    let story = place.xtask(&["demo", "--output", "json"]).ok().json();

    assert_eq!(story["healed"], true);
    let group = story["incident"]["group_id"].as_str().unwrap();
    assert!(group.starts_with("sg-"), "{group}");
    let opened = texts(&story["incident"]["opened"]);
    assert_eq!(opened.len(), 2, "{opened:?}");
    for port in ["465", "993"] {
        assert!(opened.iter().any(|rule| rule.contains(port)), "{opened:?}");
    }

    let moments: Vec<&str> = MOMENTS
        .iter()
        .map(|name| story["timeline"][name].as_str().unwrap())
        .collect();
    for moment in &moments {
        // 2026-01-31T23:59:59.123Z: of one length, so that they also sort as text.
        assert_eq!(moment.len(), 24, "{moment}");
        assert!(
            moment.ends_with('Z') && moment.as_bytes()[19] == b'.',
            "{moment}"
        );
    }
    assert!(moments.is_sorted(), "{moments:?}");

    let after = texts(&story["ingress_after"]);
    assert_eq!(after.len(), 2, "{after:?}");
    for port in ["80", "443"] {
        assert!(
            after.iter().any(|rule| rule.contains(&format!(" {port} "))),
            "{after:?}"
        );
    }

    let evaluations = story["evaluations"].as_array().unwrap();
    // What the function reported, in the order in which it did; AWS Config itself keeps only the latest word.
    let reported: Vec<&str> = evaluations
        .iter()
        .filter(|each| each["source"] == "function-log")
        .map(|each| each["compliance"].as_str().unwrap())
        .collect();
    assert_eq!(reported.first(), Some(&"NON_COMPLIANT"), "{evaluations:?}");
    assert!(reported.contains(&"COMPLIANT"), "{evaluations:?}");
    assert_eq!(
        evaluations[0]["compliance"], "NON_COMPLIANT",
        "{evaluations:?}"
    );
    assert_eq!(
        evaluations.last().unwrap()["compliance"],
        "COMPLIANT",
        "{evaluations:?}"
    );
    assert!(
        evaluations
            .iter()
            .all(|each| each["annotation"].is_string() && each["recorded_at"].is_string())
    );
    assert!(
        evaluations.iter().any(|each| each["annotation"]
            .as_str()
            .unwrap()
            .contains("2 new revocation(s).")),
        "{evaluations:?}"
    );

    let lines = texts(&story["log_lines"]);
    for port in ["465", "993"] {
        let wanted = format!("revoking for {group} port {port}");
        assert!(
            lines.iter().any(|line| line.contains(&wanted)),
            "{wanted}: {lines:?}"
        );
    }

    assert_eq!(story["leftovers"], Value::Array(Vec::new()));
    assert_eq!(story["function"]["runtime"], "provided.al2023");
    assert_eq!(
        story["function"]["code_sha256"].as_str().unwrap(),
        code_sha256()
    );
}

/// The hash of the package that was built, by another hand than xtask's.
fn code_sha256() -> String {
    let output = Command::new("sh")
        .args(["-c", "sha256sum \"$0\" 2>/dev/null || shasum -a 256 \"$0\""])
        .arg(package())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let hex = String::from_utf8(output.stdout).unwrap();
    let hex = hex.split(' ').next().unwrap().as_bytes();
    let bytes: Vec<u8> = hex
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    assert_eq!(bytes.len(), 32);
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, bytes)
}

#[test]
fn the_story_for_people_names_what_happened() {
    let place = Place::new();
    let ran = place
        .xtask(&["demo", "--account", "000000000042", "--region", "eu-west-1"])
        .ok();
    for words in [
        "account 000000000042, region eu-west-1",
        "the ports are closed",
        "revoking for sg-",
        "audit: nothing is left",
        "Healed, and nothing is left.",
    ] {
        assert!(
            ran.stdout.contains(words),
            "`{words}` is missing:\n{}",
            ran.stdout
        );
    }
    assert!(
        !place.dir.join("state/sandbox.json").exists(),
        "a private sandbox is remembered nowhere"
    );
}

#[test]
fn a_demo_that_is_killed_takes_everything_with_it() {
    let place = Place::new();
    let mut demo = place
        .command(&["demo"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(demo.stdout.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let first = told.next().unwrap();
    let endpoint = first.split("http://").nth(1).unwrap();
    let endpoint: Vec<&str> = endpoint.split(':').take(2).collect();
    let mut connection = TcpStream::connect(endpoint.join(":")).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    assert!(told.any(|line| line.starts_with("2  Incident")));
    // Killed outright: it gets no chance to tidy up.
    demo.kill().unwrap();
    demo.wait().unwrap();
    // The connection ends when the sandbox does; a sandbox that stays makes this run into its timeout.
    let end = connection.read(&mut [0; 1]);
    assert!(
        matches!(end, Ok(0)) || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
    );
    // And the standard error, which driftlab shares, ends when driftlab does.
    let mut stderr = demo.stderr.take().unwrap();
    let (send, receive) = mpsc::channel();
    thread::spawn(move || send.send(stderr.read_to_end(&mut Vec::new())));
    receive.recv_timeout(PATIENCE).unwrap().unwrap();
}
