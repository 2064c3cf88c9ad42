//! What people and machines are told when something had to be done, or could not be.
//!
//! One notice per invocation, however many groups it was about: what does not fit is counted.

use crate::evidence::Context;
use crate::ids::GroupId;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What became of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was put right.
    Healed,
    /// It is not what it shall be, and was left alone or could not be put right.
    Drifted,
}

/// What was found and done about one group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// Whether a drift was told.
    pub drifted: bool,
    /// Whether the last word was that it is right.
    pub compliant: bool,
    /// The ports of rules that EC2 confirmed to have taken away.
    pub revoked: Vec<String>,
    /// The ports of rules that EC2 confirmed to have added.
    pub authorized: Vec<String>,
}

impl Account {
    /// `None` for a group of which there is nothing to tell.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        let touched = self.drifted || !self.revoked.is_empty() || !self.authorized.is_empty();
        touched.then_some(if self.compliant {
            Outcome::Healed
        } else {
            Outcome::Drifted
        })
    }
}

/// Something to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    context: Context,
    groups: Vec<(GroupId, Outcome, Vec<String>, Vec<String>)>,
    more: usize,
    error: Option<String>,
    /// Notices that were held back since the last one that was sent.
    pub held_back: u64,
}

/// Groups that a notice names; the rest is counted.
const MAX_GROUPS: usize = 10;
/// Ports that a notice names of one group.
const MAX_PORTS: usize = 20;
/// The longest error that is repeated: Slack and Teams take a few thousand characters.
const MAX_ERROR: usize = 600;

/// Where a webhook leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chat {
    /// An incoming webhook of Slack.
    Slack,
    /// A workflow of Microsoft Teams ("when a Teams webhook request is received"): the connectors of
    /// Office 365 that took message cards are retired.
    Teams,
}

impl Notice {
    /// `None` where nothing was done and nothing failed.
    #[must_use]
    pub fn new(
        context: &Context,
        accounts: &BTreeMap<GroupId, Account>,
        error: Option<&str>,
    ) -> Option<Self> {
        let mut told = accounts
            .iter()
            .filter_map(|(group, account)| Some((group, account.outcome()?, account)));
        let groups: Vec<_> = told
            .by_ref()
            .take(MAX_GROUPS)
            .map(|(group, outcome, account)| {
                let (revoked, authorized) = (some(&account.revoked), some(&account.authorized));
                (group.clone(), outcome, revoked, authorized)
            })
            .collect();
        let more = told.count();
        (!groups.is_empty() || error.is_some()).then(|| Self {
            context: context.clone(),
            groups,
            more,
            error: error.map(|error| error.chars().take(MAX_ERROR).collect()),
            held_back: 0,
        })
    }

    fn count(&self, wanted: Outcome) -> usize {
        let groups = self.groups.iter();
        groups.filter(|(_, outcome, ..)| *outcome == wanted).count()
    }

    /// For the subject of a mail.
    #[must_use]
    pub fn subject(&self) -> String {
        let rule = &self.context.rule;
        let (healed, drifted) = (self.count(Outcome::Healed), self.count(Outcome::Drifted));
        let more = if self.more > 0 { " and more" } else { "" };
        match (healed, drifted, &self.error) {
            (0, 0, _) => format!("Drift Lab: {rule} could not do its work"),
            (healed, 0, None) => format!("Drift Lab: {healed}{more} security group(s) healed"),
            (_, drifted, _) => {
                format!("Drift Lab: {drifted}{more} security group(s) not as approved")
            }
        }
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (group, outcome, revoked, authorized) in &self.groups {
            let what = match outcome {
                Outcome::Healed => "healed",
                Outcome::Drifted => "not as approved",
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "{group}: {what}");
            for (label, names) in [("revoked", revoked), ("authorized", authorized)] {
                if !names.is_empty() {
                    let _ = write!(text, "; {label} {}", names.join(", "));
                }
            }
            text.push('\n');
        }
        if self.more > 0 {
            let _ = writeln!(text, "and {} more group(s)", self.more);
        }
        if let Some(actor) = &self.context.actor {
            let _ = writeln!(text, "changed by {actor}");
        }
        if let Some(error) = &self.error {
            let _ = writeln!(text, "failed: {error}");
        }
        if self.held_back > 0 {
            let _ = writeln!(
                text,
                "{} notice(s) were held back before this one",
                self.held_back
            );
        }
        let context = &self.context;
        let (rule, account) = (&context.rule, &context.account);
        let (region, correlation) = (&context.region, &context.correlation);
        let _ = write!(
            text,
            "rule {rule}, account {account}, {region}; look for {correlation} in the function's log"
        );
        text
    }

    /// For machines: one JSON object. Members are only ever added; `version` changes otherwise.
    #[must_use]
    pub fn machine(&self) -> String {
        let group = |(group, outcome, revoked, authorized): &(
            GroupId,
            Outcome,
            Vec<String>,
            Vec<String>,
        )| {
            json!({"group": group, "outcome": outcome, "revoked": revoked, "authorized": authorized})
        };
        let mut machine = json!({
            "source": "driftlab",
            "version": 1,
            "correlation": self.context.correlation,
            "request_id": self.context.request_id,
            "rule": self.context.rule,
            "account": self.context.account,
            "region": self.context.region,
            "groups": self.groups.iter().map(group).collect::<Vec<Value>>(),
            "more": self.more,
            "held_back": self.held_back,
        });
        if let Some(actor) = &self.context.actor {
            machine["by"] = json!(actor);
        }
        if let Some(error) = &self.error {
            machine["error"] = json!(error);
        }
        machine.to_string()
    }

