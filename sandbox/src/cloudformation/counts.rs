//! How many things a template may have, and how long their names may be.

use serde_json::{Map, Value};

use super::invalid;
use super::limits::{MAPPING_ATTRIBUTES, MAPPINGS, NAME, OUTPUTS, PARAMETERS, RESOURCES};
use crate::error::ApiError;

/// Refuses a template that has too much of something.
///
/// # Errors
/// `ValidationError` in the words that many reports quote for resources (for example serverless/serverless#2387, of a
/// time when 200 were allowed). For the others no report was found: the same words.
pub(super) fn check(sections: &Map<String, Value>) -> Result<(), ApiError> {
    for (name, word, most) in [
        ("Parameters", "parameters", PARAMETERS),
        ("Mappings", "mappings", MAPPINGS),
        ("Resources", "resources", RESOURCES),
        ("Outputs", "outputs", OUTPUTS),
    ] {
        let Some(members) = sections.get(name).and_then(Value::as_object) else {
            continue;
        };
        at_most(word, members.len(), most)?;
        members.keys().try_for_each(|member| short(name, member))?;
    }
    let mappings = sections.get("Mappings").and_then(Value::as_object);
    for mapping in mappings.into_iter().flat_map(Map::values) {
        let keys = mapping.as_object().into_iter().flatten();
        for (key, attributes) in keys {
            short("Mapping key", key)?;
            if let Some(attributes) = attributes.as_object() {
                at_most("mapping attributes", attributes.len(), MAPPING_ATTRIBUTES)?;
                attributes
                    .keys()
                    .try_for_each(|attribute| short("Mapping attribute", attribute))?;
            }
        }
    }
    Ok(())
}

fn at_most(what: &str, number: usize, most: usize) -> Result<(), ApiError> {
    if number <= most {
        return Ok(());
    }
    Err(invalid(format!(
        "Template format error: Number of {what}, {number}, is greater than maximum allowed, {most}"
    )))
}

/// The sandbox's own words.
fn short(block: &str, name: &str) -> Result<(), ApiError> {
    if name.chars().count() <= NAME {
        return Ok(());
    }
    let start: String = name.chars().take(32).collect();
    Err(invalid(format!(
        "Template format error: {block} name '{start}…' is longer than {NAME} characters."
    )))
}
