//! What the requests that make and change stacks have in common.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value};

use super::budget::Budget;
use super::graph;
use super::intrinsics::Scope;
use super::invalid;
use super::limits::{BODY_BYTES, OBJECT_BYTES};
use super::parameters::{Given, bind};
use super::references::{Part, attribute, function, parts, substitution, three};
use super::stack::Wish;
use super::template::Template;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam;
use crate::ids::uuid;
use crate::s3;
use crate::sandbox::{Call, Target};

/// The template's text; `None` when the request has none.
///
/// # Errors
/// `ValidationError`, also when the object cannot be read.
pub(super) fn template_text(
    call: &mut Call<'_>,
    input: &Value,
) -> Result<Option<String>, ApiError> {
    match (input.text("TemplateBody"), input.text("TemplateURL")) {
        (Some(_), Some(_)) => Err(invalid(
            "Specify exactly one of TemplateBody or TemplateURL",
        )),
        (Some(body), None) if body.len() > BODY_BYTES => Err(invalid(format!(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {BODY_BYTES}",
        ))),
        (Some(body), None) => Ok(Some(body.to_owned())),
        (None, Some(url)) => object(call, url).map(Some),
        (None, None) => Ok(None),
    }
}

fn object(call: &mut Call<'_>, url: &str) -> Result<String, ApiError> {
    let wrong = || invalid("TemplateURL must be a supported URL.");
    let rest = url.split_once("://").ok_or_else(wrong)?.1;
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
    // `bucket.s3.region.amazonaws.com/key`, and the path style, which is the only one at the sandbox's own address.
    let (bucket, key) = match host.split_once(".s3") {
        Some((bucket, domain)) if domain.contains("amazonaws.com") => (bucket, path),
        _ => path.split_once('/').ok_or_else(wrong)?,
    };
    let key = percent_encoding::percent_decode_str(key)
        .decode_utf8_lossy()
        .into_owned();
    let body = s3::object(call, bucket, &key).map_err(|error| {
        invalid(format!(
            "S3 error: {} (bucket {bucket}, key {key})",
            error.message
        ))
    })?;
    if body.len() > OBJECT_BYTES {
        // As it was told of the limit of 460,800 bytes until 2020 (serverless/serverless#2387 and others).
        return Err(invalid(format!(
            "Template may not exceed {OBJECT_BYTES} bytes in size."
        )));
    }
    String::from_utf8(body.to_vec())
        .map_err(|_| invalid("Template format error: the template is not UTF-8 text"))
}

/// The parameters as they were given.
///
/// # Errors
/// `ValidationError` for entries without a key or a value.
pub(super) fn given(input: &Value) -> Result<Vec<Given>, ApiError> {
    input
        .list("Parameters")
        .iter()
        .map(|entry| {
            let name = entry
                .text("ParameterKey")
                .ok_or_else(|| invalid("Invalid input for parameter key: a ParameterKey is missing"))?;
            let value = match (entry.flag("UsePreviousValue")?, entry.text("ParameterValue")) {
                (Some(true), Some(_)) => {
                    return Err(invalid(format!(
                        "Invalid input for parameter key {name}. Cannot specify usePreviousValue as true and non empty value for a parameter"
                    )));
                }
                (Some(true), None) => None,
                (_, Some(value)) => Some(value.to_owned()),
                (_, None) => {
                    return Err(invalid(format!(
                        "Parameter {name} should either have input value or reuse the previous value"
                    )));
                }
            };
            Ok(Given { name: name.to_owned(), value })
        })
        .collect()
}

/// The tags as they were given.
///
/// # Errors
/// `ValidationError` for reserved, repeated or too many keys.
pub(super) fn tags(input: &Value) -> Result<Vec<(String, String)>, ApiError> {
    let mut tags: BTreeMap<String, String> = BTreeMap::new();
    for tag in input.list("Tags") {
        let key = tag.text("Key").unwrap_or_default();
        if key.is_empty() || key.chars().count() > 128 {
            return Err(invalid("A tag's key must have 1 to 128 characters"));
        }
        if key.starts_with("aws:") {
            return Err(invalid("Tag keys cannot start with 'aws:'"));
        }
        if tags
            .insert(
                key.to_owned(),
                tag.text("Value").unwrap_or_default().to_owned(),
            )
            .is_some()
        {
            return Err(invalid(format!(
                "Duplicate tag keys are not allowed: {key}"
            )));
        }
    }
    if tags.len() > 50 {
        return Err(invalid("A stack can have at most 50 tags"));
    }
    Ok(tags.into_iter().collect())
}

