//! Tags of parameters.

use serde_json::{Value, json};

use super::parameter::Parameter;
use super::{accept, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;
use crate::tags::{self, MAX, Tags, is_forbidden};

/// What can be tagged in Systems Manager, from the API model. Only parameters are there.
const RESOURCE_TYPES: &[&str] = &[
    "Document",
    "ManagedInstance",
    "MaintenanceWindow",
    "Parameter",
    "PatchBaseline",
    "OpsItem",
    "OpsMetadata",
    "Automation",
    "Association",
];

pub(super) fn add(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "AddTagsToResource",
        input,
        &["ResourceType", "ResourceId", "Tags"],
    )?;
    let given = given(call, input)?;
    let parameter = parameter(call, "AddTagsToResource", input)?;
    let mut tags = parameter.tags.clone();
    tags.extend(given);
    if tags.keys().filter(|key| !key.starts_with("aws:")).count() > MAX {
        return Err(too_many());
    }
    parameter.tags = tags;
    Ok(json!({}))
}

pub(super) fn remove(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "RemoveTagsFromResource",
        input,
        &["ResourceType", "ResourceId", "TagKeys"],
    )?;
    let keys = input.texts("TagKeys");
    if keys.iter().any(|key| is_forbidden(call, key)) {
        return Err(invalid("tag keys that begin with aws: are reserved"));
    }
    let parameter = parameter(call, "RemoveTagsFromResource", input)?;
    parameter.tags.retain(|key, _| !keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "ListTagsForResource",
        input,
        &["ResourceType", "ResourceId"],
    )?;
    let parameter = parameter(call, "ListTagsForResource", input)?;
    Ok(json!({"TagList": tags::list(&parameter.tags)}))
}

/// The tags of a request.
pub(super) fn given(call: &Call<'_>, input: &Value) -> Result<Tags, ApiError> {
    let tags = tags::given(call, input, invalid)?;
    if tags.len() > MAX {
        return Err(too_many());
    }
    Ok(tags)
}

fn too_many() -> ApiError {
    ApiError::bad(
        "TooManyTagsError",
        format!("a resource can have at most {MAX} tags"),
    )
}

fn parameter<'a>(
    call: &'a mut Call<'_>,
    operation: &str,
    input: &Value,
) -> Result<&'a mut Parameter, ApiError> {
    let kind = input.require("ResourceType")?;
    if !RESOURCE_TYPES.contains(&kind) {
        return Err(ApiError::bad(
            "InvalidResourceType",
            format!("{kind} is not a valid resource type."),
        ));
    }
    if kind != "Parameter" {
        let what = format!("{operation} with ResourceType {kind}");
        return Err(ApiError::not_implemented("ssm", &what));
    }
    let id = input.require("ResourceId")?;
    let found = call.here().ssm.parameters.get_mut(id);
    found.ok_or_else(|| {
        ApiError::bad(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    })
}
