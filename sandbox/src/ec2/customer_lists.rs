//! The prefix lists that customers manage: named, versioned sets of CIDR blocks.

use std::collections::BTreeMap;

use ipnet::{Ipv4Net, Ipv6Net};
use serde_json::{Value, json};

use super::filter::Page;
use super::input::{self, Tags};
use super::rule::Source;
use super::rules::check_quota;
use super::state::{Place, State};
use super::{errors, prefix_lists};
use crate::error::ApiError;
use crate::ids::hex_id;

pub(super) const CREATE: &[&str] = &[
    "AddressFamily",
    "ClientToken",
    "Entry",
    "MaxEntries",
    "PrefixListName",
    "TagSpecification",
];
pub(super) const ENTRIES: &[&str] = &["MaxResults", "NextToken", "PrefixListId", "TargetVersion"];
pub(super) const MODIFY: &[&str] = &[
    "AddEntry",
    "CurrentVersion",
    "MaxEntries",
    "PrefixListId",
    "PrefixListName",
    "RemoveEntry",
];

/// EC2's default quota of entries in one list.
const MOST_ENTRIES: i64 = 1000;

/// Descriptions by block, in canonical form.
type Entries = BTreeMap<String, Option<String>>;

/// Which addresses a list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Ipv4,
    Ipv6,
}

/// How the last change of a list ended. Changes take no time here, but EC2 tells their outcome only to
/// those who look again, and so does this.
#[derive(Debug, Clone)]
enum Outcome {
    Created,
    Modified,
    /// With the reason.
    ModifyFailed(String),
    /// With the reason.
    DeleteFailed(String),
}

/// A prefix list of a customer.
#[derive(Debug, Clone)]
pub(super) struct PrefixList {
    /// `pl-…`
    pub(super) id: String,
    pub(super) name: String,
    family: Family,
    /// As how many rules a reference counts, however few entries there are.
    pub(super) max_entries: usize,
    /// The entries of every version; the first version is 1.
    versions: Vec<Entries>,
    outcome: Outcome,
    client_token: Option<String>,
    pub(super) tags: Tags,
}

impl Family {
    fn parse(text: &str) -> Result<Self, ApiError> {
        match text {
            "IPv4" => Ok(Family::Ipv4),
            "IPv6" => Ok(Family::Ipv6),
            other => Err(errors::value(format!(
                "Value ({other}) for parameter addressFamily is invalid. It must be IPv4 or IPv6."
            ))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        }
    }

    /// A block of this family, with its host bits cleared.
    fn block(self, text: &str) -> Result<String, ApiError> {
        let block = match self {
            Family::Ipv4 => text.parse().map(|net: Ipv4Net| net.trunc().to_string()),
            Family::Ipv6 => text.parse().map(|net: Ipv6Net| net.trunc().to_string()),
        };
        block.map_err(|_| {
            errors::value(format!(
                "The CIDR {text} is not valid for the address family {}.",
                self.name()
            ))
        })
    }
}

impl Outcome {
    fn state(&self) -> (&'static str, Option<&str>) {
        match self {
            Outcome::Created => ("create-complete", None),
            Outcome::Modified => ("modify-complete", None),
            Outcome::ModifyFailed(why) => ("modify-failed", Some(why)),
            Outcome::DeleteFailed(why) => ("delete-failed", Some(why)),
        }
    }
}

impl PrefixList {
    fn entries(&self) -> Entries {
        self.versions.last().cloned().unwrap_or_default()
    }

    pub(super) fn describe(&self, place: &Place) -> Value {
        let (state, message) = self.outcome.state();
        json!({
            "prefixListId": self.id,
            "prefixListName": self.name,
            "prefixListArn": place.arn("prefix-list", &self.id),
            "addressFamily": self.family.name(),
            "maxEntries": self.max_entries,
            "version": self.versions.len(),
            "state": state,
            "stateMessage": message,
            "ownerId": place.account.as_str(),
            "tagSet": input::tag_set(&self.tags),
        })
    }

