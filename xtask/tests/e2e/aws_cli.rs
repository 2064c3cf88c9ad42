//! The lab by hand, as the university's handout has it done in the console: each step with the AWS CLI.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Place, Ran, STACK, package, template};

/// How long the repair may take on a machine that is busy; it takes a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(60);

const BUCKET: &str = "handout-code";
const RULE: &str = "EC2SecurityGroup";
const LOG_GROUP: &str = "awsconfig_lambda_security_group";

/// The AWS CLI with the environment that `sandbox env` prints.
struct Cli {
    variables: Vec<(String, String)>,
}

impl Cli {
    /// Absent where the AWS CLI is not installed; the test then says so.
    #[expect(clippy::print_stderr, reason = "a test that is skipped has to say it")]
    fn find(place: &Place) -> Option<Self> {
        let installed = Command::new("aws")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !installed.is_ok_and(|status| status.success()) {
            eprintln!("skipped: the AWS CLI is not installed");
            return None;
        }
        let lines = place.xtask(&["sandbox", "env"]).ok().stdout;
        let variables = lines
            .lines()
            .filter_map(|line| line.strip_prefix("export ")?.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned()))
            .collect();
        Some(Self { variables })
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new("aws")
            .args(arguments)
            .args(["--output", "json"])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .env("AWS_PAGER", "")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        Ran::of(arguments, output)
    }

    #[track_caller]
    fn ok(&self, arguments: &[&str]) -> Ran {
        self.run(arguments).ok()
    }

    /// The service says no: version 1 of the AWS CLI ends with 255 then, version 2 with 254.
    #[track_caller]
    fn refused(&self, arguments: &[&str], code: &str) {
        let ran = self.run(arguments).says(code);
        assert!(matches!(ran.code, Some(254 | 255)), "{:?}", ran.code);
    }

    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Value {
        self.ok(arguments).json()
    }

    /// Asks again until the answer is right. Each question is a process of its own, so there is nothing to sleep for.
    #[track_caller]
    fn until(&self, arguments: &[&str], right: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = self.json(arguments);
            if right(&answer) {
                return answer;
            }
            assert!(
                Instant::now() < deadline,
                "`{}` still answers {answer:#}",
                arguments.join(" ")
            );
        }
    }
}

/// What the stack says about itself.
struct Outputs(Value);

impl Outputs {
    fn get(&self, key: &str) -> &str {
        let outputs = self.0["Stacks"][0]["Outputs"].as_array().unwrap();
        let output = outputs.iter().find(|output| output["OutputKey"] == key);
        output.unwrap_or_else(|| panic!("no output {key} in {outputs:?}"))["OutputValue"]
            .as_str()
            .unwrap()
    }
}

#[test]
fn the_lab_by_hand() {
    let place = Place::new();
    let Some(aws) = Cli::find(&place) else { return };
    let outputs = create_the_stack(&aws);
    set_up_config(&aws, &place, &outputs);
    let group = outputs.get("LabSecurityGroupId");
    look_around(&aws, &outputs, group);
    emulate_the_incident(&aws, group);
    create_the_rule(&aws, &place, outputs.get("FunctionArn"));
    read_the_evidence(&aws, group);
    repeat_the_incident(&aws, group);
    clean_up(&aws, &outputs);
}

