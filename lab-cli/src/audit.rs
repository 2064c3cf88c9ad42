//! Looking for leftovers: by name and by tag, in every service that the lab uses.

mod cost;

use serde::Serialize;
use tokio::task::JoinSet;

use crate::aws::{CallError, CallResult, Doing, Reader, Tags};
use crate::error::Result;
use crate::spec::TAG;
use crate::state::{Interest, Names, Observed, Place, observe};
use crate::sunset;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// What is still there: `role AwsConfigRole`.
    pub leftovers: Vec<String>,
    /// What each of them costs, in the same order.
    pub costs: Vec<String>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
}

impl Audit {
    fn found(&mut self, kind: &str, name: &str) {
        let leftover = format!("{kind} `{name}`");
        if !self.leftovers.contains(&leftover) {
            self.leftovers.push(leftover);
            self.costs.push(cost::cost(kind).to_owned());
        }
    }

    /// Takes something off the list that was left on purpose, or that a lab uses which lives.
    pub(crate) fn forgive(&mut self, kind: &str, name: &str) {
        let kept = format!("{kind} `{name}`");
        if let Some(at) = self.leftovers.iter().position(|left| *left == kept) {
            self.leftovers.remove(at);
            self.costs.remove(at);
        }
    }
}

/// Looks for what is left of a lab. `before` is what was there before it was removed: something that was ours then is ours
/// still, even if the tag or role that proved it is gone. `kept` are buckets that were kept on purpose.
///
/// # Errors
/// The first look that failed. A single bucket or rule that may not be looked at is told as unchecked instead.
pub async fn audit(aws: &Reader, before: &Observed, names: &Names, kept: &[&str]) -> Result<Audit> {
    let place = &before.place;
    let interest = Interest {
        names: Some(names),
        package_key: None,
    };
    let (now, armed, stacks, buckets, networks, rules) = tokio::try_join!(
        observe(aws, place, interest),
        sunset::armed(aws, place),
        async {
            aws.stacks_tagged(TAG, &place.stack)
                .await
                .doing("look for stacks")
        },
        async {
            aws.buckets_tagged(place.account(), TAG, &place.stack)
                .await
                .doing("look for buckets")
        },
        async {
            aws.tagged_in_ec2(TAG, &place.stack)
                .await
                .doing("look for networks and security groups")
        },
        async { rules(aws).await.doing("look for rules") },
    )?;
    let mut audit = Audit::default();
    by_name(&mut audit, before, &now);
    for schedule in &armed.schedules {
        audit.found("schedule", schedule);
    }
    if armed.role.is_some() {
        audit.found("role", &sunset::role_name(place));
    }
    for stack in stacks {
        audit.found("stack", &stack.name);
    }
    for (bucket, looked) in buckets {
        match looked {
            Ok(()) => audit.found("bucket", &bucket),
            Err(error) => audit.unchecked.push(format!("bucket `{bucket}`: {error}")),
        }
    }
    for (kind, id) in networks {
        audit.found(&kind.replace('-', " "), &id);
    }
    for (rule, tags) in rules {
        match tags {
            Ok(tags) if place.owns(&tags) => audit.found("rule", &rule),
            Ok(_) => {}
            Err(error) => audit.unchecked.push(format!("rule `{rule}`: {error}")),
        }
    }
    for bucket in kept {
        audit.forgive("bucket", bucket);
    }
    Ok(audit)
}

