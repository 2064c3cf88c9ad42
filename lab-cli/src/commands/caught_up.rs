//! Letting AWS Config catch up with a group before it is attacked.

use std::time::Duration;

use crate::aws::{ConfigItem, Doing, EvaluationResult};
use crate::cli::Context;
use crate::error::{Kind, Result};
use crate::spec::RULE_NAME;
use crate::verify::{Incident, shows_open};
use crate::wait::{Look, Pace, Wait};

/// How long to wait for that at most; then the incident begins all the same, as it proves the repair in either case.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Waits until Config has recorded the group as it is, and the rule has judged that record. An event of an earlier change
/// that is still on its way would have the function find the open ports, and heal them, before Config has even recorded
/// the incident: a repair all right, but a confusing piece of evidence.
///
/// # Errors
/// The call that failed.
pub(super) async fn caught_up(
    context: &Context,
    incident: &Incident,
    patience: Duration,
) -> Result<()> {
    let id = &incident.group_id;
    let wait = Wait {
        clock: &context.clock,
        ui: &context.ui,
        what: format!("AWS Config to catch up with `{id}` before the incident"),
        usual: "usually at once, and minutes after a deployment",
        timeout: TIMEOUT.min(patience),
        pace: Pace::EVIDENCE,
    };
    let waited = wait
        .until(async || {
            let (item, results) = tokio::try_join!(
                async {
                    context
                        .aws
                        .newest_item(id.as_str())
                        .await
                        .doing(format_args!("look at the history of `{id}`"))
                },
                async {
                    context
                        .aws
                        .evaluations(RULE_NAME)
                        .await
                        .doing(format_args!("look at the rule `{RULE_NAME}`"))
                },
            )?;
            let result = results
                .into_iter()
                .find(|result| result.resource_id == id.as_str());
            Ok(match lag(incident, item.as_ref(), result.as_ref()) {
                Some(lag) => Look::Missing(lag.to_owned()),
                None => Look::Done(()),
            })
        })
        .await;
    match waited {
        Err(error) if error.kind() == Kind::TimedOut => {
            context.ui.warn(&error);
            Ok(())
        }
        other => other,
    }
}

/// What Config does not know yet of a group that is at its baseline.
fn lag(
    incident: &Incident,
    item: Option<&ConfigItem>,
    result: Option<&EvaluationResult>,
) -> Option<&'static str> {
    let Some(item) = item else {
        return Some("it has not discovered the group");
    };
    let approved = incident
        .baseline
        .rules()
        .iter()
        .all(|rule| shows_open(item, rule));
    if !approved || incident.opened.iter().any(|rule| shows_open(item, rule)) {
        return Some("it has not recorded the group as it is now");
    }
    let judged = result
        .filter(|result| result.compliance == "COMPLIANT")
        .and_then(|result| result.recorded_at);
    match judged {
        Some(at) if at >= item.captured_at => None,
        Some(_) | None => Some("the rule has not judged the last record"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use remediator_core::Baseline;
    use serde_json::json;
    use time::OffsetDateTime;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-03-04 12:00 UTC);

    fn item(ports: &[i64]) -> ConfigItem {
        let open = |port| json!({"fromPort": port, "toPort": port});
        ConfigItem {
            captured_at: NOON,
            status: "OK".into(),
            configuration: json!({"ipPermissions": ports.iter().map(open).collect::<Vec<_>>()}),
        }
    }

    fn result(compliance: &str, at: OffsetDateTime) -> EvaluationResult {
        EvaluationResult {
            resource_id: "sg-1".into(),
            compliance: compliance.into(),
            annotation: None,
            recorded_at: Some(at),
            invoked_at: None,
        }
    }

    #[test]
    fn caught_up_means_recorded_as_it_is_and_judged_since() {
        let incident = Incident {
            group_id: "sg-1".parse().unwrap(),
            opened: ["tcp:465:0.0.0.0/0".parse().unwrap()].into(),
            opened_at: NOON,
            baseline: Baseline::ipv4(),
        };
        let good = result("COMPLIANT", NOON);
        let check = |item: Option<&ConfigItem>, result: Option<&EvaluationResult>| {
            lag(&incident, item, result).unwrap_or("nothing")
        };
        assert_eq!(check(Some(&item(&[80, 443])), Some(&good)), "nothing");
        assert_eq!(check(None, Some(&good)), "it has not discovered the group");
        for ports in [&[80][..], &[80, 443, 465]] {
            assert_eq!(
                check(Some(&item(ports)), Some(&good)),
                "it has not recorded the group as it is now"
            );
        }
        for result in [
            None,
            Some(result("COMPLIANT", NOON - Duration::from_secs(1))),
            Some(result("NON_COMPLIANT", NOON)),
        ] {
            assert_eq!(
                check(Some(&item(&[80, 443])), result.as_ref()),
                "the rule has not judged the last record"
            );
        }
    }
}