/// Task 1.
fn create_the_stack(aws: &Cli) -> Outputs {
    aws.ok(&["s3api", "create-bucket", "--bucket", BUCKET]);
    aws.ok(&[
        "s3",
        "cp",
        package().to_str().unwrap(),
        &format!("s3://{BUCKET}/bootstrap.zip"),
    ]);
    let architecture = if std::env::consts::ARCH == "aarch64" {
        "arm64"
    } else {
        std::env::consts::ARCH
    };
    let body = format!("file://{}", template().display());
    let parameter = |name: &str, value: &str| format!("ParameterKey={name},ParameterValue={value}");
    let create = [
        "cloudformation",
        "create-stack",
        "--stack-name",
        STACK,
        "--template-body",
        &body,
        "--parameters",
        &parameter("ITSCAccountString", "student"),
        &parameter("SubscriptionEmail", "student+lab@example.com"),
        &parameter("CodeS3Bucket", BUCKET),
        &parameter("CodeS3Key", "bootstrap.zip"),
        &parameter("FunctionArchitecture", architecture),
    ];
    // The console has the student tick a box for this; without it the stack is refused.
    aws.refused(&create, "InsufficientCapabilities");
    let mut create = create.to_vec();
    create.extend(["--capabilities", "CAPABILITY_NAMED_IAM"]);
    aws.ok(&create);
    aws.ok(&[
        "cloudformation",
        "wait",
        "stack-create-complete",
        "--stack-name",
        STACK,
    ]);
    let resources = aws.json(&[
        "cloudformation",
        "describe-stack-resources",
        "--stack-name",
        STACK,
    ]);
    let resources = resources["StackResources"].as_array().unwrap();
    assert!(
        resources
            .iter()
            .all(|resource| resource["ResourceStatus"] == "CREATE_COMPLETE"),
        "{resources:#?}"
    );
    Outputs(aws.json(&["cloudformation", "describe-stacks", "--stack-name", STACK]))
}

/// Task 3, first half: recorder, delivery channel, and what is refused in the wrong order.
fn set_up_config(aws: &Cli, place: &Place, outputs: &Outputs) {
    let channel = json!({
        "name": "default",
        "s3BucketName": outputs.get("DeliveryBucketName"),
        "snsTopicARN": outputs.get("TopicArn"),
    });
    let channel = format!(
        "file://{}",
        place.file("channel.json", &channel.to_string())
    );
    let put_channel = [
        "configservice",
        "put-delivery-channel",
        "--delivery-channel",
        &channel,
    ];
    aws.refused(&put_channel, "NoAvailableConfigurationRecorderException");
    let recorder = json!({
        "name": "default",
        "roleARN": outputs.get("ConfigRoleArn"),
        "recordingGroup": {
            "allSupported": false,
            "includeGlobalResourceTypes": false,
            "resourceTypes": ["AWS::EC2::SecurityGroup"],
            "recordingStrategy": {"useOnly": "INCLUSION_BY_RESOURCE_TYPES"},
        },
        "recordingMode": {"recordingFrequency": "CONTINUOUS"},
    });
    let recorder = format!(
        "file://{}",
        place.file("recorder.json", &recorder.to_string())
    );
    aws.ok(&[
        "configservice",
        "put-configuration-recorder",
        "--configuration-recorder",
        &recorder,
    ]);
    let start = [
        "configservice",
        "start-configuration-recorder",
        "--configuration-recorder-name",
        "default",
    ];
    aws.refused(&start, "NoAvailableDeliveryChannelException");
    aws.ok(&put_channel);
    aws.ok(&start);
    let status = aws.json(&["configservice", "describe-configuration-recorder-status"]);
    assert_eq!(status["ConfigurationRecordersStatus"][0]["recording"], true);
}

