//! Secrets Manager: secrets, their versions, and the window in which a deleted one can come back.
//!
//! Names, limits and errors are those of the service's API model (`secretsmanager-2017-10-17`) and its API
//! reference. Replicas, rotation and resource policies are not implemented.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

mod create;
mod delete;
mod keys;
mod list;
mod secret;
mod tags;
#[cfg(test)]
mod tests;
mod value;

/// What the service holds: secrets by name.
#[derive(Debug, Clone, Default)]
pub struct State {
    secrets: BTreeMap<String, secret::Secret>,
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let now = call.now;
    call.here().secretsmanager.forget(now);
    let input = &operation.input;
    let answer = match operation.name.as_str() {
        "CreateSecret" => create::create(call, input),
        "GetSecretValue" => value::get(call, input),
        "PutSecretValue" => value::put(call, input),
        "DescribeSecret" => list::describe(call, input),
        "ListSecrets" => list::list(call, input),
        "DeleteSecret" => delete::delete(call, input),
        "RestoreSecret" => delete::restore(call, input),
        "TagResource" => tags::tag(call, input),
        "UntagResource" => tags::untag(call, input),
        name => Err(ApiError::not_implemented("secretsmanager", name)),
    }?;
    Ok(answer.into())
}

/// What is needed for the secret, and then for its key.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let mut needed = secret_access(call, operation);
    needed.extend(keys::needed(call, operation));
    needed
}

/// A secret is a resource for IAM, by the ARN that it really has; listing is not about one.
fn secret_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let named = input.text("SecretId").or_else(|| input.text("Name"));
    let Some(named) = named.filter(|_| operation.name != "ListSecrets") else {
        return vec![Access::anywhere("secretsmanager", &operation.name)];
    };
    let unknown = match named.starts_with("arn:") {
        true => named.to_owned(),
        false => call.arn("secretsmanager", &format!("secret:{named}")),
    };
    let Some(secret) = call.here().secretsmanager.find(named) else {
        return vec![Access::on("secretsmanager", &operation.name, unknown)];
    };
    let access = Access::on("secretsmanager", &operation.name, &secret.arn);
    let access = secret.tags.iter().fold(access, |access, (key, value)| {
        access.with(&format!("secretsmanager:resourcetag/{key}"), value)
    });
    vec![access]
}

impl State {
    /// A secret by its name, its ARN, or its ARN without the six characters at the end.
    fn find(&self, id: &str) -> Option<&secret::Secret> {
        self.key(id).and_then(|name| self.secrets.get(&name))
    }

    fn require(&self, id: &str) -> Result<&secret::Secret, ApiError> {
        self.find(id).ok_or_else(not_found)
    }

    /// A secret that is to be changed. One that is about to go is not.
    fn alive(&mut self, id: &str) -> Result<&mut secret::Secret, ApiError> {
        let name = self.key(id).ok_or_else(not_found)?;
        let secret = self.secrets.get_mut(&name).ok_or_else(not_found)?;
        if secret.deletion.is_some() {
            return Err(marked());
        }
        Ok(secret)
    }

    fn key(&self, id: &str) -> Option<String> {
        if self.secrets.contains_key(id) {
            return Some(id.to_owned());
        }
        let is_arn = |secret: &secret::Secret| {
            secret.arn == id || (id.starts_with("arn:") && secret.arn_without_suffix() == id)
        };
        let mut found = self.secrets.iter().filter(|(_, secret)| is_arn(secret));
        found.next().map(|(name, _)| name.clone())
    }

    /// Lets go of what was deleted and whose window has passed.
    fn forget(&mut self, now: Timestamp) {
        self.secrets
            .retain(|_, secret| secret.deletion.is_none_or(|deletion| deletion > now));
    }
}

/// Refuses members that the operation would ignore.
fn accept(operation: &str, input: &Value, known: &[&str]) -> Result<(), ApiError> {
    let members = input.as_object().into_iter().flatten();
    for (name, value) in members {
        if !value.is_null() && !known.contains(&name.as_str()) {
            let what = format!("{operation} with {name}");
            return Err(ApiError::not_implemented("secretsmanager", &what));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("InvalidParameterException", message)
}

fn not_found() -> ApiError {
    ApiError::bad(
        "ResourceNotFoundException",
        "Secrets Manager can't find the specified secret.",
    )
}

fn marked() -> ApiError {
    ApiError::bad(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}
