//! Deleting the stack, whatever state it is in.

use super::Teardown;
use crate::aws::{Doing, StackDescription};
use crate::error::{Error, Kind, Result};
use crate::state::{Phase, phase};
use crate::watch::{Ends, Watch};

/// How often a stack is deleted again because something was delivered to its bucket meanwhile.
const ATTEMPTS: usize = 5;

impl Teardown<'_> {
    /// Empties the stack's delivery bucket and deletes the stack, telling its events. Config may deliver once more after it
    /// was told to stop, so a deletion that fails is tried again with an emptied bucket.
    ///
    /// # Errors
    /// [`Kind::Failed`] with the root cause when the stack cannot be deleted.
    pub async fn delete_stack(&self, stack: &StackDescription) -> Result<()> {
        self.delete_watched(stack, None).await
    }

    /// The same, where the stack is watched already.
    pub(super) async fn delete_watched(
        &self,
        stack: &StackDescription,
        watch: Option<Watch<'_>>,
    ) -> Result<()> {
        let watch = async {
            match watch {
                Some(watch) => Ok(watch),
                None => Watch::of_existing(self.aws, self.ui, self.clock, &stack.id).await,
            }
        };
        let (mut watch, buckets) = tokio::try_join!(watch, self.buckets_of(stack))?;
        let mut cause = None;
        for _ in 0..ATTEMPTS {
            for bucket in &buckets {
                self.empty(bucket).await?;
            }
            self.writer
                .delete_stack(&stack.id, self.cfn_role)
                .await
                .doing(format_args!("delete the stack `{}`", stack.name))?;
            let what = format!("the stack `{}` to be deleted", stack.name);
            let settled = watch.until_settled(&stack.id, &what, Ends::Gone).await?;
            match settled {
                None => return Ok(()),
                Some(left) => cause = watch.root_cause().or(left.reason),
            }
        }
        let error = Error::new(
            Kind::Failed,
            format!("the stack `{}` could not be deleted", stack.name),
        )
        .hint("remove the cause, then run the same command again");
        Err(match cause {
            Some(cause) => error.caused_by(cause),
            None => error,
        })
    }

    /// The buckets that have to be empty. A stack that was never complete has no outputs; its resources tell then.
    async fn buckets_of(&self, stack: &StackDescription) -> Result<Vec<String>> {
        if let Some(bucket) = stack.outputs.get("DeliveryBucketName") {
            return Ok(vec![bucket.clone()]);
        }
        if phase(&stack.status) == Phase::Review {
            return Ok(Vec::new());
        }
        let resources = self
            .aws
            .stack_resources(&stack.id)
            .await
            .doing(format_args!(
                "look at the resources of the stack `{}`",
                stack.name
            ))?;
        Ok(resources
            .into_iter()
            .filter(|resource| resource.resource_type == "AWS::S3::Bucket")
            .filter(|resource| resource.status != "DELETE_COMPLETE")
            .filter_map(|resource| resource.physical_id)
            .collect())
    }

    async fn empty(&self, bucket: &str) -> Result<()> {
        let emptied = self
            .writer
            .empty_bucket(bucket, self.place.account())
            .await
            .doing(format_args!("empty the delivery bucket `{bucket}`"))?;
        if emptied > 0 {
            self.ui.say(format_args!(
                "emptied the delivery bucket `{bucket}` (objects and versions: {emptied})"
            ));
        }
        Ok(())
    }
}
