//! The effects on AWS itself.

use crate::budget::Budget;
use crate::effects::Effects;
use crate::output;
use aws_calls::{CallError, Client, ErrorKind, GroupQuery, Revoked};
use remediator_core::{Evaluation, GroupId, ResultToken, Rule, SecurityGroup, Timestamp};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// AWS, the system's clock and standard output, for one invocation.
pub(crate) struct Live {
    /// For reading and repairing.
    client: Client,
    /// For reporting, which may take longer.
    reporting: Client,
    until: Instant,
}

impl Live {
    /// Effects that are over by `deadline`, the moment at which Lambda ends the function.
    pub(crate) fn new(client: &Client, deadline: SystemTime) -> Self {
        let left = deadline.duration_since(SystemTime::now());
        let Budget { work, report } = Budget::new(left.unwrap_or_default());
        Self {
            client: client.until(work),
            reporting: client.until(report),
            until: work,
        }
    }
}

impl Effects for Live {
    type Error = CallError;

    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, CallError> {
        match self
            .client
            .describe_security_groups(&GroupQuery::id(group.clone()))
            .await
        {
            Ok(groups) => Ok(groups.into_iter().find(|found| found.group_id == *group)),
            Err(error) if error.kind() == ErrorKind::GroupNotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn revoke(&self, group: &GroupId, rules: &BTreeSet<Rule>) -> Result<Revoked, CallError> {
        self.client
            .revoke_security_group_ingress(group, rules)
            .await
    }

    async fn authorize(&self, group: &GroupId, rules: &BTreeSet<Rule>) -> Result<(), CallError> {
        self.client
            .authorize_security_group_ingress(group, rules)
            .await
    }

    async fn report(&self, token: &ResultToken, evaluation: &Evaluation) -> Result<(), CallError> {
        self.reporting
            .put_evaluations(token, std::slice::from_ref(evaluation))
            .await
    }

    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn time_left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    async fn pause(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn log(&self, line: &str) {
        output::line(line);
    }
}
