//! What Lambda itself writes into the log of a function: how long it took and what it used.

use std::time::Duration;

use sha2::Digest as _;

use super::Spec;
use super::verdict::Verdict;

/// How long the phases took.
pub(super) struct Times {
    pub(super) init: Option<Duration>,
    pub(super) run: Duration,
}

/// The line with which an execution environment begins.
pub(super) fn init_start(spec: &Spec) -> String {
    let runtime = match spec.settings.runtime.strip_prefix("python") {
        Some(version) => format!("python:{version}"),
        None => spec.settings.runtime.replace('.', ":"),
    };
    // The version's id has the form of AWS's, and is the same for all functions of a runtime.
    let id = sha2::Sha256::digest(&runtime);
    let id = id
        .iter()
        .fold(String::new(), |id, byte| format!("{id}{byte:02x}"));
    format!(
        "INIT_START Runtime Version: {runtime}.v1\tRuntime Version ARN: arn:{}:lambda:{}::runtime:{id}",
        spec.region.partition(),
        spec.region,
    )
}

/// Since August 2025 the initialisation is billed with the first invocation.
pub(super) fn report(
    spec: &Spec,
    request_id: &str,
    verdict: &Verdict,
    times: &Times,
    memory: Option<u64>,
) -> String {
    let millis = |time: Duration| time.as_secs_f64() * 1000.0;
    let billed = (millis(times.run) + times.init.map_or(0.0, millis))
        .ceil()
        .max(1.0);
    let used = memory.unwrap_or_default().div_ceil(1024 * 1024);
    let mut line = format!(
        "REPORT RequestId: {request_id}\tDuration: {:.2} ms\tBilled Duration: {billed:.0} ms\tMemory Size: {} MB\tMax Memory Used: {used} MB\t",
        millis(times.run),
        spec.settings.memory,
    );
    if let Some(init) = times.init {
        line.push_str(&format!("Init Duration: {:.2} ms\t", millis(init)));
    }
    line.push_str(&verdict.report());
    line
}
