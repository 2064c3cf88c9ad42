//! One execution environment: a process, its Runtime API, its log stream.

use std::io;
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use tokio::process::Command;
use tokio::time::Instant;

use super::journal::Journal;
use super::output::Output;
use super::package::{self, Unpacked};
use super::process::Process;
use super::report::{Times, init_start, report};
use super::runtime_api::{Job, MAX_RESPONSE, RuntimeApi, Signal};
use super::verdict::{INVALID_ENTRYPOINT, TOO_LARGE, Verdict};
use super::{Ran, SESSION, Spec, home, variables};
use crate::caller::{Caller, Credentials};
use crate::clock::{Timestamp, iso8601};
use crate::ids::hex_id;
use crate::sandbox::Sandbox;

/// The initialisation's own time; what it needs more comes from the first invocation's.
const INIT: Duration = Duration::from_secs(10);
/// An execution environment. Dropping it ends the process.
pub(super) struct Instance {
    /// Not the other way round: the sandbox owns it.
    sandbox: Weak<Sandbox>,
    generation: u64,
    state: State,
    api: RuntimeApi,
    output: Output,
    journal: Arc<Journal>,
    credentials: Credentials,
    /// The most memory that it was seen with, in bytes.
    peak: Option<u64>,
    /// Its `/tmp`.
    _scratch: Scratch,
    /// Alive while the process needs it.
    _code: Arc<Unpacked>,
}

