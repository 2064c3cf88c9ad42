//! How long items are kept: one configuration in an account's region, named `default`.

use serde_json::{Value, json};

use super::page::length;
use super::scope::invalid;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// The only name there is.
const NAME: &str = "default";

/// From thirty days to seven years.
const DAYS: std::ops::RangeInclusive<i64> = 30..=2557;

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let days = input
        .int("RetentionPeriodInDays")?
        .filter(|days| DAYS.contains(days))
        .ok_or_else(|| {
            invalid(format!(
                "The RetentionPeriodInDays must be from {} to {}.",
                DAYS.start(),
                DAYS.end()
            ))
        })?;
    call.here().config.retention_days = Some(days);
    Ok(json!({ "RetentionConfiguration": to_json(days) }).into())
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let names = input.texts("RetentionConfigurationNames");
    let days = call.here().config.retention_days;
    if let Some(unknown) = names.iter().find(|name| days.is_none() || *name != NAME) {
        return Err(no_such(unknown));
    }
    let all: Vec<Value> = days.map(to_json).into_iter().collect();
    Ok(json!({ "RetentionConfigurations": all }).into())
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let name = input.require("RetentionConfigurationName")?;
    length(name, "retentionConfigurationName", (1, 256))?;
    let days = &mut call.here().config.retention_days;
    if days.is_none() || name != NAME {
        return Err(no_such(name));
    }
    *days = None;
    Ok(json!({}).into())
}

fn to_json(days: i64) -> Value {
    json!({"Name": NAME, "RetentionPeriodInDays": days})
}

fn no_such(name: &str) -> ApiError {
    ApiError::bad(
        "NoSuchRetentionConfigurationException",
        format!("Cannot find retention configuration with the specified name '{name}'."),
    )
}
