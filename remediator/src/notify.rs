//! Telling people: SNS, Slack, Teams. After the last report, within a bound, and never more often
//! than anybody wants to read.

use crate::output;
use aws_calls::{Announcement, Client, WebhookError, WebhookUrl};
use remediator_core::notice::{Chat, Notice};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

/// All of it together may take so long: the repair is done, but the invocation is paid for.
const PATIENCE: Duration = Duration::from_secs(2);
/// A webhook is tried so often.
const ATTEMPTS: u32 = 3;
/// What is waited for before the second attempt; twice that before the third.
const PAUSE: Duration = Duration::from_millis(100);
/// Where a webhook leads is asked again after so long, because secrets are rotated.
const FRESH: Duration = Duration::from_secs(300);
/// So many notices a minute, from one environment of the function. The rest is counted and told
/// with the next one.
const MAX_NOTICES: usize = 6;
const MINUTE: Duration = Duration::from_secs(60);

/// Whom to tell. Nobody, unless it was configured.
#[derive(Debug, Default)]
pub(crate) struct Notifier {
    topic: Option<String>,
    webhook: Option<Webhook>,
    /// What was found at the webhook's reference, and when.
    address: RefCell<Option<(WebhookUrl, Instant)>>,
    sent: RefCell<VecDeque<Instant>>,
    held_back: Cell<u64>,
}

/// A webhook, by reference: its address is a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Webhook {
    chat: Chat,
    place: Place,
}

/// Where the address is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Parameter(String),
    Secret(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "parameter {name}"),
            Self::Secret(id) => write!(f, "secret {id}"),
        }
    }
}

