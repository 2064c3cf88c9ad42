//! Checks on the parameters of query services (IAM, SNS, STS) that the decoded tree alone cannot make.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::listing::{self, PageSize};
use crate::protocol::Operation;

/// As every list of IAM has it.
const PAGE: PageSize = PageSize {
    usual: 100,
    most: 1000,
};

/// Refuses parameters that the operation would ignore: the caller must not believe that they had an effect.
pub(crate) fn accept(service: &str, operation: &Operation, known: &[&str]) -> Result<(), ApiError> {
    let unknown = operation.input.as_object().and_then(|members| {
        members
            .iter()
            .find(|(name, value)| {
                !value.is_null()
                    && !matches!(name.as_str(), "Action" | "Version")
                    && !known.contains(&name.as_str())
            })
            .map(|(name, _)| name)
    });
    match unknown {
        None => Ok(()),
        Some(name) => Err(ApiError::not_implemented(
            service,
            &format!("{} with parameter {name}", operation.name),
        )),
    }
}

/// A required parameter, with IAM's error when it is missing.
pub(super) fn require<'a>(input: &'a Value, name: &str) -> Result<&'a str, ApiError> {
    input
        .text(name)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| invalid(name, "null", "Member must not be null"))
}

/// A required name of a role, policy or user.
pub(super) fn require_name<'a>(
    input: &'a Value,
    name: &str,
    max: usize,
) -> Result<&'a str, ApiError> {
    let text = require(input, name)?;
    if text.len() > max {
        let rule = format!("Member must have length less than or equal to {max}");
        return Err(invalid(name, text, &rule));
    }
    let valid = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b));
    if !valid {
        return Err(invalid(
            name,
            text,
            r"Member must satisfy regular expression pattern: [\w+=,.@-]+",
        ));
    }
    Ok(text)
}

/// A path; `/` when absent.
pub(super) fn path(input: &Value) -> Result<String, ApiError> {
    let path = input.text("Path").unwrap_or("/");
    let valid = path == "/"
        || (path.len() > 2
            && path.len() <= 512
            && path.starts_with('/')
            && path.ends_with('/')
            && path.bytes().all(|b| (0x21..=0x7e).contains(&b)));
    if valid {
        Ok(path.to_owned())
    } else {
        Err(invalid(
            "Path",
            path,
            "Member must satisfy regular expression pattern: (/)|(/[!-~]+/)",
        ))
    }
}

/// The error of IAM and STS for a value outside its constraints.
pub(crate) fn invalid(name: &str, value: &str, rule: &str) -> ApiError {
    let mut member = name.to_owned();
    if let Some(first) = member.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    ApiError::bad(
        "ValidationError",
        format!(
            "1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {rule}"
        ),
    )
}

/// Cuts one page out of `items` (ordered by their keys), as `Marker` and `MaxItems` ask for, and puts
/// it under `member` of the answer.
pub(super) fn page<'a>(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Value, ApiError> {
    let size = PAGE.of(input, "MaxItems", |asked| {
        invalid(
            "MaxItems",
            &asked.to_string(),
            "Member must be between 1 and 1000",
        )
    })?;
    let after = input.text("Marker").map(read_marker).transpose()?;
    let (shown, next) = listing::cut(items, after.as_deref(), size);
    let mut answer = Map::new();
    answer.insert(member.to_owned(), Value::Array(shown));
    answer.insert("IsTruncated".to_owned(), next.is_some().into());
    if let Some(next) = next {
        answer.insert("Marker".to_owned(), URL_SAFE_NO_PAD.encode(next).into());
    }
    Ok(Value::Object(answer))
}

fn read_marker(marker: &str) -> Result<String, ApiError> {
    URL_SAFE_NO_PAD
        .decode(marker)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or_else(|| ApiError::bad("ValidationError", "Invalid Marker"))
}
