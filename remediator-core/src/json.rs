//! JSON as it arrives: a tree that borrows from the text.
//!
//! An event holds hundreds of names and words, of which a dozen matter. A tree that owns each of them costs more than
//! everything else that is done about a clean group, but for the calls themselves (`docs/performance.md`).

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
