//! What is there: the lab as it is observed, and whose each thing is.

#[cfg(test)]
pub(crate) mod fixtures;
mod observe;

pub use observe::{Interest, observe, observe_journal, observe_stack};

use std::collections::BTreeMap;

use serde::Serialize;

use crate::aws::{
    ChangeSetSummary, Channel, FunctionDescription, Identity, Recorder, RuleDescription,
    StackDescription, Tags,
};
use crate::error::{Error, Kind, Result};
use crate::journal::Seen;
use crate::spec::{self, TAG};

/// Where and whose the lab is.
#[derive(Debug, Clone)]
pub struct Place {
    /// The account and who acts in it.
    pub identity: Identity,
    /// The region.
    pub region: String,
    /// The stack's name.
    pub stack: String,
}

impl Place {
    /// The account.
    pub fn account(&self) -> &str {
        &self.identity.account
    }

    /// The bucket that holds the function's package.
    pub fn code_bucket(&self) -> String {
        spec::code_bucket(self.account(), &self.region, &self.stack)
    }

    /// The partition of AWS, from the caller's ARN: `aws`, `aws-cn`, `aws-us-gov`.
    pub fn partition(&self) -> &str {
        self.identity.arn.split(':').nth(1).unwrap_or("aws")
    }

    /// The ARN of something in this account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{}:{}:{resource}",
            self.partition(),
            self.region,
            self.account()
        )
    }

    /// Whether tags say that something is this lab's.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.get(TAG).is_some_and(|stack| *stack == self.stack)
    }
}

/// What the names of this program's change sets begin with.
pub const CHANGE_SET_PREFIX: &str = "driftlab-";

/// What one can do with a stack in its present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It works and can be changed.
    Usable,
    /// CloudFormation is at work.
    Busy,
    /// It is empty and waits for its first change set to be carried out.
    Review,
    /// Nothing but deleting it is possible.
    Broken,
    /// A change of it failed half-way, and has to be taken back before anything else is possible.
    Stuck,
}

/// The phase that a stack's status means.
pub fn phase(status: &str) -> Phase {
    match status {
        "REVIEW_IN_PROGRESS" => Phase::Review,
        "ROLLBACK_COMPLETE"
        | "ROLLBACK_FAILED"
        | "CREATE_FAILED"
        | "DELETE_FAILED"
        | "IMPORT_ROLLBACK_FAILED" => Phase::Broken,
        "UPDATE_ROLLBACK_FAILED" | "UPDATE_FAILED" => Phase::Stuck,
        busy if busy.ends_with("_IN_PROGRESS") => Phase::Busy,
        _ => Phase::Usable,
    }
}

/// A stack with its template.
#[derive(Debug, Clone, Default)]
pub struct ObservedStack {
    /// As CloudFormation describes it.
    pub description: StackDescription,
    /// The template it was last given.
    pub template: String,
    /// Its change sets; looked at only while it is under review.
    pub change_sets: Vec<ChangeSetSummary>,
}

/// Something that tags can be read from.
#[derive(Debug, Clone, Default)]
pub struct Tagged<T> {
    /// The thing.
    pub it: T,
    /// Its tags.
    pub tags: Tags,
}

/// The delivery channel and its bucket's tags; `None` when there is no such bucket in this account.
#[derive(Debug, Clone, Default)]
pub struct ObservedChannel {
    /// The channel.
    pub channel: Channel,
    /// The tags of its bucket.
    pub bucket_tags: Option<Tags>,
}

/// A resource of the stack that has a fixed name, and its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// What it is: "role".
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The parameter of the template that gives it another one.
    pub parameter: &'static str,
    /// Its tags.
    pub tags: Tags,
}

/// Everything that was seen before anything is done.
#[derive(Debug, Clone)]
pub struct Observed {
    /// Where.
    pub place: Place,
    /// The stack.
    pub stack: Option<ObservedStack>,
    /// Customer-managed recorders.
    pub recorders: Vec<Tagged<Recorder>>,
    /// Delivery channels.
    pub channels: Vec<ObservedChannel>,
    /// Days that Config keeps history.
    pub retention: Option<i32>,
    /// The rule of the lab's name.
    pub rule: Option<Tagged<RuleDescription>>,
    /// The tags of the code bucket.
    pub code_bucket: Option<Tags>,
    /// The journal in the code bucket.
    pub journal: Seen,
    /// Whether the code bucket holds the package.
    pub package_present: bool,
    /// The function.
    pub function: Option<FunctionDescription>,
    /// Resources that have the names which the stack gives to its own.
    pub named: Vec<Named>,
}

