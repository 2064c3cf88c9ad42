//! Users: people and programs with keys of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::keys::AccessKey;
use super::params::{accept, invalid, page, require_name};
use super::roles::{shown_tags, tags};
use super::state::{Policy, State, no_entity};
use crate::caller::Caller;
use crate::clock::{Timestamp, iso8601};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{global_arn, upper_id};
use crate::protocol::Operation;
use crate::sandbox::Call;

#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) arn: String,
    created: Timestamp,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) inline: BTreeMap<String, Policy>,
    /// ARNs of managed policies.
    pub(super) attached: BTreeSet<String>,
    pub(super) keys: Vec<AccessKey>,
}

impl User {
    /// The user as `GetUser` shows it; `ListUsers` leaves the tags out.
    fn describe(&self, detail: bool) -> Value {
        json!({
            "Path": "/",
            "UserName": self.name,
            "UserId": self.id,
            "Arn": self.arn,
            "CreateDate": iso8601(self.created),
            "Tags": if detail { shown_tags(&self.tags) } else { Value::Null },
        })
    }
}

impl State {
    pub(super) fn user(&self, name: &str) -> Result<&User, ApiError> {
        self.users.get(name).ok_or_else(|| no_user(name))
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Result<&mut User, ApiError> {
        self.users.get_mut(name).ok_or_else(|| no_user(name))
    }

    /// The user with this ARN.
    pub(super) fn user_by_arn(&self, arn: &str) -> Option<&User> {
        self.users.values().find(|user| user.arn == arn)
    }
}

fn no_user(name: &str) -> ApiError {
    no_entity(format!("The user with name {name} cannot be found."))
}

/// The user that a request names, or the caller itself where it names none.
pub(super) fn meant(call: &Call<'_>, operation: &Operation) -> Result<String, ApiError> {
    if operation.input.field("UserName").is_some() {
        return require_name(&operation.input, "UserName", 128).map(str::to_owned);
    }
    match &call.caller {
        Caller::User { name } => Ok(name.clone()),
        Caller::Operator | Caller::Root | Caller::Role { .. } | Caller::Service(_) => {
            Err(ApiError::bad(
                "ValidationError",
                "Must specify userName when calling with non-User credentials",
            ))
        }
    }
}

/// Paths are not accepted: the sandbox knows a user's session by the name alone.
pub(super) fn create(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "Tags"])?;
    let input = &operation.input;
    let name = require_name(input, "UserName", 64)?;
    let arn = global_arn(
        call.region.partition(),
        &call.account.id,
        "iam",
        &format!("user/{name}"),
    );
    let taken = |known: &String| known.eq_ignore_ascii_case(name);
    // The operator has a user's ARN, too.
    if name.eq_ignore_ascii_case("operator") || call.account.iam.users.keys().any(taken) {
        return Err(ApiError::new(
            409,
            "EntityAlreadyExists",
            format!("User with name {name} already exists."),
        ));
    }
    let user = User {
        name: name.to_owned(),
        id: upper_id("AIDA", 17),
        arn,
        created: call.now,
        tags: tags(input)?,
        inline: BTreeMap::new(),
        attached: BTreeSet::new(),
        keys: Vec::new(),
    };
    let shown = user.describe(true);
    call.account.iam.users.insert(name.to_owned(), user);
    Ok(json!({"User": shown}))
}

pub(super) fn get(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName"])?;
    let name = meant(call, operation)?;
    Ok(json!({"User": call.account.iam.user(&name)?.describe(true)}))
}

pub(super) fn list(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["PathPrefix", "Marker", "MaxItems"])?;
    let input = &operation.input;
    // Every user's path is `/`.
    if input.text("PathPrefix").is_some_and(|prefix| prefix != "/") {
        return Ok(json!({"Users": [], "IsTruncated": false}));
    }
    let users = call.account.iam.users.values();
    page(
        input,
        "Users",
        users.map(|user| (user.name.as_str(), user.describe(false))),
    )
}

pub(super) fn delete(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName"])?;
    let name = require_name(&operation.input, "UserName", 128)?;
    let user = call.account.iam.user(name)?;
    let left = [
        (!user.attached.is_empty(), "detach all policies"),
        (!user.inline.is_empty(), "delete policies"),
        (!user.keys.is_empty(), "delete access keys"),
    ];
    if let Some((_, first)) = left.iter().find(|(there, _)| *there) {
        return Err(ApiError::new(
            409,
            "DeleteConflict",
            format!("Cannot delete entity, must {first} first."),
        ));
    }
    call.account.iam.users.remove(name);
    Ok(Value::Null)
}

pub(super) fn tag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "Tags"])?;
    let given = tags(&operation.input)?;
    let name = require_name(&operation.input, "UserName", 128)?;
    let user = call.account.iam.user_mut(name)?;
    let mut all = user.tags.clone();
    all.extend(given);
    if all.len() > 50 {
        return Err(invalid("Tags", "…", "Member must have at most 50 tags"));
    }
    user.tags = all;
    Ok(Value::Null)
}

pub(super) fn untag(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName", "TagKeys"])?;
    let keys = operation.input.texts("TagKeys");
    let name = require_name(&operation.input, "UserName", 128)?;
    let user = call.account.iam.user_mut(name)?;
    user.tags.retain(|key, _| !keys.contains(key));
    Ok(Value::Null)
}

pub(super) fn list_tags(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("iam", operation, &["UserName"])?;
    let name = require_name(&operation.input, "UserName", 128)?;
    let user = call.account.iam.user(name)?;
    Ok(json!({"Tags": crate::tags::list(&user.tags), "IsTruncated": false}))
}
