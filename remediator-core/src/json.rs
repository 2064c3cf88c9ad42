//! JSON as it arrives: a tree that borrows from the text.
//!
//! An event holds hundreds of names and words, of which a dozen matter; a tree that owns each of them takes half as long again
//! to read. Of members with the same name, which AWS does not send, the first one counts.

use crate::event::EventError;
use serde_json_borrow::ObjectAsVec;

pub use serde_json_borrow::Value as Json;

/// The members of an object.
pub(crate) type Object<'a> = ObjectAsVec<'a>;

/// The function's input; text that needs no unescaping is not copied.
///
/// # Errors
/// [`EventError::NotAnObject`] where it is not JSON.
pub fn payload(text: &str) -> Result<Json<'_>, EventError> {
    parse("event", text)
}

/// What is in the text of `field`.
pub(crate) fn parse<'a>(field: &'static str, text: &'a str) -> Result<Json<'a>, EventError> {
    serde_json::from_str(text).map_err(|source| EventError::NotAnObject {
        field,
        source: Some(source),
    })
}

/// A member, of an object only.
pub(crate) fn member<'a, 'text>(value: &'a Json<'text>, name: &str) -> Option<&'a Json<'text>> {
    value.as_object()?.get(name)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn of_equal_names_the_first_counts() {
        let event = payload(r#"{"a": 1, "a": 2, "\u0062": 3}"#).unwrap();
        assert_eq!(member(&event, "a").and_then(Json::as_i64), Some(1));
        assert_eq!(member(&event, "b").and_then(Json::as_i64), Some(3));
    }
}
