//! Telling Config, in the right order and only what is known.

use crate::effects::Effects;
use remediator_core::evaluation::order;
use remediator_core::{
    Annotation, Compliance, Evaluation, GroupId, ResultToken, SECURITY_GROUP, Timestamp, log,
};
use std::cell::{Cell, RefCell};

/// Where verdicts go.
#[derive(Clone, Copy)]
pub(crate) enum Sink<'a> {
    /// To Config, one by one.
    Config(&'a ResultToken),
    /// Onto a heap, from which they go to Config by the hundred.
    Heap(&'a RefCell<Vec<Evaluation>>),
    /// Nowhere: the event came without a token. Config's own event of the same change brings one.
    Nobody,
}

/// The evaluations of one resource in one invocation, each ordered after the one before.
pub(crate) struct Reporter<'a, E> {
    effects: &'a E,
    sink: Sink<'a>,
    /// Nothing is dated before this: the event.
    captured: Timestamp,
    last: Cell<Option<Timestamp>>,
}

impl<'a, E: Effects> Reporter<'a, E> {
    pub(crate) fn new(effects: &'a E, sink: Sink<'a>, captured: Timestamp) -> Self {
        Self {
            effects,
            sink,
            captured,
            last: Cell::new(None),
        }
    }

    /// Reports on a security group as it was at `seen`; see [`order`] for why that matters.
    pub(crate) async fn group(
        &self,
        group: &GroupId,
        compliance: Compliance,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Result<(), E::Error> {
        self.send(SECURITY_GROUP, group.as_str(), compliance, annotation, seen)
            .await
    }

    /// Reports on any resource. A line follows only once Config has accepted the report: the log
    /// is evidence, not intention.
    pub(crate) async fn send(
        &self,
        resource_type: &str,
        resource_id: &str,
        compliance: Compliance,
        annotation: Annotation,
        seen: Timestamp,
    ) -> Result<(), E::Error> {
        let earliest = order(self.captured, seen);
        let ordering_timestamp = match self.last.get() {
            Some(last) => earliest.max(last.plus_millis(1)),
            None => earliest,
        };
        self.last.set(Some(ordering_timestamp));
        let evaluation = Evaluation {
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
            compliance,
            annotation,
            ordering_timestamp,
        };
        match self.sink {
            Sink::Config(token) => {
                self.effects.report(token, &evaluation).await?;
                self.effects.log(&log::reported(&evaluation));
            }
            Sink::Heap(heap) => heap.borrow_mut().push(evaluation),
            Sink::Nobody => {}
        }
        Ok(())
    }
}
