//! The resource-based policy of a function: who else may invoke it.

use serde_json::{Value, json};

use super::function::{Function, UNQUALIFIED};
use super::functions::{check_revision, conflict, named};
use super::reference::{LATEST, Reference};
use super::{invalid, not_found};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::ids::{AccountId, uuid};
use crate::sandbox::Call;

/// Bytes of a whole policy.
const MAX_POLICY: usize = 20_480;

pub(super) fn add(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    for unsupported in [
        "EventSourceToken",
        "PrincipalOrgID",
        "FunctionUrlAuthType",
        "InvokedViaFunctionUrl",
    ] {
        if input.field(unsupported).is_some() {
            let what = format!("AddPermission with {unsupported}");
            return Err(ApiError::not_implemented("lambda", &what));
        }
    }
    let reference = named(input)?;
    let partition = call.region.partition();
    let arn = reference.arn(call);
    let (function, place) = policy_of(call, &reference)?;
    check_revision(&function.latest.revision_id, input)?;
    let id = require(input, "StatementId")?;
    let known = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if id.len() > 100 || !id.bytes().all(known) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{id}' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)"
        )));
    }
    let statements = function.permissions.entry(place.clone()).or_default();
    if statements.iter().any(|statement| statement["Sid"] == id) {
        return Err(conflict(format!(
            "The statement id ({id}) provided already exists. Please provide a new statement id, or remove the existing statement."
        )));
    }
    let mut statement = json!({
        "Sid": id,
        "Effect": "Allow",
        "Principal": principal(require(input, "Principal")?, partition)?,
        "Action": action(require(input, "Action")?)?,
        "Resource": arn,
    });
    if let Some(condition) = condition(input)? {
        statement["Condition"] = condition;
    }
    statements.push(statement.clone());
    let size = function
        .policy(&place)
        .map_or(0, |policy| policy.to_string().len());
    if size > MAX_POLICY {
        let statements = function.permissions.entry(place).or_default();
        statements.pop();
        return Err(ApiError::bad(
            "PolicyLengthExceededException",
            format!("The final policy size ({size}) is bigger than the limit ({MAX_POLICY})."),
        ));
    }
    function.latest.revision_id = uuid();
    Ok(json!({"Statement": statement.to_string()}))
}

pub(super) fn remove(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, qualifier) = policy_of(call, &named(input)?)?;
    check_revision(&function.latest.revision_id, input)?;
    let id = require(input, "StatementId")?;
    let statements = function.permissions.entry(qualifier).or_default();
    let place = statements
        .iter()
        .position(|statement| statement["Sid"] == id)
        .ok_or_else(|| not_found(format!("Statement {id} is not found in resource policy.")))?;
    statements.remove(place);
    function.latest.revision_id = uuid();
    Ok(json!({}))
}

pub(super) fn get(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let (function, qualifier) = policy_of(call, &named(input)?)?;
    let policy = function
        .policy(&qualifier)
        .ok_or_else(|| not_found("The resource you requested does not exist."))?;
    Ok(json!({"Policy": policy.to_string(), "RevisionId": function.latest.revision_id}))
}

/// The function, and where the policy is that the request is about: versions and aliases have their
/// own.
fn policy_of<'a>(
    call: &'a mut Call<'_>,
    reference: &Reference,
) -> Result<(&'a mut Function, String), ApiError> {
    let place = match reference.qualifier() {
        None => UNQUALIFIED,
        Some(LATEST) => {
            return Err(invalid(
                "We currently do not support adding policies for $LATEST.",
            ));
        }
        Some(qualifier) => qualifier,
    };
    let (function, _) = reference.resolve(call)?;
    Ok((function, place.to_owned()))
}

fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input.text(name).filter(|text| !text.is_empty()).ok_or_else(|| {
        invalid(format!(
            "1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"
        ))
    })
}

fn action(action: &str) -> Result<&str, ApiError> {
    let named = action.strip_prefix("lambda:").is_some_and(|name| {
        name == "*" || (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic()))
    });
    if named || action == "*" {
        return Ok(action);
    }
    Err(invalid(format!(
        "1 validation error detected: Value '{action}' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])"
    )))
}

/// A service, an account, an ARN, or everybody.
fn principal(principal: &str, partition: &str) -> Result<Value, ApiError> {
    if principal == "*" {
        Ok(json!("*"))
    } else if AccountId::parse(principal).is_some() {
        Ok(json!({"AWS": format!("arn:{partition}:iam::{principal}:root")}))
    } else if principal.starts_with("arn:") {
        Ok(json!({"AWS": principal}))
    } else if principal.contains('.') && !principal.contains(char::is_whitespace) {
        Ok(json!({"Service": principal}))
    } else {
        Err(invalid(
            "The provided principal was invalid. Please check the principal and try again.",
        ))
    }
}

fn condition(input: &Value) -> Result<Option<Value>, ApiError> {
    let mut condition = json!({});
    if let Some(account) = input.text("SourceAccount") {
        if AccountId::parse(account).is_none() {
            return Err(invalid(format!(
                "1 validation error detected: Value '{account}' at 'sourceAccount' failed to satisfy constraint: Member must satisfy regular expression pattern: \\d{{12}}"
            )));
        }
        condition["StringEquals"] = json!({"AWS:SourceAccount": account});
    }
    if let Some(arn) = input.text("SourceArn") {
        if !arn.starts_with("arn:") {
            return Err(invalid(format!(
                "1 validation error detected: Value '{arn}' at 'sourceArn' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:.*"
            )));
        }
        condition["ArnLike"] = json!({"AWS:SourceArn": arn});
    }
    Ok((condition != json!({})).then_some(condition))
}
