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

/// The ids of a doc comment, `/// R5, R6: whatever …`, and whether it stands on a test.
fn cited(text: &str) -> Vec<(&str, bool)> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let comment = line.strip_prefix("/// ");
        if let Some((ids, _)) = comment.and_then(|text| text.split_once(": "))
            && ids.split(", ").all(is_id)
        {
            let on_a_test = is_test(&lines[at..]);
            found.extend(ids.split(", ").map(|id| (id, on_a_test)));
        }
    }
    found
}

/// Whether what stands below the comment is run as a test.
fn is_test(lines: &[&str]) -> bool {
    lines
        .iter()
        .skip_while(|line| line.starts_with("///"))
        .take_while(|line| line.starts_with("#["))
        .any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
}

#[test]
fn only_a_test_holds_a_clause() {
    let text = "/// R1: a test,\n/// on two lines\n#[test]\nfn a() {}\n    /// R2, R3: one more\n    #[tokio::test]\n/// R4: a helper\nfn b() {}\n/// No clause: this\n";
    let expected = [("R1", true), ("R2", true), ("R3", true), ("R4", false)];
    assert_eq!(cited(text), expected);
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
    let mut held = BTreeSet::new();
    for (path, text) in files.iter().zip(&texts) {
        for (id, on_a_test) in cited(text) {
            assert!(on_a_test, "{}: {id} is cited by no test", path.display());
            held.insert(id);
        }
    }
    let untested: Vec<_> = promised.difference(&held).collect();
    let unwritten: Vec<_> = held.difference(&promised).collect();
    assert!(untested.is_empty(), "clauses without a test: {untested:?}");
    assert!(
        unwritten.is_empty(),
        "tests of clauses that are not written: {unwritten:?}"
    );
}
