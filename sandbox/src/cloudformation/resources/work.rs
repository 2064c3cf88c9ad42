//! What a handler works with: the front door, the names of the stack, readers for properties.

use serde_json::{Map, Value};

use super::schema::violation;
use super::tags;
use crate::cloudformation::job::Job;
use crate::cloudformation::parameters::scalar;
use crate::error::ApiError;
use crate::iam;
use crate::ids::{upper_id, uuid};
use crate::protocol::{Answer, Operation};
use crate::sandbox::Target;
use crate::service::Service;

/// The services on whose resources CloudFormation puts its own tags. The schemas of the resource types say so; that of
/// `AWS::IAM::Role` says that it does not.
const SYSTEM_TAGS: &[Service] = &[
    Service::Ec2,
    Service::Events,
    Service::Lambda,
    Service::Logs,
    Service::S3,
    Service::Sns,
    Service::Ssm,
];

/// Who acts when a stack is made.
const ACTING: &str = "cloudformation.amazonaws.com";

/// One resource at work.
#[derive(Debug)]
pub(in crate::cloudformation) struct Work {
    pub(in crate::cloudformation) job: Job,
    pub(in crate::cloudformation) stack_name: String,
    pub(in crate::cloudformation) logical_id: String,
    /// The status while something is made: of a creation, or of an update that needs a new thing.
    pub(in crate::cloudformation) status: &'static str,
    /// The operation's token, which reasons repeat.
    pub(in crate::cloudformation) token: String,
}

/// A resource that was made.
#[derive(Debug)]
pub(in crate::cloudformation) struct Made {
    /// What `Ref` gives.
    pub(in crate::cloudformation) physical_id: String,
    /// What `Fn::GetAtt` gives.
    pub(in crate::cloudformation) attributes: Map<String, Value>,
}

impl Made {
    pub(super) fn new(physical_id: impl Into<String>, attributes: Value) -> Self {
        let attributes = match attributes {
            Value::Object(attributes) => attributes,
            _ => Map::new(),
        };
        Self {
            physical_id: physical_id.into(),
            attributes,
        }
    }
}

/// Why a resource could not be made, changed or deleted.
#[derive(Debug, Clone)]
pub(in crate::cloudformation) struct Failure {
    pub(in crate::cloudformation) reason: String,
    /// AWS's code, where a service refused.
    pub(super) code: String,
    /// The thing does not exist.
    pub(super) missing: bool,
}

impl Failure {
    /// A failure that no service told.
    pub(in crate::cloudformation) fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            code: String::new(),
            missing: false,
        }
    }

    /// Whether the thing does not exist.
    pub(in crate::cloudformation) fn is_missing(&self) -> bool {
        self.missing
    }

    /// A failure that a handler tells in its own words.
    pub(super) fn handler(work: &Work, message: &str, handler_code: &str) -> Self {
        Self::new(format!(
            "Resource handler returned message: \"{message}\" (RequestToken: {}, HandlerErrorCode: {handler_code})",
            work.token
        ))
    }

    fn of(service: Service, error: &ApiError, request_id: &str, token: &str) -> Self {
        let handler_code = handler_code(error);
        Self {
            reason: format!(
                "Resource handler returned message: \"{} (Service: {}, Status Code: {}, Request ID: {request_id})\" (RequestToken: {token}, HandlerErrorCode: {handler_code})",
                error.message,
                sdk_name(service),
                error.status,
            ),
            code: error.code.clone().into_owned(),
            missing: handler_code == "NotFound",
        }
    }
}

/// The service's name in the Java SDK, which CloudFormation's handlers quote.
fn sdk_name(service: Service) -> &'static str {
    match service {
        Service::CloudFormation => "CloudFormation",
        Service::CloudTrail => "CloudTrail",
        Service::Config => "Config",
        Service::Ec2 => "Ec2",
        Service::Events => "EventBridge",
        Service::Iam => "Iam",
        Service::Lambda => "Lambda",
        Service::Logs => "CloudWatchLogs",
        Service::Quotas => "ServiceQuotas",
        Service::S3 => "S3",
        Service::Scheduler => "Scheduler",
        Service::SecretsManager => "SecretsManager",
        Service::Sns => "Sns",
        Service::Ssm => "Ssm",
        Service::Sts => "Sts",
    }
}

