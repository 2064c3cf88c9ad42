//! Everything the function does to the world, behind one seam.

use aws_calls::{CallError, ErrorKind, Revoked};
use remediator_core::{Evaluation, GroupId, ResultToken, Rule, SecurityGroup, Timestamp};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// The four calls, the clock and the log.
///
/// Tests put a group in memory behind it and fail every call in turn.
pub(crate) trait Effects {
    /// Why a call failed.
    type Error: Failure;

    /// The live group; `None` where there is no such group.
    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, Self::Error>;

    /// Takes rules away.
    async fn revoke(&self, group: &GroupId, rules: &BTreeSet<Rule>)
    -> Result<Revoked, Self::Error>;

    /// Adds rules.
    async fn authorize(&self, group: &GroupId, rules: &BTreeSet<Rule>) -> Result<(), Self::Error>;

    /// Tells Config.
    async fn report(&self, token: &ResultToken, evaluation: &Evaluation)
    -> Result<(), Self::Error>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// How long the invocation may still read and repair.
    fn time_left(&self) -> Duration;

    /// Waits.
    async fn pause(&self, time: Duration);

    /// Writes one line to the log.
    fn log(&self, line: &str);
}

/// A failed call, as far as the flow needs to know it.
pub(crate) trait Failure: fmt::Debug {
    /// What can be done about it.
    fn kind(&self) -> ErrorKind;

    /// Which call it was, in snake case.
    fn operation(&self) -> &'static str;

    /// Everything about it on one line, AWS's code and request id included.
    fn report(&self) -> String;
}

impl Failure for CallError {
    fn kind(&self) -> ErrorKind {
        Self::kind(self)
    }

    fn operation(&self) -> &'static str {
        Self::operation(self).snake_case()
    }

    fn report(&self) -> String {
        Self::report(self)
    }
}