/// Refuses what the sandbox cannot do and must not ignore.
///
/// # Errors
/// `NotImplemented`, naming the parameter.
pub(super) fn refuse(input: &Value, names: &[&str]) -> Result<(), ApiError> {
    for name in names {
        let empty = match input.field(name) {
            None => true,
            Some(Value::Array(items)) => items.is_empty(),
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Bool(_) | Value::Number(_) | Value::Object(_) | Value::Null) => false,
        };
        if !empty {
            return Err(ApiError::new(
                501,
                "NotImplemented",
                format!("the parameter {name} is not implemented by the sandbox"),
            ));
        }
    }
    Ok(())
}

/// Refuses a template whose capabilities were not acknowledged.
///
/// # Errors
/// `InsufficientCapabilitiesException`.
pub(super) fn capabilities(template: &Template, acknowledged: &[String]) -> Result<(), ApiError> {
    let known = [
        "CAPABILITY_IAM",
        "CAPABILITY_NAMED_IAM",
        "CAPABILITY_AUTO_EXPAND",
    ];
    if let Some(other) = acknowledged
        .iter()
        .find(|given| !known.contains(&given.as_str()))
    {
        return Err(invalid(format!(
            "1 validation error detected: Value '[{other}]' at 'capabilities' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [{}]]",
            known.join(", ")
        )));
    }
    let has = |name: &str| acknowledged.iter().any(|given| given == name);
    match template.capability() {
        Some((needed, _)) if !has(needed) && !has("CAPABILITY_NAMED_IAM") => Err(ApiError::bad(
            "InsufficientCapabilitiesException",
            format!("Requires capabilities : [{needed}]"),
        )),
        _ => Ok(()),
    }
}

/// In whose name the resources are made: the stack's role where it has one.
///
/// # Errors
/// `ValidationError` when CloudFormation may not assume the role.
pub(super) fn maker(call: &mut Call<'_>, role: Option<&str>) -> Result<Target, ApiError> {
    let caller = match role {
        None => call.caller.clone(),
        Some(arn) => {
            iam::assumable(call.account, arn, "cloudformation.amazonaws.com").map_err(|why| {
                invalid(format!("Role {arn} is invalid or cannot be assumed: {why}"))
            })?;
            Caller::Role {
                role: arn.rsplit('/').next().unwrap_or_default().to_owned(),
                session: iam::STACK_SESSION.to_owned(),
            }
        }
    };
    Ok(Target {
        account: call.account.id.clone(),
        region: call.region.clone(),
        caller,
        request_id: uuid(),
    })
}

/// Everything that is checked before a stack is made or changed.
#[derive(Debug)]
pub(super) struct Request<'r> {
    pub(super) stack_name: &'r str,
    pub(super) stack_id: &'r str,
    pub(super) template: Template,
    pub(super) previous: &'r BTreeMap<String, String>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) role: Option<String>,
}

/// The text of the template that the request must bring.
pub(super) fn required_text(call: &mut Call<'_>, input: &Value) -> Result<String, ApiError> {
    template_text(call, input)?
        .ok_or_else(|| invalid("Either Template URL or Template Body must be specified."))
}

/// What a request for a new stack asks for.
///
/// # Errors
/// As those of [`Request::wish`].
pub(super) fn wish_for_new(
    call: &mut Call<'_>,
    input: &Value,
    stack_name: &str,
    stack_id: &str,
) -> Result<Wish, ApiError> {
    let body = required_text(call, input)?;
    Request {
        stack_name,
        stack_id,
        template: Template::parse(&body)?,
        previous: &BTreeMap::new(),
        tags: tags(input)?,
        role: input.text("RoleARN").map(str::to_owned),
    }
    .wish(call, input)
}