/// CloudFormation's own classes of errors.
fn handler_code(error: &ApiError) -> &'static str {
    let has = |words: &[&str]| words.iter().any(|word| error.code.contains(word));
    if error.code == "NotImplemented" {
        "InternalFailure"
    } else if has(&[
        "AlreadyExists",
        "AlreadyOwned",
        "Duplicate",
        "ResourceConflict",
    ]) {
        "AlreadyExists"
    } else if has(&["NotFound", "NoSuch", "NotAttached", "MissingAssociation"]) {
        "NotFound"
    } else if has(&["AccessDenied", "Unauthorized", "Forbidden"]) {
        "AccessDenied"
    } else if has(&["Throttl", "RequestLimitExceeded"]) {
        "Throttling"
    } else if has(&["LimitExceeded"]) {
        "ServiceLimitExceeded"
    } else if error.status >= 500 {
        "ServiceInternalError"
    } else {
        "InvalidRequest"
    }
}

impl Work {
    /// Calls a service in the name of whoever makes the stack: their permissions decide, CloudFormation acts (and may
    /// therefore set tags that begin with `aws:`).
    ///
    /// # Errors
    /// The service's own error as CloudFormation quotes it.
    pub(in crate::cloudformation) async fn call(
        &self,
        service: Service,
        name: &str,
        input: Value,
    ) -> Result<Value, Failure> {
        let sandbox = &self.job.sandbox;
        let operation = Operation::new(name, without_nulls(input));
        let target = Target {
            request_id: uuid(),
            ..self.job.target.clone()
        };
        let failed = |error: &ApiError, id: &str| Failure::of(service, error, id, &self.token);
        let answer = sandbox.perform_for(&target, ACTING, service, &operation);
        match answer.await {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Http(_)) => Ok(Value::Null),
            Err(error) => Err(failed(&error, &target.request_id)),
        }
    }

    /// Like [`Work::call`], where the answer tells nothing.
    ///
    /// # Errors
    /// As above.
    pub(super) async fn tell(
        &self,
        service: Service,
        name: &str,
        input: Value,
    ) -> Result<(), Failure> {
        self.call(service, name, input).await.map(drop)
    }

    /// Asks whether whoever makes the stack may do something, without doing it.
    ///
    /// # Errors
    /// The service's refusal as CloudFormation quotes it.
    pub(super) fn may(&self, service: Service, name: &str, input: Value) -> Result<(), Failure> {
        let operation = Operation::new(name, input);
        let request_id = uuid();
        self.job.sandbox.enter(&self.job.target, |call| {
            iam::authorize(call, service, &operation, Some(ACTING))
                .map_err(|error| Failure::of(service, &error, &request_id, &self.token))
        })
    }

    /// Whether the stack is being changed.
    pub(super) fn updating(&self) -> bool {
        self.job
            .stack(|stack, _| stack.status == "UPDATE_IN_PROGRESS")
    }

    /// Notes the id of what now exists, so that it is taken back if the rest fails.
    pub(super) fn initiated(&self, physical_id: &str) {
        self.job.stack(|stack, now| {
            if let Some(record) = stack.resources.get_mut(&self.logical_id) {
                record.physical_id = Some(physical_id.to_owned());
            }
            stack.set_resource_status(
                &self.logical_id,
                self.status,
                Some("Resource creation Initiated".to_owned()),
                *now,
            );
        });
    }

    /// The name that the template chose, or one made of stack, resource and twelve random characters.
    pub(super) fn name(
        &self,
        properties: &Value,
        property: &str,
        limit: usize,
    ) -> Result<String, Failure> {
        match self.text(properties, property)? {
            Some(name) => Ok(name),
            None => Ok(self.generated(limit)),
        }
    }

    /// `<stack>-<resource>-<random>`, both parts shortened where the service's limit asks for it.
    pub(super) fn generated(&self, limit: usize) -> String {
        let room = limit.saturating_sub(14);
        let logical = self
            .logical_id
            .len()
            .min(room.saturating_sub(self.stack_name.len()).max(room / 2));
        let stack = self.stack_name.len().min(room - logical);
        upper_id(
            &format!(
                "{}-{}-",
                &self.stack_name[..stack],
                &self.logical_id[..logical]
            ),
            12,
        )
    }

    /// An ARN in the stack's account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        crate::ids::arn(
            &self.job.target.region,
            &self.job.target.account,
            service,
            resource,
        )
    }

    /// A text property.
    pub(super) fn text(&self, properties: &Value, name: &str) -> Result<Option<String>, Failure> {
        match properties.get(name) {
            None => Ok(None),
            Some(value) => scalar(value)
                .map(Some)
                .ok_or_else(|| self.mistyped(name, "String")),
        }
    }

    /// A text property that the table says must be there.
    pub(super) fn required(&self, properties: &Value, name: &str) -> Result<String, Failure> {
        self.text(properties, name)?.ok_or_else(|| {
            violation(
                &self.logical_id,
                &format!("#: required key [{name}] not found"),
            )
        })
    }

    /// A whole number, also as text.
    pub(super) fn int(&self, properties: &Value, name: &str) -> Result<Option<i64>, Failure> {
        self.text(properties, name)?
            .map(|text| text.parse().map_err(|_| self.mistyped(name, "Integer")))
            .transpose()
    }

    /// A truth value, also as text.
    pub(super) fn flag(&self, properties: &Value, name: &str) -> Result<Option<bool>, Failure> {
        match self.text(properties, name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(self.mistyped(name, "Boolean")),
        }
    }

    /// A list of objects or texts; empty when absent.
    pub(super) fn items<'p>(
        &self,
        properties: &'p Value,
        name: &str,
    ) -> Result<&'p [Value], Failure> {
        match properties.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(_) => Err(self.mistyped(name, "JSONArray")),
        }
    }

    /// A list of texts; empty when absent.
    pub(super) fn texts(&self, properties: &Value, name: &str) -> Result<Vec<String>, Failure> {
        self.items(properties, name)?
            .iter()
            .map(|item| scalar(item).ok_or_else(|| self.mistyped(name, "String")))
            .collect()
    }

    /// A policy document, as an object or as text, as the text that the services take.
    pub(super) fn document(&self, properties: &Value, name: &str) -> Result<String, Failure> {
        match properties.get(name) {
            Some(document @ Value::Object(_)) => Ok(document.to_string()),
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            _ => Err(self.mistyped(name, "JSONObject")),
        }
    }

    pub(super) fn mistyped(&self, name: &str, expected: &str) -> Failure {
        violation(
            &self.logical_id,
            &format!("#/{name}: expected type: {expected}"),
        )
    }

    /// Refuses unknown and missing members of a nested object.
    pub(super) fn shape(
        &self,
        path: &str,
        value: &Value,
        allowed: &[&str],
        required: &[&str],
    ) -> Result<(), Failure> {
        super::schema::shape(&self.logical_id, path, value, allowed, required)
    }

    /// CloudFormation's own tags.
    fn system_tags(&self) -> [(String, String); 3] {
        [
            (
                "aws:cloudformation:logical-id".to_owned(),
                self.logical_id.clone(),
            ),
            (
                "aws:cloudformation:stack-id".to_owned(),
                self.job.stack_id.clone(),
            ),
            (
                "aws:cloudformation:stack-name".to_owned(),
                self.stack_name.clone(),
            ),
        ]
    }

    /// Every tag that a new resource of `service` gets.
    fn all_tags(&self, service: Service) -> Vec<(String, String)> {
        let mut tags = self
            .job
            .record(&self.logical_id)
            .map(|record| record.tags)
            .unwrap_or_default();
        if SYSTEM_TAGS.contains(&service) {
            tags.extend(self.system_tags());
        }
        tags
    }

    /// Every tag as a list of `{Key, Value}`.
    pub(super) fn tag_list(&self, service: Service) -> Value {
        tags::list(&self.all_tags(service))
    }

    /// Every tag as one object.
    pub(super) fn tag_map(&self, service: Service) -> Value {
        tags::map(&self.all_tags(service))
    }
}

/// Absent members are absent, not null: services look at what is there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, member)| !member.is_null())
            .map(|(name, member)| (name, without_nulls(member)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

/// The text at a JSON pointer of a service's answer.
pub(super) fn answered(answer: &Value, pointer: &str) -> Result<String, Failure> {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| {
            Failure::new(format!(
                "the answer of the service has no {pointer}: {answer}"
            ))
        })
}