impl Notifier {
    /// `DRIFTLAB_NOTIFY_TOPIC` (a topic's ARN) and `DRIFTLAB_NOTIFY_WEBHOOK` (`slack:ssm:/name`,
    /// `teams:secret:<ARN or name>`). What cannot be followed is said and left out: repairs do not
    /// depend on it.
    pub(crate) fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let get = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let webhook = get("DRIFTLAB_NOTIFY_WEBHOOK");
        let parsed = webhook.as_deref().and_then(Webhook::parse);
        if webhook.is_some() && parsed.is_none() {
            // Not quoted: somebody may have put the address itself there.
            output::line(
                "error: DRIFTLAB_NOTIFY_WEBHOOK is not a reference like slack:ssm:/name or teams:secret:arn: the webhook is off",
            );
        }
        Self {
            topic: get("DRIFTLAB_NOTIFY_TOPIC"),
            webhook: parsed,
            ..Self::default()
        }
    }

    /// Sends `notice` to everybody at once; how many did not get it. Over by `until` at the latest.
    pub(crate) async fn send(&self, client: &Client, mut notice: Notice, until: Instant) -> u64 {
        if self.topic.is_none() && self.webhook.is_none() {
            return 0;
        }
        if !self.admits(Instant::now()) {
            self.held_back.set(self.held_back.get() + 1);
            output::line("a notice was held back: there were too many in the last minute");
            return 1;
        }
        notice.held_back = self.held_back.take();
        let until = until.min(Instant::now() + PATIENCE);
        let (topic, webhook) = tokio::join!(
            self.to_topic(client, &notice, until),
            self.to_webhook(client, &notice, until)
        );
        u64::from(topic) + u64::from(webhook)
    }

    /// Whether another notice may go out now.
    fn admits(&self, now: Instant) -> bool {
        let mut sent = self.sent.borrow_mut();
        while sent
            .front()
            .is_some_and(|at| now.duration_since(*at) >= MINUTE)
        {
            sent.pop_front();
        }
        let admitted = sent.len() < MAX_NOTICES;
        if admitted {
            sent.push_back(now);
        }
        admitted
    }

    /// Whether it went wrong.
    async fn to_topic(&self, client: &Client, notice: &Notice, until: Instant) -> bool {
        let Some(topic) = &self.topic else {
            return false;
        };
        let announcement = Announcement {
            subject: notice.subject(),
            text: notice.text(),
            machine: notice.machine(),
        };
        match client.until(until).publish(topic, &announcement).await {
            Ok(()) => false,
            Err(error) => failed("the topic", &error.report()),
        }
    }

    /// Whether it went wrong.
    async fn to_webhook(&self, client: &Client, notice: &Notice, until: Instant) -> bool {
        let Some(webhook) = &self.webhook else {
            return false;
        };
        let url = match self.address(client, webhook, until).await {
            Ok(url) => url,
            Err(reason) => return failed("the webhook", &reason),
        };
        let body = notice.chat(webhook.chat);
        let mut attempt = 1;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            // Half of what is left, so that a webhook which loses one request is asked once more.
            let sent = client.post(&url, body.clone().into(), left / 2).await;
            let error = match sent {
                Ok(()) => return false,
                Err(error) => error,
            };
            let pause = PAUSE * attempt;
            let left = until.saturating_duration_since(Instant::now());
            if !error.is_transient() || attempt >= ATTEMPTS || left <= pause {
                // A refused address may have been rotated: ask for it again next time.
                self.address.take();
                return failed("the webhook", &error.to_string());
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn address(
        &self,
        client: &Client,
        webhook: &Webhook,
        until: Instant,
    ) -> Result<WebhookUrl, String> {
        if let Some((url, at)) = &*self.address.borrow()
            && at.elapsed() < FRESH
        {
            return Ok(url.clone());
        }
        let client = client.until(until);
        let found = match &webhook.place {
            Place::Parameter(name) => client.get_parameter(name).await,
            Place::Secret(id) => client.get_secret_value(id).await,
        };
        let text = found.map_err(|error| error.report())?;
        let url = WebhookUrl::parse(&text)
            .map_err(|error: WebhookError| format!("{}: {error}", webhook.place))?;
        self.address.replace(Some((url.clone(), Instant::now())));
        Ok(url)
    }
}

fn failed(whom: &str, why: &str) -> bool {
    output::line(&format!("error: {whom} was not notified: {why}"));
    true
}

impl Webhook {
    fn parse(text: &str) -> Option<Self> {
        let (chat, rest) = text.split_once(':')?;
        let chat = match chat {
            "slack" => Chat::Slack,
            "teams" => Chat::Teams,
            _ => return None,
        };
        let (kind, name) = rest.split_once(':')?;
        // An address has a scheme with two slashes; no name of a parameter or secret has.
        if name.is_empty() || name.contains("//") {
            return None;
        }
        let place = match kind {
            "ssm" => Place::Parameter(name.to_owned()),
            "secret" => Place::Secret(name.to_owned()),
            _ => return None,
        };
        Some(Self { chat, place })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use aws_calls::Config;
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use remediator_core::evidence::Context;
    use serde_json::json;
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// An SNS that takes everything: its address, and the bodies of what is published.
    fn sns() -> (String, Receiver<String>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (sender, published) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let sender = sender.clone();
                std::thread::spawn(move || serve(stream, &sender));
            }
        });
        (address, published)
    }

    fn serve(mut stream: TcpStream, published: &Sender<String>) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            let header = line.trim_end().to_ascii_lowercase();
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            }
            if header.is_empty() {
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                published.send(String::from_utf8(body).unwrap()).unwrap();
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer.as_bytes()).unwrap();
            }
            line.clear();
        }
    }

    #[test]
    fn a_webhook_is_named_by_reference_only() {
        let parameter = |chat, name: &str| {
            let place = Place::Parameter(name.to_owned());
            Some(Webhook { chat, place })
        };
        assert_eq!(
            Webhook::parse("slack:ssm:/lab/hook"),
            parameter(Chat::Slack, "/lab/hook")
        );
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:lab/hook-AbCdEf";
        let secret = Webhook {
            chat: Chat::Teams,
            place: Place::Secret(arn.to_owned()),
        };
        assert_eq!(Webhook::parse(&format!("teams:secret:{arn}")), Some(secret));
        for wrong in [
            "",
            "slack",
            "slack:ssm",
            "slack:ssm:",
            "irc:ssm:/a",
            "slack:url:/a",
            "https://hooks.slack.example/services/T0",
            "slack:ssm:https://hooks.slack.example/services/T0",
        ] {
            assert_eq!(Webhook::parse(wrong), None, "{wrong}");
        }
    }

    /// T2: a storm is not a storm of messages.
    #[test]
    fn so_many_a_minute_and_no_more() {
        let notifier = Notifier::default();
        let start = Instant::now();
        let admitted = (0..1_000).filter(|_| notifier.admits(start)).count();
        assert_eq!(admitted, 6);
        assert!(!notifier.admits(start + Duration::from_secs(59)));
        assert!(notifier.admits(start + Duration::from_secs(60)));
    }

    /// T2: what was held back is counted in the next notice, and only in that one.
    #[tokio::test]
    async fn what_was_held_back_is_told_with_the_next() {
        let (address, published) = sns();
        let keys = Credentials::new("123456789012", "secret", None, None, "test");
        let mut config = Config::new("us-east-1", SharedCredentialsProvider::new(keys));
        config.endpoint_url = Some(address);
        let client = Client::new(config).unwrap();
        let notifier = Notifier {
            topic: Some("arn:aws:sns:us-east-1:123456789012:told".to_owned()),
            ..Notifier::default()
        };
        let context = Context::new(&(&json!({})).into(), "us-east-1", "r-1");
        let send = || {
            let notice = Notice::new(&context, &BTreeMap::new(), Some("a failure")).unwrap();
            notifier.send(&client, notice, Instant::now() + MINUTE)
        };
        // Six have gone out just now.
        notifier.sent.borrow_mut().extend([Instant::now(); 6]);
        for _ in 0..2 {
            assert_eq!(send().await, 1, "held back");
        }
        // The minute is over.
        notifier.sent.borrow_mut().clear();
        for _ in 0..2 {
            assert_eq!(send().await, 0, "sent");
        }
        let told: Vec<bool> = published
            .try_iter()
            .map(|body| body.contains("2+notice%28s%29+were+held+back+before+this+one"))
            .collect();
        assert_eq!(told, [true, false]);
    }
}
