//! The calls that this program makes itself.

use super::statement::Sid;

/// A command, or a part of one that not everybody uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Feature {
    /// `doctor`, which `deploy` asks first. It tells what it could not see and goes on, so nothing of this is needed: its
    /// permissions are a policy of their own, which one may leave out.
    Doctor,
    /// `deploy`.
    Deploy,
    /// `status`.
    Status,
    /// `logs`.
    Logs,
    /// `simulate-incident`.
    SimulateIncident,
    /// `cleanup`.
    Cleanup,
    /// `extend`.
    Extend,
    /// `policy explain`.
    Explain,
}

impl Feature {
    /// Every feature that does not work without its permissions.
    pub const ALL: &[Self] = &[
        Self::Deploy,
        Self::Status,
        Self::Logs,
        Self::SimulateIncident,
        Self::Cleanup,
        Self::Extend,
        Self::Explain,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Doctor => "doctor",
            Self::Deploy => "deploy",
            Self::Status => "status",
            Self::Logs => "logs",
            Self::SimulateIncident => "simulate-incident",
            Self::Cleanup => "cleanup",
            Self::Extend => "extend",
            Self::Explain => "policy explain",
        }
    }
}

/// An operation of AWS that this program calls.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// As errors name it: `s3:HeadObject`.
    pub operation: &'static str,
    /// What makes it.
    pub features: &'static [Feature],
    needs: Needs,
}

/// The permissions behind an operation.
#[derive(Debug, Clone, Copy)]
enum Needs {
    /// None: AWS answers it to everybody.
    Nothing,
    /// The action of the operation's own name.
    Itself(Sid),
    /// Others, or more.
    These(&'static [(&'static str, Sid)]),
}

impl Call {
    /// The actions, each with the statement that allows it.
    pub fn permissions(&self) -> impl Iterator<Item = (&'static str, Sid)> + use<> {
        let (own, others) = match self.needs {
            Needs::Nothing => (None, [].as_slice()),
            Needs::Itself(sid) => (Some((self.operation, sid)), [].as_slice()),
            Needs::These(others) => (None, others),
        };
        own.into_iter().chain(others.iter().copied())
    }
}

const fn call(operation: &'static str, features: &'static [Feature], needs: Needs) -> Call {
    Call {
        operation,
        features,
        needs,
    }
}

use Feature::{Cleanup, Deploy, Doctor, Explain, Extend, Logs, SimulateIncident, Status};
use Needs::{Itself, Nothing, These};

