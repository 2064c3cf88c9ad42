//! Filter patterns for unstructured messages: `term`, `"exact phrase"`, `?any`, `-none`.
//!
//! Matching is case-sensitive. All plain terms must occur; of the `?` terms one must occur (and, as
//! the service documents, they are ignored as soon as a plain term is there); no `-` term may occur.

use super::invalid;
use crate::error::ApiError;

/// Characters of a pattern (botocore 1.44.8, `FilterPattern`).
const MAX_PATTERN: usize = 1_024;

/// A parsed pattern; the empty one matches everything.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    pub(super) fn parse(text: &str) -> Result<Self, ApiError> {
        if text.len() > MAX_PATTERN {
            return Err(invalid(format!(
                "1 validation error detected: Value at 'filterPattern' failed to satisfy constraint: Member must have length less than or equal to {MAX_PATTERN}",
            )));
        }
        let trimmed = text.trim();
        if trimmed.starts_with(['{', '[', '%']) {
            return Err(ApiError::not_implemented(
                "logs",
                "FilterLogEvents with a JSON, space-delimited or regular-expression pattern",
            ));
        }
        let mut pattern = Self::default();
        let mut rest = trimmed;
        while !rest.is_empty() {
            let (list, from) = match rest.as_bytes()[0] {
                b'?' => (&mut pattern.any, &rest[1..]),
                b'-' => (&mut pattern.none, &rest[1..]),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = term(from)?;
            list.push(term);
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    /// The bytes of the message, as often as they are searched, and a little for looking at it at all.
    pub(super) fn cost(&self, message: &str) -> usize {
        let terms = self.all.len() + self.any.len() + self.none.len();
        message.len().saturating_mul(terms) + 64
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        self.all.iter().all(has)
            && (!self.all.is_empty() || self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}

/// The term at the beginning of `text` and what follows it.
fn term(text: &str) -> Result<(String, &str), ApiError> {
    let bad = || invalid("Invalid filter pattern");
    if let Some(quoted) = text.strip_prefix('"') {
        let mut phrase = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => phrase.push(chars.next().ok_or_else(bad)?.1),
                '"' => return Ok((phrase, &quoted[at + 1..])),
                c => phrase.push(c),
            }
        }
        return Err(bad());
    }
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    let word = &text[..end];
    // The service asks for quotes around anything but letters, digits and the underscore.
    if word.is_empty() || !word.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return Err(invalid(format!("Invalid character(s) in term '{word}'")));
    }
    Ok((word.to_owned(), &text[end..]))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(pattern: &str, message: &str, expected: bool) {
        let parsed = Pattern::parse(pattern).unwrap();
        assert_eq!(
            parsed.matches(message),
            expected,
            "{pattern:?} on {message:?}"
        );
    }

    #[test]
    fn terms_phrases_options_and_exclusions() {
        let line = "revoking for sg-0a1b port 993";
        check("", line, true);
        check("revoking for", line, true);
        check("for revoking", line, true);
        check("\"for revoking\"", line, false);
        check("\"sg-0a1b port\"", line, true);
        check("Revoking", line, false);
        check("?authorizing ?revoking", line, true);
        check("?authorizing ?nothing", line, false);
        check("revoking -\"port 993\"", line, false);
        check("revoking -authorizing", line, true);
        check(r#""say \"hi\"""#, r#"they say "hi" twice"#, true);
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for pattern in ["{ $.a = 1 }", "[ip, user]", "%re%"] {
            assert_eq!(Pattern::parse(pattern).unwrap_err().code, "NotImplemented");
        }
        for pattern in ["\"open", "a:b", "? b"] {
            assert_eq!(
                Pattern::parse(pattern).unwrap_err().code,
                "InvalidParameterException"
            );
        }
    }
}
