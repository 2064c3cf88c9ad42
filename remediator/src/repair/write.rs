//! The writes of one plan, all at the same time, and how they ended.

use crate::effects::{Effects, Failure};
use aws_calls::{ErrorKind, Revoked};
use remediator_core::{Direction, GroupId, Plan, Rule};
use std::collections::BTreeSet;

/// How the writes of one plan ended.
pub(super) enum End<F> {
    /// EC2 answered success to each, or there was nothing to write.
    Success,
    /// The group is not what it was when it was read.
    Moved,
    /// These writes failed for a reason that reading again does not cure.
    Failure(Vec<F>),
}

/// What EC2 confirmed, and how it ended.
pub(super) struct Writes<F> {
    /// Rules that were taken away.
    pub(super) revoked: usize,
    /// Rules that were added.
    pub(super) authorized: usize,
    pub(super) end: End<F>,
}

impl<F: Failure> Writes<F> {
    /// Carries out `plan`: up to four calls at once, none of a kind that is not needed.
    pub(super) async fn make<E: Effects<Error = F>>(
        effects: &E,
        group: &GroupId,
        plan: &Plan,
    ) -> Self {
        let Plan {
            revoke,
            authorize,
            egress,
        } = plan;
        let (inbound, outbound) = (Direction::Ingress, Direction::Egress);
        let (a, b, c, d) = tokio::join!(
            take(effects, inbound, group, revoke),
            add(effects, inbound, group, authorize),
            take(effects, outbound, group, &egress.revoke),
            add(effects, outbound, group, &egress.authorize),
        );
        let mut writes = Self {
            revoked: 0,
            authorized: 0,
            end: End::Success,
        };
        let (room_inbound, room_outbound) = (!revoke.is_empty(), !egress.revoke.is_empty());
        writes.settle(effects, a.map(|n| (n, 0)), revoke.len(), false);
        writes.settle(effects, b.map(|n| (0, n)), authorize.len(), room_inbound);
        writes.settle(effects, c.map(|n| (n, 0)), egress.revoke.len(), false);
        writes.settle(
            effects,
            d.map(|n| (0, n)),
            egress.authorize.len(),
            room_outbound,
        );
        writes
    }

    /// Counts what was confirmed; less than was `asked` for means that the group has changed.
    fn settle<E: Effects<Error = F>>(
        &mut self,
        effects: &E,
        result: Result<(usize, usize), F>,
        asked: usize,
        room_was_made: bool,
    ) {
        match result {
            Ok((revoked, authorized)) => {
                self.revoked += revoked;
                self.authorized += authorized;
                if revoked + authorized < asked {
                    self.moved();
                }
            }
            Err(error) if is_move(error.kind(), room_was_made) => {
                effects.log(&error.report());
                self.moved();
            }
            Err(error) => match &mut self.end {
                End::Failure(failures) => failures.push(error),
                End::Success | End::Moved => self.end = End::Failure(vec![error]),
            },
        }
    }

    fn moved(&mut self) {
        if matches!(self.end, End::Success) {
            self.end = End::Moved;
        }
    }
}

async fn take<E: Effects>(
    effects: &E,
    direction: Direction,
    group: &GroupId,
    rules: &BTreeSet<Rule>,
) -> Result<usize, E::Error> {
    if rules.is_empty() {
        return Ok(0);
    }
    let Revoked { unknown } = effects.revoke(direction, group, rules).await?;
    Ok(rules.len().saturating_sub(unknown))
}

async fn add<E: Effects>(
    effects: &E,
    direction: Direction,
    group: &GroupId,
    rules: &BTreeSet<Rule>,
) -> Result<usize, E::Error> {
    if rules.is_empty() {
        return Ok(0);
    }
    effects.authorize(direction, group, rules).await?;
    Ok(rules.len())
}

/// Whether a refusal says that the group changed since it was read (or that an earlier attempt of
/// ours took effect and only its answer was lost).
///
/// A full group has no room for what is missing until what is too much has gone. Where
/// `room_was_made` beside the refused call, the next reading authorizes after it.
fn is_move(kind: ErrorKind, room_was_made: bool) -> bool {
    match kind {
        ErrorKind::RuleNotFound | ErrorKind::RuleDuplicate | ErrorKind::GroupNotFound => true,
        ErrorKind::RuleLimit => room_was_made,
        ErrorKind::Throttled
        | ErrorKind::Server
        | ErrorKind::Connection
        | ErrorKind::Denied
        | ErrorKind::Credentials
        | ErrorKind::EvaluationsFailed
        | ErrorKind::Answer
        | ErrorKind::OutOfTime
        | ErrorKind::Refused => false,
    }
}
