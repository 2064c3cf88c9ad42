//! One execution environment: a process, its Runtime API, its log stream.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::process::Command;
use tokio::time::Instant;

use super::isolation::{self, Boundary};
use super::journal::Journal;
use super::output::Output;
use super::package::Unpacked;
use super::process::Process;
use super::report::{Times, init_start, report};
use super::runtime_api::{Job, RuntimeApi};
use super::verdict::{INVALID_ENTRYPOINT, Verdict};
use super::{Ran, SESSION, Spec, entry, home, variables};
use crate::caller::{Caller, Credentials};
use crate::clock::{Timestamp, iso8601};
use crate::ids::hex_id;
use crate::sandbox::Sandbox;

/// The initialisation's own time.
const INIT: Duration = Duration::from_secs(10);

/// An execution environment. Dropping it ends the process.
pub(super) struct Instance {
    /// Not the other way round: the sandbox owns it.
    sandbox: Weak<Sandbox>,
    generation: u64,
    state: State,
    pub(super) api: RuntimeApi,
    output: Output,
    journal: Arc<Journal>,
    credentials: Credentials,
    /// The most memory that it was seen with, in bytes.
    pub(super) peak: Option<u64>,
    launch: Launch,
}

enum State {
    /// Started, with the moment of its start; the first event has not been handed over.
    Fresh(Arc<Process>, Instant),
    /// Has answered at least once.
    Warm(Arc<Process>),
    /// There is nothing to start, because of this.
    Impossible(String),
}

impl State {
    fn process(&self) -> Option<Arc<Process>> {
        match self {
            State::Fresh(process, _) | State::Warm(process) => Some(process.clone()),
            State::Impossible(_) => None,
        }
    }
}

/// What starting the process takes; it may have to be done twice.
struct Launch {
    /// The program and its arguments, or why there is none.
    entry: Result<Vec<OsString>, String>,
    variables: Vec<(String, String)>,
    /// What it may read beside the system and its code.
    read: Vec<PathBuf>,
    /// Bytes of memory that it has.
    memory: u64,
    /// Its `/tmp`.
    scratch: Scratch,
    /// Bytes that it may write there.
    storage: u64,
    /// Its mounts, where it has some.
    mounts: Arc<OnceLock<OwnedFd>>,
    /// Alive while the process needs it.
    code: Arc<Unpacked>,
}

impl Launch {
    /// Starts it, with a Runtime API and a pipe of its own.
    async fn start(
        &self,
        sandbox: &Arc<Sandbox>,
        journal: &Arc<Journal>,
    ) -> io::Result<(State, RuntimeApi, Output)> {
        let api = RuntimeApi::listen().await?;
        let (output, stdout, stderr) = Output::new(journal.clone())?;
        let arguments = match &self.entry {
            Ok(arguments) => arguments,
            Err(why) => return Ok((State::Impossible(why.clone()), api, output)),
        };
        let (program, arguments) = arguments
            .split_first()
            .ok_or_else(|| io::Error::other("there is no program to start"))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.code.path())
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("LAMBDA_TASK_ROOT", self.code.path())
            .env("TMPDIR", isolation::visible_scratch(&self.scratch.0))
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        let mut ports = vec![api.address.port()];
        ports.extend(own_port(sandbox));
        let boundary = Boundary {
            ports,
            code: Some(self.code.path().to_owned()),
            read: self.read.clone(),
            scratch: Some(self.scratch.0.clone()),
            storage: self.storage,
            mounts: self.mounts.clone(),
        };
        let guard = sandbox.functions.lock().guard.pipe();
        let started = Instant::now();
        // The command, which holds the writing end of the pipe, is gone after this: so that the end
        // of what is printed is seen.
        let process = Process::start(command, boundary, guard).await?;
        sandbox.functions.register(&process)?;
        api.belongs_to(&process);
        tokio::spawn(Process::watch_idle(Arc::downgrade(&process), self.memory));
        Ok((State::Fresh(process, started), api, output))
    }
}

