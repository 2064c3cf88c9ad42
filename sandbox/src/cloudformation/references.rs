//! What a part of a template refers to. Read statically: both sides of an `Fn::If` count.

use serde_json::{Map, Value};

use super::invalid;
use crate::error::ApiError;

/// A name that must exist.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reference {
    /// A parameter, a resource or a pseudo parameter.
    Name(String),
    /// A resource and one of its attributes.
    Attribute(String, String),
    /// A condition.
    Condition(String),
}

/// Everything that `value` refers to, in the order in which it stands there.
///
/// # Errors
/// `ValidationError` for a function that is malformed or unknown.
pub(super) fn references(value: &Value) -> Result<Vec<Reference>, ApiError> {
    let mut found = Vec::new();
    collect(value, &mut found)?;
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<Reference>) -> Result<(), ApiError> {
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| collect(item, found)),
        Value::Object(members) => match function(members) {
            Some((name, argument)) => of_function(name, argument, found),
            None => members
                .values()
                .try_for_each(|member| collect(member, found)),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// The function that an object stands for, with its argument; `None` for an ordinary object.
pub(super) fn function(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut members = members.iter();
    let (name, argument) = members.next()?;
    // `Condition` is a function only as the one string member: IAM policies have an object of that name.
    let is_function =
        name == "Ref" || name.starts_with("Fn::") || (name == "Condition" && argument.is_string());
    (is_function && members.next().is_none()).then_some((name.as_str(), argument))
}

fn of_function(name: &str, argument: &Value, found: &mut Vec<Reference>) -> Result<(), ApiError> {
    match name {
        "Ref" => match argument.as_str() {
            Some(target) => found.push(Reference::Name(target.to_owned())),
            None => {
                return Err(invalid(
                    "Template error: every Ref object must have a single String value.",
                ));
            }
        },
        "Condition" => found.extend(
            argument
                .as_str()
                .map(|target| Reference::Condition(target.to_owned())),
        ),
        "Fn::GetAtt" => {
            let (resource, attribute) = attribute(argument)?;
            found.push(Reference::Attribute(
                resource.to_owned(),
                attribute.to_owned(),
            ));
        }
        "Fn::Sub" => {
            let (text, local) = substitution(argument)?;
            for part in parts(text)? {
                if let Part::Variable(variable) = part
                    && !local.is_some_and(|local| local.contains_key(variable))
                {
                    found.push(match variable.split_once('.') {
                        Some((resource, attribute)) => {
                            Reference::Attribute(resource.to_owned(), attribute.to_owned())
                        }
                        None => Reference::Name(variable.to_owned()),
                    });
                }
            }
            for value in local.into_iter().flat_map(Map::values) {
                collect(value, found)?;
            }
        }
        "Fn::If" => {
            let [condition, then, otherwise] = three(argument)?;
            let Some(condition) = condition.as_str() else {
                return Err(invalid(
                    "Template error: Fn::If requires a list argument with the first element being a condition",
                ));
            };
            found.push(Reference::Condition(condition.to_owned()));
            collect(then, found)?;
            collect(otherwise, found)?;
        }
        "Fn::And" | "Fn::Base64" | "Fn::Cidr" | "Fn::Equals" | "Fn::FindInMap" | "Fn::GetAZs"
        | "Fn::ImportValue" | "Fn::Join" | "Fn::Not" | "Fn::Or" | "Fn::Select" | "Fn::Split" => {
            collect(argument, found)?
        }
        "Fn::ForEach" | "Fn::GetStackOutput" | "Fn::Length" | "Fn::ToJsonString"
        | "Fn::Transform" => {
            return Err(ApiError::new(
                501,
                "NotImplemented",
                format!("{name} needs a transform, which is not implemented by the sandbox"),
            ));
        }
        other => {
            return Err(invalid(format!(
                "Template error: {other} is not a function of CloudFormation"
            )));
        }
    }
    Ok(())
}

/// The condition and the two choices of an `Fn::If`.
pub(super) fn three(argument: &Value) -> Result<[&Value; 3], ApiError> {
    match argument.as_array().map(Vec::as_slice) {
        Some([first, second, third]) => Ok([first, second, third]),
        _ => Err(invalid(
            "Template error: Fn::If requires a list argument with three elements",
        )),
    }
}

/// The resource and the attribute of an `Fn::GetAtt`.
pub(super) fn attribute(argument: &Value) -> Result<(&str, &str), ApiError> {
    let pair = match argument {
        Value::String(text) => text.split_once('.'),
        Value::Array(items) => match items.as_slice() {
            [Value::String(resource), Value::String(attribute)] => {
                Some((resource.as_str(), attribute.as_str()))
            }
            _ => None,
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    };
    pair.filter(|(resource, attribute)| !resource.is_empty() && !attribute.is_empty())
        .ok_or_else(|| {
            invalid("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")
        })
}

/// The text of an `Fn::Sub` and its local variables.
type Substitution<'v> = (&'v str, Option<&'v Map<String, Value>>);

/// The text and the local variables of an `Fn::Sub`.
pub(super) fn substitution(argument: &Value) -> Result<Substitution<'_>, ApiError> {
    match argument {
        Value::String(text) => Ok((text, None)),
        Value::Array(items) => match items.as_slice() {
            [Value::String(text), Value::Object(local)] => Ok((text, Some(local))),
            [Value::String(text)] => Ok((text, None)),
            _ => Err(sub_arguments()),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Err(sub_arguments()),
    }
}

fn sub_arguments() -> ApiError {
    invalid(
        "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as first argument, and an optional second argument to specify a mapping of values to replace in the string",
    )
}

/// A piece of the text of an `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'t> {
    Text(&'t str),
    Variable(&'t str),
    /// `${!name}`, which stands for `${name}`.
    Literal(&'t str),
}

/// Cuts the text of an `Fn::Sub` at its variables.
pub(super) fn parts(text: &str) -> Result<Vec<Part<'_>>, ApiError> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        let inside = &rest[start + 2..];
        let Some(end) = inside.find('}') else {
            parts.push(Part::Text(&rest[start..]));
            return Ok(parts);
        };
        let name = &inside[..end];
        match name.strip_prefix('!') {
            Some(literal) => parts.push(Part::Literal(literal)),
            None => parts.push(Part::Variable(variable(name)?)),
        }
        rest = &inside[end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn variable(name: &str) -> Result<&str, ApiError> {
    let name = name.trim();
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':');
    if !name.is_empty() && name.bytes().all(allowed) {
        return Ok(name);
    }
    Err(invalid(
        "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons",
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;
    use serde_json::json;

    #[test]
    fn both_sides_of_a_choice_and_the_variables_of_a_text_count() {
        let value = json!({"Fn::If": ["C", {"Ref": "A"}, {"Fn::Sub": ["${B.Arn}/${AWS::Region}/${X}/${!Y}", {"X": {"Ref": "Z"}}]}]});
        assert_eq!(
            references(&value).unwrap(),
            [
                Reference::Condition("C".into()),
                Reference::Name("A".into()),
                Reference::Attribute("B".into(), "Arn".into()),
                Reference::Name("AWS::Region".into()),
                Reference::Name("Z".into()),
            ]
        );
    }

    #[test]
    fn the_condition_of_a_policy_is_no_function() {
        let policy = json!({"Statement": [{"Condition": {"StringEquals": {"a": {"Ref": "A"}}}}]});
        assert_eq!(references(&policy).unwrap(), [Reference::Name("A".into())]);
    }

    #[test]
    fn a_text_is_cut_at_its_variables() {
        assert_eq!(
            parts("a${B}${!C}$d").unwrap(),
            [
                Part::Text("a"),
                Part::Variable("B"),
                Part::Literal("C"),
                Part::Text("$d")
            ]
        );
        assert!(parts("${a b}").is_err());
    }
}