fn by_name(audit: &mut Audit, before: &Observed, now: &Observed) {
    let place: &Place = &now.place;
    if let Some(stack) = now
        .stack
        .as_ref()
        .filter(|_| now.owns_stack() || before.owns_stack())
    {
        audit.found("stack", &stack.description.name);
    }
    for recorder in &now.recorders {
        let was_ours = before
            .recorders
            .iter()
            .any(|r| r.it.name() == recorder.it.name() && before.owns_recorder(r));
        if was_ours || now.owns_recorder(recorder) {
            audit.found("configuration recorder", recorder.it.name());
        }
    }
    for channel in &now.channels {
        let was_ours = before
            .channels
            .iter()
            .any(|c| c.channel.name == channel.channel.name && before.owns_channel(c));
        if was_ours || now.owns_channel(channel) {
            audit.found("delivery channel", &channel.channel.name);
        }
    }
    if let Some(rule) = &now.rule {
        let was_ours = before.rule.as_ref().is_some_and(|r| before.owns_rule(r));
        if was_ours || now.owns_rule(rule) {
            audit.found("rule", &rule.it.name);
        }
    }
    if now.retention.is_some() && now.retention == before.own_retention() {
        audit.found("retention of configuration history", "default");
    }
    if now.code_bucket.is_some() {
        audit.found("bucket", &place.code_bucket());
    }
    for named in &now.named {
        let was_ours = before
            .named
            .iter()
            .any(|n| n.kind == named.kind && n.name == named.name && place.owns(&n.tags));
        if was_ours || place.owns(&named.tags) {
            audit.found(named.kind, &named.name);
        }
    }
}

/// The tags of every rule that asks a function. Managed rules cannot be the lab's.
async fn rules(aws: &Reader) -> CallResult<Vec<(String, Result<Tags, CallError>)>> {
    let custom: Vec<_> = aws
        .rules()
        .await?
        .into_iter()
        .filter(|rule| {
            rule.source
                .as_deref()
                .is_some_and(|source| source.contains(":lambda:"))
        })
        .filter_map(|rule| Some((rule.name, rule.arn?)))
        .collect();
    let mut found = Vec::new();
    for some in custom.chunks(16) {
        let mut looks = JoinSet::new();
        for (name, arn) in some {
            let (aws, name, arn) = (aws.clone(), name.clone(), arn.clone());
            looks.spawn(async move {
                let tags = aws.config_tags(&arn).await;
                (name, tags)
            });
        }
        found.extend(looks.join_all().await);
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixtures::{converged, nothing};

    fn check(change: impl FnOnce(&mut Observed), expect: &[&str]) {
        let mut now = nothing();
        change(&mut now);
        let mut audit = Audit::default();
        by_name(&mut audit, &converged(), &now);
        assert_eq!(audit.leftovers, expect);
        // Each has its price.
        assert_eq!(audit.costs.len(), expect.len());
    }

    #[test]
    fn what_was_ours_is_a_leftover_even_without_its_tag() {
        check(|_| {}, &[]);
        check(
            |now| now.stack = converged().stack,
            &["stack `lab-environment`"],
        );
        check(
            |now| {
                now.recorders = converged().recorders;
                now.recorders[0].tags.clear();
                now.channels = converged().channels;
                now.channels[0].bucket_tags = Some(Tags::new());
            },
            &[
                "configuration recorder `default`",
                "delivery channel `default`",
            ],
        );
        check(
            |now| {
                now.rule = converged().rule;
                now.retention = Some(2557);
                now.code_bucket = Some(Tags::new());
            },
            &[
                "rule `EC2SecurityGroup`",
                "retention of configuration history `default`",
                "bucket `driftlab-code-123456789012-us-east-1-lab-environment`",
            ],
        );
    }

    #[test]
    fn what_was_kept_on_purpose_is_no_leftover() {
        let mut audit = Audit::default();
        audit.found("bucket", "history");
        audit.found("role", "AwsConfigRole");
        audit.forgive("bucket", "history");
        audit.forgive("bucket", "another");
        assert_eq!(audit.leftovers, ["role `AwsConfigRole`"]);
        assert_eq!(audit.costs, [cost::cost("role")]);
    }

    #[test]
    fn what_was_never_ours_is_none() {
        let mut before = converged();
        before.recorders[0].tags.clear();
        before.recorders[0].it.it.role_arn = "arn:their-role".into();
        before.retention = Some(365);
        let mut now = nothing();
        now.recorders.clone_from(&before.recorders);
        now.retention = before.retention;
        let mut audit = Audit::default();
        by_name(&mut audit, &before, &now);
        assert_eq!(audit, Audit::default());
    }
}
