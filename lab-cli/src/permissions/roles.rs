//! What the two roles of the stack do, by the options of the template that let them: what a permissions boundary has to let
//! through.
//!
//! Decrypting is among it for a key of one's own only: the key of Parameter Store or Secrets Manager lets every principal of
//! the account through by a policy of its own (AWS Systems Manager User Guide, "Restricting decryption of SecureString
//! parameter values").

use std::collections::{BTreeMap, BTreeSet};

use super::{Names, Needed};
use crate::spec::name_of;

/// What both roles need to be allowed for a lab with these parameters.
pub fn of_roles(names: &Names, parameters: &BTreeMap<String, String>) -> BTreeSet<Needed> {
    let mut all = BTreeSet::new();
    let mut on = |resource: String, actions: &[&str]| {
        for action in actions {
            all.insert(Needed {
                action: (*action).to_owned(),
                resource: resource.clone(),
                context: Vec::new(),
            });
        }
    };
    let bucket = names.bucket(&names.delivery_bucket);
    let groups = names.regional("ec2", "security-group/*");
    let streams = format!("log-group:{}:log-stream:*", names.log_group);

    // The recorder's.
    on(bucket.clone(), &["s3:GetBucketAcl"]);
    let account = &names.account;
    on(
        format!("{bucket}/AWSLogs/{account}/Config/*"),
        &["s3:PutObject"],
    );
    on(names.regional("sns", &names.topic), &["sns:Publish"]);

    // The function's.
    on(
        "*".to_owned(),
        &["config:PutEvaluations", "ec2:DescribeSecurityGroups"],
    );
    on(
        names.regional("logs", &streams),
        &["logs:CreateLogStream", "logs:PutLogEvents"],
    );
    on(
        groups.clone(),
        &[
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:RevokeSecurityGroupIngress",
        ],
    );
    if name_of(parameters, "ManageEgress") == "true" {
        on(
            groups,
            &[
                "ec2:AuthorizeSecurityGroupEgress",
                "ec2:RevokeSecurityGroupEgress",
            ],
        );
    }
    let given = |option: &str| Some(name_of(parameters, option)).filter(|it| !it.is_empty());
    for option in ["PolicyParameterName", "NotifyWebhookParameter"] {
        if let Some(name) = given(option) {
            let parameter = names.regional("ssm", &format!("parameter{name}"));
            on(parameter, &["ssm:GetParameter"]);
        }
    }
    if let Some(topic) = given("NotifyTopicArn") {
        on(topic, &["sns:Publish"]);
    }
    if let Some(secret) = given("NotifyWebhookSecretArn") {
        on(secret, &["secretsmanager:GetSecretValue"]);
    }
    let reads = [
        "PolicyParameterName",
        "NotifyWebhookParameter",
        "NotifyWebhookSecretArn",
    ];
    if let Some(key) = given("DecryptionKeyArn")
        && reads.iter().any(|option| given(option).is_some())
    {
        on(key, &["kms:Decrypt"]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{NAMES, TEMPLATE};

    fn asked(options: &[(&str, &str)]) -> BTreeSet<(String, String)> {
        let parameters = options
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        of_roles(&Names::published(), &parameters)
            .into_iter()
            .map(|each| (each.action, each.resource))
            .collect()
    }

    const EVERY: [(&str, &str); 7] = [
        ("FastPath", "true"),
        ("ManageEgress", "true"),
        ("PolicyParameterName", "/driftlab/policy"),
        (
            "NotifyTopicArn",
            "arn:aws:sns:us-east-1:123456789012:told-of-repairs",
        ),
        ("NotifyWebhookParameter", "/driftlab/webhook"),
        (
            "NotifyWebhookSecretArn",
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:webhook-abcdef",
        ),
        (
            "DecryptionKeyArn",
            "arn:aws:kms:us-east-1:123456789012:key/0123abcd-0123-4567-89ab-0123456789ab",
        ),
    ];

    /// Every action that a role's policy in the template allows is one that a boundary is asked about.
    #[test]
    fn the_roles_do_what_the_template_lets_them_do() {
        let roles = TEMPLATE
            .split_once("- roles\n")
            .and_then(|(_, rest)| rest.split_once("- function\n"))
            .map(|(roles, _)| roles)
            .unwrap_or_default();
        let actions: BTreeSet<_> = roles
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"[],".contains(c)))
            .filter(|word| {
                word.split_once(':').is_some_and(|(service, name)| {
                    service.chars().all(|c| c.is_ascii_alphanumeric())
                        && name.starts_with(|c: char| c.is_ascii_uppercase())
                        && name.chars().all(|c| c.is_ascii_alphabetic())
                })
            })
            // A condition key, and what a service does to get the role.
            .filter(|word| !["ec2:Vpc", "sts:AssumeRole"].contains(word))
            .map(str::to_owned)
            .collect();
        let every: BTreeSet<_> = asked(&EVERY)
            .into_iter()
            .map(|(action, _)| action)
            .collect();
        assert_eq!(actions, every);
    }

    #[test]
    fn each_option_asks_for_its_own_rights() {
        let plain = asked(&[]);
        let more = |option: (&str, &str)| -> Vec<String> {
            asked(&[option])
                .difference(&plain)
                .map(|(action, resource)| format!("{action} on {resource}"))
                .collect()
        };
        let groups = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:security-group/*";
        let parameter = "arn:${AWS::Partition}:ssm:${AWS::Region}:${AWS::AccountId}:parameter";
        let expected = [
            // EventBridge is let in by the function, and needs no role.
            vec![],
            vec![
                format!("ec2:AuthorizeSecurityGroupEgress on {groups}"),
                format!("ec2:RevokeSecurityGroupEgress on {groups}"),
            ],
            vec![format!("ssm:GetParameter on {parameter}/driftlab/policy")],
            vec![format!("sns:Publish on {}", EVERY[3].1)],
            vec![format!("ssm:GetParameter on {parameter}/driftlab/webhook")],
            vec![format!("secretsmanager:GetSecretValue on {}", EVERY[5].1)],
            // There is nothing to decrypt.
            vec![],
        ];
        for (option, expected) in EVERY.into_iter().zip(expected) {
            assert_eq!(more(option), expected, "{option:?}");
        }
        // What chooses nothing asks for nothing.
        assert_eq!(asked(&NAMES), plain);
    }
}
