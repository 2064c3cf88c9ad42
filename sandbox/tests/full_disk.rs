//! A disk without room costs nothing but what should have been written there.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Ends with its value.
struct Sandbox(Child);

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Dead already where the test has failed because of that.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What is answered to one request.
fn ask(address: &str, head: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!("{head}\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn request_when_log_and_inbox_file_are_full_is_answered_and_the_loss_is_told() {
    let state = TempDir::new().unwrap();
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_driftlab-sandbox"))
        .args(["--inbox-file", "/dev/full", "--state-dir"])
        .arg(state.path().join("state"))
        .env("DRIFTLAB_SANDBOX_LOG", "debug")
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .unwrap();
    let stdout = process.stdout.take().unwrap();
    let _sandbox = Sandbox(process);
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let address = ready["endpoint"]
        .as_str()
        .unwrap()
        .trim_start_matches("http://");
    // A body that is refused from its head is something that the log tells of.
    let refused = ask(
        address,
        "POST / HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 99999999",
    );
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    let health = ask(address, "GET /_sandbox/health HTTP/1.1");
    let (_, body) = health.split_once("\r\n\r\n").unwrap();
    let health: Value = serde_json::from_str(body).unwrap();
    assert!(
        health["lost"]["log_lines"].as_u64().unwrap() >= 1,
        "{health}"
    );
}
