//! The checklist names what there is.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::path::Path;

use conformance::scenario;
use serde::Deserialize;

/// What AWS does, and who proves that the sandbox does it, too.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The behaviour.
    line: String,
    /// `service/file: name` of scenarios.
    #[serde(default)]
    scenarios: Vec<String>,
    /// `path from the workspace: function` of tests.
    #[serde(default)]
    tests: Vec<String>,
}

#[test]
fn every_line_is_proved_by_something_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("checklist.yaml")).unwrap();
    let lines: Vec<Line> = serde_yaml::from_str(&text).unwrap();
    assert!(lines.len() > 50, "only {} lines", lines.len());
    let known: BTreeSet<String> = scenario::all()
        .iter()
        .flat_map(|topic| {
            let path = topic.path.with_extension("");
            let names = topic.scenarios.iter().map(|scenario| &scenario.name);
            let places: Vec<_> = names
                .map(|name| format!("{}: {name}", path.display()))
                .collect();
            places
        })
        .collect();
    let mut missing = Vec::new();
    for Line {
        line,
        scenarios,
        tests,
    } in lines
    {
        if scenarios.is_empty() && tests.is_empty() {
            missing.push(format!("`{line}` is proved by nothing"));
        }
        for scenario in scenarios {
            if !known.contains(&scenario) {
                missing.push(format!("`{line}`: there is no scenario `{scenario}`"));
            }
        }
        for test in tests {
            let (file, function) = test.split_once(": ").unwrap();
            let code = std::fs::read_to_string(root.join("..").join(file)).unwrap_or_default();
            if !code.contains(&format!("fn {function}(")) {
                missing.push(format!("`{line}`: there is no test `{test}`"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}
