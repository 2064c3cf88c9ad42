//! Patterns with `*`, `?` and policy variables.

use std::collections::BTreeMap;

use crate::allowance::Allowance;

/// Condition keys in lower case with their values.
pub(crate) type Context = BTreeMap<String, Vec<String>>;

/// A piece of a pattern. Kept apart from text, so that a variable's value is never taken for a wildcard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    /// `*`
    Any,
    /// `?`
    One,
    /// Itself.
    Char(char),
}

/// Reads a pattern. With `variables`, `${key}` becomes the key's value, `${key, 'default'}` has one for
/// when there is none, and `${*}`, `${?}`, `${$}` stand for the character itself. `None` when a
/// variable has no value: such a pattern matches nothing.
pub(super) fn expand(pattern: &str, context: &Context, variables: bool) -> Option<Vec<Token>> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut rest = pattern;
    while let Some(c) = rest.chars().next() {
        if variables
            && let Some(after) = rest.strip_prefix("${")
            && let Some((name, after)) = after.split_once('}')
        {
            tokens.extend(variable(name, context)?.chars().map(Token::Char));
            rest = after;
            continue;
        }
        tokens.push(match c {
            '*' => Token::Any,
            '?' => Token::One,
            other => Token::Char(other),
        });
        rest = &rest[c.len_utf8()..];
    }
    Some(tokens)
}

fn variable<'a>(name: &'a str, context: &'a Context) -> Option<&'a str> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name);
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => {
            let default = default.trim();
            (
                key.trim(),
                default
                    .strip_prefix('\'')
                    .and_then(|text| text.strip_suffix('\'')),
            )
        }
        None => (name, None),
    };
    match context.get(&key.to_ascii_lowercase()).map(Vec::as_slice) {
        Some([value]) => Some(value),
        // Variables stand for keys with exactly one value.
        _ => default,
    }
}

/// The text of a pattern whose wildcards mean nothing.
pub(super) fn literal(tokens: &[Token]) -> String {
    tokens
        .iter()
        .map(|token| match token {
            Token::Any => '*',
            Token::One => '?',
            Token::Char(c) => *c,
        })
        .collect()
}

/// Whether the pattern covers all of `text`; `None` when that takes more steps than there are. At most it takes pattern ×
/// text, whatever the pattern.
pub(super) fn glob(pattern: &[Token], text: &str, steps: &Allowance) -> Option<bool> {
    if !steps.take(pattern.len() + text.len()) {
        return None;
    }
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where to go on after the last `*` once it has swallowed one character more.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        if !steps.take(1) {
            return None;
        }
        match pattern.get(p) {
            Some(Token::Any) => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(Token::One) => {
                p += 1;
                t += 1;
            }
            Some(Token::Char(c)) if *c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(Token::Char(_)) | None => match retry {
                Some((after, from)) => {
                    retry = Some((after, from + 1));
                    p = after;
                    t = from + 1;
                }
                None => return Some(false),
            },
        }
    }
    Some(pattern[p..].iter().all(|token| *token == Token::Any))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        let pattern = expand(pattern, &Context::new(), true).expect("no variables");
        glob(&pattern, text, &Allowance::of(100_000)).expect("few steps")
    }

    #[test]
    fn wildcards() {
        assert!(matches("*", ""));
        assert!(matches("a*c", "abbbc"));
        assert!(matches("a*b*c", "a1b2b3c"));
        assert!(!matches("a*c", "abd"));
        assert!(!matches("a?", "a"));
        assert!(!matches("", "a"));
        assert!(matches("ü?", "üß"));
    }

    #[test]
    fn a_hostile_pattern_ends() {
        let pattern = "a*".repeat(200);
        assert!(!matches(&pattern, &"a".repeat(199).replace("aa", "ab")));
    }

    #[test]
    fn a_pattern_takes_no_more_steps_than_are_allowed() {
        let pattern = format!("*{}b", "a".repeat(100));
        let pattern = expand(&pattern, &Context::new(), false).expect("no variables");
        let text = "a".repeat(200);
        let all = Allowance::of(100_000);
        assert_eq!(glob(&pattern, &text, &all), Some(false));
        // Each of the hundred places where it could begin is tried to its end.
        assert!(all.left() < 100_000 - 100 * 100);
        let few = Allowance::of(1_000);
        assert_eq!(glob(&pattern, &text, &few), None);
        assert!(few.is_exhausted());
    }

    #[test]
    fn a_variables_value_is_no_pattern() {
        let context = Context::from([("aws:username".to_owned(), vec!["*".to_owned()])]);
        let pattern = expand("x/${aws:UserName}", &context, true).expect("has a value");
        let steps = Allowance::of(100);
        assert_eq!(glob(&pattern, "x/*", &steps), Some(true));
        assert_eq!(glob(&pattern, "x/y", &steps), Some(false));
        assert!(expand("${aws:PrincipalTag/team}", &context, true).is_none());
        assert!(expand("${aws:PrincipalTag/team}", &context, false).is_some());
    }
}
