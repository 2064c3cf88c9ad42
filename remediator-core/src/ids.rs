//! Identifiers, checked once where they enter.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// An identifier that does not have the shape of its kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{value}` is not {expected}")]
pub struct IdError {
    /// What was given, cut to a length that fits a log line.
    pub value: String,
    /// The shape that was expected.
    pub expected: &'static str,
}

impl IdError {
    fn new(value: &str, expected: &'static str) -> Self {
        // The value may be hostile (it came with an event): no control characters, no endless line.
        let value = value.chars().filter(|c| !c.is_control()).take(64).collect();
        Self { value, expected }
    }
}

/// Whether `value` is `prefix` and then at least one ASCII letter or digit, and nothing else.
///
/// AWS documents 8 or 17 hexadecimal digits, but says that the length may change; what matters
/// here is that an identifier cannot carry a separator or a line break into a request or a log.
pub(crate) fn is_id(value: &str, prefix: &str) -> bool {
    value
        .strip_prefix(prefix)
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The id of a security group, like `sg-0123456789abcdef0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct GroupId(String);

impl GroupId {
    /// The id as AWS writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GroupId {
    type Err = IdError;

    fn from_str(value: &str) -> Result<Self, IdError> {
        if is_id(value, "sg-") {
            Ok(Self(value.to_owned()))
        } else {
            Err(IdError::new(
                value,
                "a security group id like `sg-0123456789abcdef0`",
            ))
        }
    }
}

/// A 12-digit AWS account id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountId(String);

impl AccountId {
    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = IdError;

    fn from_str(value: &str) -> Result<Self, IdError> {
        if value.len() == 12 && value.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(value.to_owned()))
        } else {
            Err(IdError::new(value, "an account id of twelve digits"))
        }
    }
}

/// The token with which AWS Config ties evaluations to a rule and an event.
///
/// Whoever holds it can report on behalf of the rule, so `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ResultToken(String);

impl ResultToken {
    /// Takes the token as Config sent it; it is opaque.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }

    /// The token as Config sent it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ResultToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResultToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_id_carries_nothing_but_an_id() {
        for good in ["sg-0123456789abcdef0", "sg-12345678"] {
            assert_eq!(
                good.parse::<GroupId>().map(|id| id.to_string()).as_deref(),
                Ok(good)
            );
        }
        for bad in [
            "",
            "sg-",
            "vpc-1",
            "sg-1\nsg-2",
            "sg-1&x=y",
            " sg-1",
            "SG-1",
        ] {
            assert!(bad.parse::<GroupId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_account_has_twelve_digits() {
        assert!("123456789012".parse::<AccountId>().is_ok());
        for bad in ["", "12345678901", "1234567890123", "12345678901a"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_token_does_not_show_in_debug_output() {
        assert!(!format!("{:?}", ResultToken::new("secret")).contains("secret"));
    }
}
