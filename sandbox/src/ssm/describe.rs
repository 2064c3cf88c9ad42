//! Listing what there is, without the values.

use serde_json::Value;

use super::parameter::Parameter;
use super::{accept, get, invalid, keys, page};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "DescribeParameters",
        input,
        &["ParameterFilters", "MaxResults", "NextToken"],
    )?;
    let filters = filters(
        input,
        &["Name", "Path", "Type", "KeyId", "DataType", "Tier", "tag:"],
    )?;
    let found = call
        .here()
        .ssm
        .parameters
        .iter()
        .filter(|(name, parameter)| filters.iter().all(|filter| filter.matches(name, parameter)))
        .map(|(name, parameter)| (name.as_str(), parameter.describe(name)));
    page::cut(input, "Parameters", page::FIFTY, found)
}

/// One condition; any of its values will do.
#[derive(Debug)]
pub(super) struct Filter {
    key: String,
    option: Choice,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Equals,
    BeginsWith,
    Contains,
    OneLevel,
    Recursive,
}

/// The filters of a request; `keys` are those that the operation knows, `tag:` stands for all tags.
pub(super) fn filters(input: &Value, keys: &[&str]) -> Result<Vec<Filter>, ApiError> {
    input
        .list("ParameterFilters")
        .iter()
        .map(|given| Filter::read(given, keys))
        .collect()
}

impl Filter {
    fn read(given: &Value, keys: &[&str]) -> Result<Self, ApiError> {
        let key = given.require("Key")?.to_owned();
        let known = match key.strip_prefix("tag:") {
            Some(tag) => !tag.is_empty() && keys.contains(&"tag:"),
            None => keys.contains(&key.as_str()),
        };
        if !known {
            return Err(ApiError::bad(
                "InvalidFilterKey",
                format!(
                    "The following filter key is not valid: {key}. Valid filter keys include: [{}].",
                    keys.join(", ")
                ),
            ));
        }
        let path = key == "Path";
        let option = match given.text("Option") {
            None if path => Choice::OneLevel,
            None | Some("Equals") if !path => Choice::Equals,
            Some("BeginsWith") if !path => Choice::BeginsWith,
            Some("Contains") if key == "Name" => Choice::Contains,
            Some("OneLevel") if path => Choice::OneLevel,
            Some("Recursive") if path => Choice::Recursive,
            other => {
                return Err(ApiError::bad(
                    "InvalidFilterOption",
                    format!(
                        "The following filter option is not valid: {}.",
                        other.unwrap_or_default()
                    ),
                ));
            }
        };
        let values = given.texts("Values");
        if values.is_empty() && !key.starts_with("tag:") {
            return Err(ApiError::bad(
                "InvalidFilterValue",
                format!("The following filter values are missing for filter key {key}"),
            ));
        }
        if path && values.iter().any(|value| !value.starts_with('/')) {
            return Err(invalid("a path begins with a slash"));
        }
        Ok(Self {
            key,
            option,
            values,
        })
    }

    pub(super) fn matches(&self, name: &str, parameter: &Parameter) -> bool {
        let actual = match self.key.as_str() {
            "Name" => Some(name),
            "Type" => Some(parameter.kind.as_str()),
            "Tier" => Some(parameter.tier.as_str()),
            "DataType" => Some("text"),
            "KeyId" => parameter.key().map(keys::shown),
            "Path" => {
                let deep = self.option == Choice::Recursive;
                return (self.values.iter()).any(|path| get::is_below(name, path, deep));
            }
            key => (key.strip_prefix("tag:"))
                .and_then(|tag| parameter.tags.get(tag))
                .map(String::as_str),
        };
        let Some(actual) = actual else { return false };
        // A tag without values: it is there.
        self.values.is_empty()
            || self.values.iter().any(|value| match self.option {
                // A name is found with and without the slash in front.
                Choice::Equals => {
                    actual == value || (self.key == "Name" && actual == format!("/{value}"))
                }
                Choice::BeginsWith => actual.starts_with(value.as_str()),
                Choice::Contains => actual.contains(value.as_str()),
                Choice::OneLevel | Choice::Recursive => false,
            })
    }
}