    /// What a webhook is sent.
    #[must_use]
    pub fn chat(&self, chat: Chat) -> String {
        match chat {
            // Slack reads these three as markup: "Formatting text for app surfaces".
            Chat::Slack => {
                let text = format!("{}\n{}", self.subject(), self.text());
                let text = text
                    .replace('&', "&amp;")
                    .replace('<', "&lt;")
                    .replace('>', "&gt;");
                json!({ "text": text }).to_string()
            }
            Chat::Teams => {
                // Markdown in a text block: a single line break is none.
                let text = self.text().replace('\n', "\n\n");
                let block = |text: &str, weight: &str| json!({"type": "TextBlock", "text": text, "wrap": true, "weight": weight});
                let card = json!({
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [block(&self.subject(), "Bolder"), block(&text, "Default")],
                });
                let attachment = json!({
                    "contentType": "application/vnd.microsoft.card.adaptive",
                    "contentUrl": null,
                    "content": card,
                });
                json!({"type": "message", "attachments": [attachment]}).to_string()
            }
        }
    }
}

fn some(names: &[String]) -> Vec<String> {
    let rest = names.len().saturating_sub(MAX_PORTS);
    let mut names: Vec<String> = names.iter().take(MAX_PORTS).cloned().collect();
    if rest > 0 {
        names.push(format!("{rest} more"));
    }
    names
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn notice(groups: usize, rules: u16, error: Option<&str>) -> Option<Notice> {
        let payload = json!({"configRuleName": "EC2SecurityGroup", "accountId": "123456789012"});
        let context = Context::new(&(&payload).into(), "us-east-1", "r-1");
        let account = Account {
            drifted: true,
            compliant: error.is_none(),
            revoked: (465..465 + rules)
                .map(|port| format!("tcp {port}"))
                .collect(),
            authorized: Vec::new(),
        };
        let accounts = (0..groups)
            .map(|n| (format!("sg-{n:017x}").parse().unwrap(), account.clone()))
            .collect();
        Notice::new(&context, &accounts, error)
    }

    /// T1: nothing is told of a group that was right.
    #[test]
    fn silence_where_there_is_nothing_to_tell() {
        assert_eq!(notice(0, 0, None), None);
        let context = Context::new(&(&json!({})).into(), "us-east-1", "r");
        let clean = Account {
            compliant: true,
            ..Account::default()
        };
        let accounts = BTreeMap::from([("sg-0a".parse().unwrap(), clean)]);
        assert_eq!(Notice::new(&context, &accounts, None), None);
    }

    /// T1: what was done, to which group, and where to read more.
    #[test]
    fn a_repair_in_every_form() {
        let notice = notice(1, 2, None).unwrap();
        assert_eq!(notice.subject(), "Drift Lab: 1 security group(s) healed");
        assert_eq!(
            notice.text(),
            "sg-00000000000000000: healed; revoked tcp 465, tcp 466\nrule EC2SecurityGroup, account 123456789012, us-east-1; look for r-1 in the function's log"
        );
        let machine: Value = serde_json::from_str(&notice.machine()).unwrap();
        assert_eq!(machine["groups"][0]["outcome"], "healed");
        assert_eq!(
            machine["groups"][0]["revoked"],
            json!(["tcp 465", "tcp 466"])
        );
        let teams: Value = serde_json::from_str(&notice.chat(Chat::Teams)).unwrap();
        let card = &teams["attachments"][0]["content"];
        assert_eq!(
            (&teams["type"], &card["type"]),
            (&json!("message"), &json!("AdaptiveCard"))
        );
        assert!(
            card["body"][1]["text"]
                .as_str()
                .unwrap()
                .contains("tcp 465")
        );
    }

    #[test]
    fn a_failure_says_so_and_is_no_markup() {
        let notice = notice(1, 0, Some("<!channel> & more")).unwrap();
        assert!(
            notice
                .subject()
                .ends_with("1 security group(s) not as approved")
        );
        let slack: Value = serde_json::from_str(&notice.chat(Chat::Slack)).unwrap();
        let text = slack["text"].as_str().unwrap();
        assert!(
            text.contains("failed: &lt;!channel&gt; &amp; more"),
            "{text}"
        );
    }

    /// T2: however much happens, a notice stays short: ten groups, twenty ports of each, the rest counted.
    #[test]
    fn a_storm_is_one_short_notice() {
        let mut notice = notice(1_000, 1_000, None).unwrap();
        notice.held_back = 7;
        for text in [
            notice.text(),
            notice.machine(),
            notice.chat(Chat::Teams),
            notice.chat(Chat::Slack),
        ] {
            assert!(text.len() < 8_000, "{}", text.len());
            assert!(text.contains("990"), "{text}");
            assert_eq!(text.matches("sg-").count(), 10, "{text}");
            assert_eq!(text.matches("tcp ").count(), 10 * 20, "{text}");
            assert_eq!(text.matches("980 more").count(), 10, "{text}");
        }
        assert!(notice.text().contains("\nand 990 more group(s)\n"));
        assert!(notice.text().contains("7 notice(s) were held back"));
    }
}