/// A private directory that goes with its owner.
struct Scratch(std::path::PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        home::remove(&self.0);
    }
}

/// What became of an event.
pub(super) enum Ended {
    /// The process was gone before the event reached it.
    Untouched,
    With(Ran),
}

impl Instance {
    /// Starts the process of a function.
    pub(super) async fn prepare(
        sandbox: &Arc<Sandbox>,
        spec: &Spec,
        code: Arc<Unpacked>,
    ) -> io::Result<Self> {
        let now = sandbox.clock.now();
        let role = spec.settings.role.rsplit('/').next().unwrap_or_default();
        let caller = Caller::Role {
            role: role.to_owned(),
            session: spec.key.name.clone(),
        };
        let credentials = sandbox
            .keys
            .issue_session(&spec.account, caller.clone(), now + SESSION);
        let journal = Arc::new(Journal::new(sandbox, spec, caller));
        let scratch = {
            let inner = sandbox.functions.lock();
            let home = inner.home.as_ref().ok_or_else(closed)?;
            home.directory("tmp")
        };
        home::private_directory(&scratch)?;
        let scratch = Scratch(scratch);
        journal.write(vec![init_start(spec)]);
        let mut read = sandbox.settings.function_paths.clone();
        let entry = entry::of(spec, code.path()).await.map(|program| {
            read.extend(program.read);
            program.arguments
        });
        let launch = Launch {
            entry,
            variables: variables::all(sandbox, spec, &journal, &credentials),
            read,
            memory: spec.memory(),
            scratch,
            storage: spec.storage(),
            mounts: Arc::default(),
            code,
        };
        let (state, api, output) = launch.start(sandbox, &journal).await?;
        Ok(Self {
            sandbox: Arc::downgrade(sandbox),
            generation: spec.generation,
            state,
            api,
            output,
            journal,
            credentials,
            peak: None,
            launch,
        })
    }

    /// Whether it can take an event of this generation now.
    pub(super) fn is_fit(&self, generation: u64, now: Timestamp) -> bool {
        // A session must outlive the longest invocation.
        let lasts = self
            .credentials
            .expires
            .is_none_or(|at| now + time::Duration::minutes(20) < at);
        let alive = match &self.state {
            State::Fresh(..) | State::Impossible(_) => false,
            State::Warm(process) => process.is_alive(),
        };
        alive && lasts && self.generation == generation
    }

    /// Megabytes that its function may have.
    pub(super) fn memory_mb(&self) -> u64 {
        self.launch.memory >> 20
    }

    pub(super) fn kill(&self) {
        if let Some(process) = self.state.process() {
            process.kill();
        }
    }

    /// Hands the event to the process and waits for what comes of it.
    pub(super) async fn invoke(
        &mut self,
        sandbox: &Arc<Sandbox>,
        spec: &Spec,
        request_id: &str,
        event: &Bytes,
    ) -> io::Result<Ended> {
        self.journal.begin();
        self.output.begin();
        let timeout = Duration::from_secs(u64::from(spec.settings.timeout));
        let mut init = None;
        let mut began = None;
        if let State::Fresh(process, started) = &self.state {
            let (process, started) = (process.clone(), *started);
            match self.initialise(&process, started + INIT, spec).await {
                None => init = Some(started.elapsed()),
                // What did not work is tried once more, in the time of the invocation.
                Some(verdict) => {
                    self.init_report("init", started, verdict);
                    began = Some(Instant::now());
                    (self.state, self.api, self.output) =
                        self.launch.start(sandbox, &self.journal).await?;
                }
            }
        }
        let verdict = match (&self.state, began) {
            (State::Impossible(why), _) => {
                let verdict = Verdict::Trouble(INVALID_ENTRYPOINT, why.clone());
                for phase in ["init", "invoke"] {
                    self.init_report(phase, Instant::now(), verdict.clone());
                }
                Some(verdict)
            }
            (State::Fresh(process, started), Some(began)) => {
                let (process, started) = (process.clone(), *started);
                let verdict = self.initialise(&process, began + timeout, spec).await;
                if let Some(verdict) = &verdict {
                    self.init_report("invoke", started, verdict.clone());
                }
                verdict
            }
            (State::Fresh(..), None) | (State::Warm(_), _) => None,
        };
        self.start_line(spec, request_id);
        let began = began.unwrap_or_else(Instant::now);
        let verdict = match (verdict, self.state.process()) {
            (Some(verdict), _) => verdict,
            (None, None) => return Ok(Ended::Untouched),
            (None, Some(process)) => {
                let left = timeout.saturating_sub(began.elapsed());
                let job = job(spec, request_id, event, left);
                match self.hand_over(&process, job, began + timeout, spec).await {
                    Some(verdict) => verdict,
                    None => return Ok(Ended::Untouched),
                }
            }
        };
        let times = Times {
            init,
            run: began.elapsed(),
        };
        if let Some(process) = self.state.process() {
            self.peak = process.peak_memory().or(self.peak);
            if verdict.leaves_it_usable() {
                self.state = State::Warm(process);
            } else {
                process.kill();
                process.ended().await;
            }
        }
        Ok(Ended::With(self.close(spec, request_id, verdict, &times)))
    }

