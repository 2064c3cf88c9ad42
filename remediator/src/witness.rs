//! Sees every call of a run and its end, and writes down what machines read of it.
//!
//! It stands between the flow and its effects, so that the flow cannot forget to tell and does not
//! have to know that it is told of.

use crate::effects::{Effects, Invocation};
use crate::error::HandleError;
use aws_calls::{GroupPage, GroupQuery, Rejected, Revoked};
use remediator_core::evidence::{self, Context, Metrics, Write};
use remediator_core::notice::{Account, Notice, Outcome};
use remediator_core::{
    Annotation, Compliance, Direction, Evaluation, GroupId, Json, ResultToken, Rule, SecurityGroup,
    Timestamp, naming,
};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Effects that are witnessed.
pub(crate) struct Witness<'a, E> {
    effects: &'a E,
    seen: RefCell<Seen>,
}

struct Seen {
    context: Context,
    /// When the item that caused the run was captured.
    captured: Option<Timestamp>,
    accounts: BTreeMap<GroupId, Account>,
    /// When the last write on a group was confirmed.
    written: BTreeMap<GroupId, Timestamp>,
    contested: BTreeSet<GroupId>,
    /// Groups of which Config has accepted a verdict.
    judged: BTreeSet<GroupId>,
}

impl<'a, E: Effects> Witness<'a, E> {
    pub(crate) fn new(effects: &'a E, payload: &Json<'_>) -> Self {
        let Invocation {
            request_id, region, ..
        } = effects.invocation();
        let context = Context::new(payload, region, request_id);
        Self {
            effects,
            seen: RefCell::new(Seen {
                context,
                captured: None,
                accounts: BTreeMap::new(),
                written: BTreeMap::new(),
                contested: BTreeSet::new(),
                judged: BTreeSet::new(),
            }),
        }
    }

    /// The end: numbers, and a notice where there is something to tell. The last report has been
    /// made, so nothing that happens here delays a repair or makes it fail.
    pub(crate) async fn close(&self, error: Option<&HandleError>) {
        let error = error.map(HandleError::chain);
        if error.is_none() {
            self.trust_what_was_written();
        }
        let (mut lines, notice) = self.sum_up(error.as_deref());
        for line in lines.drain(..) {
            self.effects.log(&line);
        }
        let Some(notice) = notice else { return };
        let missed = self.effects.announce(notice).await;
        let metrics = Metrics {
            notifications_failed: missed,
            ..Metrics::default()
        };
        let context = &self.seen.borrow().context;
        if let Some(line) = evidence::metrics(context, &metrics, self.effects.now()) {
            self.effects.log(&line);
        }
    }

    /// Where no verdict was sent (the fast path has nobody to send it to), a run that ends well has left
    /// the groups on which it wrote as they shall be.
    fn trust_what_was_written(&self) {
        let mut seen = self.seen.borrow_mut();
        let Seen {
            accounts, judged, ..
        } = &mut *seen;
        for (group, account) in accounts {
            account.compliant |= !judged.contains(group);
        }
    }

    fn sum_up(&self, error: Option<&str>) -> (Vec<String>, Option<Notice>) {
        let seen = self.seen.borrow();
        let context = &seen.context;
        let outcomes = || seen.accounts.values().filter_map(Account::outcome);
        let latency = |captured: Timestamp| {
            seen.accounts
                .iter()
                .filter(|(_, account)| account.outcome() == Some(Outcome::Healed))
                .filter_map(|(group, _)| seen.written.get(group))
                // Never below zero: two machines' clocks are compared.
                .map(|at| (at.as_millis() - captured.as_millis()).max(0))
                .collect()
        };
        let healed = outcomes().filter(|outcome| *outcome == Outcome::Healed);
        let metrics = Metrics {
            detected: count(outcomes().count()),
            healed: count(healed.count()),
            contested: count(seen.contested.len()),
            failed: u64::from(error.is_some()),
            notifications_failed: 0,
            heal_latency: seen.captured.map_or_else(Vec::new, latency),
        };
        let failed = error.map(|error| evidence::failed(context, error));
        let metrics = (metrics != Metrics::default())
            .then(|| evidence::metrics(context, &metrics, self.effects.now()))
            .flatten();
        let lines = failed.into_iter().chain(metrics).collect();
        (lines, Notice::new(context, &seen.accounts, error))
    }

