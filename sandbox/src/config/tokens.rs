//! Result tokens: proof that an evaluation answers an event that Config sent.

use std::collections::{HashMap, VecDeque};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Timestamp;
use crate::secret::random_bytes;

/// How long a token is good for. AWS names no figure; a day is far beyond every retry, and the tokens of
/// a busy sandbox do not pile up.
const LIFETIME: time::Duration = time::Duration::days(1);

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Issued {
    pub(super) rule_id: String,
    pub(super) invoked: Timestamp,
}

/// Every token that is still good.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    issued: HashMap<String, Issued>,
    order: VecDeque<(Timestamp, String)>,
}

impl Tokens {
    /// A new token for one invocation of a rule.
    pub(super) fn issue(&mut self, rule_id: &str, now: Timestamp) -> String {
        while let Some((_, old)) = self.order.pop_front_if(|(at, _)| *at + LIFETIME < now) {
            self.issued.remove(&old);
        }
        let token = STANDARD.encode(random_bytes::<120>());
        self.issued.insert(
            token.clone(),
            Issued {
                rule_id: rule_id.to_owned(),
                invoked: now,
            },
        );
        self.order.push_back((now, token.clone()));
        token
    }

    /// What the token stands for; `None` unless it was issued and is still good.
    pub(super) fn get(&self, token: &str, now: Timestamp) -> Option<&Issued> {
        self.issued
            .get(token)
            .filter(|issued| now <= issued.invoked + LIFETIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_end() {
        let mut tokens = Tokens::default();
        let start = Timestamp::UNIX_EPOCH;
        let token = tokens.issue("config-rule-abcdef", start);
        assert!(tokens.get(&token, start + LIFETIME).is_some());
        assert!(tokens.get(&token, start + LIFETIME * 2).is_none());
        tokens.issue("config-rule-abcdef", start + LIFETIME * 2);
        assert_eq!(tokens.issued.len(), 1);
        assert!(tokens.get("made up", start).is_none());
    }
}
