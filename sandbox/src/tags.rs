//! What the tags of most services have in common. How a service words its refusals is its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// AWS's limit for one resource.
pub(crate) const MAX: usize = 50;

/// Tags by their keys.
pub(crate) type Tags = BTreeMap<String, String>;

/// Whether only services may set or remove a tag of that key.
pub(crate) fn is_reserved(key: &str) -> bool {
    key.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("aws:"))
}

/// The same, where somebody calls who is no service.
pub(crate) fn is_forbidden(call: &Call<'_>, key: &str) -> bool {
    is_reserved(key) && !call.caller.may_set_system_tags()
}

/// `[{"Key": …, "Value": …}, …]`, as most services list tags.
pub(crate) fn list(tags: &Tags) -> Vec<Value> {
    tags.iter()
        .map(|(key, value)| json!({"Key": key, "Value": value}))
        .collect()
}

/// `Tags` of a request, where they are such a list. How many there may be is for the service to say.
pub(crate) fn given(
    call: &Call<'_>,
    input: &Value,
    invalid: impl Fn(&'static str) -> ApiError,
) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for tag in input.list("Tags") {
        let key = tag.require("Key")?;
        let value = tag.text("Value").unwrap_or_default();
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(
                "a tag's key has at most 128 characters, its value 256",
            ));
        }
        if is_forbidden(call, key) {
            return Err(invalid("tag keys that begin with aws: are reserved"));
        }
        tags.insert(key.to_owned(), value.to_owned());
    }
    Ok(tags)
}

/// The tags of a request that names them in a map.
pub(crate) fn from_map(
    call: &Call<'_>,
    map: &serde_json::Map<String, Value>,
    invalid: impl Fn(String) -> ApiError,
    too_long: &str,
) -> Result<Tags, ApiError> {
    let mut tags = Tags::new();
    for (key, value) in map {
        let value = value
            .as_str()
            .ok_or_else(|| invalid(format!("the value of tag {key} must be a string")))?;
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(invalid(too_long.to_owned()));
        }
        if is_forbidden(call, key) {
            return Err(invalid("tag keys must not start with aws:".to_owned()));
        }
        tags.insert(key.clone(), value.to_owned());
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::caller::Caller;
    use crate::service::Service;
    use crate::testing::World;

    #[test]
    fn the_prefix_of_aws_is_reserved_in_any_case() {
        for (key, reserved) in [
            ("aws:x", true),
            ("AWS:x", true),
            ("awsx", false),
            ("aws", false),
            ("ä:aws:", false),
        ] {
            assert_eq!(is_reserved(key), reserved, "{key}");
        }
    }

    #[tokio::test]
    async fn only_services_set_reserved_tags_and_nobody_long_ones() {
        let world: World = World::start(Service::Events);
        let service = world.by(Caller::Service("cloudformation.amazonaws.com"));
        let long = "x".repeat(129);
        for (world, key, taken) in [
            (&world, "key", true),
            (&world, "aws:key", false),
            (&service, "aws:key", true),
            (&service, &long, false),
        ] {
            let input = json!({"Tags": [{"Key": key, "Value": "v"}]});
            let listed = world.enter(|call| given(call, &input, |why| ApiError::bad("X", why)));
            assert_eq!(listed.is_ok(), taken, "{key}");
            let map = serde_json::Map::from_iter([(key.to_owned(), json!("v"))]);
            let invalid = |why| ApiError::bad("X", why);
            let mapped = world.enter(|call| from_map(call, &map, invalid, "too long"));
            assert_eq!(mapped.is_ok(), taken, "{key}");
        }
    }
}
