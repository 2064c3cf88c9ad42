//! Many accounts at once, many changes of one group, many incidents in a row.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use conformance::raw::Http;
use conformance::signing::Keys;
use conformance::world::World;
use conformance::{ACCOUNT, panics};
use sandbox::service::Service;
use serde_json::{Value, json};

const ACCOUNTS: u64 = 200;
const CLIENTS: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_accounts_see_nothing_of_each_other() {
    panics::watch();
    let world = World::start().await;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let http = Http::new(&world);
            let who: BTreeMap<u64, Keys> = (client..ACCOUNTS)
                .step_by(50)
                .map(|number| (number, world.operator(&account(number))))
                .collect();
            tokio::spawn(async move {
                // Everything is made in all accounts before anything is looked at, so that the accounts are mixed.
                for (number, keys) in &who {
                    furnish(&http, keys, *number).await;
                }
                for (number, keys) in &who {
                    look_around(&http, keys, *number).await;
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

fn account(number: u64) -> String {
    format!("{}", 100_000_000_000 + number)
}

async fn query(http: &Http, keys: &Keys, service: &str, form: &[(&str, &str)]) -> String {
    let form: Vec<(String, String)> = form
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let (status, body) = http.query(keys, service, &form).await;
    assert_eq!(status, 200, "{form:?}: {body}");
    body
}

fn texts(xml: &str, tag: &str) -> BTreeSet<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let found = document
        .descendants()
        .filter(|node| node.tag_name().name() == tag);
    found
        .map(|node| node.text().unwrap_or_default().to_owned())
        .collect()
}

async fn furnish(http: &Http, keys: &Keys, number: u64) {
    let account = account(number);
    let name = format!("only-{account}");
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
    }]})
    .to_string();
    let created = query(
        http,
        keys,
        "ec2",
        &[
            ("Action", "CreateSecurityGroup"),
            ("GroupName", &name),
            ("GroupDescription", "x"),
        ],
    )
    .await;
    let group = texts(&created, "groupId").into_iter().next().unwrap();
    let network = format!("10.{}.{}.0/24", number / 100, number % 100);
    query(
        http,
        keys,
        "ec2",
        &[
            ("Action", "AuthorizeSecurityGroupIngress"),
            ("GroupId", &group),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "22"),
            ("IpPermissions.1.ToPort", "22"),
            ("IpPermissions.1.IpRanges.1.CidrIp", &network),
        ],
    )
    .await;
    query(
        http,
        keys,
        "iam",
        &[
            ("Action", "CreateRole"),
            ("RoleName", &name),
            ("AssumeRolePolicyDocument", &trust),
        ],
    )
    .await;
    query(
        http,
        keys,
        "sns",
        &[("Action", "CreateTopic"), ("Name", &name)],
    )
    .await;
    let template = format!(
        "Resources: {{Own: {{Type: 'AWS::Logs::LogGroup', Properties: {{LogGroupName: {name}}}}}}}"
    );
    query(
        http,
        keys,
        "cloudformation",
        &[
            ("Action", "CreateStack"),
            ("StackName", "same-name-everywhere"),
            ("TemplateBody", &template),
        ],
    )
    .await;
    let (status, body) = http
        .send("PUT", &format!("/{name}"), keys, "s3", &[], String::new())
        .await;
    assert_eq!(status, 200, "{body}");
}

async fn look_around(http: &Http, keys: &Keys, number: u64) {
    let account = account(number);
    let name = format!("only-{account}");
    let own = BTreeSet::from([name.clone()]);
    let groups = query(http, keys, "ec2", &[("Action", "DescribeSecurityGroups")]).await;
    assert_eq!(
        texts(&groups, "groupName"),
        BTreeSet::from(["default".to_owned(), name.clone()])
    );
    assert_eq!(
        texts(&groups, "cidrIp"),
        BTreeSet::from([
            "0.0.0.0/0".to_owned(),
            format!("10.{}.{}.0/24", number / 100, number % 100)
        ])
    );
    assert_eq!(texts(&groups, "ownerId"), BTreeSet::from([account.clone()]));
    let roles = query(http, keys, "iam", &[("Action", "ListRoles")]).await;
    assert_eq!(texts(&roles, "RoleName"), own);
    let topics = query(http, keys, "sns", &[("Action", "ListTopics")]).await;
    assert_eq!(
        texts(&topics, "TopicArn"),
        BTreeSet::from([format!("arn:aws:sns:us-east-1:{account}:{name}")])
    );
    let (_, buckets) = http.send("GET", "/", keys, "s3", &[], String::new()).await;
    assert_eq!(texts(&buckets, "Name"), own);
    let stack = [
        ("Action", "DescribeStacks"),
        ("StackName", "same-name-everywhere"),
    ];
    let deadline = Instant::now() + PATIENCE;
    loop {
        let stacks = query(http, keys, "cloudformation", &stack).await;
        assert!(
            texts(&stacks, "StackId")
                .iter()
                .all(|id| id.contains(&account))
        );
        if texts(&stacks, "StackStatus").contains("CREATE_COMPLETE") {
            break;
        }
        assert!(Instant::now() < deadline, "{stacks}");
    }
    let target = "Logs_20140328.DescribeLogGroups";
    let groups = http.json(keys, "logs", target, &json!({})).await;
    assert_eq!(groups["logGroups"].as_array().unwrap().len(), 1);
    assert_eq!(groups["logGroups"][0]["logGroupName"], json!(name));
}

