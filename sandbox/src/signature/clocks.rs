//! When a signature is good.

use super::claim::to_basic;
use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::service::Service;

/// The two times that a client may go by.
///
/// Most sign by the machine's clock; some follow the `Date` of the answers, which is the sandbox's and can be stepped.
/// What is good by either is good.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clocks {
    pub(crate) machine: Timestamp,
    pub(crate) sandbox: Timestamp,
}

impl Clocks {
    /// Whether a request that was signed at `moment` comes in time.
    pub(super) fn check(self, service: Service, moment: Timestamp) -> Result<(), Refusal> {
        let window = window(service);
        let is_good = |now: Timestamp| (now - moment).abs() <= window;
        if is_good(self.machine) || is_good(self.sandbox) {
            return Ok(());
        }
        let now = self.nearest(moment);
        Err(Refusal::Skewed {
            signed: moment,
            now,
            window,
        })
    }

    /// Whether a request that was presigned at `moment` for `expires` seconds is good now.
    pub(super) fn check_presigned(
        self,
        service: Service,
        moment: Timestamp,
        expires: i64,
    ) -> Result<(), Refusal> {
        let (window, good_for) = (window(service), time::Duration::seconds(expires));
        let is_early = |now: Timestamp| moment - now > window;
        let is_late = |now: Timestamp| now - moment > good_for;
        let is_good = |now: Timestamp| !is_early(now) && !is_late(now);
        if is_good(self.machine) || is_good(self.sandbox) {
            return Ok(());
        }
        if is_early(self.nearest(moment)) {
            return Err(Refusal::PresignedEarly);
        }
        Err(Refusal::PresignedLate)
    }

    /// Whether what ends at `end` has not ended yet.
    pub(super) fn check_end(self, end: Timestamp) -> Result<(), Refusal> {
        if self.machine <= end || self.sandbox <= end {
            Ok(())
        } else {
            Err(Refusal::PresignedLate)
        }
    }

    fn nearest(self, moment: Timestamp) -> Timestamp {
        let distance = |now: Timestamp| (now - moment).abs();
        if distance(self.sandbox) < distance(self.machine) {
            self.sandbox
        } else {
            self.machine
        }
    }
}

/// How far the client's clock may be off.
///
/// EC2's error codes (`RequestExpired`) and S3's (`RequestTimeTooSkewed`) say 15 minutes; STS, SNS and IAM name it in
/// their message (aws/aws-cli#6676, aws/aws-sdk-go#884), as CloudFormation does with 5
/// (hashicorp/terraform-provider-aws#326), Lambda (pulumi/pulumi-aws#55) and the JSON services (aws/aws-sdk-net#1506).
fn window(service: Service) -> time::Duration {
    match service {
        Service::Ec2 | Service::Iam | Service::S3 | Service::Sns | Service::Sts => {
            time::Duration::minutes(15)
        }
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Events
        | Service::Lambda
        | Service::Logs
        | Service::Quotas
        | Service::Scheduler
        | Service::SecretsManager
        | Service::Ssm => time::Duration::minutes(5),
    }
}

/// `Signature expired: … is now earlier than … (… - 5 min.)`, or the same for a signature from the future.
pub(super) fn describe(signed: Timestamp, now: Timestamp, window: time::Duration) -> String {
    let minutes = window.whole_minutes();
    let (signed_text, now_text) = (to_basic(signed), to_basic(now));
    if signed < now {
        let edge = to_basic(now - window);
        format!(
            "Signature expired: {signed_text} is now earlier than {edge} ({now_text} - {minutes} min.)"
        )
    } else {
        let edge = to_basic(now + window);
        format!(
            "Signature not yet current: {signed_text} is still later than {edge} ({now_text} + {minutes} min.)"
        )
    }
}
