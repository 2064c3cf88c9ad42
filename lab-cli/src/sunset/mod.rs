//! The end of a lab, armed inside AWS: schedules that remove it when its time has come, whoever still thinks of it.
//!
//! [`plan`] says which schedules there are (pure); [`role`] with which rights they work (pure); [`hands`] arms and disarms
//! them. Everything is called by name, so that it can be armed before the things themselves are made.

mod hands;
mod lost;
mod moment;
mod plan;
mod role;
mod stamp;

pub use hands::{Armed, adjust, arm, armed, disarm, empower, rearm};
pub use lost::{Lost, lost_in};
pub use moment::{Ttl, stamp_of, until, whole_minute};
pub use plan::{Facts, REST, lines, schedules};
pub use role::needed;
pub use stamp::stamp;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use crate::aws::{ROLE_PATH, Tags};
use crate::spec::hex;
use crate::state::Place;

/// The tag that says when something will be removed: ISO 8601, UTC, or `never`.
pub const EXPIRES_TAG: &str = "driftlab:expires";
/// The tag that says who made something.
pub const OWNER_TAG: &str = "driftlab:owner";
/// The tag on a delivery bucket that was kept on purpose, with the moment.
pub const KEPT_TAG: &str = "driftlab:kept";

/// When the things with these tags will be removed.
pub fn expiry(tags: &Tags) -> Option<OffsetDateTime> {
    tags.get(EXPIRES_TAG).and_then(|text| until(text).ok())
}

/// Who acts, for the tag: the last part of the caller's ARN, with the characters that every service takes in tags.
pub fn owner(place: &Place) -> String {
    let last = place.identity.arn.rsplit('/').next().unwrap_or_default();
    // The root user's ARN has no slash.
    let last = last.rsplit(':').next().unwrap_or_default();
    let known = |c: char| c.is_ascii_alphanumeric() || "+-=._@".contains(c);
    let name: String = last
        .chars()
        .map(|c| if known(c) { c } else { '-' })
        .take(256)
        .collect();
    if name.is_empty() {
        "unknown".to_owned()
    } else {
        name
    }
}

/// The lab's name where there is not room for all of it: schedules and roles have 64 characters. Two long names that begin
/// alike are told apart by their hash.
fn short(stack: &str) -> String {
    const ROOM: usize = 32;
    match stack.get(..ROOM - 9) {
        Some(beginning) if stack.len() > ROOM => {
            format!("{beginning}-{}", &hex(&Sha256::digest(stack))[..8])
        }
        Some(_) | None => stack.to_owned(),
    }
}

/// What the names of the lab's schedules begin with.
fn prefix(stack: &str) -> String {
    format!("driftlab-{}-", short(stack))
}

/// The role that the schedules work with. IAM is global, so its name holds the region.
pub fn role_name(place: &Place) -> String {
    format!("driftlab-expiry-{}-{}", place.region, short(&place.stack))
}

/// Its ARN.
fn role_arn(place: &Place) -> String {
    format!(
        "arn:{}:iam::{}:role{ROLE_PATH}{}",
        place.partition(),
        place.account(),
        role_name(place)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixtures::nothing;

    #[test]
    fn the_owner_is_the_last_part_of_the_caller() {
        for (arn, expected) in [
            ("arn:aws:iam::123456789012:root", "root"),
            ("arn:aws:iam::123456789012:user/team/diana", "diana"),
            (
                "arn:aws:sts::123456789012:assumed-role/Admin/jo@ust.example",
                "jo@ust.example",
            ),
            (
                "arn:aws:sts::123456789012:assumed-role/Admin/jo öö",
                "jo---",
            ),
        ] {
            let mut place = nothing().place;
            place.identity.arn = arn.to_owned();
            assert_eq!(owner(&place), expected);
        }
    }

    #[test]
    fn names_fit_and_stay_apart() {
        let mut place = nothing().place;
        place.region = "ap-southeast-3".to_owned();
        let long = |end: &str| format!("{}{end}", "x".repeat(100));
        for stack in [long("1"), long("2"), "lab-environment".to_owned()] {
            place.stack = stack;
            assert!(role_name(&place).len() <= 64, "{}", role_name(&place));
            assert!(prefix(&place.stack).len() + plan::LONGEST_STEP <= 64);
        }
        assert_ne!(prefix(&long("1")), prefix(&long("2")));
        assert_eq!(prefix("lab-environment"), "driftlab-lab-environment-");
    }
}
