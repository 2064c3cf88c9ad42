//! Valid calls of operations that no scenario makes without a function in Python.

use conformance::raw::Http;
use conformance::signing::Keys;
use serde_json::{Value, json};

use super::{archives, setup};

/// Method, path with query, service, body.
type Rest = (&'static str, &'static str, &'static str, &'static str);

const ARN: &str = "arn:aws:events:us-east-1:123456789012:rule/r";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

/// What others need comes first, what takes something away last.
const REST: &[Rest] = &[
    ("PUT", "/seeds", "s3", ""),
    ("PUT", "/seeds/k", "s3", "text"),
    ("HEAD", "/seeds", "s3", ""),
    ("HEAD", "/seeds/k", "s3", ""),
    ("GET", "/seeds?acl", "s3", ""),
    ("GET", "/seeds?location", "s3", ""),
    (
        "PUT",
        "/seeds?tagging",
        "s3",
        "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    ),
    ("GET", "/seeds?tagging", "s3", ""),
    (
        "PUT",
        "/seeds?encryption",
        "s3",
        "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    ),
    ("GET", "/seeds?encryption", "s3", ""),
    (
        "PUT",
        "/seeds?lifecycle",
        "s3",
        "<LifecycleConfiguration><Rule><ID>r</ID><Filter><Prefix></Prefix></Filter><Status>Enabled</Status><Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    ),
    ("GET", "/seeds?lifecycle", "s3", ""),
    (
        "PUT",
        "/seeds?ownershipControls",
        "s3",
        "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>",
    ),
    ("GET", "/seeds?ownershipControls", "s3", ""),
    (
        "PUT",
        "/seeds?publicAccessBlock",
        "s3",
        "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls><IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets></PublicAccessBlockConfiguration>",
    ),
    ("GET", "/seeds?publicAccessBlock", "s3", ""),
    (
        "PUT",
        "/seeds?versioning",
        "s3",
        "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>",
    ),
    ("GET", "/seeds?versioning", "s3", ""),
    (
        "POST",
        "/seeds?delete",
        "s3",
        "<Delete><Object><Key>k</Key></Object></Delete>",
    ),
    ("DELETE", "/seeds?tagging", "s3", ""),
    ("DELETE", "/seeds?encryption", "s3", ""),
    ("DELETE", "/seeds?lifecycle", "s3", ""),
    ("DELETE", "/seeds?ownershipControls", "s3", ""),
    ("DELETE", "/seeds?publicAccessBlock", "s3", ""),
    ("GET", "/2015-03-31/functions/f", "lambda", ""),
    ("POST", "/2015-03-31/functions/f/versions", "lambda", "{}"),
    ("GET", "/2015-03-31/functions/f/versions", "lambda", ""),
    (
        "POST",
        "/2015-03-31/functions/f/aliases",
        "lambda",
        r#"{"Name": "a", "FunctionVersion": "1"}"#,
    ),
    ("GET", "/2015-03-31/functions/f/aliases", "lambda", ""),
    ("GET", "/2015-03-31/functions/f/aliases/a", "lambda", ""),
    (
        "PUT",
        "/2015-03-31/functions/f/aliases/a",
        "lambda",
        r#"{"FunctionVersion": "1", "Description": "x"}"#,
    ),
    (
        "PUT",
        "/2019-09-25/functions/f/event-invoke-config",
        "lambda",
        r#"{"MaximumRetryAttempts": 0}"#,
    ),
    (
        "POST",
        "/2019-09-25/functions/f/event-invoke-config",
        "lambda",
        r#"{"MaximumEventAgeInSeconds": 60}"#,
    ),
    (
        "GET",
        "/2019-09-25/functions/f/event-invoke-config",
        "lambda",
        "",
    ),
    (
        "GET",
        "/2019-09-25/functions/f/event-invoke-config/list",
        "lambda",
        "",
    ),
    (
        "POST",
        "/2017-03-31/tags/arn:aws:lambda:us-east-1:123456789012:function:f",
        "lambda",
        r#"{"Tags": {"a": "b"}}"#,
    ),
    (
        "GET",
        "/2017-03-31/tags/arn:aws:lambda:us-east-1:123456789012:function:f",
        "lambda",
        "",
    ),
    (
        "DELETE",
        "/2017-03-31/tags/arn:aws:lambda:us-east-1:123456789012:function:f?tagKeys=a",
        "lambda",
        "",
    ),
    (
        "DELETE",
        "/2019-09-25/functions/f/event-invoke-config",
        "lambda",
        "",
    ),
    ("DELETE", "/2015-03-31/functions/f/aliases/a", "lambda", ""),
];

/// Target and input of calls in JSON, with the service's name.
fn in_json() -> Vec<(&'static str, &'static str, Value)> {
    let pattern =
        r#"{"source": ["aws.ec2"], "detail": {"a": [{"prefix": "b"}, {"numeric": [">", 1]}]}}"#;
    let event = r#"{"id": "1", "detail-type": "x", "source": "aws.ec2", "account": "123456789012", "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail": {"a": "bc"}}"#;
    let call = |operation: &'static str, input: Value| ("events", operation, input);
    vec![
        (
            "logs",
            "Logs_20140328.CreateLogGroup",
            json!({"logGroupName": "g"}),
        ),
        (
            "logs",
            "Logs_20140328.TagResource",
            json!({"resourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:g", "tags": {"a": "b"}}),
        ),
        (
            "logs",
            "Logs_20140328.ListTagsForResource",
            json!({"resourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:g"}),
        ),
        call(
            "AWSEvents.PutRule",
            json!({"Name": "r", "EventPattern": pattern}),
        ),
        call("AWSEvents.DescribeRule", json!({"Name": "r"})),
        call(
            "AWSEvents.ListRules",
            json!({"NamePrefix": "r", "Limit": 10}),
        ),
        call("AWSEvents.DisableRule", json!({"Name": "r"})),
        call("AWSEvents.EnableRule", json!({"Name": "r"})),
        call(
            "AWSEvents.PutTargets",
            json!({"Rule": "r", "Targets": [{"Id": "1", "Arn": FUNCTION}]}),
        ),
        call("AWSEvents.ListTargetsByRule", json!({"Rule": "r"})),
        call(
            "AWSEvents.ListRuleNamesByTarget",
            json!({"TargetArn": FUNCTION}),
        ),
        call(
            "AWSEvents.TagResource",
            json!({"ResourceARN": ARN, "Tags": [{"Key": "a", "Value": "b"}]}),
        ),
        call("AWSEvents.ListTagsForResource", json!({"ResourceARN": ARN})),
        call(
            "AWSEvents.UntagResource",
            json!({"ResourceARN": ARN, "TagKeys": ["a"]}),
        ),
        call(
            "AWSEvents.TestEventPattern",
            json!({"EventPattern": pattern, "Event": event}),
        ),
        call(
            "AWSEvents.RemoveTargets",
            json!({"Rule": "r", "Ids": ["1"]}),
        ),
        call("AWSEvents.DeleteRule", json!({"Name": "r"})),
    ]
}

/// Makes all of them; each has to succeed.
pub(crate) async fn make(http: &Http, keys: &Keys) {
    setup::role(http, keys).await;
    setup::topic(http, keys).await;
    let function = json!({
        "FunctionName": "f", "Runtime": "provided.al2023", "Handler": "bootstrap",
        "Role": "arn:aws:iam::123456789012:role/R", "Code": {"ZipFile": archives::function()},
    })
    .to_string();
    let create = ("POST", "/2015-03-31/functions", "lambda", function.as_str());
    for (method, path, service, body) in std::iter::once(create).chain(REST.iter().copied()) {
        let headers = [("content-type", "application/json")];
        let headers = if service == "lambda" {
            &headers[..]
        } else {
            &[]
        };
        let body = body.to_owned();
        let (status, answer) = http.send(method, path, keys, service, headers, body).await;
        assert!(status < 300, "{method} {path}: {status} {answer}");
    }
    for (service, target, input) in in_json() {
        http.json(keys, service, target, &input).await;
    }
}
