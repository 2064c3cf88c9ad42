//! Functions and who may invoke them.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::schema::{fixed, must, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Lambda;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "AWS::Lambda::Function",
        family: Family::Lambda,
        properties: &[
            mutable("Architectures"),
            must_mutable("Code"),
            mutable("Description"),
            mutable("Environment"),
            mutable("EphemeralStorage"),
            fixed("FunctionName"),
            mutable("Handler"),
            mutable("LoggingConfig"),
            mutable("MemorySize"),
            fixed("PackageType"),
            mutable("ReservedConcurrentExecutions"),
            must_mutable("Role"),
            mutable("Runtime"),
            mutable("Tags"),
            mutable("Timeout"),
            mutable("TracingConfig"),
        ],
        attributes: &["Arn"],
        name_property: Some("FunctionName"),
        taggable: true,
    },
    Kind {
        name: "AWS::Lambda::Permission",
        family: Family::Lambda,
        properties: &[
            must("Action"),
            must("FunctionName"),
            must("Principal"),
            fixed("EventSourceToken"),
            fixed("FunctionUrlAuthType"),
            fixed("PrincipalOrgID"),
            fixed("SourceAccount"),
            fixed("SourceArn"),
        ],
        attributes: &["Id"],
        name_property: None,
        taggable: false,
    },
];

/// The settings that `CreateFunction` and `UpdateFunctionConfiguration` take under the template's own names.
const SETTINGS: &[&str] = &[
    "Description",
    "Environment",
    "EphemeralStorage",
    "Handler",
    "LoggingConfig",
    "MemorySize",
    "Role",
    "Runtime",
    "Timeout",
    "TracingConfig",
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::Lambda::Function" => function(work, properties).await,
        "AWS::Lambda::Permission" => permission(work, properties).await,
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != "AWS::Lambda::Function" {
        return Err(unhandled(kind));
    }
    let name = update.physical_id;
    if SETTINGS.iter().any(|setting| update.has(setting)) {
        let mut input = settings(work, update.new)?;
        for setting in SETTINGS {
            // A setting that is gone goes back to its default; where there is none, the service has to be asked.
            if update.has(setting) && update.new.get(setting).is_none() {
                input.insert((*setting).to_owned(), absent(setting)?);
            }
        }
        input.insert("FunctionName".to_owned(), name.into());
        work.call(Lambda, "UpdateFunctionConfiguration", input.into())
            .await?;
    }
    if update.has("Code") || update.has("Architectures") {
        let mut input = code(work, update.new)?;
        input.insert("FunctionName".to_owned(), name.into());
        input.insert("Architectures".to_owned(), architectures(work, update.new)?);
        work.call(Lambda, "UpdateFunctionCode", input.into())
            .await?;
    }
    if update.has("ReservedConcurrentExecutions") {
        concurrency(work, name, update.new).await?;
    }
    let arn = work.arn("lambda", &format!("function:{name}"));
    let tagged = tags::Tagged {
        spell: tags::map,
        ..tags::Tagged::usual(Lambda, "Resource", &arn)
    };
    tagged.follow(work, update).await?;
    Ok(update.unchanged())
}

pub(super) async fn delete(
    work: &Work,
    kind: &str,
    id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    let (operation, input) = match kind {
        "AWS::Lambda::Function" => ("DeleteFunction", json!({"FunctionName": id})),
        "AWS::Lambda::Permission" => {
            let function = work.required(properties, "FunctionName")?;
            (
                "RemovePermission",
                json!({"FunctionName": function, "StatementId": id}),
            )
        }
        other => return Err(unhandled(other)),
    };
    work.tell(Lambda, operation, input).await
}

async fn function(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let name = work.name(properties, "FunctionName", 64)?;
    let mut input = settings(work, properties)?;
    input.insert("FunctionName".to_owned(), name.as_str().into());
    input.insert("Code".to_owned(), code(work, properties)?.into());
    input.insert("Architectures".to_owned(), architectures(work, properties)?);
    input.insert(
        "PackageType".to_owned(),
        work.text(properties, "PackageType")?.into(),
    );
    input.insert("Tags".to_owned(), work.tag_map(Lambda));
    let answer = work.call(Lambda, "CreateFunction", input.into()).await?;
    work.initiated(&name);
    if properties.get("ReservedConcurrentExecutions").is_some() {
        concurrency(work, &name, properties).await?;
    }
    let arn = answered(&answer, "/FunctionArn")?;
    Ok(Made::new(name, json!({"Arn": arn})))
}

