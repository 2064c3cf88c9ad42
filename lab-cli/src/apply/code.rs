//! The code bucket, which also holds the journal, and the package in it.

use std::time::Duration;

use super::{Hands, Steps};
use crate::aws::{Doing, Tags, Writer};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::output::Ui;
use crate::state::{Observed, Place};
use crate::wait::{Look, Pace, Wait};

/// How long S3 may take to give a name free that a bucket had a moment ago.
const NAME_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Makes the code bucket, bare. One that is there already is fine: its name has the account in it.
///
/// # Errors
/// The failed call.
pub async fn make_code_bucket(
    writer: &Writer,
    place: &Place,
    ui: &Ui,
    clock: &Clock,
) -> Result<()> {
    let bucket = place.code_bucket();
    ui.say(format_args!("making the code bucket `{bucket}`"));
    let doing = format!("make the code bucket `{bucket}`");
    let wait = Wait {
        clock,
        ui,
        what: format!("S3 to give the name `{bucket}` free"),
        usual: "usually seconds after a bucket of that name was deleted",
        timeout: NAME_TIMEOUT,
        pace: Pace::CONSISTENCY,
    };
    wait.until(async || match writer.create_bucket(&bucket).await {
        Ok(()) => Ok(Look::Done(())),
        // A bucket of that name is being made or deleted at this very moment.
        Err(error) if error.is(&["OperationAborted"]) => Ok(Look::Missing(error.to_string())),
        Err(error) => Err(error).doing(&doing),
    })
    .await
}

/// Removes the code bucket that was made for an attempt whose lock could not be taken. One with something in it is another
/// run's by now, and stays.
pub async fn remove_bare_code_bucket(writer: &Writer, place: &Place, error: Error) -> Error {
    let bucket = place.code_bucket();
    match writer.delete_bucket(&bucket, place.account()).await {
        Ok(()) => error,
        Err(second) if second.is(&["BucketNotEmpty"]) => error,
        Err(second) => error.hint(format!(
            "run `cleanup`: removing the bucket `{bucket}` failed too: {second}"
        )),
    }
}

impl Hands<'_> {
    /// Completes the bucket and puts the package into it.
    pub(super) async fn code(&self, steps: &Steps, observed: &Observed) -> Result<()> {
        let bucket = self.place.code_bucket();
        let account = self.place.account();
        let made = steps.make_code_bucket;
        let tags = async {
            if !made {
                return Ok(());
            }
            let mut tags = self.bucket_tags(observed);
            // What vouches for the journal was written since the bucket was looked at.
            tags.extend(self.lease.tag().await);
            self.writer
                .tag_bucket(&bucket, account, &tags)
                .await
                .doing(format_args!("tag the code bucket `{bucket}`"))
        };
        let block = async {
            if !made {
                return Ok(());
            }
            self.writer
                .block_public_access(&bucket, account)
                .await
                .doing(format_args!(
                    "block public access to the code bucket `{bucket}`"
                ))
        };
        let upload = async {
            if !steps.upload_package {
                return Ok(());
            }
            let key = self.spec.package.key();
            self.ui.say(format_args!("uploading the package `{key}`"));
            self.writer
                .put_object(&bucket, account, &key, self.spec.package.bytes().to_vec())
                .await
                .doing(format_args!("upload the package to `{bucket}`"))
        };
        match tokio::try_join!(tags, block, upload) {
            Ok(((), (), ())) => Ok(()),
            // One that was there may hold a journal that is still needed.
            Err(error) if observed.code_bucket.is_none() => {
                Err(self.give_up_code_bucket(error).await)
            }
            Err(error) => Err(error),
        }
    }

    fn bucket_tags(&self, observed: &Observed) -> Tags {
        let mut tags = observed.code_bucket.clone().unwrap_or_default();
        tags.extend(self.spec.all_tags());
        tags
    }

    /// Removes the bucket that was made for an attempt that came to nothing. The journal goes with it: nothing that it
    /// speaks of has been touched yet.
    pub(super) async fn give_up_code_bucket(&self, error: Error) -> Error {
        let bucket = self.place.code_bucket();
        let what = format!("code bucket `{bucket}`");
        match self.teardown().bucket(&bucket, &what).await {
            Ok(()) => error,
            Err(second) => error.hint(format!(
                "run `cleanup`: removing the bucket `{bucket}` failed too: {second}"
            )),
        }
    }
}
