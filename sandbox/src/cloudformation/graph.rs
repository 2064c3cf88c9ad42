//! In which order resources are made.

use std::collections::{BTreeMap, BTreeSet};

use super::invalid;
use super::references::{Reference, references};
use super::template::Template;
use crate::error::ApiError;

/// For every resource of `active`, the resources of `active` that must exist first.
///
/// # Errors
/// `ValidationError` for malformed functions.
pub(super) fn dependencies(
    template: &Template,
    active: &BTreeSet<String>,
) -> Result<BTreeMap<String, BTreeSet<String>>, ApiError> {
    let mut all = BTreeMap::new();
    for name in active {
        let Some(resource) = template.resources.get(name) else {
            continue;
        };
        let mut needs: BTreeSet<String> = resource.depends_on.iter().cloned().collect();
        for reference in references(&resource.properties)? {
            match reference {
                Reference::Name(target) | Reference::Attribute(target, _) => {
                    needs.insert(target);
                }
                Reference::Condition(_) => {}
            }
        }
        // Parameters and resources that are not made are no dependencies.
        needs.retain(|target| active.contains(target));
        all.insert(name.clone(), needs);
    }
    Ok(all)
}

/// The resources so that each stands after everything it needs; by name where nothing else decides.
///
/// # Errors
/// `ValidationError` with the circle.
pub(super) fn order(
    dependencies: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<String>, ApiError> {
    sorted(dependencies).map_err(|circle| {
        invalid(format!(
            "Circular dependency between resources: [{}]",
            circle.join(", ")
        ))
    })
}

/// The names so that each stands after everything it needs; by name where nothing else decides. Every need is looked at
/// twice, however long the chains are.
///
/// # Errors
/// The names that stand in circles, and those that need them.
pub(super) fn sorted(
    dependencies: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<String>, Vec<String>> {
    let mut lacking: BTreeMap<&str, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, needs) in dependencies {
        lacking.insert(name, needs.len());
        for need in needs {
            needed_by.entry(need).or_default().push(name);
        }
    }
    let mut order: Vec<String> = Vec::with_capacity(dependencies.len());
    // In rounds: what is ready comes before what it makes ready.
    let mut ready: BTreeSet<&str> = lacking
        .iter()
        .filter(|(_, lacking)| **lacking == 0)
        .map(|(name, _)| *name)
        .collect();
    while !ready.is_empty() {
        let mut next = BTreeSet::new();
        for name in std::mem::take(&mut ready) {
            lacking.remove(name);
            order.push(name.to_owned());
            for dependent in needed_by.get(name).into_iter().flatten() {
                if let Some(left) = lacking.get_mut(dependent) {
                    *left -= 1;
                    if *left == 0 {
                        next.insert(*dependent);
                    }
                }
            }
        }
        ready = next;
    }
    if lacking.is_empty() {
        Ok(order)
    } else {
        Err(lacking.into_keys().map(str::to_owned).collect())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges
            .iter()
            .map(|(name, needs)| {
                (
                    (*name).to_owned(),
                    needs.iter().map(|need| (*need).to_owned()).collect(),
                )
            })
            .collect()
    }

    #[test]
    fn what_is_needed_comes_first() {
        let order = order(&graph(&[
            ("A", &["C"]),
            ("B", &[]),
            ("C", &["B"]),
            ("D", &["A", "B"]),
        ]))
        .unwrap();
        assert_eq!(order, ["B", "C", "A", "D"]);
    }

    #[test]
    fn a_circle_is_named_without_what_is_outside() {
        let error = order(&graph(&[("A", &["B"]), ("B", &["A"]), ("C", &[])])).unwrap_err();
        assert_eq!(
            error.message,
            "Circular dependency between resources: [A, B]"
        );
    }

    #[test]
    fn a_long_chain_is_put_in_order() {
        let name = |n: usize| format!("C{n:04}");
        let chain: BTreeMap<String, BTreeSet<String>> = (0..2000)
            .map(|n| (name(n), (n > 0).then(|| name(n - 1)).into_iter().collect()))
            .collect();
        let expected: Vec<String> = (0..2000).map(name).collect();
        assert_eq!(sorted(&chain), Ok(expected));
    }
}
