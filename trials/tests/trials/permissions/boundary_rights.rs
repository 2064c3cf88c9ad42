//! A permissions boundary is asked for what the roles may do, beforehand.

use std::collections::BTreeSet;

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::options::Kept;
use trials::trial::in_lab;
use trials::world::quick;
use trials::{Options, World};

use super::roles::{CONFIG_ROLE, FUNCTION_ROLE, rights};

/// What IAM was asked about boundaries since then: actions, each with a resource.
fn asked_of_boundary(world: &World, mark: u64) -> BTreeSet<(String, String)> {
    let calls = world.calls_after(mark).into_iter();
    let questions = calls.filter(|call| call.operation == "SimulateCustomPolicy");
    let pairs = questions.flat_map(|call| {
        let list = |member: &str| -> Vec<String> {
            let listed = call.input.value()[member].as_array().cloned();
            let texts = listed.into_iter().flatten();
            texts.map(|it| it.as_str().unwrap().to_owned()).collect()
        };
        let (actions, resources) = (list("ActionNames"), list("ResourceArns"));
        let on = move |action: String| {
            let each = resources.clone().into_iter();
            each.map(move |resource| (action.clone(), resource))
        };
        actions.into_iter().flat_map(on)
    });
    pairs.collect()
}

/// What both roles may do by their inline policies.
async fn allowed(world: &World) -> BTreeSet<(String, String)> {
    let mut all = BTreeSet::new();
    for role in [FUNCTION_ROLE, CONFIG_ROLE] {
        for right in rights(world, role).await {
            let resource = &right.document["Statement"][right.statement]["Resource"];
            all.insert((right.action, resource.as_str().unwrap().to_owned()));
        }
    }
    all
}

/// Whether both name the same, where one of them leaves something open.
fn alike(one: &str, other: &str) -> bool {
    let covers = |pattern: &str, text: &str| {
        let mut parts = pattern.split('*');
        let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
            return false;
        };
        for part in parts {
            let Some(at) = rest.rfind(part) else {
                return false;
            };
            rest = &rest[at + part.len()..];
        }
        rest.is_empty() || pattern.ends_with('*')
    };
    covers(one, other) || covers(other, one)
}

/// A boundary limits the roles whatever their policies say, so it is asked for all that is in these, whichever options the lab
/// has, and for nothing else.
#[test]
fn a_boundary_is_asked_for_what_the_roles_of_such_a_lab_may_do() {
    in_lab(quick(), async |world, lab| {
        let options = Options::furnish(world).await;
        let boundary = boundary(world, &[]).await;
        let paths = options.paths();
        let more = [
            vec![],
            paths[..4].to_vec(),
            paths[4..6].to_vec(),
            paths[6..].to_vec(),
            options.told(Kept::Parameter),
            options.told(Kept::Secret),
        ];
        for more in more {
            let mark = world.mark();
            let mut line = vec!["deploy", "--no-wait", "--permissions-boundary", &boundary];
            line.extend(more.iter().map(String::as_str));
            lab.ok(&line).await;
            let (asked, allowed) = (asked_of_boundary(world, mark), allowed(world).await);
            for (pairs, others, what) in [
                (&allowed, &asked, "was not asked"),
                (&asked, &allowed, "is not in a policy"),
            ] {
                for (action, resource) in pairs {
                    let found = others
                        .iter()
                        .any(|(known, on)| known == action && alike(on, resource));
                    assert!(found, "{action} on {resource} {what}: {more:?}");
                }
            }
        }
    });
}

/// A boundary of everything but these; the answer is its ARN.
async fn boundary(world: &World, withheld: &[&str]) -> String {
    let mut statements = vec![json!({"Effect": "Allow", "Action": "*", "Resource": "*"})];
    if !withheld.is_empty() {
        statements.push(json!({"Effect": "Deny", "Action": withheld, "Resource": "*"}));
    }
    let document = json!({"Version": "2012-10-17", "Statement": statements});
    let name = withheld.join("-").replace(':', "-");
    let policy = json!({"PolicyName": format!("limit-{name}"),
        "PolicyDocument": document.to_string()});
    let made = world.call(Service::Iam, "CreatePolicy", policy).await;
    made["Policy"]["Arn"].as_str().unwrap().to_owned()
}

#[test]
fn doctor_names_what_a_boundary_withholds_from_an_option() {
    in_lab(quick(), async |world, lab| {
        let options = Options::furnish(world).await;
        let paths = options.paths();
        let (topic, secret) = (options.told(Kept::Parameter), options.told(Kept::Secret));
        let ends = ["--ttl", "3h"].map(str::to_owned);
        for (option, action) in [
            (&ends[..], "config:DeleteConfigRule"),
            (&paths[4..6], "ec2:RevokeSecurityGroupEgress"),
            (&paths[6..], "ssm:GetParameter"),
            (&topic[2..], "ssm:GetParameter"),
            (&secret[2..], "secretsmanager:GetSecretValue"),
        ] {
            let mark = world.mark();
            let narrow = boundary(world, &[action]).await;
            let line = ["doctor", "--permissions-boundary", &narrow];
            let said = async |more: &[String]| {
                let more = more.iter().map(String::as_str);
                let line: Vec<_> = line.into_iter().chain(more).collect();
                let told = lab.ok(&line).await;
                let findings = told.document["findings"].as_array().unwrap().clone();
                let about = |finding: &&Value| finding["about"] == "boundary";
                findings.iter().find(about).unwrap()["what"].to_string()
            };
            let without = said(&[]).await;
            assert!(without.contains("lets through all"), "{without}");
            let with = said(option).await;
            let named = format!("does not let through `{action}`");
            assert!(with.contains(&named), "{with}");
            assert_eq!(world.changes_after(mark), [""; 0]);
            let gone = json!({ "PolicyArn": narrow });
            world.call(Service::Iam, "DeletePolicy", gone).await;
        }
        // The one topic is reached and the other is not.
        let arn = topic[1].split_once('=').unwrap().1;
        let document = json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "sns:Publish", "Resource": arn}]});
        let policy = json!({"PolicyName": "one-topic", "PolicyDocument": document.to_string()});
        let made = world.call(Service::Iam, "CreatePolicy", policy).await;
        let narrow = made["Policy"]["Arn"].as_str().unwrap();
        let mut line = vec!["doctor", "--permissions-boundary", narrow];
        line.extend(topic[..2].iter().map(String::as_str));
        let told = lab.ok(&line).await;
        let named = format!("does not let through `sns:Publish` on `{arn}`");
        assert!(told.document.to_string().contains(&named), "{}", told.text);
    });
}
