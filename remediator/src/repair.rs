//! Reading, comparing and repairing one group.

mod contest;
mod drift;
mod stale;
mod write;

use crate::effects::{Effects, Failure};
use crate::error::HandleError;
use crate::memory::Memory;
use crate::report::Reporter;
use contest::Contest;
use drift::Drift;
use remediator_core::plan::{Directed, directed};
use remediator_core::{
    AccountId, Annotation, Compliance, GroupId, Judged, Judgement, Plan, Policy, SecurityGroup,
    Timestamp, Witness, judge, log,
};
use std::collections::BTreeSet;
use std::time::Duration;
use write::{End, Writes};

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

/// What is to be done, for whom.
#[derive(Clone, Copy)]
pub(crate) struct Job<'a> {
    pub(crate) policy: &'a Policy,
    /// The account of the rule.
    pub(crate) account: &'a AccountId,
    pub(crate) group: &'a GroupId,
    /// What the event shows of the group; a sweep has none.
    pub(crate) witness: Option<&'a Witness>,
}

/// A group that was read already and found drifted, and whose drift is being told.
pub(crate) struct Known {
    pub(crate) live: SecurityGroup,
    pub(crate) seen: Timestamp,
}

/// How a group was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Something was written, and it is right.
    Repaired,
    /// Nothing was to be written, or nothing should be.
    Unchanged,
}

/// One repair, over as many readings as it takes.
struct Repair<'a, E: Effects> {
    effects: &'a E,
    memory: &'a Memory,
    reporter: &'a Reporter<'a, E>,
    job: Job<'a>,
    /// Rules that EC2 confirmed to have taken away and added.
    revoked: usize,
    authorized: usize,
    /// Their ports, where EC2 confirmed all that it was asked for: otherwise it does not say which.
    names: (Vec<String>, Vec<String>),
    /// Rules that a reading of this run has shown. That a later one does not is no sign of its age.
    shown: BTreeSet<Directed>,
    drift: Drift<E::Error>,
    /// What has to be said beside the next verdict.
    remark: Option<String>,
    contest: Contest,
    remembered: bool,
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

/// Judges a group and, if the policy says so, makes it what the baseline says.
pub(crate) async fn run<E: Effects>(
    effects: &E,
    memory: &Memory,
    reporter: &Reporter<'_, E>,
    job: Job<'_>,
    known: Option<Known>,
) -> Result<Outcome, HandleError> {
    let mut repair = Repair {
        effects,
        memory,
        reporter,
        job,
        revoked: 0,
        authorized: 0,
        names: (Vec::new(), Vec::new()),
        shown: BTreeSet::new(),
        drift: if known.is_some() {
            Drift::Told
        } else {
            Drift::None
        },
        remark: None,
        contest: Contest::None,
        remembered: false,
    };
    repair.until_settled(known).await?;
    match repair.drift.failure() {
        // A repair whose drift Config never heard of is a repair, and a failed invocation.
        Some(error) => Err(HandleError::calls([error])),
        None if repair.revoked + repair.authorized > 0 => Ok(Outcome::Repaired),
        None => Ok(Outcome::Unchanged),
    }
}

