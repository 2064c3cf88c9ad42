//! Comparing what a template says with what there is. What a template does not say is not looked at.

use serde_json::Value;

use super::Difference;
use crate::cloudformation::parameters::scalar;

/// Compares a plain property.
pub(super) fn plain(path: &str, expected: &Value, actual: Option<&Value>) -> Option<Difference> {
    let same = actual.is_some_and(|actual| scalar(actual) == scalar(expected));
    (!same).then(|| Difference {
        path: path.to_owned(),
        expected: Some(expected.clone()),
        actual: actual.cloned(),
    })
}

/// Compares two lists whose items are the same when their keys are: missing ones first, then added ones. Items that are
/// the same are compared by `rest`.
pub(super) fn lists<K: PartialEq>(
    path: &str,
    expected: &[Value],
    actual: &[Value],
    key: impl Fn(&Value) -> K,
    rest: impl Fn(&str, &Value, &Value) -> Vec<Difference>,
) -> Vec<Difference> {
    let mut differences = Vec::new();
    let mut unmatched: Vec<usize> = (0..actual.len()).collect();
    for (index, wanted) in expected.iter().enumerate() {
        let place = format!("{path}/{index}");
        let found = unmatched
            .iter()
            .position(|other| key(&actual[*other]) == key(wanted));
        match found {
            Some(position) => {
                let other = unmatched.remove(position);
                differences.extend(rest(&place, wanted, &actual[other]));
            }
            None => differences.push(Difference {
                path: place,
                expected: Some(wanted.clone()),
                actual: None,
            }),
        }
    }
    for (offset, other) in unmatched.into_iter().enumerate() {
        differences.push(Difference {
            path: format!("{path}/{}", expected.len() + offset),
            expected: None,
            actual: Some(actual[other].clone()),
        });
    }
    differences
}
