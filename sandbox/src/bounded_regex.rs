//! Regular expressions of a request: compiled with a bound, matched with a bound.
//!
//! The engine does not backtrack: matching takes at most the states of the compiled expression times the length of the
//! text. Both are the caller's, so the first is bounded and the product is paid for.

use regex_lite::{Error, Regex, RegexBuilder};

use crate::allowance::Allowance;

/// The compiled form, in bytes (the sandbox's own). `{0,2048}` behind a class of characters takes a quarter of it.
const MAX_BYTES: usize = 1 << 18;

/// The steps of matching all values of one request (the sandbox's own).
pub(crate) const STEPS: usize = 64_000_000;

/// Bytes that a state takes at least (regex-lite 0.1.9).
const STATE_BYTES: usize = 32;

/// An expression that has been understood.
#[derive(Debug, Clone)]
pub(crate) struct BoundedRegex {
    regex: Regex,
    /// Bytes of the compiled form, rounded up.
    bytes: usize,
}

impl BoundedRegex {
    /// Compiles an expression.
    ///
    /// # Errors
    /// What is wrong with it, or that it is too large.
    pub(crate) fn compile(text: &str) -> Result<Self, Error> {
        let mut bytes = 1 << 10;
        loop {
            match RegexBuilder::new(text).size_limit(bytes).build() {
                Ok(regex) => return Ok(Self { regex, bytes }),
                Err(_) if bytes < MAX_BYTES => bytes *= 2,
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the text matches; `None` when finding out may take more steps than there are.
    pub(crate) fn is_match(&self, text: &str, steps: &Allowance) -> Option<bool> {
        let states = self.bytes / STATE_BYTES;
        steps
            .take(states.saturating_mul(text.len() + 1))
            .then(|| self.regex.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;

    #[test]
    fn a_usual_expression_costs_little() {
        let regex = BoundedRegex::compile("^[a-z][a-z0-9-]{0,62}$").unwrap();
        let steps = Allowance::of(STEPS);
        assert_eq!(regex.is_match("lab", &steps), Some(true));
        assert!(STEPS - steps.left() < 10_000);
    }

    #[test]
    fn an_expression_that_compiles_to_too_much_is_refused() {
        assert!(BoundedRegex::compile("a{2000}").is_ok());
        assert!(BoundedRegex::compile("(?:a{200}){100}").is_err());
    }

    #[test]
    fn matching_takes_no_more_steps_than_are_allowed() {
        let regex = BoundedRegex::compile("^(?:a?){500}a{500}$").unwrap();
        let text = "a".repeat(4096);
        let steps = Allowance::of(STEPS);
        let matched = (0..1000).take_while(|_| regex.is_match(&text, &steps).is_some());
        assert!((1..=20).contains(&matched.count()));
        assert!(steps.is_exhausted());
    }
}
