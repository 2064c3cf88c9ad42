//! Writing a parameter.

use serde_json::{Value, json};

use super::parameter::{Kind, Parameter, Tier, Version};
use super::{accept, invalid, keys, name, tags};
use crate::allowance::Allowance;
use crate::bounded_regex::{BoundedRegex, STEPS};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::kms::Key;
use crate::sandbox::Call;

/// AWS's default quota for standard and advanced parameters of one region, from the service's quotas.
const MAX_PARAMETERS: usize = 10_000;

pub(super) fn put(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    accept(
        "PutParameter",
        input,
        &[
            "Name",
            "Description",
            "Value",
            "Type",
            "KeyId",
            "Overwrite",
            "AllowedPattern",
            "Tags",
            "Tier",
            "DataType",
        ],
    )?;
    // Spaces around a name are taken away, says the API reference.
    let name = input.require("Name")?.trim().to_owned();
    name::check(call, &name)?;
    let overwrite = input.flag("Overwrite")?.unwrap_or(false);
    let given_tags = tags::given(call, input)?;
    if overwrite && !given_tags.is_empty() {
        return Err(invalid(
            "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    let existing = call.here().ssm.parameters.get(&name);
    let known = existing.map(|found| (found.kind, found.tier));
    let number = existing.map_or(1, Parameter::next_number);
    if known.is_some() && !overwrite {
        return Err(ApiError::bad(
            "ParameterAlreadyExists",
            "The parameter already exists. To overwrite this value, set the overwrite option in the request to true.",
        ));
    }
    let wanted = Wanted::read(call, input, known)?;
    let version = Version {
        number,
        value: wanted.value.clone(),
        key: wanted.key.clone(),
        at: call.now,
        by: call.caller.arn(&call.account.id, &call.region),
    };
    let arn = name::arn(call, &name);
    let parameters = &mut call.here().ssm.parameters;
    if known.is_none() && parameters.len() >= MAX_PARAMETERS {
        return Err(ApiError::bad(
            "ParameterLimitExceeded",
            "You have exceeded the number of parameters for this AWS account. Delete one or more parameters and try again.",
        ));
    }
    match parameters.get_mut(&name) {
        Some(parameter) => {
            parameter.add(version);
            wanted.apply(parameter);
        }
        None => {
            let mut parameter = Parameter::new(arn, wanted.kind, wanted.tier, version);
            parameter.tags = given_tags;
            wanted.apply(&mut parameter);
            parameters.insert(name, parameter);
        }
    }
    Ok(json!({"Version": number, "Tier": wanted.tier.as_str()}))
}

/// What a parameter is to be.
struct Wanted {
    kind: Kind,
    tier: Tier,
    value: String,
    /// What a secure string is to be encrypted with.
    key: Option<Key>,
    description: Option<String>,
    allowed_pattern: Option<String>,
}

impl Wanted {
    fn read(call: &Call<'_>, input: &Value, known: Option<(Kind, Tier)>) -> Result<Self, ApiError> {
        let kind = kind(input, known.map(|(kind, _)| kind))?;
        let key = match (input.text("KeyId"), kind) {
            (_, Kind::SecureString) => Some(keys::given(call, input)?),
            (None, Kind::String | Kind::StringList) => None,
            (Some(_), Kind::String | Kind::StringList) => {
                return Err(invalid(
                    "KeyId is required for SecureString type parameters only.",
                ));
            }
        };
        let value = input.require("Value")?.to_owned();
        let tier = tier(input, value.len(), known.map(|(_, tier)| tier))?;
        match input.text("DataType") {
            None | Some("text") => {}
            Some(other) => {
                let what = format!("PutParameter with DataType {other}");
                return Err(ApiError::not_implemented("ssm", &what));
            }
        }
        if kind == Kind::StringList && value.split(',').any(str::is_empty) {
            return Err(invalid(
                "Parameter type StringList has an invalid value: items may not be empty.",
            ));
        }
        let description = input.text("Description").map(str::to_owned);
        if description
            .as_ref()
            .is_some_and(|text| text.chars().count() > 1_024)
        {
            return Err(invalid(
                "1 validation error detected: Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1024",
            ));
        }
        let allowed_pattern = input.text("AllowedPattern").map(str::to_owned);
        if let Some(pattern) = &allowed_pattern {
            matches(pattern, &value)?;
        }
        Ok(Self {
            kind,
            tier,
            value,
            key,
            description,
            allowed_pattern,
        })
    }

    /// What is not given is kept.
    fn apply(&self, parameter: &mut Parameter) {
        parameter.tier = self.tier;
        if self.description.is_some() {
            parameter.description.clone_from(&self.description);
        }
        if self.allowed_pattern.is_some() {
            parameter.allowed_pattern.clone_from(&self.allowed_pattern);
        }
    }
}

fn kind(input: &Value, known: Option<Kind>) -> Result<Kind, ApiError> {
    let given = match input.text("Type") {
        None => None,
        Some(text) => Some(Kind::parse(text).ok_or_else(|| {
            invalid(format!("1 validation error detected: Value '{text}' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SecureString, StringList, String]"))
        })?),
    };
    match (given, known) {
        (Some(given), Some(known)) if given != known => Err(ApiError::bad(
            "HierarchyTypeMismatchException",
            format!(
                "The parameter is of type {}, which cannot be changed to {}.",
                known.as_str(),
                given.as_str()
            ),
        )),
        (Some(kind), _) | (None, Some(kind)) => Ok(kind),
        (None, None) => Err(invalid(
            "A parameter type is required when you create a parameter.",
        )),
    }
}

/// The tier of a value of so many bytes, where one was `known` before.
pub(super) fn tier(input: &Value, length: usize, known: Option<Tier>) -> Result<Tier, ApiError> {
    let fits = |tier: Tier| length <= tier.limit();
    let tier = match (input.text("Tier"), known) {
        (Some("Standard"), Some(Tier::Advanced)) => {
            return Err(invalid(
                "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
            ));
        }
        (Some("Standard") | None, None | Some(Tier::Standard)) => Tier::Standard,
        (Some("Advanced"), _) | (Some("Intelligent-Tiering") | None, Some(Tier::Advanced)) => {
            Tier::Advanced
        }
        (Some("Intelligent-Tiering"), _) if fits(Tier::Standard) => Tier::Standard,
        (Some("Intelligent-Tiering"), _) => Tier::Advanced,
        (Some(other), _) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'tier' failed to satisfy constraint: Member must satisfy enum value set: [Standard, Advanced, Intelligent-Tiering]"
            )));
        }
    };
    if fits(tier) {
        return Ok(tier);
    }
    Err(invalid(match tier {
        Tier::Standard => {
            "Standard tier parameters support a maximum parameter value of 4096 characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html"
        }
        Tier::Advanced => {
            "Advanced tier parameters support a maximum parameter value of 8192 characters."
        }
    }))
}

fn matches(pattern: &str, value: &str) -> Result<(), ApiError> {
    let refused = |error: String| {
        ApiError::bad(
            "InvalidAllowedPatternException",
            format!("The request does not meet the regular expression requirement: {error}"),
        )
    };
    let regex = BoundedRegex::compile(pattern).map_err(|error| refused(error.to_string()))?;
    let matched = regex
        .is_match(value, &Allowance::of(STEPS))
        .ok_or_else(|| {
            refused(format!(
                "matching takes more than the {} million steps that the sandbox allows",
                STEPS / 1_000_000
            ))
        })?;
    if matched {
        return Ok(());
    }
    // The value stays out of the message: it may be a secret.
    Err(ApiError::bad(
        "ParameterPatternMismatchException",
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    ))
}
