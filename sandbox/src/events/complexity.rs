//! Whether the wildcards of a pattern are more than EventBridge takes.
//!
//! EventBridge refuses patterns whose wildcards could be at too many places of a text at once (User Guide, "Wildcard
//! matching complexity"); it documents neither measure nor limit. Here the measure is how many places of all wildcard
//! patterns of one field can be alive at once, a wildcard and what comes after it being two. With the limit of ten it
//! decides as AWS did wherever that is known: `*:*:*:*:*:event-bus/*` is refused and `/Users/*/dir/dir/dir/dir/dir/doc.txt`
//! taken (LocalStack's recordings of 2025-10-15); of `*:stack/<name>/*`, three are taken and four refused (pull request 278
//! of vals-ai/Valkyrie, 2026-04).

use std::collections::BTreeSet;

/// Places that may be alive at once.
const PLACES: usize = 10;

/// Sets of places that are looked at; more of them is too complex as well. So the search itself is bounded: by this, times
/// the places, times the different characters of a pattern.
const SETS: usize = 2_000;

/// A pattern and a place in it.
type Place = (usize, usize);

/// Whether the wildcard patterns of one field are too complex together.
pub(super) fn too_complex(patterns: &[&str]) -> bool {
    let patterns: Vec<Vec<char>> = patterns.iter().map(|text| text.chars().collect()).collect();
    // Any other character than these does what `None` does: only wildcards go on.
    let letters: BTreeSet<char> = patterns
        .iter()
        .flatten()
        .copied()
        .filter(|c| *c != '*')
        .collect();
    let letters: Vec<Option<char>> = letters.into_iter().map(Some).chain([None]).collect();
    let start = closed(&patterns, (0..patterns.len()).map(|pattern| (pattern, 0)));
    let mut seen = BTreeSet::from([start.clone()]);
    let mut waiting = vec![start];
    while let Some(alive) = waiting.pop() {
        for letter in &letters {
            let next = alive
                .iter()
                .filter_map(|&(pattern, at)| match patterns[pattern].get(at) {
                    Some('*') => Some((pattern, at)),
                    Some(c) if Some(*c) == *letter => Some((pattern, at + 1)),
                    Some(_) | None => None,
                });
            let next = closed(&patterns, next);
            // Texts alone, before any wildcard, are not what is counted.
            let wild = next
                .iter()
                .any(|&(pattern, at)| patterns[pattern][..at].contains(&'*'));
            let alive = next.iter().filter(|&&place| goes_on(&patterns, place));
            if wild && alive.count() > PLACES {
                return true;
            }
            if seen.len() >= SETS {
                return true;
            }
            if !next.is_empty() && seen.insert(next.clone()) {
                waiting.push(next);
            }
        }
    }
    false
}

/// Whether something is still to come at the place: with a last wildcard, the pattern has matched.
fn goes_on(patterns: &[Vec<char>], (pattern, at): Place) -> bool {
    let rest = &patterns[pattern][at..];
    !matches!(rest, [] | ['*'])
}

/// The places, and those behind their wildcards: a wildcard may stand for nothing.
fn closed(patterns: &[Vec<char>], places: impl Iterator<Item = Place>) -> BTreeSet<Place> {
    let mut all = BTreeSet::new();
    for (pattern, mut at) in places {
        while all.insert((pattern, at)) && patterns[pattern].get(at) == Some(&'*') {
            at += 1;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    #[test]
    fn wildcards_are_refused_where_aws_refuses_them() {
        let stacks = |n: usize| -> Vec<String> {
            let names = ["Alpha", "Beta", "Gamma", "Delta"].iter();
            names
                .take(n)
                .map(|name| format!("*:stack/{name}/*"))
                .collect()
        };
        let too_complex = |patterns: &[String]| {
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            super::too_complex(&patterns)
        };
        for (patterns, refused) in [
            (vec!["*:*:*:*:*:event-bus/*".to_owned()], true),
            (
                vec!["arn:aws:events:us-east-1:*:event-bus/*".to_owned()],
                false,
            ),
            (
                vec!["/Users/*/dir/dir/dir/dir/dir/doc.txt".to_owned()],
                false,
            ),
            (vec!["*/init/*".to_owned(), "*/dir/*".to_owned()], false),
            (stacks(3), false),
            (stacks(4), true),
            (vec!["plain".to_owned()], false),
            (Vec::new(), false),
        ] {
            assert_eq!(too_complex(&patterns), refused, "{patterns:?}");
        }
    }
}