/// Only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls through the sandbox's own door, in one account.
struct Lab {
    world: World,
}

impl Lab {
    async fn call(&self, service: Service, operation: &str, input: Value) -> Value {
        let target = World::target(ACCOUNT);
        let sandbox = &self.world.sandbox;
        let input_shown = input.clone();
        sandbox
            .perform_value(&target, service, operation, input)
            .await
            .unwrap_or_else(|error| panic!("{operation} {input_shown}: {error}"))
    }

    /// An account whose security groups are recorded.
    async fn start() -> Self {
        let lab = Self {
            world: World::start().await,
        };
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": ["config.amazonaws.com", "lambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        }]})
        .to_string();
        let everything = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "*", "Resource": "*",
        }]})
        .to_string();
        let role = json!({"RoleName": "all", "AssumeRolePolicyDocument": trust});
        lab.call(Service::Iam, "CreateRole", role).await;
        let policy = json!({"RoleName": "all", "PolicyName": "all", "PolicyDocument": everything});
        lab.call(Service::Iam, "PutRolePolicy", policy).await;
        let keys = lab.world.operator(ACCOUNT);
        let bucket = Http::new(&lab.world)
            .send("PUT", "/delivery", &keys, "s3", &[], String::new())
            .await;
        assert_eq!(bucket.0, 200);
        let recorder = json!({"ConfigurationRecorder": {
            "name": "default",
            "roleARN": format!("arn:aws:iam::{ACCOUNT}:role/all"),
            "recordingGroup": {"allSupported": false, "resourceTypes": ["AWS::EC2::SecurityGroup"]},
        }});
        lab.call(Service::Config, "PutConfigurationRecorder", recorder)
            .await;
        let channel = json!({"DeliveryChannel": {"name": "default", "s3BucketName": "delivery"}});
        lab.call(Service::Config, "PutDeliveryChannel", channel)
            .await;
        let start = json!({"ConfigurationRecorderName": "default"});
        lab.call(Service::Config, "StartConfigurationRecorder", start)
            .await;
        lab
    }

    async fn group(&self) -> String {
        let input = json!({"GroupName": "LabSG1", "GroupDescription": "the lab"});
        let group = self.call(Service::Ec2, "CreateSecurityGroup", input).await;
        group["groupId"].as_str().unwrap().to_owned()
    }

    async fn change(&self, operation: &str, group: &str, port: u16) {
        let permission = json!([{
            "IpProtocol": "tcp", "FromPort": port.to_string(), "ToPort": port.to_string(),
            "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        }]);
        let input = json!({"GroupId": group, "IpPermissions": permission});
        self.call(Service::Ec2, operation, input).await;
    }

    async fn items(&self, group: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut input = json!({
                "resourceType": "AWS::EC2::SecurityGroup", "resourceId": group,
                "chronologicalOrder": "Forward", "limit": 100,
            });
            if !token.is_null() {
                input["nextToken"] = token;
            }
            let mut page = self
                .call(Service::Config, "GetResourceConfigHistory", input)
                .await;
            if let Value::Array(found) = page["configurationItems"].take() {
                items.extend(found);
            }
            token = page["nextToken"].take();
            if token.is_null() {
                return items;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_changes_are_ten_thousand_items_in_order() {
    panics::watch();
    let lab = Lab::start().await;
    let group = lab.group().await;
    // Each port is opened and closed again before the next one, so that every item differs from its neighbours.
    for change in 0..10_000_u16 {
        let operation = if change % 2 == 0 {
            "AuthorizeSecurityGroupIngress"
        } else {
            "RevokeSecurityGroupIngress"
        };
        lab.change(operation, &group, 1 + change / 2).await;
    }
    lab.world.idle().await;
    let items = lab.items(&group).await;
    assert_eq!(items.len(), 10_001, "the discovery and each change");
    let mut before = (f64::MIN, 0);
    for (number, item) in items.iter().enumerate() {
        let configuration: Value =
            serde_json::from_str(item["configuration"].as_str().unwrap()).unwrap();
        let ports: Vec<u64> = configuration["ipPermissions"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|permission| permission["fromPort"].as_u64())
            .collect();
        let expected = if number % 2 == 1 {
            vec![number as u64 / 2 + 1]
        } else {
            Vec::new()
        };
        assert_eq!(ports, expected, "item {number}");
        let captured = item["configurationItemCaptureTime"].as_f64().unwrap();
        let state: u64 = item["configurationStateId"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap();
        assert!((captured, state) > before, "item {number} is not later");
        before = (captured, state);
    }
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

/// The function's package: named by hand, or as `cargo xtask test` has built it.
fn package() -> Option<Vec<u8>> {
    let path = std::env::var_os("DRIFTLAB_FUNCTION_ZIP")
        .map(std::path::PathBuf::from)
        .or_else(|| {
            let architecture = if std::env::consts::ARCH == "aarch64" {
                "arm64"
            } else {
                std::env::consts::ARCH
            };
            let directory = std::env::var_os("DRIFTLAB_PREBUILT_DIR")?;
            Some(std::path::Path::new(&directory).join(format!("bootstrap-{architecture}.zip")))
        })?;
    Some(std::fs::read(path).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_incident_repeated_a_thousand_times_is_healed_a_thousand_times() {
    panics::watch();
    let Some(package) = package() else {
        skipped(
            "neither DRIFTLAB_FUNCTION_ZIP nor DRIFTLAB_PREBUILT_DIR names the function's package",
        );
        return;
    };
    let lab = Lab::start().await;
    let group = lab.group().await;
    for port in [80, 443] {
        lab.change("AuthorizeSecurityGroupIngress", &group, port)
            .await;
    }
    guard(&lab, &group, &package).await;
    lab.world.idle().await;
    for incident in 1..=1_000 {
        lab.change("AuthorizeSecurityGroupIngress", &group, 465)
            .await;
        lab.world.idle().await;
        let described = lab
            .call(
                Service::Ec2,
                "DescribeSecurityGroups",
                json!({"GroupId": [group]}),
            )
            .await;
        let mut ports: Vec<String> = described["securityGroupInfo"][0]["ipPermissions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|permission| permission["fromPort"].to_string().replace('"', ""))
            .collect();
        ports.sort();
        assert_eq!(ports, ["443", "80"], "incident {incident} is not healed");
    }
    // Discovery, two approved rules, then an opening and a repair for each incident: none was lost, none came twice.
    assert_eq!(lab.items(&group).await.len(), 1 + 2 + 2 * 1_000);
    let rule = json!({"ConfigRuleName": "guard"});
    let details = lab
        .call(Service::Config, "GetComplianceDetailsByConfigRule", rule)
        .await;
    assert_eq!(
        details["EvaluationResults"][0]["ComplianceType"], "COMPLIANT",
        "{details}"
    );
    lab.world.sandbox.functions.shut_down().await;
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

/// The real function, and a rule that has it guard one group.
async fn guard(lab: &Lab, group: &str, package: &[u8]) {
    let function = json!({
        "FunctionName": "guard", "Runtime": "provided.al2023", "Handler": "bootstrap", "Timeout": 30,
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/all"),
        "Architectures": [if std::env::consts::ARCH == "aarch64" { "arm64" } else { "x86_64" }],
        "Code": {"ZipFile": BASE64_STANDARD.encode(package)},
    });
    let function = lab.call(Service::Lambda, "CreateFunction", function).await;
    let permission = json!({
        "FunctionName": "guard", "StatementId": "config", "Action": "lambda:InvokeFunction",
        "Principal": "config.amazonaws.com", "SourceAccount": ACCOUNT,
    });
    lab.call(Service::Lambda, "AddPermission", permission).await;
    let rule = json!({"ConfigRule": {
        "ConfigRuleName": "guard",
        "Source": {
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": function["FunctionArn"],
            "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"}],
        },
        "Scope": {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"], "ComplianceResourceId": group},
        "InputParameters": json!({"baseline": "ipv4", "mode": "enforce"}).to_string(),
    }});
    lab.call(Service::Config, "PutConfigRule", rule).await;
}

#[expect(clippy::print_stderr, reason = "a test that is skipped has to say it")]
fn skipped(missing: &str) {
    eprintln!("skipped: {missing}");
}
