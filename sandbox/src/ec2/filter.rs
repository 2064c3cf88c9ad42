//! `Filter.N` and `NextToken`: how Describe operations select and page.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use super::errors;
use super::input::{self, Tags};
use crate::error::ApiError;

/// The filters of one request: a resource must match all of them, each with any of its values.
#[derive(Debug)]
pub(super) struct Filters(Vec<Filter>);

#[derive(Debug)]
struct Filter {
    name: String,
    values: Vec<Pattern>,
}

/// Values of all filters of a request (EC2 API Reference, "FilterLimitExceeded").
const MAX_VALUES: usize = 200;

impl Filters {
    /// Reads `Filter.N`. `known` are the names that the operation documents; `tag:<key>` is always
    /// known, as everything that is described here has tags.
    pub(super) fn parse(input: &Value, known: &[&str]) -> Result<Self, ApiError> {
        let one = |filter: &Value| {
            input::only_members("Filter", filter, &["Name", "Value"])?;
            let name = input::require(filter, "Name")?;
            let tag = name.strip_prefix("tag:").is_some_and(|key| !key.is_empty());
            if !tag && !known.contains(&name) {
                return Err(errors::value(format!("The filter '{name}' is invalid")));
            }
            let values: Vec<Pattern> = input::texts(filter, "Value")?
                .into_iter()
                .map(Pattern::new)
                .collect();
            if values.is_empty() {
                return Err(errors::missing(&format!("Value for the filter {name}")));
            }
            Ok(Filter {
                name: name.to_owned(),
                values,
            })
        };
        let filters: Vec<Filter> = input::list(input, "Filter")?
            .iter()
            .map(one)
            .collect::<Result<_, _>>()?;
        if filters
            .iter()
            .map(|filter| filter.values.len())
            .sum::<usize>()
            > MAX_VALUES
        {
            return Err(ApiError::bad(
                "FilterLimitExceeded",
                format!(
                    "The maximum number of filter values specified on a single call is {MAX_VALUES}"
                ),
            ));
        }
        Ok(Self(filters))
    }

    /// Whether a resource matches: `values` answers what the resource has under a filter's name.
    pub(super) fn match_resource(&self, tags: &Tags, values: impl Fn(&str) -> Vec<String>) -> bool {
        self.0.iter().all(|filter| {
            let has = match filter.name.strip_prefix("tag:") {
                Some(key) => tags.get(key).cloned().into_iter().collect(),
                None if filter.name == "tag-key" => tags.keys().cloned().collect(),
                None => values(&filter.name),
            };
            has.iter()
                .any(|value| filter.values.iter().any(|pattern| pattern.covers(value)))
        })
    }
}

/// A value of a filter. `*` stands for any text, `?` for one character, `\` takes the next literally.
#[derive(Debug)]
struct Pattern {
    /// Of several `*` in a row, one.
    chars: Vec<char>,
    /// Characters that a text needs at least.
    shortest: usize,
}

impl Pattern {
    fn new(text: &str) -> Self {
        let mut chars: Vec<char> = text.chars().collect();
        if !text.contains('\\') {
            chars.dedup_by(|next, before| *next == '*' && *before == '*');
        }
        // What is escaped counts as one character, so half of them at least.
        let shortest = chars.iter().filter(|c| **c != '*').count() / 2;
        Self { chars, shortest }
    }

    /// Whether it covers all of the text, case-sensitively. A pattern that is far longer than the text costs nothing.
    fn covers(&self, text: &str) -> bool {
        self.shortest <= text.len() && like(&self.chars, text)
    }
}

fn like(pattern: &[char], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    // Greedy with one point to come back to, so that hostile patterns cost at most pattern × text.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
                continue;
            }
            Some('?') => {
                p += 1;
                t += 1;
                continue;
            }
            Some('\\') if pattern.get(p + 1) == Some(&text[t]) => {
                p += 2;
                t += 1;
                continue;
            }
            Some(c) if *c == text[t] => {
                p += 1;
                t += 1;
                continue;
            }
            Some(_) | None => {}
        }
        let Some((at, taken)) = star else {
            return false;
        };
        star = Some((at, taken + 1));
        p = at + 1;
        t = taken + 1;
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Which part of a list a request wants.
#[derive(Debug)]
pub(super) struct Page {
    after: Option<String>,
    limit: Option<usize>,
}

impl Page {
    /// Reads `MaxResults` (5 to `most`) and `NextToken`.
    pub(super) fn parse(input: &Value, most: i64) -> Result<Self, ApiError> {
        let limit = match input::int(input, "MaxResults")? {
            None => None,
            Some(n) if (5..=most).contains(&n) => usize::try_from(n).ok(),
            Some(n) => {
                let bound = if n < 5 {
                    "greater than 5".to_owned()
                } else {
                    format!("less than {most}")
                };
                return Err(errors::value(format!(
                    "Value ( {n} ) for parameter maxResults is invalid. Expecting a value {bound}."
                )));
            }
        };
        let after = input::text(input, "NextToken")?
            .map(|token| {
                let bytes = URL_SAFE_NO_PAD.decode(token).ok();
                bytes
                    .and_then(|bytes| String::from_utf8(bytes).ok())
                    .ok_or_else(|| {
                        ApiError::bad(
                            "InvalidNextToken",
                            format!("The token '{token}' is invalid"),
                        )
                    })
            })
            .transpose()?;
        Ok(Self { after, limit })
    }

    /// The page out of `rows`, which come with their keys in ascending order, as `{list: […],
    /// nextToken}`. A token is the key of the last row shown, so rows that vanish do no harm.
    pub(super) fn cut(&self, list: &str, rows: impl Iterator<Item = (String, Value)>) -> Value {
        let mut rows = rows
            .filter(|(key, _)| self.after.as_ref().is_none_or(|after| key > after))
            .peekable();
        let mut page = Vec::new();
        let mut last = String::new();
        while let Some((key, row)) = rows.next_if(|_| self.limit.is_none_or(|n| page.len() < n)) {
            last = key;
            page.push(row);
        }
        let next = rows
            .peek()
            .map_or(Value::Null, |_| json!(URL_SAFE_NO_PAD.encode(&last)));
        let mut answer = Map::new();
        answer.insert(list.to_owned(), Value::Array(page));
        answer.insert("nextToken".to_owned(), next);
        Value::Object(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn like(pattern: &str, text: &str) -> bool {
        Pattern::new(pattern).covers(text)
    }

    #[test]
    fn a_call_has_two_hundred_values_at_most() {
        let filters = |number: usize| {
            let values: Vec<String> = (0..number).map(|n| format!("v{n}")).collect();
            let filter =
                json!([{"Name": "tag:a", "Value": ["v"]}, {"Name": "tag:b", "Value": values}]);
            Filters::parse(&json!({"Filter": filter}), &[]).map_err(|error| error.code)
        };
        assert!(filters(MAX_VALUES - 1).is_ok());
        assert_eq!(
            filters(MAX_VALUES).err().as_deref(),
            Some("FilterLimitExceeded")
        );
    }

    #[test]
    fn wildcards() {
        assert!(like("Lab*", "LabSG1"));
        assert!(like("*SG?", "LabSG1"));
        assert!(like("a*b*c", "a-b-b-c"));
        assert!(like("**", ""));
        assert!(like(r"\*", "*"));
        assert!(!like("lab*", "LabSG1"));
        assert!(!like(r"\*", "x"));
        assert!(!like("a?", "a"));
    }
}
