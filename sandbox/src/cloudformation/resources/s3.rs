//! Buckets and their policies.

use std::sync::PoisonError;

use serde_json::{Map, Value, json};

use super::schema::{fixed, must, must_mutable, mutable};
use super::{Failure, Family, Kind, Made, Update, Work, unhandled};
use crate::service::Service::S3;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "AWS::S3::Bucket",
        family: Family::S3,
        properties: &[
            mutable("BucketEncryption"),
            fixed("BucketName"),
            mutable("LifecycleConfiguration"),
            mutable("OwnershipControls"),
            mutable("PublicAccessBlockConfiguration"),
            mutable("Tags"),
            mutable("VersioningConfiguration"),
        ],
        attributes: &[
            "Arn",
            "DomainName",
            "DualStackDomainName",
            "RegionalDomainName",
        ],
        name_property: Some("BucketName"),
        taggable: true,
    },
    Kind {
        name: "AWS::S3::BucketPolicy",
        family: Family::S3,
        properties: &[must("Bucket"), must_mutable("PolicyDocument")],
        attributes: &[],
        name_property: None,
        taggable: false,
    },
];

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::S3::Bucket" => bucket(work, properties).await,
        "AWS::S3::BucketPolicy" => {
            let bucket = work.required(properties, "Bucket")?;
            match work
                .call(S3, "GetBucketPolicy", json!({"Bucket": bucket}))
                .await
            {
                Err(failure) if failure.code == "NoSuchBucketPolicy" => {}
                Err(failure) => return Err(failure),
                Ok(_) => {
                    let message = format!("The bucket policy already exists on bucket {bucket}.");
                    return Err(Failure::handler(work, &message, "AlreadyExists"));
                }
            }
            put_policy(work, &bucket, properties).await?;
            work.initiated(&bucket);
            Ok(Made::new(bucket, json!({})))
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    let bucket = update.physical_id;
    match kind {
        "AWS::S3::BucketPolicy" => put_policy(work, bucket, update.new).await?,
        "AWS::S3::Bucket" => {
            for setting in settings(work, update.new)? {
                if update.has(setting.property) {
                    setting.put(work, bucket).await?;
                }
            }
            for (property, operation) in REMOVALS {
                if update.has(property) && update.new.get(property).is_none() {
                    work.call(S3, operation, json!({"Bucket": bucket})).await?;
                }
            }
            if update.has("VersioningConfiguration")
                && update.new.get("VersioningConfiguration").is_none()
            {
                let input =
                    json!({"Bucket": bucket, "VersioningConfiguration": {"Status": "Suspended"}});
                work.call(S3, "PutBucketVersioning", input).await?;
            }
            if update.has("Tags") {
                let input = json!({"Bucket": bucket, "Tagging": {"TagSet": work.tag_list(S3)}});
                work.call(S3, "PutBucketTagging", input).await?;
            }
        }
        other => return Err(unhandled(other)),
    }
    Ok(update.unchanged())
}

pub(super) async fn delete(work: &Work, kind: &str, bucket: &str) -> Result<(), Failure> {
    let operation = match kind {
        "AWS::S3::Bucket" => "DeleteBucket",
        "AWS::S3::BucketPolicy" => "DeleteBucketPolicy",
        other => return Err(unhandled(other)),
    };
    work.tell(S3, operation, json!({"Bucket": bucket})).await
}

async fn put_policy(work: &Work, bucket: &str, properties: &Value) -> Result<(), Failure> {
    let policy = work.document(properties, "PolicyDocument")?;
    let input = json!({"Bucket": bucket, "Policy": policy});
    work.tell(S3, "PutBucketPolicy", input).await
}

