//! Pages: limits, tokens, and reading moments.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::clock::{self, Timestamp};
use crate::error::ApiError;
use crate::fields::Fields;

/// One page of `all`, and the token of the next one.
pub(super) fn page<T>(
    operation: &str,
    all: Vec<T>,
    token: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let start = match token {
        None => 0,
        Some(token) => match decode(operation, token).as_deref() {
            Some([start]) => usize::try_from(*start).map_err(|_| invalid_token())?,
            _ => return Err(invalid_token()),
        },
    };
    let total = all.len();
    let end = start.saturating_add(size).min(total);
    let next = (end < total)
        .then(|| i64::try_from(end).ok())
        .flatten()
        .map(|end| encode(operation, &[end]));
    let items = all.into_iter().skip(start).take(size).collect();
    Ok((items, next))
}

/// The page size asked for: absent and 0 mean the default, as AWS documents it.
pub(super) fn limit(
    input: &Value,
    name: &str,
    default: usize,
    maximum: usize,
    code: &'static str,
) -> Result<usize, ApiError> {
    match input.int(name)? {
        None | Some(0) => Ok(default),
        Some(asked) => usize::try_from(asked)
            .ok()
            .filter(|asked| *asked <= maximum)
            .ok_or_else(|| {
                ApiError::bad(
                    code,
                    format!("The limit {asked} is outside the allowable range of 0 to {maximum}."),
                )
            }),
    }
}

/// An opaque token that only the same operation accepts.
pub(super) fn encode(operation: &str, numbers: &[i64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(i64::to_string).collect();
    URL_SAFE_NO_PAD.encode(format!("{operation}:{}", numbers.join(":")))
}

/// What [`encode`] hid; `None` for anything else.
pub(super) fn decode(operation: &str, token: &str) -> Option<Vec<i64>> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let numbers = text.strip_prefix(operation)?.strip_prefix(':')?;
    numbers
        .split(':')
        .map(|number| number.parse().ok())
        .collect()
}

pub(super) fn invalid_token() -> ApiError {
    ApiError::bad(
        "InvalidNextTokenException",
        "The specified nextToken is not valid. Specify the nextToken string that was returned in the previous response.",
    )
}

/// A timestamp member: seconds since the epoch (what SDKs send) or RFC 3339 text.
pub(super) fn moment(input: &Value, name: &str) -> Result<Option<Timestamp>, ApiError> {
    let wrong = || {
        ApiError::bad(
            "ValidationException",
            format!("the value of {name} is not a timestamp"),
        )
    };
    match input.field(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().ok_or_else(wrong)?;
            // Whole milliseconds, downwards, as the clock has them: a moment that a client noted before a
            // change must not come out later than the change. The grain makes up for binary fractions.
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a float outside the range saturates and is then refused"
            )]
            let nanos = ((seconds * 1000.0 + 0.001).floor() as i128).saturating_mul(1_000_000);
            OffsetDateTime::from_unix_timestamp_nanos(nanos)
                .map(Some)
                .map_err(|_| wrong())
        }
        Some(Value::String(text)) => clock::parse(text, &Rfc3339).map(Some).ok_or_else(wrong),
        Some(_) => Err(wrong()),
    }
}

/// A value that must be one of a few words.
pub(super) fn one_of(value: &str, name: &str, allowed: &[&str]) -> Result<(), ApiError> {
    if allowed.contains(&value) {
        return Ok(());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set: [{}]",
        allowed.join(", ")
    )))
}

/// `Err` unless a text's length is within the bounds.
pub(super) fn length(value: &str, name: &str, bounds: (usize, usize)) -> Result<(), ApiError> {
    let count = value.chars().count();
    if (bounds.0..=bounds.1).contains(&count) {
        return Ok(());
    }
    let (which, bound) = if count < bounds.0 {
        ("greater", bounds.0)
    } else {
        ("less", bounds.1)
    };
    Err(validation(format!(
        "1 validation error detected: Value at '{name}' failed to satisfy constraint: Member must have length {which} than or equal to {bound}"
    )))
}

pub(super) fn validation(message: impl Into<String>) -> ApiError {
    ApiError::bad("ValidationException", message)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn pages_follow_each_other_and_refuse_foreign_tokens() {
        let (first, token) = page("Op", vec![1, 2, 3], None, 2).unwrap();
        assert_eq!(first, [1, 2]);
        let (second, end) = page("Op", vec![1, 2, 3], token.as_deref(), 2).unwrap();
        assert_eq!((second.as_slice(), end), ([3].as_slice(), None));
        let error = page("Other", vec![1], token.as_deref(), 2).unwrap_err();
        assert_eq!(error.code, "InvalidNextTokenException");
    }

    #[test]
    fn moments_come_as_numbers_and_as_text() {
        let input =
            serde_json::json!({"a": 1_752_511_939.3, "b": "2025-07-14T16:52:19.300Z", "c": "soon"});
        assert_eq!(moment(&input, "a").unwrap(), moment(&input, "b").unwrap());
        let finer = serde_json::json!({"a": 1_752_511_939.300_9});
        assert_eq!(moment(&finer, "a").unwrap(), moment(&input, "b").unwrap());
        assert_eq!(moment(&input, "c").unwrap_err().code, "ValidationException");
        assert_eq!(moment(&input, "d").unwrap(), None);
        let beyond = serde_json::json!({"a": "9999-12-31T23:59:59-00:01"});
        assert_eq!(
            moment(&beyond, "a").unwrap_err().code,
            "ValidationException"
        );
    }
}
