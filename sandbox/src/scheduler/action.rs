//! Universal targets: `arn:aws:scheduler:::aws-sdk:<service>:<apiAction>`.
//!
//! The service is called as the SDKs call it (`cloudwatchlogs`, not `logs`), the action begins with a small
//! letter. The input has the names of the API reference with a capital first letter.

use serde_json::{Map, Value};

use super::invalid;
use crate::error::ApiError;
use crate::ids::Region;
use crate::protocol::Operation;
use crate::service::Service;

/// Actions that begin so are read-only, and no targets.
const READ_ONLY: &[&str] = &[
    "get",
    "describe",
    "list",
    "poll",
    "receive",
    "search",
    "scan",
    "query",
    "select",
    "read",
    "lookup",
    "discover",
    "validate",
    "batchGet",
    "batchDescribe",
    "batchRead",
    "transactGet",
    "adminGet",
    "adminList",
    "testMigration",
    "retrieve",
    "testConnection",
    "translateDocument",
    "isAuthorized",
    "invokeModel",
];

/// What a schedule calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Action<'a> {
    pub(super) service: Service,
    /// As in the ARN.
    name: &'a str,
}

impl<'a> Action<'a> {
    /// Reads the ARN of a target.
    ///
    /// # Errors
    /// `ValidationException` where AWS refuses it, `NotImplemented` where only the sandbox does.
    pub(super) fn parse(arn: &'a str, region: &Region) -> Result<Self, ApiError> {
        let prefix = format!("arn:{}:scheduler:::aws-sdk:", region.partition());
        let Some(rest) = arn.strip_prefix(&prefix) else {
            return Err(other_target(arn));
        };
        let malformed = || invalid("Provided Arn is not in correct format.");
        let (service, name) = rest.split_once(':').ok_or_else(malformed)?;
        let shaped = name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if service.is_empty() || !shaped {
            return Err(malformed());
        }
        if READ_ONLY.iter().any(|prefix| name.starts_with(prefix)) {
            return Err(invalid(format!("{name} API is not supported")));
        }
        Ok(Self {
            service: service_of(service)?,
            name,
        })
    }

    /// The call, from the target's `Input`.
    ///
    /// # Errors
    /// `ValidationException` when it is no JSON object.
    pub(super) fn operation(self, input: &str) -> Result<Operation, ApiError> {
        let input: Value = serde_json::from_str(input)
            .ok()
            .filter(Value::is_object)
            .ok_or_else(|| invalid("Input must be well-formed JSON"))?;
        let mut name = self.name.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        // CloudWatch Logs is the one service whose members begin with small letters on the wire.
        let input = if self.service == Service::Logs {
            decapitalised(input)
        } else {
            input
        };
        let body = match (self.service, name.as_str()) {
            (Service::S3, "PutObject") => input.get("Body"),
            (Service::Lambda, "Invoke") => input.get("Payload"),
            _ => None,
        };
        let body = body.and_then(Value::as_str).unwrap_or_default().to_owned();
        let mut operation = Operation::new(name, input);
        if let Some(members) = operation.input.as_object_mut() {
            members.retain(|name, _| name != "Body" && name != "Payload");
        }
        operation.body = body.into();
        Ok(operation)
    }
}

fn service_of(name: &str) -> Result<Service, ApiError> {
    Ok(match name {
        "cloudformation" => Service::CloudFormation,
        "config" => Service::Config,
        "ec2" => Service::Ec2,
        "eventbridge" => Service::Events,
        "iam" => Service::Iam,
        "lambda" => Service::Lambda,
        "cloudwatchlogs" => Service::Logs,
        "s3" => Service::S3,
        "sns" => Service::Sns,
        // The names in credential scopes and IAM actions are not those of the SDKs.
        "logs" | "events" | "states" | "email" => {
            return Err(invalid(format!(
                "{name} is not a supported service for a target."
            )));
        }
        other => {
            let what = format!("CreateSchedule with the service {other} as target");
            return Err(ApiError::not_implemented("scheduler", &what));
        }
    })
}

fn other_target(arn: &str) -> ApiError {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, service, ..] if arn.contains(":aws-sdk:") => invalid(format!(
            "{service} is not a supported service for a target."
        )),
        ["arn", _, service, _, _, _] => ApiError::not_implemented(
            "scheduler",
            &format!("CreateSchedule with a templated target of {service}"),
        ),
        _ => invalid("Provided Arn is not in correct format."),
    }
}

fn decapitalised(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(mut name, value)| {
                if let Some(first) = name.get_mut(..1) {
                    first.make_ascii_lowercase();
                }
                (name, decapitalised(value))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.into_iter().map(decapitalised).collect(),
        other => other,
    }
}
