//! What a function can reach: endpoints, files, other processes. Each is tried by a function.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};

use super::{Lab, client_package, package};
use crate::ids::hex_id;
use crate::lambda::isolation;
use crate::lambda::isolation::Means;

/// Whether the test goes on: a machine without the means says so.
pub(super) fn held(what: &str, held: bool) -> bool {
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

pub(super) async fn lab() -> Lab {
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

pub(super) async fn seen_by(lab: &Lab) -> serde_json::Value {
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
        PathBuf::from("/proc/self/comm"),
    ] {
        assert_refused(&lab, "write", &path).await;
    }
    assert_eq!(fs::read_to_string(private.file()).unwrap(), "kept");
    let mode = fs::metadata(code.join("bootstrap")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o222, 0);
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

#[cfg(target_os = "linux")]
#[tokio::test]
async fn function_has_no_capabilities() {
    let (_, answer, tail) = lab().await.invoke(json!({"do": "capabilities"})).await;
    assert_eq!(answer, 0, "{tail}");
}

#[tokio::test]
async fn function_sees_its_own_processes_only() {
    let mount = isolation::means().mount;
    if !held("a view of processes (no /proc of its own)", mount) {
        return;
    }
    let script = "echo /proc/[0-9]*";
    let (_, answer, _) = lab()
        .await
        .invoke(json!({"do": "shell", "script": script}))
        .await;
    let shown = answer["out"].as_str().unwrap();
    assert!(shown.split_whitespace().count() <= 3, "{shown}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn function_reaches_no_abstract_socket() {
    use std::os::linux::net::SocketAddrExt as _;
    use std::os::unix::net::{SocketAddr, UnixListener};
    let name = hex_id("driftlab-isolation-test-", 12);
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    let (_, answer, _) = lab()
        .await
        .invoke(json!({"do": "abstract", "name": name}))
        .await;
    assert_eq!(answer, "PermissionDenied");
}

/// Binding and listening are asked for one without the other.
#[tokio::test]
async fn function_binds_no_port() {
    let perl = Path::new("/usr/bin/perl").exists();
    if !held("ports, by Perl", perl && isolation::means().network) {
        return;
    }
    let program = "use Socket; socket(S, AF_INET, SOCK_STREAM, 0) or die $!; \
        print bind(S, sockaddr_in(0, INADDR_LOOPBACK)) ? 0 : $!+0";
    let script = format!("exec /usr/bin/perl -e '{program}'");
    let (_, answer, _) = lab()
        .await
        .invoke(json!({"do": "shell", "script": script}))
        .await;
    assert_eq!(answer["out"], "13", "{answer}");
}

#[test]
fn gaps_are_named_one_by_one() {
    let all = Means {
        files: true,
        network: true,
        processes: true,
        mount: false,
    };
    assert!(all.gaps().is_empty());
    let old = Means {
        processes: false,
        ..all
    };
    assert!(old.gaps().len() == 1 && old.gaps()[0].contains("signal"));
    assert_eq!(Means::default().gaps().len(), 3);
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
