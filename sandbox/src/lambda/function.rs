//! What the service holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::code::Code;
use super::event_config::EventConfig;
use super::reference::LATEST;
use crate::budgets::Held;
use crate::clock::Timestamp;

/// What the service holds.
#[derive(Debug, Clone, Default)]
pub struct State {
    pub(super) functions: BTreeMap<String, Function>,
    /// Bytes of all packages.
    pub(super) packages: Held,
}

impl State {
    /// Bytes of all packages.
    pub(crate) fn held(&self) -> u64 {
        self.packages.bytes()
    }
}

/// A function: its unpublished version, what was published of it, and what holds for all of them.
#[derive(Debug, Clone)]
pub(super) struct Function {
    pub(super) name: String,
    /// Without qualifier.
    pub(super) arn: String,
    pub(super) latest: Version,
    /// By number. Numbers are never given twice.
    pub(super) published: BTreeMap<u64, Version>,
    pub(super) last_number: u64,
    pub(super) aliases: BTreeMap<String, Alias>,
    pub(super) tags: BTreeMap<String, String>,
    /// The statements of the resource-based policies, by qualifier; the function's own under
    /// [`UNQUALIFIED`].
    pub(super) permissions: BTreeMap<String, Vec<Value>>,
    /// What happens to asynchronous invocations, by qualifier; `$LATEST` for the function itself.
    pub(super) event_configs: BTreeMap<String, EventConfig>,
    pub(super) reserved_concurrency: Option<u32>,
}

/// Where the function's own policy is among those of its versions and aliases.
pub(super) const UNQUALIFIED: &str = "";

/// Code and configuration as they are, or were when they were published.
#[derive(Debug, Clone)]
pub(super) struct Version {
    pub(super) settings: Settings,
    pub(super) code: Code,
    pub(super) architecture: Architecture,
    pub(super) modified: Timestamp,
    /// The id that changes with every update; clients see it.
    pub(super) revision_id: String,
    /// Tells processes of an older code or configuration from those of the present one.
    pub(super) generation: u64,
}

/// A name for a version, or for two that share the invocations.
#[derive(Debug, Clone)]
pub(super) struct Alias {
    /// `$LATEST` or a number.
    pub(super) version: String,
    pub(super) description: String,
    pub(super) revision_id: String,
    /// Another version, and the share of invocations that it gets.
    pub(super) additional: Option<(String, f64)>,
}

/// What `UpdateFunctionConfiguration` can change.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The topic that gets the events which could not be processed.
    pub(super) dead_letters: Option<String>,
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
    /// The version that is called `version`: `$LATEST` or a number.
    pub(super) fn version(&self, version: &str) -> Option<&Version> {
        if version == LATEST {
            return Some(&self.latest);
        }
        self.published.get(&version.parse().ok()?)
    }

    /// What `qualifier` stands for: `$LATEST` or the number of a version that exists.
    pub(super) fn resolve(&self, qualifier: Option<&str>) -> Option<String> {
        let qualifier = qualifier.unwrap_or(LATEST);
        if let Some(alias) = self.aliases.get(qualifier) {
            return Some(alias.version.clone());
        }
        self.version(qualifier).map(|_| qualifier.to_owned())
    }

    /// A version as `GetFunctionConfiguration` shows it to who asked for `qualifier`.
    pub(super) fn configuration(&self, qualifier: Option<&str>) -> Option<Value> {
        let version = self.resolve(qualifier)?;
        let mut shown = self.version(&version)?.shown();
        shown["FunctionName"] = json!(self.name);
        shown["FunctionArn"] = json!(match qualifier {
            Some(qualifier) => format!("{}:{qualifier}", self.arn),
            None => self.arn.clone(),
        });
        shown["Version"] = json!(version);
        Some(shown)
    }

    /// The function itself, as most operations answer.
    pub(super) fn shown(&self) -> Value {
        self.configuration(None).unwrap_or_default()
    }

    /// The resource-based policy for `qualifier`; `None` when it has no statement.
    pub(super) fn policy(&self, qualifier: &str) -> Option<Value> {
        let statements = self.permissions.get(qualifier)?;
        (!statements.is_empty())
            .then(|| json!({"Version": "2012-10-17", "Id": "default", "Statement": statements}))
    }
}

impl Version {
    fn shown(&self) -> Value {
        let settings = &self.settings;
        let mut shown = json!({
            "Runtime": settings.runtime,
            "Role": settings.role,
            "Handler": settings.handler,
            "CodeSize": self.code.size(),
            "CodeSha256": self.code.sha256_base64,
            "Description": settings.description,
            "Timeout": settings.timeout,
            "MemorySize": settings.memory,
            "LastModified": modified(self.modified),
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
        if let Some(target) = &settings.dead_letters {
            shown["DeadLetterConfig"] = json!({"TargetArn": target});
        }
        shown
    }
}

/// `2025-07-14T16:52:19.300+0000`: Lambda's own form.
fn modified(at: Timestamp) -> String {
    crate::clock::iso8601(at).replace('Z', "+0000")
}
