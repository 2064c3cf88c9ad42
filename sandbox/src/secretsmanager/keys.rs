//! The keys that secrets are encrypted with, and what their readers and writers need for that.
//!
//! Which operation has KMS do what, and the encryption context, are documented in "Secret encryption and decryption" of the
//! service's user guide.

use serde_json::Value;

use super::secret::CURRENT;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::kms::Key;
use crate::protocol::Operation;
use crate::sandbox::Call;
use crate::service::Service;

/// The alias of AWS's own key for the service, which encrypts unless another is named.
const MANAGED: &str = "alias/aws/secretsmanager";
/// What stands for the version where only the key itself is tried.
const VALIDATION: &str = "RequestToValidateKeyAccess";

/// The key that a request to make a secret names.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<Key, ApiError> {
    let id = input.text("KmsKeyId").unwrap_or(MANAGED);
    Key::named(call, id, MANAGED).ok_or_else(|| {
        ApiError::bad(
            "EncryptionFailure",
            "Secrets Manager can't encrypt the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state.",
        )
    })
}

/// What the caller of an operation has KMS do.
pub(super) fn needed(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    if operation.name == "CreateSecret" {
        return made(call, input);
    }
    let secret = input.text("SecretId").unwrap_or_default();
    let Some(secret) = call.here().secretsmanager.find(secret) else {
        return Vec::new();
    };
    let (action, version) = match operation.name.as_str() {
        "PutSecretValue" => ("GenerateDataKey", input.text("ClientRequestToken")),
        "GetSecretValue" => {
            let stage = input.text("VersionStage").unwrap_or(CURRENT);
            let version = input.text("VersionId").or_else(|| secret.staged(stage));
            ("Decrypt", version)
        }
        _ => return Vec::new(),
    };
    let (key, arn) = (secret.key.clone(), secret.arn.clone());
    let version = version.map(str::to_owned);
    let mut context = vec![("SecretARN", arn.as_str())];
    context.extend(version.as_deref().map(|id| ("SecretVersionId", id)));
    let access = key.access(call, Service::SecretsManager, action, &context);
    access.into_iter().collect()
}

/// Who makes a secret must be allowed to use its key both ways; that is tried before there is a value.
fn made(call: &Call<'_>, input: &Value) -> Vec<Access> {
    let Ok(key) = given(call, input) else {
        return Vec::new();
    };
    // The six characters at the end are drawn when the secret is made; others stand for them.
    let name = input.text("Name").unwrap_or_default();
    let arn = call.arn("secretsmanager", &format!("secret:{name}-000000"));
    let context = [("SecretARN", arn.as_str()), ("SecretVersionId", VALIDATION)];
    ["GenerateDataKey", "Decrypt"]
        .iter()
        .filter_map(|action| key.access(call, Service::SecretsManager, action, &context))
        .collect()
}
