//! Hiding the values of secret parameters.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, BuildError, MatchKind};
use serde_json::{Map, Value};

/// What is shown instead of a secret.
pub(super) const MASK: &str = "****";

/// Hides secrets in one pass over each text. One secret after the other would find them in the masks of those before:
/// of `n` secrets that are one asterisk, each makes a text four times as long.
#[derive(Debug)]
pub(super) struct Mask(Option<Result<AhoCorasick, BuildError>>);

impl Mask {
    pub(super) fn new<'s>(secrets: impl Iterator<Item = &'s str>) -> Self {
        let secrets: BTreeSet<&str> = secrets.filter(|secret| !secret.is_empty()).collect();
        Self((!secrets.is_empty()).then(|| {
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(secrets)
        }))
    }

    /// The value without the secrets, wherever they stand in its texts.
    pub(super) fn hide(&self, value: &Value) -> Value {
        let Self(Some(finder)) = self else {
            return value.clone();
        };
        match value {
            Value::String(text) => match finder {
                Ok(finder) => finder
                    .replace_all(text, &vec![MASK; finder.patterns_len()])
                    .into(),
                // Rather nothing than a secret.
                Err(_) => MASK.into(),
            },
            Value::Array(items) => items.iter().map(|item| self.hide(item)).collect(),
            Value::Object(members) => members
                .iter()
                .map(|(name, member)| (name.clone(), self.hide(member)))
                .collect::<Map<_, _>>()
                .into(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_secret_is_hidden_and_the_longer_one_as_a_whole() {
        let mask = Mask::new(["ab", "abc", "", "z"].into_iter());
        let hidden = mask.hide(&json!({"k": ["xabcx", "zab"], "n": 1}));
        assert_eq!(hidden, json!({"k": ["x****x", "********"], "n": 1}));
        assert_eq!(Mask::new([].into_iter()).hide(&json!("ab")), json!("ab"));
    }

    #[test]
    fn a_secret_is_not_looked_for_in_the_mask_of_another() {
        let mask = Mask::new(["*", "**", "***"].into_iter());
        assert_eq!(mask.hide(&json!("a*b**")), json!("a****b****"));
    }
}
