//! One security group in memory, with EC2's rules and faults on demand.
#![expect(
    clippy::unwrap_used,
    reason = "test support may stop at the first surprise"
)]

use crate::effects::{Effects, Failure};
use aws_calls::{ErrorKind, Revoked};
use remediator_core::{
    Baseline, Compliance, Evaluation, GroupId, ResultToken, Rule, SecurityGroup, Timestamp,
};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub(crate) const GROUP: &str = "sg-0123456789abcdef0";
pub(crate) const ACCOUNT: &str = "123456789012";

/// What goes wrong at one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails and changes nothing.
    Refused(ErrorKind),
    /// The call takes effect, the answer is lost.
    AnswerLost,
}

#[derive(Debug)]
pub(crate) struct FakeError {
    operation: &'static str,
    kind: ErrorKind,
}

impl Failure for FakeError {
    fn kind(&self) -> ErrorKind {
        self.kind
    }

    fn operation(&self) -> &'static str {
        self.operation
    }

    fn report(&self) -> String {
        format!(
            "{} failed: {:?} (request id fake)",
            self.operation, self.kind
        )
    }
}

/// A report that Config accepted, with what was true at that moment.
#[derive(Debug, Clone)]
pub(crate) struct Reported {
    pub(crate) evaluation: Evaluation,
    pub(crate) ingress: BTreeSet<Rule>,
}

type Change = Box<dyn Fn(&mut BTreeSet<Rule>)>;

/// The world of one group.
#[derive(Default)]
pub(crate) struct Fake {
    /// `None`: there is no such group.
    pub(crate) group: RefCell<Option<SecurityGroup>>,
    /// The most inbound rules that the group may hold.
    pub(crate) limit: Cell<Option<usize>>,
    /// Whether the group is in a default VPC, where unknown rules are skipped on revocation.
    pub(crate) default_vpc: Cell<bool>,
    /// Faults by the number of the call, counted from 0.
    pub(crate) faults: RefCell<BTreeMap<usize, Fault>>,
    /// Changes by somebody else, right after the numbered call was answered.
    pub(crate) changes: RefCell<BTreeMap<usize, Change>>,
    pub(crate) calls: RefCell<Vec<&'static str>>,
    /// Starts and ends of calls, in order.
    pub(crate) trace: RefCell<Vec<String>>,
    pub(crate) reports: RefCell<Vec<Reported>>,
    pub(crate) lines: RefCell<Vec<String>>,
    pub(crate) clock: Cell<i64>,
    /// What was waited for, in milliseconds.
    pub(crate) paused: Cell<u64>,
    /// What is left of the invocation's time, in milliseconds, before the first wait.
    pub(crate) time: Cell<u64>,
    /// So many readings answer with the group as it is kept here.
    pub(crate) stale: RefCell<(usize, Option<SecurityGroup>)>,
}

impl Fake {
    /// A group with these rules (notation of a baseline), at some time after the event.
    pub(crate) fn with(rules: &[&str]) -> Self {
        let group = SecurityGroup {
            group_id: GROUP.parse().unwrap(),
            group_name: "LabSG1".to_owned(),
            vpc_id: Some("vpc-0a".to_owned()),
            owner_id: ACCOUNT.parse().unwrap(),
            tags: BTreeMap::new(),
            ingress: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
            descriptions: BTreeMap::new(),
        };
        let fake = Self::default();
        fake.group.replace(Some(group));
        fake.clock.set(1_795_334_410_000);
        fake.time.set(50_000);
        fake
    }

    pub(crate) fn change_after(&self, call: usize, change: impl Fn(&mut BTreeSet<Rule>) + 'static) {
        self.changes.borrow_mut().insert(call, Box::new(change));
    }

    pub(crate) fn ingress(&self) -> BTreeSet<Rule> {
        self.group
            .borrow()
            .as_ref()
            .map(|group| group.ingress.clone())
            .unwrap_or_default()
    }

    pub(crate) fn is_baseline(&self, baseline: &Baseline) -> bool {
        self.ingress() == *baseline.rules()
    }

    /// The accepted reports as `NON_COMPLIANT: annotation`.
    pub(crate) fn verdicts(&self) -> Vec<String> {
        let reports = self.reports.borrow();
        reports
            .iter()
            .map(
                |Reported {
                     evaluation,
                     ingress: _,
                 }| {
                    format!("{}: {}", evaluation.compliance, evaluation.annotation)
                },
            )
            .collect()
    }

