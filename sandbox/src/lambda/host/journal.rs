//! The log stream of one process: what the function prints and what Lambda says about it.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Spec;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::iam::{self, Access, Decision};
use crate::ids::hex_id;
use crate::logs;
use crate::sandbox::{Call, Sandbox, Target};

/// What `LogType: Tail` shows.
const TAIL: usize = 4096;

/// Writes to one log stream on behalf of a function's role.
#[derive(Debug)]
pub(super) struct Journal {
    sandbox: Weak<Sandbox>,
    target: Target,
    pub(super) group: String,
    pub(super) stream: String,
    /// The end of what the present invocation has written.
    tail: Mutex<Vec<u8>>,
    /// Whether it was said that lines are lost; once is enough.
    complained: Mutex<bool>,
}

impl Journal {
    pub(super) fn new(sandbox: &Arc<Sandbox>, spec: &Spec, caller: Caller) -> Self {
        Self {
            sandbox: Arc::downgrade(sandbox),
            target: Target::new(spec.account.clone(), spec.region.clone(), caller),
            group: spec.settings.log_group.clone(),
            stream: stream_name(spec, sandbox.clock.now()),
            tail: Mutex::default(),
            complained: Mutex::default(),
        }
    }

    /// Forgets the tail: an invocation begins.
    pub(super) fn begin(&self) {
        self.tail().clear();
    }

    /// The end of what was written since [`Journal::begin`].
    pub(super) fn end(&self) -> Vec<u8> {
        std::mem::take(&mut *self.tail())
    }

    /// Writes lines, if the role may. Lines that the role may not write are lost, as on AWS.
    pub(super) fn write(&self, lines: Vec<String>) {
        if lines.is_empty() {
            return;
        }
        {
            let mut tail = self.tail();
            for line in &lines {
                tail.extend_from_slice(line.as_bytes());
                tail.push(b'\n');
            }
            let surplus = tail.len().saturating_sub(TAIL);
            tail.drain(..surplus);
        }
        let Some(sandbox) = self.sandbox.upgrade() else {
            return;
        };
        let lost = sandbox.enter(&self.target, |call| {
            self.denial(call).or_else(|| {
                let now = call.now;
                let events: Vec<_> = lines.into_iter().map(|line| (now, line)).collect();
                logs::append(call, &self.group, &self.stream, &events)
                    .err()
                    .map(|error| error.to_string())
            })
        });
        if let Some(why) = lost {
            let mut complained = self
                .complained
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if !std::mem::replace(&mut *complained, true) {
                tracing::warn!(group = self.group, why, "a function's log lines are lost");
            }
        }
    }

    /// Why the role may not write here.
    fn denial(&self, call: &mut Call<'_>) -> Option<String> {
        let arn = logs::stream_arn(call, &self.group, &self.stream);
        let group_arn = logs::stream_arn(call, &self.group, "");
        let mut needed = vec![
            Access::on("logs", "CreateLogStream", arn.clone()),
            Access::on("logs", "PutLogEvents", arn),
        ];
        if !logs::group_exists(call, &self.group) {
            needed.push(Access::on("logs", "CreateLogGroup", group_arn));
        }
        needed.iter().find_map(|access| {
            match iam::decide(call.account, &self.target.caller, access) {
                Decision::Allowed => None,
                Decision::Denied(why) => Some(format!("{}: {why}", access.action)),
            }
        })
    }

    fn tail(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `2025/07/14/[$LATEST]<32 digits>`; in a log group that functions can share, with the name.
fn stream_name(spec: &Spec, now: Timestamp) -> String {
    let name = &spec.key.name;
    let shown = if spec.settings.log_group == format!("/aws/lambda/{name}") {
        ""
    } else {
        name.as_str()
    };
    hex_id(
        &format!(
            "{:04}/{:02}/{:02}/{shown}[{}]",
            now.year(),
            u8::from(now.month()),
            now.day(),
            spec.key.version
        ),
        32,
    )
}
