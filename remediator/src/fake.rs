//! Security groups in memory, with EC2's rules and faults on demand.
#![expect(
    clippy::unwrap_used,
    reason = "test support may stop at the first surprise"
)]

use crate::effects::{Effects, Failure, Invocation};
use aws_calls::{ErrorKind, GroupPage, GroupQuery, Rejected, Revoked, UnreadableGroup};
use remediator_core::notice::Notice;
use remediator_core::{
    AccountId, Baseline, Compliance, Direction, Evaluation, GroupId, ResultToken, Rule,
    SecurityGroup, Timestamp,
};
use std::cell::{Cell, OnceCell, RefCell};
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

/// A group of that id with these rules (notation of a baseline).
pub(crate) fn group(id: &str, rules: &[&str]) -> SecurityGroup {
    SecurityGroup {
        group_id: id.parse().unwrap(),
        group_name: "LabSG1".to_owned(),
        vpc_id: Some("vpc-0a".to_owned()),
        owner_id: ACCOUNT.parse().unwrap(),
        tags: BTreeMap::new(),
        ingress: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        egress: ["all:all:0.0.0.0/0".parse().unwrap()].into(),
        descriptions: BTreeMap::new(),
    }
}

/// The world of one group, and of others that only a sweep looks at.
#[derive(Default)]
pub(crate) struct Fake {
    /// `None`: there is no such group.
    pub(crate) group: RefCell<Option<SecurityGroup>>,
    /// What a sweep finds beside it.
    pub(crate) others: RefCell<BTreeMap<GroupId, SecurityGroup>>,
    /// How many groups are on a page.
    pub(crate) page: Cell<usize>,
    /// What a sweep finds and does not understand, on its first page.
    pub(crate) unreadable: RefCell<Vec<UnreadableGroup>>,
    /// The function's account; that of the events unless a test says otherwise.
    pub(crate) account: OnceCell<Option<AccountId>>,
    /// The queries of the sweeps.
    pub(crate) queries: RefCell<Vec<GroupQuery>>,
    /// Groups whose verdicts Config does not take when they come by the hundred.
    pub(crate) rejected: RefCell<BTreeSet<String>>,
    /// How many calls were under way at the same time, at most, and are now.
    pub(crate) busy: Cell<(usize, usize)>,
    /// What Parameter Store has.
    pub(crate) parameters: RefCell<BTreeMap<String, String>>,
    /// What each call takes, in milliseconds: so much later is it by the clock, and so much less is left.
    pub(crate) slow: Cell<u64>,
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
    pub(crate) evidence: RefCell<Vec<String>>,
    pub(crate) notices: RefCell<Vec<Notice>>,
    /// How many notices are said not to have arrived.
    pub(crate) notices_lost: Cell<u64>,
    pub(crate) clock: Cell<i64>,
    /// What was waited for, in milliseconds: all together, and each time.
    pub(crate) paused: Cell<u64>,
    pub(crate) pauses: RefCell<Vec<u64>>,
    /// What is left of the invocation's time, in milliseconds, before the first wait.
    pub(crate) time: Cell<u64>,
    /// So many readings answer with the group as it is kept here.
    pub(crate) stale: RefCell<(usize, Option<SecurityGroup>)>,
}

impl Fake {
    /// A group with these rules (notation of a baseline), at some time after the event.
    pub(crate) fn with(rules: &[&str]) -> Self {
        let fake = Self::default();
        fake.group.replace(Some(group(GROUP, rules)));
        fake.clock.set(1_795_334_410_000);
        fake.time.set(50_000);
        fake.page.set(1_000);
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

    /// Whether no pause was shorter than the one before, and the last longer than the first.
    pub(crate) fn pauses_grow(&self) -> bool {
        let pauses = self.pauses.borrow();
        pauses.is_sorted() && pauses.first() < pauses.last()
    }

    /// The ordering timestamps of the accepted reports, in milliseconds.
    pub(crate) fn order(&self) -> Vec<i64> {
        let reports = self.reports.borrow();
        let times = reports
            .iter()
            .map(|reported| reported.evaluation.ordering_timestamp);
        times.map(Timestamp::as_millis).collect()
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
        let (most, now) = self.busy.get();
        self.busy.set((most.max(now + 1), now + 1));
        tokio::task::yield_now().await;
        self.busy.set((self.busy.get().0, self.busy.get().1 - 1));
        self.time
            .set(self.time.get().saturating_sub(self.slow.get()));
        let slow = i64::try_from(self.slow.get()).unwrap();
        self.clock.set(self.clock.get() + slow);
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

    /// Works on a group and its rules of one direction.
    fn change<T>(
        &self,
        direction: Direction,
        id: &GroupId,
        change: impl FnOnce(&mut BTreeSet<Rule>) -> Result<T, ErrorKind>,
    ) -> Result<T, ErrorKind> {
        let (mut group, mut others) = (self.group.borrow_mut(), self.others.borrow_mut());
        let group = if id.as_str() == GROUP {
            group.as_mut()
        } else {
            others.get_mut(id)
        };
        let group = group.ok_or(ErrorKind::GroupNotFound)?;
        change(match direction {
            Direction::Ingress => &mut group.ingress,
            Direction::Egress => &mut group.egress,
        })
    }

    fn everything(&self) -> Vec<SecurityGroup> {
        let first = self.group.borrow().clone();
        let others = self.others.borrow();
        first.into_iter().chain(others.values().cloned()).collect()
    }
}

fn operation(verb: &str, direction: Direction) -> &'static str {
    match (verb, direction) {
        ("revoke", Direction::Ingress) => "revoke_security_group_ingress",
        ("revoke", Direction::Egress) => "revoke_security_group_egress",
        (_, Direction::Ingress) => "authorize_security_group_ingress",
        (_, Direction::Egress) => "authorize_security_group_egress",
    }
}

impl Effects for Fake {
    type Error = FakeError;

    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, FakeError> {
        self.call("describe_security_groups", || {
            if group.as_str() != GROUP {
                return Ok(self.others.borrow().get(group).cloned());
            }
            let (left, old) = &mut *self.stale.borrow_mut();
            if *left > 0 {
                *left -= 1;
                return Ok(old.clone());
            }
            Ok(self.group.borrow().clone())
        })
        .await
    }

