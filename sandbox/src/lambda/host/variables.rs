//! The environment variables of a function's process.

use super::Spec;
use super::journal::Journal;
use crate::caller::Credentials;
use crate::sandbox::Sandbox;

/// Where nothing listens: functions must never reach the real AWS, even when the sandbox has no
/// address of its own.
const NOWHERE: &str = "http://127.0.0.1:9";

/// Everything but what only the process's own start knows. Lambda's variables win over the
/// function's, and no variable can point an SDK anywhere but here.
pub(super) fn all(
    sandbox: &Sandbox,
    spec: &Spec,
    journal: &Journal,
    credentials: &Credentials,
) -> Vec<(String, String)> {
    let endpoint = match sandbox.endpoint() {
        "" => NOWHERE,
        endpoint => endpoint,
    };
    let settings = &spec.settings;
    let region = spec.region.as_str();
    let memory = settings.memory.to_string();
    let execution = match settings.runtime.as_str() {
        runtime if runtime.starts_with("python") => format!("AWS_Lambda_{runtime}"),
        _ => "AWS_Lambda_provided".to_owned(),
    };
    let mut variables: Vec<(String, String)> = Vec::new();
    for (name, value) in &settings.environment {
        if name.starts_with("AWS_ENDPOINT_URL") || name == "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" {
            tracing::warn!(
                function = spec.key.name,
                name,
                "a function's variable is left out"
            );
        } else {
            variables.push((name.clone(), value.clone()));
        }
    }
    let own = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", region),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", &credentials.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", &credentials.secret_access_key),
        ("AWS_SESSION_TOKEN", &credentials.session_token),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_EXECUTION_ENV", &execution),
        ("AWS_LAMBDA_FUNCTION_NAME", &spec.key.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", &spec.key.version),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &memory),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &journal.group),
        ("AWS_LAMBDA_LOG_STREAM_NAME", &journal.stream),
        ("AWS_LAMBDA_LOG_FORMAT", "Text"),
        ("_HANDLER", &settings.handler),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
    ];
    variables.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    variables
}
