//! Listings, cut into pages.

use serde_json::Value;

use super::{constraint, invalid};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::listing::{self, PageSize};

/// What a page holds at most, and unless asked for fewer.
const PAGE: usize = 100;

/// Cuts one page out of a list that is ordered by its keys; the token is the last key shown.
pub(super) fn page(
    input: &Value,
    member: &str,
    items: impl Iterator<Item = (String, Value)>,
) -> Result<Value, ApiError> {
    let size = PageSize::up_to(PAGE).of(input, "MaxResults", |asked| {
        constraint(
            "MaxResults",
            &asked.to_string(),
            "Member must have value between 1 and 100",
        )
    })?;
    let after = input.text("NextToken");
    if after.is_some_and(str::is_empty) {
        return Err(invalid("Invalid NextToken provided."));
    }
    Ok(listing::answer(member, listing::cut(items, after, size)))
}
