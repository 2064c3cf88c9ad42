//! What others may write reaches the terminal as text: no command of theirs, and no line that passes for one of `driftlab`.

use std::collections::BTreeSet;
use std::sync::Mutex;

use sandbox::faults::{CallerKind, Fault, Rule};
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::furnish::config;
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{Lab, Told, World, package};

use crate::adopt::{set_up, set_up_as, theirs};
use crate::forged::{age, read, write};

/// Retitles and clears a terminal, turns a line around, goes back to its beginning, and adds lines of its own.
const EVIL: &str = "x\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1m\u{202e}\u{2066}\rFORGED\u{2028}FORGED\nFORGED - stack `other`\n\n  FORGED";

/// Nothing that a terminal obeys: General_Category Cc but for line breaks and tabs, Bidi_Control, and the separators of lines
/// and paragraphs (Unicode 17.0). And no line of somebody else's.
fn check(told: &Told) {
    let shown = format!("{}\n{}", told.text, told.failure());
    let obeyed = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
                .contains(c)
    };
    let found: BTreeSet<char> = shown.chars().filter(|c| obeyed(*c)).collect();
    assert!(found.is_empty(), "`{}`: {found:?} in {shown}", told.command);
    for line in shown.lines() {
        // Within a table a cell is wrapped below itself, further to the right than any line begins.
        let begins = line.len() - line.trim_start_matches(' ').len() < 10;
        let forged = begins && line.trim_start().starts_with("FORGED");
        assert!(!forged, "`{}`: {line:?} in\n{shown}", told.command);
    }
}

/// The same, where the text has to be there at all.
fn check_shown(told: &Told) {
    check(told);
    let shown = format!("{}\n{}", told.text, told.failure());
    assert!(shown.contains("FORGED"), "`{}`:\n{shown}", told.command);
}

#[test]
fn names_of_recorder_and_channel_forge_no_line_of_a_plan() {
    in_lab(quick(), async |world, lab| {
        set_up_as(world, &theirs()[6], EVIL).await;
        check_shown(&lab.run_for_people(&["deploy"]).await);
        check_shown(&lab.run_for_people(&["deploy", "--adopt", "--plan"]).await);
        check_shown(&lab.run_for_people(&["deploy", "--adopt"]).await);
        for line in [
            &["status"][..],
            &["deploy", "--plan"],
            &["cleanup", "--plan"],
            &["cleanup", "--all", "--older-than", "0s", "--plan"],
            &["cleanup"],
        ] {
            check_shown(&lab.run_for_people(line).await);
        }
    });
}

/// Each text of a value becomes the hostile one, but for those with these names.
fn poisoned(value: &mut Value, but: &[&str]) {
    match value {
        Value::String(text) => EVIL.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| poisoned(item, but)),
        Value::Object(members) => members
            .iter_mut()
            .filter(|(name, _)| !but.contains(&name.as_str()))
            .for_each(|(_, member)| poisoned(member, but)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[test]
fn words_of_a_forged_journal_forge_no_line() {
    for of_an_older_driftlab in [false, true] {
        in_lab(quick(), async |world, lab| {
            set_up(world, &theirs()[6]).await;
            lab.ok(&["deploy", "--adopt"]).await;
            let mut journal = read(world).await;
            let name = journal["borrowed"]["recorder"]["before"]["name"].clone();
            poisoned(&mut journal["borrowed"], &["since", "group", "mode"]);
            journal["borrowed"]["recorder"]["before"]["name"] = name;
            write(world, journal.to_string()).await;
            if of_an_older_driftlab {
                age(world).await;
            }
            check_shown(&lab.run_for_people(&["cleanup", "--plan"]).await);
            for line in [
                &["status"][..],
                &["deploy", "--adopt", "--plan"],
                &["cleanup", "--restore-from-unverified-journal"],
                &["cleanup"],
            ] {
                check(&lab.run_for_people(line).await);
            }
        });
    }
}

#[test]
fn holder_of_a_forged_lock_forges_no_line() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        let mut journal = read(world).await;
        journal["lock"] = json!({"by": EVIL, "host": EVIL, "pid": 1, "run": EVIL,
            "purpose": "cleanup", "since": "2026-01-01T00:00:00Z", "until": "2999-01-01T00:00:00Z"});
        write(world, journal.to_string()).await;
        for line in [&["deploy"][..], &["cleanup"], &["simulate-incident"]] {
            let told = lab.run_for_people(line).await;
            check(&told);
            let waits = line != ["simulate-incident"];
            assert_eq!(told.failure().contains("FORGED"), waits, "{}", told.text);
        }
    });
}

/// The services that take any text for a tag, and the log.
#[test]
fn tags_and_log_lines_forge_no_line() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        let status = lab.ok(&["status"]).await;
        let group = &status.document["groups"][0]["group_id"];
        let tags = json!({"ResourceId": [group], "Tag": [{"Key": "Name", "Value": EVIL}]});
        // EC2 takes any text for the value of a tag.
        world.call(Service::Ec2, "CreateTags", tags).await;
        let rule = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22,
            "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        world
            .call(Service::Ec2, "AuthorizeSecurityGroupIngress", rule)
            .await;
        let (log_group, stream) = ("/aws/lambda/LabFunction", "others");
        let groups = world
            .call(Service::Logs, "DescribeLogGroups", json!({}))
            .await;
        let log_group = groups["logGroups"][0]["logGroupName"]
            .as_str()
            .unwrap_or(log_group);
        let named = json!({"logGroupName": log_group, "logStreamName": stream});
        world.call(Service::Logs, "CreateLogStream", named).await;
        let now = world.sandbox.clock.now().unix_timestamp_nanos() / 1_000_000;
        let put = json!({"logGroupName": log_group, "logStreamName": stream,
            "logEvents": [{"timestamp": i64::try_from(now).unwrap(), "message": EVIL}]});
        world.call(Service::Logs, "PutLogEvents", put).await;
        check_shown(&lab.run_for_people(&["logs"]).await);
        let id = group.as_str().unwrap();
        for line in [
            &["status"][..],
            &["policy", "explain", id],
            &["simulate-incident"],
        ] {
            check(&lab.run_for_people(line).await);
        }
    });
}

