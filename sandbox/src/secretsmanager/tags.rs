//! Tags of secrets.

use serde_json::{Value, json};

use super::create::id;
use super::{accept, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{MAX, Tags, is_forbidden};

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
    if keys.iter().any(|key| is_forbidden(call, key)) {
        return Err(invalid("tag keys that begin with aws: are reserved"));
    }
    let secret = call.here().secretsmanager.alive(id(input)?)?;
    secret.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

/// The tags of a request.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in input.list("Tags") {
        let key = tag.text("Key").unwrap_or_default();
        let value = tag.text("Value").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has 1 to 128 characters, its value at most 256",
            ));
        }
        if is_forbidden(call, key) {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    limit(&tags)?;
    Ok(tags)
}

fn limit(tags: &Tags) -> Result<(), ApiError> {
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > MAX {
        return Err(invalid(format!("a resource can have at most {MAX} tags")));
    }
    Ok(())
}
