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
    let mut order: Vec<String> = Vec::with_capacity(dependencies.len());
    let mut placed: BTreeSet<&str> = BTreeSet::new();
    while order.len() < dependencies.len() {
        let ready: Vec<&String> = dependencies
            .iter()
            .filter(|(name, needs)| {
                !placed.contains(name.as_str())
                    && needs.iter().all(|need| placed.contains(need.as_str()))
            })
            .map(|(name, _)| name)
            .collect();
        if ready.is_empty() {
            let circle: Vec<&str> = dependencies
                .keys()
                .map(String::as_str)
                .filter(|name| !placed.contains(name))
                .collect();
            return Err(invalid(format!(
                "Circular dependency between resources: [{}]",
                circle.join(", ")
            )));
        }
        for name in ready {
            placed.insert(name);
            order.push(name.clone());
        }
    }
    Ok(order)
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
}
