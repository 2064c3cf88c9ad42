#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::epoch_millis;
use crate::service::Service;
use crate::testing;

#[derive(Clone, Default)]
struct Stream;

/// A sandbox whose clock stands still.
type Lab = testing::World<Stream>;

impl Lab {
    fn new() -> Self {
        Self::start(Service::Logs).frozen()
    }

    async fn with_stream() -> Self {
        let lab = Self::new();
        lab.ok("CreateLogGroup", json!({"logGroupName": "g"})).await;
        lab.ok(
            "CreateLogStream",
            json!({"logGroupName": "g", "logStreamName": "s"}),
        )
        .await;
        lab
    }

    fn now(&self) -> i64 {
        epoch_millis(self.sandbox.clock.now())
    }

    async fn put(&self, events: &[(i64, &str)]) -> Value {
        let events: Vec<Value> = events
            .iter()
            .map(|(at, message)| json!({"timestamp": at, "message": message}))
            .collect();
        let input = json!({"logGroupName": "g", "logStreamName": "s", "logEvents": events});
        self.ok("PutLogEvents", input).await
    }
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["message"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn groups_are_made_once_and_shown_page_by_page() {
    let lab = Lab::new();
    for name in ["/aws/a", "/aws/b", "other"] {
        let input = json!({"logGroupName": name, "tags": {"driftlab:lab": "x"}});
        lab.ok("CreateLogGroup", input).await;
    }
    let again = json!({"logGroupName": "other"});
    assert_eq!(
        lab.refused("CreateLogGroup", again).await,
        "ResourceAlreadyExistsException"
    );
    let bad = json!({"logGroupName": "a b"});
    assert_eq!(
        lab.refused("CreateLogGroup", bad).await,
        "InvalidParameterException"
    );
    let page = lab
        .ok(
            "DescribeLogGroups",
            json!({"logGroupNamePrefix": "/aws/", "limit": 1}),
        )
        .await;
    let group = &page["logGroups"][0];
    assert_eq!(
        group["arn"],
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/a:*"
    );
    assert_eq!(
        group["logGroupArn"],
        "arn:aws:logs:us-east-1:123456789012:log-group:/aws/a"
    );
    let rest = json!({"logGroupNamePrefix": "/aws/", "nextToken": page["nextToken"]});
    let rest = lab.ok("DescribeLogGroups", rest).await;
    assert_eq!(rest["logGroups"][0]["logGroupName"], "/aws/b");
    assert!(rest.get("nextToken").is_none());
    let arn = json!({"resourceArn": "arn:aws:logs:us-east-1:123456789012:log-group:other"});
    assert_eq!(
        lab.ok("ListTagsForResource", arn).await["tags"]["driftlab:lab"],
        "x"
    );
    lab.ok("DeleteLogGroup", json!({"logGroupName": "other"}))
        .await;
    let gone = json!({"logGroupName": "other"});
    assert_eq!(
        lab.refused("DeleteLogGroup", gone).await,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn retention_takes_only_the_values_of_the_service_and_hides_what_expired() {
    let lab = Lab::with_stream().await;
    let odd = json!({"logGroupName": "g", "retentionInDays": 2});
    assert_eq!(
        lab.refused("PutRetentionPolicy", odd).await,
        "InvalidParameterException"
    );
    lab.ok(
        "PutRetentionPolicy",
        json!({"logGroupName": "g", "retentionInDays": 14}),
    )
    .await;
    lab.put(&[(lab.now(), "old")]).await;
    lab.pass(Duration::from_secs(15 * 24 * 3600)).await;
    lab.put(&[(lab.now(), "new")]).await;
    let found = lab
        .ok("FilterLogEvents", json!({"logGroupName": "g"}))
        .await;
    assert_eq!(messages(&found), ["new"]);
    let shown = lab.ok("DescribeLogGroups", json!({})).await;
    assert_eq!(shown["logGroups"][0]["retentionInDays"], 14);
}

#[tokio::test]
async fn events_are_searched_in_the_order_of_their_time() {
    let lab = Lab::with_stream().await;
    let now = lab.now();
    lab.put(&[(now, "revoking for sg-1 port 993"), (now + 5, "done")])
        .await;
    lab.put(&[(now - 5, "revoking for sg-1 port 465")]).await;
    let search = json!({"logGroupName": "g", "filterPattern": "revoking for"});
    let found = lab.ok("FilterLogEvents", search).await;
    assert_eq!(
        messages(&found),
        ["revoking for sg-1 port 465", "revoking for sg-1 port 993"]
    );
    assert_ne!(found["events"][0]["eventId"], found["events"][1]["eventId"]);
    let mut seen = Vec::new();
    let mut input = json!({"logGroupName": "g", "limit": 1});
    loop {
        let page = lab.ok("FilterLogEvents", input.clone()).await;
        seen.extend(messages(&page).into_iter().map(str::to_owned));
        match page.get("nextToken") {
            Some(token) => input["nextToken"] = token.clone(),
            None => break,
        }
    }
    assert_eq!(seen.len(), 3);
    // The end of the range is included when searching, excluded when reading.
    let mut range = json!({"logGroupName": "g", "startTime": now, "endTime": now});
    let found = lab.ok("FilterLogEvents", range.clone()).await;
    assert_eq!(messages(&found).len(), 1);
    range["logStreamName"] = json!("s");
    assert_eq!(
        lab.refused("FilterLogEvents", range.clone()).await,
        "NotImplemented"
    );
    assert_eq!(messages(&lab.ok("GetLogEvents", range).await).len(), 0);
}

#[tokio::test]
async fn reading_ends_where_the_token_stays_the_same() {
    let lab = Lab::with_stream().await;
    let now = lab.now();
    lab.put(&[(now, "1"), (now, "2"), (now + 1, "3")]).await;
    let mut input = json!({"logGroupName": "g", "logStreamName": "s", "limit": 2});
    let tail = lab.ok("GetLogEvents", input.clone()).await;
    assert_eq!(messages(&tail), ["2", "3"]);
    input["nextToken"] = tail["nextBackwardToken"].clone();
    assert_eq!(
        messages(&lab.ok("GetLogEvents", input.clone()).await),
        ["1"]
    );
    input["nextToken"] = tail["nextForwardToken"].clone();
    let end = lab.ok("GetLogEvents", input.clone()).await;
    assert!(messages(&end).is_empty());
    assert_eq!(end["nextForwardToken"], input["nextToken"]);
    lab.put(&[(now + 2, "4")]).await;
    assert_eq!(messages(&lab.ok("GetLogEvents", input).await), ["4"]);
}

#[tokio::test]
async fn what_is_too_old_or_too_new_is_reported_and_left_out() {
    let lab = Lab::with_stream().await;
    let now = lab.now();
    let day = 24 * 3600 * 1000;
    let refused = lab
        .put(&[(now - 15 * day, "old"), (now - 15 * day, "old")])
        .await;
    assert_eq!(
        refused["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"],
        2
    );
    let refused = lab.put(&[(now, "now"), (now + day / 2, "new")]).await;
    assert_eq!(
        refused["rejectedLogEventsInfo"]["tooNewLogEventStartIndex"],
        1
    );
    let found = lab
        .ok("FilterLogEvents", json!({"logGroupName": "g"}))
        .await;
    assert_eq!(messages(&found), ["now"]);
    let unordered = json!({"logGroupName": "g", "logStreamName": "s", "logEvents": [
        {"timestamp": now + 1, "message": "a"}, {"timestamp": now, "message": "b"}]});
    assert_eq!(
        lab.refused("PutLogEvents", unordered).await,
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn streams_are_listed_by_name_or_by_their_last_event() {
    let lab = Lab::with_stream().await;
    lab.ok(
        "CreateLogStream",
        json!({"logGroupName": "g", "logStreamName": "a"}),
    )
    .await;
    lab.put(&[(lab.now(), "x")]).await;
    let by_name = lab
        .ok("DescribeLogStreams", json!({"logGroupName": "g"}))
        .await;
    assert_eq!(by_name["logStreams"][0]["logStreamName"], "a");
    let input =
        json!({"logGroupName": "g", "orderBy": "LastEventTime", "descending": true, "limit": 1});
    let latest = lab.ok("DescribeLogStreams", input).await;
    assert_eq!(latest["logStreams"][0]["logStreamName"], "s");
    let missing = json!({"logGroupName": "g", "logStreamName": "no"});
    assert_eq!(
        lab.refused("GetLogEvents", missing).await,
        "ResourceNotFoundException"
    );
}
