//! Published versions: what a function was, kept under a number for as long as it is wanted.

use serde_json::Value;

use super::function::Function;
use super::functions::{check_revision, named};
use super::reference::LATEST;
use super::{invalid, page};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

pub(super) fn publish_version(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    if input.field("PublishTo").is_some() {
        return Err(ApiError::not_implemented(
            "lambda",
            "PublishVersion with PublishTo",
        ));
    }
    let generation = call.sandbox.functions.next_generation();
    let function = named(input)?.find_whole(call)?;
    check_revision(&function.latest.revision_id, input)?;
    let known = &function.latest.code.sha256_base64;
    if let Some(wanted) = input.text("CodeSha256").filter(|it| it != known) {
        return Err(invalid(format!(
            "CodeSHA256 ({wanted}) is different from current CodeSHA256 in $LATEST ({known}). Please try again with the CodeSHA256 in $LATEST."
        )));
    }
    let description = input.text("Description");
    if description.is_some_and(|text| text.chars().count() > 256) {
        return Err(invalid(
            "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
        ));
    }
    let number = publish(function, description, generation);
    Ok(function.configuration(Some(&number)).unwrap_or_default())
}

/// Publishes `$LATEST`, unless it is what was published last. Answers the number.
pub(super) fn publish(
    function: &mut Function,
    description: Option<&str>,
    generation: u64,
) -> String {
    let latest = &function.latest;
    let last = function.published.get(&function.last_number);
    // A description makes no difference: it is given with the publication.
    let unchanged = last.is_some_and(|last| {
        let mut settings = last.settings.clone();
        settings
            .description
            .clone_from(&latest.settings.description);
        last.code.sha256_hex == latest.code.sha256_hex
            && last.architecture == latest.architecture
            && settings == latest.settings
    });
    if !unchanged {
        let mut version = latest.clone();
        version.generation = generation;
        version.revision_id = uuid();
        if let Some(description) = description {
            description.clone_into(&mut version.settings.description);
        }
        function.last_number += 1;
        function.published.insert(function.last_number, version);
    }
    function.last_number.to_string()
}

/// `$LATEST` and the published versions, as lists show them.
pub(super) fn shown(function: &Function) -> Vec<Value> {
    let numbers = function.published.keys().map(u64::to_string);
    std::iter::once(LATEST.to_owned())
        .chain(numbers)
        .filter_map(|version| function.configuration(Some(&version)))
        .collect()
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find(call)?;
    page::of(input, "Versions", shown(function).into_iter(), place)
}

/// Where a version comes in a list: `$LATEST` first, then by number.
pub(super) fn place(version: &Value) -> String {
    let number = version["Version"].as_str().unwrap_or_default();
    format!("{:020}", number.parse::<u64>().unwrap_or_default())
}

/// The aliases that send invocations to a version.
pub(super) fn aliases_of<'a>(
    function: &'a Function,
    version: &'a str,
) -> impl Iterator<Item = &'a str> {
    let points = move |alias: &super::function::Alias| {
        let additional = alias.additional.as_ref();
        alias.version == version || additional.is_some_and(|(other, _)| other == version)
    };
    function
        .aliases
        .iter()
        .filter(move |(_, alias)| points(alias))
        .map(|(name, _)| name.as_str())
}

/// The version that an alias sends one invocation to, or what the qualifier itself names.
pub(super) fn routed(function: &Function, qualifier: Option<&str>) -> Option<String> {
    let version = function.resolve(qualifier)?;
    let additional = qualifier
        .and_then(|name| function.aliases.get(name))
        .and_then(|alias| alias.additional.as_ref());
    Some(match additional {
        Some((other, weight)) if fastrand::f64() < *weight => other.clone(),
        _ => version,
    })
}

/// Checks that `version` can be pointed at.
pub(super) fn check(function: &Function, version: &str) -> Result<(), ApiError> {
    if function.version(version).is_some() {
        return Ok(());
    }
    Err(super::not_found(format!(
        "Function not found: {}:{version}",
        function.arn
    )))
}
