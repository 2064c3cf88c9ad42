//! The keys that secure strings are encrypted with, and what their readers and writers need for that.
//!
//! The encryption context is the one that the developer guide of KMS documents for Parameter Store.

use serde_json::Value;

use super::get::is_below;
use super::name::Wanted;
use super::parameter::{Kind, Tier, Version};
use super::{name, put};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::kms::Key;
use crate::protocol::Operation;
use crate::sandbox::Call;
use crate::service::Service;

/// The alias of AWS's own key for Parameter Store, which encrypts unless another is named.
pub(super) const MANAGED: &str = "alias/aws/ssm";

/// The key that a request to write a secure string names.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<Key, ApiError> {
    let id = input.text("KeyId").unwrap_or(MANAGED);
    Key::named(call, id, MANAGED)
        .ok_or_else(|| ApiError::bad("InvalidKeyId", format!("Key '{id}' does not exist")))
}

/// As `DescribeParameters` shows it.
pub(super) fn shown(key: &Key) -> &str {
    match key {
        Key::Managed => MANAGED,
        Key::Customer(arn) => arn,
    }
}

/// What the caller of an operation has KMS do: encrypt what it writes, decrypt what it wants to read in the clear.
pub(super) fn needed(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    if operation.name == "PutParameter" {
        return encrypting(call, input).into_iter().collect();
    }
    // What is no flag is refused later.
    let decrypts = matches!(input.flag("WithDecryption"), Ok(Some(true)));
    if !decrypts {
        return Vec::new();
    }
    let read = match operation.name.as_str() {
        "GetParametersByPath" => below(call, input),
        "GetParameter" | "GetParameters" => named(call, input),
        _ => Vec::new(),
    };
    read.iter()
        .filter_map(|(arn, key)| {
            key.access(call, Service::Ssm, "Decrypt", &[("PARAMETER_ARN", arn)])
        })
        .collect()
}

fn encrypting(call: &mut Call<'_>, input: &Value) -> Option<Access> {
    let name = input.text("Name")?.trim();
    let existing = call.here().ssm.parameters.get(name);
    let (kind, tier) = existing.map_or((None, None), |found| (Some(found.kind), Some(found.tier)));
    if input.text("Type").and_then(Kind::parse).or(kind) != Some(Kind::SecureString) {
        return None;
    }
    let length = input.text("Value").unwrap_or_default().len();
    // An advanced parameter is encrypted with a data key, a standard one with the key itself.
    let action = match put::tier(input, length, tier).ok()? {
        Tier::Standard => "Encrypt",
        Tier::Advanced => "GenerateDataKey",
    };
    let arn = name::arn(call, name);
    let context = [("PARAMETER_ARN", arn.as_str())];
    let key = given(call, input).ok()?;
    key.access(call, Service::Ssm, action, &context)
}

/// The secure strings that a request names, by ARN, with their keys. What does not exist needs none.
fn named(call: &mut Call<'_>, input: &Value) -> Vec<(String, Key)> {
    let mut names = input.texts("Names");
    names.extend(input.text("Name").map(str::to_owned));
    let parameters = &call.here().ssm.parameters;
    names
        .iter()
        .filter_map(|given| {
            let wanted = Wanted::read(given);
            let parameter = parameters.get(&wanted.name)?;
            let version = parameter.version(&wanted.name, wanted.selector.as_deref());
            Some((parameter.arn.clone(), key(version.ok()?)?))
        })
        .collect()
}

fn below(call: &mut Call<'_>, input: &Value) -> Vec<(String, Key)> {
    let path = input.text("Path").unwrap_or_default();
    let recursive = matches!(input.flag("Recursive"), Ok(Some(true)));
    let parameters = call.here().ssm.parameters.iter();
    parameters
        .filter(|(name, _)| is_below(name, path, recursive))
        .filter_map(|(_, parameter)| Some((parameter.arn.clone(), key(parameter.newest()?)?)))
        .collect()
}

fn key(version: &Version) -> Option<Key> {
    version.key.clone()
}
