//! Reading what was recorded.

use std::sync::Arc;

use serde_json::{Value, json};

use super::item::{Item, ResourceKey};
use super::page::{decode, encode, invalid_token, limit, moment, one_of, page, validation};
use super::place::Place;
use super::recorder;
use super::recording_group::is_resource_type;
use crate::clock::{epoch_millis, epoch_seconds};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::{Call, Outcome};

/// One call of `GetResourceConfigHistory` looks at no more than seven days.
const SPAN_MILLIS: i64 = 7 * 24 * 60 * 60 * 1000;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;

const HISTORY: &str = "GetResourceConfigHistory";

pub(super) fn history(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let place = Place::of(call);
    let key = key(input)?;
    let size = limit(input, "limit", 10, 100, "InvalidLimitException")?;
    let now = epoch_millis(call.now);
    let given = moment(input, "laterTime")?.map(epoch_millis);
    let later = given.unwrap_or(now);
    let earlier = moment(input, "earlierTime")?.map(epoch_millis);
    if earlier.is_some_and(|earlier| earlier > later || given == Some(earlier)) {
        return Err(ApiError::bad(
            "InvalidTimeRangeException",
            "The earlier time is not chronologically before the later time.",
        ));
    }
    let order = input.text("chronologicalOrder").unwrap_or("Reverse");
    one_of(order, "chronologicalOrder", &["Reverse", "Forward"])?;
    ensure_recorder(call)?;

    let state = &call.here().config;
    let kept_since = state.retention_days.map(|days| now - days * DAY_MILLIS);
    let from = earlier
        .into_iter()
        .chain(kept_since)
        .max()
        .unwrap_or(i64::MIN);
    let items = state.history.of(&key);
    if items.is_empty() {
        return Err(ApiError::bad(
            "ResourceNotDiscoveredException",
            format!(
                "Resource {} of resourceType:{} is unknown or has not been discovered.",
                key.resource_id, key.resource_type
            ),
        ));
    }
    let range = || {
        items
            .iter()
            .filter(|item| (from..=later).contains(&item.captured_millis()))
    };
    let range: Vec<&Arc<Item>> = if order == "Forward" {
        range().collect()
    } else {
        range().rev().collect()
    };
    let (items, next) = span(
        &range,
        order == "Forward",
        input.text("nextToken"),
        size,
        later,
    )?;
    let items: Vec<Value> = items.iter().map(|item| item.to_api(&place)).collect();
    let mut answer = json!({ "configurationItems": items });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer.into())
}

/// One page: at most `size` items and at most seven days, so a page can be short or even empty although
/// more follow. The token holds where the seven days begin and the last item that was shown.
fn span<'i>(
    range: &[&'i Arc<Item>],
    forward: bool,
    token: Option<&str>,
    size: usize,
    later: i64,
) -> Result<(Vec<&'i Arc<Item>>, Option<String>), ApiError> {
    let first = range.first().map_or(later, |item| item.captured_millis());
    let (begin, shown) = match token {
        None => (if forward { first } else { later }, None),
        Some(token) => match decode(HISTORY, token).as_deref() {
            Some([begin, shown]) => (*begin, Some(*shown)),
            _ => return Err(invalid_token()),
        },
    };
    let left: Vec<&Arc<Item>> = range
        .iter()
        .copied()
        .skip_while(|item| {
            shown.is_some_and(|shown| {
                if forward {
                    item.state_id <= shown
                } else {
                    item.state_id >= shown
                }
            })
        })
        .collect();
    let inside = |item: &Item| (item.captured_millis() - begin).abs() <= SPAN_MILLIS;
    let in_span = left.iter().take_while(|item| inside(item)).count();
    let items: Vec<&Arc<Item>> = left.iter().copied().take(in_span.min(size)).collect();
    if items.len() == left.len() {
        return Ok((items, None));
    }
    let begin = match (items.len() < in_span, forward) {
        (true, _) => begin,
        (false, true) => begin + SPAN_MILLIS,
        (false, false) => begin - SPAN_MILLIS,
    };
    let edge = if forward { i64::MIN } else { i64::MAX };
    let shown = items
        .last()
        .map(|item| item.state_id)
        .or(shown)
        .unwrap_or(edge);
    Ok((items, Some(encode(HISTORY, &[begin, shown]))))
}

