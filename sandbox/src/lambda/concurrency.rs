//! How many invocations may run at once.

use serde_json::{Value, json};

use super::code::MAX_UNZIPPED;
use super::functions::named;
use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// What an account may run at once in a region: AWS's default.
pub(super) const ACCOUNT_LIMIT: u32 = 1000;
/// Reservations must leave this much to the functions without one.
const UNRESERVED_MINIMUM: u32 = 100;

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let wanted = input
        .int("ReservedConcurrentExecutions")
        .map_err(|error| invalid(error.message))?
        .and_then(|wanted| u32::try_from(wanted).ok())
        .ok_or_else(|| invalid("1 validation error detected: Value at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"))?;
    let name = reference.find(call)?.name.clone();
    let others: u32 = call
        .here()
        .lambda
        .functions
        .values()
        .filter(|function| function.name != name)
        .filter_map(|function| function.reserved_concurrency)
        .sum();
    if others.saturating_add(wanted) > ACCOUNT_LIMIT - UNRESERVED_MINIMUM {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MINIMUM}]."
        )));
    }
    reference.find(call)?.reserved_concurrency = Some(wanted);
    Ok(json!({"ReservedConcurrentExecutions": wanted}))
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find(call)?;
    Ok(match function.reserved_concurrency {
        Some(reserved) => json!({"ReservedConcurrentExecutions": reserved}),
        None => json!({}),
    })
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    named(input)?.find(call)?.reserved_concurrency = None;
    Ok(json!({}))
}

/// What invocations of functions without a reservation share.
pub(super) fn unreserved(call: &mut Call<'_>) -> u32 {
    let reserved: u32 = call
        .here()
        .lambda
        .functions
        .values()
        .filter_map(|function| function.reserved_concurrency)
        .sum();
    ACCOUNT_LIMIT.saturating_sub(reserved)
}

pub(super) fn account_settings(call: &mut Call<'_>) -> Result<Value, ApiError> {
    let unreserved = unreserved(call);
    let functions = &call.here().lambda.functions;
    let used: usize = functions
        .values()
        .map(|function| function.code.size())
        .sum();
    Ok(json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": MAX_UNZIPPED,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": ACCOUNT_LIMIT,
            "UnreservedConcurrentExecutions": unreserved,
        },
        "AccountUsage": {"TotalCodeSize": used, "FunctionCount": functions.len()},
    }))
}
