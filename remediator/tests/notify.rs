//! The built function and the people it tells: SNS, a webhook that answers, fails or hangs.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

const GROUP: &str = "sg-0123456789abcdef0";
const SECRET: &str = "T0000/hunter2";

/// How the webhook behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hook {
    Answers,
    Refuses,
    Hangs,
}

/// A request that came: who was asked, with what, and when.
struct Seen {
    what: String,
    body: String,
    at: Instant,
}

/// Runtime API, EC2, Config, SNS, Parameter Store, Secrets Manager and a webhook at one port.
fn host(hook: Hook) -> (String, Receiver<Seen>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (sender, receiver) = channel();
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (sender, own) = (sender.clone(), own.clone());
            std::thread::spawn(move || serve(stream, hook, &own, &sender));
        }
    });
    (address, receiver)
}

fn serve(stream: TcpStream, hook: Hook, own: &str, seen: &Sender<Seen>) {
    stream.set_nodelay(true).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut reader = BufReader::new(stream);
    while let Some((path, target, body)) = read(&mut reader) {
        let what = name(&path, &target, &body);
        let at = Instant::now();
        let _ = seen.send(Seen {
            what: what.clone(),
            body,
            at,
        });
        let Some((status, headers, body)) = answer(&what, hook, own) else {
            continue;
        };
        let length = body.len();
        let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\n{headers}\r\n");
        if writer.write_all((head + &body).as_bytes()).is_err() {
            return;
        }
    }
}

/// Path, `X-Amz-Target` and body.
fn read(reader: &mut impl BufRead) -> Option<(String, String, String)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let (mut length, mut target) = (0, String::new());
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("x-amz-target") => {
                value.clone_into(&mut target);
            }
            Some(_) => {}
            None => break,
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((path, target, String::from_utf8(body).unwrap()))
}

fn name(path: &str, target: &str, body: &str) -> String {
    if path.contains("/runtime/") || path.starts_with("/hook/") {
        return path.rsplit('/').next().unwrap().to_owned();
    }
    match (target.rsplit('.').next(), body.strip_prefix("Action=")) {
        (Some(operation), _) if !operation.is_empty() => operation.to_owned(),
        (_, Some(rest)) => rest.split('&').next().unwrap().to_owned(),
        _ => "connect".to_owned(),
    }
}

/// `None`: the connection is kept and nothing is said.
fn answer(what: &str, hook: Hook, own: &str) -> Option<(u16, String, String)> {
    let ok = |body: String| Some((200, String::new(), body));
    match what {
        "next" => {
            static ONCE: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
            let mut served = ONCE.lock().unwrap();
            if served.iter().any(|address| address == own) {
                return None;
            }
            served.push(own.to_owned());
            let headers = "lambda-runtime-aws-request-id: r\r\nlambda-runtime-deadline-ms: 99999999999999\r\nlambda-runtime-invoked-function-arn: arn\r\n";
            Some((200, headers.to_owned(), event().to_string()))
        }
        "DescribeSecurityGroups" => {
            let rule = |port| {
                format!(
                    "<item><ipProtocol>tcp</ipProtocol><fromPort>{port}</fromPort><toPort>{port}</toPort><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item>"
                )
            };
            let rules: String = [80, 443, 465].map(rule).concat();
            ok(format!(
                "<DescribeSecurityGroupsResponse><securityGroupInfo><item><ownerId>123456789012</ownerId><groupId>{GROUP}</groupId><ipPermissions>{rules}</ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>"
            ))
        }
        "PutEvaluations" => ok("{}".to_owned()),
        "GetParameter" => ok(
            json!({"Parameter": {"Name": "/lab/hook", "Type": "SecureString",
            "Value": format!("http://{own}/hook/{SECRET}")}})
            .to_string(),
        ),
        "GetSecretValue" => {
            ok(json!({"SecretString": format!("http://{own}/hook/{SECRET}")}).to_string())
        }
        "hunter2" => match hook {
            Hook::Answers => ok("ok".to_owned()),
            Hook::Refuses => Some((500, String::new(), "no".to_owned())),
            Hook::Hangs => None,
        },
        "connect" => Some((404, String::new(), String::new())),
        _ => ok("<Response><return>true</return></Response>".to_owned()),
    }
}

fn event() -> Value {
    let invoking = json!({
        "configurationItem": {
            "configurationItemCaptureTime": "2026-11-22T08:00:05.000Z",
            "configurationItemStatus": "OK",
            "resourceType": "AWS::EC2::SecurityGroup",
            "resourceId": GROUP
        },
        "messageType": "ConfigurationItemChangeNotification"
    });
    json!({"invokingEvent": invoking.to_string(), "ruleParameters": "{}", "resultToken": "token",
        "eventLeftScope": false, "accountId": "123456789012", "configRuleName": "EC2SecurityGroup"})
}

