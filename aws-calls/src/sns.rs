//! SNS `Publish` in the query protocol.

use bytes::Bytes;
use serde_json::json;

/// What is published: the same fact for people and for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// The subject of mails. Made fit for SNS: printable ASCII, at most 100 characters.
    pub subject: String,
    /// What mails say.
    pub text: String,
    /// What everything else is sent: queues, functions, `email-json`.
    pub machine: String,
}

/// The longest subject that SNS takes.
const MAX_SUBJECT: usize = 100;

pub(crate) fn publish(topic: &str, announcement: &Announcement) -> Bytes {
    let Announcement {
        subject,
        text,
        machine,
    } = announcement;
    // With a structure, each protocol has a text of its own; `default` is for all others.
    let message = json!({"default": machine, "email": text}).to_string();
    form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", "Publish")
        .append_pair("Version", "2010-03-31")
        .append_pair("TopicArn", topic)
        .append_pair("Subject", &fit(subject))
        .append_pair("MessageStructure", "json")
        .append_pair("Message", &message)
        .finish()
        .into()
}

fn fit(subject: &str) -> String {
    let printable = |c: char| if (' '..='~').contains(&c) { c } else { '?' };
    let fit: String = subject
        .trim_start()
        .chars()
        .map(printable)
        .take(MAX_SUBJECT)
        .collect();
    if fit.is_empty() {
        "Drift Lab".to_owned()
    } else {
        fit
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::Value;

    #[test]
    fn one_message_for_people_and_one_for_machines() {
        let body = publish(
            "arn:aws:sns:us-east-1:123456789012:t",
            &Announcement {
                subject: format!("\n geschlossen: ü {}", "x".repeat(200)),
                text: "port 465 & more".to_owned(),
                machine: r#"{"a":1}"#.to_owned(),
            },
        );
        let pairs: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        let get = |name: &str| &pairs.iter().find(|(key, _)| key == name).unwrap().1;
        assert_eq!(get("Subject").len(), MAX_SUBJECT);
        assert!(get("Subject").starts_with("geschlossen: ? xxx"));
        let message: Value = serde_json::from_str(get("Message")).unwrap();
        assert_eq!(message["email"], "port 465 & more");
        assert_eq!(message["default"], r#"{"a":1}"#);
        assert_eq!(fit(""), "Drift Lab");
    }
}
