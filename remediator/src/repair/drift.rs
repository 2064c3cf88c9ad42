//! What Config is told of the drift, before it is told that the group is right again.

use super::Repair;
use crate::effects::{Effects, Failure};
use remediator_core::plan::Directed;
use remediator_core::{Annotation, Compliance, Timestamp};
use std::collections::BTreeSet;

/// What Config knows of the drift.
pub(super) enum Drift<F> {
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

impl<F> Drift<F> {
    /// Why Config did not accept the report, if it has not by now.
    pub(super) fn failure(&self) -> Option<&F> {
        match self {
            Self::Owed {
                annotation: _,
                seen: _,
                failure,
            } => Some(failure),
            Self::None | Self::Told => None,
        }
    }
}

impl<E: Effects> Repair<'_, E> {
    /// Tells Config of the drift, once; what became of it.
    pub(super) async fn report_drift(
        &self,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Option<Drift<E::Error>> {
        match &self.drift {
            Drift::Told => None,
            Drift::None => Some(self.tell(annotation, seen).await),
            Drift::Owed {
                annotation,
                seen,
                failure: _,
            } => Some(self.tell(annotation.clone(), *seen).await),
        }
    }

    /// Sends again what Config did not accept at first.
    pub(super) async fn tell_what_is_owed(&mut self) {
        if let Drift::Owed {
            annotation,
            seen,
            failure: _,
        } = &self.drift
        {
            self.drift = self.tell(annotation.clone(), *seen).await;
        }
    }

    /// Tells of a drift that only the event has shown: the other path, a neighbour or an earlier
    /// invocation was faster. The history has it all the same, as of the moment of the event.
    pub(super) async fn tell_what_was(&mut self, rules: &BTreeSet<Directed>) {
        let nothing = rules.is_empty() || !matches!(self.drift, Drift::None);
        if let Some(witness) = self.job.witness
            && !nothing
        {
            let annotation = Annotation::was_drifted(rules);
            self.drift = self.tell(annotation, witness.at).await;
        }
    }

    async fn tell(&self, annotation: Annotation, seen: Timestamp) -> Drift<E::Error> {
        let verdict = Compliance::NonCompliant;
        let sent = self
            .reporter
            .group(self.job.group, verdict, annotation.clone(), seen)
            .await;
        match sent {
            Ok(()) => Drift::Told,
            // The repair goes on without it.
            Err(failure) => {
                self.effects.log(&format!("error: {}", failure.report()));
                Drift::Owed {
                    annotation,
                    seen,
                    failure,
                }
            }
        }
    }
}
