//! Whether the journal is what driftlab wrote last.

use std::time::Duration;

use crate::cli::Context;
use crate::error::{Kind, Result};
use crate::journal::Doubt;
use crate::state::{Observed, observe_journal};
use crate::wait::{Look, Pace, Wait};

/// How long S3 may take to show a tag of a bucket that was changed: it calls what buckets are configured with eventually
/// consistent, and gives no time.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The same, once journal and digest agree, or have had time enough to. A journal that is not believed by then is told of.
///
/// # Errors
/// The call that failed.
pub(super) async fn believed(context: &Context, mut observed: Observed) -> Result<Observed> {
    let differs = |observed: &Observed| {
        let doubt = observed.journal.unverified().map(|it| it.doubt);
        doubt.filter(|doubt| *doubt != Doubt::NoDigest)
    };
    if differs(&observed).is_some() {
        let wait = Wait {
            clock: &context.clock,
            ui: &context.ui,
            what: "S3 to show the journal and its digest as they were written last".to_owned(),
            usual: "usually at once",
            timeout: TIMEOUT,
            pace: Pace::CONSISTENCY,
        };
        let waited = wait
            .until(async || {
                (observed.code_bucket, observed.journal) =
                    observe_journal(&context.aws, &context.place).await?;
                Ok(match differs(&observed) {
                    Some(doubt) => Look::Missing(doubt.to_string()),
                    None => Look::Done(()),
                })
            })
            .await;
        match waited {
            Err(error) if error.kind() == Kind::TimedOut => {}
            Err(error) => return Err(error),
            Ok(()) => {}
        }
    }
    if let Some(unverified) = observed.journal.unverified() {
        context.ui.warn(format_args!(
            "the journal of the lab `{}` is not verified: {}",
            context.place.stack, unverified.doubt
        ));
    }
    Ok(observed)
}
