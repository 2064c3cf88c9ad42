//! The two roles of the stack: nothing in their policies is superfluous.
//!
//! What the roles may do is read from the roles that a deployed stack has, so whatever the template adds is tried as well.

use std::collections::BTreeSet;
use std::time::Duration;

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::groups::lab_group;
use trials::options::Kept;
use trials::trial::{all, in_lab};
use trials::world::quick;
use trials::{ACCOUNT, Lab, Options, World, package};

const FUNCTION_ROLE: &str = "AwsConfigLambdaSGRole";
const CONFIG_ROLE: &str = "AwsConfigRole";
pub(super) const FUNCTION: &str = "evaluate_remediate_security_group";

/// A way to deploy in which the function's role is another one.
#[derive(Debug, Clone, Copy)]
struct Way {
    arguments: &'static [&'static str],
    /// With every option of the template, the address of the webhook kept there, and all that is read encrypted with a key of
    /// one's own.
    options: Option<Kept>,
}

const BY_TAG: &[&str] = &["--scope", "tag:Name=LabSG1", "--confirm-account", ACCOUNT];

const WAYS: [Way; 4] = [
    Way {
        arguments: &[],
        options: None,
    },
    Way {
        arguments: BY_TAG,
        options: None,
    },
    Way {
        arguments: &[],
        options: Some(Kept::Parameter),
    },
    Way {
        arguments: BY_TAG,
        options: Some(Kept::Secret),
    },
];

impl Way {
    /// Deploys; the answer is what was made around the lab for its options.
    async fn deploy(self, world: &World, lab: &Lab<'_>) -> Option<Options> {
        let mut line = vec!["deploy"];
        line.extend(self.arguments);
        let Some(kept) = self.options else {
            lab.ok(&line).await;
            world.idle().await;
            return None;
        };
        let options = Options::under_own_key(world).await;
        let more = [options.paths(), options.told(kept)].concat();
        line.extend(more.iter().map(String::as_str));
        lab.ok(&line).await;
        // People are told of the first repair after its report, and that is none of the next one's.
        world.idle().await;
        Some(options)
    }
}

/// One action of one inline policy.
#[derive(Debug, Clone)]
struct Right {
    policy: String,
    document: Value,
    statement: usize,
    action: String,
}

impl Right {
    /// Which it is, whatever the ids in it are.
    fn name(&self) -> (String, String, String) {
        let sid = self.document["Statement"][self.statement]["Sid"].to_string();
        (self.policy.clone(), sid, self.action.clone())
    }

    /// The policy without it.
    fn taken(&self) -> Value {
        let mut document = self.document.clone();
        let statements = document["Statement"].as_array_mut().unwrap();
        let left = actions(&statements[self.statement])
            .into_iter()
            .filter(|action| *action != self.action)
            .collect::<Vec<_>>();
        if left.is_empty() {
            // A policy has a statement: this one allows what everybody may.
            statements[self.statement] =
                json!({"Effect": "Allow", "Action": "sts:GetCallerIdentity", "Resource": "*"});
        } else {
            statements[self.statement]["Action"] = json!(left);
        }
        document
    }
}

fn actions(statement: &Value) -> Vec<String> {
    match &statement["Action"] {
        Value::Array(several) => several
            .iter()
            .map(|action| action.as_str().unwrap().to_owned())
            .collect(),
        one => vec![one.as_str().unwrap().to_owned()],
    }
}

/// Everything that the inline policies of a role allow.
async fn rights(world: &World, role: &str) -> Vec<Right> {
    let input = json!({"RoleName": role});
    let named = world.call(Service::Iam, "ListRolePolicies", input).await;
    let mut rights = Vec::new();
    for policy in named["PolicyNames"].as_array().unwrap() {
        let policy = policy.as_str().unwrap();
        let input = json!({"RoleName": role, "PolicyName": policy});
        let shown = world.call(Service::Iam, "GetRolePolicy", input).await;
        let text = shown["PolicyDocument"].as_str().unwrap();
        let document: Value = serde_json::from_str(&decoded(text)).unwrap();
        for (statement, it) in document["Statement"].as_array().unwrap().iter().enumerate() {
            rights.extend(actions(it).into_iter().map(|action| Right {
                policy: policy.to_owned(),
                document: document.clone(),
                statement,
                action,
            }));
        }
    }
    rights
}