    /// Adds a line of the sandbox's own to the log, after what was printed.
    pub(super) fn say(&self, line: Option<String>) {
        self.output.drain();
        self.journal.write(line.into_iter().collect());
    }

    /// Says in the log that an initialisation came to nothing.
    fn init_report(&self, phase: &str, started: Instant, verdict: Verdict) {
        self.output.drain();
        let millis = started.elapsed().as_secs_f64() * 1000.0;
        self.journal.write(vec![format!(
            "INIT_REPORT Init Duration: {millis:.2} ms\tPhase: {phase}\t{}",
            verdict.report().trim_end()
        )]);
    }

    fn start_line(&self, spec: &Spec, request_id: &str) {
        // Whatever was printed during the initialisation comes before.
        self.output.drain();
        self.journal.write(vec![format!(
            "START RequestId: {request_id} Version: {}",
            spec.key.version
        )]);
    }

    /// Completes the log. Everything that the function printed is in it before its answer is known.
    fn close(&self, spec: &Spec, request_id: &str, verdict: Verdict, times: &Times) -> Ran {
        self.output.drain();
        let now = self
            .sandbox
            .upgrade()
            .map(|sandbox| iso8601(sandbox.clock.now()));
        let mut lines = Vec::new();
        lines.extend(verdict.log_line(request_id, &now.unwrap_or_default()));
        lines.push(format!("END RequestId: {request_id}"));
        lines.push(report(spec, request_id, &verdict, times, self.peak));
        self.journal.write(lines);
        Ran {
            failed: verdict.failed(),
            payload: verdict.payload(request_id),
            log_tail: self.journal.end(),
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.kill();
        if let Some(sandbox) = self.sandbox.upgrade() {
            sandbox.keys.revoke(&self.credentials.access_key_id);
        }
    }
}

fn job(spec: &Spec, request_id: &str, event: &Bytes, timeout: Duration) -> Job {
    // The one place with the system's own time: the function compares it with its own clock, which
    // the sandbox cannot step.
    let deadline = SystemTime::now() + timeout;
    let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
    Job {
        request_id: request_id.to_owned(),
        event: event.clone(),
        deadline: deadline.as_millis(),
        invoked_arn: spec.invoked_arn.clone(),
        trace_id: format!(
            "Root=1-{:08x}-{};Parent={};Sampled=0",
            deadline.as_secs(),
            hex_id("", 24),
            hex_id("", 16)
        ),
    }
}

/// Where the sandbox listens, when it does.
fn own_port(sandbox: &Sandbox) -> Option<u16> {
    let (_, port) = sandbox.endpoint().rsplit_once(':')?;
    port.parse().ok()
}

fn closed() -> io::Error {
    io::Error::other("the sandbox is being shut down")
}
