//! Tags of rules.

use serde_json::{Value, json};

use super::rules::Rule;
use super::{accept, invalid, no_rule};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{self, MAX, Tags};

pub(super) fn tag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "TagResource", input, &["ResourceARN", "Tags"])?;
    let given = given(call, input)?;
    let rule = rule(call, input)?;
    let mut tags = rule.tags.clone();
    tags.extend(given);
    let own = tags.keys().filter(|key| !key.starts_with("aws:"));
    if own.count() > MAX {
        return Err(invalid(format!("a resource can have at most {MAX} tags")));
    }
    rule.tags = tags;
    Ok(json!({}))
}

pub(super) fn untag(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "UntagResource", input, &["ResourceARN", "TagKeys"])?;
    let keys = input.texts("TagKeys");
    let rule = rule(call, input)?;
    rule.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(call, "ListTagsForResource", input, &["ResourceARN"])?;
    let rule = rule(call, input)?;
    Ok(json!({"Tags": tags::list(&rule.tags)}))
}

/// The tags of a request.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<Tags, ApiError> {
    let tags = tags::given(call, input, invalid)?;
    if tags.len() > MAX {
        return Err(invalid(format!("a resource can have at most {MAX} tags")));
    }
    Ok(tags)
}

fn rule<'a>(call: &'a mut Call<'_>, input: &Value) -> Result<&'a mut Rule, ApiError> {
    let arn = input.require("ResourceARN")?;
    let rules = &mut call.here().events.rules;
    rules
        .values_mut()
        .find(|rule| rule.arn == arn)
        .ok_or_else(|| no_rule(arn.rsplit('/').next().unwrap_or(arn)))
}