/// Every operation, by service.
pub const CALLS: &[Call] = &[
    // Without a name, `DescribeStacks` also needs `ListStacks`: that is how the audit looks for stacks by tag.
    call(
        "cloudformation:DescribeStacks",
        Feature::ALL,
        These(&[
            ("cloudformation:DescribeStacks", Sid::LookAtStacks),
            ("cloudformation:ListStacks", Sid::LookAtStacks),
        ]),
    ),
    call(
        "cloudformation:GetTemplate",
        Feature::ALL,
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:DescribeStackEvents",
        &[Deploy, Cleanup, Extend],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:CreateChangeSet",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:DescribeChangeSet",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:DeleteChangeSet",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:ExecuteChangeSet",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:ListChangeSets",
        Feature::ALL,
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:ListStackResources",
        &[Deploy, Cleanup],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:ContinueUpdateRollback",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:RollbackStack",
        &[Deploy],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:UpdateStack",
        &[Extend],
        Itself(Sid::OwnStack),
    ),
    call(
        "cloudformation:DeleteStack",
        &[Deploy, Cleanup],
        Itself(Sid::OwnStack),
    ),
    call(
        "config:DescribeConfigRules",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:DescribeConfigurationRecorders",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:DescribeConfigurationRecorderStatus",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:DescribeDeliveryChannels",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:DescribeRetentionConfigurations",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:ListTagsForResource",
        Feature::ALL,
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:GetComplianceDetailsByConfigRule",
        &[Deploy, Status, SimulateIncident],
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:GetResourceConfigHistory",
        &[SimulateIncident],
        Itself(Sid::LookAtConfig),
    ),
    call(
        "config:PutConfigurationRecorder",
        &[Deploy, Cleanup],
        These(&[
            ("config:PutConfigurationRecorder", Sid::Recorder),
            ("config:TagResource", Sid::Recorder),
            ("iam:PassRole", Sid::PassConfigRole),
        ]),
    ),
    call(
        "config:StartConfigurationRecorder",
        &[Deploy],
        Itself(Sid::Recorder),
    ),
    call(
        "config:StopConfigurationRecorder",
        &[Cleanup],
        Itself(Sid::Recorder),
    ),
    call(
        "config:DeleteConfigurationRecorder",
        &[Cleanup],
        Itself(Sid::Recorder),
    ),
    call(
        "config:PutDeliveryChannel",
        &[Deploy],
        Itself(Sid::ChannelAndRetention),
    ),
    call(
        "config:DeleteDeliveryChannel",
        &[Cleanup],
        Itself(Sid::ChannelAndRetention),
    ),
    call(
        "config:PutRetentionConfiguration",
        &[Deploy],
        Itself(Sid::ChannelAndRetention),
    ),
    call(
        "config:DeleteRetentionConfiguration",
        &[Cleanup],
        Itself(Sid::ChannelAndRetention),
    ),
    call(
        "config:PutConfigRule",
        &[Deploy],
        These(&[
            ("config:PutConfigRule", Sid::Rule),
            ("config:TagResource", Sid::Rule),
        ]),
    ),
    call("config:DeleteConfigRule", &[Cleanup], Itself(Sid::Rule)),
    call(
        "config:StartConfigRulesEvaluation",
        &[Deploy],
        Itself(Sid::Rule),
    ),
    call(
        "config:TagResource",
        &[Deploy, Extend],
        These(&[
            ("config:TagResource", Sid::Rule),
            ("config:TagResource", Sid::Recorder),
        ]),
    ),
    call(
        "ec2:DescribeSecurityGroups",
        &[Deploy, Status, SimulateIncident, Explain],
        Itself(Sid::LookAtNetwork),
    ),
    call(
        "ec2:DescribeRegions",
        &[Cleanup],
        Itself(Sid::LookAtNetwork),
    ),
    call("ec2:DescribeTags", &[Cleanup], Itself(Sid::LookAtNetwork)),
    call(
        "ec2:AuthorizeSecurityGroupIngress",
        &[SimulateIncident],
        Itself(Sid::OpenPorts),
    ),
    call("ec2:DescribeVpcs", &[Doctor], Itself(Sid::LookAtAccount)),
    call(
        "ec2:DescribeInternetGateways",
        &[Doctor],
        Itself(Sid::LookAtAccount),
    ),
    // Only rehearsed, and only where IAM cannot be asked: what it needs is CloudFormation's, not the operator's.
    call("ec2:CreateVpc", &[Doctor], Nothing),
    call("ec2:CreateInternetGateway", &[Doctor], Nothing),
    call(
        "iam:SimulatePrincipalPolicy",
        &[Doctor],
        Itself(Sid::LookAtPermissions),
    ),
    call(
        "iam:SimulateCustomPolicy",
        &[Doctor],
        Itself(Sid::LookAtAccount),
    ),
    call("iam:GetPolicy", &[Doctor], Itself(Sid::LookAtPermissions)),
    call(
        "iam:GetPolicyVersion",
        &[Doctor],
        Itself(Sid::LookAtPermissions),
    ),
    call(
        "iam:GetAccountSummary",
        &[Doctor],
        Itself(Sid::LookAtAccount),
    ),
    call(
        "lambda:GetAccountSettings",
        &[Doctor],
        Itself(Sid::LookAtAccount),
    ),
    call(
        "servicequotas:ListServiceQuotas",
        &[Doctor],
        Itself(Sid::LookAtAccount),
    ),
    call(
        "iam:GetRole",
        Feature::ALL,
        These(&[
            ("iam:GetRole", Sid::LookAtRoles),
            ("iam:GetRole", Sid::ExpiryRole),
        ]),
    ),
    call("iam:ListRoles", &[Cleanup], Itself(Sid::LookAtExpiry)),
    call(
        "iam:CreateRole",
        &[Deploy, Extend],
        These(&[
            ("iam:CreateRole", Sid::ExpiryRole),
            ("iam:TagRole", Sid::ExpiryRole),
        ]),
    ),
    call("iam:TagRole", &[Deploy, Extend], Itself(Sid::ExpiryRole)),
    call(
        "iam:PutRolePolicy",
        &[Deploy, Extend],
        Itself(Sid::ExpiryRole),
    ),
    call(
        "iam:DeleteRolePolicy",
        &[Deploy, Cleanup],
        Itself(Sid::ExpiryRole),
    ),
    call(
        "iam:DeleteRole",
        &[Deploy, Cleanup],
        Itself(Sid::ExpiryRole),
    ),
    call("lambda:GetFunction", Feature::ALL, Itself(Sid::Function)),
    // Lambda fetches the package with the rights of who names it.
    call(
        "lambda:UpdateFunctionCode",
        &[Deploy],
        These(&[
            ("lambda:UpdateFunctionCode", Sid::Function),
            ("s3:GetObject", Sid::CodeObjects),
        ]),
    ),
    call(
        "logs:DescribeLogGroups",
        &[Deploy, Cleanup],
        Itself(Sid::LookAtLogGroups),
    ),
    call(
        "logs:ListTagsForResource",
        &[Deploy, Cleanup],
        Itself(Sid::LogGroup),
    ),
    call(
        "logs:FilterLogEvents",
        &[Logs, SimulateIncident],
        Itself(Sid::LogGroup),
    ),
    call("logs:DeleteLogGroup", &[Cleanup], Itself(Sid::LogGroup)),
    // Asking for a bucket's existence by its tags needs no more than reading them.
    call(
        "s3:GetBucketTagging",
        Feature::ALL,
        Itself(Sid::LookAtBuckets),
    ),
    call(
        "s3:ListBuckets",
        &[Cleanup],
        These(&[("s3:ListAllMyBuckets", Sid::LookAtBuckets)]),
    ),
    call("s3:CreateBucket", &[Deploy], Itself(Sid::CodeBucket)),
    // A delivery bucket that is kept on purpose is marked as that.
    call(
        "s3:PutBucketTagging",
        &[Deploy, Cleanup, Extend],
        These(&[
            ("s3:PutBucketTagging", Sid::CodeBucket),
            ("s3:PutBucketTagging", Sid::EmptyBuckets),
        ]),
    ),
    call(
        "s3:PutPublicAccessBlock",
        &[Deploy],
        These(&[("s3:PutBucketPublicAccessBlock", Sid::CodeBucket)]),
    ),
    // Without `ListBucket`, an object that is not there is answered with 403 instead of 404.
    call(
        "s3:HeadObject",
        &[Deploy],
        These(&[
            ("s3:GetObject", Sid::CodeObjects),
            ("s3:ListBucket", Sid::CodeBucket),
        ]),
    ),
    // The journal.
    call(
        "s3:GetObject",
        Feature::ALL,
        These(&[
            ("s3:GetObject", Sid::CodeObjects),
            ("s3:ListBucket", Sid::CodeBucket),
        ]),
    ),
    call("s3:PutObject", &[Deploy, Cleanup], Itself(Sid::CodeObjects)),
    call(
        "s3:ListObjectVersions",
        &[Deploy, Cleanup],
        These(&[("s3:ListBucketVersions", Sid::EmptyBuckets)]),
    ),
    // Every object is deleted by its version, `null` where the bucket keeps none.
    call(
        "s3:DeleteObjects",
        &[Deploy, Cleanup],
        These(&[("s3:DeleteObjectVersion", Sid::EmptyObjects)]),
    ),
    call(
        "s3:DeleteBucket",
        &[Deploy, Cleanup],
        Itself(Sid::EmptyBuckets),
    ),
    call(
        "scheduler:ListSchedules",
        &[Deploy, Status, Cleanup, Extend],
        Itself(Sid::LookAtExpiry),
    ),
    call(
        "scheduler:CreateSchedule",
        &[Deploy, Extend],
        These(&[
            ("scheduler:CreateSchedule", Sid::Schedules),
            ("iam:PassRole", Sid::PassExpiryRole),
        ]),
    ),
    call(
        "scheduler:UpdateSchedule",
        &[Deploy, Extend],
        These(&[
            ("scheduler:UpdateSchedule", Sid::Schedules),
            ("iam:PassRole", Sid::PassExpiryRole),
        ]),
    ),
    call(
        "scheduler:DeleteSchedule",
        &[Deploy, Cleanup, Extend],
        Itself(Sid::Schedules),
    ),
    call(
        "sns:ListSubscriptionsByTopic",
        &[Deploy, Status],
        Itself(Sid::Topic),
    ),
    call(
        "sns:ListTagsForResource",
        &[Deploy, Cleanup],
        Itself(Sid::Topic),
    ),
    call("ssm:GetParameter", &[Explain], Itself(Sid::OwnPolicy)),
    call("sts:GetCallerIdentity", Feature::ALL, Nothing),
];
