//! Inputs: bytes that are sent to the sandbox as they are.

use std::time::SystemTime;

use conformance::REGION;
use conformance::signing::{Keys, Payload, Unsigned, sign};
use conformance::world::World;
use fastrand::Rng;
use sandbox::secret::Secret;

use super::values;

const QUERY: [(&str, &[&str]); 5] = [
    (
        "ec2",
        &[
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
            "AuthorizeSecurityGroupEgress",
            "RevokeSecurityGroupEgress",
            "CreateSecurityGroup",
            "DeleteSecurityGroup",
            "DescribeSecurityGroups",
            "DescribeSecurityGroupRules",
            "ModifySecurityGroupRules",
            "UpdateSecurityGroupRuleDescriptionsIngress",
            "CreateVpc",
            "DeleteVpc",
            "DescribeVpcs",
            "ModifyVpcAttribute",
            "DescribeVpcAttribute",
            "CreateSubnet",
            "DescribeSubnets",
            "CreateRouteTable",
            "CreateRoute",
            "ReplaceRoute",
            "DescribeRouteTables",
            "CreateTags",
            "DeleteTags",
            "DescribeTags",
            "CreateInternetGateway",
            "AttachInternetGateway",
            "DescribeInternetGateways",
            "DescribeAvailabilityZones",
            "DescribeRegions",
            "DescribeManagedPrefixLists",
            "DescribeNetworkInterfaces",
            "DescribeAccountAttributes",
        ],
    ),
    (
        "iam",
        &[
            "CreateRole",
            "GetRole",
            "ListRoles",
            "UpdateRole",
            "UpdateAssumeRolePolicy",
            "DeleteRole",
            "TagRole",
            "PutRolePolicy",
            "GetRolePolicy",
            "AttachRolePolicy",
            "DetachRolePolicy",
            "CreatePolicy",
            "GetPolicy",
            "GetPolicyVersion",
            "ListPolicies",
            "ListEntitiesForPolicy",
            "SimulatePrincipalPolicy",
            "ListRolePolicies",
        ],
    ),
    (
        "sts",
        &["GetCallerIdentity", "AssumeRole", "GetSessionToken"],
    ),
    (
        "sns",
        &[
            "CreateTopic",
            "DeleteTopic",
            "GetTopicAttributes",
            "SetTopicAttributes",
            "Subscribe",
            "ConfirmSubscription",
            "Unsubscribe",
            "ListSubscriptionsByTopic",
            "SetSubscriptionAttributes",
            "Publish",
            "TagResource",
        ],
    ),
    (
        "cloudformation",
        &[
            "CreateStack",
            "UpdateStack",
            "DeleteStack",
            "DescribeStacks",
            "DescribeStackEvents",
            "GetTemplate",
            "GetTemplateSummary",
            "ValidateTemplate",
            "ListStacks",
            "ListExports",
            "DescribeStackResource",
        ],
    ),
];

const JSON: [(&str, &str, &[&str]); 2] = [
    (
        "config",
        "StarlingDoveService",
        &[
            "PutConfigurationRecorder",
            "DescribeConfigurationRecorders",
            "StartConfigurationRecorder",
            "PutDeliveryChannel",
            "DeleteDeliveryChannel",
            "PutConfigRule",
            "DescribeConfigRules",
            "DeleteConfigRule",
            "StartConfigRulesEvaluation",
            "PutEvaluations",
            "GetComplianceDetailsByConfigRule",
            "DescribeComplianceByResource",
            "GetResourceConfigHistory",
            "ListDiscoveredResources",
            "BatchGetResourceConfig",
            "PutRetentionConfiguration",
            "SelectResourceConfig",
            "TagResource",
        ],
    ),
    (
        "logs",
        "Logs_20140328",
        &[
            "CreateLogGroup",
            "DeleteLogGroup",
            "DescribeLogGroups",
            "PutRetentionPolicy",
            "CreateLogStream",
            "DescribeLogStreams",
            "PutLogEvents",
            "GetLogEvents",
            "FilterLogEvents",
            "TagResource",
        ],
    ),
];

/// Where inputs go, and what they are signed with.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// `127.0.0.1:port`.
    pub(crate) address: String,
    /// What the operators' keys are derived from.
    pub(crate) secret: Secret,
}

impl Place {
    /// The sandbox itself, whatever stands in front of it.
    pub(crate) fn of(world: &World) -> Self {
        Self {
            address: world.listens_at().to_string(),
            secret: world.secret.clone(),
        }
    }

    /// The pair of an access key, for operators and for what was issued alike.
    pub(crate) fn keys(&self, access_key_id: &str) -> Keys {
        Keys::pair(access_key_id, &self.secret.access_key(access_key_id))
    }
}

