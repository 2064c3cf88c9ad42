//! Aliases: names for versions.

use serde_json::{Value, json};

use super::function::{Alias, Function};
use super::functions::{check_revision, conflict, named};
use super::reference::LATEST;
use super::{invalid, not_found, page, versions};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = name(input)?.to_owned();
    let function = named(input)?.find_whole(call)?;
    if function.aliases.contains_key(&name) {
        return Err(conflict(format!(
            "Alias already exists: {}:{name}",
            function.arn
        )));
    }
    let version = input.text("FunctionVersion").ok_or_else(|| {
        invalid("1 validation error detected: Value null at 'functionVersion' failed to satisfy constraint: Member must not be null")
    })?;
    let mut alias = Alias {
        version: version.to_owned(),
        description: String::new(),
        revision_id: uuid(),
        additional: None,
    };
    read(&mut alias, function, input)?;
    let shown = shown(function, &name, &alias);
    function.aliases.insert(name, alias);
    Ok(shown)
}

pub(super) fn update(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, name) = found(call, input)?;
    let mut alias = function.aliases[&name].clone();
    check_revision(&alias.revision_id, input)?;
    read(&mut alias, function, input)?;
    alias.revision_id = uuid();
    let shown = shown(function, &name, &alias);
    function.aliases.insert(name, alias);
    Ok(shown)
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, name) = found(call, input)?;
    Ok(shown(function, &name, &function.aliases[&name]))
}

/// Deleting an alias that does not exist succeeds, as on AWS.
pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = name(input)?;
    let function = named(input)?.find_whole(call)?;
    function.aliases.remove(name);
    function.permissions.remove(name);
    function.event_configs.remove(name);
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find_whole(call)?;
    let version = input.text("FunctionVersion");
    let aliases = function
        .aliases
        .iter()
        .filter(|(_, alias)| version.is_none_or(|version| alias.version == version))
        .map(|(name, alias)| shown(function, name, alias));
    page::of(input, "Aliases", aliases, |alias| {
        alias["Name"].as_str().unwrap_or_default().to_owned()
    })
}

fn found<'a>(
    call: &'a mut Call<'_>,
    input: &Value,
) -> Result<(&'a mut Function, String), ApiError> {
    let name = name(input)?.to_owned();
    let function = named(input)?.find_whole(call)?;
    if function.aliases.contains_key(&name) {
        return Ok((function, name));
    }
    Err(not_found(format!(
        "Cannot find alias arn: {}:{name}",
        function.arn
    )))
}

fn name(input: &Value) -> Result<&str, ApiError> {
    let name = input.text("Name").unwrap_or_default();
    let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let number = name.bytes().all(|b| b.is_ascii_digit());
    if !(1..=128).contains(&name.len()) || !name.bytes().all(known) || number {
        return Err(invalid(format!(
            "1 validation error detected: Value '{name}' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)"
        )));
    }
    Ok(name)
}

/// Takes over what the request says.
fn read(alias: &mut Alias, function: &Function, input: &Value) -> Result<(), ApiError> {
    if let Some(version) = input.text("FunctionVersion") {
        version.clone_into(&mut alias.version);
    }
    versions::check(function, &alias.version)?;
    if let Some(description) = input.text("Description") {
        if description.chars().count() > 256 {
            return Err(invalid(
                "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
            ));
        }
        description.clone_into(&mut alias.description);
    }
    if let Some(routing) = input.field("RoutingConfig") {
        alias.additional = additional(routing)?;
    }
    if let Some((other, _)) = &alias.additional {
        versions::check(function, other)?;
        if *other == alias.version || other == LATEST || alias.version == LATEST {
            return Err(invalid(
                "An alias can share its invocations between two different published versions only.",
            ));
        }
    }
    Ok(())
}

/// One more version, with a share between 0 and 1.
fn additional(routing: &Value) -> Result<Option<(String, f64)>, ApiError> {
    let weights = routing
        .field("AdditionalVersionWeights")
        .and_then(Value::as_object);
    let mut weights = weights.into_iter().flatten();
    let (Some((version, weight)), more) = (weights.next(), weights.next()) else {
        return Ok(None);
    };
    let weight = weight.as_f64().filter(|it| (0.0..=1.0).contains(it));
    match (weight, more) {
        (Some(weight), None) => Ok(Some((version.clone(), weight))),
        _ => Err(invalid(
            "RoutingConfig.AdditionalVersionWeights must name one version, with a weight from 0.0 to 1.0.",
        )),
    }
}

fn shown(function: &Function, name: &str, alias: &Alias) -> Value {
    let mut shown = json!({
        "AliasArn": format!("{}:{name}", function.arn),
        "Name": name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    });
    if let Some((version, weight)) = &alias.additional {
        shown["RoutingConfig"] = json!({"AdditionalVersionWeights": {version: weight}});
    }
    shown
}
