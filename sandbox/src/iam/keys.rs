//! Access keys of users.

use serde_json::{Value, json};

use super::params::{accept, invalid, require};
use super::state::no_entity;
use super::users::meant;
use crate::caller::Caller;
use crate::clock::{Timestamp, iso8601};
use crate::error::ApiError;
use crate::protocol::Operation;
use crate::sandbox::Call;

/// AWS's limit for one user.
const KEYS_PER_USER: usize = 2;

#[derive(Debug, Clone)]
pub(super) struct AccessKey {
    id: String,
    created: Timestamp,
    active: bool,
}

impl AccessKey {
    fn describe(&self, user: &str) -> Value {
        json!({
            "UserName": user,
            "AccessKeyId": self.id,
            "Status": if self.active { "Active" } else { "Inactive" },
            "CreateDate": iso8601(self.created),
        })
    }
}

pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName"])?;
    let name = meant(call, operation)?;
    let (keys, account, now) = (&call.sandbox.keys, call.account.id.clone(), call.now);
    let user = call.account.iam.user_mut(&name)?;
    if user.keys.len() >= KEYS_PER_USER {
        return Err(ApiError::new(
            409,
            "LimitExceeded",
            format!("Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER}"),
        ));
    }
    let issued = keys.issue_key(&account, Caller::User { name: name.clone() });
    let key = AccessKey {
        id: issued.access_key_id,
        created: now,
        active: true,
    };
    let mut shown = key.describe(&name);
    shown["SecretAccessKey"] = json!(issued.secret_access_key);
    user.keys.push(key);
    Ok(json!({"AccessKey": shown}))
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName"])?;
    let name = meant(call, operation)?;
    let user = call.account.iam.user(&name)?;
    let keys: Vec<Value> = user.keys.iter().map(|key| key.describe(&name)).collect();
    Ok(json!({"AccessKeyMetadata": keys, "IsTruncated": false}))
}

pub(super) fn update(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "AccessKeyId", "Status"])?;
    let active = match require(&operation.input, "Status")? {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(invalid(
                "Status",
                other,
                "Member must satisfy enum value set: [Active, Inactive]",
            ));
        }
    };
    let (name, id) = (
        meant(call, operation)?,
        require(&operation.input, "AccessKeyId")?,
    );
    let keys = &call.sandbox.keys;
    let user = call.account.iam.user_mut(&name)?;
    let key = user.keys.iter_mut().find(|key| key.id == id);
    key.ok_or_else(|| no_key(id))?.active = active;
    keys.set_active(id, active);
    Ok(Value::Null)
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "AccessKeyId"])?;
    let (name, id) = (
        meant(call, operation)?,
        require(&operation.input, "AccessKeyId")?,
    );
    let keys = &call.sandbox.keys;
    let user = call.account.iam.user_mut(&name)?;
    let place = user.keys.iter().position(|key| key.id == id);
    user.keys.remove(place.ok_or_else(|| no_key(id))?);
    keys.revoke(id);
    Ok(Value::Null)
}

fn no_key(id: &str) -> ApiError {
    no_entity(format!("The Access Key with id {id} cannot be found."))
}
