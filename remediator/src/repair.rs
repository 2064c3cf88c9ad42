//! Reading, comparing and repairing one group.

mod end;

use crate::effects::{Effects, Failure};
use crate::error::HandleError;
use crate::report::Reporter;
use end::End;
use remediator_core::doubt::may_be_stale;
use remediator_core::event::ItemStatus;
use remediator_core::{
    Annotation, Compliance, Event, GroupId, Mode, Plan, Rule, SecurityGroup, Timestamp, log, plan,
};
use std::collections::BTreeSet;
use std::time::Duration;

/// What is waited for before each reading. The first reading is the rule; the second follows a lost
/// answer or a neighbour's change at once; more mean that EC2 still answers with the past or that
/// somebody changes the group as fast as we do. Fifteen seconds in all: after that no reading is
/// doubted, and whoever changes the group makes another event.
const PAUSES: [Duration; 9] = [
    Duration::ZERO,
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(600),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(5),
    Duration::from_secs(5),
];

/// One repair, over as many readings as it takes.
struct Repair<'a, E: Effects> {
    effects: &'a E,
    reporter: &'a Reporter<'a, E>,
    event: &'a Event,
    group: &'a GroupId,
    /// Rules that EC2 confirmed to have taken away and added.
    revoked: usize,
    authorized: usize,
    /// Rules that a reading of this run has shown. That a later one does not is no sign of its age.
    shown: BTreeSet<Rule>,
    drift: Drift<E::Error>,
}

/// What Config knows of the drift.
enum Drift<F> {
    /// There was none so far.
    None,
    /// It has been told.
    Told,
    /// It did not accept the report. The history must not lack it: it is sent again.
    Owed {
        annotation: Annotation,
        seen: Timestamp,
        failure: F,
    },
}

/// What a reading, or the writes after it, led to.
enum Step {
    /// The last report is made.
    Done,
    /// The group is not what it was when it was read.
    Moved,
    /// The reading may be older than the event.
    Doubtful,
}

/// Judges `group` and, if the policy says so, makes it what the baseline says.
pub(crate) async fn run<E: Effects>(
    effects: &E,
    reporter: &Reporter<'_, E>,
    event: &Event,
    group: &GroupId,
) -> Result<(), HandleError> {
    let mut repair = Repair {
        effects,
        reporter,
        event,
        group,
        revoked: 0,
        authorized: 0,
        shown: BTreeSet::new(),
        drift: Drift::None,
    };
    let mut doubtful = false;
    for pause in PAUSES {
        if !pause.is_zero() {
            if pause >= effects.time_left() {
                break;
            }
            effects.pause(pause).await;
        }
        doubtful = match repair.read_and_act().await? {
            Step::Done => return repair.finish(),
            Step::Moved => {
                effects.log(&format!("{group} has changed meanwhile: reading it again"));
                false
            }
            Step::Doubtful => {
                effects.log(&format!(
                    "{group} is not yet shown as its configuration item shows it: reading it again"
                ));
                true
            }
        };
    }
    let (annotation, error) = if doubtful {
        let error = HandleError::Doubtful(group.clone());
        (Annotation::doubtful(group), error)
    } else {
        let error = HandleError::Unsettled(group.clone());
        (Annotation::unsettled(group), error)
    };
    repair.fail(annotation, effects.now(), error).await
}