enum State {
    /// Started, with the moment of its start; the first event has not been handed over.
    Fresh(Arc<Process>, Instant),
    /// Has answered at least once.
    Warm(Arc<Process>),
    /// There is nothing to start, because of this.
    Impossible(String),
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
        let api = RuntimeApi::listen().await?;
        let (output, stdout, stderr) = Output::new(journal.clone())?;
        let (guard, scratch) = {
            let inner = sandbox.functions.lock();
            let home = inner.home.as_ref().ok_or_else(closed)?;
            (inner.guard.pipe(), home.directory("tmp"))
        };
        home::private_directory(&scratch)?;
        let scratch = Scratch(scratch);
        journal.write(vec![init_start(spec)]);
        let state = match package::check_entrypoint(code.path(), spec.architecture) {
            Err(why) => State::Impossible(why),
            Ok(executable) => {
                let mut command = Command::new(executable);
                command
                    .current_dir(code.path())
                    .env_clear()
                    .envs(variables::all(sandbox, spec, &journal, &credentials))
                    .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
                    .env("LAMBDA_TASK_ROOT", code.path())
                    .env("TMPDIR", &scratch.0)
                    .stdin(std::process::Stdio::null())
                    .stdout(stdout)
                    .stderr(stderr);
                let mut ports = vec![api.address.port()];
                ports.extend(own_port(sandbox));
                let started = Instant::now();
                let process = Process::start(command, ports, guard).await?;
                // The command holds the writing end of the pipe; closed, so that the end is seen.
                sandbox.functions.register(&process)?;
                State::Fresh(process, started)
            }
        };
        Ok(Self {
            sandbox: Arc::downgrade(sandbox),
            generation: spec.generation,
            state,
            api,
            output,
            journal,
            credentials,
            peak: None,
            _scratch: scratch,
            _code: code,
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

    pub(super) fn kill(&self) {
        match &self.state {
            State::Fresh(process, _) | State::Warm(process) => process.kill(),
            State::Impossible(_) => {}
        }
    }

    /// Hands the event to the process and waits for what comes of it.
    pub(super) async fn invoke(&mut self, spec: &Spec, request_id: &str, event: &Bytes) -> Ended {
        self.journal.begin();
        let (process, started) = match &self.state {
            State::Impossible(why) => {
                let verdict = Verdict::Trouble(INVALID_ENTRYPOINT, why.clone());
                let times = Times {
                    init: None,
                    run: Duration::ZERO,
                };
                self.start_line(spec, request_id);
                return Ended::With(self.close(spec, request_id, verdict, &times));
            }
            State::Fresh(process, started) => (process.clone(), Some(*started)),
            State::Warm(process) => (process.clone(), None),
        };
        let timeout = Duration::from_secs(u64::from(spec.settings.timeout));
        let mut init = None;
        let mut verdict = None;
        if let Some(started) = started {
            verdict = self.initialise(&process, started, timeout).await;
            init = Some(started.elapsed());
        }
        self.start_line(spec, request_id);
        let began = Instant::now();
        let verdict = match verdict {
            Some(Verdict::TimedOut(_)) => Verdict::TimedOut(spec.settings.timeout),
            Some(verdict) => verdict,
            None => {
                let job = job(spec, request_id, event, timeout);
                match self.hand_over(&process, job, began + timeout).await {
                    Some(verdict) => verdict,
                    None => return Ended::Untouched,
                }
            }
        };
        let times = Times {
            init,
            run: began.elapsed(),
        };
        self.peak = process.peak_memory().or(self.peak);
        if verdict.leaves_it_usable() {
            self.state = State::Warm(process);
        } else {
            process.kill();
            process.ended().await;
        }
        Ended::With(self.close(spec, request_id, verdict, &times))
    }

    /// Waits until the process asks for its first event; answers why it never will.
    async fn initialise(
        &mut self,
        process: &Process,
        started: Instant,
        timeout: Duration,
    ) -> Option<Verdict> {
        let mut deadline = started + INIT;
        let mut extended = false;
        loop {
            tokio::select! {
                biased;
                signal = self.api.signals.recv() => match signal {
                    Some(Signal::Ready) => return None,
                    Some(Signal::InitError(document)) => return Some(Verdict::Init(document)),
                    // Nothing was handed out that these could be about.
                    Some(Signal::Taken | Signal::Response(_) | Signal::TooLarge | Signal::Error(_)) => {}
                    None => return Some(Verdict::exited(process.ended().await)),
                },
                status = process.ended() => return Some(Verdict::exited(status)),
                () = tokio::time::sleep_until(deadline), if !extended => {
                    let millis = started.elapsed().as_secs_f64() * 1000.0;
                    self.journal.write(vec![format!(
                        "INIT_REPORT Init Duration: {millis:.2} ms\tPhase: init\tStatus: timeout"
                    )]);
                    deadline += timeout;
                    extended = true;
                }
                () = tokio::time::sleep_until(deadline), if extended => {
                    return Some(Verdict::TimedOut(0));
                }
            }
        }
    }

    /// `None` when the process was gone before it took the event.
    async fn hand_over(
        &mut self,
        process: &Process,
        job: Job,
        deadline: Instant,
    ) -> Option<Verdict> {
        let seconds = u32::try_from((deadline - Instant::now()).as_secs_f64().ceil() as u64)
            .unwrap_or(u32::MAX);
        // There is room: the process answered the job before, or never had one.
        if self.api.jobs.try_send(job).is_err() {
            return None;
        }
        let mut taken = false;
        loop {
            tokio::select! {
                biased;
                signal = self.api.signals.recv() => match signal {
                    Some(Signal::Taken) => {
                        taken = true;
                        // A process that crashes takes the figure with it.
                        self.peak = process.peak_memory().or(self.peak);
                    }
                    Some(Signal::Response(bytes)) => return Some(Verdict::Answer(bytes)),
                    Some(Signal::Error(document)) => return Some(Verdict::Failure(document)),
                    Some(Signal::TooLarge) => return Some(Verdict::Trouble(
                        TOO_LARGE,
                        format!("Response payload size exceeded maximum allowed payload size ({MAX_RESPONSE} bytes)."),
                    )),
                    Some(Signal::Ready | Signal::InitError(_)) => {}
                    None => return None,
                },
                status = process.ended() => {
                    return taken.then(|| Verdict::exited(status));
                }
                () = tokio::time::sleep_until(deadline) => return Some(Verdict::TimedOut(seconds)),
            }
        }
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
