//! Everything the function does to the world, behind one seam.

use aws_calls::{CallError, ErrorKind, GroupPage, GroupQuery, Rejected, Revoked};
use remediator_core::notice::Notice;
use remediator_core::{
    AccountId, Direction, Evaluation, GroupId, ResultToken, Rule, SecurityGroup, Timestamp,
};
use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

/// One invocation, and where it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Invocation<'a> {
    /// Lambda's id of the invocation.
    pub(crate) request_id: &'a str,
    /// Like `us-east-1`.
    pub(crate) region: &'a str,
    /// The function's account; `None` where Lambda's ARN of the function does not name one.
    pub(crate) account: Option<&'a AccountId>,
}

/// The calls, the clock and the log.
///
/// Tests put groups in memory behind it and fail every call in turn.
pub(crate) trait Effects {
    /// Why a call failed.
    type Error: Failure;

    /// The live group; `None` where there is no such group.
    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, Self::Error>;

    /// Live groups, page by page.
    async fn describe_page(
        &self,
        query: &GroupQuery,
        token: Option<&str>,
    ) -> Result<GroupPage, Self::Error>;

    /// Takes rules away.
    async fn revoke(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, Self::Error>;

    /// Adds rules.
    async fn authorize(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), Self::Error>;

    /// Tells Config.
    async fn report(&self, token: &ResultToken, evaluation: &Evaluation)
    -> Result<(), Self::Error>;

    /// Tells Config up to a hundred verdicts at once; those that it did not take.
    async fn report_all(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Rejected>, Self::Error>;

    /// A parameter of SSM Parameter Store.
    async fn parameter(&self, name: &str) -> Result<String, Self::Error>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// How long the invocation may still read and repair.
    fn time_left(&self) -> Duration;

    /// Waits.
    async fn pause(&self, time: Duration);

    /// Writes one line to the log.
    fn log(&self, line: &str);

    /// The invocation, and where it runs.
    fn invocation(&self) -> Invocation<'_>;

    /// The event is understood: it is about this resource, and of this moment. Only who keeps
    /// evidence wants to know.
    fn about(&self, _resource: &str, _captured: Timestamp) {}

    /// Tells people, where somebody wants to be told; how many messages did not arrive. Bounded in
    /// time, and never a reason to fail.
    async fn announce(&self, notice: Notice) -> u64;
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
