//! Reading and checking a function's settings.

use std::collections::BTreeMap;

use serde_json::Value;

use super::function::{Architecture, Settings};
use super::{destinations, environment, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam;
use crate::logs;
use crate::sandbox::Call;

/// The runtimes that the sandbox can run: the function brings its own executable, or this machine has
/// Python.
const RUNNABLE: &[&str] = &[
    "provided.al2023",
    "provided.al2",
    "python3.9",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
];

/// Runtimes that AWS has and the sandbox cannot run.
const OTHERS: &[&str] = &[
    "dotnet", "go1.x", "java", "nodejs", "provided", "python", "ruby",
];

/// Settings that mean something on AWS and that the sandbox does not have. Their empty forms, which
/// clients send to say "none", are fine.
const UNSUPPORTED: &[&str] = &[
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DurableConfig",
    "FileSystemConfigs",
    "ImageConfig",
    "KMSKeyArn",
    "Layers",
    "PublishTo",
    "TenancyConfig",
    "VpcConfig",
];

impl Settings {
    /// The settings of a new function.
    pub(super) fn create(call: &mut Call<'_>, name: &str, input: &Value) -> Result<Self, ApiError> {
        for member in ["Role", "Runtime", "Handler"] {
            if input.text(member).is_none_or(str::is_empty) {
                return Err(match member {
                    "Role" => null("role"),
                    "Runtime" => invalid("Runtime is mandatory if PackageType is Zip."),
                    _ => invalid("Handler is mandatory if PackageType is Zip."),
                });
            }
        }
        let start = Self {
            role: String::new(),
            runtime: String::new(),
            handler: String::new(),
            description: String::new(),
            timeout: 3,
            memory: 128,
            storage: 512,
            environment: BTreeMap::new(),
            log_group: format!("/aws/lambda/{name}"),
            dead_letters: None,
        };
        start.update(call, input)
    }

    /// These settings with what `input` says about them.
    pub(super) fn update(mut self, call: &mut Call<'_>, input: &Value) -> Result<Self, ApiError> {
        refuse_unsupported(input)?;
        if let Some(runtime) = input.text("Runtime") {
            check_runtime(runtime)?;
            self.runtime = runtime.to_owned();
        }
        if let Some(handler) = input.text("Handler") {
            if handler.is_empty() || handler.len() > 128 || handler.contains(char::is_whitespace) {
                return Err(mismatch("handler", handler, "[^\\s]+"));
            }
            self.handler = handler.to_owned();
        }
        if let Some(description) = input.text("Description") {
            if description.chars().count() > 256 {
                return Err(invalid(
                    "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 256",
                ));
            }
            self.description = description.to_owned();
        }
        self.timeout = number(input, "Timeout", 1, 900, self.timeout)?;
        self.memory = number(input, "MemorySize", 128, 10_240, self.memory)?;
        if let Some(storage) = input.field("EphemeralStorage") {
            self.storage = number(storage, "Size", 512, 10_240, self.storage)?;
        }
        if let Some(given) = input.field("Environment") {
            self.environment = environment::read(given)?;
        }
        if let Some(logging) = input.field("LoggingConfig") {
            self.log_group = log_group(logging, self.log_group)?;
        }
        if let Some(dead_letters) = input.field("DeadLetterConfig") {
            let target = dead_letters.text("TargetArn").unwrap_or_default();
            self.dead_letters = (!target.is_empty()).then(|| target.to_owned());
        }
        if let Some(role) = input.text("Role") {
            check_role(call, role)?;
            self.role = role.to_owned();
        }
        if input.field("DeadLetterConfig").is_some()
            && let Some(target) = &self.dead_letters
        {
            destinations::check_dead_letters(call, &self.role, target)?;
        }
        Ok(self)
    }
}

impl Architecture {
    /// From `Architectures`; `current` when the request says nothing.
    pub(super) fn read(input: &Value, current: Self) -> Result<Self, ApiError> {
        match input.texts("Architectures").as_slice() {
            [] => Ok(current),
            [one] if one == "x86_64" => Ok(Architecture::X86),
            [one] if one == "arm64" => Ok(Architecture::Arm),
            other => Err(invalid(format!(
                "1 validation error detected: Value '{other:?}' at 'architectures' failed to satisfy constraint: exactly one of [x86_64, arm64]"
            ))),
        }
    }
}

fn refuse_unsupported(input: &Value) -> Result<(), ApiError> {
    fn says_nothing(value: &Value) -> bool {
        match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => members.values().all(says_nothing),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }
    let refuse = |what: &str| {
        Err(ApiError::not_implemented(
            "lambda",
            &format!("a function with {what}"),
        ))
    };
    for member in UNSUPPORTED {
        if !input.get(member).is_none_or(says_nothing) {
            return refuse(member);
        }
    }
    if input.text("PackageType").is_some_and(|kind| kind != "Zip") {
        return refuse("PackageType Image");
    }
    let inner = |outer: &str, name: &str| input.field(outer).and_then(|value| value.text(name));
    if inner("TracingConfig", "Mode").is_some_and(|mode| mode != "PassThrough") {
        return refuse("active tracing");
    }
    if inner("SnapStart", "ApplyOn").is_some_and(|mode| mode != "None") {
        return refuse("SnapStart");
    }
    Ok(())
}

fn check_runtime(runtime: &str) -> Result<(), ApiError> {
    if RUNNABLE.contains(&runtime) {
        return Ok(());
    }
    if OTHERS.iter().any(|known| runtime.starts_with(known)) {
        return Err(ApiError::not_implemented(
            "lambda",
            &format!(
                "runtime {runtime} (only {} run here)",
                RUNNABLE.join(" and ")
            ),
        ));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set, for example provided.al2023, or be a valid ARN"
    )))
}

