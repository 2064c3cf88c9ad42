//! Signatures, seen from outside: they are verified unless a flag says otherwise, and then each start warns.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

mod process;

use process::Sandbox;

const ACCOUNT: &str = "123456789012";
const BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

fn send(sandbox: &Sandbox, request: &str) -> String {
    let mut stream = TcpStream::connect(&sandbox.address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn signatures_are_verified_unless_a_flag_says_otherwise() {
    for (sandbox, forged) in [
        (Sandbox::start(&[]), "HTTP/1.1 403"),
        (
            Sandbox::start_with(&["--no-signatures"], &[]),
            "HTTP/1.1 200",
        ),
    ] {
        let headers = [("connection", "close")];
        let request = sandbox.signed(ACCOUNT, "sts", "/", &headers, BODY);
        let answer = send(&sandbox, &request);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        let (head, _) = request.split_once("Signature=").unwrap();
        let zeros = "0".repeat(64);
        let rest = &request[head.len() + "Signature=".len() + zeros.len()..];
        let answer = send(&sandbox, &format!("{head}Signature={zeros}{rest}"));
        assert!(answer.starts_with(forged), "{answer}");
    }
}

#[test]
fn no_signatures_warns_on_each_start() {
    let state = tempfile::TempDir::new().unwrap();
    for flags in [&[][..], &["--no-signatures"], &["--no-signatures"]] {
        let mut process = Command::new(env!("CARGO_BIN_EXE_driftlab-sandbox"))
            .arg("--state-dir")
            .arg(state.path().join("state"))
            .arg("--exit-with-stdin")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut out = BufReader::new(process.stdout.take().unwrap());
        out.read_line(&mut ready).unwrap();
        drop(process.stdin.take());
        let said = process.wait_with_output().unwrap().stderr;
        let said = String::from_utf8(said).unwrap();
        let warned = said.contains("warning: signatures are not verified");
        assert_eq!(warned, !flags.is_empty(), "{flags:?} {said}");
    }
}
