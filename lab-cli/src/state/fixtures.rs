//! Labs to test with.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::collections::BTreeMap;

use super::{Observed, ObservedChannel, ObservedStack, Place, Tagged};
use crate::aws::{
    Channel, FunctionDescription, Identity, Recorder, RecorderDescription, RuleDescription,
    StackDescription, TRIGGERS, Tags,
};
use crate::journal::{Journal, Seen};
use crate::spec::{
    Architecture, Overrides, Package, RETENTION_DAYS, RULE_DESCRIPTION, RULE_NAME, Settings, Spec,
    TAG,
};

pub(crate) const STACK: &str = "lab-environment";

/// What is wanted.
pub(crate) fn spec() -> Spec {
    Spec::new(
        STACK.to_owned(),
        Settings::parse("driftlab.yaml", "email: alice@ust.example").unwrap(),
        Overrides::default(),
        Package::for_tests(b"abc", Architecture::Arm64),
    )
    .unwrap()
}

pub(crate) fn ours() -> Tags {
    [(TAG.to_owned(), STACK.to_owned())].into()
}

/// A recorder of this description, at rest.
pub(crate) fn recorder(it: RecorderDescription) -> Recorder {
    Recorder {
        raw: serde_json::to_value(&it).unwrap(),
        it,
        ..Recorder::default()
    }
}

/// A fresh account.
pub(crate) fn nothing() -> Observed {
    Observed {
        place: Place {
            identity: Identity {
                account: "123456789012".into(),
                arn: "arn:aws:iam::123456789012:root".into(),
            },
            region: "us-east-1".into(),
            stack: STACK.into(),
        },
        stack: None,
        recorders: Vec::new(),
        channels: Vec::new(),
        retention: None,
        rule: None,
        code_bucket: None,
        journal: Seen::Absent,
        package_present: false,
        function: None,
        named: Vec::new(),
    }
}

pub(crate) fn outputs() -> BTreeMap<String, String> {
    [
        ("VpcId", "vpc-1"),
        ("LabSecurityGroupId", "sg-1"),
        ("FunctionName", "heal"),
        ("FunctionArn", "arn:function"),
        ("FunctionRoleArn", "arn:function-role"),
        ("ConfigRoleArn", "arn:config-role"),
        ("TopicArn", "arn:topic"),
        ("DeliveryBucketName", "delivery"),
        ("LogGroupName", "log"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// The lab as it is right after it was deployed.
pub(crate) fn converged() -> Observed {
    let spec = spec();
    let mut observed = nothing();
    let request = spec.stack_request(&observed.place.code_bucket());
    observed.stack = Some(ObservedStack {
        template: request.template,
        change_sets: Vec::new(),
        description: StackDescription {
            name: STACK.into(),
            status: "CREATE_COMPLETE".into(),
            parameters: request.parameters,
            outputs: outputs(),
            tags: request.tags,
            ..StackDescription::default()
        },
    });
    observed.recorders = vec![Tagged {
        it: Recorder {
            recording: true,
            ..recorder(RecorderDescription {
                arn: Some("arn:recorder".into()),
                ..RecorderDescription::of_lab("default", "arn:config-role")
            })
        },
        tags: ours(),
    }];
    observed.channels = vec![ObservedChannel {
        channel: Channel {
            name: "default".into(),
            bucket: "delivery".into(),
            topic_arn: Some("arn:topic".into()),
            ..Channel::default()
        },
        bucket_tags: Some(ours()),
    }];
    observed.retention = Some(RETENTION_DAYS);
    observed.rule = Some(Tagged {
        it: RuleDescription {
            name: RULE_NAME.into(),
            arn: Some("arn:rule".into()),
            description: Some(RULE_DESCRIPTION.into()),
            state: "ACTIVE".into(),
            source: Some("arn:function".into()),
            triggers: TRIGGERS.map(str::to_owned).into(),
            scope: vec!["AWS::EC2::SecurityGroup".into()],
            parameters: Some(spec.rule_parameters("vpc-1")),
        },
        tags: ours(),
    });
    observed.code_bucket = Some(ours());
    observed.journal = Seen::Read(
        Box::new(Journal {
            retention: Some(RETENTION_DAYS),
            ..Journal::new(STACK)
        }),
        "\"etag\"".into(),
    );
    observed.package_present = true;
    observed.function = Some(FunctionDescription {
        runtime: Some("provided.al2023".into()),
        code_sha256: Some(spec.package.sha256_base64()),
        ..FunctionDescription::default()
    });
    observed
}
