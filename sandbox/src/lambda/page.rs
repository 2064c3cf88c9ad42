//! Lists in pages.

use serde_json::{Map, Value, json};

use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;

/// The most that a page holds; clients may ask for more and do not get it.
const LARGEST: usize = 50;

/// A page of `items` under the name `member`. They are in the order of their `key`, which no two of
/// them share; the marker is the key of the last one that was shown.
pub(super) fn of(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = Value>,
    key: impl Fn(&Value) -> String,
) -> Result<Value, ApiError> {
    let limit = match input.int("MaxItems").map_err(|error| invalid(error.message))? {
        None => LARGEST,
        Some(items) => usize::try_from(items)
            .ok()
            .filter(|items| (1..=10_000).contains(items))
            .ok_or_else(|| invalid("1 validation error detected: Value at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 10000"))?
            .min(LARGEST),
    };
    let after = input.text("Marker").unwrap_or_default();
    let mut rest = items.filter(|item| key(item).as_str() > after);
    let page: Vec<Value> = rest.by_ref().take(limit).collect();
    let more = rest.next().is_some();
    let marker = page.last().filter(|_| more).map(&key);
    let mut answer = Map::from_iter([(member.to_owned(), page.into())]);
    if let Some(marker) = marker {
        answer.insert("NextMarker".to_owned(), json!(marker));
    }
    Ok(answer.into())
}
