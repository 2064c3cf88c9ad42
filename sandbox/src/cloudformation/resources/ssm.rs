//! Parameters. CloudFormation makes no SecureString, so that no template holds a secret.

use serde_json::{Value, json};

use super::schema::{fixed, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Ssm;

pub(super) const KINDS: &[Kind] = &[Kind {
    name: "AWS::SSM::Parameter",
    family: Family::Ssm,
    properties: &[
        mutable("AllowedPattern"),
        mutable("DataType"),
        mutable("Description"),
        fixed("Name"),
        mutable("Tags"),
        mutable("Tier"),
        must_mutable("Type"),
        must_mutable("Value"),
    ],
    attributes: &["Type", "Value"],
    name_property: Some("Name"),
    taggable: true,
}];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    if kind != "AWS::SSM::Parameter" {
        return Err(unhandled(kind));
    }
    let name = match work.text(properties, "Name")? {
        Some(name) => name,
        None => format!("CFN-{}", work.generated(250)),
    };
    let mut input = parameter(work, &name, properties)?;
    input["Tags"] = work.tag_list(Ssm);
    work.call(Ssm, "PutParameter", input).await?;
    work.initiated(&name);
    made(work, &name).await
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    if kind != "AWS::SSM::Parameter" {
        return Err(unhandled(kind));
    }
    let name = update.physical_id;
    let mut input = parameter(work, name, update.new)?;
    input["Overwrite"] = json!(true);
    if update.changed.iter().any(|property| property != "Tags") {
        work.call(Ssm, "PutParameter", input).await?;
    }
    let tagged = tags::Tagged {
        operations: ["RemoveTagsFromResource", "AddTagsToResource"],
        also: Some(("ResourceType", "Parameter")),
        ..tags::Tagged::usual(Ssm, "ResourceId", name)
    };
    tagged.follow(work, update).await?;
    made(work, name).await
}

pub(super) async fn delete(work: &Work, name: &str) -> Result<(), Failure> {
    work.tell(Ssm, "DeleteParameter", json!({"Name": name}))
        .await
}

fn parameter(work: &Work, name: &str, properties: &Value) -> Result<Value, Failure> {
    // A map here, unlike everywhere else. The stack's own tags do go onto the parameter.
    if properties.get("Tags").is_some() {
        return Err(Failure::new(
            "Tags of AWS::SSM::Parameter are not implemented by the sandbox; tag the stack instead",
        ));
    }
    let kind = work.required(properties, "Type")?;
    if !["String", "StringList"].contains(&kind.as_str()) {
        return Err(Failure::new(format!(
            "Properties validation failed for resource {} with message: [#/Type: {kind} is not a valid enum value]",
            work.logical_id
        )));
    }
    Ok(json!({
        "Name": name,
        "Type": kind,
        "Value": work.required(properties, "Value")?,
        "AllowedPattern": work.text(properties, "AllowedPattern")?,
        "DataType": work.text(properties, "DataType")?,
        "Description": work.text(properties, "Description")?,
        "Tier": work.text(properties, "Tier")?,
    }))
}

async fn made(work: &Work, name: &str) -> Result<Made, Failure> {
    let answer = work
        .call(Ssm, "GetParameter", json!({"Name": name}))
        .await?;
    let (kind, value) = (
        answered(&answer, "/Parameter/Type")?,
        answered(&answer, "/Parameter/Value")?,
    );
    Ok(Made::new(name, json!({"Type": kind, "Value": value})))
}