async fn bucket(work: &Work, properties: &Value) -> Result<Made, Failure> {
    // Read before the bucket is made: a malformed rule must not leave one behind.
    let settings = settings(work, properties)?;
    let name = match work.text(properties, "BucketName")? {
        Some(name) => name,
        None => work.generated(63).to_ascii_lowercase(),
    };
    // S3 itself may answer with a bucket that its owner has already; CloudFormation does not take over what it has not made.
    let taken = {
        let owners = work
            .job
            .sandbox
            .bucket_owners
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        owners.get(&name) == Some(&work.job.target.account)
    };
    if taken {
        return Err(Failure::handler(
            work,
            &format!("{name} already exists"),
            "AlreadyExists",
        ));
    }
    let region = work.job.target.region.as_str();
    let mut input = json!({"Bucket": name});
    // The oldest region must not be named.
    if region != "us-east-1" {
        input["CreateBucketConfiguration"] = json!({"LocationConstraint": region});
    }
    work.call(S3, "CreateBucket", input).await?;
    work.initiated(&name);
    for setting in settings {
        setting.put(work, &name).await?;
    }
    let tags = work.tag_list(S3);
    if tags.as_array().is_some_and(|tags| !tags.is_empty()) {
        work.call(
            S3,
            "PutBucketTagging",
            json!({"Bucket": name, "Tagging": {"TagSet": tags}}),
        )
        .await?;
    }
    let (partition, suffix) = (
        work.job.target.region.partition(),
        work.job.target.region.url_suffix(),
    );
    let attributes = json!({
        "Arn": format!("arn:{partition}:s3:::{name}"),
        "DomainName": format!("{name}.s3.{suffix}"),
        "DualStackDomainName": format!("{name}.s3.dualstack.{region}.{suffix}"),
        "RegionalDomainName": format!("{name}.s3.{region}.{suffix}"),
    });
    Ok(Made::new(name, attributes))
}

/// A part of a bucket's configuration, ready to be put.
struct Setting {
    property: &'static str,
    operation: &'static str,
    member: &'static str,
    value: Value,
}

/// How a part of a bucket's configuration is taken away again.
const REMOVALS: [(&str, &str); 4] = [
    ("BucketEncryption", "DeleteBucketEncryption"),
    ("LifecycleConfiguration", "DeleteBucketLifecycle"),
    ("OwnershipControls", "DeleteBucketOwnershipControls"),
    ("PublicAccessBlockConfiguration", "DeletePublicAccessBlock"),
];

impl Setting {
    async fn put(&self, work: &Work, bucket: &str) -> Result<(), Failure> {
        let input = json!({"Bucket": bucket, self.member: self.value});
        work.tell(S3, self.operation, input).await
    }
}

fn settings(work: &Work, properties: &Value) -> Result<Vec<Setting>, Failure> {
    let mut settings = Vec::new();
    let mut add = |property, operation, member, value| {
        settings.push(Setting {
            property,
            operation,
            member,
            value,
        });
    };
    if let Some(ownership) = properties.get("OwnershipControls") {
        work.shape("#/OwnershipControls", ownership, &["Rules"], &["Rules"])?;
        add(
            "OwnershipControls",
            "PutBucketOwnershipControls",
            "OwnershipControls",
            ownership.clone(),
        );
    }
    if let Some(block) = properties.get("PublicAccessBlockConfiguration") {
        let flags = [
            "BlockPublicAcls",
            "BlockPublicPolicy",
            "IgnorePublicAcls",
            "RestrictPublicBuckets",
        ];
        work.shape("#/PublicAccessBlockConfiguration", block, &flags, &[])?;
        let mut value = Map::new();
        for flag in flags {
            value.insert(
                flag.to_owned(),
                work.flag(block, flag)?.unwrap_or(false).into(),
            );
        }
        let member = "PublicAccessBlockConfiguration";
        add(member, "PutPublicAccessBlock", member, value.into());
    }
    if let Some(encryption) = properties.get("BucketEncryption") {
        let list = "ServerSideEncryptionConfiguration";
        work.shape("#/BucketEncryption", encryption, &[list], &[list])?;
        add(
            "BucketEncryption",
            "PutBucketEncryption",
            list,
            encryption_rules(work, encryption)?,
        );
    }
    if let Some(versioning) = properties.get("VersioningConfiguration") {
        work.shape(
            "#/VersioningConfiguration",
            versioning,
            &["Status"],
            &["Status"],
        )?;
        let member = "VersioningConfiguration";
        add(member, "PutBucketVersioning", member, versioning.clone());
    }
    if let Some(lifecycle) = properties.get("LifecycleConfiguration") {
        let path = "#/LifecycleConfiguration";
        work.shape(path, lifecycle, &["Rules"], &["Rules"])?;
        let rules = work
            .items(lifecycle, "Rules")?
            .iter()
            .enumerate()
            .map(|(index, rule)| lifecycle_rule(work, &format!("{path}/Rules/{index}"), rule))
            .collect::<Result<Value, Failure>>()?;
        let member = "LifecycleConfiguration";
        add(
            member,
            "PutBucketLifecycleConfiguration",
            member,
            json!({"Rules": rules}),
        );
    }
    Ok(settings)
}

