//! Judging everything in scope: what a scheduled rule asks for.

use crate::effects::{Effects, Failure};
use crate::error::HandleError;
use crate::memory::Memory;
use crate::repair::{self, Job, Known, Outcome};
use crate::report::{Reporter, Sink};
use aws_calls::{GroupPage, GroupQuery, MAX_EVALUATIONS, UnreadableGroup};
use remediator_core::{
    AccountId, Annotation, Compliance, Evaluation, GroupId, Judged, Judgement, Policy, ResultToken,
    SECURITY_GROUP, Scope, SecurityGroup, Timestamp, judge, log,
};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

/// A repair that is begun with less time than this would only be broken off.
const LEAST: Duration = Duration::from_secs(2);

/// How many failures an error names; the log has them all.
const NAMED: usize = 5;

/// One pass over everything.
pub(crate) struct Sweep<'a, E> {
    pub(crate) effects: &'a E,
    pub(crate) memory: &'a Memory,
    pub(crate) policy: &'a Policy,
    pub(crate) account: &'a AccountId,
    pub(crate) token: &'a ResultToken,
    pub(crate) created: Timestamp,
}

/// What became of it.
#[derive(Default)]
struct Tally {
    judged: Cell<usize>,
    repaired: Cell<usize>,
    unreached: Cell<usize>,
    /// Whether the list of groups could not be read to its end.
    broken_off: Cell<bool>,
    failures: RefCell<Vec<String>>,
}

impl Tally {
    fn failed(&self, what: String) {
        self.failures.borrow_mut().push(what);
    }
}

/// A group that has to be repaired, as it was read.
struct Drifted {
    live: SecurityGroup,
    seen: Timestamp,
}

