//! What is there already: names, the stack, AWS Config's one recorder and channel, the mailbox.

use crate::doctor::{Facts, Finding, Severity};
use crate::plan::{Conflict, refusal};
use crate::spec::RETENTION_DAYS;
use crate::state::{Phase, phase};

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = vec![stack(facts)];
    match &facts.conflicts {
        Some(Ok(conflicts)) if conflicts.is_empty() => findings.push(Finding::ok(
            "names",
            "nothing foreign has the lab's names, and AWS Config's recorder and channel are free or the lab's",
        )),
        Some(Ok(conflicts)) => findings.extend(conflicts.iter().map(in_the_way)),
        Some(Err(unseen)) => findings.push(
            Finding::new(
                Severity::Blocker,
                "names",
                format!("it cannot be seen what is there: {}", unseen.why),
                "`deploy` looks first too, and stops where it cannot",
            )
            .todo("let whoever manages the account attach what `driftlab policy` prints"),
        ),
        None => {}
    }
    findings.extend(retention(facts));
    findings.extend(mailbox(facts));
    findings
}

fn stack(facts: &Facts) -> Finding {
    const ABOUT: &str = "stack";
    let name = &facts.place.stack;
    let status = match &facts.stack {
        Ok(None) => return Finding::ok(ABOUT, format!("there is no stack `{name}` yet")),
        Ok(Some(status)) => status,
        Err(unseen) => {
            return Finding::new(
                Severity::Warning,
                ABOUT,
                format!("the stack `{name}` could not be looked at: {}", unseen.why),
                "`deploy` looks first too, and stops where it cannot",
            );
        }
    };
    let what = format!("the stack `{name}` is {status}");
    match phase(status) {
        Phase::Usable => Finding::ok(ABOUT, what),
        Phase::Busy => Finding::new(
            Severity::Note,
            ABOUT,
            what,
            "CloudFormation is at work on it; every command waits for that first",
        ),
        Phase::Review => Finding::new(
            Severity::Note,
            ABOUT,
            what,
            "it is an empty stack that waits for a change set to be carried out; `deploy` puts that right first",
        ),
        Phase::Broken => Finding::new(
            Severity::Note,
            ABOUT,
            what,
            "nothing but deleting it is possible, which `deploy` does before it makes it anew",
        ),
        Phase::Stuck => Finding::new(
            Severity::Warning,
            ABOUT,
            what,
            "a roll-back did not end; it has to be brought to an end before anything can be changed",
        )
        .todo("run `deploy`, or remove the lab with `cleanup`"),
    }
}

fn in_the_way(conflict: &Conflict) -> Finding {
    let (about, why) = match conflict {
        Conflict::ForeignStack { .. } => (
            "stack",
            "a stack of one name exists once in an account and region, and this one is somebody else's",
        ),
        Conflict::Recorder { .. } | Conflict::Channel { .. } => (
            "recorder",
            "AWS Config has one recorder and one channel in a region; changing them changes what somebody else gets",
        ),
        Conflict::StrangeRecorder { .. } => (
            "recorder",
            "what is borrowed has to be given back as it was, and this could not be",
        ),
        Conflict::Rule { .. } => (
            "rule",
            "putting a rule of this name would overwrite somebody else's",
        ),
        Conflict::Name { .. } => (
            "names",
            "the stack would fail half-way: a name like this exists once",
        ),
    };
    let refusal = refusal(std::slice::from_ref(conflict));
    let hints = refusal.map(|error| error.hints().to_vec());
    Finding {
        todo: hints.unwrap_or_default(),
        ..Finding::new(Severity::Blocker, about, conflict.to_string(), why)
    }
}

fn retention(facts: &Facts) -> Option<Finding> {
    const ABOUT: &str = "retention";
    Some(match facts.retention.as_ref()? {
        Ok(None) => Finding::ok(
            ABOUT,
            "nobody has set how long AWS Config keeps history; the lab will",
        ),
        Ok(Some(RETENTION_DAYS)) => Finding::ok(
            ABOUT,
            format!("AWS Config keeps history for {RETENTION_DAYS} days"),
        ),
        Ok(Some(days)) => Finding::new(
            Severity::Note,
            ABOUT,
            format!("AWS Config keeps history for {days} days"),
            "somebody set that, perhaps for legal reasons; it stays as it is",
        ),
        Err(unseen) => Finding::new(
            Severity::Note,
            ABOUT,
            format!("retention could not be looked at: {}", unseen.why),
            "`deploy` leaves alone what it cannot see",
        ),
    })
}

fn mailbox(facts: &Facts) -> Option<Finding> {
    const ABOUT: &str = "mail";
    Some(match facts.unconfirmed.as_ref()? {
        Ok(waiting) if waiting.is_empty() => {
            Finding::ok(ABOUT, "the topic's subscription is confirmed")
        }
        Ok(waiting) => Finding::new(
            Severity::Note,
            ABOUT,
            format!("{} has not confirmed the subscription", waiting.join(", ")),
            "SNS sends nothing before that, and forgets the request after three days",
        )
        .todo("open the link in the mail from AWS Notifications"),
        Err(unseen) => Finding::new(
            Severity::Note,
            ABOUT,
            format!("subscriptions could not be looked at: {}", unseen.why),
            "notifications arrive only once they are confirmed",
        ),
    })
}