/// The template calls `ServerSideEncryptionByDefault` what the API calls `ApplyServerSideEncryptionByDefault`.
fn encryption_rules(work: &Work, encryption: &Value) -> Result<Value, Failure> {
    let mut rules = Vec::new();
    for (index, rule) in work
        .items(encryption, "ServerSideEncryptionConfiguration")?
        .iter()
        .enumerate()
    {
        let path = format!("#/BucketEncryption/ServerSideEncryptionConfiguration/{index}");
        work.shape(
            &path,
            rule,
            &["BucketKeyEnabled", "ServerSideEncryptionByDefault"],
            &[],
        )?;
        let mut converted = Map::new();
        if let Some(default) = rule.get("ServerSideEncryptionByDefault") {
            let path = format!("{path}/ServerSideEncryptionByDefault");
            work.shape(
                &path,
                default,
                &["KMSMasterKeyID", "SSEAlgorithm"],
                &["SSEAlgorithm"],
            )?;
            converted.insert(
                "ApplyServerSideEncryptionByDefault".to_owned(),
                default.clone(),
            );
        }
        if let Some(on) = work.flag(rule, "BucketKeyEnabled")? {
            converted.insert("BucketKeyEnabled".to_owned(), on.into());
        }
        rules.push(Value::Object(converted));
    }
    Ok(json!({"Rules": rules}))
}

/// From the template's shape of a rule to the API's.
fn lifecycle_rule(work: &Work, path: &str, rule: &Value) -> Result<Value, Failure> {
    let allowed = [
        "AbortIncompleteMultipartUpload",
        "ExpirationDate",
        "ExpirationInDays",
        "ExpiredObjectDeleteMarker",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "Prefix",
        "Status",
    ];
    work.shape(path, rule, &allowed, &["Status"])?;
    let mut converted = json!({
        "Status": work.required(rule, "Status")?,
        "Filter": {"Prefix": work.text(rule, "Prefix")?.unwrap_or_default()},
    });
    if let Some(id) = work.text(rule, "Id")? {
        converted["ID"] = id.into();
    }
    let mut expiration = Map::new();
    if let Some(days) = work.int(rule, "ExpirationInDays")? {
        expiration.insert("Days".to_owned(), days.into());
    }
    if let Some(date) = work.text(rule, "ExpirationDate")? {
        expiration.insert("Date".to_owned(), date.into());
    }
    if let Some(marker) = work.flag(rule, "ExpiredObjectDeleteMarker")? {
        expiration.insert("ExpiredObjectDeleteMarker".to_owned(), marker.into());
    }
    if !expiration.is_empty() {
        converted["Expiration"] = expiration.into();
    }
    if let Some(noncurrent) = rule.get("NoncurrentVersionExpiration") {
        let members = ["NewerNoncurrentVersions", "NoncurrentDays"];
        work.shape(
            &format!("{path}/NoncurrentVersionExpiration"),
            noncurrent,
            &members,
            &["NoncurrentDays"],
        )?;
        converted["NoncurrentVersionExpiration"] = noncurrent.clone();
    } else if let Some(days) = work.int(rule, "NoncurrentVersionExpirationInDays")? {
        converted["NoncurrentVersionExpiration"] = json!({"NoncurrentDays": days});
    }
    if let Some(abort) = rule.get("AbortIncompleteMultipartUpload") {
        let members = ["DaysAfterInitiation"];
        work.shape(
            &format!("{path}/AbortIncompleteMultipartUpload"),
            abort,
            &members,
            &members,
        )?;
        let days = work.int(abort, "DaysAfterInitiation")?;
        converted["AbortIncompleteMultipartUpload"] = json!({"DaysAfterInitiation": days});
    }
    Ok(converted)
}
