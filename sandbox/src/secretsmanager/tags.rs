//! Tags of secrets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::create::id;
use super::{accept, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// AWS's limit for one resource.
const MAX_TAGS: usize = 50;

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("TagResource", input, &["SecretId", "Tags"])?;
    let given = given(call, input)?;
    let secret = call.here().secretsmanager.alive(id(input)?)?;
    let mut tags = secret.tags.clone();
    tags.extend(given);
    limit(&tags)?;
    secret.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("UntagResource", input, &["SecretId", "TagKeys"])?;
    let keys = input.texts("TagKeys");
    let reserved = |key: &String| key.to_ascii_lowercase().starts_with("aws:");
    if keys.iter().any(reserved) && !call.caller.may_set_system_tags() {
        return Err(invalid("tag keys that begin with aws: are reserved"));
    }
    let secret = call.here().secretsmanager.alive(id(input)?)?;
    secret.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// The tags of a request.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<BTreeMap<String, String>, ApiError> {
    let mut tags = BTreeMap::new();
    for tag in input.list("Tags") {
        let key = tag.text("Key").unwrap_or_default();
        let value = tag.text("Value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has 1 to 128 characters, its value at most 256",
            ));
        }
        if key.to_ascii_lowercase().starts_with("aws:") && !call.caller.may_set_system_tags() {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    limit(&tags)?;
    Ok(tags)
}

fn limit(tags: &BTreeMap<String, String>) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > MAX_TAGS {
        return Err(invalid(format!(
            "a resource can have at most {MAX_TAGS} tags"
        )));
    }
    Ok(())
}
