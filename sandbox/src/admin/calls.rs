//! `GET /_sandbox/calls`: who asked for what, when, and how it ended.

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::reply;
use crate::ids::{AccountId, Region};
use crate::journal::Query;
use crate::protocol::{HttpRequest, HttpResponse};
use crate::sandbox::Sandbox;

pub(super) fn list(sandbox: &Sandbox, request: &HttpRequest) -> HttpResponse {
    match query(request) {
        Ok(query) => {
            let found = sandbox.journal.list(&query);
            let calls: Vec<_> = found.calls.iter().map(|entry| entry.describe()).collect();
            reply(200, &json!({"calls": calls, "forgotten": found.forgotten}))
        }
        Err(message) => reply(400, &json!({"error": message})),
    }
}

/// Nothing that was asked for is ignored: a misspelt filter would show the wrong calls.
fn query(request: &HttpRequest) -> Result<Query, String> {
    let mut query = Query::default();
    for (name, value) in request.query_pairs() {
        match name.as_str() {
            "account" => {
                let account = AccountId::parse(&value).ok_or_else(|| {
                    format!("`account` must be a 12-digit account id, not `{value}`")
                })?;
                query.account = Some(account);
            }
            "region" => {
                let region = Region::parse(&value)
                    .ok_or_else(|| format!("`region` must be an AWS region, not `{value}`"))?;
                query.region = Some(region);
            }
            "since" => {
                let since = OffsetDateTime::parse(&value, &Rfc3339).map_err(|_| {
                    format!("`since` must be a moment like 2025-07-14T16:52:19.300Z, not `{value}`")
                })?;
                query.since = Some(since);
            }
            "after" => {
                query.after = value
                    .parse()
                    .map_err(|_| format!("`after` must be the number of a call, not `{value}`"))?;
            }
            other => {
                return Err(format!(
                    "`{other}` is no parameter of calls: use account, region, since, after"
                ));
            }
        }
    }
    Ok(query)
}
