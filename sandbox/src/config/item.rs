//! Configuration items: what a resource looked like when Config recorded it.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value, json};

use super::place::Place;
use crate::budgets;
use crate::clock::{Timestamp, epoch_millis, epoch_seconds, iso8601};

/// The version of the item format that AWS writes today.
pub(super) const ITEM_VERSION: &str = "1.3";

/// What names a resource in Config.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ResourceKey {
    pub(super) resource_type: String,
    pub(super) resource_id: String,
}

impl ResourceKey {
    pub(super) fn new(resource_type: &str, resource_id: &str) -> Self {
        Self {
            resource_type: resource_type.to_owned(),
            resource_id: resource_id.to_owned(),
        }
    }
}

/// `<type>/<id>`.
impl fmt::Display for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.resource_type, self.resource_id)
    }
}

/// What an item says about its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// The first item of a resource.
    Discovered,
    /// A later one.
    Ok,
    /// The last one of a resource that was deleted.
    Deleted,
    /// The last one of a resource whose type is recorded no more.
    NotRecorded,
    /// Such a resource was deleted.
    DeletedNotRecorded,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Status::Discovered => "ResourceDiscovered",
            Status::Ok => "OK",
            Status::Deleted => "ResourceDeleted",
            Status::NotRecorded => "ResourceNotRecorded",
            Status::DeletedNotRecorded => "ResourceDeletedNotRecorded",
        }
    }
}

/// One recorded state of one resource.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub(super) key: ResourceKey,
    pub(super) resource_name: Option<String>,
    pub(super) arn: String,
    pub(super) tags: BTreeMap<String, String>,
    /// `{resourceType, resourceId, relationshipName}`.
    pub(super) relationships: Vec<Value>,
    /// Null when the resource is gone.
    pub(super) configuration: Value,
    pub(super) status: Status,
    pub(super) captured: Timestamp,
    /// Grows from item to item of a resource; milliseconds since the epoch on AWS.
    pub(super) state_id: i64,
}

impl Item {
    /// Bytes, as far as they differ from item to item.
    pub(super) fn size(&self) -> u64 {
        let tags = self.tags.iter().map(|(key, value)| key.len() + value.len());
        let texts = self.arn.len() + self.key.resource_id.len() + tags.sum::<usize>();
        let related = self.relationships.iter().map(budgets::size);
        (size_of::<Self>() + texts) as u64
            + budgets::size(&self.configuration)
            + related.sum::<u64>()
    }
}

impl Item {
    /// Whether the item shows a resource: it existed, and its type was recorded.
    pub(super) fn is_live(&self) -> bool {
        match self.status {
            Status::Discovered | Status::Ok => true,
            Status::Deleted | Status::NotRecorded | Status::DeletedNotRecorded => false,
        }
    }

    /// Whether the item says that the resource is gone.
    pub(super) fn is_deleted(&self) -> bool {
        match self.status {
            Status::Deleted | Status::DeletedNotRecorded => true,
            Status::Discovered | Status::Ok | Status::NotRecorded => false,
        }
    }

    pub(super) fn captured_millis(&self) -> i64 {
        epoch_millis(self.captured)
    }

    /// The item as `GetResourceConfigHistory` shows it: the configuration is a string.
    pub(super) fn to_api(&self, place: &Place) -> Value {
        let mut item = self.to_base_api(place);
        item["configurationItemMD5Hash"] = json!("");
        item["tags"] = json!(self.tags);
        item["relatedEvents"] = json!([]);
        item["relationships"] = json!(self.relationships);
        item
    }

    /// The item as `BatchGetResourceConfig` shows it.
    pub(super) fn to_base_api(&self, place: &Place) -> Value {
        let mut item = json!({
            "version": ITEM_VERSION,
            "accountId": place.account.as_str(),
            "configurationItemCaptureTime": epoch_seconds(self.captured),
            "configurationItemStatus": self.status.name(),
            "configurationStateId": self.state_id.to_string(),
            "resourceType": self.key.resource_type,
            "resourceId": self.key.resource_id,
            "awsRegion": place.region.as_str(),
            "supplementaryConfiguration": {},
        });
        // Compliance has no ARN.
        if !self.arn.is_empty() {
            item["arn"] = json!(self.arn);
        }
        if let Some(name) = &self.resource_name {
            item["resourceName"] = json!(name);
        }
        if self.is_live() {
            item["availabilityZone"] = json!("Not Applicable");
            item["configuration"] = json!(self.configuration.to_string());
        }
        item
    }

    /// The item as rules and topics receive it: other member names, and the configuration is a structure.
    pub(super) fn to_event(&self, place: &Place) -> Value {
        let mut item = self.to_summary(place);
        item.extend([
            ("relatedEvents".to_owned(), json!([])),
            (
                "relationships".to_owned(),
                json!(self.relationships_in_events()),
            ),
            ("configuration".to_owned(), self.configuration.clone()),
            ("supplementaryConfiguration".to_owned(), json!({})),
            ("tags".to_owned(), json!(self.tags)),
        ]);
        Value::Object(item)
    }

    /// The relationships with the names that their members have in events.
    pub(super) fn relationships_in_events(&self) -> Vec<Value> {
        self.relationships
            .iter()
            .map(|relationship| {
                json!({
                    "resourceId": relationship["resourceId"],
                    "resourceName": relationship["resourceName"],
                    "resourceType": relationship["resourceType"],
                    "name": relationship["relationshipName"],
                })
            })
            .collect()
    }

    /// What identifies the item in events, without what the resource looks like.
    pub(super) fn to_summary(&self, place: &Place) -> Map<String, Value> {
        let arn = (!self.arn.is_empty()).then_some(&self.arn);
        let zone = self.is_live().then_some("Not Applicable");
        let summary = json!({
            "configurationItemVersion": ITEM_VERSION,
            "configurationItemCaptureTime": iso8601(self.captured),
            "configurationStateId": self.state_id,
            "awsAccountId": place.account.as_str(),
            "configurationItemStatus": self.status.name(),
            "resourceType": self.key.resource_type,
            "resourceId": self.key.resource_id,
            "resourceName": self.resource_name,
            "ARN": arn,
            "awsRegion": place.region.as_str(),
            "availabilityZone": zone,
            "configurationStateMd5Hash": "",
            "resourceCreationTime": null,
        });
        match summary {
            Value::Object(summary) => summary,
            _ => Map::new(),
        }
    }
}