/// The parameters of a rule are any text that is JSON, and the function repeats in an annotation what it does not
/// understand.
#[test]
fn parameters_of_the_rule_forge_no_line() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        let rules = config(world, "DescribeConfigRules", json!({})).await;
        let mut rule = rules["ConfigRules"][0].clone();
        rule["InputParameters"] = json!(json!({ "baseline": EVIL, EVIL: "x" }).to_string());
        for member in ["ConfigRuleArn", "ConfigRuleId", "ConfigRuleState"] {
            rule.as_object_mut().unwrap().remove(member);
        }
        config(world, "PutConfigRule", json!({ "ConfigRule": rule })).await;
        // The function fails, and Lambda tries again minutes later.
        world.calm().await;
        check_shown(&lab.run_for_people(&["status"]).await);
        check_shown(&lab.run_for_people(&["deploy", "--plan"]).await);
        let status = lab.ok(&["status"]).await;
        let id = status.document["groups"][0]["group_id"].clone();
        check(
            &lab.run_for_people(&["policy", "explain", id.as_str().unwrap()])
                .await,
        );
        check(&lab.run_for_people(&["doctor"]).await);
    });
}

/// What goes before a command.
fn before(command: &str) -> &'static [&'static str] {
    match command {
        "deploy" | "doctor" => &[],
        _ => &["deploy", "--ttl", "3h", "--no-wait"],
    }
}

/// Every operation that a command calls, as often as each is called by then.
async fn calls_of(line: &[&str], package: &std::path::Path) -> BTreeSet<(String, String)> {
    let world = World::with(quick()).await;
    let lab = Lab::new(&world, package);
    if !before(line[0]).is_empty() {
        lab.ok(before(line[0])).await;
    }
    let mark = world.mark();
    lab.run(line).await;
    let calls = world.calls_after(mark).into_iter();
    let operators = calls.filter(|call| {
        call.caller.as_ref() == Some(&sandbox::caller::Caller::Operator)
            && !call.operation.is_empty()
    });
    let all = operators
        .map(|call| (call.service.clone(), call.operation.clone()))
        .collect();
    world.end().await;
    all
}

const COMMANDS: [&[&str]; 7] = [
    &["deploy", "--no-wait", "--ttl", "3h"],
    &["doctor"],
    &["status"],
    &["logs"],
    &["extend", "--by", "1h"],
    &["simulate-incident", "--timeout=1s"],
    &["cleanup"],
];

/// Each call of each command fails with a code and a message that somebody else has thought of.
#[test]
fn error_of_any_call_forges_no_line() {
    let package = package::path();
    let found = Mutex::new(Vec::new());
    let name = |line: &&[&str]| format!("{line:?}");
    all("calls of commands", &COMMANDS, name, |line| {
        let (line, package, found) = (*line, package.clone(), &found);
        async move {
            let calls = calls_of(line, &package).await;
            assert!(calls.len() > 3, "{line:?}: {calls:?}");
            let calls = calls.into_iter().map(|call| (line, call));
            found.lock().unwrap().extend(calls);
        }
    });
    let cases = found.into_inner().unwrap();
    let name = |(line, call): &(&[&str], (String, String))| format!("{line:?} {call:?}");
    all("errors of calls", &cases, name, |case| {
        let ((line, (service, operation)), package) = (case.clone(), package.clone());
        async move {
            let world = World::with(quick()).await;
            let lab = Lab::new(&world, &package);
            if !before(line[0]).is_empty() {
                lab.ok(before(line[0])).await;
            }
            world.strike(Rule {
                caller: Some(CallerKind::Operator),
                ..Rule::new(
                    &service,
                    &operation,
                    Fault::Error {
                        code: "SomethingElse".to_owned(),
                        status: 400,
                        message: EVIL.to_owned(),
                    },
                )
            });
            let told = lab.run_for_people(line).await;
            check(&told);
            // The answer to a HEAD has no words.
            let has_words = !operation.starts_with("Head");
            if let Some(error) = told.result.as_ref().err().filter(|_| has_words) {
                // A failure that keeps AWS's words to itself helps nobody.
                let chain = driftlab::output::failure(error);
                assert!(
                    chain.contains("FORGED") || told.text.contains("FORGED"),
                    "{}{chain}",
                    told.text
                );
            }
            world.end().await;
        }
    });
}

/// Why a resource was not made is told by the events of the stack, in the words of its service.
#[test]
fn reason_of_a_stack_event_forges_no_line() {
    in_lab(quick(), async |world, lab| {
        world.strike(Rule {
            caller: Some(CallerKind::Service),
            count: Some(1),
            ..Rule::new(
                "sns",
                "CreateTopic",
                Fault::Error {
                    code: "InvalidParameter".to_owned(),
                    status: 400,
                    message: EVIL.to_owned(),
                },
            )
        });
        check_shown(&lab.run_for_people(&["deploy"]).await);
    });
}