/// IAM shows documents percent-encoded.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits: Vec<u8> = rest.by_ref().take(2).collect();
        let digits = String::from_utf8(digits).unwrap();
        bytes.push(u8::from_str_radix(&digits, 16).unwrap());
    }
    String::from_utf8(bytes).unwrap()
}

async fn set(world: &World, role: &str, policy: &str, document: &Value) {
    let input = json!({"RoleName": role, "PolicyName": policy,
        "PolicyDocument": document.to_string()});
    world.call(Service::Iam, "PutRolePolicy", input).await;
}

/// What the function does for a lab, and if something is missing also what the function's log says of it.
async fn missing(world: &World, lab: &Lab<'_>, options: Option<&Options>) -> Option<String> {
    let what = not_done(world, lab, options).await?;
    let log = lab.run(&["logs"]).await.text;
    let errors: Vec<&str> = log.lines().filter(|line| line.contains("error")).collect();
    Some(format!("{what}: {errors:#?}"))
}

/// How long something may take that the function is to do. Where the fast path was quicker than AWS Config, the function doubts
/// what it reads for fifteen seconds.
const PATIENCE: Duration = Duration::from_secs(25);

/// It heals, reports, and logs what it did; with options it also looks after outbound rules and tells people. Answers with
/// what of it is not done.
async fn not_done(world: &World, lab: &Lab<'_>, options: Option<&Options>) -> Option<String> {
    // What the deployment caused may still be told of, with the rights that the function had then.
    world.calm().await;
    let mark = world.mark();
    let posts = || options.map_or(0, |options| options.told_webhook(world));
    let posted = posts();
    // The next process of the function is a new one, with a log stream of its own.
    let input = json!({"FunctionName": FUNCTION, "MemorySize": 192});
    let configure = "UpdateFunctionConfiguration";
    world.call(Service::Lambda, configure, input).await;
    // Somebody also closes a port that has to be open: opening it again is half of a repair.
    if !reopened(world).await {
        return Some("the port that was closed stays closed".to_owned());
    }
    let patience = format!("{}s", PATIENCE.as_secs());
    let incident = ["simulate-incident", "--timeout", &patience];
    let incident = lab.run(&incident).await;
    if incident.result.is_err() {
        return Some(incident.failure());
    }
    let logs = lab.ok(&["logs"]).await;
    if !logs.text.contains("revoking for") {
        return Some("no line tells of the repair".to_owned());
    }
    let options = options?;
    if !outbound_is_put_right(world).await {
        return Some("the outbound rules are not put right".to_owned());
    }
    world.idle().await;
    if !options.topic_was_told(world, mark) {
        return Some("the topic was not told".to_owned());
    }
    (posts() == posted).then(|| "the webhook was not told".to_owned())
}

