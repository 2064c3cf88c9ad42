//! Which schedules remove a lab, and when each runs: pure.
//!
//! A schedule makes one call and learns nothing from the answer, so each step is one that AWS refuses harmlessly when it is
//! too early or too late, and those that may be too early are repeated. What only AWS can do takes its time: a bucket that
//! is not empty cannot be deleted by one call, so its contents expire after a day, and stack and code bucket are asked to go
//! again twice a day until they can.

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::moment::{Spoken, stamp_of};
use super::{prefix, role::POLICY_NAME, role_arn, role_name};
use crate::aws::ScheduleRequest;
use crate::spec::RULE_NAME;
use crate::state::{Observed, Outputs, Place};

/// How long after the expiry the last schedule has run. Contents that expire after one day are gone two midnights later;
/// S3 gives no promise, so there are two more days.
pub const REST: Duration = Duration::hours(4 * 24);

/// The longest name of a step.
#[cfg(test)]
pub(super) const LONGEST_STEP: usize = 16;

/// Everything that is needed to know what has to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// When.
    pub expires: OffsetDateTime,
    /// The stack's id, or its name while it has none.
    pub stack: String,
    /// The recorder, if it is the lab's.
    pub recorder: Option<String>,
    /// Whether the code bucket goes. A borrowed recorder has to be given back from the journal in it, so it stays for that.
    pub code_bucket: bool,
    /// The delivery channel, if it is the lab's.
    pub channel: Option<String>,
    /// Whether the rule is the lab's.
    pub rule: bool,
    /// Whether the retention is the lab's.
    pub retention: bool,
    /// The delivery bucket, once it has a name.
    pub delivery_bucket: Option<String>,
}

impl Facts {
    /// From what was seen. What is not there yet will be the lab's: a deployment is about to make it.
    pub fn of(observed: &Observed, outputs: Option<&Outputs>, expires: OffsetDateTime) -> Self {
        let recorder = match observed.recorders.first() {
            None => Some(crate::spec::RECORDER_NAME),
            Some(found) => observed.owns_recorder(found).then_some(found.it.name()),
        };
        let channel = match observed.channels.first() {
            None => Some(crate::spec::CHANNEL_NAME),
            Some(found) => observed.owns_channel(found).then_some(&*found.channel.name),
        };
        let stack = observed
            .stack
            .as_ref()
            .filter(|stack| stack.description.outputs.contains_key("DeliveryBucketName"))
            .map_or(&observed.place.stack, |stack| &stack.description.id);
        Self {
            expires,
            stack: stack.clone(),
            code_bucket: recorder.is_some(),
            recorder: recorder.map(str::to_owned),
            channel: channel.map(str::to_owned),
            rule: observed
                .rule
                .as_ref()
                .is_none_or(|rule| observed.owns_rule(rule)),
            retention: observed.retention.is_none()
                || observed.retention == observed.own_retention(),
            delivery_bucket: outputs.map(|outputs| outputs.delivery_bucket.clone()),
        }
    }

    /// The same for a lab to which nothing is added. Schedules go by names, and what is not there now may be made under
    /// such a name by somebody else: it is left alone.
    pub fn of_existing(
        observed: &Observed,
        outputs: Option<&Outputs>,
        expires: OffsetDateTime,
    ) -> Self {
        let Self {
            expires,
            stack,
            recorder,
            code_bucket,
            channel,
            rule,
            retention,
            delivery_bucket,
        } = Self::of(observed, outputs, expires);
        let on_loan = observed.journal.borrowed();
        let on_loan = on_loan.is_some_and(|borrowed| borrowed.recorder.is_some());
        Self {
            expires,
            stack,
            recorder: recorder.filter(|_| !observed.recorders.is_empty()),
            // Its owner may make a borrowed recorder that is gone once more.
            code_bucket: code_bucket && !(on_loan && observed.recorders.is_empty()),
            channel: channel.filter(|_| !observed.channels.is_empty()),
            rule: rule && observed.rule.is_some(),
            retention: retention && observed.retention.is_some(),
            delivery_bucket,
        }
    }
}

