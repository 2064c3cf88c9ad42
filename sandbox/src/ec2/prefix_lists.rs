//! Prefix lists as rules refer to them: those that AWS manages in every region, and the customer's own.

use serde_json::{Value, json};

use super::filter::{Filters, Page};
use super::input::{self, Tags};
use super::state::State;
use crate::error::ApiError;
use crate::ids::Region;

pub(super) const DESCRIBE: &[&str] = &["Filter", "MaxResults", "NextToken", "PrefixListId"];

/// What comes after `com.amazonaws.<region>.` (or `.global.`), and how many rules a reference counts
/// as in a group's quota. AWS documents that such lists have weights; these figures are from memory.
const LISTS: &[(&str, usize)] = &[
    ("dynamodb", 1),
    ("global.cloudfront.origin-facing", 55),
    ("s3", 1),
];

fn name(region: &Region, list: &str) -> String {
    if list.starts_with("global.") {
        format!("com.amazonaws.{list}")
    } else {
        format!("com.amazonaws.{region}.{list}")
    }
}

/// The same in every account of a region, as on AWS; the digits are the sandbox's own (FNV-1a).
fn id(region: &Region, list: &str) -> String {
    let text = format!("{region}/{list}");
    let hash = text.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("pl-{hash:08x}")
}

/// As how many rules a reference to the list `wanted` counts; `None` when there is no such list.
pub(super) fn weight(state: &State, wanted: &str) -> Option<usize> {
    let region = &state.place.region;
    let of_aws = LISTS.iter().find(|(list, _)| id(region, list) == wanted);
    let own = || state.prefix_lists.get(wanted).map(|list| list.max_entries);
    of_aws.map(|(_, weight)| *weight).or_else(own)
}

pub(super) fn not_found(id: &str) -> ApiError {
    ApiError::bad(
        "InvalidPrefixListID.NotFound",
        format!("The prefix list ID '{id}' does not exist"),
    )
}

pub(super) fn describe(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let filters = Filters::parse(request, &["owner-id", "prefix-list-id", "prefix-list-name"])?;
    let page = Page::parse(request, 100)?;
    let region = &state.place.region;
    let ids = input::texts(request, "PrefixListId")?;
    if let Some(id) = ids.iter().find(|id| weight(state, id).is_none()) {
        return Err(not_found(id));
    }
    let mut rows: Vec<(String, Value)> = LISTS
        .iter()
        .map(|(list, _)| (id(region, list), name(region, list)))
        .filter(|(id, _)| ids.is_empty() || ids.contains(&id.as_str()))
        .filter(|(id, list)| {
            filters.match_resource(&Tags::new(), |name| match name {
                "owner-id" => vec!["AWS".to_owned()],
                "prefix-list-id" => vec![id.clone()],
                "prefix-list-name" => vec![list.clone()],
                _ => Vec::new(),
            })
        })
        .map(|(id, list)| {
            let row = json!({
                "prefixListId": id,
                "prefixListName": list,
                "prefixListArn": format!("arn:{}:ec2:{region}:aws:prefix-list/{id}", region.partition()),
                "addressFamily": "IPv4",
                "state": "create-complete",
                "ownerId": "AWS",
                "tagSet": [],
            });
            (id, row)
        })
        .collect();
    let own = state
        .prefix_lists
        .values()
        .filter(|list| ids.is_empty() || ids.contains(&list.id.as_str()))
        .filter(|list| {
            filters.match_resource(&list.tags, |name| match name {
                "owner-id" => vec![state.place.account.to_string()],
                "prefix-list-id" => vec![list.id.clone()],
                "prefix-list-name" => vec![list.name.clone()],
                _ => Vec::new(),
            })
        })
        .map(|list| (list.id.clone(), list.describe(&state.place)));
    rows.extend(own);
    rows.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(page.cut("prefixListSet", rows.into_iter()))
}
