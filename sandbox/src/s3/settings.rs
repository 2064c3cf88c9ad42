//! What a bucket is configured with: policy, versioning, public access, lifecycle, tags, encryption, ownership.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::answer::{empty, xml};
use super::lifecycle;
use super::payload::{malformed, wire};
use super::state::{
    Bucket, ENCRYPTION, LIFECYCLE, OWNERSHIP, PUBLIC_ACCESS, TAGGING, Versioning, access_denied,
    bucket, default_encryption,
};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::iam;
use crate::protocol::{HttpResponse, respond};
use crate::sandbox::Call;

/// A kind of configuration that is stored and shown as it is, after a check.
struct Setting {
    /// The payload's name in the API model; also the root of its XML.
    name: &'static str,
    check: fn(&mut Value) -> Result<(), ApiError>,
    /// The error when there is none.
    missing: (&'static str, &'static str),
}

const SETTINGS: &[Setting] = &[
    Setting {
        name: PUBLIC_ACCESS,
        check: check_public_access,
        missing: (
            "NoSuchPublicAccessBlockConfiguration",
            "The public access block configuration was not found",
        ),
    },
    Setting {
        name: LIFECYCLE,
        check: check_lifecycle,
        missing: (
            "NoSuchLifecycleConfiguration",
            "The lifecycle configuration does not exist",
        ),
    },
    Setting {
        name: TAGGING,
        check: check_tags,
        missing: ("NoSuchTagSet", "The TagSet does not exist"),
    },
    Setting {
        name: ENCRYPTION,
        check: check_encryption,
        missing: (
            "ServerSideEncryptionConfigurationNotFoundError",
            "The server side encryption configuration was not found",
        ),
    },
    Setting {
        name: OWNERSHIP,
        check: check_ownership,
        missing: (
            "OwnershipControlsNotFoundError",
            "The bucket ownership controls were not found",
        ),
    },
];

fn setting(name: &str) -> Result<&'static Setting, ApiError> {
    SETTINGS
        .iter()
        .find(|setting| setting.name == name)
        .ok_or_else(|| ApiError::not_implemented("s3", name))
}

pub(super) fn get(
    call: &mut Call<'_>,
    input: &Value,
    name: &str,
) -> Result<HttpResponse, ApiError> {
    let setting = setting(name)?;
    let bucket = bucket(call, input.require("Bucket")?)?;
    let value = bucket.settings.get(setting.name).ok_or_else(|| {
        let (code, message) = setting.missing;
        ApiError::new(404, code, message)
    })?;
    Ok(xml(setting.name, &wire(setting.name, value)))
}

pub(super) fn put(
    call: &mut Call<'_>,
    input: &Value,
    name: &str,
) -> Result<HttpResponse, ApiError> {
    let setting = setting(name)?;
    let by_service = call.caller.may_set_system_tags();
    let bucket = bucket(call, input.require("Bucket")?)?;
    let mut value = input.field(setting.name).ok_or_else(malformed)?.clone();
    (setting.check)(&mut value)?;
    if setting.name == TAGGING && !by_service {
        keep_system_tags(bucket, &value)?;
    }
    bucket.settings.insert(setting.name, value);
    if setting.name == LIFECYCLE {
        lifecycle::plan(call, input.require("Bucket")?);
    }
    // Taggings are answered with 204, everything else with 200.
    Ok(empty(if setting.name == TAGGING { 204 } else { 200 }))
}

pub(super) fn delete(
    call: &mut Call<'_>,
    input: &Value,
    name: &str,
) -> Result<HttpResponse, ApiError> {
    let setting = setting(name)?;
    let by_service = call.caller.may_set_system_tags();
    let bucket = bucket(call, input.require("Bucket")?)?;
    if setting.name == TAGGING && !by_service {
        keep_system_tags(bucket, &json!({"TagSet": []}))?;
    }
    if setting.name == ENCRYPTION {
        // A bucket is always encrypted: this goes back to S3's own keys.
        bucket.settings.insert(ENCRYPTION, default_encryption());
    } else {
        bucket.settings.remove(setting.name);
    }
    Ok(empty(204))
}

pub(super) fn get_versioning(call: &mut Call<'_>, input: &Value) -> Result<HttpResponse, ApiError> {
    let status = match bucket(call, input.require("Bucket")?)?.versioning {
        Versioning::Never => Value::Null,
        Versioning::Enabled => json!("Enabled"),
        Versioning::Suspended => json!("Suspended"),
    };
    Ok(xml("VersioningConfiguration", &json!({"Status": status})))
}