impl<E: Effects> Repair<'_, E> {
    async fn until_settled(&mut self, mut known: Option<Known>) -> Result<(), HandleError> {
        let group = self.job.group;
        let mut doubtful = false;
        for pause in PAUSES {
            if !pause.is_zero() {
                if pause >= self.effects.time_left() {
                    break;
                }
                self.effects.pause(pause).await;
            }
            let step = match known.take() {
                Some(Known { live, seen }) => self.act(live, seen).await?,
                None => self.read_and_act().await?,
            };
            let why = match step {
                Step::Done => return Ok(()),
                Step::Moved => "has changed meanwhile",
                Step::Doubtful => "is not yet shown as its event shows it",
            };
            doubtful = matches!(step, Step::Doubtful);
            self.effects
                .log(&format!("{group} {why}: reading it again"));
        }
        let (annotation, error) = if doubtful {
            let error = HandleError::Doubtful(group.clone());
            (Annotation::doubtful(group), error)
        } else {
            let error = HandleError::Unsettled(group.clone());
            (Annotation::unsettled(group), error)
        };
        self.fail(annotation, self.effects.now(), error).await
    }

    async fn read_and_act(&mut self) -> Result<Step, HandleError> {
        // Before the read: what changes the group after it must outrank the verdict.
        let seen = self.effects.now();
        match self.effects.describe(self.job.group).await {
            Ok(Some(live)) => self.act(live, seen).await,
            Ok(None) if self.may_be_too_new(seen) => Ok(Step::Doubtful),
            Ok(None) => {
                self.done(Compliance::NotApplicable, Annotation::deleted(), seen)
                    .await
            }
            Err(error) => {
                let annotation = Annotation::failures(&[error.operation()], self.job.group);
                self.fail(annotation, seen, HandleError::calls([&error]))
                    .await
            }
        }
    }

    async fn act(&mut self, live: SecurityGroup, seen: Timestamp) -> Result<Step, HandleError> {
        self.log_definition(&live);
        let Job {
            policy,
            account,
            group,
            witness: _,
        } = self.job;
        let Judged { judgement, remark } = judge(&live, policy, account, seen);
        if let Some(remark) = &remark
            && self.remark != Some(remark.clone())
        {
            self.effects.log(&format!("{group}: {remark}"));
        }
        self.remark = remark;
        let missing = self.not_shown(&live, seen);
        self.shown.extend(directed(&live.ingress, &live.egress));
        match judgement {
            Judgement::OutOfScope => {
                let annotation = if live.owner_id == *account {
                    Annotation::out_of_scope(&policy.scope)
                } else {
                    Annotation::of_another_owner(&live.owner_id)
                };
                self.done(Compliance::NotApplicable, annotation, seen).await
            }
            Judgement::Clean if missing.may_be_there => Ok(Step::Doubtful),
            Judgement::Clean => {
                self.tell_what_was(&missing.rules).await;
                self.done(Compliance::Compliant, self.verdict(), seen).await
            }
            Judgement::Exempt { until, plan } => {
                self.effects.log(&log::planned(group, &plan));
                let annotation = self.said(Annotation::exempt(&until, &plan));
                let annotation = annotation.naming_due(&plan);
                self.done(Compliance::NotApplicable, annotation, seen).await
            }
            Judgement::Audit(plan) => {
                self.effects.log(&log::planned(group, &plan));
                let annotation = self.said(Annotation::audited(&plan)).naming_due(&plan);
                self.done(Compliance::NonCompliant, annotation, seen).await
            }
            Judgement::Repair(plan) => match self.contest(&live, &plan, seen) {
                Some(annotation) => self.done(Compliance::NonCompliant, annotation, seen).await,
                None => self.enforce(&live, plan, seen, missing.may_be_there).await,
            },
        }
    }

    /// Revoke beside authorize beside the report of the drift; then the verdict.
    async fn enforce(
        &mut self,
        live: &SecurityGroup,
        plan: Plan,
        seen: Timestamp,
        doubtful: bool,
    ) -> Result<Step, HandleError> {
        let plan = match self.contest {
            Contest::Quarantine { .. } => Plan::quarantine(live),
            Contest::None | Contest::Reported { .. } => plan,
        };
        let planned = Annotation::modified(plan.revocations(), plan.authorizations());
        let planned = self
            .said(planned)
            .naming(&plan.names_to_revoke(), &plan.names_to_authorize());
        for line in log::changes(self.job.group, &plan) {
            self.effects.log(&line);
        }
        let (ends, drift) = tokio::join!(
            Writes::make(self.effects, self.job.group, &plan),
            self.report_drift(planned, seen)
        );
        if let Some(drift) = drift {
            self.drift = drift;
        }
        let Writes {
            revoked,
            authorized,
            end,
        } = ends;
        self.revoked += revoked;
        self.authorized += authorized;
        if revoked == plan.revocations() {
            self.names.0.extend(plan.names_to_revoke());
        }
        if authorized == plan.authorizations() {
            self.names.1.extend(plan.names_to_authorize());
        }
        match end {
            End::Failure(failures) => {
                let operations: Vec<&str> = failures.iter().map(Failure::operation).collect();
                let annotation = self.said(Annotation::failures(&operations, self.job.group));
                self.fail(annotation, seen, HandleError::calls(&failures))
                    .await
            }
            End::Moved => {
                if revoked + authorized > 0 {
                    self.remember(&plan, revoked, seen);
                }
                Ok(Step::Moved)
            }
            End::Success => {
                self.remember(&plan, revoked, seen);
                match self.contest {
                    Contest::Quarantine { count } => {
                        self.memory.quarantined(self.job.group, seen);
                        let minutes = self.job.policy.contested.minutes;
                        let annotation = self.said(Annotation::quarantined(count, minutes));
                        self.done(Compliance::NonCompliant, annotation, seen).await
                    }
                    Contest::None | Contest::Reported { .. } if doubtful => Ok(Step::Doubtful),
                    Contest::None | Contest::Reported { .. } => {
                        self.done(Compliance::Compliant, self.verdict(), seen).await
                    }
                }
            }
        }
    }

    /// What can be said of a group that is what it shall be.
    fn verdict(&self) -> Annotation {
        if self.revoked + self.authorized == 0 {
            self.said(Annotation::correct())
        } else {
            self.said(Annotation::modified(self.revoked, self.authorized))
                .naming(&self.names.0, &self.names.1)
        }
    }

    /// The sentence, and what has to be said beside it.
    fn said(&self, annotation: Annotation) -> Annotation {
        let contest = self.contest.sentence(self.job.policy.contested.minutes);
        let sentences = [&self.remark, &contest];
        let sentences = sentences.into_iter().flatten();
        sentences.fold(annotation, |said, sentence| said.and(sentence))
    }

    /// Counts the repair, once a run: the memory counts repairs, not writes. Which rules are gone is known where all were
    /// `revoked` that should be.
    fn remember(&mut self, plan: &Plan, revoked: usize, seen: Timestamp) {
        let group = self.job.group;
        if !self.remembered {
            self.remembered = true;
            self.memory.repaired(group, seen);
        }
        if revoked == plan.revocations() {
            let taken = directed(&plan.revoke, &plan.egress.revoke);
            self.memory.took(group, seen, taken);
        }
    }

    /// The last report. A drift that Config has not heard of yet is told before it.
    async fn done(
        &mut self,
        compliance: Compliance,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Result<Step, HandleError> {
        self.tell_what_is_owed().await;
        let sent = self
            .reporter
            .group(self.job.group, compliance, annotation, seen)
            .await;
        match sent {
            Ok(()) => Ok(Step::Done),
            Err(error) => {
                let owed = self.drift.failure().into_iter();
                Err(HandleError::calls(owed.chain([&error])))
            }
        }
    }

    /// Reports that the group is not right, or that nobody knows, and fails with `cause`. A drift that Config has not
    /// heard of yet is told before it.
    async fn fail<T>(
        &mut self,
        annotation: Annotation,
        seen: Timestamp,
        cause: HandleError,
    ) -> Result<T, HandleError> {
        self.tell_what_is_owed().await;
        let sent = self
            .reporter
            .group(self.job.group, Compliance::NonCompliant, annotation, seen)
            .await;
        if let Err(error) = sent {
            self.effects.log(&format!("error: {}", error.report()));
        }
        Err(cause)
    }

    fn log_definition(&self, live: &SecurityGroup) {
        if !self.job.policy.debug {
            return;
        }
        let definition = serde_json::to_string(live)
            .unwrap_or_else(|error| format!("cannot be written as JSON: {error}"));
        self.effects
            .log(&format!("definition of {}: {definition}", self.job.group));
    }
}
