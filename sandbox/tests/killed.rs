//! A sandbox that is killed leaves no process behind and nothing on disk that matters.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fs::{File, TryLockError};
use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

mod process;

use process::Sandbox;

/// Long enough for any machine; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A function can reach nobody but its sandbox, so that it lives is seen by what it locks.
const LOCKS: [&str; 2] = ["one", "other"];

/// Not a test of its own: a function's process that holds one of two locks for as long as it lives.
#[test]
fn process_that_never_ends() {
    let Ok(directory) = std::env::var("LOCKS") else {
        return;
    };
    let locks = LOCKS.map(|name| File::create(Path::new(&directory).join(name)).unwrap());
    // Whoever looks whether a lock is held holds it for a moment.
    let mut held = None;
    loop {
        match held {
            None => held = locks.iter().find(|lock| lock.try_lock().is_ok()),
            Some(_) => std::thread::park(),
        }
    }
}

#[test]
fn kill_9_ends_functions_and_their_children_and_the_next_start_is_clean() {
    let (temp, locks) = (TempDir::new(), TempDir::new());
    let mut sandbox = start(&temp.0);
    sandbox.create_function(&locks.0);
    // The function itself and a child of its own, which is in nobody's care but the group's.
    wait("the function's processes did not start", || {
        held(&locks.0) == 2
    });
    assert_eq!(directories(&temp.0), 1);
    sandbox.process.kill().unwrap();
    sandbox.process.wait().unwrap();
    // The kernel lets go of a lock when its process is gone.
    wait("the function's processes stay", || held(&locks.0) == 0);
    wait("the directory of the dead sandbox stays", || {
        directories(&temp.0) == 0
    });
    // What even the reaper could not remove goes with the next start.
    let abandoned = temp.0.join("driftlab-functions-999999999-00");
    std::fs::create_dir(&abandoned).unwrap();
    std::fs::write(abandoned.join("lock"), "").unwrap();
    let mut next = start(&temp.0);
    next.create_function(&locks.0);
    wait("the function's processes did not start", || {
        held(&locks.0) == 2
    });
    assert!(!abandoned.exists());
    next.process.kill().unwrap();
    next.process.wait().unwrap();
}

/// A sandbox that keeps its files in `temp`.
fn start(temp: &Path) -> Sandbox {
    Sandbox::start(&[("TMPDIR", temp.to_str().unwrap())])
}

fn wait(complaint: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{complaint}");
        std::thread::yield_now();
    }
}

/// How many locks somebody holds.
fn held(directory: &Path) -> usize {
    let is_held = |name: &str| {
        let lock = File::open(directory.join(name));
        lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
    };
    LOCKS.iter().filter(|name| is_held(name)).count()
}

fn directories(temp: &Path) -> usize {
    std::fs::read_dir(temp).unwrap().count()
}

impl Sandbox {
    /// Makes a function and invokes it without waiting for it.
    fn create_function(&self, locks: &Path) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }]});
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "CreateRole")
            .append_pair("Version", "2010-05-08")
            .append_pair("RoleName", "R")
            .append_pair("AssumeRolePolicyDocument", &trust.to_string())
            .finish();
        self.post("iam", "/", "application/x-www-form-urlencoded", &form);
        let function = json!({
            "FunctionName": "f",
            "Runtime": "provided.al2023",
            "Role": "arn:aws:iam::123456789012:role/R",
            "Handler": "bootstrap",
            "Timeout": 60,
            "Environment": {"Variables": {"LOCKS": locks}},
            "Code": {"ZipFile": BASE64_STANDARD.encode(package())},
        });
        let path = "/2015-03-31/functions";
        self.post("lambda", path, "application/json", &function.to_string());
        let path = "/2015-03-31/functions/f/invocations";
        self.post("lambda", path, "application/json", "{}");
    }

    fn post(&self, service: &str, path: &str, kind: &str, body: &str) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers = [
            ("content-type", kind),
            ("connection", "close"),
            ("x-amz-invocation-type", "Event"),
        ];
        let request = self.signed("123456789012", service, path, &headers, body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

/// Two processes of this very test program: one is the child of the other.
fn package() -> Vec<u8> {
    let program = std::env::current_exe().unwrap();
    let command = format!("'{}' --exact process_that_never_ends", program.display());
    let script = format!("#!/bin/sh\n{command} &\n{command}\n");
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(script.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let name = format!("driftlab-killed-test-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