impl<E: Effects> Sweep<'_, E> {
    /// Reads page by page; repairs what has drifted, a few groups at a time; reports by the hundred.
    pub(crate) async fn run(&self) -> Result<(), HandleError> {
        let query = query(&self.policy.scope, self.account);
        let tally = Tally::default();
        let mut token: Option<String> = None;
        loop {
            if self.effects.time_left() < LEAST {
                tally.broken_off.set(true);
                break;
            }
            // Before the read: what changes a group after it must outrank the verdict.
            let seen = self.effects.now();
            let page = self.effects.describe_page(&query, token.as_deref()).await;
            let GroupPage {
                groups,
                unreadable,
                next_token,
            } = match page {
                Ok(page) => page,
                Err(error) => {
                    tally.failed(error.report());
                    tally.broken_off.set(true);
                    break;
                }
            };
            let first = self.not_understood(unreadable, seen, &tally);
            self.page(groups, first, seen, &tally).await;
            token = next_token;
            if token.is_none() {
                break;
            }
        }
        self.conclude(&tally)
    }

    /// The verdicts on groups in scope of which a rule is not understood: each is a failure of its own.
    fn not_understood(
        &self,
        groups: Vec<UnreadableGroup>,
        seen: Timestamp,
        tally: &Tally,
    ) -> Vec<Evaluation> {
        let Self {
            policy, account, ..
        } = self;
        let is_ours = |group: &UnreadableGroup| {
            let vpc = group.vpc_id.as_deref();
            (policy.scope).admits_outline(&group.owner_id, vpc, &group.tags, account)
        };
        let ours = groups.into_iter().filter(is_ours);
        ours.map(|group| {
            let UnreadableGroup {
                group_id, reason, ..
            } = group;
            let what =
                format!("{group_id}: a rule in the answer of EC2 is not understood: {reason}");
            self.effects.log(&format!("error: {what}"));
            tally.failed(what);
            tally.judged.set(tally.judged.get() + 1);
            Evaluation {
                resource_type: SECURITY_GROUP.to_owned(),
                annotation: Annotation::failures(&["describe_security_groups"], &group_id),
                resource_id: group_id.to_string(),
                compliance: Compliance::NonCompliant,
                ordering_timestamp: self.created.max(seen),
            }
        })
        .collect()
    }

    /// Reports the `first` verdicts and those on `groups`, and repairs what has drifted.
    async fn page(
        &self,
        groups: Vec<SecurityGroup>,
        mut first: Vec<Evaluation>,
        seen: Timestamp,
        tally: &Tally,
    ) {
        let mut drifted = VecDeque::new();
        for live in groups {
            let Some((compliance, annotation, repair)) = self.verdict(&live, seen) else {
                continue;
            };
            tally.judged.set(tally.judged.get() + 1);
            first.push(Evaluation {
                resource_type: SECURITY_GROUP.to_owned(),
                resource_id: live.group_id.to_string(),
                compliance,
                annotation,
                ordering_timestamp: self.created.max(seen),
            });
            if repair {
                drifted.push_back(Drifted { live, seen });
            }
        }
        let heap = RefCell::new(Vec::new());
        let drifted = RefCell::new(drifted);
        let worker = || self.work(&drifted, &heap, tally);
        // Eight groups at a time: EC2 allows a burst of about a hundred writes and refills slowly, and
        // each repair makes two. More at once would only be throttled.
        tokio::join!(
            self.report(first, tally),
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker(),
            worker()
        );
        let left = drifted.into_inner();
        for Drifted { live, seen: _ } in &left {
            self.effects
                .log(&format!("not reached in time: {}", live.group_id));
        }
        tally.unreached.set(tally.unreached.get() + left.len());
        self.report(heap.into_inner(), tally).await;
    }

    /// The first verdict on a group and whether it has to be repaired; nothing for one that is not ours.
    fn verdict(
        &self,
        live: &SecurityGroup,
        seen: Timestamp,
    ) -> Option<(Compliance, Annotation, bool)> {
        let Judged { judgement, remark } = judge(live, self.policy, self.account, seen);
        let said = |annotation: Annotation| match &remark {
            Some(remark) => annotation.and(remark),
            None => annotation,
        };
        Some(match judgement {
            // EC2's filters are coarser than a scope. What is not ours is not reported on: in an
            // account with thousands of groups that would be thousands of verdicts about nothing.
            Judgement::OutOfScope => return None,
            Judgement::Clean => (Compliance::Compliant, said(Annotation::correct()), false),
            Judgement::Exempt { until, plan } => {
                let annotation = said(Annotation::exempt(&until, &plan));
                (
                    Compliance::NotApplicable,
                    annotation.naming_due(&plan),
                    false,
                )
            }
            Judgement::Audit(plan) => {
                self.effects.log(&log::planned(&live.group_id, &plan));
                let annotation = said(Annotation::audited(&plan)).naming_due(&plan);
                (Compliance::NonCompliant, annotation, false)
            }
            Judgement::Repair(plan) => {
                let contested = self.policy.contested;
                let annotation = match contested.count(&self.memory.repairs(&live.group_id), seen) {
                    // What is done about it is told once it is done, and may be nothing.
                    Some(count) => {
                        said(Annotation::contested(count, contested.minutes)).naming_due(&plan)
                    }
                    None => said(Annotation::modified(
                        plan.revocations(),
                        plan.authorizations(),
                    ))
                    .naming(&plan.names_to_revoke(), &plan.names_to_authorize()),
                };
                (Compliance::NonCompliant, annotation, true)
            }
        })
    }

    /// Repairs one group after the other until none is left or the time is up.
    async fn work(
        &self,
        drifted: &RefCell<VecDeque<Drifted>>,
        heap: &RefCell<Vec<Evaluation>>,
        tally: &Tally,
    ) {
        while self.effects.time_left() >= LEAST {
            let next = drifted.borrow_mut().pop_front();
            let Some(Drifted { live, seen }) = next else {
                return;
            };
            let group = live.group_id.clone();
            match self.repair(&group, live, seen, heap).await {
                Ok(Outcome::Repaired) => tally.repaired.set(tally.repaired.get() + 1),
                Ok(Outcome::Unchanged) => {}
                Err(error) => {
                    let what = format!("{group}: {}", error.chain());
                    self.effects.log(&format!("error: {what}"));
                    tally.failed(what);
                }
            }
        }
    }

    async fn repair(
        &self,
        group: &GroupId,
        live: SecurityGroup,
        seen: Timestamp,
        heap: &RefCell<Vec<Evaluation>>,
    ) -> Result<Outcome, HandleError> {
        let reporter = Reporter::new(
            self.effects,
            Sink::Heap(heap),
            // After the first verdict, which is on its way.
            self.created.max(seen).plus_millis(1),
        );
        let job = Job {
            policy: self.policy,
            account: self.account,
            group,
            witness: None,
        };
        let known = Known { live, seen };
        repair::run(self.effects, self.memory, &reporter, job, Some(known)).await
    }

    /// Tells Config by the hundred. A portion that it does not take does not stop the next.
    async fn report(&self, evaluations: Vec<Evaluation>, tally: &Tally) {
        for portion in evaluations.chunks(MAX_EVALUATIONS) {
            match self.effects.report_all(self.token, portion).await {
                Ok(rejected) => {
                    for evaluation in portion {
                        let refused = rejected
                            .iter()
                            .any(|rejected| rejected.resource_id == evaluation.resource_id);
                        if refused {
                            let what = format!(
                                "{} {} was not accepted by AWS Config",
                                evaluation.resource_id, evaluation.compliance
                            );
                            self.effects.log(&format!("error: {what}"));
                            tally.failed(what);
                        } else if evaluation.annotation != Annotation::correct() {
                            self.effects.log(&log::reported(evaluation));
                        }
                    }
                }
                Err(error) => {
                    self.effects.log(&format!("error: {}", error.report()));
                    tally.failed(error.report());
                }
            }
        }
    }

    /// Everything, or an error that says what is missing.
    fn conclude(&self, tally: &Tally) -> Result<(), HandleError> {
        let Tally {
            judged,
            repaired,
            unreached,
            broken_off,
            failures,
        } = tally;
        let (judged, repaired, unreached) = (judged.get(), repaired.get(), unreached.get());
        let failures = failures.borrow();
        self.effects.log(&format!(
            "swept {judged} group(s) in scope: {repaired} repaired, {} failure(s), {unreached} not reached",
            failures.len()
        ));
        let mut missing = Vec::new();
        if broken_off.get() {
            missing.push("not every group was read".to_owned());
        }
        if unreached > 0 {
            missing.push(format!("the time did not suffice for {unreached} group(s)"));
        }
        missing.extend(failures.iter().take(NAMED).cloned());
        if failures.len() > NAMED {
            missing.push(format!("and {} more, see the log", failures.len() - NAMED));
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(HandleError::Sweep(missing.join("; ")))
        }
    }
}

/// What EC2 can leave out itself. Its filters know wildcards, so each group is checked again.
fn query(scope: &Scope, account: &AccountId) -> GroupQuery {
    let own = GroupQuery::filter("owner-id", [account.as_str()]);
    match scope {
        Scope::Unrestricted | Scope::Account => own,
        Scope::Vpc(vpc) => own.and_filter("vpc-id", [vpc.as_str()]),
        Scope::Tag { key, value } => own.and_filter(format!("tag:{key}"), [value.as_str()]),
    }
}
