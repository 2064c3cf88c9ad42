//! Quotas that would be hit.

use crate::doctor::facts::{Concurrency, Measured};
use crate::doctor::{Facts, Finding, Severity};

const ABOUT: &str = "quotas";

/// Accounts begin with this much, until they have a history.
const NEW_ACCOUNT: u64 = 10;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.is_new() {
        let measured: Vec<_> = facts.quotas.iter().map(quota).collect();
        let (fine, other): (Vec<_>, Vec<_>) = measured
            .into_iter()
            .partition(|finding| finding.severity == Severity::Ok);
        if !fine.is_empty() {
            let fine: Vec<_> = fine.into_iter().map(|finding| finding.what).collect();
            findings.push(Finding::ok(
                ABOUT,
                format!("room for one more: {}", fine.join(", ")),
            ));
        }
        findings.extend(other);
        findings.extend(assumed(&facts.quotas));
    }
    findings.push(concurrency(facts));
    findings
}

/// Defaults that stand in for what could not be read. That the room is enough by AWS's default is no proof.
fn assumed(quotas: &[Measured]) -> Option<Finding> {
    let unseen: Vec<_> = quotas
        .iter()
        .filter_map(|measured| Some((measured.quota.what, measured.limit.as_ref().err()?)))
        .collect();
    let (_, first) = unseen.first()?;
    let what: Vec<_> = unseen.iter().map(|(what, _)| *what).collect();
    Some(Finding::new(
        Severity::Note,
        ABOUT,
        format!(
            "AWS's defaults are assumed for {}: {}",
            what.join(", "),
            first.why
        ),
        "the account's own quotas may be other ones",
    ))
}

fn quota(measured: &Measured) -> Finding {
    let Measured { quota, limit, used } = measured;
    let what = quota.what;
    let used = match used {
        Ok(used) => *used,
        Err(unseen) => {
            return Finding::new(
                Severity::Note,
                ABOUT,
                format!("{what} could not be counted: {}", unseen.why),
                "whether there is room for the lab shows only when it is made",
            );
        }
    };
    let (limit, source) = match limit {
        Ok(limit) => (*limit, String::new()),
        Err(_) => (quota.default, " by default".to_owned()),
    };
    let room = limit.saturating_sub(used);
    if room >= quota.needed {
        return Finding::ok(ABOUT, format!("{used} of {limit} {what}"));
    }
    let ask = if quota.code.is_empty() {
        "or ask AWS Support to raise it".to_owned()
    } else {
        format!(
            "or raise it: `aws service-quotas request-service-quota-increase --service-code {} --quota-code {} --desired-value {}`",
            quota.service,
            quota.code,
            used + quota.needed
        )
    };
    Finding::new(
        // What AWS's default says need not be true here.
        if source.is_empty() {
            Severity::Blocker
        } else {
            Severity::Warning
        },
        ABOUT,
        format!(
            "{used} of {limit} {what}{source}, and the lab needs {}",
            quota.needed
        ),
        "the stack would fail half-way and be rolled back",
    )
    .todo("remove what nobody needs, or deploy in another region with `--region`")
    .todo(ask)
}

fn concurrency(facts: &Facts) -> Finding {
    const ABOUT: &str = "concurrency";
    let Concurrency { limit, unreserved } = match &facts.concurrency {
        Ok(concurrency) => *concurrency,
        Err(unseen) => {
            return Finding::new(
                Severity::Note,
                ABOUT,
                format!("what Lambda may run at once is not known: {}", unseen.why),
                "a function that finds no room is invoked again later",
            );
        }
    };
    let what = format!("Lambda runs {limit} invocations at once, {unreserved} of them unreserved");
    if unreserved == 0 {
        return Finding::new(
            Severity::Blocker,
            ABOUT,
            what,
            "other functions have reserved everything, so the lab's would never run",
        )
        .todo("take a reservation away, or deploy in another region with `--region`");
    }
    if limit <= NEW_ACCOUNT {
        return Finding::new(
            Severity::Note,
            ABOUT,
            what,
            "new accounts begin like this; it is enough for a class, but a region full of groups is judged slowly",
        );
    }
    Finding::ok(ABOUT, what)
}
