//! How large policy documents may be (IAM User Guide, "IAM and AWS STS quotas"). White space does not count.

use crate::error::ApiError;

/// A managed policy, in characters; AWS does not raise it.
pub(super) const MANAGED: usize = 6_144;
/// All inline policies of a role together.
pub(super) const ROLE_INLINE: usize = 10_240;
/// All inline policies of a user together.
pub(super) const USER_INLINE: usize = 2_048;
/// A role's trust policy. AWS raises it to 8,192 for those who ask.
pub(super) const TRUST: usize = 2_048;
/// A document as it stands in a request, white space included (botocore 1.44.8, `policyDocumentType`).
pub(super) const DOCUMENT: usize = 131_072;

/// What counts of a document.
pub(super) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// Refuses a managed policy that is too large. The words of all three are quoted in many public reports.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_managed(document: &str) -> Result<(), ApiError> {
    at_most(size(document), MANAGED, || {
        format!("Cannot exceed quota for PolicySize: {MANAGED}")
    })
}

/// Refuses a trust policy that is too large.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_trust(document: &str) -> Result<(), ApiError> {
    at_most(size(document), TRUST, || {
        format!("Cannot exceed quota for ACLSizePerRole: {TRUST}")
    })
}

/// Refuses inline policies that are too large together. `holder` is a kind and a name: `role ops`.
///
/// # Errors
/// `LimitExceeded`.
pub(super) fn check_inline(together: usize, most: usize, holder: &str) -> Result<(), ApiError> {
    at_most(together, most, || {
        format!("Maximum policy size of {most} bytes exceeded for {holder}")
    })
}

fn at_most(size: usize, most: usize, message: impl Fn() -> String) -> Result<(), ApiError> {
    if size <= most {
        return Ok(());
    }
    Err(ApiError::new(409, "LimitExceeded", message()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]
    use super::*;
    use crate::service::Service;
    use crate::testing::{self, trust};
    use serde_json::{Value, json};

    type World = testing::World;

    /// A document of exactly so many characters, and white space beside them.
    fn document(size: usize) -> String {
        let with = |pad: usize| {
            let resource = format!("arn:aws:s3:::{}", "b".repeat(pad));
            let statement =
                json!({"Effect": "Allow", "Action": "s3:ListBucket", "Resource": resource});
            let document = json!({"Version": "2012-10-17", "Statement": [statement]});
            serde_json::to_string_pretty(&document).unwrap()
        };
        with(size - super::size(&with(0)))
    }

    /// A trust policy of exactly so many characters.
    fn trusting(size: usize) -> String {
        let with = |pad: usize| {
            let mut policy: Value =
                serde_json::from_str(&trust(json!({"Service": "lambda.amazonaws.com"}))).unwrap();
            policy["Id"] = json!("i".repeat(pad));
            policy.to_string()
        };
        with(size - super::size(&with(0)))
    }

    async fn refusal(world: &World, operation: &str, input: Value) -> Option<String> {
        let refused = world.call(operation, input).await.err();
        refused.map(|error| format!("{}: {}", error.code, error.message))
    }

    #[tokio::test]
    async fn documents_past_awss_quotas_are_refused_in_its_words() {
        let world = World::start(Service::Iam);
        let role = |size| json!({"RoleName": format!("R{size}"), "AssumeRolePolicyDocument": trusting(size)});
        assert_eq!(refusal(&world, "CreateRole", role(TRUST)).await, None);
        let words = "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048";
        assert_eq!(
            refusal(&world, "CreateRole", role(TRUST + 1))
                .await
                .unwrap(),
            words
        );
        let update = json!({"RoleName": "R2048", "PolicyDocument": trusting(TRUST + 1)});
        assert_eq!(
            refusal(&world, "UpdateAssumeRolePolicy", update)
                .await
                .unwrap(),
            words
        );

        let policy =
            |size| json!({"PolicyName": format!("P{size}"), "PolicyDocument": document(size)});
        assert_eq!(refusal(&world, "CreatePolicy", policy(MANAGED)).await, None);
        let words = "LimitExceeded: Cannot exceed quota for PolicySize: 6144";
        assert_eq!(
            refusal(&world, "CreatePolicy", policy(MANAGED + 1))
                .await
                .unwrap(),
            words
        );
        let version = json!({"PolicyArn": "arn:aws:iam::123456789012:policy/P6144", "PolicyDocument": document(MANAGED + 1)});
        assert_eq!(
            refusal(&world, "CreatePolicyVersion", version)
                .await
                .unwrap(),
            words
        );
    }

    #[tokio::test]
    async fn inline_policies_count_together_and_one_that_is_replaced_not_at_all() {
        let world = World::start(Service::Iam);
        let role = json!({"RoleName": "R", "AssumeRolePolicyDocument": trusting(1000)});
        world.ok("CreateRole", role).await;
        world.ok("CreateUser", json!({"UserName": "U"})).await;
        for (operation, member, name, most, words) in [
            (
                "PutRolePolicy",
                "RoleName",
                "R",
                ROLE_INLINE,
                "Maximum policy size of 10240 bytes exceeded for role R",
            ),
            (
                "PutUserPolicy",
                "UserName",
                "U",
                USER_INLINE,
                "Maximum policy size of 2048 bytes exceeded for user U",
            ),
        ] {
            let put = |policy: &str, size| json!({member: name, "PolicyName": policy, "PolicyDocument": document(size)});
            world.ok(operation, put("a", most / 2)).await;
            world.ok(operation, put("b", most / 2)).await;
            let refused = refusal(&world, operation, put("c", 200)).await.unwrap();
            assert_eq!(refused, format!("LimitExceeded: {words}"));
            world.ok(operation, put("b", most / 2)).await;
            let refused = refusal(&world, operation, put("b", most / 2 + 1))
                .await
                .unwrap();
            assert_eq!(refused, format!("LimitExceeded: {words}"));
        }
    }

    #[test]
    fn a_document_is_as_large_as_asked_for() {
        assert_eq!(size(&document(500)), 500);
        assert!(document(500).len() > 500);
        assert_eq!(size(&trusting(500)), 500);
    }

    #[tokio::test]
    async fn a_document_past_its_length_in_a_request_is_refused() {
        let world = World::start(Service::Iam);
        let padded = |length: usize| {
            let text = document(300);
            format!("{text}{}", " ".repeat(length - text.len()))
        };
        let policy =
            |length| json!({"PolicyName": format!("P{length}"), "PolicyDocument": padded(length)});
        assert_eq!(
            refusal(&world, "CreatePolicy", policy(DOCUMENT)).await,
            None
        );
        let refused = refusal(&world, "CreatePolicy", policy(DOCUMENT + 1)).await;
        assert!(
            refused
                .unwrap()
                .starts_with("ValidationError: 1 validation error detected")
        );
    }
}