fn settings(work: &Work, properties: &Value) -> Result<Map<String, Value>, Failure> {
    let mut input = Map::new();
    for name in ["Description", "Handler", "Role", "Runtime"] {
        if let Some(text) = work.text(properties, name)? {
            input.insert(name.to_owned(), text.into());
        }
    }
    for name in ["MemorySize", "Timeout"] {
        if let Some(number) = work.int(properties, name)? {
            input.insert(name.to_owned(), number.into());
        }
    }
    for (name, members) in [
        (
            "LoggingConfig",
            &[
                "ApplicationLogLevel",
                "LogFormat",
                "LogGroup",
                "SystemLogLevel",
            ][..],
        ),
        ("TracingConfig", &["Mode"]),
    ] {
        if let Some(value) = properties.get(name) {
            work.shape(&format!("#/{name}"), value, members, &[])?;
            input.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(storage) = properties.get("EphemeralStorage") {
        work.shape("#/EphemeralStorage", storage, &["Size"], &["Size"])?;
        input.insert(
            "EphemeralStorage".to_owned(),
            json!({"Size": work.int(storage, "Size")?}),
        );
    }
    if let Some(environment) = properties.get("Environment") {
        work.shape("#/Environment", environment, &["Variables"], &[])?;
        let mut variables = Map::new();
        for name in environment
            .get("Variables")
            .and_then(Value::as_object)
            .into_iter()
            .flat_map(Map::keys)
        {
            variables.insert(
                name.clone(),
                work.required(&environment["Variables"], name)?.into(),
            );
        }
        input.insert("Environment".to_owned(), json!({"Variables": variables}));
    }
    Ok(input)
}

/// What the service takes for "not set any more".
fn absent(setting: &str) -> Result<Value, Failure> {
    Ok(match setting {
        "Description" => json!(""),
        "Environment" => json!({"Variables": {}}),
        "EphemeralStorage" => json!({"Size": 512}),
        "MemorySize" => json!(128),
        "Timeout" => json!(3),
        "TracingConfig" => json!({"Mode": "PassThrough"}),
        other => {
            return Err(Failure::new(format!(
                "taking {other} away from a function is not implemented by the sandbox"
            )));
        }
    })
}

fn architectures(work: &Work, properties: &Value) -> Result<Value, Failure> {
    let list = work.texts(properties, "Architectures")?;
    Ok(if list.is_empty() {
        json!(["x86_64"])
    } else {
        list.into()
    })
}

/// `S3Bucket` and `S3Key`, or a source text that becomes a zip, as CloudFormation does it.
fn code(work: &Work, properties: &Value) -> Result<Map<String, Value>, Failure> {
    let code = properties.get("Code").unwrap_or(&Value::Null);
    let members = [
        "ImageUri",
        "S3Bucket",
        "S3Key",
        "S3ObjectVersion",
        "ZipFile",
    ];
    work.shape("#/Code", code, &members, &[])?;
    let mut input = Map::new();
    for name in ["ImageUri", "S3Bucket", "S3Key", "S3ObjectVersion"] {
        if let Some(text) = work.text(code, name)? {
            input.insert(name.to_owned(), text.into());
        }
    }
    if let Some(source) = work.text(code, "ZipFile")? {
        let runtime = work.text(properties, "Runtime")?.unwrap_or_default();
        let file = if runtime.starts_with("python") {
            "index.py"
        } else if runtime.starts_with("nodejs") {
            "index.js"
        } else {
            return Err(work.mistyped(
                "Code/ZipFile",
                "inline code only for Node.js and Python runtimes",
            ));
        };
        input.insert(
            "ZipFile".to_owned(),
            STANDARD.encode(zipped(file, &source)?).into(),
        );
    }
    Ok(input)
}

fn zipped(file: &str, source: &str) -> Result<Vec<u8>, Failure> {
    let failed = |error: String| Failure::new(format!("the inline code cannot be zipped: {error}"));
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file(file, SimpleFileOptions::default().unix_permissions(0o644))
        .map_err(|error| failed(error.to_string()))?;
    zip.write_all(source.as_bytes())
        .map_err(|error| failed(error.to_string()))?;
    let cursor = zip.finish().map_err(|error| failed(error.to_string()))?;
    Ok(cursor.into_inner())
}

async fn concurrency(work: &Work, name: &str, properties: &Value) -> Result<(), Failure> {
    let (operation, input) = match work.int(properties, "ReservedConcurrentExecutions")? {
        Some(reserved) => (
            "PutFunctionConcurrency",
            json!({"FunctionName": name, "ReservedConcurrentExecutions": reserved}),
        ),
        None => ("DeleteFunctionConcurrency", json!({"FunctionName": name})),
    };
    work.tell(Lambda, operation, input).await
}

async fn permission(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let id = work.generated(100);
    let mut input = Map::from_iter([("StatementId".to_owned(), Value::from(id.as_str()))]);
    for name in [
        "Action",
        "EventSourceToken",
        "FunctionName",
        "FunctionUrlAuthType",
        "Principal",
        "PrincipalOrgID",
        "SourceAccount",
        "SourceArn",
    ] {
        if let Some(text) = work.text(properties, name)? {
            input.insert(name.to_owned(), text.into());
        }
    }
    work.call(Lambda, "AddPermission", input.into()).await?;
    work.initiated(&id);
    Ok(Made::new(&id, json!({"Id": id})))
}
