//! Looking at templates: of stacks, and before there is a stack.

use serde_json::{Value, json};

use super::change_sets;
use super::inputs;
use super::template::Template;
use super::{invalid, no_stack};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

pub(super) fn get_template(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    if let Some(stage) = input
        .text("TemplateStage")
        .filter(|stage| !["Original", "Processed"].contains(stage))
    {
        return Err(invalid(format!(
            "1 validation error detected: Value '{stage}' at 'templateStage' failed to satisfy constraint: Member must satisfy enum value set: [Original, Processed]"
        )));
    }
    let body = if input.text("ChangeSetName").is_some() {
        change_sets::template_body(call, input)?
    } else {
        let name = input
            .text("StackName")
            .ok_or_else(|| invalid("StackName is required if ChangeSetName is not specified."))?;
        let stack = call.here().cloudformation.find(name);
        let stack = stack.ok_or_else(|| no_stack(name))?;
        stack.wish.template.body.clone()
    };
    Ok(json!({
        "TemplateBody": body,
        "StagesAvailable": ["Original", "Processed"],
    }))
}

pub(super) fn validate_template(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let template = Template::parse(&inputs::required_text(call, input)?)?;
    let parameters: Vec<Value> = template
        .parameters
        .iter()
        .map(|(name, parameter)| {
            json!({
                "ParameterKey": name,
                "DefaultValue": parameter.default,
                "NoEcho": parameter.no_echo,
                "Description": parameter.description,
            })
        })
        .collect();
    let mut answer = json!({"Description": template.description, "Parameters": parameters});
    add_capabilities(&template, &mut answer);
    Ok(answer)
}

pub(super) fn get_template_summary(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    inputs::refuse(input, &["CallAs", "StackSetName", "TemplateSummaryConfig"])?;
    let text = match input.text("StackName") {
        Some(name) => {
            let stack = call
                .here()
                .cloudformation
                .find(name)
                .ok_or_else(|| no_stack(name))?;
            stack.wish.template.body.clone()
        }
        None => inputs::required_text(call, input)?,
    };
    let template = Template::parse(&text)?;
    let parameters: Vec<Value> = template
        .parameters
        .iter()
        .map(|(name, parameter)| {
            json!({
                "ParameterKey": name,
                "DefaultValue": parameter.default,
                "ParameterType": parameter.type_name,
                "NoEcho": parameter.no_echo,
                "Description": parameter.description,
                "ParameterConstraints": {"AllowedValues": (!parameter.allowed_values.is_empty()).then_some(&parameter.allowed_values)},
            })
        })
        .collect();
    let mut answer = json!({
        "Parameters": parameters,
        "Description": template.description,
        "ResourceTypes": template.kinds(),
        "Version": "2010-09-09",
        "Metadata": template.metadata.as_ref().map(Value::to_string),
    });
    add_capabilities(&template, &mut answer);
    Ok(answer)
}

fn add_capabilities(template: &Template, answer: &mut Value) {
    if let Some((capability, reason)) = template.capability() {
        answer["Capabilities"] = json!([capability]);
        answer["CapabilitiesReason"] = reason.into();
    }
}