/// Tasks 2 and 3, second half: the roles, the inventory, the network.
fn look_around(aws: &Cli, outputs: &Outputs, group: &str) {
    let policies = aws.json(&["iam", "list-role-policies", "--role-name", "AwsConfigRole"]);
    let mut policies: Vec<&str> = policies["PolicyNames"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    policies.sort_unstable();
    assert_eq!(policies, ["S3Access", "SNSPublish"]);
    let managed = aws.json(&[
        "iam",
        "list-attached-role-policies",
        "--role-name",
        "AwsConfigRole",
    ]);
    assert_eq!(
        managed["AttachedPolicies"][0]["PolicyName"],
        "AWS_ConfigRole"
    );
    let policy = aws.json(&[
        "iam",
        "get-role-policy",
        "--role-name",
        "AwsConfigLambdaSGRole",
        "--policy-name",
        "awsconfig_lambda_ec2_sg_role_policy",
    ]);
    assert!(
        policy["PolicyDocument"]
            .to_string()
            .contains("ec2:RevokeSecurityGroupIngress")
    );
    let vpc = format!("Name=vpc-id,Values={}", outputs.get("VpcId"));
    let groups = aws.json(&["ec2", "describe-security-groups", "--filters", &vpc]);
    assert_eq!(
        groups["SecurityGroups"].as_array().unwrap().len(),
        2,
        "LabSG1 and the VPC's default group"
    );
    aws.until(
        &[
            "configservice",
            "list-discovered-resources",
            "--resource-type",
            "AWS::EC2::SecurityGroup",
        ],
        |inventory| {
            inventory["resourceIdentifiers"]
                .as_array()
                .unwrap()
                .iter()
                .any(|resource| resource["resourceId"] == group)
        },
    );
    let subscriptions = aws.json(&[
        "sns",
        "list-subscriptions-by-topic",
        "--topic-arn",
        outputs.get("TopicArn"),
    ]);
    assert_eq!(
        subscriptions["Subscriptions"][0]["SubscriptionArn"],
        "PendingConfirmation"
    );
}

const OPEN: &str = "IpProtocol=tcp,FromPort=465,ToPort=465,IpRanges=[{CidrIp=0.0.0.0/0}]";
const OPEN_TOO: &str = "IpProtocol=tcp,FromPort=993,ToPort=993,IpRanges=[{CidrIp=0.0.0.0/0}]";

/// Task 4.
fn emulate_the_incident(aws: &Cli, group: &str) {
    aws.ok(&[
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        group,
        "--ip-permissions",
        OPEN,
        OPEN_TOO,
    ]);
    assert_eq!(
        ports(&aws.json(&["ec2", "describe-security-groups", "--group-ids", group])),
        [80, 465, 993]
    );
    let history = [
        "configservice",
        "get-resource-config-history",
        "--resource-type",
        "AWS::EC2::SecurityGroup",
        "--resource-id",
        group,
    ];
    aws.until(&history, |history| {
        let items = history["configurationItems"].as_array().unwrap();
        items.first().is_some_and(|newest| {
            newest["configuration"]
                .as_str()
                .is_some_and(|text| text.contains("993"))
        })
    });
}

fn ports(groups: &Value) -> Vec<u64> {
    let mut ports: Vec<u64> = groups["SecurityGroups"][0]["IpPermissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|permission| permission["FromPort"].as_u64().unwrap())
        .collect();
    ports.sort_unstable();
    ports
}

/// Task 5: the rule with the parameter `debug` and nothing else, as the handout has it.
fn create_the_rule(aws: &Cli, place: &Place, function: &str) {
    let rule = json!({
        "ConfigRuleName": RULE,
        "Description": "Restrict inbound ports to HTTP and HTTPS",
        "Scope": {"ComplianceResourceTypes": ["AWS::EC2::SecurityGroup"]},
        "Source": {
            "Owner": "CUSTOM_LAMBDA",
            "SourceIdentifier": function,
            "SourceDetails": [
                {"EventSource": "aws.config", "MessageType": "ConfigurationItemChangeNotification"},
                {"EventSource": "aws.config", "MessageType": "OversizedConfigurationItemChangeNotification"},
            ],
        },
        "InputParameters": "{\"debug\":\"true\"}",
    });
    let rule = format!("file://{}", place.file("rule.json", &rule.to_string()));
    aws.ok(&["configservice", "put-config-rule", "--config-rule", &rule]);
}

/// Tasks 5 to 7: healed, compliant, logged.
fn read_the_evidence(aws: &Cli, group: &str) {
    aws.until(
        &["ec2", "describe-security-groups", "--group-ids", group],
        |groups| ports(groups) == [80, 443],
    );
    let details = aws.until(
        &[
            "configservice",
            "get-compliance-details-by-config-rule",
            "--config-rule-name",
            RULE,
        ],
        |details| {
            result(details, group).is_some_and(|result| result["ComplianceType"] == "COMPLIANT")
        },
    );
    let annotation = result(&details, group).unwrap()["Annotation"]
        .as_str()
        .unwrap()
        .to_owned();
    // The handout's own words for a group that had 465 and 993 too many and 443 too few. A change that the repair itself
    // caused is evaluated again, so the last word may already be that all is well.
    let words = [
        "Permissions were modified. 2 new revocation(s). 1 new authorization(s). Revoked: tcp 465, tcp 993. Authorized: tcp 443.",
        "Permissions are correct.",
    ];
    assert!(words.contains(&annotation.as_str()), "{annotation}");
    for port in [465, 993] {
        let wanted = format!("revoking for {group} port {port}");
        aws.until(
            &[
                "logs",
                "filter-log-events",
                "--log-group-name",
                LOG_GROUP,
                "--filter-pattern",
                "\"revoking for\"",
            ],
            |found| {
                found["events"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|event| event["message"].as_str().unwrap().contains(&wanted))
            },
        );
    }
}

fn result<'a>(details: &'a Value, group: &str) -> Option<&'a Value> {
    details["EvaluationResults"]
        .as_array()?
        .iter()
        .find(|result| {
            result["EvaluationResultIdentifier"]["EvaluationResultQualifier"]["ResourceId"] == group
        })
}