    pub(crate) fn last_compliance(&self) -> Option<Compliance> {
        self.reports
            .borrow()
            .last()
            .map(|reported| reported.evaluation.compliance)
    }

    /// Runs one call: number it, let others run, apply its fault, its effect and what follows it.
    async fn call<T>(
        &self,
        operation: &'static str,
        effect: impl FnOnce() -> Result<T, ErrorKind>,
    ) -> Result<T, FakeError> {
        let number = self.calls.borrow().len();
        self.calls.borrow_mut().push(operation);
        self.trace.borrow_mut().push(format!("start {operation}"));
        tokio::task::yield_now().await;
        let error = |kind| FakeError { operation, kind };
        let fault = self.faults.borrow().get(&number).copied();
        let result = match fault {
            Some(Fault::Refused(kind)) => Err(error(kind)),
            Some(Fault::AnswerLost) => {
                // What the client makes of it: the request is repeated, and a repeated write is
                // refused unless it had been refused the first time.
                effect()
                    .map_err(error)
                    .and(Err(error(ErrorKind::Connection)))
            }
            None => effect().map_err(error),
        };
        if let Some(change) = self.changes.borrow().get(&number)
            && let Some(group) = self.group.borrow_mut().as_mut()
        {
            change(&mut group.ingress);
        }
        self.trace.borrow_mut().push(format!("end {operation}"));
        result
    }

    fn revoke_now(&self, rules: &BTreeSet<Rule>) -> Result<Revoked, ErrorKind> {
        let mut group = self.group.borrow_mut();
        let group = group.as_mut().ok_or(ErrorKind::GroupNotFound)?;
        let unknown = rules.difference(&group.ingress).count();
        if unknown > 0 && !self.default_vpc.get() {
            return Err(ErrorKind::RuleNotFound);
        }
        group.ingress.retain(|rule| !rules.contains(rule));
        Ok(Revoked { unknown })
    }

    fn authorize_now(&self, rules: &BTreeSet<Rule>) -> Result<(), ErrorKind> {
        let mut group = self.group.borrow_mut();
        let group = group.as_mut().ok_or(ErrorKind::GroupNotFound)?;
        if rules.intersection(&group.ingress).next().is_some() {
            return Err(ErrorKind::RuleDuplicate);
        }
        if self
            .limit
            .get()
            .is_some_and(|limit| group.ingress.len() + rules.len() > limit)
        {
            return Err(ErrorKind::RuleLimit);
        }
        group.ingress.extend(rules.iter().cloned());
        Ok(())
    }
}

impl Effects for Fake {
    type Error = FakeError;

    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, FakeError> {
        assert_eq!(group.as_str(), GROUP);
        self.call("describe_security_groups", || {
            let (left, old) = &mut *self.stale.borrow_mut();
            if *left > 0 {
                *left -= 1;
                return Ok(old.clone());
            }
            Ok(self.group.borrow().clone())
        })
        .await
    }

    async fn revoke(&self, group: &GroupId, rules: &BTreeSet<Rule>) -> Result<Revoked, FakeError> {
        assert_eq!(group.as_str(), GROUP);
        assert!(!rules.is_empty(), "a call that changes nothing");
        self.call("revoke_security_group_ingress", || self.revoke_now(rules))
            .await
    }

    async fn authorize(&self, group: &GroupId, rules: &BTreeSet<Rule>) -> Result<(), FakeError> {
        assert_eq!(group.as_str(), GROUP);
        assert!(!rules.is_empty(), "a call that changes nothing");
        self.call("authorize_security_group_ingress", || {
            self.authorize_now(rules)
        })
        .await
    }

    async fn report(&self, token: &ResultToken, evaluation: &Evaluation) -> Result<(), FakeError> {
        assert_eq!(token.as_str(), "token");
        self.call("put_evaluations", || {
            let reported = Reported {
                evaluation: evaluation.clone(),
                ingress: self.ingress(),
            };
            self.reports.borrow_mut().push(reported);
            Ok(())
        })
        .await
    }

    fn now(&self) -> Timestamp {
        self.clock.set(self.clock.get() + 7);
        Timestamp::from_millis(self.clock.get())
    }

    fn time_left(&self) -> Duration {
        Duration::from_millis(self.time.get().saturating_sub(self.paused.get()))
    }

    async fn pause(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap();
        self.paused.set(self.paused.get() + millis);
        self.clock
            .set(self.clock.get() + i64::try_from(millis).unwrap());
    }

    fn log(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }
}
