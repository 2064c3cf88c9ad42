//! The two roles of the stack: nothing in their policies is superfluous.
//!
//! What the roles may do is read from the roles that a deployed stack has, so whatever the template adds is tried as well.

use std::time::Duration;

use sandbox::sandbox::Settings;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::trial::{all, one};
use trials::{ACCOUNT, Lab, World, package};

const FUNCTION_ROLE: &str = "AwsConfigLambdaSGRole";
const CONFIG_ROLE: &str = "AwsConfigRole";
pub(super) const FUNCTION: &str = "evaluate_remediate_security_group";

/// Ways to deploy in which the function's role is another one.
const WAYS: [&[&str]; 2] = [
    &[],
    &["--scope", "tag:Name=LabSG1", "--confirm-account", ACCOUNT],
];

/// One action of one inline policy.
#[derive(Debug, Clone)]
struct Right {
    policy: String,
    document: Value,
    statement: usize,
    action: String,
}

impl Right {
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

async fn world() -> World {
    World::with(Settings {
        recorder_stop_lag: Some(Duration::ZERO),
        ..Settings::default()
    })
    .await
}

/// What the function does for a lab: it heals, reports, and logs what it did. Answers with what is missing.
async fn missing(world: &World, lab: &Lab<'_>) -> Option<String> {
    // The next process of the function is a new one, with a log stream of its own.
    let input = json!({"FunctionName": FUNCTION, "MemorySize": 192});
    let configure = "UpdateFunctionConfiguration";
    world.call(Service::Lambda, configure, input).await;
    // Somebody also closes a port that has to be open: opening it again is half of a repair.
    if !reopened(world).await {
        return Some("the port that was closed stays closed".to_owned());
    }
    let incident = lab.run(&["simulate-incident", "--timeout", "6s"]).await;
    if incident.result.is_err() {
        return Some(incident.failure());
    }
    let logs = lab.ok(&["logs"]).await;
    (!logs.text.contains("revoking for")).then(|| "no line tells of the repair".to_owned())
}

async fn reopened(world: &World) -> bool {
    let named = json!({"Filter": [{"Name": "group-name", "Value": ["LabSG1"]}]});
    let look = "DescribeSecurityGroups";
    let before = world.call(Service::Ec2, look, named.clone()).await;
    let https = json!({"GroupId": before["securityGroupInfo"][0]["groupId"],
        "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
    let revoke = "RevokeSecurityGroupIngress";
    world.call(Service::Ec2, revoke, https).await;
    let open = async {
        loop {
            let now = world.call(Service::Ec2, look, named.clone()).await;
            if now.to_string().contains("443") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(6), open)
        .await
        .is_ok()
}

#[test]
fn the_function_needs_every_right_of_its_role() {
    let Some(package) = package::path() else {
        return;
    };
    // What there is to take away is known once a lab is deployed, and that is one trial more for each way.
    let found = std::sync::Mutex::new(Vec::new());
    let ways: Vec<_> = WAYS.to_vec();
    let failures = all(&ways, |way| {
        let (way, package, found) = (*way, &package, &found);
        async move {
            let world = world().await;
            let lab = Lab::new(&world, package);
            lab.ok(&[&["deploy"], way].concat()).await;
            assert_eq!(
                missing(&world, &lab).await,
                None,
                "nothing is taken away yet"
            );
            let rights = rights(&world, FUNCTION_ROLE).await;
            let cases = rights.into_iter().map(|right| (way, right));
            found.lock().unwrap().extend(cases);
            world.end().await;
        }
    });
    assert!(failures.is_empty(), "{failures:?}");
    let cases = found.into_inner().unwrap();
    let failures = all(&cases, |(way, right)| {
        let (way, right, package) = (*way, right.clone(), &package);
        async move {
            let world = world().await;
            let lab = Lab::new(&world, package);
            lab.ok(&[&["deploy"], way].concat()).await;
            set(&world, FUNCTION_ROLE, &right.policy, &right.taken()).await;
            let missing = missing(&world, &lab).await;
            assert!(missing.is_some(), "{} is superfluous", right.action);
            world.end().await;
        }
    });
    let said: Vec<_> = failures.iter().map(|(_, said)| said).collect();
    assert!(
        said.is_empty(),
        "{} of {}: {said:#?}",
        said.len(),
        cases.len()
    );
}

#[test]
fn aws_config_needs_every_right_of_the_recorders_role() {
    let Some(package) = package::path() else {
        return;
    };
    one(async || {
        let world = world().await;
        let lab = Lab::new(&world, &package);
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
        assert_eq!(undelivered(&world, &lab).await, None);
        for right in rights(&world, CONFIG_ROLE).await {
            set(&world, CONFIG_ROLE, &right.policy, &right.taken()).await;
            let why = undelivered(&world, &lab).await;
            assert!(why.is_some(), "{} is superfluous", right.action);
            set(&world, CONFIG_ROLE, &right.policy, &right.document).await;
        }
        assert_eq!(undelivered(&world, &lab).await, None);
        world.end().await;
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
