//! Deleting a secret, and changing one's mind.

use serde_json::{Value, json};

use super::create::id;
use super::{accept, invalid, not_found};
use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// Days until a deleted secret is gone, unless the request says otherwise.
const WINDOW: i64 = 30;

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "DeleteSecret",
        input,
        &[
            "SecretId",
            "RecoveryWindowInDays",
            "ForceDeleteWithoutRecovery",
        ],
    )?;
    let id = id(input)?;
    let force = input.flag("ForceDeleteWithoutRecovery")?.unwrap_or(false);
    let days = match input.int("RecoveryWindowInDays")? {
        Some(_) if force => {
            return Err(invalid(
                "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
            ));
        }
        Some(days) if (7..=30).contains(&days) => days,
        Some(_) => {
            return Err(invalid(
                "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
            ));
        }
        None => WINDOW,
    };
    let now = call.now;
    let unknown = call.arn("secretsmanager", &format!("secret:{id}"));
    let state = &mut call.here().secretsmanager;
    if force {
        let gone = state.key(id).and_then(|name| state.secrets.remove(&name));
        let (arn, name) = match gone {
            Some(secret) => (secret.arn, secret.name),
            // "Doesn't return ResourceNotFoundException" for what does not exist, says the API reference.
            None => (unknown, id.to_owned()),
        };
        return Ok(json!({"ARN": arn, "Name": name, "DeletionDate": epoch_seconds(now)}));
    }
    let secret = state.alive(id)?;
    let date = now + time::Duration::days(days);
    secret.deletion = Some(date);
    secret.deleted = Some(now);
    Ok(json!({"ARN": secret.arn, "Name": secret.name, "DeletionDate": epoch_seconds(date)}))
}

/// A secret that was not deleted is left as it is.
pub(super) fn restore(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("RestoreSecret", input, &["SecretId"])?;
    let state = &mut call.here().secretsmanager;
    let name = state.key(id(input)?).ok_or_else(not_found)?;
    let secret = state.secrets.get_mut(&name).ok_or_else(not_found)?;
    secret.deletion = None;
    secret.deleted = None;
    Ok(json!({"ARN": secret.arn, "Name": secret.name}))
}
