//! Values that programs stumble over.

use fastrand::Rng;

const ODD: [&str; 48] = [
    "",
    " ",
    "\0",
    "é",
    "éé/é:é",
    "\u{202e}abc",
    "日本語",
    "😀",
    "-1",
    "0",
    "1",
    "65536",
    "9223372036854775807",
    "-9223372036854775809",
    "1e999",
    "NaN",
    "true",
    "null",
    "{}",
    "[]",
    "{",
    "\"",
    "../../../../etc/passwd",
    "/etc/passwd",
    "%2e%2e%2f",
    "C:\\x",
    "*",
    "?",
    "****************a",
    "${",
    "${AWS::StackName}",
    "${!x}",
    "{{resolve:ssm:x}}",
    "sg-",
    "sg-é",
    "sgr-0",
    "vpc-0123456789abcdef0",
    "arn:",
    "arn:aws:iam::123456789012:role/R",
    "arn:aws:::::",
    "arn:aws:lambda:us-east-1:123456789012:function:f",
    "0.0.0.0/0",
    "::/0",
    "10.0.0.0/33",
    "256.1.1.1/8",
    "::ffff:1.2.3.4/96",
    "2025-99-99T99:99:99Z",
    "default",
];

/// Something odd, or something long, or something random.
pub(crate) fn text(rng: &mut Rng) -> String {
    match rng.u8(..12) {
        0 => "a".repeat(rng.usize(..5_000)),
        1 => "é*".repeat(rng.usize(..400)),
        2 => (0..rng.usize(..40)).map(|_| rng.char(..)).collect(),
        3 => format!(
            "{}{}",
            rng.choice(ODD).unwrap_or(""),
            rng.choice(ODD).unwrap_or("")
        ),
        4 => rng.i64(..).to_string(),
        5 => json(rng, 0),
        6 => policy(rng),
        _ => rng.choice(ODD).unwrap_or("").to_owned(),
    }
}

/// A name that services know, or not.
pub(crate) fn member(rng: &mut Rng) -> String {
    match rng.u8(..10) {
        0 => text(rng),
        _ => rng.choice(MEMBERS).unwrap_or("").to_owned(),
    }
}

/// JSON of any shape, with members that services know.
pub(crate) fn json(rng: &mut Rng, depth: usize) -> String {
    match rng.u8(..if depth > 4 { 6 } else { 10 }) {
        0 => "null".to_owned(),
        1 => rng.bool().to_string(),
        2 => rng.i64(..).to_string(),
        3 => format!("{}e{}", rng.i32(..), rng.i16(-400..400)),
        4 | 5 => {
            let odd = rng.choice(ODD).unwrap_or("");
            serde_json::Value::from(odd).to_string()
        }
        6 | 7 => {
            let items: Vec<String> = (0..rng.usize(..4)).map(|_| json(rng, depth + 1)).collect();
            format!("[{}]", items.join(","))
        }
        _ => object(rng, depth),
    }
}

pub(crate) fn object(rng: &mut Rng, depth: usize) -> String {
    let members: Vec<String> = (0..rng.usize(..6))
        .map(|_| {
            let name = serde_json::Value::from(member(rng)).to_string();
            format!("{name}:{}", json(rng, depth + 1))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

/// A policy that nearly is one.
pub(crate) fn policy(rng: &mut Rng) -> String {
    let part = |rng: &mut Rng, usual: &str| {
        if rng.u8(..3) == 0 {
            json(rng, 2)
        } else {
            usual.to_owned()
        }
    };
    format!(
        r#"{{"Version":{},"Statement":[{{"Effect":{},"Principal":{},"Action":{},"Resource":{},"Condition":{}}}]}}"#,
        part(rng, r#""2012-10-17""#),
        part(rng, r#""Allow""#),
        part(rng, r#"{"Service":"lambda.amazonaws.com"}"#),
        part(rng, r#""sts:AssumeRole""#),
        part(rng, r#""*""#),
        part(rng, r#"{"StringLike":{"aws:PrincipalArn":"*a*b*c*"}}"#),
    )
}

const MEMBERS: [&str; 112] = [
    "GroupId",
    "GroupName",
    "GroupDescription",
    "VpcId",
    "CidrBlock",
    "SubnetId",
    "IpPermissions",
    "IpProtocol",
    "FromPort",
    "ToPort",
    "IpRanges",
    "CidrIp",
    "Ipv6Ranges",
    "CidrIpv6",
    "PrefixListIds",
    "PrefixListId",
    "Groups",
    "UserId",
    "Filter",
    "Name",
    "Value",
    "Values",
    "MaxResults",
    "NextToken",
    "DryRun",
    "SecurityGroupRuleId",
    "SecurityGroupRule",
    "TagSpecification",
    "ResourceType",
    "Tag",
    "Tags",
    "Key",
    "ResourceId",
    "RouteTableId",
    "DestinationCidrBlock",
    "GatewayId",
    "InternetGatewayId",
    "RoleName",
    "AssumeRolePolicyDocument",
    "PolicyName",
    "PolicyDocument",
    "PolicyArn",
    "Path",
    "PathPrefix",
    "Marker",
    "MaxItems",
    "VersionId",
    "PolicySourceArn",
    "ActionNames",
    "ResourceArns",
    "ContextEntries",
    "ContextKeyName",
    "ContextKeyValues",
    "RoleArn",
    "RoleSessionName",
    "DurationSeconds",
    "Policy",
    "TopicArn",
    "Protocol",
    "Endpoint",
    "Attributes",
    "AttributeName",
    "AttributeValue",
    "Token",
    "Message",
    "Subject",
    "MessageAttributes",
    "SubscriptionArn",
    "StackName",
    "TemplateBody",
    "TemplateURL",
    "Parameters",
    "ParameterKey",
    "ParameterValue",
    "Capabilities",
    "LogicalResourceId",
    "OnFailure",
    "ConfigurationRecorder",
    "name",
    "roleARN",
    "recordingGroup",
    "resourceTypes",
    "allSupported",
    "recordingStrategy",
    "useOnly",
    "DeliveryChannel",
    "s3BucketName",
    "s3KeyPrefix",
    "ConfigRule",
    "ConfigRuleName",
    "ConfigRuleNames",
    "Source",
    "Owner",
    "SourceIdentifier",
    "SourceDetails",
    "InputParameters",
    "Scope",
    "ResultToken",
    "Evaluations",
    "TestMode",
    "resourceType",
    "resourceId",
    "limit",
    "nextToken",
    "Expression",
    "logGroupName",
    "logStreamName",
    "logEvents",
    "filterPattern",
    "FunctionName",
    "Code",
    "ZipFile",
];