impl<E: Effects> Repair<'_, E> {
    async fn read_and_act(&mut self) -> Result<Step, HandleError> {
        // Before the read: what changes the group after it must outrank the verdict.
        let seen = self.effects.now();
        let live = match self.effects.describe(self.group).await {
            Ok(Some(live)) => live,
            Ok(None) if self.may_be_too_new(seen) => return Ok(Step::Doubtful),
            Ok(None) => {
                return self
                    .done(Compliance::NotApplicable, Annotation::deleted(), seen)
                    .await;
            }
            Err(error) => {
                let annotation = Annotation::failures(&[error.operation()], self.group);
                return self
                    .fail(annotation, seen, HandleError::calls([&error]))
                    .await;
            }
        };
        self.log_definition(&live);
        let policy = &self.event.policy;
        if !policy.scope.admits(&live, &self.event.account_id) {
            let annotation = Annotation::out_of_scope(&policy.scope);
            return self.done(Compliance::NotApplicable, annotation, seen).await;
        }
        let plan = plan(&live, &policy.baseline);
        let doubtful = self.is_doubtful(&live, seen);
        self.shown.extend(live.ingress);
        if plan.is_empty() {
            if doubtful {
                return Ok(Step::Doubtful);
            }
            return self.done(Compliance::Compliant, self.verdict(), seen).await;
        }
        match policy.mode {
            Mode::Audit => {
                self.effects.log(&log::planned(self.group, &plan));
                self.done(Compliance::NonCompliant, Annotation::audited(&plan), seen)
                    .await
            }
            Mode::Enforce => self.enforce(&plan, seen, doubtful).await,
        }
    }

    /// A group that was made a moment ago is not yet shown everywhere.
    fn may_be_too_new(&self, seen: Timestamp) -> bool {
        self.event.item.status == ItemStatus::Discovered
            && may_be_stale(self.event.item.captured, seen)
    }

    /// Whether the item shows a rule that is not approved and that no reading of this run has shown,
    /// soon enough after its capture.
    fn is_doubtful(&self, live: &SecurityGroup, seen: Timestamp) -> bool {
        let item = &self.event.item;
        let missing = |rule: &Rule| {
            let rule = rule.clone().canonical(&live.owner_id);
            !live.ingress.contains(&rule)
                && !self.shown.contains(&rule)
                && !self.event.policy.baseline.approves(&rule, &live.owner_id)
        };
        may_be_stale(item.captured, seen) && item.ingress.iter().any(missing)
    }

    /// Revoke beside authorize beside the report of the drift; then the verdict.
    async fn enforce(
        &mut self,
        plan: &Plan,
        seen: Timestamp,
        doubtful: bool,
    ) -> Result<Step, HandleError> {
        for rule in &plan.revoke {
            self.effects.log(&log::revoking(self.group, rule));
        }
        for rule in &plan.authorize {
            self.effects.log(&log::authorizing(self.group, rule));
        }
        let (revoke, authorize, drift) = tokio::join!(
            self.revoke(plan),
            self.authorize(plan),
            self.report_drift(plan, seen)
        );
        if let Some(drift) = drift {
            self.drift = drift;
        }
        let (revoke, authorize) = (
            self.settle_revoke(plan, revoke),
            self.settle_authorize(plan, authorize),
        );
        let failures: Vec<&E::Error> = [&revoke, &authorize]
            .into_iter()
            .filter_map(|end| end.failure())
            .collect();
        if !failures.is_empty() {
            let operations: Vec<&str> = failures.iter().map(|error| error.operation()).collect();
            let annotation = Annotation::failures(&operations, self.group);
            return self
                .fail(annotation, seen, HandleError::calls(failures))
                .await;
        }
        match (&revoke, &authorize) {
            (End::Success, End::Success) if doubtful => Ok(Step::Doubtful),
            (End::Success, End::Success) => {
                self.done(Compliance::Compliant, self.verdict(), seen).await
            }
            _ => Ok(Step::Moved),
        }
    }

    async fn revoke(&self, plan: &Plan) -> Result<aws_calls::Revoked, E::Error> {
        if plan.revoke.is_empty() {
            return Ok(aws_calls::Revoked { unknown: 0 });
        }
        self.effects.revoke(self.group, &plan.revoke).await
    }

    async fn authorize(&self, plan: &Plan) -> Result<(), E::Error> {
        if plan.authorize.is_empty() {
            return Ok(());
        }
        self.effects.authorize(self.group, &plan.authorize).await
    }

    /// Tells Config of the drift, once; what became of it.
    async fn report_drift(&self, plan: &Plan, seen: Timestamp) -> Option<Drift<E::Error>> {
        let (annotation, seen) = match &self.drift {
            Drift::Told => return None,
            Drift::None => {
                let planned = Annotation::modified(plan.revoke.len(), plan.authorize.len());
                (planned, seen)
            }
            Drift::Owed {
                annotation,
                seen,
                failure: _,
            } => (annotation.clone(), *seen),
        };
        Some(self.tell_drift(annotation, seen).await)
    }

    async fn tell_drift(&self, annotation: Annotation, seen: Timestamp) -> Drift<E::Error> {
        let verdict = Compliance::NonCompliant;
        let sent = self
            .reporter
            .group(self.group, verdict, annotation.clone(), seen)
            .await;
        match sent {
            Ok(()) => Drift::Told,
            // The repair goes on without it.
            Err(failure) => Drift::Owed {
                annotation,
                seen,
                failure,
            },
        }
    }

    fn settle_revoke(
        &mut self,
        plan: &Plan,
        result: Result<aws_calls::Revoked, E::Error>,
    ) -> End<E::Error> {
        match result {
            Ok(aws_calls::Revoked { unknown }) => {
                self.revoked += plan.revoke.len().saturating_sub(unknown);
                if unknown == 0 {
                    End::Success
                } else {
                    End::Moved
                }
            }
            Err(error) => self.judge(error, false),
        }
    }

    fn settle_authorize(&mut self, plan: &Plan, result: Result<(), E::Error>) -> End<E::Error> {
        match result {
            Ok(()) => {
                self.authorized += plan.authorize.len();
                End::Success
            }
            Err(error) => self.judge(error, !plan.revoke.is_empty()),
        }
    }

    fn judge(&self, error: E::Error, room_was_made: bool) -> End<E::Error> {
        if end::is_move(error.kind(), room_was_made) {
            self.effects.log(&error.report());
            End::Moved
        } else {
            End::Failure(error)
        }
    }

    /// What can be said of a group that is what it shall be.
    fn verdict(&self) -> Annotation {
        if self.revoked + self.authorized == 0 {
            Annotation::correct()
        } else {
            Annotation::modified(self.revoked, self.authorized)
        }
    }

    /// The last report. A drift that Config has not heard of yet is told before it.
    async fn done(
        &mut self,
        compliance: Compliance,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Result<Step, HandleError> {
        if let Drift::Owed {
            annotation,
            seen,
            failure: _,
        } = &self.drift
        {
            self.drift = self.tell_drift(annotation.clone(), *seen).await;
        }
        let sent = self
            .reporter
            .group(self.group, compliance, annotation, seen)
            .await;
        match sent {
            Ok(()) => Ok(Step::Done),
            Err(error) => Err(HandleError::calls(self.owed().into_iter().chain([&error]))),
        }
    }

    /// Reports that the group is not right, or that nobody knows, and fails with `cause`.
    async fn fail<T>(
        &self,
        annotation: Annotation,
        seen: Timestamp,
        cause: HandleError,
    ) -> Result<T, HandleError> {
        let sent = self
            .reporter
            .group(self.group, Compliance::NonCompliant, annotation, seen)
            .await;
        if let Err(error) = sent {
            self.effects.log(&format!("error: {}", error.report()));
        }
        Err(cause)
    }

    /// A repair whose drift Config never heard of is a repair, and a failed invocation.
    fn finish(&self) -> Result<(), HandleError> {
        match self.owed() {
            Some(error) => Err(HandleError::calls([error])),
            None => Ok(()),
        }
    }

    fn owed(&self) -> Option<&E::Error> {
        match &self.drift {
            Drift::Owed {
                annotation: _,
                seen: _,
                failure,
            } => Some(failure),
            Drift::None | Drift::Told => None,
        }
    }

    fn log_definition(&self, live: &SecurityGroup) {
        if !self.event.policy.debug {
            return;
        }
        let definition = serde_json::to_string(live)
            .unwrap_or_else(|error| format!("cannot be written as JSON: {error}"));
        self.effects
            .log(&format!("definition of {}: {definition}", self.group));
    }
}
