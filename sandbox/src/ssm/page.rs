//! One page of a listing at a time.

use serde_json::{Value, json};

use super::invalid;
use crate::error::ApiError;
use crate::fields::Fields;

/// How many items a page has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limit {
    most: usize,
    usual: usize,
}

impl Limit {
    /// `GetParametersByPath`: 1 to 10.
    pub(super) const TEN: Self = Self {
        most: 10,
        usual: 10,
    };
    /// `DescribeParameters`: 1 to 50, ten unless asked for more.
    pub(super) const FIFTY: Self = Self {
        most: 50,
        usual: 10,
    };
}

/// Cuts one page out of a list that is ordered by its keys; the token is the last key shown.
pub(super) fn cut<'a>(
    input: &Value,
    member: &str,
    limit: Limit,
    items: impl Iterator<Item = (&'a str, Value)>,
) -> Result<Value, ApiError> {
    let Limit { most, usual } = limit;
    let size = match input.int("MaxResults")? {
        None => usual,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| {
                invalid(format!(
                    "1 validation error detected: Value '{size}' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and {most}"
                ))
            })?,
    };
    let after = input.text("NextToken");
    let mut rest = items.skip_while(|(key, _)| after.is_some_and(|after| *key <= after));
    let shown: Vec<(&str, Value)> = rest.by_ref().take(size).collect();
    let last = shown.last().map(|(key, _)| (*key).to_owned());
    let shown: Vec<Value> = shown.into_iter().map(|(_, item)| item).collect();
    let mut answer = json!({ member: shown });
    if rest.next().is_some() {
        answer["NextToken"] = json!(last);
    }
    Ok(answer)
}
