//! A process ends in time although all of its threads are busy.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use sandbox::shutdown;

const WORKERS: usize = 2;

/// Long enough for any machine; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// Not a test of its own: a process whose workers are all in the middle of something that never ends, and that cannot
/// clean up either.
#[test]
fn process_whose_workers_are_all_busy() {
    if std::env::var_os("ALL_BUSY").is_none() {
        return;
    }
    let workers = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .build()
        .unwrap();
    let (busy, begun) = mpsc::channel();
    for _ in 0..WORKERS {
        let busy = busy.clone();
        workers.spawn(async move {
            busy.send(()).unwrap();
            loop {
                std::thread::park();
            }
        });
    }
    for _ in 0..WORKERS {
        begun.recv().unwrap();
    }
    let ready = || {
        let mut out = std::io::stdout();
        writeln!(out, "\nready").and_then(|()| out.flush())
    };
    shutdown::until_told(
        workers,
        std::future::pending(),
        false,
        ready,
        std::future::pending(),
    )
    .unwrap();
}

#[test]
fn sigterm_with_all_workers_busy_ends_the_process() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "process_whose_workers_are_all_busy",
            "--nocapture",
        ])
        .env("ALL_BUSY", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let mut lines = out.lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "ready"));
    let pid = Pid::from_child(&child);
    kill_process(pid, Signal::TERM).unwrap();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait()));
    let status = ended.recv_timeout(PATIENCE);
    if status.is_err() {
        kill_process(pid, Signal::KILL).unwrap();
    }
    // Ended by itself, not by the signal.
    assert!(status.expect("the process ends").unwrap().success());
}
