//! What bounds a function: processes, storage, output, and the machine.

use std::io::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::{Lab, client_package};
use crate::ids::hex_id;
use crate::lambda::{FunctionLimits, isolation};
use crate::sandbox::Settings;

async fn lab(memory: u32) -> Lab {
    let lab = Lab::new().await;
    lab.create(
        &client_package(),
        json!({"Timeout": 60, "MemorySize": memory}),
    )
    .await;
    lab
}

/// Whether this machine lists processes; without that nothing is counted.
fn lists_processes() -> bool {
    let lists = Path::new("/proc/self/task").exists();
    if !lists {
        let _ = writeln!(std::io::stderr(), "not proved on this machine: no /proc");
    }
    lists
}

/// How many processes have `token` among their arguments.
fn alive(token: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes
        .filter(|process| {
            let arguments = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(token)
        })
        .count()
}

/// A script that leaves a process behind, in a session of its own, with a parent that is gone and
/// without any variable.
fn orphan(token: &str) -> String {
    let forever = format!("while :; do sleep 1; done # {token}");
    format!("(setsid env -i /bin/sh -c '{forever}' >/dev/null 2>&1 </dev/null &) ; sleep 0.1")
}

async fn shell(lab: &Lab, script: &str) -> (bool, Value, String) {
    lab.invoke(json!({"do": "shell", "script": script})).await
}

#[tokio::test]
async fn orphans_in_sessions_of_their_own_end_with_their_function() {
    if !lists_processes() {
        return;
    }
    let lab = lab(512).await;
    let token = hex_id("orphan-", 12);
    let (failed, answer, tail) = shell(&lab, &orphan(&token)).await;
    assert!(!failed, "{answer} {tail}");
    // A process without work keeps what it has started, as on AWS.
    assert!(alive(&token) > 0);
    lab.sandbox.functions.shut_down().await;
    assert_eq!(alive(&token), 0);
}

#[tokio::test]
async fn orphans_of_one_function_outlive_the_end_of_another() {
    if !lists_processes() {
        return;
    }
    let lab = lab(512).await;
    lab.create(
        &client_package(),
        json!({"FunctionName": "other", "Timeout": 30}),
    )
    .await;
    let token = hex_id("orphan-", 12);
    shell(&lab, &orphan(&token)).await;
    let (failed, ..) = lab.invoke_as("other", json!({"do": "crash"})).await;
    assert!(failed);
    assert!(alive(&token) > 0);
    lab.sandbox.functions.shut_down().await;
}

#[tokio::test]
async fn memory_of_orphans_counts() {
    if !lists_processes() {
        return;
    }
    let lab = lab(128).await;
    // `tail` keeps what it is asked for until its input ends.
    let hoard = "head -c 300000000 /dev/zero | tail -c 300000000 | sleep 60";
    let script = format!("(setsid sh -c '{hoard}' >/dev/null 2>&1 </dev/null &) ; sleep 50");
    let (failed, document, tail) = shell(&lab, &script).await;
    assert!(failed, "{document} {tail}");
    let message = document["errorMessage"].as_str().unwrap();
    assert!(message.ends_with("signal: killed"), "{message}");
    assert!(tail.contains("Max Memory Used: 128 MB"), "{tail}");
}