    fn wrote(
        &self,
        write: (Write, Direction),
        group: &GroupId,
        rules: &BTreeSet<Rule>,
        unknown: usize,
    ) {
        let mut seen = self.seen.borrow_mut();
        let line = evidence::written(&seen.context, write, group, rules, unknown);
        seen.written.insert(group.clone(), self.effects.now());
        let account = seen.accounts.entry(group.clone()).or_default();
        account.drifted = true;
        let none = BTreeSet::new();
        let names = match write.1 {
            Direction::Ingress => naming::names(rules, &none),
            Direction::Egress => naming::names(&none, rules),
        };
        match write.0 {
            Write::Revoke => account.revoked.extend(names),
            Write::Authorize => account.authorized.extend(names),
        }
        self.effects.log(&line);
    }

    /// Config has accepted it. Of a sweep, what is right is counted only: thousands of lines would
    /// hide the few that matter.
    fn told(&self, evaluation: &Evaluation, alone: bool) {
        let mut seen = self.seen.borrow_mut();
        if let Ok(group) = evaluation.resource_id.parse::<GroupId>() {
            seen.judged.insert(group.clone());
            if evaluation.annotation.tells_of_contest() {
                seen.contested.insert(group.clone());
            }
            let account = seen.accounts.entry(group).or_default();
            match evaluation.compliance {
                Compliance::Compliant => account.compliant = true,
                Compliance::NonCompliant => {
                    account.compliant = false;
                    account.drifted = true;
                }
                Compliance::NotApplicable => {}
            }
        }
        if alone || evaluation.annotation != Annotation::correct() {
            let line = evidence::evaluated(&seen.context, evaluation);
            self.effects.log(&line);
        }
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

impl<E: Effects> Effects for Witness<'_, E> {
    type Error = E::Error;

    async fn describe(&self, group: &GroupId) -> Result<Option<SecurityGroup>, E::Error> {
        self.effects.describe(group).await
    }

    async fn describe_page(
        &self,
        query: &GroupQuery,
        token: Option<&str>,
    ) -> Result<GroupPage, E::Error> {
        self.effects.describe_page(query, token).await
    }

    async fn revoke(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<Revoked, E::Error> {
        let result = self.effects.revoke(direction, group, rules).await;
        if let Ok(Revoked { unknown }) = &result {
            self.wrote((Write::Revoke, direction), group, rules, *unknown);
        }
        result
    }

    async fn authorize(
        &self,
        direction: Direction,
        group: &GroupId,
        rules: &BTreeSet<Rule>,
    ) -> Result<(), E::Error> {
        let result = self.effects.authorize(direction, group, rules).await;
        if result.is_ok() {
            self.wrote((Write::Authorize, direction), group, rules, 0);
        }
        result
    }

    async fn report(&self, token: &ResultToken, evaluation: &Evaluation) -> Result<(), E::Error> {
        let result = self.effects.report(token, evaluation).await;
        if result.is_ok() {
            self.told(evaluation, true);
        }
        result
    }

    async fn report_all(
        &self,
        token: &ResultToken,
        evaluations: &[Evaluation],
    ) -> Result<Vec<Rejected>, E::Error> {
        let result = self.effects.report_all(token, evaluations).await;
        if let Ok(rejected) = &result {
            for evaluation in evaluations {
                let id = &evaluation.resource_id;
                if !rejected.iter().any(|rejected| rejected.resource_id == *id) {
                    self.told(evaluation, false);
                }
            }
        }
        result
    }

    async fn parameter(&self, name: &str) -> Result<String, E::Error> {
        self.effects.parameter(name).await
    }

    fn now(&self) -> Timestamp {
        self.effects.now()
    }

    fn time_left(&self) -> Duration {
        self.effects.time_left()
    }

    async fn pause(&self, time: Duration) {
        self.effects.pause(time).await;
    }

    fn log(&self, line: &str) {
        self.effects.log(line);
    }

    fn invocation(&self) -> Invocation<'_> {
        self.effects.invocation()
    }

    /// From here on the lines are found under the event's name.
    fn about(&self, resource: &str, captured: Timestamp) {
        let mut seen = self.seen.borrow_mut();
        seen.context.about(resource, captured);
        seen.captured = Some(captured);
    }

    async fn announce(&self, notice: Notice) -> u64 {
        self.effects.announce(notice).await
    }
}
