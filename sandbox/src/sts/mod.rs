//! STS: identities and sessions.

use serde_json::{Value, json};

use crate::caller::{Caller, Credentials};
use crate::clock::{Timestamp, iso8601};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam::{self, Access, Assumable, Verdict, accept, invalid};
use crate::ids::AccountId;
use crate::protocol::{Answer, Operation};
use crate::sandbox::{Call, Outcome, Target};

#[cfg(test)]
mod tests;

pub(crate) fn dispatch(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    match operation.name.as_str() {
        "GetCallerIdentity" => identity(call, operation).map(Outcome::from),
        "GetSessionToken" => session_token(call, operation).map(Outcome::from),
        "AssumeRole" => assume_role(call, operation),
        name => Err(ApiError::not_implemented("sts", name)),
    }
}

pub(crate) fn required_access(_call: &mut Call<'_>, operation: &Operation) -> Vec<Access> {
    let input = &operation.input;
    let mut access = Access::on("sts", &operation.name, input.text("RoleArn").unwrap_or("*"));
    for (member, key) in [
        ("ExternalId", "sts:ExternalId"),
        ("RoleSessionName", "sts:RoleSessionName"),
    ] {
        if let Some(value) = input.text(member) {
            access = access.with(key, value);
        }
    }
    vec![access]
}

fn identity(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sts", operation, &[])?;
    let account = &call.account.id;
    let user_id = match &call.caller {
        // Stable and of the right length; nobody issued it.
        Caller::Operator => format!("AIDAOPERA{account}"),
        Caller::Root => account.to_string(),
        Caller::User { name } => iam::user_id(call.account, name).unwrap_or_else(|| name.clone()),
        Caller::Role { role, session } => match iam::role_id(call.account, role) {
            Some(id) => format!("{id}:{session}"),
            None => session.clone(),
        },
        Caller::Service(principal) => (*principal).to_owned(),
    };
    Ok(json!({
        "UserId": user_id,
        "Account": account.as_str(),
        "Arn": call.caller.arn(account, &call.region),
    }))
}

/// A session of the caller's own identity.
fn session_token(call: &mut Call<'_>, operation: &Operation) -> Result<Value, ApiError> {
    accept("sts", operation, &["DurationSeconds"])?;
    let seconds = duration(&operation.input, 43_200, 129_600)?;
    if matches!(call.caller, Caller::Role { .. }) {
        return Err(ApiError::new(
            403,
            "AccessDenied",
            "Cannot call GetSessionToken with session credentials",
        ));
    }
    let expires = call.now + time::Duration::seconds(seconds);
    let caller = call.caller.clone();
    let issued = call
        .sandbox
        .keys
        .issue_session(&call.account.id, caller, expires);
    Ok(json!({"Credentials": shown(&issued, expires)}))
}

/// What an `AssumeRole` asks for, checked.
struct Request {
    role_arn: String,
    session: String,
    seconds: i64,
    external_id: Option<String>,
    /// Who asks, by its ARN.
    caller_arn: String,
}

fn assume_role(call: &mut Call<'_>, operation: &Operation) -> Result<Outcome, ApiError> {
    accept(
        "sts",
        operation,
        &[
            "RoleArn",
            "RoleSessionName",
            "DurationSeconds",
            "ExternalId",
        ],
    )?;
    let input = &operation.input;
    let role_arn = require(input, "RoleArn")?;
    let session = require(input, "RoleSessionName")?;
    let valid = (2..=64).contains(&session.len())
        && session
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if !valid {
        return Err(invalid(
            "RoleSessionName",
            session,
            r"Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}",
        ));
    }
    let request = Request {
        role_arn: role_arn.to_owned(),
        session: session.to_owned(),
        seconds: duration(input, 3600, 43_200)?,
        external_id: input.text("ExternalId").map(str::to_owned),
        caller_arn: call.caller.arn(&call.account.id, &call.region),
    };
    // STS API reference, AssumeRole: not with the root user's credentials, whatever the role trusts.
    if call.caller == Caller::Root {
        return Err(ApiError::new(
            403,
            "AccessDenied",
            "Roles may not be assumed by root accounts.",
        ));
    }
    if matches!(call.caller, Caller::Role { .. }) && request.seconds > 3600 {
        return Err(ApiError::bad(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    let owner = role_arn
        .split(':')
        .nth(4)
        .and_then(AccountId::parse)
        .ok_or_else(|| ApiError::bad("ValidationError", format!("{role_arn} is invalid")))?;
    if owner == call.account.id {
        let answer = open_session(call, &request)?;
        return Ok(answer.into());
    }
    // The role's account is locked only once this one is free: two accounts that assume each
    // other's roles must not wait for each other.
    let sandbox = call.sandbox.clone();
    let target = Target::new(owner, call.region.clone(), call.caller.clone());
    Ok(Outcome::Later(Box::pin(async move {
        sandbox
            .enter(&target, |call| open_session(call, &request))
            .map(Answer::Value)
    })))
}

/// Opens a session of a role of the called account.
fn open_session(call: &mut Call<'_>, request: &Request) -> Result<Value, ApiError> {
    let mut access = Access::on("sts", "AssumeRole", &request.role_arn)
        .with("aws:PrincipalArn", &request.caller_arn)
        .with("aws:SecureTransport", "true")
        .with("sts:RoleSessionName", &request.session);
    if let Some(account) = request.caller_arn.split(':').nth(4) {
        access = access.with("aws:PrincipalAccount", account);
    }
    if let Some(id) = &request.external_id {
        access = access.with("sts:ExternalId", id);
    }
    let found = iam::for_session(
        call.account,
        &request.role_arn,
        &request.caller_arn,
        &access,
    );
    // A role that does not exist and one that does not trust the caller look the same from outside.
    let Some(Assumable {
        name,
        id,
        max_session,
        trust: Verdict::Allowed | Verdict::Delegated,
    }) = found
    else {
        return Err(ApiError::new(
            403,
            "AccessDenied",
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {}",
                request.caller_arn, request.role_arn
            ),
        ));
    };
    if request.seconds > max_session {
        return Err(ApiError::bad(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    let expires = call.now + time::Duration::seconds(request.seconds);
    let caller = Caller::Role {
        role: name,
        session: request.session.clone(),
    };
    let arn = caller.arn(&call.account.id, &call.region);
    let issued = call
        .sandbox
        .keys
        .issue_session(&call.account.id, caller, expires);
    Ok(json!({
        "Credentials": shown(&issued, expires),
        "AssumedRoleUser": {"AssumedRoleId": format!("{id}:{}", request.session), "Arn": arn},
    }))
}

fn shown(credentials: &Credentials, expires: Timestamp) -> Value {
    json!({
        "AccessKeyId": credentials.access_key_id,
        "SecretAccessKey": credentials.secret_access_key,
        "SessionToken": credentials.session_token,
        "Expiration": iso8601(expires),
    })
}

fn duration(input: &Value, default: i64, max: i64) -> Result<i64, ApiError> {
    match input.int("DurationSeconds")? {
        None => Ok(default),
        Some(seconds) if (900..=max).contains(&seconds) => Ok(seconds),
        Some(seconds) => Err(invalid(
            "DurationSeconds",
            &seconds.to_string(),
            &format!("Member must be between 900 and {max}"),
        )),
    }
}

fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input
        .text(name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| invalid(name, "null", "Member must not be null"))
}