    async fn describe_page(
        &self,
        query: &GroupQuery,
        token: Option<&str>,
    ) -> Result<GroupPage, FakeError> {
        self.queries.borrow_mut().push(query.clone());
        self.call("describe_security_groups", || {
            let begin: usize = token.map_or(0, |token| token.parse().unwrap());
            let end = begin + self.page.get();
            let all = self.everything();
            let next = (end < all.len()).then(|| end.to_string());
            let unreadable = if begin == 0 {
                self.unreadable.borrow().clone()
            } else {
                Vec::new()
            };
            Ok(GroupPage {
                groups: all.into_iter().skip(begin).take(self.page.get()).collect(),
                unreadable,
                next_token: next,
            })
        })
        .await
    }

    async fn revoke(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, FakeError> {
        assert!(!rules.is_empty(), "a call that changes nothing");
        self.call(operation("revoke", direction), || {
            self.change(direction, group, |live| {
                let unknown = rules.difference(live).count();
                if unknown > 0 && !self.default_vpc.get() {
                    return Err(ErrorKind::RuleNotFound);
                }
                live.retain(|rule| !rules.contains(rule));
                Ok(Revoked { unknown })
            })
        })
        .await
    }

    async fn authorize(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), FakeError> {
        assert!(!rules.is_empty(), "a call that changes nothing");
        self.call(operation("authorize", direction), || {
            self.change(direction, group, |live| {
                if rules.intersection(live).next().is_some() {
                    return Err(ErrorKind::RuleDuplicate);
                }
                let most = self.limit.get().unwrap_or(usize::MAX);
                if live.len() + rules.len() > most {
                    return Err(ErrorKind::RuleLimit);
                }
                live.extend(rules.iter().cloned());
                Ok(())
            })
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

    async fn report_all(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Rejected>, FakeError> {
        assert_eq!(token.as_str(), "token");
        assert!((1..=100).contains(&evaluations.len()));
        self.call("put_evaluations", || {
            let mut rejected = Vec::new();
            for evaluation in evaluations {
                if self.rejected.borrow().contains(&evaluation.resource_id) {
                    rejected.push(Rejected {
                        resource_id: evaluation.resource_id.clone(),
                        compliance: evaluation.compliance.to_string(),
                    });
                    continue;
                }
                let id: GroupId = evaluation.resource_id.parse().unwrap();
                let live = self
                    .everything()
                    .into_iter()
                    .find(|group| group.group_id == id);
                self.reports.borrow_mut().push(Reported {
                    evaluation: evaluation.clone(),
                    ingress: live.map(|group| group.ingress).unwrap_or_default(),
                });
            }
            Ok(rejected)
        })
        .await
    }

    async fn parameter(&self, name: &str) -> Result<String, FakeError> {
        self.call("get_parameter", || {
            let parameters = self.parameters.borrow();
            parameters.get(name).cloned().ok_or(ErrorKind::Refused)
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
        self.pauses.borrow_mut().push(millis);
        self.clock
            .set(self.clock.get() + i64::try_from(millis).unwrap());
    }

    /// Lines for people go to `lines`, lines for machines to `evidence`.
    fn log(&self, line: &str) {
        let lines = if line.starts_with('{') {
            &self.evidence
        } else {
            &self.lines
        };
        lines.borrow_mut().push(line.to_owned());
    }

    fn invocation(&self) -> Invocation<'_> {
        Invocation {
            request_id: "r-1",
            region: "us-east-1",
            account: self.account.get_or_init(|| ACCOUNT.parse().ok()).as_ref(),
        }
    }

    async fn announce(&self, notice: Notice) -> u64 {
        // Everything that is told must have happened: the last report is made.
        self.trace.borrow_mut().push("announce".to_owned());
        self.notices.borrow_mut().push(notice);
        self.notices_lost.get()
    }
}
