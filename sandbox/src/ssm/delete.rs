//! Deleting parameters. There is no way back.

use serde_json::{Value, json};

use super::{accept, get};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(super) fn one(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("DeleteParameter", input, &["Name"])?;
    let name = input.require("Name")?;
    match call.here().ssm.parameters.remove(name) {
        Some(_) => Ok(json!({})),
        None => Err(get::not_found(name)),
    }
}

/// What does not exist is listed, and no error.
pub(super) fn many(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept("DeleteParameters", input, &["Names"])?;
    let parameters = &mut call.here().ssm.parameters;
    let (deleted, missing): (Vec<String>, Vec<String>) = get::names(input)?
        .into_iter()
        .partition(|name| parameters.remove(name).is_some());
    Ok(json!({"DeletedParameters": deleted, "InvalidParameters": missing}))
}
