//! Following a stack until it comes to rest, telling its events as they happen, each once.

use std::collections::BTreeSet;
use std::time::Duration;

use time::macros::format_description;

use crate::aws::{Doing, Reader, StackDescription, StackEvent};
use crate::clock::Clock;
use crate::error::Result;
use crate::output::Ui;
use crate::state::{Phase, phase};
use crate::wait::{Look, Pace, Wait};

/// How long a stack of this size may take. AWS needs 1–3 minutes for it; a deletion that waits for network interfaces
/// of a function can need twenty.
const STACK_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// A stack is asked for more rarely than evidence: each look is two calls, and real stacks take minutes.
const STACK_PACE: Pace = Pace {
    first: Duration::from_millis(20),
    longest: Duration::from_secs(3),
};

/// One operation on a stack that is being watched.
#[derive(Debug)]
pub struct Watch<'a> {
    aws: &'a Reader,
    ui: &'a Ui,
    clock: &'a Clock,
    known: BTreeSet<String>,
    failures: Vec<StackEvent>,
    /// What the last news of the stack itself was.
    last: Option<String>,
    /// The status that the stack had before, as far as its events tell.
    before: Option<String>,
    quiet: bool,
}

/// What the end of an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// The stack is at rest, whoever moved it.
    AtRest,
    /// The stack is at rest after it was set in motion: its status may lag behind the call that did so, but there is an event
    /// of it.
    OnceBegun,
    /// The stack is gone, or CloudFormation has given up on deleting it.
    Gone,
}

impl<'a> Watch<'a> {
    /// Watches a stack that does not exist yet: every event is news.
    pub fn of_new(aws: &'a Reader, ui: &'a Ui, clock: &'a Clock) -> Self {
        Self {
            aws,
            ui,
            clock,
            known: BTreeSet::new(),
            failures: Vec::new(),
            last: None,
            before: None,
            quiet: false,
        }
    }

    /// Watches a stack that exists: what happened so far is no news.
    ///
    /// # Errors
    /// When its events cannot be read.
    pub async fn of_existing(
        aws: &'a Reader,
        ui: &'a Ui,
        clock: &'a Clock,
        stack: &str,
    ) -> Result<Self> {
        let past = aws
            .stack_events(stack, |_| false)
            .await
            .doing(format_args!("read the events of the stack `{stack}`"))?;
        let before = past.iter().rev().find(|event| is_of_stack(event));
        Ok(Self {
            before: before.map(|event| event.status.clone()),
            known: past.into_iter().map(|event| event.id).collect(),
            ..Self::of_new(aws, ui, clock)
        })
    }

    /// Tells nothing of what happens.
    #[must_use]
    pub fn quiet(self) -> Self {
        Self {
            quiet: true,
            ..self
        }
    }

    /// Waits until CloudFormation is done with the stack; `None` when the stack is gone then.
    ///
    /// # Errors
    /// [`crate::error::Kind::TimedOut`], or the failed call.
    pub async fn until_settled(
        &mut self,
        id: &str,
        what: &str,
        ends: Ends,
    ) -> Result<Option<StackDescription>> {
        let (aws, ui, clock) = (self.aws, self.ui, self.clock);
        let wait = Wait {
            clock,
            ui,
            what: what.to_owned(),
            usual: "usually 1–3 minutes on AWS",
            timeout: STACK_TIMEOUT,
            pace: STACK_PACE,
        };
        wait.until(async || {
            let (stack, news) = tokio::join!(aws.stack(id), self.news(id));
            self.tell(news?);
            let stack = stack.doing(format_args!("look at the stack `{id}`"))?;
            let status = match &stack {
                Some(stack) if stack.status != "DELETE_COMPLETE" => stack.status.clone(),
                Some(_) | None => {
                    // The last events may have come after the look above began.
                    if self.last.as_deref() != Some("DELETE_COMPLETE") {
                        let news = self.news(id).await?;
                        self.tell(news);
                    }
                    return Ok(Look::Done(None));
                }
            };
            // The last event of an operation has the status that the stack has then.
            let told = self.last.as_ref() == Some(&status);
            let ended = match ends {
                Ends::AtRest => true,
                Ends::OnceBegun => told,
                Ends::Gone => told && status == "DELETE_FAILED",
            };
            if phase(&status) == Phase::Busy || !ended {
                return Ok(Look::Missing(format!("it is {status}")));
            }
            // A description that has the status of the last event is of the time after it, and its outputs are too: unless
            // that is the status which the stack had before.
            if told && self.before.as_ref() != Some(&status) {
                return Ok(Look::Done(stack));
            }
            let (stack, news) = tokio::join!(aws.stack(id), self.news(id));
            self.tell(news?);
            let stack = stack.doing(format_args!("look at the stack `{id}`"))?;
            Ok(Look::Done(stack))
        })
        .await
    }

    async fn news(&self, id: &str) -> Result<Vec<StackEvent>> {
        self.aws
            .stack_events(id, |event| self.known.contains(event))
            .await
            .doing(format_args!("read the events of the stack `{id}`"))
    }

    fn tell(&mut self, news: Vec<StackEvent>) {
        for event in news {
            if !self.known.insert(event.id.clone()) {
                continue;
            }
            // A stack under review has not begun with anything.
            if is_of_stack(&event) && phase(&event.status) != Phase::Review {
                self.last = Some(event.status.clone());
            }
            if !self.quiet {
                self.ui.say(line(&event));
            }
            if event.status.ends_with("_FAILED") {
                self.failures.push(event);
            }
        }
    }

    /// The first failure that is not the consequence of another one.
    pub fn root_cause(&self) -> Option<String> {
        let cause = self
            .failures
            .iter()
            // What was under way when something else failed is cancelled, and fails with these words.
            .find(|event| {
                !event
                    .reason
                    .as_deref()
                    .unwrap_or_default()
                    .contains("cancelled")
            })
            .or(self.failures.first())?;
        Some(format!(
            "{} `{}` ({}): {}",
            cause.status,
            cause.logical_id,
            cause.resource_type,
            cause.reason.as_deref().unwrap_or("no reason given")
        ))
    }
}

fn is_of_stack(event: &StackEvent) -> bool {
    event.resource_type == "AWS::CloudFormation::Stack"
}

fn line(event: &StackEvent) -> String {
    let time = event
        .at
        .and_then(|at| {
            at.format(format_description!("[hour]:[minute]:[second]"))
                .ok()
        })
        .unwrap_or_default();
    let mut line = format!(
        "  {time} {:<20} {:<36} {}",
        event.status, event.resource_type, event.logical_id
    );
    if let Some(reason) = event.reason.as_deref().filter(|reason| !reason.is_empty()) {
        line.push_str(": ");
        line.push_str(reason);
    }
    line
}
