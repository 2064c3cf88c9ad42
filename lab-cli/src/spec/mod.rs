//! What the lab should be: flags, environment and settings file, checked and merged.

mod package;
mod reach;
mod settings;
pub mod validate;

pub use package::{Architecture, Package};
pub use reach::{REACH, boundary_of};
pub use settings::{Settings, load};

use std::collections::BTreeMap;
use std::path::PathBuf;

use remediator_core::{Baseline, Mode, Policy, Scope};
use sha2::{Digest, Sha256};

use crate::aws::{StackRequest, Tags};
use crate::error::{Error, Kind, Result};
use crate::files;

/// The tag that says whose something is: its value is the name of the stack.
pub const TAG: &str = "driftlab:lab";
/// Seven years, leap days included; also the most that AWS Config accepts.
pub const RETENTION_DAYS: i32 = 2557;
/// The rule's name in both source documents.
pub const RULE_NAME: &str = "EC2SecurityGroup";
/// The rule's description in both source documents.
pub const RULE_DESCRIPTION: &str = "Restrict inbound ports to HTTP and HTTPS";
/// What the console calls the recorder and the channel it makes, and so do we.
pub const RECORDER_NAME: &str = "default";
/// See [`RECORDER_NAME`].
pub const CHANNEL_NAME: &str = "default";
/// The name of the stack in both source documents.
pub const DEFAULT_STACK: &str = "lab-environment";
/// The template that this program was built with; it also works by hand.
pub const TEMPLATE: &str = include_str!("../../../templates/lab.yaml");
/// `CreateStack` takes no longer template in the request itself.
pub const LONGEST_TEMPLATE: u64 = 51_200;
/// AWS Config takes no longer parameters of a rule.
pub const LONGEST_PARAMETERS: usize = 1024;

/// The parameters of the template that give resources a name, and the names of the source documents; then its options.
/// They are what `parameters` of the settings file and `--parameter` may set.
pub const NAMES: [(&str, &str); 16] = [
    ("ConfigRoleName", "AwsConfigRole"),
    ("FunctionRoleName", "AwsConfigLambdaSGRole"),
    ("FunctionName", "evaluate_remediate_security_group"),
    ("LogGroupName", "awsconfig_lambda_security_group"),
    ("TopicName", ""),
    ("DeliveryBucketName", ""),
    ("LogRetentionDays", "14"),
    ("FastPath", "false"),
    ("FastPathPolicy", ""),
    ("ManageEgress", "false"),
    ("PolicyParameterName", ""),
    ("DecryptionKeyArn", ""),
    ("NotifyTopicArn", ""),
    ("NotifyWebhookKind", "slack"),
    ("NotifyWebhookParameter", ""),
    ("NotifyWebhookSecretArn", ""),
];

/// Which groups the function may repair.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LabScope {
    /// Those of the lab's VPC, whose id is known once the stack is made.
    #[default]
    LabVpc,
    /// Those that were asked for.
    Asked(Scope),
}

/// The lab as it should be.
#[derive(Debug, Clone)]
pub struct Spec {
    /// The stack.
    pub stack: String,
    /// The student's account string.
    pub student: String,
    /// Who is told.
    pub email: String,
    /// The approved inbound rules.
    pub baseline: Baseline,
    /// Which groups the function may repair.
    pub scope: LabScope,
    /// More tags for everything that is made.
    pub tags: Tags,
    /// Whether the delivery channel streams to the topic.
    pub topic: bool,
    /// Names other than those of the source documents.
    pub parameters: BTreeMap<String, String>,
    /// The role that CloudFormation works with; without one it works with the caller's rights.
    pub cfn_role: Option<String>,
    /// The permissions boundary of every role that is made.
    pub permissions_boundary: Option<String>,
    /// The text of the template.
    pub template: String,
    /// The function.
    pub package: Package,
}

/// What flags and environment say; it wins over the settings file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--email`.
    pub email: Option<String>,
    /// `--itsc-account`.
    pub student: Option<String>,
    /// `--baseline`.
    pub baseline: Option<String>,
    /// `--scope`.
    pub scope: Option<String>,
    /// `--topic` / `--no-topic`.
    pub topic: Option<bool>,
    /// `--tag KEY=VALUE`.
    pub tags: Vec<(String, String)>,
    /// `--parameter NAME=VALUE`.
    pub parameters: Vec<(String, String)>,
    /// `--template`.
    pub template: Option<PathBuf>,
    /// `--cfn-role`.
    pub cfn_role: Option<String>,
    /// `--permissions-boundary`.
    pub permissions_boundary: Option<String>,
}

