//! Tags of the recorder and of rules.

use serde_json::{Value, json};

use super::page::{length, limit, page, validation};
use super::rules::with_token;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};
use crate::tags::{self, MAX, Tags};

/// Reads a member `Tags`.
pub(super) fn parse(input: &Value) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in input.list("Tags") {
        let key = tag.require("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        length(key, "tags.member.key", (1, 128))?;
        length(value, "tags.member.value", (0, 256))?;
        tags.insert(key.to_owned(), value.to_owned());
    }
    if tags.len() > MAX {
        return Err(too_many());
    }
    Ok(tags)
}

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let new = parse(input)?;
    let tags = of(call, input)?;
    let mut all = tags.clone();
    all.extend(new);
    if all.len() > MAX {
        return Err(too_many());
    }
    *tags = all;
    Ok(json!({}).into())
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let keys = input.texts("TagKeys");
    if keys.is_empty() {
        return Err(validation("the request must contain the parameter TagKeys"));
    }
    let tags = of(call, input)?;
    for key in &keys {
        tags.remove(key);
    }
    Ok(json!({}).into())
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let size = limit(input, "Limit", MAX, 100, "InvalidLimitException")?;
    let tags = tags::list(of(call, input)?);
    let (tags, next) = page("ListTagsForResource", tags, input.text("NextToken"), size)?;
    Ok(with_token(json!({ "Tags": tags }), next))
}

fn of<'c>(call: &'c mut Call<'_>, input: &Value) -> Result<&'c mut Tags, ApiError> {
    let arn = input.require("ResourceArn")?;
    let state = &mut call.here().config;
    let recorder = state
        .recorder
        .iter_mut()
        .map(|recorder| (&recorder.arn, &mut recorder.tags));
    let rules = state
        .rules
        .values_mut()
        .map(|rule| (&rule.arn, &mut rule.tags));
    let linked = state
        .linked_recorders
        .iter_mut()
        .map(|recorder| (&recorder.arn, &mut recorder.tags));
    recorder
        .chain(linked)
        .chain(rules)
        .find(|(has, _)| has.as_str() == arn)
        .map(|(_, tags)| tags)
        .ok_or_else(|| {
            ApiError::bad(
                "ResourceNotFoundException",
                format!("ResourceArn '{arn}' does not exist."),
            )
        })
}

fn too_many() -> ApiError {
    ApiError::bad(
        "TooManyTagsException",
        format!("A resource can have at most {MAX} tags."),
    )
}
