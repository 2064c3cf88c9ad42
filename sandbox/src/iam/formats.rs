//! How actions, resources and statement ids are written in what IAM stores. IAM checks the form alone: whether the action or
//! the resource exists is not asked.
//!
//! The messages are AWS's, as moto's tests of policies hold them (`tests/test_iam/test_iam_policies.py`, 5.1) and public issues
//! quote them.

use serde_json::Value;

/// The only actions of a trust policy. Wildcards are refused.
const TRUST_ACTIONS: &[&str] = &[
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// How the last part of an ARN of IAM begins.
const IAM_PATHS: &[&str] = &[
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

const PARTITIONS: &[&str] = &["aws", "aws-cn", "aws-us-gov"];

/// `vendor:name` or `*`.
pub(super) fn check_action(action: &str) -> Result<(), String> {
    let Some((vendor, name)) = action.split_once(':') else {
        return match action {
            "*" => Ok(()),
            _ => Err(unprefaced()),
        };
    };
    if name.contains(':') {
        return Err("Actions/Condition can contain only one colon.".to_owned());
    }
    if vendor.is_empty() || name.is_empty() {
        return Err(unprefaced());
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if vendor != "*" && !vendor.bytes().all(plain) {
        return Err(format!("Vendor {vendor} is not valid"));
    }
    Ok(())
}

fn unprefaced() -> String {
    "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.".to_owned()
}

/// Those of a role's trust policy.
pub(super) fn check_trust_actions(actions: &[String]) -> Result<(), String> {
    let known = |action: &String| {
        TRUST_ACTIONS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(action))
    };
    match actions.iter().all(known) {
        true => Ok(()),
        false => Err("AssumeRole policy may only specify STS AssumeRole actions.".to_owned()),
    }
}

/// The resources of a statement. Of several that are wrong IAM names the first by the alphabet.
pub(super) fn check_resources(resources: &[String]) -> Result<(), String> {
    let mut sorted: Vec<&String> = resources.iter().collect();
    sorted.sort_unstable();
    sorted.into_iter().try_for_each(|each| check_resource(each))
}

/// An ARN, in which wildcards may stand, or `*`.
fn check_resource(resource: &str) -> Result<(), String> {
    if resource == "*" {
        return Ok(());
    }
    // At most six: the last part holds the colons that come after the fifth.
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let [_, partition, rest @ ..] = parts.as_slice() else {
        return Err(format!(
            "Resource {resource} must be in ARN format or \"*\"."
        ));
    };
    // A wildcard may stand for the partition.
    if !PARTITIONS.contains(partition) && !partition.contains(['*', '?']) {
        let part = |index: usize| match rest.get(index) {
            Some(part) if index > 0 || !part.is_empty() || rest.len() > 1 => *part,
            _ => "*",
        };
        return Err(format!(
            "Partition \"{partition}\" is not valid for resource \"arn:{partition}:{}:{}:{}:{}\".",
            part(0),
            part(1),
            part(2),
            part(3),
        ));
    }
    let Some(service) = rest.first() else {
        return Err(
            "Resource vendor must be fully qualified and cannot contain regexes.".to_owned(),
        );
    };
    let region = rest.get(1).copied();
    match *service {
        "iam" if region != Some("") => {
            return Err(format!(
                "IAM resource {resource} cannot contain region information."
            ));
        }
        "s3" if region != Some("") => {
            return Err(format!(
                "Resource {resource} can not contain region information."
            ));
        }
        _ => {}
    }
    if service.is_empty() || (resource.contains("::") && parts.len() < 6) {
        return Err("The policy failed legacy parsing".to_owned());
    }
    let path = rest.get(3).copied().unwrap_or_default();
    if *service == "iam" && !is_iam_path(path) {
        return Err(format!(
            "IAM resource path must either be \"*\" or start with {}.",
            IAM_PATHS.join(", ")
        ));
    }
    Ok(())
}

/// A wildcard may stand for the beginning.
fn is_iam_path(path: &str) -> bool {
    let kind = path.split('/').next().unwrap_or_default();
    kind.contains(['*', '?']) || IAM_PATHS.iter().any(|start| path.starts_with(start))
}

/// The ids of the statements of an identity policy: letters and digits, none twice. Resource-based policies are freer.
pub(super) fn check_sids(statements: Option<&Value>) -> Result<(), String> {
    let statements = match statements {
        Some(Value::Array(statements)) => statements.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let sids = statements
        .iter()
        .filter_map(|each| each.get("Sid")?.as_str())
        .filter(|sid| !sid.is_empty());
    let mut seen = std::collections::BTreeSet::new();
    for sid in sids {
        if !sid.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(
                "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
                    .to_owned(),
            );
        }
        if !seen.insert(sid) {
            return Err("Statement IDs (SID) in a single policy must be unique.".to_owned());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use serde_json::json;

    /// moto 5.1, `tests/test_iam/test_iam_policies.py`; the forms that are taken are AWS's own managed policies'.
    #[test]
    fn resource_in_each_form_is_taken_or_refused_in_iams_words() {
        for taken in [
            "*",
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::bucket/*",
            "arn:aws:iam::123456789012:role/r",
            "arn:aws:iam::*:*",
            "arn:aws:iam::123456789012:role*",
            "arn:*:sns:*:*:topic",
            "arn:aws-cn:s3:::bucket",
            "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/f:*",
            "arn:aws:lambda:us-east-1:123456789012:function:f",
        ] {
            assert_eq!(check_resource(taken), Ok(()), "{taken}");
        }
        for (refused, start) in [
            ("bucket", "Resource bucket must be in ARN format or \"*\"."),
            ("", "Resource  must be in ARN format or \"*\"."),
            (
                "aws:s3:::b",
                "Partition \"s3\" is not valid for resource \"arn:s3:::b:*\".",
            ),
            (
                "x:nowhere",
                "Partition \"nowhere\" is not valid for resource \"arn:nowhere:*:*:*:*\".",
            ),
            (
                "arn:error:s3:::b",
                "Partition \"error\" is not valid for resource \"arn:error:s3:::b\".",
            ),
            (
                "arn:aws",
                "Resource vendor must be fully qualified and cannot contain regexes.",
            ),
            ("arn:aws:s3::b", "The policy failed legacy parsing"),
            ("arn:aws:::us:b", "The policy failed legacy parsing"),
            (
                "arn:aws:s3:us-east-1::b",
                "Resource arn:aws:s3:us-east-1::b can not contain region information.",
            ),
            (
                "arn:aws:iam:us-east-1::role/r",
                "IAM resource arn:aws:iam:us-east-1::role/r cannot contain region information.",
            ),
            (
                "arn:aws:iam:::r",
                "IAM resource path must either be \"*\" or start with user/, federated-user/, role/,",
            ),
        ] {
            let told = check_resource(refused).unwrap_err();
            assert!(told.starts_with(start), "{refused}: {told}");
        }
        let both = ["arn:error:s3:::b", "arn:error:s3::b"].map(str::to_owned);
        assert!(
            check_resources(&both)
                .unwrap_err()
                .contains("arn:error:s3:::b"),
            "the first by the alphabet"
        );
    }

    #[test]
    fn action_in_each_form_is_taken_or_refused_in_iams_words() {
        for taken in ["*", "s3:*", "s3:Get*", "execute-api:Invoke", "*:*"] {
            assert_eq!(check_action(taken), Ok(()), "{taken}");
        }
        for (refused, told) in [
            ("s3", &*unprefaced()),
            ("", &unprefaced()),
            ("s3:", &unprefaced()),
            (
                "s3:List:Bucket",
                "Actions/Condition can contain only one colon.",
            ),
            ("a a:List", "Vendor a a is not valid"),
        ] {
            assert_eq!(check_action(refused).unwrap_err(), told, "{refused}");
        }
    }

    #[test]
    fn trust_policy_names_actions_of_sts_alone() {
        for (action, taken) in [
            ("sts:AssumeRole", true),
            ("sts:assumerole", true),
            ("sts:TagSession", true),
            ("s3:GetObject", false),
            ("sts:BadAssumeRole", false),
            ("*", false),
        ] {
            let actions = ["sts:AssumeRole".to_owned(), action.to_owned()];
            assert_eq!(check_trust_actions(&actions).is_ok(), taken, "{action}");
        }
    }

    #[test]
    fn sids_are_alphanumeric_and_unique() {
        let check = |sids: &[&str]| {
            let statements: Vec<Value> = sids.iter().map(|sid| json!({"Sid": sid})).collect();
            check_sids(Some(&Value::from(statements)))
        };
        assert_eq!(check(&["One", "Two2", "", ""]), Ok(()));
        assert!(
            check(&["With blanks"])
                .unwrap_err()
                .contains("alpha-numeric")
        );
        assert!(check(&["One", "One"]).unwrap_err().contains("unique"));
        assert!(
            check_sids(Some(&json!({"Sid": "a_b"}))).is_err(),
            "a single statement"
        );
    }
}