impl Spec {
    /// Merges and checks everything; calls nothing.
    ///
    /// # Errors
    /// [`Kind::Input`], naming what is wrong and where it can be set.
    pub fn new(
        stack: String,
        settings: Settings,
        overrides: Overrides,
        package: Package,
    ) -> Result<Self> {
        let email = overrides.email.or(settings.email).ok_or_else(|| {
            Error::input("no e-mail address is given for the lab's notifications")
                .hint("give one with `--email`, `DRIFTLAB_EMAIL` or `email:` in the settings file")
        })?;
        validate::email(&email)?;
        let student = match overrides.student.or(settings.student) {
            Some(student) => student,
            None => student_of(&email)?,
        };
        validate::student(&student)?;
        let baseline = overrides.baseline.or(settings.baseline);
        let scope = overrides.scope.or(settings.scope);
        let mut tags = settings.tags;
        tags.extend(overrides.tags);
        validate::tags(&tags)?;
        let mut parameters = settings.parameters;
        parameters.extend(overrides.parameters);
        validate::parameters(&parameters)?;
        let cfn_role = overrides.cfn_role.or(settings.cfn_role);
        validate::cfn_role(cfn_role.as_ref())?;
        let permissions_boundary = overrides
            .permissions_boundary
            .or(settings.permissions_boundary);
        validate::boundary(permissions_boundary.as_ref())?;
        let spec = Self {
            stack,
            cfn_role,
            permissions_boundary,
            student,
            email,
            baseline: baseline
                .as_deref()
                .map_or(Ok(Baseline::default()), validate::baseline)?,
            scope: scope
                .as_deref()
                .map_or(Ok(LabScope::default()), validate::scope)?,
            tags,
            topic: overrides.topic.or(settings.topic).unwrap_or(true),
            parameters,
            template: template(overrides.template)?,
            package,
        };
        validate::fast_path(&spec.parameters, &spec.baseline, &spec.scope)?;
        // The id of the VPC is not known yet, but how long it is: `vpc-` and seventeen hexadecimal digits.
        let parameters = spec.rule_parameters("vpc-00000000000000000");
        if parameters.len() > LONGEST_PARAMETERS {
            return Err(Error::input(format!(
                "the baseline and scope need {} characters as rule parameters, AWS Config takes {LONGEST_PARAMETERS}",
                parameters.len()
            )));
        }
        Ok(spec)
    }

    /// The tags of everything that is made.
    pub fn all_tags(&self) -> Tags {
        let mut tags = self.tags.clone();
        tags.insert(TAG.to_owned(), self.stack.clone());
        tags
    }

    /// The parameters of the rule, as the JSON text that AWS Config keeps.
    pub fn rule_parameters(&self, vpc_id: &str) -> String {
        let scope = match &self.scope {
            LabScope::LabVpc => Scope::Vpc(vpc_id.to_owned()),
            LabScope::Asked(scope) => scope.clone(),
        };
        Policy {
            debug: true,
            baseline: self.baseline.clone(),
            mode: Mode::Enforce,
            scope,
            ..Policy::default()
        }
        .to_parameters()
    }

    /// What the stack shall be.
    pub fn stack_request(&self, code_bucket: &str) -> StackRequest {
        let mut parameters = self.parameters.clone();
        parameters.extend(reach::parameters(
            &self.scope,
            self.permissions_boundary.as_deref(),
        ));
        parameters.extend([
            ("ITSCAccountString".to_owned(), self.student.clone()),
            ("SubscriptionEmail".to_owned(), self.email.clone()),
            ("CodeS3Bucket".to_owned(), code_bucket.to_owned()),
            ("CodeS3Key".to_owned(), self.package.key()),
            (
                "FunctionArchitecture".to_owned(),
                self.package.architecture.as_str().to_owned(),
            ),
        ]);
        StackRequest {
            name: self.stack.clone(),
            template: self.template.clone(),
            parameters,
            tags: self.all_tags(),
            role: self.cfn_role.clone(),
        }
    }

    /// The value of one of [`NAMES`].
    pub fn name_of(&self, parameter: &str) -> String {
        name_of(&self.parameters, parameter)
    }
}

/// The value of one of [`NAMES`] among parameters that may leave it out.
pub fn name_of(parameters: &BTreeMap<String, String>, parameter: &str) -> String {
    parameters.get(parameter).cloned().unwrap_or_else(|| {
        NAMES
            .iter()
            .find(|(name, _)| *name == parameter)
            .map(|(_, value)| (*value).to_owned())
            .unwrap_or_default()
    })
}

/// The bucket that holds the function's package. S3's names are global, 63 characters at most, and lower-case: a stack
/// whose name does not fit is stood for by the beginning of its hash.
pub fn code_bucket(account: &str, region: &str, stack: &str) -> String {
    let prefix = format!("driftlab-code-{account}-{region}-");
    let fits = prefix.len() + stack.len() <= 63
        && stack
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !stack.ends_with('-');
    if fits {
        return prefix + stack;
    }
    // Regions have up to fourteen characters, so twelve digits always fit.
    prefix + &hex(&Sha256::digest(stack))[..12]
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The account string is what stands before the @ of the university address; `+something` is a mailbox, not a name.
fn student_of(email: &str) -> Result<String> {
    let local = email.split('@').next().unwrap_or_default();
    let name = local.split('+').next().unwrap_or_default();
    validate::student(name).map_err(|_| {
        Error::input(format!(
            "no account string can be taken from the e-mail address `{email}`"
        ))
        .hint(
            "give one with `--itsc-account`, `DRIFTLAB_STUDENT` or `student:` in the settings file",
        )
    })?;
    Ok(name.to_owned())
}

fn template(path: Option<PathBuf>) -> Result<String> {
    let Some(path) = path else {
        return Ok(TEMPLATE.to_owned());
    };
    let text = files::text(&path, LONGEST_TEMPLATE).map_err(|e| {
        Error::new(
            Kind::Input,
            format!("cannot read the template `{}`", path.display()),
        )
        .caused_by(e)
    })?;
    Ok(text)
}

#[cfg(test)]
mod tests;