#[tokio::test]
async fn function_with_too_many_processes_is_ended_with_all_of_them() {
    if !lists_processes() {
        return;
    }
    let lab = lab(2048).await;
    let seconds = format!("5{:05}", fastrand::u32(0..100_000));
    // Each in a session of its own, so that no group has them all.
    let script =
        format!("i=0; while [ $i -lt 1100 ]; do setsid sleep {seconds} & i=$((i+1)); done; wait");
    let (failed, document, tail) = shell(&lab, &script).await;
    assert!(failed, "{document} {tail}");
    assert_eq!(document["errorType"], "Runtime.ExitError");
    assert!(
        tail.contains("processes and threads, and AWS allows 1024"),
        "{tail}"
    );
    assert_eq!(alive(&seconds), 0);
    assert!(!lab.invoke(json!({})).await.0);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn function_leaves_no_dump_of_its_memory() {
    let lab = lab(512).await;
    let (_, answer, _) = shell(&lab, "ulimit -Sc; ulimit -Hc").await;
    assert_eq!(answer["out"], "0\n0\n", "{answer}");
}

#[tokio::test]
async fn function_writes_as_much_as_its_storage_holds() {
    let lab = lab(512).await;
    let (failed, answer, tail) = lab.invoke(json!({"do": "store", "megabytes": 400})).await;
    assert!(!failed, "{tail}");
    assert_eq!(answer, "done");
    let (failed, answer, tail) = lab.invoke(json!({"do": "store", "megabytes": 600})).await;
    if isolation::means().mount {
        assert!(!failed, "{tail}");
        assert_eq!(answer, "StorageFull");
    } else if cfg!(target_os = "linux") {
        // Ended by the kernel for the size of its file, or by the sandbox for that of all files.
        assert!(failed || answer == "FileTooLarge", "{answer}");
    }
}

#[tokio::test]
async fn flood_without_a_line_break_is_cut_and_the_log_says_so() {
    let lab = lab(512).await;
    let (failed, answer, tail) = lab.invoke(json!({"do": "flood", "megabytes": 20})).await;
    assert!(!failed, "{answer}");
    // Twenty megabytes less the sixteen that are kept, and the few lines of the program itself.
    let cut = tail.split("[driftlab-sandbox] ").nth(1).unwrap();
    let cut: u64 = cut.split(' ').next().unwrap().parse().unwrap();
    assert!((4 << 20..5 << 20).contains(&cut), "{tail}");
    // The next invocation has as much again.
    let (_, _, tail) = lab.invoke(json!({"do": "print"})).await;
    assert!(
        tail.contains("printed 0") && !tail.contains("not kept"),
        "{tail}"
    );
}

#[tokio::test]
async fn invocation_without_a_place_on_the_machine_waits_for_one() {
    let lab = Lab::with(Settings {
        function_limits: FunctionLimits {
            invocations: Some(1),
            memory_mb: None,
        },
        ..Settings::default()
    })
    .await;
    lab.create(&client_package(), json!({"Timeout": 1})).await;
    lab.create(
        &client_package(),
        json!({"FunctionName": "other", "Timeout": 30}),
    )
    .await;
    let busy = lab.invoke(json!({"do": "hang"}));
    let second = async {
        lab.logged("START", 1).await;
        let (failed, ..) = lab.invoke_as("other", json!({})).await;
        assert!(!failed);
        // It began when the first had ended.
        let log = lab.log("").await;
        let place = |start: &str| log.iter().rposition(|line| line.starts_with(start));
        assert!(
            log.iter().any(|line| line.contains("Task timed out")),
            "{log:?}"
        );
        assert!(place("START") > log.iter().position(|line| line.contains("Task timed out")));
    };
    let ((timed_out, ..), ()) = tokio::join!(busy, second);
    assert!(timed_out);
}

#[tokio::test]
async fn idle_processes_make_room_for_others() {
    let lab = Lab::with(Settings {
        function_limits: FunctionLimits {
            invocations: None,
            memory_mb: Some(128),
        },
        ..Settings::default()
    })
    .await;
    lab.create(&client_package(), json!({"Timeout": 30})).await;
    lab.create(
        &client_package(),
        json!({"FunctionName": "other", "Timeout": 30}),
    )
    .await;
    let (_, first, _) = lab.invoke(json!({})).await;
    let (_, again, _) = lab.invoke(json!({})).await;
    assert_eq!(first["pid"], again["pid"]);
    lab.invoke_as("other", json!({})).await;
    let (_, fresh, _) = lab.invoke(json!({})).await;
    assert_ne!(first["pid"], fresh["pid"]);
}