/// When a step runs, counted from the expiry.
#[derive(Debug, Clone, Copy)]
enum When {
    /// Once.
    At(Duration),
    /// This often, from then to then.
    Every(Duration, Duration, Duration),
}

/// One step.
struct Step {
    name: &'static str,
    why: &'static str,
    when: When,
    service: &'static str,
    action: &'static str,
    input: Value,
}

const MINUTE: Duration = Duration::MINUTE;

/// Short steps are repeated for half an hour.
fn soon(after: i64) -> When {
    let minutes = |count: i64| Duration::minutes(count);
    When::Every(minutes(5), minutes(after), minutes(after + 30))
}

/// Twice a day, until S3 must have emptied the buckets.
fn for_days(after: Duration) -> When {
    When::Every(Duration::hours(12), after, REST)
}

/// What goes at the expiry: what acts, bills or can be reached.
fn at_once(facts: &Facts) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut step = |name, why, when, service, action, input| {
        steps.push(Step {
            name,
            why,
            when,
            service,
            action,
            input,
        });
    };
    if let Some(recorder) = &facts.recorder {
        let named = json!({ "ConfigurationRecorderName": recorder });
        let (stop, delete) = ("stopConfigurationRecorder", "deleteConfigurationRecorder");
        step(
            "stop-recorder",
            "stops recording",
            When::At(Duration::ZERO),
            "config",
            stop,
            named.clone(),
        );
        step(
            "delete-recorder",
            "deletes the recorder",
            soon(2),
            "config",
            delete,
            named,
        );
    }
    if facts.rule {
        let named = json!({ "ConfigRuleName": RULE_NAME });
        // Refused while an evaluation is under way.
        step(
            "delete-rule",
            "deletes the rule",
            soon(0),
            "config",
            "deleteConfigRule",
            named,
        );
    }
    if let Some(channel) = &facts.channel {
        let named = json!({ "DeliveryChannelName": channel });
        // Refused until every part of AWS Config knows that the recorder has stopped.
        step(
            "delete-channel",
            "deletes the delivery channel",
            soon(1),
            "config",
            "deleteDeliveryChannel",
            named,
        );
    }
    if facts.retention {
        let named = json!({ "RetentionConfigurationName": "default" });
        let action = "deleteRetentionConfiguration";
        step(
            "delete-retent",
            "removes the retention",
            When::At(MINUTE),
            "config",
            action,
            named,
        );
    }
    let stack = json!({ "StackName": facts.stack });
    step(
        "delete-stack",
        "deletes the stack; its bucket goes when it is empty",
        for_days(MINUTE * 5),
        "cloudformation",
        "deleteStack",
        stack,
    );
    steps
}

