//! The table of operations in `sandbox/README.md` is what the sandbox really does: every operation of
//! AWS's models (`operations/<service>.txt`, from the botocore data of the AWS CLI) is asked for, and
//! those that do not answer `NotImplemented` are the ones that are there. So nothing has to be kept
//! in step by hand, and nothing can be claimed.
//!
//! `DRIFTLAB_UPDATE=1 cargo test -p sandbox --test operations` rewrites the table.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::fmt::Write as _;
use std::path::PathBuf;

use sandbox::caller::Caller;
use sandbox::ids::{AccountId, Region};
use sandbox::protocol::Operation;
use sandbox::sandbox::{Sandbox, Settings, Target};
use sandbox::service::Service;
use serde_json::json;

const BEGIN: &str = "<!-- operations: generated, see tests/operations.rs -->\n";
const END: &str = "<!-- end of operations -->\n";

/// Every service with the API version and the operations of its model.
const MODELS: &[(Service, &str, &str)] = &[
    (
        Service::CloudFormation,
        "AWS CloudFormation (`2010-05-15`)",
        include_str!("operations/cloudformation.txt"),
    ),
    (
        Service::CloudTrail,
        "AWS CloudTrail (`2013-11-01`)",
        include_str!("operations/cloudtrail.txt"),
    ),
    (
        Service::Config,
        "AWS Config (`2014-11-12`)",
        include_str!("operations/config.txt"),
    ),
    (
        Service::Ec2,
        "Amazon EC2 (`2016-11-15`)",
        include_str!("operations/ec2.txt"),
    ),
    (
        Service::Events,
        "Amazon EventBridge (`2015-10-07`)",
        include_str!("operations/events.txt"),
    ),
    (
        Service::Iam,
        "AWS IAM (`2010-05-08`)",
        include_str!("operations/iam.txt"),
    ),
    (
        Service::Lambda,
        "AWS Lambda (`2015-03-31`)",
        include_str!("operations/lambda.txt"),
    ),
    (
        Service::Logs,
        "Amazon CloudWatch Logs (`2014-03-28`)",
        include_str!("operations/logs.txt"),
    ),
    (
        Service::Quotas,
        "Service Quotas (`2019-06-24`)",
        include_str!("operations/servicequotas.txt"),
    ),
    (
        Service::S3,
        "Amazon S3 (`2006-03-01`)",
        include_str!("operations/s3.txt"),
    ),
    (
        Service::Scheduler,
        "Amazon EventBridge Scheduler (`2021-06-30`)",
        include_str!("operations/scheduler.txt"),
    ),
    (
        Service::SecretsManager,
        "AWS Secrets Manager (`2017-10-17`)",
        include_str!("operations/secretsmanager.txt"),
    ),
    (
        Service::Sns,
        "Amazon SNS (`2010-03-31`)",
        include_str!("operations/sns.txt"),
    ),
    (
        Service::Ssm,
        "AWS Systems Manager (`2014-11-06`)",
        include_str!("operations/ssm.txt"),
    ),
    (
        Service::Sts,
        "AWS STS (`2011-06-15`)",
        include_str!("operations/sts.txt"),
    ),
];

/// Whether the sandbox knows the operation: asked for without any input, it complains about that, or
/// answers.
async fn is_there(service: Service, name: &str) -> bool {
    // A sandbox of its own for each, because some of these calls do something.
    let sandbox = Sandbox::start(Settings::default());
    let target = Target::new(
        AccountId::parse("123456789012").unwrap(),
        Region::parse("us-east-1").unwrap(),
        Caller::Operator,
    );
    let operation = Operation::new(name, json!({}));
    match sandbox.perform(&target, service, &operation).await {
        Ok(_) => true,
        Err(error) => {
            let unknown = format!(
                "`{}:{name}` is not implemented by the sandbox",
                service.signing_name()
            );
            error.code != "NotImplemented" || error.message != unknown
        }
    }
}

async fn table() -> String {
    let mut table = String::new();
    for (service, title, model) in MODELS {
        let mut there = Vec::new();
        let all = model.lines().count();
        for name in model.lines() {
            if is_there(*service, name).await {
                there.push(format!("`{name}`"));
            }
        }
        writeln!(
            table,
            "\n**{title}**, signing name `{}`: {} of {all} operations\n\n{}",
            service.signing_name(),
            there.len(),
            there.join(" · ")
        )
        .unwrap();
    }
    table.push('\n');
    table
}

#[tokio::test]
async fn the_readme_lists_what_is_there() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = readme.split_once(BEGIN).unwrap();
    let (listed, tail) = rest.split_once(END).unwrap();
    let table = table().await;
    if std::env::var_os("DRIFTLAB_UPDATE").is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    assert_eq!(
        listed, table,
        "the table is stale: run `DRIFTLAB_UPDATE=1 cargo test -p sandbox --test operations`"
    );
}

#[tokio::test]
async fn what_is_not_listed_answers_that_it_is_not_there() {
    for (service, name) in [
        (Service::Ec2, "RunInstances"),
        (Service::Config, "PutConformancePack"),
        (Service::Events, "CreateEventBus"),
        (Service::CloudTrail, "CreateTrail"),
        (Service::Sns, "CreatePlatformApplication"),
        (Service::Ec2, "NoSuchOperationAnywhere"),
    ] {
        assert!(!is_there(service, name).await, "{name}");
    }
    assert!(is_there(Service::Ec2, "DescribeSecurityGroups").await);
}
