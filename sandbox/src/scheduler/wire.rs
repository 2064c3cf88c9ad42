//! Scheduler's REST paths.

use http::Method;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::protocol::{HttpRequest, Operation, json};

/// Reads the operation out of a REST request.
pub(crate) fn decode(request: &HttpRequest) -> Result<Operation, ApiError> {
    let parts = request.path_parts()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let unknown =
        || ApiError::not_implemented("scheduler", &format!("{} {}", request.method, request.path));
    let (name, uri) = route(&request.method, &parts).ok_or_else(unknown)?;
    let mut operation = Operation::new(name, json::decode(&request.body)?);
    for (parameter, value) in request.query_pairs() {
        // The names of the API model's members; in the query string some are written otherwise.
        let member = match parameter.as_str() {
            "ScheduleGroup" | "groupName" => "GroupName",
            "clientToken" => "ClientToken",
            "TagKeys" => {
                operation.push("TagKeys", value);
                continue;
            }
            other => other,
        };
        operation.input[member] = json!(value);
    }
    if let Some((member, value)) = uri {
        operation.input[member] = Value::from(value);
    }
    Ok(operation)
}

type Routed<'a> = (&'static str, Option<(&'static str, &'a str)>);

fn route<'a>(method: &Method, parts: &[&'a str]) -> Option<Routed<'a>> {
    let (operation, member) = match (method.as_str(), parts) {
        ("GET", ["schedules"]) => return Some(("ListSchedules", None)),
        ("GET", ["schedule-groups"]) => return Some(("ListScheduleGroups", None)),
        ("POST", ["schedules", _]) => ("CreateSchedule", "Name"),
        ("GET", ["schedules", _]) => ("GetSchedule", "Name"),
        ("PUT", ["schedules", _]) => ("UpdateSchedule", "Name"),
        ("DELETE", ["schedules", _]) => ("DeleteSchedule", "Name"),
        ("POST", ["schedule-groups", _]) => ("CreateScheduleGroup", "Name"),
        ("GET", ["schedule-groups", _]) => ("GetScheduleGroup", "Name"),
        ("DELETE", ["schedule-groups", _]) => ("DeleteScheduleGroup", "Name"),
        ("POST", ["tags", _]) => ("TagResource", "ResourceArn"),
        ("GET", ["tags", _]) => ("ListTagsForResource", "ResourceArn"),
        ("DELETE", ["tags", _]) => ("UntagResource", "ResourceArn"),
        _ => return None,
    };
    parts
        .get(1)
        .map(|value| (operation, Some((member, *value))))
}