/// Input number `number`; the same for the same `seed` but for address, date and signature.
pub(crate) fn make(seed: u64, number: u64, place: &Place) -> Vec<u8> {
    let mut rng = Rng::with_seed(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
    let rng = &mut rng;
    match number % 16 {
        0 => (0..rng.usize(..2_000)).map(|_| rng.u8(..)).collect(),
        1 => headers(place, rng),
        2 => lengths(place, rng),
        3 => who(place, rng),
        4..=6 => form(place, rng),
        7 => template(place, rng),
        8 | 9 => json(place, rng),
        10 | 11 => s3(place, rng),
        12 | 13 => lambda(place, rng),
        14 => admin(place, rng),
        _ => {
            // Any of the above with some bytes changed.
            let mut input = make(seed ^ 0xff, rng.u64(..) / 16 * 16 + rng.u64(3..14), place);
            for _ in 0..rng.usize(1..8) {
                let at = rng.usize(..input.len());
                input[at] = rng.u8(..);
            }
            input
        }
    }
}

fn account(rng: &mut Rng) -> String {
    format!("{:012}", 100_000_000_000 + rng.u64(..16))
}

/// A request with a right signature; where no client could sign it, with a wrong one.
fn request(
    place: &Place,
    method: &str,
    path: &str,
    service: &str,
    more: &[(&str, &str)],
    body: &[u8],
    rng: &mut Rng,
) -> Vec<u8> {
    let address = &place.address;
    let keys = place.keys(&account(rng));
    let unsigned = Unsigned {
        method,
        url: &format!("http://{address}{path}"),
        service,
        headers: more,
        body: Payload::Bytes(body),
    };
    let signature = match sign(&unsigned, &keys, SystemTime::now()) {
        Ok(headers) => headers,
        Err(_) => vec![(
            "authorization".to_owned(),
            authorization(&keys.access_key_id, service),
        )],
    };
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    )
    .into_bytes();
    let signature = signature.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in more.iter().copied().chain(signature) {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// The header that says who calls which service, with a signature that is none.
fn authorization(account: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={account}/20260101/{REGION}/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn headers(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let more: Vec<(String, String)> = match rng.u8(..5) {
        0 => vec![("x".to_owned(), "a".repeat(rng.usize(..200_000)))],
        1 => (0..rng.usize(..500))
            .map(|i| (format!("x-{i}"), "y".to_owned()))
            .collect(),
        2 => vec![("no colon".to_owned(), String::new())],
        3 => vec![(
            "x-amz-target".to_owned(),
            values::text(rng).replace(['\r', '\n'], " "),
        )],
        _ => vec![("n".repeat(rng.usize(..70_000)), "y".to_owned())],
    };
    let more: Vec<(&str, &str)> = more
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    request(place, "POST", "/", "config", &more, b"{}", rng)
}

fn lengths(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let length = match rng.u8(..8) {
        0 => "content-length: 5000".to_owned(),
        1 => "content-length: -1".to_owned(),
        2 => "content-length: 99999999999999999999999".to_owned(),
        3 => "content-length: 3\r\ncontent-length: 4".to_owned(),
        4 => "transfer-encoding: chunked".to_owned(),
        5 => "transfer-encoding: chunked\r\ncontent-length: 3".to_owned(),
        6 => "content-length: 18446744073709551615".to_owned(),
        _ => "transfer-encoding: gzip, chunked".to_owned(),
    };
    let body = [
        "abc",
        "3\r\nabc\r\n0\r\n\r\n",
        "ffffffffffffffff\r\nabc",
        "-3\r\nabc\r\n",
        "",
    ];
    let body = rng.choice(body).unwrap_or("");
    let authorization = authorization("123456789012", "ec2");
    format!(
        "POST / HTTP/1.1\r\nhost: {}\r\nauthorization: {authorization}\r\n{length}\r\n\r\n{body}",
        place.address
    )
    .into_bytes()
}

fn who(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let text = values::text(rng).replace(['\r', '\n', '\0'], " ");
    let header = match rng.u8(..6) {
        0 => text,
        1 => format!("AWS4-HMAC-SHA256 Credential={text}"),
        2 => format!("AWS4-HMAC-SHA256 Credential={text}/{text}/{text}/ec2/aws4_request, x"),
        3 => format!("AWS4-HMAC-SHA256 Credential=123456789012/x/{text}/iam/aws4_request"),
        4 => format!("AWS4-HMAC-SHA256 Credential=123456789012/x/us-east-1/{text}/aws4_request"),
        _ => "AWS4-HMAC-SHA256 Credential=////".to_owned(),
    };
    format!(
        "POST /?X-Amz-Credential={} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: {header}\r\ncontent-length: 0\r\n\r\n",
        encoded(&values::text(rng)),
        place.address
    )
    .into_bytes()
}

fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn form(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let (service, actions) = rng.choice(QUERY).unwrap_or(QUERY[0]);
    let action = rng.choice(actions).copied().unwrap_or("");
    let mut body = format!("Action={action}");
    for _ in 0..rng.usize(..10) {
        let mut name = values::member(rng);
        for _ in 0..rng.usize(..4) {
            match rng.u8(..6) {
                0 => name.push_str(".member"),
                1 | 2 => name.push_str(&format!(".{}", rng.u8(..4))),
                3 => name.push_str(&format!(".{}", values::member(rng))),
                4 => name.push_str(".entry.1.key"),
                _ => name.push_str(&format!(".{}", rng.u64(..))),
            }
        }
        let value = values::text(rng);
        match rng.u8(..10) {
            // Not encoded at all.
            0 => body.push_str(&format!("&{name}={value}")),
            1 => body.push_str(&format!("&{}=%zz%", encoded(&name))),
            2 => body.push_str(&format!(
                "&{}={}",
                ".".repeat(rng.usize(..2_000)),
                encoded(&value)
            )),
            _ => body.push_str(&format!("&{}={}", encoded(&name), encoded(&value))),
        }
    }
    request(place, "POST", "/", service, &FORM, body.as_bytes(), rng)
}

fn template(place: &Place, rng: &mut Rng) -> Vec<u8> {
    const TYPES: [&str; 8] = [
        "AWS::EC2::SecurityGroup",
        "AWS::EC2::VPC",
        "AWS::SNS::Topic",
        "AWS::IAM::Role",
        "AWS::Logs::LogGroup",
        "AWS::S3::Bucket",
        "AWS::Lambda::Permission",
        "AWS::No::Such",
    ];
    let kind = rng.choice(TYPES).unwrap_or("");
    let value = match rng.u8(..9) {
        0 => "!Ref A".to_owned(),
        1 => "!GetAtt A.B.C".to_owned(),
        2 => format!("!Sub {:?}", values::text(rng)),
        3 => "!Select [99999999999999999999, [a]]".to_owned(),
        4 => "!Split ['', a]".to_owned(),
        5 => "!Cidr [10.0.0.0/8, 999999999, 99]".to_owned(),
        6 => "!If [A, B, C]".to_owned(),
        7 => "!Join [!Join [a, [b]], !GetAZs '']".to_owned(),
        _ => values::json(rng, 0),
    };
    let member = rng.choice([
        "GroupDescription",
        "CidrBlock",
        "TopicName",
        "RoleName",
        "Tags",
        "LogGroupName",
    ]);
    let member = member.unwrap_or("");
    let body = match rng.u8(..8) {
        0 => format!("{{Resources: {}", "{a: ".repeat(rng.usize(..3_000))),
        1 => "a: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d]\nResources: [*e,*e,*e,*e,*e,*e]".to_owned(),
        2 => values::object(rng, 0),
        3 => format!("Resources: {{A: {{Type: {kind}, DependsOn: B}}, B: {{Type: {kind}, DependsOn: A}}}}"),
        4 => format!("Parameters: {{P: {}}}\nResources: {{A: {{Type: {kind}}}}}", values::object(rng, 0)),
        5 => format!("Conditions: {{C: {value}}}\nResources: {{A: {{Type: {kind}, Condition: C}}}}"),
        _ => format!("Resources: {{A: {{Type: {kind}, Properties: {{{member}: {value}}}}}}}\nOutputs: {{O: {{Value: {value}}}}}"),
    };
    let action = rng.choice([
        "CreateStack",
        "ValidateTemplate",
        "GetTemplateSummary",
        "UpdateStack",
    ]);
    let form = format!(
        "Action={}&StackName=s{}&Capabilities.member.1=CAPABILITY_NAMED_IAM&TemplateBody={}",
        action.unwrap_or(""),
        rng.u16(..),
        encoded(&body)
    );
    request(
        place,
        "POST",
        "/",
        "cloudformation",
        &FORM,
        form.as_bytes(),
        rng,
    )
}

fn json(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let (service, prefix, actions) = rng.choice(JSON).unwrap_or(JSON[0]);
    let action = rng.choice(actions).copied().unwrap_or("");
    let body = match rng.u8(..10) {
        0 => "[".repeat(rng.usize(..100_000)),
        1 => "{\"a\":".repeat(rng.usize(..20_000)),
        2 => format!("{{\"ConfigRuleName\":{}", values::json(rng, 0)),
        3 => "{\"a\":\"\\ud800\"}".to_owned(),
        _ => values::object(rng, 0),
    };
    let target = format!("{prefix}.{action}");
    let more = [
        ("content-type", "application/x-amz-json-1.1"),
        ("x-amz-target", target.as_str()),
    ];
    request(place, "POST", "/", service, &more, body.as_bytes(), rng)
}

/// A path that may climb; nothing in it ends the request line.
fn path(rng: &mut Rng) -> String {
    let mut path = String::new();
    for _ in 0..rng.usize(1..5) {
        path.push('/');
        match rng.u8(..9) {
            0 => path.push_str(".."),
            1 => path.push_str("%2e%2e"),
            2 => path.push_str("%00"),
            3 => path.push_str("%zz%"),
            4 => path.push_str("bucket"),
            5 => path.push_str(&encoded(&values::text(rng))),
            6 => path.push_str("%ff%fe"),
            7 => path.push_str("..%2f..%2f..%2ftmp%2fescaped"),
            _ => path.push_str("key"),
        }
    }
    path
}

fn s3(place: &Place, rng: &mut Rng) -> Vec<u8> {
    const SUBRESOURCES: [&str; 16] = [
        "",
        "?policy",
        "?versioning",
        "?tagging",
        "?lifecycle",
        "?encryption",
        "?delete",
        "?versions",
        "?acl",
        "?location",
        "?publicAccessBlock",
        "?list-type=2&max-keys=-1",
        "?list-type=2&continuation-token=%ff",
        "?uploads",
        "?versionId=é",
        "?ownershipControls",
    ];
    let method = rng
        .choice(["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH"])
        .unwrap_or("");
    let bucket = if rng.bool() { "/bucket" } else { "" };
    let path = format!(
        "{bucket}{}{}",
        path(rng),
        rng.choice(SUBRESOURCES).unwrap_or("")
    );
    let tag = rng.choice([
        "Delete",
        "VersioningConfiguration",
        "Tagging",
        "LifecycleConfiguration",
        "CreateBucketConfiguration",
    ]);
    let tag = tag.unwrap_or("");
    let body = match rng.u8(..7) {
        0 => format!("<{tag}>").repeat(rng.usize(..3_000)),
        1 => "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><x>&c;&c;&c;&c;</x>".to_owned(),
        2 => format!("<{tag}><Object><Key>{}</Key></Object></{tag}>", values::text(rng)),
        3 => "<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><x>&y;</x>".to_owned(),
        4 => values::policy(rng),
        5 => format!("5;chunk-signature=x\r\nhello\r\n{:x};\r\n", rng.u64(..)),
        _ => values::text(rng),
    };
    let more: &[(&str, &str)] = match rng.u8(..6) {
        0 => &[
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("x-amz-decoded-content-length", "5"),
        ],
        1 => &[("content-md5", "nonsense")],
        2 => &[("range", "bytes=9-1")],
        3 => &[
            ("x-amz-checksum-crc32", "AAAA"),
            ("x-amz-sdk-checksum-algorithm", "CRC32"),
        ],
        4 => &[
            ("content-encoding", "aws-chunked"),
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ],
        _ => &[],
    };
    request(place, method, &path, "s3", more, body.as_bytes(), rng)
}

fn lambda(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let name = encoded(&values::text(rng));
    let paths = [
        "/2015-03-31/functions".to_owned(),
        format!("/2015-03-31/functions/{name}"),
        format!("/2015-03-31/functions/{name}/code"),
        format!("/2015-03-31/functions/{name}/configuration"),
        format!("/2015-03-31/functions/{name}/policy"),
        format!("/2015-03-31/functions/{name}/invocations"),
        format!("/2017-10-31/functions/{name}/concurrency"),
        format!("/2017-03-31/tags/{name}"),
        path(rng),
    ];
    let path = rng.choice(&paths).cloned().unwrap_or_default();
    let method = rng.choice(["GET", "PUT", "POST", "DELETE"]).unwrap_or("");
    let body = if rng.u8(..5) == 0 {
        values::text(rng)
    } else {
        values::object(rng, 0)
    };
    request(
        place,
        method,
        &path,
        "lambda",
        &[("content-type", "application/json")],
        body.as_bytes(),
        rng,
    )
}

/// Not the clock: time that has moved by centuries breaks the sandbox's own deadlines, and the address is private.
fn admin(place: &Place, rng: &mut Rng) -> Vec<u8> {
    let at = rng.choice([
        "health",
        "inbox",
        "confirm",
        "unsubscribe",
        "nothing",
        "..",
        "calls",
        "faults",
    ]);
    let method = rng.choice(["GET", "POST", "PUT", "DELETE"]).unwrap_or("");
    let query = format!(
        "account={}&to={}&TopicArn={}&Token={}&SubscriptionArn={}",
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng)),
        encoded(&values::text(rng))
    );
    let body = values::text(rng);
    let mut bytes = format!(
        "{method} /_sandbox/{}?{query} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        at.unwrap_or(""),
        place.address,
        place.secret.bearer(),
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body.as_bytes());
    bytes
}
