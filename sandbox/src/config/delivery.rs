//! Delivering: may Config write into the bucket, and does the topic take its messages.

use bytes::Bytes;
use serde_json::{Value, json};

use super::PRINCIPAL;
use super::channel::Channel;
use crate::caller::Caller;
use crate::clock::{Timestamp, epoch_seconds};
use crate::error::ApiError;
use crate::iam::{self, Access, Decision};
use crate::ids::Region;
use crate::sandbox::Call;
use crate::{s3, sns};

/// Why something could not be delivered.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) code: String,
    pub(super) message: String,
}

/// How the last message to the topic went.
#[derive(Debug, Clone)]
pub(super) struct Delivered {
    at: Timestamp,
    failure: Option<Failure>,
}

impl Delivered {
    /// In capitals, as AWS sends it.
    pub(super) fn to_json(&self) -> Value {
        let at = epoch_seconds(self.at);
        match &self.failure {
            None => json!({"lastStatus": "SUCCESS", "lastStatusChangeTime": at}),
            Some(failure) => json!({
                "lastStatus": "FAILURE",
                "lastErrorCode": failure.code,
                "lastErrorMessage": failure.message,
                "lastStatusChangeTime": at,
            }),
        }
    }
}

/// Publishes to the channel's topic, where it has one: with the recorder's role, and where the topic
/// does not know that, as the service. What went wrong shows in `DescribeDeliveryChannelStatus`.
pub(super) fn stream(call: &mut Call<'_>, subject: String, body: String) {
    let state = &call.here().config;
    let Some(topic) = state
        .channel
        .as_ref()
        .and_then(|channel| channel.topic.clone())
    else {
        return;
    };
    let role = state
        .recorder
        .as_ref()
        .map(|recorder| recorder.role_arn.clone());
    let message = sns::Message {
        subject: Some(subject),
        body,
        ..sns::Message::default()
    };
    let result = match role {
        None => sns::publish(call, &topic, PRINCIPAL, message),
        Some(role) => sns::publish(call, &topic, &role, message.clone())
            .or_else(|error| sns::publish(call, &topic, PRINCIPAL, message).map_err(|_| error)),
    };
    let now = call.now;
    if let Err(error) = &result {
        tracing::warn!(topic, %error, "a notification could not be delivered");
    }
    if let Some(channel) = &mut call.here().config.channel {
        channel.stream = Some(Delivered {
            at: now,
            failure: result.err().map(|error| Failure {
                code: error.code.into_owned(),
                message: error.message,
            }),
        });
    }
}

/// Whether the topic exists, here: Config streams only within a region.
pub(super) fn check_topic(call: &mut Call<'_>, topic: &str) -> Result<(), ApiError> {
    let invalid = || {
        ApiError::bad(
            "InvalidSNSTopicARNException",
            format!("The specified SNS topic '{topic}' does not exist."),
        )
    };
    let parts: Vec<&str> = topic.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "sns", region, _, _] if *region == call.region.as_str() => {}
        _ => return Err(invalid()),
    }
    // Every topic has a policy.
    sns::policy(call, topic).map(drop).ok_or_else(invalid)
}

/// What AWS does when a channel is put: it looks at the bucket's ACL and writes a file, with the
/// recorder's role.
pub(super) fn check_bucket(
    call: &mut Call<'_>,
    role_arn: &str,
    channel: &Channel,
) -> Result<(), ApiError> {
    let bucket = &channel.bucket;
    let policy = s3::policy(call, bucket).map_err(|error| {
        if error.status >= 500 {
            return error;
        }
        ApiError::bad(
            "NoSuchBucketException",
            format!("Cannot find a S3 bucket with an empty or unknown name '{bucket}'."),
        )
    })?;
    let refuse = |why: String| {
        Err(ApiError::bad(
            "InsufficientDeliveryPolicyException",
            format!("Insufficient delivery policy to s3 bucket: {bucket}, {why}"),
        ))
    };
    if iam::assumable(call.account, role_arn, PRINCIPAL).is_err() {
        return refuse(format!("unable to assume role: {role_arn}."));
    }
    let partition = call.region.partition();
    let bucket_arn = format!("arn:{partition}:s3:::{bucket}");
    let acl = secure(Access::on("s3", "GetBucketAcl", bucket_arn.clone()));
    if !may(call, role_arn, policy.as_ref(), acl) {
        return refuse("unable to get s3 bucket acl.".to_owned());
    }
    let key = check_file(call, channel);
    let put = put_access(&call.region, bucket, &key);
    if !may(call, role_arn, policy.as_ref(), put) {
        let prefix = channel.prefix.as_deref().unwrap_or("null");
        return refuse(format!(
            "unable to write to bucket, provided s3 key prefix is '{prefix}', provided kms key is 'null'."
        ));
    }
    s3::put(call, bucket, &key, Bytes::new())
}

