//! Reading, comparing and repairing one group.

use crate::effects::{Effects, Failure};
use crate::error::HandleError;
use crate::report::Reporter;
use aws_calls::ErrorKind;
use remediator_core::{
    Annotation, Compliance, Event, GroupId, Mode, Plan, SecurityGroup, Timestamp, log, plan,
};

/// How often a group is read before it counts as restless. The first reading is the rule; the
/// second follows a lost answer or a neighbour's change; more than four means that somebody
/// changes the group as fast as we do, and then the next event has to deal with it.
const MAX_READINGS: u32 = 4;

/// One repair, over as many readings as it takes.
struct Repair<'a, E: Effects> {
    effects: &'a E,
    reporter: &'a Reporter<'a, E>,
    event: &'a Event,
    group: &'a GroupId,
    /// Rules that EC2 confirmed to have taken away and added.
    revoked: usize,
    authorized: usize,
    /// Whether Config has accepted that the group had drifted.
    drift_reported: bool,
    /// Why it did not accept it.
    drift_report_failure: Option<E::Error>,
}

/// What a reading, or the writes after it, led to.
enum Step {
    /// The last report is made.
    Done,
    /// The group is not what it was when it was read.
    Moved,
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
        drift_reported: false,
        drift_report_failure: None,
    };
    for _ in 0..MAX_READINGS {
        match repair.read_and_act().await? {
            Step::Done => return repair.finish(),
            Step::Moved => effects.log(&format!("{group} has changed meanwhile: reading it again")),
        }
    }
    let seen = effects.now();
    repair
        .fail(
            Annotation::unsettled(group),
            seen,
            HandleError::Unsettled(group.clone()),
        )
        .await
}

impl<E: Effects> Repair<'_, E> {
    async fn read_and_act(&mut self) -> Result<Step, HandleError> {
        // Before the read: what changes the group after it must outrank the verdict.
        let seen = self.effects.now();
        let live = match self.effects.describe(self.group).await {
            Ok(Some(live)) => live,
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
        if plan.is_empty() {
            return self.done(Compliance::Compliant, self.verdict(), seen).await;
        }
        match policy.mode {
            Mode::Audit => {
                self.effects.log(&log::planned(self.group, &plan));
                self.done(Compliance::NonCompliant, Annotation::audited(&plan), seen)
                    .await
            }
            Mode::Enforce => self.enforce(&plan, seen).await,
        }
    }

    /// Revoke beside authorize beside the report of the drift; then the verdict.
    async fn enforce(&mut self, plan: &Plan, seen: Timestamp) -> Result<Step, HandleError> {
        for rule in &plan.revoke {
            self.effects.log(&log::revoking(self.group, rule));
        }
        for rule in &plan.authorize {
            self.effects.log(&log::authorizing(self.group, rule));
        }
        let (revoke, authorize, report) = tokio::join!(
            self.revoke(plan),
            self.authorize(plan),
            self.report_drift(plan, seen)
        );
        match report {
            Ok(()) => self.drift_reported = true,
            // The repair goes on without it, and the invocation fails in the end.
            Err(error) => self.drift_report_failure = Some(error),
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
        if matches!((&revoke, &authorize), (End::Success, End::Success)) {
            return self.done(Compliance::Compliant, self.verdict(), seen).await;
        }
        Ok(Step::Moved)
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

    async fn report_drift(&self, plan: &Plan, seen: Timestamp) -> Result<(), E::Error> {
        if self.drift_reported {
            return Ok(());
        }
        let annotation = Annotation::modified(plan.revoke.len(), plan.authorize.len());
        self.reporter
            .group(self.group, Compliance::NonCompliant, annotation, seen)
            .await
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
            Err(error) if is_move(error.kind()) => self.moved(&error),
            Err(error) => End::Failure(error),
        }
    }

    fn settle_authorize(&mut self, plan: &Plan, result: Result<(), E::Error>) -> End<E::Error> {
        match result {
            Ok(()) => {
                self.authorized += plan.authorize.len();
                End::Success
            }
            // A full group has no room for what is missing until what is too much has gone. The
            // revocation went out beside this call; the next reading authorizes after it.
            Err(error) if error.kind() == ErrorKind::RuleLimit && !plan.revoke.is_empty() => {
                self.moved(&error)
            }
            Err(error) if is_move(error.kind()) => self.moved(&error),
            Err(error) => End::Failure(error),
        }
    }

    fn moved(&self, error: &E::Error) -> End<E::Error> {
        self.effects.log(&error.report());
        End::Moved
    }

    /// What can be said of a group that is what it shall be.
    fn verdict(&self) -> Annotation {
        if self.revoked + self.authorized == 0 {
            Annotation::correct()
        } else {
            Annotation::modified(self.revoked, self.authorized)
        }
    }

    async fn done(
        &self,
        compliance: Compliance,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Result<Step, HandleError> {
        let sent = self
            .reporter
            .group(self.group, compliance, annotation, seen)
            .await;
        match sent {
            Ok(()) => Ok(Step::Done),
            Err(error) => {
                let earlier = self.drift_report_failure.iter();
                Err(HandleError::calls(earlier.chain([&error])))
            }
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
        match &self.drift_report_failure {
            Some(error) if !self.drift_reported => Err(HandleError::calls([error])),
            Some(_) | None => Ok(()),
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

/// How one write ended.
enum End<F> {
    /// EC2 answered success, or there was nothing to write.
    Success,
    /// The group is not what it was when it was read.
    Moved,
    /// The write failed for a reason that reading again does not cure.
    Failure(F),
}

impl<F> End<F> {
    fn failure(&self) -> Option<&F> {
        match self {
            Self::Failure(error) => Some(error),
            Self::Success | Self::Moved => None,
        }
    }
}

/// Whether a refusal says that the group changed since it was read (or that an earlier attempt of
/// ours took effect and only its answer was lost).
fn is_move(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::RuleNotFound | ErrorKind::RuleDuplicate | ErrorKind::GroupNotFound => true,
        ErrorKind::Throttled
        | ErrorKind::Server
        | ErrorKind::Connection
        | ErrorKind::RuleLimit
        | ErrorKind::Denied
        | ErrorKind::Credentials
        | ErrorKind::EvaluationsFailed
        | ErrorKind::Answer
        | ErrorKind::Refused => false,
    }
}
