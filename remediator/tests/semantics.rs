//! Every clause of `SEMANTICS.md` is held by a test, and no test cites a clause that is not there.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// `R10` and the like: one capital letter, then digits.
fn is_id(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(|c| c.is_ascii_uppercase())
        && chars.as_str().parse::<u8>().is_ok_and(|n| n > 0)
}

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}

/// The ids at the start of a test's doc comment: `/// R5, R6: whatever …`.
fn cited(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("/// ")?.split_once(": "))
        .map(|(ids, _)| ids)
        .filter(|ids| ids.split(", ").all(is_id))
        .flat_map(|ids| ids.split(", "))
}

#[test]
fn clauses_and_tests_name_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let semantics = fs::read_to_string(root.join("SEMANTICS.md")).unwrap();
    let clauses = || {
        semantics
            .lines()
            .filter_map(|line| line.strip_prefix("- **")?.split_once("** "))
            .map(|(id, _)| id)
    };
    let promised: BTreeSet<&str> = clauses().collect();
    assert_eq!(
        promised.len(),
        clauses().count(),
        "an id stands for two clauses"
    );
    assert!(
        promised.len() > 20 && promised.iter().all(|id| is_id(id)),
        "{promised:?}"
    );

    let mut files = Vec::new();
    for name in ["aws-calls", "remediator", "remediator-core"] {
        for part in ["src", "tests"] {
            sources(&root.join(name).join(part), &mut files);
        }
    }
    let texts: Vec<String> = files
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let held: BTreeSet<&str> = texts.iter().flat_map(|text| cited(text)).collect();
    let untested: Vec<_> = promised.difference(&held).collect();
    let unwritten: Vec<_> = held.difference(&promised).collect();
    assert!(untested.is_empty(), "clauses without a test: {untested:?}");
    assert!(
        unwritten.is_empty(),
        "tests of clauses that are not written: {unwritten:?}"
    );
}