/// Writes a file into the bucket with the recorder's role, if the role and the bucket's policy still let it.
pub(super) fn write(
    call: &mut Call<'_>,
    bucket: &str,
    key: &str,
    body: Bytes,
) -> Result<(), Failure> {
    let place = format!(
        "Failed to deliver to bucket: {bucket} for account {} in region {}",
        call.account.id, call.region
    );
    let failed = |code: &str, why: &str| {
        tracing::warn!(bucket, key, code, "a file could not be delivered");
        Failure {
            code: code.to_owned(),
            message: format!("{place}{why}"),
        }
    };
    let recorder = call.here().config.recorder.as_ref();
    let Some(role_arn) = recorder.map(|recorder| recorder.role_arn.clone()) else {
        return Err(failed(
            "NoAvailableConfigurationRecorderException",
            ": there is no configuration recorder.",
        ));
    };
    let policy = s3::policy(call, bucket).map_err(|error| failed(&error.code, "."))?;
    let assumable = iam::assumable(call.account, &role_arn, PRINCIPAL).is_ok();
    let put = put_access(&call.region, bucket, key);
    if !(assumable && may(call, &role_arn, policy.as_ref(), put)) {
        return Err(failed("AccessDenied", ": Access Denied."));
    }
    s3::put(call, bucket, key, body).map_err(|error| failed(&error.code, "."))
}

fn put_access(region: &Region, bucket: &str, key: &str) -> Access {
    let arn = format!("arn:{}:s3:::{bucket}/{key}", region.partition());
    secure(Access::on("s3", "PutObject", arn)).with("s3:x-amz-acl", "bucket-owner-full-control")
}

/// `[prefix/]AWSLogs/<account>/Config/ConfigWritabilityCheckFile`.
fn check_file(call: &Call<'_>, channel: &Channel) -> String {
    let prefix = channel
        .prefix
        .as_ref()
        .map(|prefix| format!("{prefix}/"))
        .unwrap_or_default();
    format!(
        "{prefix}AWSLogs/{}/Config/ConfigWritabilityCheckFile",
        call.account.id
    )
}

fn secure(access: Access) -> Access {
    access.with("aws:securetransport", "true")
}

/// Whether Config may do something in a bucket of the recorder's account. It acts with the recorder's
/// role; only where that is the service-linked one, which may write into no bucket, as the service.
fn may(call: &Call<'_>, role_arn: &str, policy: Option<&Value>, access: Access) -> bool {
    let service_linked = role_arn.contains(":role/aws-service-role/");
    let decision = match (policy, service_linked) {
        (Some(policy), true) => {
            let access = access.with("aws:SourceAccount", call.account.id.as_str());
            iam::decide_for(call.account, PRINCIPAL, policy, &access)
        }
        (Some(policy), false) => iam::decide_for(call.account, role_arn, policy, &access),
        (None, true) => return false,
        (None, false) => {
            let caller = Caller::Role {
                role: role_arn.rsplit('/').next().unwrap_or_default().to_owned(),
                session: "AWSConfig-BucketConfigCheck".to_owned(),
            };
            iam::decide(call.account, &caller, &access)
        }
    };
    decision == Decision::Allowed
}