/// What S3 has to do, and what comes after it.
fn in_the_end(facts: &Facts, place: &Place) -> Vec<Step> {
    let expiring = |bucket: &str| {
        json!({"Bucket": bucket, "LifecycleConfiguration": {"Rules": [{
            "Status": "Enabled",
            "Filter": {"Prefix": ""},
            "Expiration": {"Days": 1},
            "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        }]}})
    };
    let expire = "putBucketLifecycleConfiguration";
    let step = |name, why, when, service, action, input| Step {
        name,
        why,
        when,
        service,
        action,
        input,
    };
    let code = place.code_bucket();
    let (now, later) = (When::At(Duration::ZERO), for_days(Duration::hours(24)));
    let mut steps = Vec::new();
    if facts.code_bucket {
        let why = "lets the code bucket's contents expire";
        steps.push(step("expire-code", why, now, "s3", expire, expiring(&code)));
    }
    if let Some(bucket) = &facts.delivery_bucket {
        let why = "lets the delivery bucket's contents expire";
        steps.push(step(
            "expire-delivery",
            why,
            now,
            "s3",
            expire,
            expiring(bucket),
        ));
    }
    if facts.code_bucket {
        let (why, named) = ("deletes the code bucket", json!({ "Bucket": code }));
        steps.push(step("delete-code", why, later, "s3", "deleteBucket", named));
    }
    let policy = json!({"RoleName": role_name(place), "PolicyName": POLICY_NAME});
    steps.push(step(
        "disempower",
        "takes the role of these schedules its rights",
        When::At(REST + Duration::HOUR),
        "iam",
        "deleteRolePolicy",
        policy,
    ));
    steps
}

/// Every name that a schedule of the lab can have.
pub(super) fn names(stack: &str) -> Vec<String> {
    [
        "stop-recorder",
        "delete-recorder",
        "delete-rule",
        "delete-channel",
        "delete-retent",
        "delete-stack",
        "expire-code",
        "expire-delivery",
        "delete-code",
        "disempower",
    ]
    .iter()
    .map(|step| prefix(stack) + step)
    .collect()
}

/// The schedules that remove the lab.
pub fn schedules(facts: &Facts, place: &Place) -> Vec<ScheduleRequest> {
    let mut steps = at_once(facts);
    steps.extend(in_the_end(facts, place));
    steps
        .into_iter()
        .map(|step| {
            let (expression, span, retries) = match step.when {
                // A call that runs once has to survive a bad minute; one that comes again need not.
                When::At(after) => (at(facts.expires + after), None, 12),
                When::Every(every, from, to) => {
                    let span = (facts.expires + from, facts.expires + to);
                    (rate(every), Some(span), 1)
                }
            };
            ScheduleRequest {
                name: prefix(&place.stack) + step.name,
                description: format!("lab {}: {}", place.stack, step.why),
                expression,
                span,
                target: format!(
                    "arn:{}:scheduler:::aws-sdk:{}:{}",
                    place.partition(),
                    step.service,
                    step.action
                ),
                role_arn: role_arn(place),
                input: step.input.to_string(),
                retries,
            }
        })
        .collect()
}

fn at(moment: OffsetDateTime) -> String {
    format!("at({})", stamp_of(moment).trim_end_matches('Z'))
}

fn rate(every: Duration) -> String {
    match (every.whole_minutes(), every.whole_hours()) {
        (1, _) => "rate(1 minute)".to_owned(),
        (minutes, hours) if minutes % 60 != 0 || hours == 0 => format!("rate({minutes} minutes)"),
        (_, 1) => "rate(1 hour)".to_owned(),
        (_, hours) => format!("rate({hours} hours)"),
    }
}

/// What will happen, for people.
pub fn lines(expires: OffsetDateTime, now: OffsetDateTime) -> Vec<String> {
    let left = expires - now;
    let (recorded, emptied) = (stamp_of(expires), stamp_of(expires + REST));
    let first = if left.is_positive() {
        format!("the lab removes itself at {recorded}, in {}", Spoken(left))
    } else {
        format!(
            "the lab has been removing itself since {recorded}, for {}",
            Spoken(left)
        )
    };
    vec![
        first,
        "then AWS stops and deletes recorder, channel, rule and retention, and within half an hour the stack, but for a delivery bucket that is not empty".to_owned(),
        format!("S3 empties the buckets at its second midnight (UTC) after that and is not paid for what has expired; by {emptied} they are deleted. Until then they cost less than a cent"),
        "what stays is an IAM role without any rights, because no role can delete itself; it costs nothing, and `cleanup` removes it".to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixtures::{converged, nothing};
    use time::macros::datetime;

    const AT: OffsetDateTime = datetime!(2026-11-25 18:30 UTC);

    fn shown(observed: &Observed) -> Vec<String> {
        let outputs = observed.outputs().ok().flatten();
        let facts = Facts::of(observed, outputs.as_ref(), AT);
        schedules(&facts, &observed.place)
            .into_iter()
            .map(|it| {
                let action = it.target.rsplit(':').next().unwrap_or_default().to_owned();
                let name = it.name.trim_start_matches("driftlab-lab-environment-");
                format!("{name} {} {action}", it.expression)
            })
            .collect()
    }

    #[test]
    fn everything_that_is_the_labs_has_its_step() {
        let expected = [
            "stop-recorder at(2026-11-25T18:30:00) stopConfigurationRecorder",
            "delete-recorder rate(5 minutes) deleteConfigurationRecorder",
            "delete-rule rate(5 minutes) deleteConfigRule",
            "delete-channel rate(5 minutes) deleteDeliveryChannel",
            "delete-retent at(2026-11-25T18:31:00) deleteRetentionConfiguration",
            "delete-stack rate(12 hours) deleteStack",
            "expire-code at(2026-11-25T18:30:00) putBucketLifecycleConfiguration",
            "expire-delivery at(2026-11-25T18:30:00) putBucketLifecycleConfiguration",
            "delete-code rate(12 hours) deleteBucket",
            "disempower at(2026-11-29T19:30:00) deleteRolePolicy",
        ];
        assert_eq!(shown(&converged()), expected);
        // Before anything is made, all but the bucket's own name is known.
        let before: Vec<_> = expected
            .iter()
            .filter(|it| !it.contains("expire-delivery"))
            .collect();
        assert_eq!(shown(&nothing()).iter().collect::<Vec<_>>(), before);
    }

    #[test]
    fn what_is_not_the_labs_is_left_alone() {
        let mut observed = converged();
        observed.recorders[0].tags.clear();
        observed.recorders[0].it.it.role_arn = "arn:their-role".into();
        observed.channels[0].channel.bucket = "their-bucket".into();
        observed.channels[0].bucket_tags = Some(crate::aws::Tags::new());
        observed.retention = Some(365);
        if let Some(rule) = &mut observed.rule {
            rule.tags.clear();
            rule.it.source = None;
        }
        for step in shown(&observed) {
            let name = step.split(' ').next().unwrap_or_default();
            for theirs in ["recorder", "channel", "rule", "retent", "code"] {
                assert!(!name.contains(theirs), "{step}");
            }
        }
    }

    /// Whoever makes a recorder, a rule or a retention of that name later has made it for another purpose.
    #[test]
    fn what_is_gone_is_left_alone_where_nothing_is_made() {
        let mut observed = converged();
        let steps = |observed: &Observed| {
            let outputs = observed.outputs().ok().flatten();
            let facts = Facts::of_existing(observed, outputs.as_ref(), AT);
            let schedules = schedules(&facts, &observed.place);
            let names = schedules.into_iter().map(|schedule| schedule.name);
            names.collect::<Vec<_>>().join(" ")
        };
        let whole = steps(&observed);
        for theirs in ["recorder", "channel", "rule", "retent", "code"] {
            assert!(whole.contains(theirs), "{theirs}: {whole}");
        }
        observed.recorders.clear();
        observed.channels.clear();
        observed.rule = None;
        observed.retention = None;
        let left = steps(&observed);
        for theirs in ["recorder", "channel", "rule", "retent"] {
            assert!(!left.contains(theirs), "{theirs}: {left}");
        }
        assert!(left.contains("delete-code"), "{left}");
        // The journal tells what a borrowed recorder was.
        observed.journal = on_loan();
        let left = steps(&observed);
        assert!(!left.contains("code"), "{left}");
    }

    fn on_loan() -> crate::journal::Seen {
        use crate::journal::{Borrowed, BorrowedRecorder, Journal, Seen};
        let mut journal = Journal::new("lab-environment");
        journal.borrowed = Some(Borrowed {
            since: AT,
            by: "arn:aws:iam::123456789012:user/ann".to_owned(),
            recorder: Some(BorrowedRecorder {
                before: json!({"name": "default"}),
                recording: true,
                group: None,
                mode: None,
            }),
            channel: None,
            retention: None,
        });
        Seen::Read(Box::new(journal), "etag".to_owned())
    }

    #[test]
    fn every_step_has_a_name_that_is_known_and_fits() {
        let observed = converged();
        let outputs = observed.outputs().ok().flatten();
        let facts = Facts::of(&observed, outputs.as_ref(), AT);
        let known = names(&observed.place.stack);
        for schedule in schedules(&facts, &observed.place) {
            assert!(known.contains(&schedule.name), "{}", schedule.name);
            let step = schedule.name.len() - prefix(&observed.place.stack).len();
            assert!(step <= LONGEST_STEP, "{}", schedule.name);
        }
    }
}
