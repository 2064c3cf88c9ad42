//! How one write ended.

use aws_calls::ErrorKind;

/// How one write ended.
pub(super) enum End<F> {
    /// EC2 answered success, or there was nothing to write.
    Success,
    /// The group is not what it was when it was read.
    Moved,
    /// The write failed for a reason that reading again does not cure.
    Failure(F),
}

impl<F> End<F> {
    pub(super) fn failure(&self) -> Option<&F> {
        match self {
            Self::Failure(error) => Some(error),
            Self::Success | Self::Moved => None,
        }
    }
}

/// Whether a refusal says that the group changed since it was read (or that an earlier attempt of
/// ours took effect and only its answer was lost).
///
/// A full group has no room for what is missing until what is too much has gone. Where
/// `room_was_made` beside the refused call, the next reading authorizes after it.
pub(super) fn is_move(kind: ErrorKind, room_was_made: bool) -> bool {
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
