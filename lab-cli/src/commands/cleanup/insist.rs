//! Insisting on what an unverified journal says.

use super::Args;
use super::one::Found;
use crate::cli::Changing;
use crate::error::{Error, Result};

/// Lets a removal pass that restores what an unverified journal says only when somebody has seen what that is: whoever names
/// its digest, or says so when asked. `--yes` was said before it was shown.
///
/// # Errors
/// [`crate::error::Kind::Refused`].
pub(super) fn insist(context: &Changing, args: &Args, found: &Found) -> Result<()> {
    let Some(claimed) = &found.insisted else {
        if args.restore_from_unverified_journal.is_some() {
            let what = "no unverified journal is there that tells of anything, so nothing is restored from one";
            context.ui.warn(what);
        }
        return Ok(());
    };
    let refused = |why: &str| Error::refused(format!("nothing was changed, because {why}"));
    let named = args.restore_from_unverified_journal.as_deref();
    match named.filter(|named| !named.is_empty()) {
        Some(named) if named == claimed.digest => return Ok(()),
        Some(_) => {
            return Err(
                refused("the journal is not the one whose digest was named").hint(
                    "look again with `cleanup --plan` at what it says, and where that came from",
                ),
            );
        }
        None => {}
    }
    let question = "Restore this from a journal that nothing vouches for?";
    match context.ui.ask(question) {
        Some(true) => Ok(()),
        Some(false) => Err(refused("you said no")),
        None => Err(
            refused("nobody can be asked whether a journal that nothing vouches for is right")
                .hint(format!(
                    "if you know from elsewhere that it is, name its digest: `--restore-from-unverified-journal={}`",
                    claimed.digest
                ))
                .hint("or leave the flag out: then the lab is removed and what was borrowed stays as it is"),
        ),
    }
}
