//! Systems Manager's Parameter Store.
//!
//! Names, limits and errors are those of the service's API model (`ssm-2014-11-06`) and of the API reference of
//! `PutParameter`. Parameter policies, labels and shared parameters are not implemented.

use serde_json::Value;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::Access;
use crate::ids::Arn;
use crate::protocol::Operation;
use crate::sandbox::{Call, Outcome};

mod delete;
mod describe;
mod get;
mod keys;
mod name;
mod page;
mod parameter;
mod parameters;
mod put;
mod tags;
#[cfg(test)]
mod tests;

/// What the service holds: parameters by name.
#[derive(Debug, Clone, Default)]
pub struct State {
    parameters: parameters::Parameters,
}

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    let input = &operation.input;
    let answer = match operation.name.as_str() {
        "PutParameter" => put::put(call, input),
        "GetParameter" => get::one(call, input),
        "GetParameters" => get::many(call, input),
        "GetParametersByPath" => get::by_path(call, input),
        "DescribeParameters" => describe::describe(call, input),
        "DeleteParameter" => delete::one(call, input),
        "DeleteParameters" => delete::many(call, input),
        "AddTagsToResource" => tags::add(call, input),
        "RemoveTagsFromResource" => tags::remove(call, input),
        "ListTagsForResource" => tags::list(call, input),
        name => Err(ApiError::not_implemented("ssm", name)),
    }?;
    Ok(answer.into())
}

/// What is needed for the parameters, and then for the keys of those that are secret.
pub(crate) fn required_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let mut needed = parameters_access(call, operation);
    needed.extend(keys::needed(call, operation));
    needed
}

/// Every parameter that is named is a resource for IAM, a path too; listing is not about one.
fn parameters_access(call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let mut names = input.texts("Names");
    names.extend(
        ["Name", "Path", "ResourceId"]
            .iter()
            .filter_map(|member| input.text(member))
            .map(str::to_owned),
    );
    if operation.name == "DescribeParameters" || names.is_empty() {
        return vec![Access::anywhere("ssm", &operation.name)];
    }
    names
        .iter()
        .map(|given| {
            let name = name::Wanted::read(given).name;
            if Arn::parse(given).is_some_and(|arn| call.owns(&arn).is_err()) {
                return Access::on("ssm", &operation.name, given.clone());
            }
            let access = Access::on("ssm", &operation.name, name::arn(call, &name));
            let parameter = call.here().ssm.parameters.get(&name);
            let tags = parameter.into_iter().flat_map(|found| &found.tags);
            tags.fold(access, |access, (key, value)| {
                access.with(&format!("aws:resourcetag/{key}"), value)
            })
        })
        .collect()
}

/// Refuses members that the operation would ignore.
fn accept(operation: &str, input: &Value, known: &[&str]) -> Result<(), ApiError> {
    let members = input.as_object().into_iter().flatten();
    for (name, value) in members {
        if !value.is_null() && !known.contains(&name.as_str()) {
            let what = format!("{operation} with {name}");
            return Err(ApiError::not_implemented("ssm", &what));
        }
    }
    Ok(())
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}
