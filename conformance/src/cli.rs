//! The AWS CLI: every operation goes through it once; all else that a scenario needs goes through boto3, because a
//! process per call takes half a second.

use std::collections::BTreeSet;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::boto3::Worker;
use crate::{REGION, Reply, Request};

/// What the CLI takes from, or writes to, a file of its own, or as bytes: not in `--cli-input-json`.
const WITH_FILES: [&str; 6] = [
    "s3.GetObject",
    "s3.PutObject",
    "lambda.Invoke",
    "lambda.CreateFunction",
    "lambda.UpdateFunctionCode",
    "sts.GetSessionToken",
];

/// The CLI, and what it has played.
#[derive(Debug)]
pub struct Cli {
    others: Worker,
    /// `service.Operation` that has been played through the CLI.
    pub played: BTreeSet<String>,
}

impl Cli {
    /// Finds the CLI; the error says what is missing.
    ///
    /// # Errors
    /// When there is no `aws`, no `python3` or no boto3.
    pub fn find() -> Result<Self, String> {
        let version = Command::new("aws").arg("--version").output();
        if !version.is_ok_and(|output| output.status.success()) {
            return Err("the AWS CLI is not installed".to_owned());
        }
        Ok(Self {
            others: Worker::start()?,
            played: BTreeSet::new(),
        })
    }

    /// Whether nothing of this is left that the CLI could play for the first time.
    pub fn has_seen<'c>(&self, mut calls: impl Iterator<Item = &'c str>) -> bool {
        calls.all(|call| {
            call.starts_with("sandbox.") || WITH_FILES.contains(&call) || self.played.contains(call)
        })
    }

    /// Makes one call.
    pub fn call(&mut self, endpoint: &str, request: &Request, succeeds: bool) -> Reply {
        let Request {
            service,
            operation,
            input,
            keys,
        } = request;
        let name = format!("{service}.{operation}");
        if !succeeds || WITH_FILES.contains(&name.as_str()) || !self.played.insert(name) {
            return self.others.call(endpoint, request);
        }
        let service = match service.as_str() {
            "config" => "configservice",
            "s3" => "s3api",
            other => other,
        };
        let mut command = Command::new("aws");
        command
            .args([service, &kebab(operation), "--cli-input-json"])
            .arg(input.to_string())
            .args(["--output", "json", "--no-paginate"])
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", &keys.access_key_id)
            .env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key)
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_MAX_ATTEMPTS", "1")
            .env("AWS_PAGER", "")
            .env_remove("AWS_PROFILE")
            .env_remove("AWS_SESSION_TOKEN")
            .stdin(Stdio::null());
        if let Some(token) = &keys.session_token {
            command.env("AWS_SESSION_TOKEN", token);
        }
        parsed(&command.output().unwrap())
    }
}

/// The CLI prints one document, or nothing where the answer is empty.
fn parsed(output: &Output) -> Reply {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        // `An error occurred (Code) when calling …`
        let code = stderr
            .split_once("error occurred (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map_or("Cli", |(code, _)| code);
        return Reply::Error {
            code: code.to_owned(),
            message: stderr.into_owned(),
        };
    }
    if stdout.trim().is_empty() {
        return Reply::Output(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_str(&stdout) {
        Ok(value) => Reply::Output(value),
        Err(error) => Reply::Error {
            code: "Cli".to_owned(),
            message: format!("the CLI printed no JSON ({error}): {stdout}"),
        },
    }
}

/// `DescribeVpcs` → `describe-vpcs`, `ListObjectsV2` → `list-objects-v2`, `GetAWSDefault…` → `get-aws-default-…`.
fn kebab(operation: &str) -> String {
    let mut name = String::new();
    let mut before = None;
    let mut rest = operation.chars().peekable();
    while let Some(c) = rest.next() {
        let last_of_many = rest.peek().is_some_and(char::is_ascii_lowercase);
        let begins = c.is_ascii_uppercase()
            && before.is_some_and(|before: char| !before.is_ascii_uppercase() || last_of_many);
        if begins {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
        before = Some(c);
    }
    name
}
