//! The keys behind a common prefix.

use std::ops::Bound;

/// The keys behind all that begin with `prefix`: from the prefix on whose last character is the next one.
pub(super) fn beyond(prefix: &str) -> (Bound<String>, Bound<String>) {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // A range of characters leaves out what is none.
        if let Some(next) = (last..=char::MAX).nth(1) {
            chars.push(next);
            return (
                Bound::Included(chars.into_iter().collect()),
                Bound::Unbounded,
            );
        }
    }
    // Nothing is behind a prefix of the last characters only.
    (
        Bound::Excluded(prefix.to_owned()),
        Bound::Excluded(format!("{prefix}\0")),
    )
}

#[cfg(test)]
mod tests {
    use super::beyond;
    use std::collections::BTreeMap;

    #[test]
    fn the_keys_behind_a_prefix_are_those_after_all_that_begin_with_it() {
        let keys = [
            "a",
            "a/",
            "a/1",
            "a/\u{10ffff}",
            "a0",
            "b",
            "ü/x",
            "\u{10ffff}",
            "\u{10ffff}x",
        ];
        let keys: BTreeMap<String, ()> = keys.iter().map(|key| ((*key).to_owned(), ())).collect();
        let behind = |prefix: &str| -> Vec<&str> {
            keys.range(beyond(prefix))
                .map(|(key, ())| key.as_str())
                .collect()
        };
        let last = ["\u{10ffff}", "\u{10ffff}x"];
        assert_eq!(behind("a/"), [&["a0", "b", "ü/x"][..], &last].concat());
        assert_eq!(
            behind("a/\u{10ffff}"),
            [&["a0", "b", "ü/x"][..], &last].concat()
        );
        assert_eq!(behind("\u{d7ff}"), last);
        assert!(behind("\u{10ffff}").is_empty());
    }
}
