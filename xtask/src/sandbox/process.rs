//! Starts `driftlab-sandbox` and waits until it is ready.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::{Options, Sandbox};
use crate::failure::{Exit, Failure};
use crate::private_file;
use crate::workspace;

/// A sandbox is ready within 50 ms; a machine that is busy building gets its time too.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// How long a sandbox may take to end its functions and itself.
pub(crate) const GONE_WITHIN: Duration = Duration::from_secs(10);

/// How many lines of what a sandbox wrote are shown when it fails.
const LAST_LINES: usize = 20;

/// A sandbox that ends with its owner: it watches the pipe that is held here, and the kernel closes the pipe even when
/// xtask is killed outright.
#[derive(Debug)]
pub(crate) struct Private {
    child: Child,
    said: Arc<Mutex<VecDeque<String>>>,
    pub(crate) sandbox: Sandbox,
}

impl Private {
    pub(crate) fn start(program: &Path, options: &Options) -> Result<Self> {
        let mut command = command(program, 0, options);
        command
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let said = Arc::new(Mutex::new(VecDeque::new()));
        if let Some(stderr) = child.stderr.take() {
            listen(stderr, Arc::clone(&said));
        }
        match ready(&mut child) {
            Ok(sandbox) => Ok(Self {
                child,
                said,
                sandbox,
            }),
            Err(failure) => Err(failure
                .hint(format!("read what it said:\n{}", last_lines(&said)))
                .into()),
        }
    }

    /// What the sandbox wrote last on its standard error.
    pub(crate) fn last_lines(&self) -> String {
        last_lines(&self.said)
    }

    /// Ends the sandbox and waits until it is gone.
    pub(crate) fn stop(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        let deadline = Instant::now() + GONE_WITHIN;
        while self
            .child
            .try_wait()
            .context("cannot wait for the sandbox to end")?
            .is_none()
        {
            if Instant::now() >= deadline {
                return Err(Failure::new(
                    Exit::Failed,
                    format!(
                        "the sandbox (process {}) did not end by itself",
                        self.child.id()
                    ),
                )
                .into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Private {
    /// An error on the way out of a command must not leave a process behind.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Both can only fail because the process is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn listen(stderr: ChildStderr, said: Arc<Mutex<VecDeque<String>>>) {
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if let Ok(mut said) = said.lock() {
                said.push_back(line);
                if said.len() > LAST_LINES {
                    said.pop_front();
                }
            }
        }
    });
}

fn last_lines(said: &Mutex<VecDeque<String>>) -> String {
    said.lock()
        .map(|said| said.iter().map(|line| format!("  {line}\n")).collect())
        .unwrap_or_default()
}

/// Starts a sandbox that outlives xtask: in a process group of its own, so that Ctrl-C does not reach it.
pub(crate) fn start_detached(
    program: &Path,
    port: u16,
    options: &Options,
    dir: &Path,
) -> Result<Sandbox> {
    let log = dir.join("sandbox.log");
    let file = private_file::create(&log)
        .with_context(|| format!("cannot write the sandbox's log `{}`", log.display()))?;
    let mut command = command(program, port, options);
    command.process_group(0).stdin(Stdio::null()).stderr(file);
    // Every sandbox begins with an empty inbox, in memory and in the file.
    let inbox = dir.join("inbox.mbox");
    private_file::create(&inbox).with_context(|| format!("cannot write `{}`", inbox.display()))?;
    command.arg("--inbox-file").arg(inbox);
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start `{}`", program.display()))?;
    ready(&mut child).map_err(|failure| {
        let said = fs::read_to_string(&log).unwrap_or_default();
        let last: Vec<&str> = said.lines().rev().take(LAST_LINES).collect();
        let last: String = last
            .iter()
            .rev()
            .map(|line| format!("\n    {line}"))
            .collect();
        failure
            .hint(format!("read what it said in `{}`:{last}", log.display()))
            .into()
    })
}

fn command(program: &Path, port: u16, options: &Options) -> Command {
    let mut command = Command::new(program);
    command
        .arg("--port")
        .arg(port.to_string())
        .arg("--state-dir")
        .arg(workspace::secret_dir())
        .stdout(Stdio::piped());
    if let Some(latency) = &options.config_latency {
        command.arg("--config-latency").arg(latency);
    }
    if options.enforce_iam {
        command.arg("--enforce-iam");
    }
    // Whatever runs inside must not find the user's real account.
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command
}

/// Waits for the one line that says where the sandbox is; ends the process if the line does not come.
fn ready(child: &mut Child) -> Result<Sandbox, Failure> {
    let (send, receive) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(stdout.take(64 * 1024)).read_line(&mut line);
            // Nobody listens any more once the deadline has passed.
            let _ = send.send(read.map(|_| line));
        });
    }
    let problem = match receive.recv_timeout(READY_WITHIN) {
        Ok(Ok(line)) if line.trim().is_empty() => {
            "the sandbox ended before it was ready".to_owned()
        }
        Ok(Ok(line)) => match serde_json::from_str(&line) {
            Ok(sandbox) => return Ok(sandbox),
            Err(error) => format!(
                "the sandbox does not say where it is ({error}): {}",
                line.trim()
            ),
        },
        Ok(Err(error)) => format!("cannot read where the sandbox is: {error}"),
        Err(_) => format!(
            "the sandbox was not ready within {} s",
            READY_WITHIN.as_secs()
        ),
    };
    // Both can only fail because the process is gone already.
    let _ = child.kill();
    let _ = child.wait();
    Err(Failure::new(Exit::Failed, problem))
}