    /// The list as an answer shows it while its change is under way.
    fn changing(&self, place: &Place, state: &str) -> Value {
        let mut shown = self.describe(place);
        shown["state"] = json!(state);
        shown["stateMessage"] = Value::Null;
        json!({"prefixList": shown})
    }
}

fn too_many_entries() -> ApiError {
    ApiError::bad(
        "PrefixListMaxEntriesExceeded",
        "You've reached the maximum number of entries for the prefix list.",
    )
}

fn checked_name(name: &str) -> Result<String, ApiError> {
    if name.chars().count() > 255 || name.to_ascii_lowercase().starts_with("com.amazonaws") {
        return Err(errors::value(format!(
            "Value ({name}) for parameter prefixListName is invalid. Up to 255 characters are allowed; the name cannot start with com.amazonaws."
        )));
    }
    Ok(name.to_owned())
}

fn checked_size(size: i64) -> Result<usize, ApiError> {
    usize::try_from(size)
        .ok()
        .filter(|_| (1..=MOST_ENTRIES).contains(&size))
        .ok_or_else(|| {
            errors::value(format!(
                "Value ({size}) for parameter maxEntries is invalid. It must be between 1 and {MOST_ENTRIES}."
            ))
        })
}

/// Adds the entries that a request lists under `name`.
fn add(entries: &mut Entries, family: Family, request: &Value, name: &str) -> Result<(), ApiError> {
    for entry in input::list(request, name)? {
        input::only_members(name, entry, &["Cidr", "Description"])?;
        let block = family.block(input::require(entry, "Cidr")?)?;
        let description = input::text(entry, "Description")?;
        if description.is_some_and(|text| text.chars().count() > 255) {
            return Err(errors::value(
                "The description of an entry can have up to 255 characters.",
            ));
        }
        let taken = entries.insert(block.clone(), description.map(str::to_owned));
        if taken.is_some() {
            return Err(errors::value(format!(
                "The CIDR {block} is already in the prefix list."
            )));
        }
    }
    Ok(())
}

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let token = input::text(request, "ClientToken")?.map(str::to_owned);
    let name = checked_name(input::require(request, "PrefixListName")?)?;
    let family = Family::parse(input::require(request, "AddressFamily")?)?;
    let size = input::int(request, "MaxEntries")?;
    let max_entries = checked_size(size.ok_or_else(|| errors::missing("MaxEntries"))?)?;
    let tags = input::tag_specification(request, "prefix-list")?;
    let mut entries = Entries::new();
    add(&mut entries, family, request, "Entry")?;
    if entries.len() > max_entries {
        return Err(too_many_entries());
    }
    let same = |list: &&PrefixList| token.is_some() && list.client_token == token;
    if let Some(made) = state.prefix_lists.values().find(same) {
        let as_asked = made.name == name
            && made.family == family
            && made.max_entries == max_entries
            && made.versions.first() == Some(&entries);
        if !as_asked {
            return Err(ApiError::bad(
                "IdempotentParameterMismatch",
                "The client token was used before, with other parameters.",
            ));
        }
        return Ok(made.changing(&state.place, "create-in-progress"));
    }
    let list = PrefixList {
        id: hex_id("pl-", 17),
        name,
        family,
        max_entries,
        versions: vec![entries],
        outcome: Outcome::Created,
        client_token: token,
        tags,
    };
    let answer = list.changing(&state.place, "create-in-progress");
    state.prefix_lists.insert(list.id.clone(), list);
    Ok(answer)
}

/// The customer's list of a request. AWS's lists are for nobody to change.
fn own(state: &State, request: &Value) -> Result<PrefixList, ApiError> {
    let id = input::require(request, "PrefixListId")?;
    match state.prefix_lists.get(id) {
        Some(list) => Ok(list.clone()),
        None if prefix_lists::weight(state, id).is_some() => Err(ApiError::bad(
            "UnsupportedOperation",
            format!("The prefix list '{id}' is managed by AWS"),
        )),
        None => Err(prefix_lists::not_found(id)),
    }
}

pub(super) fn entries(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let page = Page::parse(request, 100)?;
    let id = input::require(request, "PrefixListId")?;
    if !state.prefix_lists.contains_key(id) && prefix_lists::weight(state, id).is_some() {
        return Err(ApiError::not_implemented(
            "ec2",
            "GetManagedPrefixListEntries of a list of AWS",
        ));
    }
    let list = own(state, request)?;
    let entries = match input::int(request, "TargetVersion")? {
        None => list.entries(),
        Some(version) => usize::try_from(version)
            .ok()
            .and_then(|version| list.versions.get(version.checked_sub(1)?))
            .cloned()
            .ok_or_else(|| {
                ApiError::bad(
                    "InvalidParameterValue",
                    format!("The version {version} of the prefix list '{id}' does not exist"),
                )
            })?,
    };
    let rows = entries.into_iter().map(|(cidr, description)| {
        let row = json!({"cidr": cidr, "description": description});
        (cidr, row)
    });
    Ok(page.cut("entrySet", rows))
}