pub(super) fn put_versioning(call: &mut Call<'_>, input: &Value) -> Result<HttpResponse, ApiError> {
    let bucket = bucket(call, input.require("Bucket")?)?;
    let configuration = &input["VersioningConfiguration"];
    if configuration.text("MfaDelete") == Some("Enabled") {
        return Err(ApiError::not_implemented(
            "s3",
            "PutBucketVersioning with MfaDelete",
        ));
    }
    bucket.versioning = match configuration.text("Status") {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        _ => return Err(malformed()),
    };
    Ok(empty(200))
}

pub(super) fn get_policy(call: &mut Call<'_>, input: &Value) -> Result<HttpResponse, ApiError> {
    match &bucket(call, input.require("Bucket")?)?.policy {
        Some((text, _)) => Ok(respond(200, "application/json", text.clone())),
        None => Err(ApiError::new(
            404,
            "NoSuchBucketPolicy",
            "The bucket policy does not exist",
        )),
    }
}

pub(super) fn put_policy(call: &mut Call<'_>, input: &Value) -> Result<HttpResponse, ApiError> {
    let name = input.require("Bucket")?;
    bucket(call, name)?;
    let text = input
        .text("Policy")
        .ok_or_else(|| bad_policy("Missing required field Policy"))?;
    let value: Value =
        serde_json::from_str(text).map_err(|_| bad_policy("This policy contains invalid Json"))?;
    let document = iam::Document::read(&value, iam::Kind::Resource).map_err(bad_policy)?;
    if text.len() > 20 * 1024 {
        return Err(bad_policy("The policy is larger than 20 KB"));
    }
    let own = format!("arn:{}:s3:::{name}", call.region.partition());
    let below = format!("{own}/");
    if !document.resources_are(|resource| resource == own || resource.starts_with(&below)) {
        return Err(bad_policy("Policy has invalid resource"));
    }
    if document.unknown_principal(call.account).is_some() {
        return Err(bad_policy("Invalid principal in policy"));
    }
    let bucket = bucket(call, name)?;
    let blocked = bucket
        .settings
        .get(PUBLIC_ACCESS)
        .is_some_and(|block| matches!(block.flag("BlockPublicPolicy"), Ok(Some(true))));
    if blocked && document.is_public() {
        return Err(access_denied());
    }
    bucket.policy = Some((text.to_owned(), value));
    Ok(empty(204))
}

pub(super) fn delete_policy(call: &mut Call<'_>, input: &Value) -> Result<HttpResponse, ApiError> {
    bucket(call, input.require("Bucket")?)?.policy = None;
    Ok(empty(204))
}

fn bad_policy(message: impl Into<String>) -> ApiError {
    ApiError::bad("MalformedPolicy", message)
}

fn only(value: &Value, known: &[&str]) -> Result<(), ApiError> {
    match value.as_object() {
        Some(members) if members.keys().all(|name| known.contains(&name.as_str())) => Ok(()),
        _ => Err(malformed()),
    }
}

fn check_public_access(value: &mut Value) -> Result<(), ApiError> {
    let names = [
        "BlockPublicAcls",
        "IgnorePublicAcls",
        "BlockPublicPolicy",
        "RestrictPublicBuckets",
    ];
    only(value, &names)?;
    // What is not given is off.
    for name in names {
        let on = value.flag(name).map_err(|_| malformed())?.unwrap_or(false);
        value[name] = json!(on);
    }
    Ok(())
}

fn check_lifecycle(value: &mut Value) -> Result<(), ApiError> {
    only(value, &["Rules"])?;
    let rules = value.list("Rules");
    if rules.is_empty() || rules.len() > 1000 {
        return Err(malformed());
    }
    let mut ids = BTreeSet::new();
    for rule in rules {
        only(
            rule,
            &[
                "ID",
                "Prefix",
                "Filter",
                "Status",
                "Expiration",
                "Transitions",
                "NoncurrentVersionTransitions",
                "NoncurrentVersionExpiration",
                "AbortIncompleteMultipartUpload",
            ],
        )?;
        let status = matches!(rule.text("Status"), Some("Enabled" | "Disabled"));
        // The prefix of a rule for everything is written out, as `<Prefix/>` or `<Filter/>`.
        let scope = rule.field("Prefix").is_some() != rule.field("Filter").is_some();
        if !status || !scope {
            return Err(malformed());
        }
        let id = rule.text("ID").unwrap_or_default();
        if id.len() > 255 {
            return Err(invalid("ID length should not exceed allowed limit of 255"));
        }
        if !id.is_empty() && !ids.insert(id) {
            return Err(invalid(
                "Rule ID must be unique. Found same ID for more than one rule",
            ));
        }
        check_lifecycle_actions(rule)?;
    }
    let mut unnamed = value["Rules"]
        .as_array_mut()
        .map_or(&mut [][..], Vec::as_mut_slice)
        .iter_mut();
    unnamed
        .by_ref()
        .filter(|rule| rule.text("ID").is_none_or(str::is_empty))
        .for_each(|rule| rule["ID"] = json!(crate::ids::uuid()));
    Ok(())
}

