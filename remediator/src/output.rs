//! The one place that writes to standard output. Lambda makes one log event of each line.

use remediator_core::log::one_line;

/// Writes one line, whatever `text` holds.
#[expect(clippy::print_stdout, reason = "standard output is the function's log")]
pub(crate) fn line(text: &str) {
    println!("{}", one_line(text));
}
