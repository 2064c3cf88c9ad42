//! What a function can reach: endpoints, files, other processes. Each is tried by a function.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{Lab, client_package, function, package};
use crate::ids::hex_id;
use crate::lambda::isolation;
use crate::lambda::isolation::Means;

/// Whether the test goes on: a machine without the means says so.
fn held(what: &str, held: bool) -> bool {
    if !held {
        let _ = writeln!(std::io::stderr(), "not proved on this machine: {what}");
    }
    held
}

/// A directory of the user's, beside the test program, which is outside of every temporary one.
struct Private(PathBuf);

impl Private {
    fn new() -> Self {
        let program = std::env::current_exe().unwrap();
        let name = hex_id("isolation-test-", 12);
        let path = program.parent().unwrap().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("credentials"), "kept").unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("credentials")
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

async fn lab() -> Lab {
    let lab = Lab::new().await;
    let more = json!({"Timeout": 60, "MemorySize": 512});
    lab.create(&client_package(), more).await;
    lab
}

async fn outcome(lab: &Lab, what: &str, path: &Path) -> String {
    let (failed, answer, tail) = lab.invoke(json!({"do": what, "path": path})).await;
    assert!(!failed, "{what} {}: {answer} {tail}", path.display());
    answer.as_str().unwrap().to_owned()
}

async fn assert_refused(lab: &Lab, what: &str, path: &Path) {
    let outcome = outcome(lab, what, path).await;
    let refusals = ["PermissionDenied", "NotFound", "ReadOnlyFilesystem"];
    assert!(
        refusals.contains(&&*outcome),
        "{what} {}: {outcome}",
        path.display()
    );
}

async fn seen_by(lab: &Lab) -> serde_json::Value {
    lab.invoke(json!({"do": "environment"})).await.1
}

#[tokio::test]
async fn function_reads_the_system_and_its_code_and_no_file_of_the_user() {
    if !held("files", isolation::means().files) {
        return;
    }
    let (lab, private) = (lab().await, Private::new());
    let seen = seen_by(&lab).await;
    let code = PathBuf::from(seen["LAMBDA_TASK_ROOT"].as_str().unwrap());
    for (what, path) in [
        ("list", Path::new("/usr")),
        ("read", Path::new("/etc/passwd")),
        ("read", Path::new("/dev/null")),
        ("read", Path::new("/proc/meminfo")),
        ("list", &code),
        ("read", &code.join("bootstrap")),
    ] {
        assert_eq!(
            outcome(&lab, what, path).await,
            "done",
            "{}",
            path.display()
        );
    }
    let sandbox = format!("/proc/{}", std::process::id());
    for (what, path) in [
        ("read", private.file()),
        ("list", private.0.clone()),
        ("list", private.0.parent().unwrap().to_owned()),
        ("read", Path::new(&sandbox).join("environ")),
        ("read", Path::new(&sandbox).join("cmdline")),
        ("list", Path::new(&sandbox).join("fd")),
        ("list", PathBuf::from("/dev/shm")),
        ("list", PathBuf::from("/etc")),
        ("read", PathBuf::from("/etc/shadow")),
    ] {
        assert_refused(&lab, what, &path).await;
    }
    // Another function's code and files lie beside its own.
    lab.create(
        &package(b"#!/bin/sh\nexit 0\n", 0o755),
        json!({"FunctionName": "other"}),
    )
    .await;
    lab.invoke_as("other", json!({})).await;
    let script = format!("ls '{}'", code.parent().unwrap().display());
    let (_, answer, _) = lab.invoke(json!({"do": "shell", "script": script})).await;
    let own = format!("{}\n", code.file_name().unwrap().display());
    assert!(
        ["", &own].contains(&answer["out"].as_str().unwrap()),
        "{answer}"
    );
}

#[tokio::test]
async fn function_writes_to_its_own_tmp_only() {
    if !held("files", isolation::means().files) {
        return;
    }
    let (lab, private) = (lab().await, Private::new());
    let seen = seen_by(&lab).await;
    let path = |name: &str| PathBuf::from(seen[name].as_str().unwrap());
    let scratch = path("TMPDIR").join("own");
    assert_eq!(outcome(&lab, "write", &scratch).await, "done");
    assert_eq!(outcome(&lab, "chmod", &scratch).await, "done");
    let code = path("LAMBDA_TASK_ROOT");
    for path in [
        private.file(),
        private.0.join("new"),
        PathBuf::from("/dev/shm/driftlab-isolation-test"),
        PathBuf::from("/var/tmp/driftlab-isolation-test"),
        code.join("bootstrap"),
        code.join("new"),
        PathBuf::from("/proc/sys/kernel/hostname"),
    ] {
        assert_refused(&lab, "write", &path).await;
    }
    assert_eq!(fs::read_to_string(private.file()).unwrap(), "kept");
    // The code still runs in a new process, and in a process of another account.
    lab.ok(
        "UpdateFunctionConfiguration",
        json!({"FunctionName": "f", "Description": "new"}),
    )
    .await;
    assert!(!lab.invoke(json!({})).await.0);
}

#[tokio::test]
async fn function_changes_no_permissions_outside_of_its_tmp() {
    if !held("permissions of files (no mounts)", isolation::means().mount) {
        return;
    }
    let (lab, private) = (lab().await, Private::new());
    let seen = seen_by(&lab).await;
    let code = PathBuf::from(seen["LAMBDA_TASK_ROOT"].as_str().unwrap());
    for path in [
        private.file(),
        private.0.clone(),
        code.join("bootstrap"),
        code,
    ] {
        assert_refused(&lab, "chmod", &path).await;
    }
    // `/tmp` itself is the function's, and nobody else sees it.
    let own = hex_id("/tmp/driftlab-isolation-test-", 12);
    assert_eq!(outcome(&lab, "write", Path::new(&own)).await, "done");
    assert!(!Path::new(&own).exists());
}

#[tokio::test]
async fn function_listens_on_nothing_and_pairs_no_datagrams() {
    if !held("system calls", isolation::available().is_ok()) {
        return;
    }
    let lab = lab().await;
    for what in ["listen", "pair"] {
        let (_, answer, _) = lab.invoke(json!({"do": what})).await;
        assert_eq!(answer, "PermissionDenied", "{what}");
    }
    assert_eq!(lab.invoke(json!({"do": "stream pair"})).await.1, "done");
}

#[tokio::test]
async fn function_touches_no_process_but_its_own() {
    let Means {
        files, processes, ..
    } = isolation::means();
    let (lab, pid) = (lab().await, std::process::id());
    if held("limits", files) {
        let (_, answer, _) = lab.invoke(json!({"do": "limit", "pid": pid})).await;
        assert_eq!(answer, "PermissionDenied");
    }
    if held("signals", processes) {
        let (_, answer, _) = lab.invoke(json!({"do": "signal", "pid": pid})).await;
        assert_eq!(answer, "PermissionDenied");
    }
}

#[tokio::test]
async fn function_of_root_has_no_privileges() {
    if !held("privileges (no /proc of its own)", isolation::means().mount) {
        return;
    }
    let lab = lab().await;
    let script = "grep -E '^Cap(Prm|Eff|Inh)' /proc/self/status";
    let (_, answer, _) = lab.invoke(json!({"do": "shell", "script": script})).await;
    let none = "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n";
    assert_eq!(answer["out"], none, "{answer}");
    // And it sees its own processes only.
    let (_, answer, _) = lab
        .invoke(json!({"do": "shell", "script": "echo /proc/[0-9]*"}))
        .await;
    let shown = answer["out"].as_str().unwrap();
    assert!(shown.split_whitespace().count() <= 3, "{shown}");
}

#[tokio::test]
async fn runtime_api_serves_its_function_and_no_browser() {
    let lab = lab().await;
    let api = seen_by(&lab).await["AWS_LAMBDA_RUNTIME_API"].clone();
    let api = api.as_str().unwrap();
    for header in ["origin: https://evil.example", "sec-fetch-site: cross-site"] {
        let (_, answer, _) = lab.invoke(json!({"do": "request", "header": header})).await;
        let answer = answer.as_str().unwrap();
        assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
        assert!(answer.contains("comes from a browser"), "{answer}");
    }
    // This test is the same user on the same machine, but not the function.
    if !held("whose a connection is", Path::new("/proc/net/tcp").exists()) {
        return;
    }
    let api = api.to_owned();
    let stolen = tokio::task::spawn_blocking(move || {
        function::exchange_with(&api, "GET", "invocation/next", b"", "accept: */*")
    });
    let answer = stolen.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(
        answer.contains("not of one of the function's processes"),
        "{answer}"
    );
    let (failed, answer, _) = lab.invoke(json!({"secret": 1})).await;
    assert!(!failed);
    assert_eq!(answer["event"], json!({"secret": 1}));
}

#[tokio::test]
async fn strangers_connections_take_no_place_of_the_function() {
    if !held("whose a connection is", Path::new("/proc/net/tcp").exists()) {
        return;
    }
    let lab = lab().await;
    let api = seen_by(&lab).await["AWS_LAMBDA_RUNTIME_API"].clone();
    let mut strangers = Vec::new();
    for _ in 0..100 {
        let stranger = TcpStream::connect(api.as_str().unwrap()).await;
        strangers.push(stranger.unwrap());
    }
    // The connection that answers is behind all of these.
    let (failed, answer, tail) = lab.invoke(json!({"still": "served"})).await;
    assert!(!failed, "{answer} {tail}");
    assert_eq!(answer["event"], json!({"still": "served"}));
    // Few of them are waited for; the others were closed without a word. A read does not wait.
    let closed = strangers.into_iter().filter_map(|stranger| {
        let read = stranger.into_std().unwrap().read(&mut [0]);
        (read.ok() == Some(0)).then_some(())
    });
    assert!(closed.count() >= 92);
}

/// A runtime as many are written: a shell script that asks with curl.
const CURL: &str = r#"#!/bin/bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
    event=$(curl -sS -D "$TMPDIR/head" "$api/next")
    id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$TMPDIR/head" | tr -d '[:space:]' | cut -d: -f2)
    echo "handling" > /dev/stderr
    words=$(sort <(echo b) <(echo a) | paste -sd ,)
    curl -sS "$api/$id/response" -d "{\"event\": $event, \"words\": \"$words\"}" > /dev/null
done
"#;

#[tokio::test]
async fn bash_and_curl_still_make_a_runtime() {
    let found = ["/usr/bin/curl", "/bin/bash"]
        .iter()
        .all(|it| Path::new(it).exists());
    if !held("a runtime of bash and curl, which are missing", found) {
        return;
    }
    let lab = Lab::new().await;
    lab.create(&package(CURL.as_bytes(), 0o755), json!({"Timeout": 30}))
        .await;
    for round in 1..=2 {
        let (failed, answer, tail) = lab.invoke(json!({"round": round})).await;
        assert!(!failed, "{answer} {tail}");
        assert_eq!(answer, json!({"event": {"round": round}, "words": "a,b"}));
        assert!(tail.contains("handling"), "{tail}");
    }
}

#[tokio::test]
async fn a_function_reaches_its_sandbox_and_nothing_else() {
    if let Err(why) = isolation::available() {
        assert_eq!(isolation::name(), "none");
        let _ = writeln!(std::io::stderr(), "not proved on this machine: {why}");
        return;
    }
    assert_eq!(isolation::name(), "landlock");
    let lab = Lab::new().await;
    let front_door = crate::server::bind(&lab.sandbox, 0).await.unwrap();
    let neighbour = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (front_door, neighbour) = (
        front_door.local_addr().unwrap().to_string(),
        neighbour.local_addr().unwrap().to_string(),
    );
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    let (_, answer, _) = lab.invoke(json!({"do": "connect", "to": front_door})).await;
    assert_eq!(answer, "connected");
    for refused in [
        json!({"do": "connect", "to": neighbour}),
        json!({"do": "connect", "to": "192.0.2.1:443"}),
        json!({"do": "connect", "to": "[2001:db8::1]:443"}),
        json!({"do": "datagram"}),
        json!({"do": "local"}),
    ] {
        let (failed, answer, _) = lab.invoke(refused.clone()).await;
        assert!(!failed);
        assert_eq!(answer, "PermissionDenied", "{refused}");
    }
    // The sandbox itself is as free as before.
    TcpStream::connect(&neighbour).await.unwrap();
    tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
}