fn check_role(call: &mut Call<'_>, role: &str) -> Result<(), ApiError> {
    let is_role =
        role.starts_with("arn:") && role.split(':').count() == 6 && role.contains(":role/");
    if !is_role {
        return Err(mismatch(
            "role",
            role,
            r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+",
        ));
    }
    if role.split(':').nth(4) != Some(call.account.id.as_str()) {
        return Err(ApiError::new(
            403,
            "AccessDeniedException",
            format!(
                "Cross-account pass role is not allowed: {role} is not a role of account {}.",
                call.account.id
            ),
        ));
    }
    iam::assumable(call.account, role, "lambda.amazonaws.com").map_err(|why| {
        tracing::debug!(role, why, "a function's role cannot be assumed");
        invalid("The role defined for the function cannot be assumed by Lambda.")
    })
}

fn log_group(logging: &Value, current: String) -> Result<String, ApiError> {
    match logging.text("LogFormat") {
        None | Some("Text") => {}
        Some("JSON") => {
            return Err(ApiError::not_implemented(
                "lambda",
                "a function with LogFormat JSON",
            ));
        }
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'loggingConfig.logFormat' failed to satisfy constraint: Member must satisfy enum value set: [JSON, Text]"
            )));
        }
    }
    for level in ["ApplicationLogLevel", "SystemLogLevel"] {
        if logging.text(level).is_some() {
            return Err(invalid(format!(
                "{level} can only be set with LogFormat JSON."
            )));
        }
    }
    let Some(group) = logging.text("LogGroup") else {
        return Ok(current);
    };
    logs::check_group_name(group).map_err(|error| invalid(error.message))?;
    Ok(group.to_owned())
}

fn number(input: &Value, name: &str, min: i64, max: i64, current: u32) -> Result<u32, ApiError> {
    let Some(value) = input.int(name).map_err(|error| invalid(error.message))? else {
        return Ok(current);
    };
    let member = format!("{}{}", name[..1].to_ascii_lowercase(), &name[1..]);
    if value < min {
        return Err(out_of_range(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value greater than or equal to {min}"
        )));
    }
    if value > max {
        return Err(out_of_range(format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must have value less than or equal to {max}"
        )));
    }
    u32::try_from(value).map_err(|error| invalid(error.to_string()))
}

/// Numbers are checked in front of Lambda itself, and that answers with a code of its own (seen in clients' reports, as in
/// `ValidationException: 1 validation error detected: Value '600' at 'timeout' …`).
fn out_of_range(message: String) -> ApiError {
    ApiError::bad("ValidationException", message)
}

fn null(member: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}

fn mismatch(member: &str, value: &str, pattern: &str) -> ApiError {
    invalid(format!(
        "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: Member must satisfy regular expression pattern: {pattern}"
    ))
}
