//! What Lambda says when a function does not answer.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use bytes::Bytes;
use serde_json::{Value, json};

/// How an invocation ended, apart from its log.
#[derive(Debug, Clone)]
pub(super) enum Verdict {
    /// The function answered.
    Answer(Bytes),
    /// The function said that it failed.
    Failure(Bytes),
    /// It could not even be started, or gave up before its first event.
    Init(Bytes),
    /// Lambda speaks for it: type and message.
    Trouble(&'static str, String),
    /// It ran out of time.
    TimedOut(u32),
}

impl Verdict {
    /// The process ended with this status.
    pub(super) fn exited(status: ExitStatus) -> Self {
        let why = match (status.code(), status.signal()) {
            (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
            (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
            (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
            (None, signal) => {
                format!(
                    "Runtime exited with error: signal: {}",
                    signal.unwrap_or_default()
                )
            }
        };
        Verdict::Trouble("Runtime.ExitError", why)
    }

    pub(super) fn failed(&self) -> bool {
        match self {
            Verdict::Answer(_) => false,
            Verdict::Failure(_)
            | Verdict::Init(_)
            | Verdict::Trouble(..)
            | Verdict::TimedOut(_) => true,
        }
    }

    /// Whether the process can take another event.
    pub(super) fn leaves_it_usable(&self) -> bool {
        match self {
            Verdict::Answer(_) | Verdict::Failure(_) => true,
            Verdict::Trouble(kind, _) => *kind == TOO_LARGE,
            Verdict::Init(_) | Verdict::TimedOut(_) => false,
        }
    }

    /// The line in the log, where Lambda writes one.
    pub(super) fn log_line(&self, request_id: &str, now: &str) -> Option<String> {
        match self {
            Verdict::Answer(_) | Verdict::Failure(_) | Verdict::Init(_) => None,
            Verdict::Trouble(kind, why) => {
                Some(format!("RequestId: {request_id} Error: {why}\n{kind}"))
            }
            Verdict::TimedOut(seconds) => Some(format!(
                "{now} {request_id} Task timed out after {seconds}.00 seconds"
            )),
        }
    }

    /// The end of the REPORT line.
    pub(super) fn report(&self) -> String {
        match self {
            Verdict::Answer(_) | Verdict::Failure(_) => String::new(),
            Verdict::Init(document) => {
                let kind = serde_json::from_slice::<Value>(document).ok();
                let kind = kind.as_ref().and_then(|it| it["errorType"].as_str());
                format!(
                    "Status: error\tError Type: {}\t",
                    kind.unwrap_or("Runtime.Unknown")
                )
            }
            Verdict::Trouble(kind, _) => format!("Status: error\tError Type: {kind}\t"),
            Verdict::TimedOut(_) => "Status: timeout\t".to_owned(),
        }
    }

    /// What the caller gets.
    pub(super) fn payload(self, request_id: &str) -> Bytes {
        let document = |kind: &str, why: String| {
            let value = json!({
                "errorType": kind,
                "errorMessage": format!("RequestId: {request_id} Error: {why}"),
            });
            Bytes::from(value.to_string())
        };
        match self {
            Verdict::Answer(bytes) | Verdict::Failure(bytes) | Verdict::Init(bytes) => bytes,
            Verdict::Trouble(kind, why) => document(kind, why),
            Verdict::TimedOut(seconds) => document(
                "Sandbox.Timedout",
                format!("Task timed out after {seconds}.00 seconds"),
            ),
        }
    }
}

/// The function's answer does not fit.
pub(super) const TOO_LARGE: &str = "Function.ResponseSizeTooLarge";
/// The package has nothing that can be started.
pub(super) const INVALID_ENTRYPOINT: &str = "Runtime.InvalidEntrypoint";