/// Has one outbound rule too many and one too few put right.
async fn outbound_is_put_right(world: &World) -> bool {
    let group = lab_group(world).await;
    let everything = json!({"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    let mail = json!({"IpProtocol": "tcp", "FromPort": 25, "ToPort": 25,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}]});
    for (operation, permission) in [
        ("AuthorizeSecurityGroupEgress", mail),
        ("RevokeSecurityGroupEgress", everything),
    ] {
        let input = json!({"GroupId": group["groupId"], "IpPermissions": [permission]});
        world.call(Service::Ec2, operation, input).await;
    }
    let right = group["ipPermissionsEgress"].clone();
    until(async || lab_group(world).await["ipPermissionsEgress"] == right).await
}

/// Whether something comes true within a time that is ample.
async fn until(come_true: impl AsyncFn() -> bool) -> bool {
    let waiting = async {
        while !come_true().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.is_ok()
}

async fn reopened(world: &World) -> bool {
    let https = json!({"GroupId": lab_group(world).await["groupId"],
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    let revoke = "RevokeSecurityGroupIngress";
    world.call(Service::Ec2, revoke, https).await;
    // Not the digits alone, which any id may have.
    let open = r#""fromPort":443"#;
    until(async || lab_group(world).await.to_string().contains(open)).await
}

#[test]
fn the_function_needs_every_right_of_its_role() {
    let Some(package) = package::path() else {
        return;
    };
    // What there is to take away is known once a lab is deployed, and that is one trial more for each way.
    let found = std::sync::Mutex::new(Vec::new());
    let what = "ways to deploy";
    let name = |way: &Way| format!("{way:?}");
    all(what, &WAYS, name, |way| {
        let (way, package, found) = (*way, &package, &found);
        async move {
            let world = World::start().await;
            let lab = Lab::new(&world, package);
            let options = way.deploy(&world, &lab).await;
            assert_eq!(
                missing(&world, &lab, options.as_ref()).await,
                None,
                "nothing is taken away yet: {way:?}"
            );
            let rights = rights(&world, FUNCTION_ROLE).await;
            let cases = rights.into_iter().map(|right| (way, right));
            found.lock().unwrap().extend(cases);
            world.end().await;
        }
    });
    let mut cases = found.into_inner().unwrap();
    // A right that several ways have is taken from the one with the fewest options.
    cases.sort_by_key(|(way, right)| (right.name(), way.options.is_some()));
    cases.dedup_by_key(|(_, right)| right.name());
    let what = "the function's role, less one right";
    let name = |(_, right): &(Way, Right)| format!("{:?}", right.name());
    all(what, &cases, name, |(way, right)| {
        let (way, right, package) = (*way, right.clone(), &package);
        async move {
            let world = World::start().await;
            let lab = Lab::new(&world, package);
            let options = way.deploy(&world, &lab).await;
            // The ids in the documents are others than in the world where the right was found.
            let mut rights = rights(&world, FUNCTION_ROLE).await.into_iter();
            let right = rights.find(|here| here.name() == right.name()).unwrap();
            set(&world, FUNCTION_ROLE, &right.policy, &right.taken()).await;
            let missing = missing(&world, &lab, options.as_ref()).await;
            let Some(missing) = missing else {
                panic!("{:?} is superfluous", right.name())
            };
            if right.action == "kms:Decrypt" {
                // Secrets Manager does not tell which right is missing.
                let told = ["kms:Decrypt", "Access to KMS is not allowed"];
                assert!(told.iter().any(|told| missing.contains(told)), "{missing}");
            }
            world.end().await;
        }
    });
}

#[test]
fn aws_config_needs_every_right_of_the_recorders_role() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy"]).await;
        // AWS Config may publish as the service as well, where the topic lets it. For roles of one's own it is not documented
        // which of the two it does, so the topic and the role both allow it; here the topic says nothing.
        let topics = world.call(Service::Sns, "ListTopics", json!({})).await;
        let topic = topics["Topics"][0]["TopicArn"].clone();
        let silent = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish", "Resource": topic}]});
        let input = json!({"TopicArn": topic, "AttributeName": "Policy",
            "AttributeValue": silent.to_string()});
        world.call(Service::Sns, "SetTopicAttributes", input).await;
        // AWS's own policy for the role lets it look at buckets, too. That policy is AWS's to change, and the documents of
        // the lab give the role the right by itself.
        let managed = "arn:aws:iam::aws:policy/service-role/AWS_ConfigRole";
        let input = json!({"RoleName": CONFIG_ROLE, "PolicyArn": managed});
        world.call(Service::Iam, "DetachRolePolicy", input).await;
        assert_eq!(undelivered(world, lab).await, None);
        for right in rights(world, CONFIG_ROLE).await {
            set(world, CONFIG_ROLE, &right.policy, &right.taken()).await;
            let why = undelivered(world, lab).await;
            assert!(why.is_some(), "{} is superfluous", right.action);
            set(world, CONFIG_ROLE, &right.policy, &right.document).await;
        }
        assert_eq!(undelivered(world, lab).await, None);
    });
}

/// Puts the channel again, at which AWS Config looks at the bucket and writes to it, and has it tell the topic of an
/// incident. Answers with what could not be delivered.
async fn undelivered(world: &World, lab: &Lab<'_>) -> Option<String> {
    let described = world
        .call(Service::Config, "DescribeDeliveryChannels", json!({}))
        .await;
    let channel = json!({"DeliveryChannel": described["DeliveryChannels"][0]});
    if let Err(code) = world
        .ask(Service::Config, "PutDeliveryChannel", channel)
        .await
    {
        return Some(code);
    }
    lab.ok(&["simulate-incident", "--no-wait"]).await;
    world.idle().await;
    let status = world
        .call(Service::Config, "DescribeDeliveryChannelStatus", json!({}))
        .await;
    let stream = &status["DeliveryChannelsStatus"][0]["configStreamDeliveryInfo"];
    (stream["lastStatus"] != "SUCCESS").then(|| stream.to_string())
}

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
