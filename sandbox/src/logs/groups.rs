//! Log groups and how long they keep their events.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::store::Group;
use super::{as_invalid, invalid, limit, names, tags};
use crate::clock::epoch_millis;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// The numbers of days that the service accepts, from its API model.
const RETENTION_DAYS: &[i64] = &[
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
];

pub(super) fn create(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = names::required_group(input)?;
    if input.field("kmsKeyId").is_some() {
        return Err(ApiError::not_implemented(
            "logs",
            "CreateLogGroup with kmsKeyId",
        ));
    }
    let class = input.text("logGroupClass").unwrap_or("STANDARD");
    if !["STANDARD", "INFREQUENT_ACCESS", "DELIVERY"].contains(&class) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{class}' at 'logGroupClass' failed to satisfy constraint: Member must satisfy enum value set: [STANDARD, INFREQUENT_ACCESS, DELIVERY]"
        )));
    }
    let tags = tags::read(call, input, BTreeMap::new())?;
    let deletion_protection = input
        .flag("deletionProtectionEnabled")
        .map_err(as_invalid)?
        .unwrap_or(false);
    let now = epoch_millis(call.now);
    let groups = &mut call.here().logs.groups;
    if groups.contains_key(name) {
        return Err(ApiError::bad(
            "ResourceAlreadyExistsException",
            "The specified log group already exists",
        ));
    }
    let group = Group {
        class: class.to_owned(),
        deletion_protection,
        tags,
        ..Group::new(now)
    };
    groups.insert(name.to_owned(), group);
    Ok(json!({}))
}

pub(super) fn delete(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = names::required_group(input)?;
    let logs = &mut call.here().logs;
    if logs.group(name)?.deletion_protection {
        return Err(ApiError::bad(
            "ValidationException",
            format!(
                "log group {name} has deletion protection enabled; disable it before deleting the group"
            ),
        ));
    }
    logs.groups.remove(name);
    Ok(json!({}))
}

pub(super) fn describe(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    for unsupported in [
        "accountIdentifiers",
        "includeLinkedAccounts",
        "logGroupIdentifiers",
    ] {
        if !matches!(input.field(unsupported), None | Some(Value::Bool(false))) {
            let what = format!("DescribeLogGroups with {unsupported}");
            return Err(ApiError::not_implemented("logs", &what));
        }
    }
    let prefix = input.text("logGroupNamePrefix");
    let pattern = input.text("logGroupNamePattern");
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        ));
    }
    if let Some(prefix) = prefix {
        names::check_group(prefix)?;
    }
    let class = input.text("logGroupClass");
    let limit = limit(input, 50, 50)?;
    // The token is the last name of the page before; names are in order.
    let after = input.text("nextToken").map(str::to_owned);
    let arn_of = |name: &str| call.arn("logs", &format!("log-group:{name}"));
    let arn_prefix = arn_of("");
    let groups = &call.here().logs.groups;
    let mut matching = groups.iter().filter(|(name, group)| {
        after.as_ref().is_none_or(|after| *name > after)
            && prefix.is_none_or(|prefix| name.starts_with(prefix))
            && pattern.is_none_or(|pattern| name.contains(pattern))
            && class.is_none_or(|class| group.class == class)
    });
    let page: Vec<(&String, &Group)> = matching.by_ref().take(limit).collect();
    let more = matching.next().is_some();
    let mut answer = json!({
        "logGroups": page.iter().map(|(name, group)| shown(&format!("{arn_prefix}{name}"), name, group)).collect::<Vec<_>>(),
    });
    if more && let Some((last, _)) = page.last() {
        answer["nextToken"] = json!(last);
    }
    Ok(answer)
}

/// `arn` ends in `:*`, which is the form for policies; `logGroupArn` is the bare one.
fn shown(arn: &str, name: &str, group: &Group) -> Value {
    let mut shown = json!({
        "logGroupName": name,
        "creationTime": group.created,
        "metricFilterCount": 0,
        "arn": format!("{arn}:*"),
        "logGroupArn": arn,
        "storedBytes": group.stored_bytes(),
        "logGroupClass": group.class,
        "deletionProtectionEnabled": group.deletion_protection,
    });
    if let Some(days) = group.retention_days {
        shown["retentionInDays"] = json!(days);
    }
    shown
}

pub(super) fn put_retention(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = names::required_group(input)?;
    let days = input
        .int("retentionInDays")
        .map_err(as_invalid)?
        .ok_or_else(|| invalid("1 validation error detected: Value null at 'retentionInDays' failed to satisfy constraint: Member must not be null"))?;
    if !RETENTION_DAYS.contains(&days) {
        return Err(invalid(format!(
            "1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: {RETENTION_DAYS:?}"
        )));
    }
    call.here().logs.group_mut(name)?.retention_days = Some(days);
    Ok(json!({}))
}

pub(super) fn delete_retention(call: &mut Call<'_>, input: &Value) -> Result<Value, ApiError> {
    let name = names::required_group(input)?;
    call.here().logs.group_mut(name)?.retention_days = None;
    Ok(json!({}))
}
