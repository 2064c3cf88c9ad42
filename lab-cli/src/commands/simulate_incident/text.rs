//! What `simulate-incident` shows to a person.

use super::Report;
use crate::output::{Text, moment};
use crate::verify::{Timeline, Verdict, verdicts};

pub(super) fn text(report: &Report) -> Text {
    let mut text = timeline_text(&report.timeline);
    text.blank();
    text.line("inbound rules now");
    for rule in &report.ingress_after {
        text.line(format_args!("  {rule}"));
    }
    if !report.evaluations.is_empty() {
        text.blank();
        text.line("evaluations");
    }
    for Verdict {
        evaluation,
        witnesses,
    } in verdicts(&report.evaluations)
    {
        text.line(format_args!(
            "  {}  {:<13} {}  [{}]",
            moment(evaluation.recorded_at),
            evaluation.compliance,
            evaluation.annotation.as_deref().unwrap_or_default(),
            witnesses.join(", "),
        ));
    }
    if !report.log_lines.is_empty() {
        text.blank();
        text.line("the function's log");
    }
    for line in &report.log_lines {
        text.line(format_args!("  {line}"));
    }
    text.blank();
    text.line(match report.healed {
        Some(true) => {
            "healed: the group, AWS Config and the log of the deployed function agree (who called EC2 is told by CloudTrail alone, minutes later)"
        }
        Some(false) => "NOT healed",
        None => "not waited for: the ports are open until the function closes them",
    });
    text
}

/// When what happened, and the seconds since the ports were opened.
fn timeline_text(timeline: &Timeline) -> Text {
    let Timeline {
        opened_at,
        recorded_at,
        invoked_at,
        revoked_at,
        compliant_at,
    } = timeline;
    let steps = [
        ("ports opened", Some(*opened_at)),
        ("change recorded", *recorded_at),
        ("function invoked", *invoked_at),
        ("ports closed", *revoked_at),
        ("group compliant", *compliant_at),
    ];
    let mut text = Text::default();
    for (what, at) in steps {
        match at {
            Some(at) => text.line(format_args!(
                "{what:<17} {}  +{:.3} s",
                moment(at),
                (at - *opened_at).as_seconds_f64()
            )),
            None => text.line(format_args!("{what:<17} not seen")),
        }
    }
    text
}