/// Runs one event to its answer; everything that was asked for on the way, and the log.
fn run(hook: Hook, webhook: &str) -> (Vec<Seen>, Vec<String>) {
    let (address, receiver) = host(hook);
    let mut child = Command::new(env!("CARGO_BIN_EXE_bootstrap"))
        .env_clear()
        .envs([
            ("AWS_LAMBDA_RUNTIME_API", address.as_str()),
            ("AWS_LAMBDA_FUNCTION_NAME", "f"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "123456789012"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_ENDPOINT_URL", &format!("http://{address}")),
            (
                "DRIFTLAB_NOTIFY_TOPIC",
                "arn:aws:sns:us-east-1:123456789012:told",
            ),
            ("DRIFTLAB_NOTIFY_WEBHOOK", webhook),
        ])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut seen = Vec::new();
    loop {
        let one = receiver.recv_timeout(Duration::from_secs(20)).unwrap();
        let last = one.what == "response" || one.what == "error";
        seen.push(one);
        if last {
            break;
        }
    }
    child.kill().unwrap();
    let mut log = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    child.wait().unwrap();
    (seen, log.lines().map(str::to_owned).collect())
}

fn names(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|one| one.what.as_str()).collect()
}

fn at(seen: &[Seen], what: &str) -> Instant {
    let last = seen.iter().rev().find(|one| one.what == what);
    last.unwrap_or_else(|| panic!("{what} in {:?}", names(seen)))
        .at
}

/// T1: mails for people, JSON for machines, a text for Slack; and the address stays a secret.
#[test]
fn everybody_is_told_and_no_secret_is() {
    let (seen, log) = run(Hook::Answers, "slack:ssm:/lab/hook");
    assert_eq!(seen.last().unwrap().what, "response");
    let posted = seen.iter().find(|one| one.what == "hunter2").unwrap();
    let text: Value = serde_json::from_str(&posted.body).unwrap();
    let text = text["text"].as_str().unwrap();
    assert!(
        text.contains(&format!("{GROUP}: healed; revoked tcp 465")),
        "{text}"
    );
    let published = seen.iter().find(|one| one.what == "Publish").unwrap();
    assert!(published.body.contains("MessageStructure=json"));
    assert!(
        published.body.contains("%22outcome%5C%22"),
        "{}",
        published.body
    );
    assert!(!log.iter().any(|line| line.contains("hunter2")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("error:")), "{log:?}");
}

/// T3: a webhook that hangs costs the repair nothing, and the invocation a bounded time.
#[test]
fn a_webhook_that_hangs_delays_no_repair() {
    let (seen, log) = run(Hook::Hangs, "teams:ssm:/lab/hook");
    assert_eq!(seen.last().unwrap().what, "response");
    let reported = at(&seen, "PutEvaluations");
    assert!(reported < at(&seen, "hunter2"), "{:?}", names(&seen));
    assert!(at(&seen, "RevokeSecurityGroupIngress") < reported);
    let delay = at(&seen, "response") - reported;
    assert!(delay < Duration::from_secs(4), "{delay:?}");
    let lost = "error: the webhook was not notified: the webhook did not answer (in time)";
    assert!(log.contains(&lost.to_owned()), "{log:?}");
    assert!(
        log.iter()
            .any(|line| line.contains("\"NotificationsFailed\":1"))
    );
    assert!(!log.iter().any(|line| line.contains("hunter2")), "{log:?}");
}

/// T3: a webhook that fails is tried three times, then let be; the invocation succeeds.
#[test]
fn a_webhook_that_fails_fails_nothing_else() {
    let (seen, log) = run(Hook::Refuses, "slack:ssm:/lab/hook");
    assert_eq!(seen.last().unwrap().what, "response");
    let tries = names(&seen)
        .iter()
        .filter(|what| **what == "hunter2")
        .count();
    assert_eq!(tries, 3);
    assert!(
        names(&seen).contains(&"Publish"),
        "the topic is told all the same"
    );
    assert!(
        log.iter()
            .any(|line| line.contains("the webhook answered 500")),
        "{log:?}"
    );
}

/// T4: the address may be kept in Secrets Manager, and stays a secret.
#[test]
fn an_address_in_secrets_manager() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:lab/hook-AbCdEf";
    let (seen, log) = run(Hook::Answers, &format!("teams:secret:{arn}"));
    assert_eq!(seen.last().unwrap().what, "response");
    let asked = seen.iter().find(|one| one.what == "GetSecretValue");
    let asked: Value = serde_json::from_str(&asked.unwrap().body).unwrap();
    assert_eq!(asked, json!({"SecretId": arn}));
    let posted = seen.iter().find(|one| one.what == "hunter2").unwrap();
    assert!(posted.body.contains("AdaptiveCard"), "{}", posted.body);
    assert!(!log.iter().any(|line| line.contains("hunter2")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains("error:")), "{log:?}");
}

/// T4: a reference that is none is said at the start, and repairs go on. It may be the address itself.
#[test]
fn a_reference_that_is_none_is_not_quoted() {
    let (seen, log) = run(Hook::Answers, "https://hooks.example/hunter2");
    assert_eq!(seen.last().unwrap().what, "response");
    assert!(!names(&seen).contains(&"hunter2"));
    assert!(
        log[0].starts_with("error: DRIFTLAB_NOTIFY_WEBHOOK"),
        "{log:?}"
    );
    assert!(!log.iter().any(|line| line.contains("hunter2")), "{log:?}");
}