/// Task 6: "If you were to modify the security group again … your changes would be reverted".
fn repeat_the_incident(aws: &Cli, group: &str) {
    aws.ok(&[
        "ec2",
        "authorize-security-group-ingress",
        "--group-id",
        group,
        "--ip-permissions",
        OPEN,
    ]);
    aws.until(
        &["ec2", "describe-security-groups", "--group-ids", group],
        |groups| ports(groups) == [80, 443],
    );
}

/// The after-class task, and what the handout forgets.
fn clean_up(aws: &Cli, outputs: &Outputs) {
    aws.ok(&[
        "configservice",
        "delete-config-rule",
        "--config-rule-name",
        RULE,
    ]);
    let delete_channel = [
        "configservice",
        "delete-delivery-channel",
        "--delivery-channel-name",
        "default",
    ];
    aws.refused(&delete_channel, "LastDeliveryChannelDeleteFailedException");
    aws.ok(&[
        "configservice",
        "stop-configuration-recorder",
        "--configuration-recorder-name",
        "default",
    ]);
    aws.ok(&delete_channel);
    aws.ok(&[
        "configservice",
        "delete-configuration-recorder",
        "--configuration-recorder-name",
        "default",
    ]);
    aws.ok(&[
        "s3",
        "rm",
        "--recursive",
        &format!("s3://{}", outputs.get("DeliveryBucketName")),
    ]);
    aws.ok(&["cloudformation", "delete-stack", "--stack-name", STACK]);
    aws.ok(&[
        "cloudformation",
        "wait",
        "stack-delete-complete",
        "--stack-name",
        STACK,
    ]);
    aws.refused(
        &["cloudformation", "describe-stacks", "--stack-name", STACK],
        "ValidationError",
    );
    aws.ok(&["s3", "rb", "--force", &format!("s3://{BUCKET}")]);
    assert!(
        aws.json(&["s3api", "list-buckets"])["Buckets"]
            .as_array()
            .is_none_or(Vec::is_empty)
    );
    let left = aws.json(&[
        "logs",
        "describe-log-groups",
        "--log-group-name-prefix",
        LOG_GROUP,
    ]);
    assert_eq!(left["logGroups"], json!([]));
}

/// The AWS CLI takes templates of this size in the request itself; a larger one would need a bucket.
#[test]
fn the_template_fits_into_a_request() {
    assert!(fs::metadata(template()).unwrap().len() < 51_200);
}
