//! Deleting a stack without what AWS Config has delivered.

use super::Teardown;
use crate::aws::{Doing, StackDescription};
use crate::error::{Error, Kind, Result};
use crate::watch::{Ends, Watch};

/// The bucket's name in the template.
const BUCKET: &str = "DeliveryBucket";

impl Teardown<'_> {
    /// Deletes a stack but for its delivery bucket. CloudFormation leaves a resource behind only after its deletion has
    /// failed, and that of a bucket with something in it fails. An empty one has no history, and goes.
    ///
    /// # Errors
    /// [`Kind::Failed`] with the root cause when something else cannot be deleted.
    pub(super) async fn stack_but_bucket(&self, stack: &StackDescription) -> Result<()> {
        let name = &stack.name;
        let mut watch = Watch::of_existing(self.aws, self.ui, self.clock, &stack.id).await?;
        let mut failed = stack.status == "DELETE_FAILED";
        for _ in 0..2 {
            let retained: &[&str] = if failed { &[BUCKET] } else { &[] };
            self.writer
                .delete_stack_but(&stack.id, retained, self.cfn_role)
                .await
                .doing(format_args!("delete the stack `{name}`"))?;
            let what = format!("the stack `{name}` to be deleted");
            let settled = watch.until_settled(&stack.id, &what, Ends::Gone).await?;
            if settled.is_none() {
                return Ok(());
            }
            failed = true;
        }
        let what = format!("the stack `{name}` could not be deleted");
        let error = Error::new(Kind::Failed, what);
        Err(match watch.root_cause() {
            Some(cause) => error.caused_by(cause),
            None => error,
        })
    }
}
