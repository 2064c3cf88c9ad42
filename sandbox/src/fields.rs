//! Reading operation inputs. Every protocol is decoded to one JSON-like tree; query protocols know
//! only strings, so numbers and booleans are accepted in both forms.

use serde_json::Value;

use crate::error::ApiError;

/// Access to the members of an input structure, at any depth.
pub trait Fields {
    /// The member as it is; `None` when absent or null.
    fn field(&self, name: &str) -> Option<&Value>;
    /// A string member; `None` when absent, null or not a string.
    fn text(&self, name: &str) -> Option<&str>;
    /// A string member that must be there and not be empty.
    fn require(&self, name: &str) -> Result<&str, ApiError>;
    /// An integer member, also from its decimal text.
    fn int(&self, name: &str) -> Result<Option<i64>, ApiError>;
    /// A boolean member, also from `true`/`false`.
    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError>;
    /// A list member; empty when absent.
    fn list(&self, name: &str) -> &[Value];
    /// A list of strings; anything else in it is left out.
    fn texts(&self, name: &str) -> Vec<String>;
}

impl Fields for Value {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    fn require(&self, name: &str) -> Result<&str, ApiError> {
        self.text(name)
            .filter(|text| !text.is_empty())
            .ok_or_else(|| {
                ApiError::bad(
                    "ValidationException",
                    format!("the request must contain the parameter {name}"),
                )
            })
    }

    fn int(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => {
                Ok(number.as_i64())
            }
            Some(Value::String(text)) => text
                .parse()
                .map(Some)
                .map_err(|_| not_a(name, "an integer", text)),
            Some(other) => Err(not_a(name, "an integer", &other.to_string())),
        }
    }

    fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(other) => Err(not_a(name, "a boolean", &other.to_string())),
        }
    }

    fn list(&self, name: &str) -> &[Value] {
        self.get(name)
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    fn texts(&self, name: &str) -> Vec<String> {
        self.list(name)
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    }
}

fn not_a(name: &str, what: &str, value: &str) -> ApiError {
    ApiError::bad(
        "ValidationException",
        format!("the value of {name} must be {what}, not {value}"),
    )
}
