//! AWS KMS, as far as other services ask it: which key a value is encrypted with, and what whoever reads or writes the
//! value must be allowed to do with that key.
//!
//! There is no service to make keys with. A key of the called account and region that is named by its id or its ARN is
//! taken for one that exists, works, and has the default key policy, which leaves it to IAM who may use the key. AWS's own
//! keys (`aws/ssm`, `aws/secretsmanager`) let everybody in the account use them through their service, so nothing is asked
//! for them. Both is in the KMS developer guide; there are no aliases but those of AWS's own keys.

use crate::iam::Access;
use crate::sandbox::Call;
use crate::service::Service;

/// The service's name in actions and ARNs.
const KMS: &str = "kms";

/// The key that a value is encrypted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// AWS's own key for the service that keeps the value.
    Managed,
    /// A customer's own, by its ARN.
    Customer(String),
}

impl Key {
    /// The key that a request names by id, ARN or alias; `managed` is the alias of the service's own. `None` where there is
    /// no such key.
    pub(crate) fn named(call: &Call<'_>, given: &str, managed: &str) -> Option<Self> {
        if given == managed || given == call.arn(KMS, managed) {
            return Some(Self::Managed);
        }
        let keys = call.arn(KMS, "key/");
        let id = given.strip_prefix(&keys).unwrap_or(given);
        is_id(id).then(|| Self::Customer(format!("{keys}{id}")))
    }

    /// What a caller of `service` must be allowed to have KMS do in its name, with the encryption context that the service
    /// gives along.
    pub(crate) fn access(
        &self,
        call: &Call<'_>,
        service: Service,
        operation: &str,
        context: &[(&str, &str)],
    ) -> Option<Access> {
        let Self::Customer(arn) = self else {
            return None;
        };
        let via = format!("{}.{}.amazonaws.com", service.signing_name(), call.region);
        let access = Access::on(KMS, operation, arn)
            .with("kms:ViaService", via)
            .with("kms:CallerAccount", call.account.id.as_str());
        Some(context.iter().fold(access, |access, (key, value)| {
            access
                .with(&format!("kms:EncryptionContext:{key}"), *value)
                .with("kms:EncryptionContextKeys", *key)
        }))
    }
}

/// A key's id: a UUID, or `mrk-` and 32 hexadecimal digits for a key of several regions.
fn is_id(text: &str) -> bool {
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    match text.strip_prefix("mrk-") {
        Some(digits) => hex(digits, 32),
        None => {
            let parts: Vec<&str> = text.split('-').collect();
            parts.len() == 5
                && parts
                    .iter()
                    .zip([8, 4, 4, 4, 12])
                    .all(|(part, length)| hex(part, length))
        }
    }
}

/// How a service tells that KMS does not let the caller use a key: Parameter Store with the words of KMS, Secrets Manager in
/// a sentence of its own that names neither action nor key.
pub(crate) fn told(service: Service, access: &Access, said: String) -> String {
    if !access.action.starts_with("kms:") {
        said
    } else if service == Service::SecretsManager {
        "Access to KMS is not allowed".to_owned()
    } else {
        format!("{said} (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[tokio::test]
    async fn a_key_is_named_by_id_arn_or_alias() {
        let world: World = World::start(Service::Ssm);
        let id = "0123abcd-0123-4567-89ab-0123456789ab";
        let arn = format!("arn:aws:kms:us-east-1:123456789012:key/{id}");
        let multi = "mrk-0123456789abcdef0123456789abcdef";
        let customer = |arn: &str| Some(Key::Customer(arn.to_owned()));
        let named = |given: &str| world.enter(|call| Key::named(call, given, "alias/aws/ssm"));
        assert_eq!(named(id), customer(&arn));
        assert_eq!(named(&arn), customer(&arn));
        assert_eq!(named(multi), customer(&arn.replace(id, multi)));
        let own = "arn:aws:kms:us-east-1:123456789012:alias/aws/ssm";
        for managed in ["alias/aws/ssm", own] {
            assert_eq!(named(managed), Some(Key::Managed));
        }
        for absent in [
            "",
            "alias/lab",
            "alias/aws/secretsmanager",
            "0123",
            "0123abcd-0123-4567-89ab-0123456789xy",
            // Somebody else's, and one of another region.
            &arn.replace("123456789012:", "210987654321:"),
            &arn.replace("us-east-1", "us-west-2"),
        ] {
            assert_eq!(named(absent), None, "{absent}");
        }
    }
}
