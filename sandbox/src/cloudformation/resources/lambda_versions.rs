//! Versions of functions, and aliases that point to them.

use serde_json::{Map, Value, json};

use super::schema::{fixed, must, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, unhandled};
use crate::fields::Fields;
use crate::service::Service::Lambda;

const VERSION: &str = "AWS::Lambda::Version";
const ALIAS: &str = "AWS::Lambda::Alias";

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: VERSION,
        family: Family::LambdaVersions,
        properties: &[
            fixed("CodeSha256"),
            fixed("Description"),
            must("FunctionName"),
        ],
        attributes: &["FunctionArn", "Version"],
        name_property: None,
        taggable: false,
    },
    Kind {
        name: ALIAS,
        family: Family::LambdaVersions,
        properties: &[
            mutable("Description"),
            must("FunctionName"),
            must_mutable("FunctionVersion"),
            must("Name"),
            mutable("RoutingConfig"),
        ],
        attributes: &["AliasArn"],
        // The name is one within the function, which a replacement changes.
        name_property: None,
        taggable: false,
    },
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        VERSION => version(work, properties).await,
        ALIAS => {
            let input = alias(work, properties)?;
            let answer = work.call(Lambda, "CreateAlias", input).await?;
            let arn = answered(&answer, "/AliasArn")?;
            work.initiated(&arn);
            Ok(Made::new(&arn, json!({"AliasArn": arn})))
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != ALIAS {
        return Err(unhandled(kind));
    }
    let mut input = alias(work, update.new)?;
    // What is gone goes back to what an alias is without it.
    if update.has("Description") && update.new.get("Description").is_none() {
        input["Description"] = "".into();
    }
    if update.has("RoutingConfig") && update.new.get("RoutingConfig").is_none() {
        input["RoutingConfig"] = json!({"AdditionalVersionWeights": {}});
    }
    work.call(Lambda, "UpdateAlias", input).await?;
    Ok(update.unchanged())
}

pub(super) async fn delete(
    work: &Work,
    kind: &str,
    arn: &str,
    properties: &Value,
) -> Result<(), Failure> {
    let (function, last) = arn.rsplit_once(':').unwrap_or((arn, ""));
    let (operation, input) = match kind {
        VERSION => (
            "DeleteFunction",
            json!({"FunctionName": function, "Qualifier": last}),
        ),
        ALIAS => (
            "DeleteAlias",
            json!({
                "FunctionName": work.required(properties, "FunctionName")?,
                "Name": last,
            }),
        ),
        other => return Err(unhandled(other)),
    };
    work.tell(Lambda, operation, input).await
}

/// Publishing again what was published last makes no new version, so there would be two resources of one thing.
async fn version(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let function = work.required(properties, "FunctionName")?;
    let input = json!({"FunctionName": function});
    let before = work.call(Lambda, "ListVersionsByFunction", input).await?;
    let input = json!({
        "FunctionName": function,
        "CodeSha256": work.text(properties, "CodeSha256")?,
        "Description": work.text(properties, "Description")?,
    });
    let answer = work.call(Lambda, "PublishVersion", input).await?;
    let (arn, number) = (
        answered(&answer, "/FunctionArn")?,
        answered(&answer, "/Version")?,
    );
    let mut known = before.list("Versions").iter();
    if known.any(|known| known.text("Version") == Some(number.as_str())) {
        let message = format!(
            "A version for this Lambda function exists ( {number} ). Modify the function to create a new version."
        );
        return Err(Failure::handler(work, &message, "AlreadyExists"));
    }
    work.initiated(&arn);
    Ok(Made::new(
        &arn,
        json!({"FunctionArn": arn, "Version": number}),
    ))
}

fn alias(work: &Work, properties: &Value) -> Result<Value, Failure> {
    let mut input = json!({
        "FunctionName": work.required(properties, "FunctionName")?,
        "Name": work.required(properties, "Name")?,
        "FunctionVersion": work.required(properties, "FunctionVersion")?,
        "Description": work.text(properties, "Description")?,
    });
    if let Some(routing) = properties.get("RoutingConfig") {
        work.shape(
            "#/RoutingConfig",
            routing,
            &["AdditionalVersionWeights"],
            &[],
        )?;
        let mut weights = Map::new();
        for weight in work.items(routing, "AdditionalVersionWeights")? {
            let members = ["FunctionVersion", "FunctionWeight"];
            let path = "#/RoutingConfig/AdditionalVersionWeights";
            work.shape(path, weight, &members, &members)?;
            let text = work.required(weight, "FunctionWeight")?;
            let share: f64 = text
                .parse()
                .map_err(|_| work.mistyped("RoutingConfig", "Number"))?;
            weights.insert(work.required(weight, "FunctionVersion")?, share.into());
        }
        input["RoutingConfig"] = json!({"AdditionalVersionWeights": weights});
    }
    Ok(input)
}
