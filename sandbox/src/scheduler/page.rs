//! Listings, cut into pages.

use serde_json::{Value, json};

use super::{constraint, invalid};
use crate::error::ApiError;
use crate::fields::Fields;

/// What a page holds at most, and unless asked for fewer.
const PAGE: usize = 100;

/// Cuts one page out of a list that is ordered by its keys; the token is the last key shown.
pub(super) fn page(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, ApiError> {
    let limit = match input.int("MaxResults")? {
        None => PAGE,
        Some(limit) => usize::try_from(limit)
            .ok()
            .filter(|limit| (1..=PAGE).contains(limit))
            .ok_or_else(|| {
                constraint(
                    "MaxResults",
                    &limit.to_string(),
                    "Member must have value between 1 and 100",
                )
            })?,
    };
    let after = input.text("NextToken");
    if after.is_some_and(str::is_empty) {
        return Err(invalid("Invalid NextToken provided."));
    }
    let mut rest = items.skip_while(|(key, _)| after.is_some_and(|after| key.as_str() <= after));
    let shown: Vec<(String, Value)> = rest.by_ref().take(limit).collect();
    let last = shown.last().map(|(key, _)| key.clone());
    let shown: Vec<Value> = shown.into_iter().map(|(_, item)| item).collect();
    let mut answer = json!({ member: shown });
    if rest.next().is_some() {
        answer["NextToken"] = json!(last);
    }
    Ok(answer)
}
