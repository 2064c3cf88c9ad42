//! The core by itself, without processes and networks: criterion measures it, its medians are told here.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::HERE;

/// The folders of criterion's benchmarks (`remediator-core/benches/decisions.rs`), and what they are about.
const BENCHES: [(&str, &str); 3] = [
    ("plan/exact", "plan, `exact`"),
    ("plan/at-most", "plan, `at-most`"),
    ("event/decide", "event, read and decided on"),
];
const RULES: [u32; 3] = [10, 100, 1_000];

/// Runs the benchmark; its medians as a table.
pub(crate) fn rows() -> Result<String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["bench", "--quiet", "-p", "remediator-core"])
        .args(["--bench", "decisions"])
        .current_dir(HERE)
        .output()
        .context("cannot start cargo")?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "the core cannot be measured: {told}"
    );
    let target = env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(HERE).join("../target"), PathBuf::from);
    let mut table = "| what | median | 95 % confident |\n| --- | ---: | ---: |".to_owned();
    for (bench, what) in BENCHES {
        for rules in RULES {
            let file = target.join(format!("criterion/{bench}/{rules}/new/estimates.json"));
            let text = fs::read_to_string(&file);
            let text = text.with_context(|| format!("cannot read `{}`", file.display()))?;
            let row = median(&text).with_context(|| format!("in `{}`", file.display()))?;
            table.push_str(&format!("\n| {what}, {rules} rules | {row} |"));
        }
    }
    Ok(table)
}

/// The median and its interval in criterion's estimates, which are nanoseconds.
fn median(estimates: &str) -> Result<String> {
    let estimates: Value = serde_json::from_str(estimates)?;
    let microseconds = |place: &str| {
        let nanoseconds = estimates.pointer(place).and_then(Value::as_f64);
        let nanoseconds =
            nanoseconds.with_context(|| format!("there is no number at `{place}`"))?;
        Ok::<_, anyhow::Error>(nanoseconds / 1e3)
    };
    let middle = microseconds("/median/point_estimate")?;
    let low = microseconds("/median/confidence_interval/lower_bound")?;
    let high = microseconds("/median/confidence_interval/upper_bound")?;
    Ok(format!("{middle:.1} µs | {low:.1} – {high:.1} µs"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn nanoseconds_are_told_as_microseconds() {
        let text = r#"{"mean":{"point_estimate":1.0},"median":{"point_estimate":62180.0,
            "confidence_interval":{"confidence_level":0.95,"lower_bound":61840.0,"upper_bound":62310.0}}}"#;
        assert_eq!(median(text).unwrap(), "62.2 µs | 61.8 – 62.3 µs");
        let error = median(r#"{"mean":{}}"#).unwrap_err();
        assert!(error.to_string().contains("point_estimate"), "{error}");
    }
}