fn check_lifecycle_actions(rule: &Value) -> Result<(), ApiError> {
    let days = [
        ("Expiration", "Days"),
        ("NoncurrentVersionExpiration", "NoncurrentDays"),
        ("AbortIncompleteMultipartUpload", "DaysAfterInitiation"),
    ];
    let mut actions =
        rule.list("Transitions").len() + rule.list("NoncurrentVersionTransitions").len();
    for (action, member) in days {
        let Some(settings) = rule.field(action) else {
            continue;
        };
        actions += 1;
        match settings.int(member) {
            Ok(Some(days)) if days <= 0 => {
                return Err(ApiError::bad(
                    "InvalidArgument",
                    format!("'{member}' for {action} action must be a positive integer"),
                ));
            }
            Ok(_) => {}
            Err(_) => return Err(malformed()),
        }
    }
    if actions == 0 {
        return Err(ApiError::bad(
            "InvalidRequest",
            "At least one action needs to be specified in a rule",
        ));
    }
    Ok(())
}

/// Refuses a set of tags that adds, changes or drops what a service has put there.
fn keep_system_tags(bucket: &Bucket, wanted: &Value) -> Result<(), ApiError> {
    let of = |value: &Value| -> BTreeSet<(String, String)> {
        let tags = value.list("TagSet").iter();
        tags.map(|tag| {
            let text = |name: &str| tag.text(name).unwrap_or_default().to_owned();
            (text("Key"), text("Value"))
        })
        .filter(|(key, _)| key.starts_with("aws:"))
        .collect()
    };
    let there = bucket.settings.get(TAGGING).map(of).unwrap_or_default();
    let wanted = of(wanted);
    let refuse = |what: &str| {
        let message = format!("System tags cannot be {what} by requester");
        Err(ApiError::bad("InvalidTag", message))
    };
    if !wanted.is_subset(&there) {
        return refuse("added/updated");
    }
    if wanted != there {
        return refuse("removed");
    }
    Ok(())
}

fn check_tags(value: &mut Value) -> Result<(), ApiError> {
    only(value, &["TagSet"])?;
    let mut keys = BTreeSet::new();
    for tag in value.list("TagSet") {
        let key = tag.text("Key").ok_or_else(malformed)?;
        if key.is_empty() || key.chars().count() > 128 {
            return Err(ApiError::bad(
                "InvalidTag",
                "The TagKey you have provided is invalid",
            ));
        }
        if tag
            .text("Value")
            .is_none_or(|value| value.chars().count() > 256)
        {
            return Err(ApiError::bad(
                "InvalidTag",
                "The TagValue you have provided is invalid",
            ));
        }
        if !keys.insert(key) {
            return Err(ApiError::bad(
                "InvalidTag",
                "Cannot provide multiple Tags with the same key",
            ));
        }
    }
    if keys.iter().filter(|key| !key.starts_with("aws:")).count() > 50 {
        return Err(ApiError::bad(
            "BadRequest",
            "Bucket tag count cannot be greater than 50",
        ));
    }
    Ok(())
}

fn check_encryption(value: &mut Value) -> Result<(), ApiError> {
    only(value, &["Rules"])?;
    let [rule] = value.list("Rules") else {
        return Err(malformed());
    };
    match rule["ApplyServerSideEncryptionByDefault"].text("SSEAlgorithm") {
        Some("AES256") => Ok(()),
        Some("aws:kms" | "aws:kms:dsse") => Err(ApiError::not_implemented(
            "s3",
            "PutBucketEncryption with aws:kms",
        )),
        _ => Err(malformed()),
    }
}

fn check_ownership(value: &mut Value) -> Result<(), ApiError> {
    only(value, &["Rules"])?;
    let known = [
        "BucketOwnerEnforced",
        "BucketOwnerPreferred",
        "ObjectWriter",
    ];
    match value.list("Rules") {
        [rule]
            if rule
                .text("ObjectOwnership")
                .is_some_and(|kind| known.contains(&kind)) =>
        {
            Ok(())
        }
        _ => Err(malformed()),
    }
}

fn invalid(message: &str) -> ApiError {
    ApiError::bad("InvalidArgument", message)
}

/// The parsed policy of a bucket.
pub(super) fn policy(bucket: &Bucket) -> Option<Value> {
    bucket.policy.as_ref().map(|(_, value)| value.clone())
}
