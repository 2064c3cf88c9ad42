//! Whether the caller may do what the commands do, and the roles what they are for.

use std::collections::{BTreeMap, BTreeSet};

use crate::doctor::facts::{Permissions, Reason, Withheld};
use crate::doctor::{Facts, Finding, Severity};

const ABOUT: &str = "permissions";

/// Both parts are the operator's unless CloudFormation has a role of its own.
const POLICIES: &str = "let whoever manages the account attach what `driftlab policy` and `driftlab policy operator-stack` print; with `--cfn-role` the first is enough";

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = callers(&facts.permissions);
    findings.extend(boundary(facts));
    findings
}

fn callers(permissions: &Permissions) -> Vec<Finding> {
    match permissions {
        Permissions::Root => vec![Finding::ok(ABOUT, "the root user may do everything")],
        Permissions::Simulated { checked, missing } if missing.is_empty() => vec![Finding::ok(
            ABOUT,
            format!("all {checked} permissions that are needed are there, as IAM simulates them"),
        )],
        Permissions::Simulated { checked, missing } => by_reason(missing)
            .into_iter()
            .map(|(reason, actions)| lacking(reason, &actions, *checked))
            .collect(),
        Permissions::Rehearsed {
            why,
            allowed,
            denied,
        } => rehearsed(why, allowed, denied),
    }
}

fn by_reason(missing: &BTreeMap<String, Reason>) -> BTreeMap<Reason, Vec<&str>> {
    let mut reasons: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (action, reason) in missing {
        reasons.entry(*reason).or_default().push(action.as_str());
    }
    reasons
}

fn lacking(reason: Reason, actions: &[&str], checked: usize) -> Finding {
    let said = match reason {
        Reason::NotAllowed => "no policy allows",
        Reason::Denied => "a policy denies",
        Reason::Boundary => "your permissions boundary does not let through",
        Reason::Organization => "a policy of the organization does not let through",
    };
    let todo = match reason {
        Reason::NotAllowed => POLICIES,
        Reason::Denied => "ask whoever manages the account why it is denied",
        Reason::Boundary => "let whoever manages the account widen your boundary",
        Reason::Organization => "use another account, or ask whoever manages the organization",
    };
    Finding::new(
        Severity::Blocker,
        ABOUT,
        format!(
            "{said} {} of {checked} permissions that are needed: `{}`",
            actions.len(),
            actions.join("`, `")
        ),
        "a command would stop half-way, with something made and something not",
    )
    .todo(todo)
}

fn rehearsed(
    why: &crate::doctor::facts::Unseen,
    allowed: &[&'static str],
    denied: &[&'static str],
) -> Vec<Finding> {
    let list = |actions: &[&str]| format!("`{}`", actions.join("`, `"));
    let mut findings = vec![
        Finding::new(
            Severity::Note,
            ABOUT,
            format!("permissions could not be simulated: {}", why.why),
            "a missing one shows only when a command needs it",
        )
        .todo("let whoever manages the account allow `iam:SimulatePrincipalPolicy` on yourself"),
    ];
    if !allowed.is_empty() {
        findings.push(Finding::ok(
            ABOUT,
            format!("EC2 would do {}, dry runs say", list(allowed)),
        ));
    }
    if !denied.is_empty() {
        findings.push(
            Finding::new(
                // No proof: the published policies allow this through CloudFormation only, which a dry run is not.
                Severity::Warning,
                ABOUT,
                format!(
                    "EC2 denies {} without CloudFormation, dry runs say",
                    list(denied)
                ),
                "if it is not allowed through CloudFormation either, the stack cannot be made",
            )
            .todo(POLICIES),
        );
    }
    findings
}

/// What the boundary that the roles would get does to them.
fn boundary(facts: &Facts) -> Option<Finding> {
    const ABOUT: &str = "boundary";
    let boundary = facts.boundary.as_ref()?;
    let arn = &boundary.arn;
    Some(match &boundary.withholds {
        Ok(None) => Finding::new(
            Severity::Blocker,
            ABOUT,
            format!("there is no policy `{arn}`"),
            "IAM makes no role with a permissions boundary that does not exist",
        )
        .todo("give the ARN of a managed policy of this account with `--permissions-boundary`"),
        Ok(Some(withheld)) if withheld.is_empty() => Finding::ok(
            ABOUT,
            format!("`{arn}` lets through all that the roles do"),
        ),
        Ok(Some(withheld)) => Finding::new(
            Severity::Warning,
            ABOUT,
            format!("`{arn}` does not let through {}", listed(withheld)),
            "a boundary limits a role whatever its policies say: AWS Config could not record, the function not do what it is for, or a lab with `--ttl` not remove itself",
        )
        .todo("let whoever manages the boundary allow these actions in it"),
        Err(unseen) => Finding::new(
            Severity::Note,
            ABOUT,
            format!("`{arn}` could not be looked at: {}", unseen.why),
            "whether it leaves the roles what they need shows only when they work",
        ),
    })
}

fn listed(withheld: &BTreeSet<Withheld>) -> String {
    let each = withheld.iter().map(|Withheld { action, on }| match on {
        None => format!("`{action}`"),
        Some(on) => format!("`{action}` on `{on}`"),
    });
    each.collect::<Vec<_>>().join(", ")
}