pub(super) fn discovered(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let resource_type = resource_type(input, "resourceType")?;
    let ids = input.texts("resourceIds");
    let name = input.text("resourceName");
    if !ids.is_empty() && name.is_some() {
        return Err(validation(
            "Specify either resourceIds or resourceName, but not both.",
        ));
    }
    let deleted = input.flag("includeDeletedResources")?.unwrap_or(false);
    let size = limit(input, "limit", 100, 100, "InvalidLimitException")?;
    ensure_recorder(call)?;
    let found: Vec<Value> = call
        .here()
        .config
        .history
        .newest()
        .filter(|item| item.key.resource_type == resource_type)
        .filter(|item| item.is_live() || (deleted && item.is_deleted()))
        .filter(|item| ids.is_empty() || ids.contains(&item.key.resource_id))
        .filter(|item| name.is_none() || item.resource_name.as_deref() == name)
        .map(|item| {
            let mut found = json!({
                "resourceType": item.key.resource_type,
                "resourceId": item.key.resource_id,
            });
            if let Some(name) = &item.resource_name {
                found["resourceName"] = json!(name);
            }
            if !item.is_live() {
                found["resourceDeletionTime"] = epoch_seconds(item.captured);
            }
            found
        })
        .collect();
    let (found, next) = page(
        "ListDiscoveredResources",
        found,
        input.text("nextToken"),
        size,
    )?;
    let mut answer = json!({ "resourceIdentifiers": found });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer.into())
}

pub(super) fn batch(call: &mut Call<'_>, input: &Value) -> Result<Outcome, ApiError> {
    let place = Place::of(call);
    let keys = input.list("resourceKeys");
    if keys.is_empty() || keys.len() > 100 {
        return Err(validation(
            "1 validation error detected: Value at 'resourceKeys' failed to satisfy constraint: Member must have length between 1 and 100",
        ));
    }
    let keys: Vec<ResourceKey> = keys.iter().map(key).collect::<Result<_, _>>()?;
    ensure_recorder(call)?;
    let history = &call.here().config.history;
    // What Config does not know is left out, not reported: unprocessed means try again.
    let items: Vec<Value> = keys
        .iter()
        .filter_map(|key| history.latest(key))
        .map(|item| item.to_base_api(&place))
        .collect();
    Ok(json!({"baseConfigurationItems": items, "unprocessedResourceKeys": []}).into())
}

fn key(input: &Value) -> Result<ResourceKey, ApiError> {
    let resource_type = resource_type(input, "resourceType")?;
    Ok(ResourceKey::new(
        &resource_type,
        input.require("resourceId")?,
    ))
}

fn resource_type(input: &Value, name: &str) -> Result<String, ApiError> {
    let value = input.require(name)?;
    if is_resource_type(value) {
        return Ok(value.to_owned());
    }
    Err(validation(format!(
        "1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: Member must satisfy enum value set"
    )))
}

/// There must be a recorder; but what a deleted one recorded stays readable, as AWS documents it.
fn ensure_recorder(call: &mut Call<'_>) -> Result<(), ApiError> {
    let state = &call.here().config;
    if state.recorder.is_none() && state.history.is_empty() {
        return Err(recorder::none_available());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::clock::Timestamp;
    use crate::config::item::Status;
    use crate::config::tests::item;

    /// Every page's ages in days, newest first or oldest first.
    fn pages(ages: &[i64], forward: bool, size: usize) -> Vec<Vec<i64>> {
        let now = Timestamp::UNIX_EPOCH + time::Duration::days(100);
        let mut items: Vec<Arc<Item>> = ages
            .iter()
            .map(|age| {
                let captured = now - time::Duration::days(*age);
                Arc::new(Item {
                    captured,
                    state_id: epoch_millis(captured),
                    ..item(Status::Ok, json!({}))
                })
            })
            .collect();
        items.sort_by_key(|item| item.state_id);
        let mut range: Vec<&Arc<Item>> = items.iter().collect();
        if !forward {
            range.reverse();
        }
        let mut pages = Vec::new();
        let mut token = None;
        loop {
            let (page, next) =
                span(&range, forward, token.as_deref(), size, epoch_millis(now)).unwrap();
            pages.push(
                page.iter()
                    .map(|item| (now - item.captured).whole_days())
                    .collect(),
            );
            match next {
                Some(next) => token = Some(next),
                None => return pages,
            }
        }
    }

    #[test]
    fn a_page_spans_at_most_seven_days() {
        let none: Vec<i64> = Vec::new();
        assert_eq!(pages(&[0, 1, 2], false, 2), [vec![0, 1], vec![2]]);
        assert_eq!(
            pages(&[1, 9, 30], false, 10),
            [vec![1], vec![9], none.clone(), none, vec![30]]
        );
        assert_eq!(pages(&[1, 9, 10], true, 10), [vec![10, 9], vec![1]]);
        assert_eq!(pages(&[], true, 10), [Vec::<i64>::new()]);
    }
}
