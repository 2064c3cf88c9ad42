//! Waiting for a process: until it is ready for events, and until it is done with one.

use std::process::ExitStatus;

use tokio::time::Instant;

use super::Spec;
use super::instance::Instance;
use super::process::{Excess, MAX_TASKS, Process};
use super::runtime_api::{Job, MAX_RESPONSE, Signal};
use super::verdict::{TOO_LARGE, Verdict};

impl Instance {
    /// Waits until the process asks for its first event; answers why it does not.
    pub(super) async fn initialise(
        &mut self,
        process: &Process,
        deadline: Instant,
        spec: &Spec,
    ) -> Option<Verdict> {
        let too_large = process.outgrows(spec.memory());
        tokio::pin!(too_large);
        let verdict = loop {
            tokio::select! {
                biased;
                signal = self.api.signals.recv() => match signal {
                    Some(Signal::Ready) => return None,
                    Some(Signal::InitError(document)) => break Verdict::Init(document),
                    // Nothing was handed out that these could be about.
                    Some(Signal::Taken | Signal::Response(_) | Signal::TooLarge | Signal::Error(_)) => {}
                    None => break Verdict::exited(process.ended().await),
                },
                status = process.ended() => break self.exited(process, spec, status).await,
                excess = &mut too_large => break self.outgrown(process, spec, excess).await,
                () = tokio::time::sleep_until(deadline) => break Verdict::TimedOut(spec.settings.timeout),
            }
        };
        self.peak = process.peak_memory().or(self.peak);
        process.kill();
        process.ended().await;
        Some(verdict)
    }

    /// `None` when the process was gone before it took the event.
    pub(super) async fn hand_over(
        &mut self,
        process: &Process,
        job: Job,
        deadline: Instant,
        spec: &Spec,
    ) -> Option<Verdict> {
        // There is room: the process answered the job before, or never had one.
        if self.api.jobs.try_send(job).is_err() {
            return None;
        }
        let too_large = process.outgrows(spec.memory());
        tokio::pin!(too_large);
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
                    if !taken {
                        return None;
                    }
                    return Some(self.exited(process, spec, status).await);
                }
                excess = &mut too_large => return Some(self.outgrown(process, spec, excess).await),
                () = tokio::time::sleep_until(deadline) => {
                    return Some(Verdict::TimedOut(spec.settings.timeout));
                }
            }
        }
    }

    /// The process has ended, by itself or because the look between invocations was the first to see
    /// that it has outgrown its limits.
    async fn exited(&mut self, process: &Process, spec: &Spec, status: ExitStatus) -> Verdict {
        match process.outgrown() {
            Some(excess) => self.outgrown(process, spec, excess).await,
            None => Verdict::exited(status),
        }
    }

    /// Ends a process that has more than its function may have. AWS fences memory the same way; the
    /// rest it refuses call by call, which the log says.
    async fn outgrown(&mut self, process: &Process, spec: &Spec, excess: Excess) -> Verdict {
        let function = &spec.key.name;
        tracing::info!(function, ?excess, "a function outgrew its limits");
        let line = match excess {
            Excess::Memory(_) => {
                // It would not have got more than this on AWS.
                self.peak = Some(spec.memory());
                None
            }
            Excess::Tasks(tasks) => Some(format!(
                "[driftlab-sandbox] the function is ended: it has {tasks} processes and threads, and AWS allows {MAX_TASKS}"
            )),
            Excess::Storage(bytes) => Some(format!(
                "[driftlab-sandbox] the function is ended: it has written {bytes} bytes to its /tmp, which has {}",
                spec.storage()
            )),
        };
        process.kill();
        let status = process.ended().await;
        self.say(line);
        Verdict::exited(status)
    }
}
