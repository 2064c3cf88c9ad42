//! The effects on AWS itself.

use crate::budget::Budget;
use crate::effects::{Effects, Invocation};
use crate::notify::Notifier;
use crate::output;
use aws_calls::{CallError, Client, ErrorKind, GroupPage, GroupQuery, Rejected, Revoked};
use lambda_runtime::Context;
use remediator_core::notice::Notice;
use remediator_core::{
    AccountId, Direction, Evaluation, GroupId, ResultToken, Rule, SecurityGroup, Timestamp,
};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// AWS, the system's clock and standard output, for one invocation.
pub(crate) struct Live<'a> {
    /// For reading and repairing.
    client: Client,
    /// For reporting, which may take longer.
    reporting: Client,
    until: Instant,
    /// For telling people, after everything else.
    notifier: &'a Notifier,
    report_until: Instant,
    request_id: String,
    region: &'a str,
    account: Option<AccountId>,
}

/// What outlives an invocation.
pub(crate) struct Shell {
    pub(crate) client: Client,
    pub(crate) notifier: Notifier,
    pub(crate) region: String,
}

impl<'a> Live<'a> {
    /// Effects that are over by the moment at which Lambda ends the function.
    pub(crate) fn new(shell: &'a Shell, invocation: &Context) -> Self {
        let Shell {
            client,
            notifier,
            region,
        } = shell;
        let left = invocation.deadline().duration_since(SystemTime::now());
        let Budget { work, report } = Budget::new(left.unwrap_or_default());
        Self {
            client: client.until(work),
            reporting: client.until(report),
            until: work,
            notifier,
            report_until: report,
            request_id: invocation.request_id.clone(),
            region,
            account: account_of(&invocation.invoked_function_arn),
        }
    }
}

/// The account in the ARN of a function, like `arn:aws:lambda:us-east-1:123456789012:function:f`.
fn account_of(arn: &str) -> Option<AccountId> {
    let mut parts = arn.strip_prefix("arn:")?.split(':').skip(1);
    parts.next().filter(|service| *service == "lambda")?;
    parts.nth(1)?.parse().ok()
}

impl Effects for Live<'_> {
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

    async fn describe_page(
        &self,
        query: &GroupQuery,
        token: Option<&str>,
    ) -> Result<GroupPage, CallError> {
        self.client
            .describe_security_groups_page(query, token)
            .await
    }

    async fn revoke(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, CallError> {
        let client = &self.client;
        match direction {
            Direction::Ingress => client.revoke_security_group_ingress(group, rules).await,
            Direction::Egress => client.revoke_security_group_egress(group, rules).await,
        }
    }

    async fn authorize(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), CallError> {
        let client = &self.client;
        match direction {
            Direction::Ingress => client.authorize_security_group_ingress(group, rules).await,
            Direction::Egress => client.authorize_security_group_egress(group, rules).await,
        }
    }

    async fn report_all(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Rejected>, CallError> {
        self.reporting
            .put_evaluations_once(token, evaluations)
            .await
    }

    async fn parameter(&self, name: &str) -> Result<String, CallError> {
        self.client.get_parameter(name).await
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

    fn invocation(&self) -> Invocation<'_> {
        Invocation {
            request_id: &self.request_id,
            region: self.region,
            account: self.account.as_ref(),
        }
    }

    async fn announce(&self, notice: Notice) -> u64 {
        self.notifier
            .send(&self.reporting, notice, self.report_until)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E5: the function's account is in its ARN; a version or an alias may follow.
    #[test]
    fn account_of_the_function_is_read_from_its_arn() {
        let check = |arn: &str, expect: Option<&str>| {
            let account = account_of(arn);
            assert_eq!(account.as_ref().map(AccountId::as_str), expect, "{arn}");
        };
        let own = Some("123456789012");
        check("arn:aws:lambda:us-east-1:123456789012:function:f", own);
        check(
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live",
            own,
        );
        check("arn:aws:s3:us-east-1:123456789012:f", None);
        check("No header lambda-runtime-invoked-function-arn found.", None);
    }
}
