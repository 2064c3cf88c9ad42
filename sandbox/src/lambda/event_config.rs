//! What happens to asynchronous invocations: how often, for how long, and who hears of the end.

use serde_json::{Value, json};

use super::destinations;
use super::function::Function;
use super::functions::named;
use super::reference::{LATEST, Reference};
use super::{invalid, not_found, page};
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// Unset members have their defaults: two retries, six hours, nobody.
#[derive(Debug, Clone)]
pub(super) struct EventConfig {
    pub(super) retries: Option<u32>,
    /// Seconds.
    pub(super) max_age: Option<u32>,
    /// ARNs.
    pub(super) on_success: Option<String>,
    pub(super) on_failure: Option<String>,
    modified: Timestamp,
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let empty = EventConfig {
        retries: None,
        max_age: None,
        on_success: None,
        on_failure: None,
        modified: call.now,
    };
    store(call, input, empty)
}

pub(super) fn update(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, qualifier) = place(call, &named(input)?)?;
    let current = existing(function, &qualifier)?.clone();
    store(call, input, current)
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, qualifier) = place(call, &named(input)?)?;
    Ok(shown(function, &qualifier, existing(function, &qualifier)?))
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, qualifier) = place(call, &named(input)?)?;
    existing(function, &qualifier)?;
    function.event_configs.remove(&qualifier);
    Ok(json!({}))
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find(call)?;
    let configs = function
        .event_configs
        .iter()
        .map(|(qualifier, config)| shown(function, qualifier, config));
    page::of(input, "FunctionEventInvokeConfigs", configs, |config| {
        config["FunctionArn"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    })
}

fn store(call: &mut Call<'_>, input: &Value, mut config: EventConfig) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let (function, qualifier) = place(call, &reference)?;
    let version = function.resolve(Some(&qualifier)).unwrap_or_default();
    let role = function
        .version(&version)
        .map(|version| version.settings.role.clone())
        .unwrap_or_default();
    if let Some(retries) = number(input, "MaximumRetryAttempts", 0, 2)? {
        config.retries = Some(retries);
    }
    if let Some(age) = number(input, "MaximumEventAgeInSeconds", 60, 21_600)? {
        config.max_age = Some(age);
    }
    if let Some(destinations) = input.field("DestinationConfig") {
        for (name, place) in [
            ("OnSuccess", &mut config.on_success),
            ("OnFailure", &mut config.on_failure),
        ] {
            let Some(destination) = destinations.field(name) else {
                continue;
            };
            let arn = destination.text("Destination").unwrap_or_default();
            if !arn.is_empty() {
                destinations::check(call, &role, arn)?;
            }
            *place = (!arn.is_empty()).then(|| arn.to_owned());
        }
    }
    config.modified = call.now;
    let function = reference.find(call)?;
    let shown = shown(function, &qualifier, &config);
    function.event_configs.insert(qualifier, config);
    Ok(shown)
}

/// The function, and the qualifier under which the configuration is.
fn place<'a>(
    call: &'a mut Call<'_>,
    reference: &Reference,
) -> Result<(&'a mut Function, String), ApiError> {
    let qualifier = reference.qualifier().unwrap_or(LATEST).to_owned();
    let (function, _) = reference.resolve(call)?;
    Ok((function, qualifier))
}

fn existing<'a>(function: &'a Function, qualifier: &str) -> Result<&'a EventConfig, ApiError> {
    function.event_configs.get(qualifier).ok_or_else(|| {
        not_found(format!(
            "The function {}:{qualifier} doesn't have an EventInvokeConfig",
            function.arn
        ))
    })
}

fn shown(function: &Function, qualifier: &str, config: &EventConfig) -> Value {
    let destination = |arn: &Option<String>| match arn {
        Some(arn) => json!({"Destination": arn}),
        None => json!({}),
    };
    let mut shown = json!({
        "LastModified": epoch_seconds(config.modified),
        "FunctionArn": format!("{}:{qualifier}", function.arn),
        "DestinationConfig": {
            "OnSuccess": destination(&config.on_success),
            "OnFailure": destination(&config.on_failure),
        },
    });
    if let Some(retries) = config.retries {
        shown["MaximumRetryAttempts"] = json!(retries);
    }
    if let Some(age) = config.max_age {
        shown["MaximumEventAgeInSeconds"] = json!(age);
    }
    shown
}

fn number(input: &Value, name: &str, min: i64, max: i64) -> Result<Option<u32>, ApiError> {
    let Some(value) = input.int(name).map_err(|error| invalid(error.message))? else {
        return Ok(None);
    };
    u32::try_from(value)
        .ok()
        .filter(|_| (min..=max).contains(&value))
        .map(Some)
        .ok_or_else(|| {
            invalid(format!(
                "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must have value between {min} and {max}"
            ))
        })
}
