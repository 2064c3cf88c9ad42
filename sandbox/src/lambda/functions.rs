//! Functions: create, read, update, delete.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::code::Code;
use super::function::{Architecture, Function, Settings, Version};
use super::reference::{LATEST, Reference};
use super::{host, invalid, page, tags, versions};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::uuid;
use crate::sandbox::Call;

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    reference.check_place(call)?;
    let publish = publish(input)?;
    let name = reference.name.clone();
    if call.here().lambda.functions.contains_key(&name) {
        return Err(conflict(format!("Function already exist: {name}")));
    }
    let settings = Settings::create(call, &name, input)?;
    let architecture = Architecture::read(input, Architecture::X86)?;
    let tags = tags::read(call, input)?;
    let code = Code::read(call, input.field("Code").unwrap_or(&Value::Null))?;
    let mut function = Function {
        arn: call.arn("lambda", &format!("function:{name}")),
        latest: Version {
            settings,
            code,
            architecture,
            modified: call.now,
            revision_id: uuid(),
            generation: call.sandbox.functions.next_generation(),
        },
        published: BTreeMap::new(),
        last_number: 0,
        aliases: BTreeMap::new(),
        tags,
        permissions: BTreeMap::new(),
        event_configs: BTreeMap::new(),
        reserved_concurrency: None,
        name: name.clone(),
    };
    let mut shown = function.shown();
    if publish {
        let generation = call.sandbox.functions.next_generation();
        let number = versions::publish(&mut function, None, generation);
        shown["Version"] = json!(number);
    }
    call.here().lambda.functions.insert(name, function);
    Ok(shown)
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let configuration = get_configuration(call, input)?;
    let function = named(input)?.find(call)?;
    let mut answer = json!({
        "Configuration": configuration,
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
    let reference = named(input)?;
    let missing = reference.missing(call);
    let function = reference.find(call)?;
    function.configuration(reference.qualifier()).ok_or(missing)
}

pub(super) fn list(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    if input.field("MasterRegion").is_some() {
        return Err(ApiError::not_implemented(
            "lambda",
            "ListFunctions with MasterRegion",
        ));
    }
    let all = match input.text("FunctionVersion") {
        None => false,
        Some("ALL") => true,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"
            )));
        }
    };
    let functions = call.here().lambda.functions.values();
    let shown = functions.flat_map(|function| {
        if all {
            versions::shown(function)
        } else {
            vec![function.shown()]
        }
    });
    page::of(input, "Functions", shown, |function| {
        let name = function["FunctionName"].as_str().unwrap_or_default();
        // A space comes before every letter of a name.
        format!("{name} {}", versions::place(function))
    })
}

pub(super) fn update_code(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    reference.check_place(call)?;
    let publish = publish(input)?;
    let current = reference.find_whole(call)?;
    check_revision(&current.latest.revision_id, input)?;
    let architecture = Architecture::read(input, current.latest.architecture)?;
    let code = Code::read(call, input)?;
    let dry_run = input
        .flag("DryRun")
        .map_err(|error| invalid(error.message))?
        .unwrap_or(false);
    if dry_run {
        let mut preview = reference.find(call)?.clone();
        preview.latest.code = code;
        preview.latest.architecture = architecture;
        return Ok(preview.shown());
    }
    let function = changed(call, &reference)?;
    function.latest.code = code;
    function.latest.architecture = architecture;
    if !publish {
        return Ok(function.shown());
    }
    let generation = call.sandbox.functions.next_generation();
    let function = reference.find(call)?;
    let number = versions::publish(function, None, generation);
    Ok(function.configuration(Some(&number)).unwrap_or_default())
}

pub(super) fn update_configuration(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let current = reference.find_whole(call)?;
    check_revision(&current.latest.revision_id, input)?;
    let settings = current.latest.settings.clone().update(call, input)?;
    let function = changed(call, &reference)?;
    function.latest.settings = settings;
    Ok(function.shown())
}

/// Deletes the function with all its versions, or one version.
pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let reference = named(input)?;
    let Some(qualifier) = reference.qualifier() else {
        let function = reference.find(call)?.clone();
        call.here().lambda.functions.remove(&reference.name);
        retire(call, &function.name, LATEST);
        for number in function.published.keys() {
            retire(call, &function.name, &number.to_string());
        }
        return Ok(json!({}));
    };
    if qualifier == LATEST {
        return Err(invalid(
            "$LATEST version cannot be deleted without deleting the function.",
        ));
    }
    let (function, number) = reference.resolve(call)?;
    if function.aliases.contains_key(qualifier) {
        return Err(invalid(format!(
            "{qualifier} is an alias; only a version can be deleted here."
        )));
    }
    let pointing: Vec<&str> = versions::aliases_of(function, &number).collect();
    if !pointing.is_empty() {
        return Err(conflict(format!(
            "Function {} cannot be deleted because the following aliases reference it: [{}]",
            function.name,
            pointing.join(", ")
        )));
    }
    if let Ok(number) = number.parse() {
        function.published.remove(&number);
    }
    function.permissions.remove(&number);
    function.event_configs.remove(&number);
    let name = function.name.clone();
    retire(call, &name, &number);
    Ok(json!({}))
}

/// The function, marked as changed; its running processes belong to the past.
fn changed<'a>(
    call: &'a mut Call<'_>,
    reference: &Reference,
) -> Result<&'a mut Function, ApiError> {
    retire(call, &reference.name, LATEST);
    let now = call.now;
    let generation = call.sandbox.functions.next_generation();
    let function = reference.find(call)?;
    function.latest.modified = now;
    function.latest.generation = generation;
    function.latest.revision_id = uuid();
    Ok(function)
}

fn retire(call: &Call<'_>, name: &str, version: &str) {
    let key = host::Key::new(&call.account.id, &call.region, name, version);
    call.sandbox.functions.retire(&key);
}

/// The function that the request names.
pub(super) fn named(input: &Value) -> Result<Reference, ApiError> {
    let name = input.text("FunctionName").ok_or_else(|| {
        invalid("1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null")
    })?;
    Reference::parse(name, input.text("Qualifier"))
}

fn publish(input: &Value) -> Result<bool, ApiError> {
    let flag = input.flag("Publish");
    Ok(flag.map_err(|error| invalid(error.message))? == Some(true))
}

/// An update can insist on the revision that it was made from.
pub(super) fn check_revision(current: &str, input: &Value) -> Result<(), ApiError> {
    match input.text("RevisionId") {
        Some(id) if id != current => Err(ApiError::new(
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
