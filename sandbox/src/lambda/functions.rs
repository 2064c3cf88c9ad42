//! Functions: create, read, update, delete.

use serde_json::{Value, json};

use super::code::Code;
use super::function::{Architecture, Function, Settings};
use super::reference::Reference;
use super::{host, invalid, tags};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    refuse_publish(input)?;
    let name = reference.name.clone();
    if call.here().lambda.functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    let settings = Settings::create(call, &name, input)?;
    let architecture = Architecture::read(input, Architecture::X86)?;
    let tags = tags::read(call, input)?;
    let code = Code::read(call, input.field("Code").unwrap_or(&Value::Null))?;
    let function = Function {
        arn: call.arn("lambda", &format!("function:{name}")),
        settings,
        code,
        architecture,
        tags,
        modified: call.now,
        revision_id: uuid(),
        generation: call.sandbox.functions.next_generation(),
        permissions: Vec::new(),
        reserved_concurrency: None,
        name: name.clone(),
    };
    let shown = function.configuration();
    call.here().lambda.functions.insert(name, function);
    Ok(shown)
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let function = named(input)?.find(call)?;
    let mut answer = json!({
        "Configuration": function.configuration(),
        "Code": {"RepositoryType": "S3"},
    });
    if !function.tags.is_empty() {
        answer["Tags"] = json!(function.tags);
    }
    if let Some(reserved) = function.reserved_concurrency {
        answer["Concurrency"] = json!({"ReservedConcurrentExecutions": reserved});
    }
    Ok(answer)
}

pub(super) fn get_configuration(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    Ok(named(input)?.find(call)?.configuration())
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    if input.field("MasterRegion").is_some() {
        return Err(ApiError::not_implemented(
            "lambda",
            "ListFunctions with MasterRegion",
        ));
    }
    // The sandbox has no published versions, so `ALL` adds nothing.
    let limit = match input.int("MaxItems").map_err(|error| invalid(error.message))? {
        None => 50,
        Some(items) => usize::try_from(items)
            .ok()
            .filter(|items| (1..=10_000).contains(items))
            .ok_or_else(|| invalid("1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 10000"))?
            .min(50),
    };
    let after = input.text("Marker").unwrap_or_default();
    let functions = &call.here().lambda.functions;
    let mut rest = functions
        .values()
        .filter(|function| function.name.as_str() > after);
    let page: Vec<&Function> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let mut answer = json!({
        "Functions": page.iter().map(|function| function.configuration()).collect::<Vec<_>>(),
    });
    if more && let Some(last) = page.last() {
        answer["NextMarker"] = json!(last.name);
    }
    Ok(answer)
}

pub(super) fn update_code(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    refuse_publish(input)?;
    let current = reference.find(call)?;
    check_revision(current, input)?;
    let architecture = Architecture::read(input, current.architecture)?;
    let code = Code::read(call, input)?;
    let dry_run = input
        .flag("DryRun")
        .map_err(|error| invalid(error.message))?
        .unwrap_or(false);
    if dry_run {
        let mut preview = reference.find(call)?.clone();
        preview.code = code;
        preview.architecture = architecture;
        return Ok(preview.configuration());
    }
    let function = changed(call, &reference)?;
    function.code = code;
    function.architecture = architecture;
    Ok(function.configuration())
}

pub(super) fn update_configuration(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let current = reference.find(call)?;
    check_revision(current, input)?;
    let settings = current.settings.clone().update(call, input)?;
    let function = changed(call, &reference)?;
    function.settings = settings;
    Ok(function.configuration())
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    reference.find(call)?;
    if input.text("Qualifier").is_some() {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
    }
    call.here().lambda.functions.remove(&reference.name);
    retire(call, &reference);
    Ok(json!({}))
}

/// The function, marked as changed; its running processes belong to the past.
fn changed<'a>(
    call: &'a mut Call<'_>,
    reference: &Reference,
) -> Result<&'a mut Function, ApiError> {
    retire(call, reference);
    let now = call.now;
    let generation = call.sandbox.functions.next_generation();
    let function = reference.find(call)?;
    function.modified = now;
    function.generation = generation;
    function.revision_id = uuid();
    Ok(function)
}

fn retire(call: &Call<'_>, reference: &Reference) {
    let key = host::Key::new(&call.account.id, &call.region, &reference.name);
    call.sandbox.functions.retire(&key);
}

/// The function that the request names.
pub(super) fn named(input: &Value) -> Result<Reference, ApiError> {
    let name = input.text("FunctionName").ok_or_else(|| {
        invalid("1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null")
    })?;
    Reference::parse(name, input.text("Qualifier"))
}

fn refuse_publish(input: &Value) -> Result<(), ApiError> {
    if input
        .flag("Publish")
        .map_err(|error| invalid(error.message))?
        == Some(true)
    {
        return Err(ApiError::not_implemented("lambda", "published versions"));
    }
    Ok(())
}

/// An update can insist on the revision that it was made from.
pub(super) fn check_revision(function: &Function, input: &Value) -> Result<(), ApiError> {
    match input.text("RevisionId") {
        Some(id) if id != function.revision_id => Err(ApiError::new(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
        )),
        _ => Ok(()),
    }
}

pub(super) fn conflict(message: impl Into<String>) -> ApiError {
    ApiError::new(409, "ResourceConflictException", message)
}
