//! Who is asking, and where.

use crate::doctor::{Caller, Facts, Finding, Severity};

const ABOUT: &str = "identity";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let place = &facts.place;
    let at = match &facts.endpoint {
        Some(url) => format!(", at {url}"),
        None => String::new(),
    };
    let who = format!(
        "{} in account {}, {}{at}",
        place.identity.arn,
        place.account(),
        place.region
    );
    let finding = match facts.caller {
        Caller::Root => Finding::new(
            Severity::Blocker,
            ABOUT,
            format!("{who}: this is the account's root user"),
            "no policy limits the root user, and whoever gets hold of its keys has the whole account; nothing here needs it",
        )
        .todo("use credentials of a role or a user, with the permissions that `driftlab policy` prints")
        .todo("or insist with `--allow-root`"),
        Caller::User { .. } | Caller::Session { .. } => Finding::ok(ABOUT, who),
        Caller::Other => Finding::new(
            Severity::Note,
            ABOUT,
            who,
            "IAM knows neither a role nor a user of this ARN, so its permissions cannot be looked up",
        ),
    };
    vec![finding]
}
