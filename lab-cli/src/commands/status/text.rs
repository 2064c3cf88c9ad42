//! What `status` shows to a person.

use super::{Group, Report};
use crate::output::{Text, moment};

pub(super) fn text(report: &Report) -> Text {
    let mut text = Text::table(
        ["part", "name", "whose", "state"],
        report.parts.iter().map(|part| {
            let whose = if part.ours {
                "ours"
            } else if part.state == "absent" {
                ""
            } else {
                "not ours"
            };
            [
                part.part.to_owned(),
                part.name.clone(),
                whose.to_owned(),
                if part.is_long() {
                    "see below".to_owned()
                } else {
                    part.state.clone()
                },
            ]
        }),
    );
    for part in report.parts.iter().filter(|part| part.is_long()) {
        text.blank();
        text.line(format_args!(
            "{} `{}`: {}",
            part.part, part.name, part.state
        ));
    }
    for part in &report.parts {
        if let Some(parameters) = &part.parameters {
            text.append(&parameters_text(&part.name, parameters));
        }
    }
    for group in &report.groups {
        text.append(&group_text(group));
    }
    if let Some(owner) = &report.owner {
        text.blank();
        text.line(format_args!("made by {owner}"));
    }
    for line in &report.self_destruct {
        text.blank();
        text.line(line);
    }
    for address in &report.pending_subscriptions {
        text.blank();
        text.line(format_args!(
            "{address} has not confirmed its subscription to the topic yet"
        ));
    }
    text
}

/// The parameters of a rule, one a line: together they would be wider than a terminal.
fn parameters_text(rule: &str, parameters: &str) -> Text {
    let mut text = Text::default();
    text.blank();
    text.line(format_args!("parameters of the rule `{rule}`"));
    match serde_json::from_str::<serde_json::Map<_, _>>(parameters) {
        Ok(object) => {
            for (key, value) in &object {
                match value {
                    serde_json::Value::String(value) => {
                        text.line(format_args!("  {key}: {value}"));
                    }
                    other => text.line(format_args!("  {key}: {other}")),
                }
            }
        }
        // Whoever wrote them, AWS Config takes any text.
        Err(_) => text.line(format_args!("  {parameters}")),
    }
    text
}

fn group_text(group: &Group) -> Text {
    let mut text = Text::default();
    text.blank();
    let verdict = match (&group.compliance, group.recorded_at) {
        (Some(compliance), Some(at)) => format!("{compliance} since {}", moment(at)),
        (Some(compliance), None) => compliance.clone(),
        (None, _) => "not evaluated".to_owned(),
    };
    let (name, id) = (&group.group_name, &group.group_id);
    text.line(format_args!("{name} {id} {verdict}"));
    if let Some(annotation) = &group.annotation {
        text.line(format_args!("  {annotation}"));
    }
    for rule in &group.ingress {
        text.line(format_args!("    {rule}"));
    }
    match &group.drift {
        Some(drift) if drift.is_empty() => text.line("  at the baseline"),
        Some(drift) => {
            text.line("  to reach the baseline");
            for line in drift.to_string().lines() {
                text.line(format_args!("  {line}"));
            }
        }
        None => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;
    use crate::spec::RULE_NAME;

    /// The longest names that a lab has by itself, and what anybody may have written.
    #[test]
    fn a_status_fits_a_hundred_columns_and_cannot_be_forged() {
        let delivery = "lab-environment-deliverybucket-a1b2c3d4e5f6g";
        let code = "driftlab-code-123456789012-ap-southeast-1-a-lab-with-a-long-nam";
        assert_eq!(code.len(), 63);
        let parameters = r#"{"debug":"true","scope":"vpc:vpc-0123456789abcdef0","baseline":"tcp:80:0.0.0.0/0,tcp:443:0.0.0.0/0"}"#;
        let evil = "x\u{1b}[2J\nLabSG1 sg-0 COMPLIANT";
        let report = Report {
            stack: "lab-environment".to_owned(),
            account: "123456789012".to_owned(),
            region: "ap-southeast-1".to_owned(),
            deployed: true,
            parts: vec![
                Part::new("stack", "lab-environment", "UPDATE_ROLLBACK_COMPLETE", true),
                Part::new(
                    "channel",
                    "default",
                    &format!("to {delivery} and the topic"),
                    false,
                ),
                Part {
                    parameters: Some(parameters.to_owned()),
                    ..Part::new("rule", RULE_NAME, "ACTIVE", true)
                },
                Part::new("code bucket", code, "present", true),
            ],
            groups: vec![Group {
                group_id: "sg-0a".to_owned(),
                group_name: evil.to_owned(),
                compliance: Some("NON_COMPLIANT".to_owned()),
                annotation: Some(evil.to_owned()),
                recorded_at: None,
                ingress: Vec::new(),
                drift: None,
            }],
            pending_subscriptions: Vec::new(),
            owner: Some(evil.to_owned()),
            expires: None,
            self_destruct: Vec::new(),
        };
        let shown = text(&report).to_string();
        for line in shown.lines() {
            assert!(line.chars().count() <= 100, "{line}");
            assert!(!line.starts_with("LabSG1"), "{shown}");
        }
        for whole in [
            delivery,
            code,
            "baseline: tcp:80:0.0.0.0/0,tcp:443:0.0.0.0/0",
        ] {
            assert!(shown.contains(whole), "{shown}");
        }
        assert!(!shown.contains('\u{1b}'));
    }
}
