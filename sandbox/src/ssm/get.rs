//! Reading parameters: one, some, or all below a path.

use serde_json::{Value, json};

use super::name::{self, Wanted};
use super::{State, accept, describe, invalid, page};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// Below it the secrets of Secrets Manager have names.
const SECRETS: &str = "/aws/reference/secretsmanager/";

/// Names in one request.
pub(super) const MAX_NAMES: usize = 10;

pub(super) fn one(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("GetParameter", input, &["Name", "WithDecryption"])?;
    let decrypt = input.flag("WithDecryption")?.unwrap_or(false);
    let wanted = Wanted::read_here(call, "GetParameter", input.require("Name")?)?;
    name::check_form(&wanted.name)?;
    let parameter = find(&call.here().ssm, &wanted, decrypt)?;
    Ok(json!({"Parameter": parameter}))
}

/// What does not exist is listed, and no error.
pub(super) fn many(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("GetParameters", input, &["Names", "WithDecryption"])?;
    let decrypt = input.flag("WithDecryption")?.unwrap_or(false);
    let names = names(input)?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for given in names {
        let wanted = match Wanted::read_here(call, "GetParameters", &given) {
            Ok(wanted) => wanted,
            Err(error) if error.code == "ParameterNotFound" => {
                missing.push(given);
                continue;
            }
            // What is denied is no missing name.
            Err(error) => return Err(error),
        };
        match find(&call.here().ssm, &wanted, decrypt) {
            Ok(parameter) => found.push(parameter),
            Err(error) if error.status == 501 => return Err(error),
            Err(_) => missing.push(given),
        }
    }
    Ok(json!({"Parameters": found, "InvalidParameters": missing}))
}

pub(super) fn by_path(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "GetParametersByPath",
        input,
        &[
            "Path",
            "Recursive",
            "ParameterFilters",
            "WithDecryption",
            "MaxResults",
            "NextToken",
        ],
    )?;
    let path = input.require("Path")?;
    if !path.starts_with('/') {
        return Err(invalid(
            "The parameter doesn't meet the parameter name requirements. The parameter name must begin with a forward slash \"/\". It can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol \"/\". Valid example: /get/parameters2-/by1./path0_.",
        ));
    }
    let recursive = input.flag("Recursive")?.unwrap_or(false);
    let decrypt = input.flag("WithDecryption")?.unwrap_or(false);
    // Tag, Name and Path are refused here, says the API reference of ParameterStringFilter.
    let filters = describe::filters(input, &["Type", "KeyId", "DataType", "Tier"])?;
    let below = |name: &str| is_below(name, path, recursive);
    let state = &call.here().ssm;
    let found = state
        .parameters
        .iter()
        .filter(|(name, parameter)| {
            below(name) && filters.iter().all(|filter| filter.matches(name, parameter))
        })
        .filter_map(|(name, parameter)| {
            let newest = parameter.newest()?;
            Some((name.as_str(), parameter.read(name, newest, None, decrypt)))
        });
    page::cut(input, "Parameters", page::TEN, found)
}

/// Whether a parameter is below a path: in it, or with `recursive` anywhere under it.
pub(super) fn is_below(name: &str, path: &str, recursive: bool) -> bool {
    let path = path.trim_end_matches('/');
    let rest = name
        .strip_prefix(path)
        .and_then(|rest| rest.strip_prefix('/'));
    match rest {
        Some(rest) => recursive || !rest.contains('/'),
        // A name without a slash stands in the root.
        None => path.is_empty() && !name.contains('/'),
    }
}

fn find(state: &State, wanted: &Wanted, decrypt: bool) -> Result<Value, ApiError> {
    if wanted.name.starts_with(SECRETS) {
        return Err(ApiError::not_implemented(
            "ssm",
            &format!("reading a secret of Secrets Manager as {SECRETS}NAME"),
        ));
    }
    let parameter = state
        .parameters
        .get(&wanted.name)
        .ok_or_else(|| not_found(&wanted.name))?;
    let selector = wanted.selector.as_deref();
    let version = parameter.version(&wanted.name, selector)?;
    Ok(parameter.read(&wanted.name, version, selector, decrypt))
}

/// The names of a request, at most ten.
pub(super) fn names(input: &Value) -> Result<Vec<String>, ApiError> {
    let names = input.texts("Names");
    if (1..=MAX_NAMES).contains(&names.len()) {
        return Ok(names);
    }
    Err(invalid(format!(
        "1 validation error detected: Value at 'names' failed to satisfy constraint: Member must have length between 1 and {MAX_NAMES}"
    )))
}

pub(super) fn not_found(name: &str) -> ApiError {
    ApiError::bad("ParameterNotFound", format!("Parameter {name} not found."))
}
