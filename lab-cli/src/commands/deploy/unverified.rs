//! A journal that nothing vouches for, and that a deployment replaces.

use crate::cli::Context;
use crate::journal::Doubt;
use crate::state::Observed;
use crate::teardown::Claimed;

/// Shows what the journal says of borrowed things before it is replaced: nothing else may tell how they were. One of an older
/// driftlab is not replaced.
pub(super) fn show(context: &Context, observed: &Observed) {
    let claimed = Claimed::of(observed).filter(|claimed| claimed.doubt != Doubt::NoDigest);
    let Some(claimed) = claimed else { return };
    let ui = &context.ui;
    for line in claimed.to_string().lines() {
        ui.say(format_args!("  {line}"));
    }
    ui.warn("a deployment replaces this journal, and what it says is lost then: note it, or restore it before with `cleanup`");
}
