//! How many invocations may run at once.

use serde_json::{Value, json};

use super::code::MAX_UNZIPPED;
use super::functions::named;
use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// What an account may run at once in a region, unless the sandbox is told otherwise: AWS's default.
pub(crate) const ACCOUNT_LIMIT: u32 = 1000;
/// Reservations must leave this much to the functions without one.
const UNRESERVED_MINIMUM: u32 = 100;

/// What an account may run at once in a region.
pub(crate) fn account_limit(call: &Call<'_>) -> u32 {
    let chosen = call.sandbox.settings.lambda_concurrency;
    chosen.unwrap_or(ACCOUNT_LIMIT)
}

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let wanted = input
        .int("ReservedConcurrentExecutions")
        .map_err(|error| invalid(error.message))?
        .and_then(|wanted| u32::try_from(wanted).ok())
        .ok_or_else(|| invalid("1 validation error detected: Value at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 0"))?;
    let name = reference.find_whole(call)?.name.clone();
    let others: u32 = call
        .here()
        .lambda
        .functions
        .values()
        .filter(|function| function.name != name)
        .filter_map(|function| function.reserved_concurrency)
        .sum();
    let most = account_limit(call).saturating_sub(UNRESERVED_MINIMUM);
    // Reserving nothing, which stops the function, takes nothing from the others.
    if wanted > 0 && others.saturating_add(wanted) > most {
        return Err(invalid(format!(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MINIMUM}]."
        )));
    }
    reference.find_whole(call)?.reserved_concurrency = Some(wanted);
    Ok(json!({"ReservedConcurrentExecutions": wanted}))
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find_whole(call)?;
    Ok(match function.reserved_concurrency {
        Some(reserved) => json!({"ReservedConcurrentExecutions": reserved}),
        None => json!({}),
    })
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    named(input)?.find_whole(call)?.reserved_concurrency = None;
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
    account_limit(call).saturating_sub(reserved)
}

pub(super) fn account_settings(call: &mut Call<'_>) -> Result<Value, ApiError> {
    let (limit, unreserved) = (account_limit(call), unreserved(call));
    let functions = &call.here().lambda.functions;
    let used: usize = functions
        .values()
        .flat_map(|function| function.published.values().chain([&function.latest]))
        .map(|version| version.code.size())
        .sum();
    Ok(json!({
        "AccountLimit": {
            "TotalCodeSize": 80_530_636_800_u64,
            "CodeSizeUnzipped": MAX_UNZIPPED,
            "CodeSizeZipped": 52_428_800,
            "ConcurrentExecutions": limit,
            "UnreservedConcurrentExecutions": unreserved,
        },
        "AccountUsage": {"TotalCodeSize": used, "FunctionCount": functions.len()},
    }))
}