/// Changes the entries, which makes a new version, or the size; removals come first.
pub(super) fn modify(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let mut list = own(state, request)?;
    let changes_entries = ["AddEntry", "RemoveEntry"]
        .iter()
        .any(|name| request.get(name).is_some());
    let size = input::int(request, "MaxEntries")?;
    if changes_entries && size.is_some() {
        return Err(errors::combination(
            "You cannot modify the entries and the maximum entries for the prefix list in the same request.",
        ));
    }
    let version = input::int(request, "CurrentVersion")?;
    if version.is_some_and(|version| usize::try_from(version) != Ok(list.versions.len())) {
        return Err(ApiError::bad(
            "PrefixListVersionMismatch",
            "The prefix list has the incorrect version number.",
        ));
    }
    list.outcome = Outcome::Modified;
    if let Some(name) = input::text(request, "PrefixListName")? {
        list.name = checked_name(name)?;
    }
    if changes_entries {
        let mut entries = list.entries();
        for entry in input::list(request, "RemoveEntry")? {
            input::only_members("RemoveEntry", entry, &["Cidr"])?;
            let block = list.family.block(input::require(entry, "Cidr")?)?;
            if entries.remove(&block).is_none() {
                return Err(errors::value(format!(
                    "The CIDR {block} is not in the prefix list."
                )));
            }
        }
        add(&mut entries, list.family, request, "AddEntry")?;
        if entries.len() > list.max_entries {
            return Err(too_many_entries());
        }
        list.versions.push(entries);
    }
    let before = list.max_entries;
    if let Some(size) = size {
        list.max_entries = checked_size(size)?;
        if list.entries().len() > list.max_entries {
            return Err(errors::value(format!(
                "The prefix list has more than {size} entries."
            )));
        }
    }
    let id = list.id.clone();
    let answer = list.changing(&state.place, "modify-in-progress");
    state.prefix_lists.insert(id.clone(), list);
    let full = full_groups(state, &id);
    if let Some(list) = state.prefix_lists.get_mut(&id).filter(|_| !full.is_empty()) {
        list.max_entries = before;
        list.outcome = Outcome::ModifyFailed(format!(
            "The following resources do not support the new maximum size: {}",
            full.join(", ")
        ));
    }
    Ok(answer)
}

/// The first ten groups that refer to the list and have no room for it.
fn full_groups(state: &State, id: &str) -> Vec<String> {
    let groups = state.groups.values().filter(|group| {
        [&group.ingress, &group.egress].into_iter().any(|rules| {
            let permissions = || rules.iter().map(|rule| &rule.permission);
            permissions().any(|each| refers(&each.source, id))
                && check_quota(state, permissions()).is_err()
        })
    });
    groups.take(10).map(|group| group.id.clone()).collect()
}

fn refers(source: &Source, list: &str) -> bool {
    matches!(source, Source::PrefixList(id) if id == list)
}

/// Deletes a list. EC2 takes on the deletion of one that rules refer to as well, and then fails at it.
pub(super) fn delete(state: &mut State, request: &Value) -> Result<Value, ApiError> {
    let list = own(state, request)?;
    let answer = list.changing(&state.place, "delete-in-progress");
    let users: Vec<&str> = state
        .groups
        .values()
        .filter(|group| {
            let mut rules = group.ingress.iter().chain(&group.egress);
            rules.any(|rule| refers(&rule.permission.source, &list.id))
        })
        .map(|group| group.id.as_str())
        .take(10)
        .collect();
    if users.is_empty() {
        state.prefix_lists.remove(&list.id);
        return Ok(answer);
    }
    let why = format!(
        "The following resources refer to the prefix list: {}",
        users.join(", ")
    );
    if let Some(list) = state.prefix_lists.get_mut(&list.id) {
        list.outcome = Outcome::DeleteFailed(why);
    }
    Ok(answer)
}
