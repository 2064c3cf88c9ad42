//! The operations that the sandbox has, as `sandbox/README.md` lists them; a test of the sandbox measures that list.

use std::collections::BTreeMap;
use std::path::Path;

/// By the service's signing name.
pub(crate) fn all() -> BTreeMap<String, Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/README.md");
    let text = std::fs::read_to_string(file).unwrap();
    let (_, text) = text.split_once("<!-- operations: generated").unwrap();
    let (text, _) = text.split_once("<!-- end of operations -->").unwrap();
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut service = String::new();
    for line in text.lines() {
        let mut quoted = line.split('`').skip(1).step_by(2);
        if let Some((_, rest)) = line.split_once("signing name `") {
            service = rest.split('`').next().unwrap().to_owned();
        } else if line.starts_with('`') {
            let names = found.entry(service.clone()).or_default();
            names.extend(quoted.by_ref().map(str::to_owned));
        }
    }
    assert!(found.len() >= 15, "{found:?}");
    found
}