impl Request<'_> {
    /// The wish that this request comes to.
    ///
    /// # Errors
    /// `ValidationError`, `InsufficientCapabilitiesException`.
    pub(super) fn wish(self, call: &mut Call<'_>, input: &Value) -> Result<Wish, ApiError> {
        let acknowledged = input.texts("Capabilities");
        let parameters = bind(&self.template, &given(input)?, self.previous)?;
        capabilities(&self.template, &acknowledged)?;
        let target = maker(call, self.role.as_deref())?;
        let nothing = BTreeMap::new();
        let budget = Budget::default();
        let mut scope = Scope {
            template: &self.template,
            parameters: &parameters,
            account: &call.account.id,
            region: &call.region,
            stack_name: self.stack_name,
            stack_id: self.stack_id,
            resources: &nothing,
            exports: &BTreeMap::new(),
            truths: &BTreeMap::new(),
            budget: &budget,
        };
        let truths = scope.truths()?;
        scope.truths = &truths;
        let active = active(&scope)?;
        // The circle is looked for among all resources: a condition does not break it on AWS either.
        let all: BTreeSet<String> = self.template.resources.keys().cloned().collect();
        graph::order(&graph::dependencies(&self.template, &all)?)?;
        Ok(Wish {
            template: Arc::new(self.template),
            parameters,
            active,
            truths,
            budget: Arc::default(),
            tags: self.tags,
            capabilities: acknowledged,
            role: self.role,
            target,
        })
    }
}

/// The resources whose condition holds.
fn active(scope: &Scope<'_>) -> Result<BTreeSet<String>, ApiError> {
    let template = scope.template;
    let mut active = BTreeSet::new();
    for (name, resource) in &template.resources {
        let holds = match &resource.condition {
            Some(condition) => scope.condition(condition)?,
            None => true,
        };
        if holds {
            active.insert(name.clone());
        }
    }
    for name in &active {
        let properties = &template.resources[name].properties;
        refuse_absent(scope, &active, properties, "Resources")?;
    }
    for output in template.outputs.values() {
        let holds = match &output.condition {
            Some(condition) => scope.condition(condition)?,
            None => true,
        };
        if holds {
            let export = output.export.as_ref();
            for value in std::iter::once(&output.value).chain(export) {
                refuse_absent(scope, &active, value, "Outputs")?;
            }
        }
    }
    Ok(active)
}

/// What a part of the template refers to and will not find, before anything is made.
fn refuse_absent(
    scope: &Scope<'_>,
    active: &BTreeSet<String>,
    value: &Value,
    block: &str,
) -> Result<(), ApiError> {
    let mut missing = BTreeSet::new();
    absent(scope, active, value, &mut missing)?;
    match missing.first() {
        Some(missing) => Err(invalid(format!(
            "Template format error: Unresolved resource dependencies [{missing}] in the {block} block of the template"
        ))),
        None => Ok(()),
    }
}

/// The resources that `value` really refers to, its choices made, and that are not made. Every value is looked at once.
fn absent(
    scope: &Scope<'_>,
    active: &BTreeSet<String>,
    value: &Value,
    missing: &mut BTreeSet<String>,
) -> Result<(), ApiError> {
    let mut miss = |name: &str| {
        if scope.template.resources.contains_key(name) && !active.contains(name) {
            missing.insert(name.to_owned());
        }
    };
    match value {
        Value::Array(items) => items
            .iter()
            .try_for_each(|item| absent(scope, active, item, missing)),
        Value::Object(members) => match function(members) {
            Some(("Ref", target)) => {
                miss(target.as_str().unwrap_or_default());
                Ok(())
            }
            Some(("Fn::GetAtt", argument)) => {
                miss(attribute(argument)?.0);
                Ok(())
            }
            Some(("Fn::Sub", argument)) => {
                let (text, local) = substitution(argument)?;
                for part in parts(text)? {
                    if let Part::Variable(variable) = part
                        && !local.is_some_and(|local| local.contains_key(variable))
                    {
                        miss(variable.split('.').next().unwrap_or_default());
                    }
                }
                let mut local = local.into_iter().flat_map(Map::values);
                local.try_for_each(|value| absent(scope, active, value, missing))
            }
            Some(("Fn::If", argument)) => {
                let [condition, then, otherwise] = three(argument)?;
                let holds = scope.condition(condition.as_str().unwrap_or_default())?;
                absent(scope, active, if holds { then } else { otherwise }, missing)
            }
            // Its arguments come from parameters and mappings, never from resources.
            Some(("Fn::FindInMap", _)) => scope.resolve(value).map(drop),
            Some((_, argument)) => absent(scope, active, argument, missing),
            None => members
                .values()
                .try_for_each(|member| absent(scope, active, member, missing)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}