impl Observed {
    /// The stack's outputs, once it is usable.
    ///
    /// # Errors
    /// When it is usable and an output is missing.
    pub fn outputs(&self) -> Result<Option<Outputs>> {
        match &self.stack {
            Some(stack) if phase(&stack.description.status) == Phase::Usable => {
                Outputs::of(&stack.description).map(Some)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// The outputs of a stack whose last change failed half-way.
    pub(crate) fn outputs_of_stuck_stack(&self) -> Option<Outputs> {
        let stack = &self.stack.as_ref()?.description;
        (phase(&stack.status) == Phase::Stuck)
            .then(|| Outputs::of(stack).ok())
            .flatten()
    }

    fn output(&self, name: &str) -> Option<&str> {
        self.stack
            .as_ref()
            .and_then(|stack| stack.description.outputs.get(name))
            .map(String::as_str)
    }

    /// Whether the stack is this lab's: it carries our tag, which a stack made by hand does not. One that is under review
    /// has no tags yet and nothing in it; it is ours if no change set of somebody else waits in it.
    pub fn owns_stack(&self) -> bool {
        self.stack.as_ref().is_some_and(|stack| {
            if phase(&stack.description.status) == Phase::Review {
                let sets = &stack.change_sets;
                return sets
                    .iter()
                    .all(|set| set.name.starts_with(CHANGE_SET_PREFIX));
            }
            self.place.owns(&stack.description.tags)
        })
    }

    /// Whether the journal says that the recorder that is there was borrowed.
    pub fn has_borrowed_recorder(&self) -> bool {
        self.recorders
            .iter()
            .any(|recorder| self.is_borrowed_recorder(recorder))
    }

    fn is_borrowed_recorder(&self, recorder: &Tagged<Recorder>) -> bool {
        let borrowed = self.journal.borrowed();
        let loan = borrowed.and_then(|borrowed| borrowed.recorder.as_ref());
        loan.is_some_and(|loan| recorder.it.name() == loan.name())
    }

    /// Whether the journal says that the delivery channel that is there was borrowed.
    pub fn has_borrowed_channel(&self) -> bool {
        self.channels
            .iter()
            .any(|channel| self.is_borrowed_channel(&channel.channel))
    }

    fn is_borrowed_channel(&self, channel: &Channel) -> bool {
        let borrowed = self.journal.borrowed().and_then(|b| b.channel.as_ref());
        borrowed
            .and_then(|raw| raw.get("name"))
            .is_some_and(|name| *name == *channel.name)
    }

    /// Whether a recorder is this lab's: because it records with our stack's role, or by its tag. Tags can be copied, so a
    /// recorder that the journal says was borrowed stays its owner's with our tag, too.
    pub fn owns_recorder(&self, recorder: &Tagged<Recorder>) -> bool {
        self.output("ConfigRoleArn") == Some(recorder.it.it.role_arn.as_str())
            || (self.place.owns(&recorder.tags) && !self.is_borrowed_recorder(recorder))
    }

    /// Whether a channel is this lab's. Channels carry no tags, so its bucket decides: it is our stack's, or is tagged as
    /// ours, or is gone while the recorder that the channel serves is ours.
    pub fn owns_channel(&self, channel: &ObservedChannel) -> bool {
        if self.output("DeliveryBucketName") == Some(channel.channel.bucket.as_str()) {
            return true;
        }
        if self.is_borrowed_channel(&channel.channel) {
            return false;
        }
        match &channel.bucket_tags {
            Some(tags) => self.place.owns(tags),
            None => self
                .recorders
                .iter()
                .any(|recorder| self.owns_recorder(recorder)),
        }
    }

    /// Whether the rule is this lab's: by its tag, or because it asks our stack's function.
    pub fn owns_rule(&self, rule: &Tagged<RuleDescription>) -> bool {
        self.place.owns(&rule.tags)
            || (rule.it.source.is_some() && self.output("FunctionArn") == rule.it.source.as_deref())
    }

    /// The retention that this lab set, as noted in the journal before it was set. Config's retention carries neither tags
    /// nor a name of its own, so there is no other way to know; and no unverified journal is enough to take it away.
    pub fn own_retention(&self) -> Option<i32> {
        self.journal.journal().and_then(|journal| journal.retention)
    }

    /// Whether nothing of the lab is there at all.
    pub fn is_empty(&self) -> bool {
        self.stack.is_none()
            && self.code_bucket.is_none()
            && !self
                .recorders
                .iter()
                .any(|recorder| self.owns_recorder(recorder))
            && !self
                .channels
                .iter()
                .any(|channel| self.owns_channel(channel))
            && !self.rule.iter().any(|rule| self.owns_rule(rule))
            && !self.named.iter().any(|named| self.place.owns(&named.tags))
    }
}

/// What the stack made, by the names of the template's outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outputs {
    /// The VPC.
    pub vpc_id: String,
    /// LabSG1.
    pub group_id: String,
    /// The function's name.
    pub function_name: String,
    /// The function's ARN.
    pub function_arn: String,
    /// The function's role.
    pub function_role_arn: String,
    /// The recorder's role.
    pub config_role_arn: String,
    /// The topic.
    pub topic_arn: String,
    /// The delivery bucket.
    pub delivery_bucket: String,
    /// The function's log group.
    pub log_group: String,
}

impl Outputs {
    /// Reads the outputs of a stack.
    ///
    /// # Errors
    /// When one is missing: then the stack is not the lab's.
    pub fn of(stack: &StackDescription) -> Result<Self> {
        let get = |name: &str| {
            stack.outputs.get(name).cloned().ok_or_else(|| {
                Error::new(Kind::Failed, format!("the stack `{}` has no output `{name}`", stack.name))
                    .hint("name the lab's stack with `--stack`; this one was not made from the lab's template")
            })
        };
        Ok(Self {
            vpc_id: get("VpcId")?,
            group_id: get("LabSecurityGroupId")?,
            function_name: get("FunctionName")?,
            function_arn: get("FunctionArn")?,
            function_role_arn: get("FunctionRoleArn")?,
            config_role_arn: get("ConfigRoleArn")?,
            topic_arn: get("TopicArn")?,
            delivery_bucket: get("DeliveryBucketName")?,
            log_group: get("LogGroupName")?,
        })
    }
}

/// The names that the stack has or would give its resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// The recorder's role.
    pub config_role: String,
    /// The function's role.
    pub function_role: String,
    /// The function.
    pub function: String,
    /// The log group.
    pub log_group: String,
    /// The topic; `None` when the student's account string is needed for it and not known.
    pub topic: Option<String>,
    /// The delivery bucket; `None` when CloudFormation makes its name up.
    pub delivery_bucket: Option<String>,
}

impl Default for Names {
    /// Those of the template.
    fn default() -> Self {
        Self::from_parameters(&BTreeMap::new(), None)
    }
}

impl Names {
    /// From the parameters of the template.
    pub fn from_parameters(parameters: &BTreeMap<String, String>, student: Option<&str>) -> Self {
        let name = |parameter| spec::name_of(parameters, parameter);
        let student = parameters
            .get("ITSCAccountString")
            .map(String::as_str)
            .or(student);
        let derived = student.map(|student| format!("ust-{student}-config-topic"));
        Self {
            config_role: name("ConfigRoleName"),
            function_role: name("FunctionRoleName"),
            function: name("FunctionName"),
            log_group: name("LogGroupName"),
            topic: Some(name("TopicName"))
                .filter(|topic| !topic.is_empty())
                .or(derived),
            delivery_bucket: Some(name("DeliveryBucketName")).filter(|bucket| !bucket.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_phase() {
        for (status, expected) in [
            ("CREATE_COMPLETE", Phase::Usable),
            ("UPDATE_COMPLETE", Phase::Usable),
            ("UPDATE_ROLLBACK_COMPLETE", Phase::Usable),
            ("CREATE_IN_PROGRESS", Phase::Busy),
            ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", Phase::Busy),
            ("DELETE_IN_PROGRESS", Phase::Busy),
            ("ROLLBACK_COMPLETE", Phase::Broken),
            ("REVIEW_IN_PROGRESS", Phase::Review),
            ("DELETE_FAILED", Phase::Broken),
            ("UPDATE_ROLLBACK_FAILED", Phase::Stuck),
        ] {
            assert_eq!(phase(status), expected, "{status}");
        }
    }

    #[test]
    fn names_follow_parameters_and_student() {
        let mut parameters = BTreeMap::new();
        let names = Names::from_parameters(&parameters, None);
        assert_eq!(names.config_role, "AwsConfigRole");
        assert_eq!(names.topic, None);
        parameters.insert("ITSCAccountString".into(), "alice".into());
        parameters.insert("FunctionName".into(), "heal".into());
        let names = Names::from_parameters(&parameters, Some("bob"));
        assert_eq!(names.topic.as_deref(), Some("ust-alice-config-topic"));
        assert_eq!(names.function, "heal");
    }
}
