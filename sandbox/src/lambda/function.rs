//! What the service holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::code::Code;
use super::reference::LATEST;
use crate::clock::Timestamp;

/// What the service holds.
#[derive(Debug, Default)]
pub struct State {
    pub(super) functions: BTreeMap<String, Function>,
}

/// A function.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) arn: String,
    pub(super) settings: Settings,
    pub(super) code: Code,
    pub(super) architecture: Architecture,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) modified: Timestamp,
    /// The id that changes with every update; clients see it.
    pub(super) revision_id: String,
    /// Tells processes of an older code or configuration from those of the present one.
    pub(super) generation: u64,
    /// The statements of the resource-based policy.
    pub(super) permissions: Vec<Value>,
    pub(super) reserved_concurrency: Option<u32>,
}

/// What `UpdateFunctionConfiguration` can change.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) role: String,
    pub(super) runtime: String,
    pub(super) handler: String,
    pub(super) description: String,
    /// Seconds.
    pub(super) timeout: u32,
    /// Megabytes.
    pub(super) memory: u32,
    /// Megabytes of `/tmp`.
    pub(super) storage: u32,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) log_group: String,
}

/// The instruction set that a function is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    X86,
    Arm,
}

impl Architecture {
    pub(super) fn name(self) -> &'static str {
        match self {
            Architecture::X86 => "x86_64",
            Architecture::Arm => "arm64",
        }
    }
}

impl Function {
    /// As `GetFunctionConfiguration` shows it.
    pub(super) fn configuration(&self) -> Value {
        let settings = &self.settings;
        let mut shown = json!({
            "FunctionName": self.name,
            "FunctionArn": self.arn,
            "Runtime": settings.runtime,
            "Role": settings.role,
            "Handler": settings.handler,
            "CodeSize": self.code.size(),
            "CodeSha256": self.code.sha256_base64,
            "Description": settings.description,
            "Timeout": settings.timeout,
            "MemorySize": settings.memory,
            "LastModified": modified(self.modified),
            "Version": LATEST,
            "TracingConfig": {"Mode": "PassThrough"},
            "RevisionId": self.revision_id,
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Architectures": [self.architecture.name()],
            "EphemeralStorage": {"Size": settings.storage},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": settings.log_group},
        });
        if !settings.environment.is_empty() {
            shown["Environment"] = json!({"Variables": settings.environment});
        }
        shown
    }

    /// The resource-based policy; `None` when it has no statement.
    pub(super) fn policy(&self) -> Option<Value> {
        (!self.permissions.is_empty()).then(
            || json!({"Version": "2012-10-17", "Id": "default", "Statement": self.permissions}),
        )
    }
}

/// `2025-07-14T16:52:19.300+0000`: Lambda's own form.
fn modified(at: Timestamp) -> String {
    crate::clock::iso8601(at).replace('Z', "+0000")
}
