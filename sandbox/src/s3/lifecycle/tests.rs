//! Days pass, on a clock that stands still until it is moved.

#![expect(clippy::unwrap_used, reason = "tests stop at the first surprise")]

use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::protocol::Operation;
use crate::service::Service;
use crate::testing;

/// When it began.
#[derive(Clone)]
struct Began(Timestamp);

impl Default for Began {
    fn default() -> Self {
        Self(Timestamp::UNIX_EPOCH)
    }
}

type World = testing::World<Began>;

impl World {
    /// A bucket, at half past ten.
    async fn new() -> Self {
        let mut world = Self::start(Service::S3).frozen();
        let clock = &world.sandbox.clock;
        let now = clock.now();
        let morning = now.replace_time(time::macros::time!(10:30)) + time::Duration::DAY;
        clock.advance((morning - now).try_into().unwrap());
        world.own.0 = clock.now();
        world.bucket("CreateBucket", json!({})).await;
        world
    }

    /// Does something to the bucket.
    async fn bucket(&self, name: &str, mut input: Value) {
        input["Bucket"] = json!("the-bucket");
        let operation = Operation::new(name, input);
        self.perform(&operation).await.unwrap();
    }

    async fn put(&self, key: &str) {
        self.bucket("PutObject", json!({ "Key": key })).await;
    }

    async fn rules(&self, rules: Value) {
        let input = json!({"LifecycleConfiguration": {"Rules": rules}});
        self.bucket("PutBucketLifecycleConfiguration", input).await;
    }

    /// Moves the clock to so many hours after the beginning.
    async fn until(&self, hours: i64) {
        let left = self.own.0 + time::Duration::hours(hours) - self.sandbox.clock.now();
        // A day at a time, as days pass.
        let mut left: Duration = left.try_into().unwrap();
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(3600));
            self.pass(step).await;
            left -= step;
        }
    }

    /// `key` with how many versions it has; `-` stands for a delete marker.
    fn there(&self) -> Vec<String> {
        self.enter(|call| {
            let objects = call.account.s3.buckets["the-bucket"].objects.iter();
            let shown = |(key, versions): (&String, &Vec<super::Version>)| {
                let marks = versions
                    .iter()
                    .map(|it| if it.object.is_some() { '+' } else { '-' });
                format!("{key}{}", marks.collect::<String>())
            };
            objects.map(shown).collect()
        })
    }
}

fn everything(days: i64) -> Value {
    json!([{"ID": "all", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": days},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}])
}

#[tokio::test]
async fn an_object_goes_at_the_midnight_after_its_days() {
    let world = World::new().await;
    world.put("old").await;
    world.rules(everything(1)).await;
    // Half past ten and a day: the midnight after it is 37 and a half hours away.
    world.until(20).await;
    world.put("new").await;
    world.until(37).await;
    assert_eq!(world.there(), ["new+", "old+"]);
    world.until(38).await;
    assert_eq!(world.there(), ["new+"]);
    world.until(62).await;
    assert_eq!(world.there(), [""; 0]);
    // The rules stay, and with them the looking; it is no work under way.
    assert!(world.sandbox.engine.is_idle());
}

#[tokio::test]
async fn only_what_a_rule_covers_goes() {
    let world = World::new().await;
    for key in ["log/a", "keep/a"] {
        world.put(key).await;
    }
    let rule = |id: &str, status: &str, prefix: &str| json!({"ID": id, "Status": status, "Filter": {"Prefix": prefix}, "Expiration": {"Days": 1}});
    let tagged = json!({"ID": "t", "Status": "Enabled", "Filter": {"Tag": {"Key": "a", "Value": "b"}},
        "Expiration": {"Days": 1}});
    world
        .rules(json!([
            rule("l", "Enabled", "log/"),
            rule("k", "Disabled", ""),
            tagged
        ]))
        .await;
    world.until(100).await;
    assert_eq!(world.there(), ["keep/a+"]);
    // A configuration that is gone has no effect any more, and one that comes again has.
    world.bucket("DeleteBucketLifecycle", json!({})).await;
    world.until(150).await;
    assert_eq!(world.there(), ["keep/a+"]);
    world.rules(everything(1)).await;
    world.until(200).await;
    assert_eq!(world.there(), [""; 0]);
}

#[tokio::test]
async fn versions_go_one_stage_after_the_other() {
    let world = World::new().await;
    let on = json!({"VersioningConfiguration": {"Status": "Enabled"}});
    world.bucket("PutBucketVersioning", on).await;
    world.put("k").await;
    world.put("k").await;
    world.rules(everything(1)).await;
    world.until(37).await;
    assert_eq!(world.there(), ["k++"]);
    // The older one was superseded at the start, and goes; the newer one is hidden by a marker.
    world.until(38).await;
    assert_eq!(world.there(), ["k+-"]);
    world.until(85).await;
    assert_eq!(world.there(), ["k+-"]);
    // What it hid goes a day after that, and the marker with it.
    world.until(86).await;
    assert_eq!(world.there(), [""; 0]);
}

#[test]
fn age_beyond_the_calendar_is_never_reached() {
    let since = time::macros::datetime!(9999-12-29 12:00 UTC);
    let last = time::macros::datetime!(9999-12-31 23:59:59 UTC);
    let reached = |days| super::over(since, days, last);
    assert!(reached(1));
    for days in [2, 3, i64::MAX / 86_400, i64::MAX] {
        assert!(!reached(days), "{days}");
    }
}
