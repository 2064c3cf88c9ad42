//! One page of a listing at a time.

use serde_json::Value;

use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::listing::{self, PageSize};

/// Of `GetParametersByPath`: 1 to 10.
pub(super) const TEN: PageSize = PageSize::up_to(10);

/// Of `DescribeParameters`: 1 to 50, ten unless asked for more.
pub(super) const FIFTY: PageSize = PageSize {
    usual: 10,
    most: 50,
};

/// Cuts one page out of a list that is ordered by its keys; the token is the last key shown.
pub(super) fn cut<'a>(
    input: &Value,
    member: &str,
    size: PageSize,
    items: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Value, ApiError> {
    let most = size.most;
    let size = size.of(input, "MaxResults", |asked| {
        invalid(format!(
            "1 validation error detected: Value '{asked}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and {most}"
        ))
    })?;
    let page = listing::cut(items, input.text("NextToken"), size);
    Ok(listing::answer(member, page))
}
