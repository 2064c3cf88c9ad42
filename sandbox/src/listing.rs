//! Listings that are cut into pages.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::fields::Fields;

/// How many items a page has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PageSize {
    /// Where the request does not say.
    pub(crate) usual: usize,
    pub(crate) most: usize,
}

impl PageSize {
    /// Pages that are as long as they may be, unless the request asks for less.
    pub(crate) const fn up_to(most: usize) -> Self {
        Self { usual: most, most }
    }

    /// What `member` of a request asks for; `refuse` says what is wrong with a number below 1 or above the most.
    pub(crate) fn of(
        self,
        input: &Value,
        member: &str,
        refuse: impl FnOnce(i64) -> ApiError,
    ) -> Result<usize, ApiError> {
        let Some(asked) = input.int(member)? else {
            return Ok(self.usual);
        };
        usize::try_from(asked)
            .ok()
            .filter(|size| (1..=self.most).contains(size))
            .ok_or_else(|| refuse(asked))
    }
}

/// Cuts one page out of a list that is ordered by its keys: what comes after the key `after`. If that is not all, the
/// last key shown is answered too; it is where the next page goes on.
pub(crate) fn cut<K: AsRef<str>>(
    items: impl Iterator<Item = (K, Value)>,
    after: Option<&str>,
    size: usize,
) -> (Vec<Value>, Option<String>) {
    let mut rest = items.skip_while(|(key, _)| after.is_some_and(|after| key.as_ref() <= after));
    let (keys, shown): (Vec<K>, Vec<Value>) = rest.by_ref().take(size).unzip();
    let more = rest.next().is_some();
    let last = keys.last().filter(|_| more);
    (shown, last.map(|key| key.as_ref().to_owned()))
}

/// A page as most services answer it: the items under `member`, and where the next page goes on.
pub(crate) fn answer(member: &str, (shown, next): (Vec<Value>, Option<String>)) -> Value {
    let mut answer = json!({ member: shown });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_everything_once() {
        let items = || {
            ["a", "b", "c", "d"]
                .map(|key| (key, json!(key)))
                .into_iter()
        };
        let (first, next) = cut(items(), None, 2);
        assert_eq!(
            (first, next.as_deref()),
            (vec![json!("a"), json!("b")], Some("b"))
        );
        let (second, next) = cut(items(), next.as_deref(), 2);
        assert_eq!((second, next), (vec![json!("c"), json!("d")], None));
        // What a token names may be gone by now.
        let (rest, _) = cut(items(), Some("bb"), 9);
        assert_eq!(rest, [json!("c"), json!("d")]);
    }

    #[test]
    fn a_page_has_as_many_items_as_it_may() {
        let size = PageSize {
            usual: 10,
            most: 50,
        };
        let asked = |input| size.of(&input, "Max", |asked| ApiError::bad("X", asked.to_string()));
        assert_eq!(asked(json!({})), Ok(10));
        assert_eq!(asked(json!({"Max": 50})), Ok(50));
        for wrong in [-1, 0, 51] {
            let refused = ApiError::bad("X", wrong.to_string());
            assert_eq!(asked(json!({ "Max": wrong })), Err(refused));
        }
    }
}
