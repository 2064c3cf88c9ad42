//! From a scenario's input to the SDK's types.

use std::collections::HashMap;

use aws_smithy_types::Blob;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

/// The members of a structure.
#[derive(Debug)]
pub(super) struct Members<'a>(&'a Map<String, Value>);

impl<'a> Members<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Object(members) => Self(members),
            other => panic!("`{other}` is no structure"),
        }
    }

    /// A member that the table does not know would silently not be sent.
    pub(super) fn only(&self, known: &[&str]) {
        for name in self.0.keys() {
            assert!(
                known.contains(&name.as_str()),
                "the typed table has no member `{name}`, only {known:?}"
            );
        }
    }

    pub(super) fn get<T: FromInput>(&self, name: &str) -> Option<T> {
        self.0.get(name).map(T::from_input)
    }
}

/// What a member of an input can be.
pub(super) trait FromInput {
    fn from_input(value: &Value) -> Self;
}

impl FromInput for String {
    fn from_input(value: &Value) -> Self {
        match value {
            Value::String(text) => text.clone(),
            other => panic!("`{other}` is no text"),
        }
    }
}

impl FromInput for i32 {
    fn from_input(value: &Value) -> Self {
        i64::from_input(value).try_into().unwrap()
    }
}

impl FromInput for i64 {
    fn from_input(value: &Value) -> Self {
        value
            .as_i64()
            .unwrap_or_else(|| panic!("`{value}` is no number"))
    }
}

impl FromInput for bool {
    fn from_input(value: &Value) -> Self {
        value
            .as_bool()
            .unwrap_or_else(|| panic!("`{value}` is neither true nor false"))
    }
}

/// `$bytes` holds base64; a text stands for itself.
pub(super) fn bytes(value: &Value) -> Vec<u8> {
    match value.get("$bytes") {
        Some(encoded) => BASE64_STANDARD.decode(encoded.as_str().unwrap()).unwrap(),
        None => String::from_input(value).into_bytes(),
    }
}

impl FromInput for Blob {
    fn from_input(value: &Value) -> Self {
        Blob::new(bytes(value))
    }
}

/// A moment is a number of seconds.
impl FromInput for aws_smithy_types::DateTime {
    fn from_input(value: &Value) -> Self {
        Self::from_secs(i64::from_input(value))
    }
}

impl<T: FromInput> FromInput for Vec<T> {
    fn from_input(value: &Value) -> Self {
        match value {
            Value::Array(items) => items.iter().map(T::from_input).collect(),
            other => panic!("`{other}` is no list"),
        }
    }
}

impl<T: FromInput> FromInput for HashMap<String, T> {
    fn from_input(value: &Value) -> Self {
        match value {
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| (name.clone(), T::from_input(member)))
                .collect(),
            other => panic!("`{other}` is no map"),
        }
    }
}

/// A builder's `build` answers with the value, or with a result where the model requires members.
pub(super) trait Built<T> {
    fn built(self) -> T;
}

impl<T> Built<T> for T {
    fn built(self) -> T {
        self
    }
}

impl<T, E: std::fmt::Debug> Built<T> for Result<T, E> {
    fn built(self) -> T {
        self.unwrap()
    }
}

/// Structures of the SDK by the members that scenarios use.
macro_rules! structure {
    ($type:ty { $($member:literal => $setter:ident),* $(,)? }) => {
        impl $crate::sdk::input::FromInput for $type {
            fn from_input(value: &serde_json::Value) -> Self {
                let members = $crate::sdk::input::Members::of(value);
                members.only(&[$($member),*]);
                $crate::sdk::input::Built::<$type>::built(
                    <$type>::builder()$(.$setter(members.get($member)))*.build(),
                )
            }
        }
    };
}
pub(super) use structure;

/// Enums of the SDK; a value that the SDK does not know is sent as it is.
macro_rules! enums {
    ($($type:ty),* $(,)?) => {
        $(impl $crate::sdk::input::FromInput for $type {
            fn from_input(value: &serde_json::Value) -> Self {
                <$type>::from(String::from_input(value).as_str())
            }
        })*
    };
}
pub(super) use enums;
