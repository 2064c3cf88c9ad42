//! Roles and their policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::schema::{fixed, must_mutable, mutable};
use super::work::answered;
use super::{Failure, Family, Kind, Made, Update, Work, tags, unhandled};
use crate::service::Service::Iam;

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "AWS::IAM::Role",
        family: Family::Iam,
        properties: &[
            must_mutable("AssumeRolePolicyDocument"),
            mutable("Description"),
            mutable("ManagedPolicyArns"),
            mutable("MaxSessionDuration"),
            fixed("Path"),
            mutable("PermissionsBoundary"),
            mutable("Policies"),
            fixed("RoleName"),
            mutable("Tags"),
        ],
        attributes: &["Arn", "RoleId"],
        name_property: Some("RoleName"),
        taggable: true,
    },
    Kind {
        name: "AWS::IAM::ManagedPolicy",
        family: Family::Iam,
        properties: &[
            fixed("Description"),
            fixed("ManagedPolicyName"),
            fixed("Path"),
            must_mutable("PolicyDocument"),
            mutable("Roles"),
        ],
        attributes: &["PolicyArn"],
        name_property: Some("ManagedPolicyName"),
        taggable: false,
    },
    Kind {
        name: "AWS::IAM::Policy",
        family: Family::Iam,
        properties: &[
            must_mutable("PolicyDocument"),
            fixed_name(),
            mutable("Roles"),
        ],
        attributes: &["Id"],
        // A name inside a role is no name of its own: CAPABILITY_IAM is enough for it.
        name_property: None,
        taggable: false,
    },
];

const fn fixed_name() -> super::schema::Property {
    super::schema::must("PolicyName")
}

pub(super) async fn create(work: &Work, kind: &str, properties: &Value) -> Result<Made, Failure> {
    match kind {
        "AWS::IAM::Role" => role(work, properties).await,
        "AWS::IAM::ManagedPolicy" => managed_policy(work, properties).await,
        "AWS::IAM::Policy" => {
            let roles = roles_of(work, properties)?;
            let id = work.generated(40);
            work.initiated(&id);
            for role in roles {
                put_inline(work, &role, properties).await?;
            }
            Ok(Made::new(&id, json!({"Id": id})))
        }
        other => Err(unhandled(other)),
    }
}

pub(super) async fn update(work: &Work, kind: &str, update: &Update<'_>) -> Result<Made, Failure> {
    match kind {
        "AWS::IAM::Role" => update_role(work, update).await?,
        "AWS::IAM::Policy" => {
            let (old, new) = (roles_of(work, update.old)?, roles_of(work, update.new)?);
            for role in &new {
                put_inline(work, role, update.new).await?;
            }
            for role in old.iter().filter(|role| !new.contains(role)) {
                delete_inline(work, role, &work.required(update.old, "PolicyName")?).await?;
            }
        }
        "AWS::IAM::ManagedPolicy" => {
            let arn = update.physical_id;
            if update.has("PolicyDocument") {
                let document = work.document(update.new, "PolicyDocument")?;
                let input =
                    json!({"PolicyArn": arn, "PolicyDocument": document, "SetAsDefault": true});
                work.call(Iam, "CreatePolicyVersion", input).await?;
            }
            let (old, new) = (
                work.texts(update.old, "Roles")?,
                work.texts(update.new, "Roles")?,
            );
            for role in new.iter().filter(|role| !old.contains(role)) {
                attach(work, role, arn).await?;
            }
            for role in old.iter().filter(|role| !new.contains(role)) {
                detach(work, role, arn).await?;
            }
        }
        other => return Err(unhandled(other)),
    }
    Ok(update.unchanged())
}

pub(super) async fn delete(
    work: &Work,
    kind: &str,
    id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    match kind {
        "AWS::IAM::Role" => {
            for name in inline_policies(work, properties)?.into_keys() {
                delete_inline(work, id, &name).await?;
            }
            for arn in work.texts(properties, "ManagedPolicyArns")? {
                detach(work, id, &arn).await?;
            }
            work.tell(Iam, "DeleteRole", json!({"RoleName": id})).await
        }
        "AWS::IAM::ManagedPolicy" => {
            for role in work.texts(properties, "Roles")? {
                detach(work, &role, id).await?;
            }
            work.tell(Iam, "DeletePolicy", json!({"PolicyArn": id}))
                .await
        }
        "AWS::IAM::Policy" => {
            for role in roles_of(work, properties)? {
                delete_inline(work, &role, &work.required(properties, "PolicyName")?).await?;
            }
            Ok(())
        }
        other => Err(unhandled(other)),
    }
}

async fn role(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let policies = inline_policies(work, properties)?;
    let name = work.name(properties, "RoleName", 64)?;
    let input = json!({
        "RoleName": name,
        "AssumeRolePolicyDocument": work.document(properties, "AssumeRolePolicyDocument")?,
        "Description": work.text(properties, "Description")?,
        "MaxSessionDuration": work.int(properties, "MaxSessionDuration")?,
        "Path": work.text(properties, "Path")?,
        "PermissionsBoundary": work.text(properties, "PermissionsBoundary")?,
        "Tags": work.tag_list(Iam),
    });
    let answer = work.call(Iam, "CreateRole", input).await?;
    work.initiated(&name);
    for (policy, document) in policies {
        let input = json!({"RoleName": name, "PolicyName": policy, "PolicyDocument": document});
        work.call(Iam, "PutRolePolicy", input).await?;
    }
    for arn in work.texts(properties, "ManagedPolicyArns")? {
        attach(work, &name, &arn).await?;
    }
    let attributes = json!({"Arn": answered(&answer, "/Role/Arn")?, "RoleId": answered(&answer, "/Role/RoleId")?});
    Ok(Made::new(name, attributes))
}

async fn update_role(work: &Work, update: &Update<'_>) -> Result<(), Failure> {
    let name = update.physical_id;
    if update.has("AssumeRolePolicyDocument") {
        let document = work.document(update.new, "AssumeRolePolicyDocument")?;
        let input = json!({"RoleName": name, "PolicyDocument": document});
        work.call(Iam, "UpdateAssumeRolePolicy", input).await?;
    }
    if update.has("Description") || update.has("MaxSessionDuration") {
        let input = json!({
            "RoleName": name,
            "Description": work.text(update.new, "Description")?.unwrap_or_default(),
            "MaxSessionDuration": work.int(update.new, "MaxSessionDuration")?.unwrap_or(3600),
        });
        work.call(Iam, "UpdateRole", input).await?;
    }
    if update.has("PermissionsBoundary") {
        match work.text(update.new, "PermissionsBoundary")? {
            Some(arn) => {
                let input = json!({"RoleName": name, "PermissionsBoundary": arn});
                work.call(Iam, "PutRolePermissionsBoundary", input).await?;
            }
            None => {
                let input = json!({"RoleName": name});
                gone(work.call(Iam, "DeleteRolePermissionsBoundary", input).await)?;
            }
        }
    }
    let (old, new) = (
        inline_policies(work, update.old)?,
        inline_policies(work, update.new)?,
    );
    for (policy, document) in new
        .iter()
        .filter(|(policy, document)| old.get(*policy) != Some(document))
    {
        let input = json!({"RoleName": name, "PolicyName": policy, "PolicyDocument": document});
        work.call(Iam, "PutRolePolicy", input).await?;
    }
    for policy in old.keys().filter(|policy| !new.contains_key(*policy)) {
        delete_inline(work, name, policy).await?;
    }
    let (old, new) = (
        work.texts(update.old, "ManagedPolicyArns")?,
        work.texts(update.new, "ManagedPolicyArns")?,
    );
    for arn in new.iter().filter(|arn| !old.contains(arn)) {
        attach(work, name, arn).await?;
    }
    for arn in old.iter().filter(|arn| !new.contains(arn)) {
        detach(work, name, arn).await?;
    }
    let tagged = tags::Tagged {
        operations: ["UntagRole", "TagRole"],
        ..tags::Tagged::usual(Iam, "RoleName", name)
    };
    tagged.follow(work, update).await
}

async fn managed_policy(work: &Work, properties: &Value) -> Result<Made, Failure> {
    let input = json!({
        "PolicyName": work.name(properties, "ManagedPolicyName", 128)?,
        "PolicyDocument": work.document(properties, "PolicyDocument")?,
        "Description": work.text(properties, "Description")?,
        "Path": work.text(properties, "Path")?,
    });
    let answer = work.call(Iam, "CreatePolicy", input).await?;
    let arn = answered(&answer, "/Policy/Arn")?;
    work.initiated(&arn);
    for role in work.texts(properties, "Roles")? {
        attach(work, &role, &arn).await?;
    }
    Ok(Made::new(&arn, json!({"PolicyArn": arn})))
}

/// The documents of a role's inline policies by their names.
fn inline_policies(work: &Work, properties: &Value) -> Result<BTreeMap<String, String>, Failure> {
    let mut policies = BTreeMap::new();
    for (index, policy) in work.items(properties, "Policies")?.iter().enumerate() {
        let members = ["PolicyDocument", "PolicyName"];
        work.shape(&format!("#/Policies/{index}"), policy, &members, &members)?;
        policies.insert(
            work.required(policy, "PolicyName")?,
            work.document(policy, "PolicyDocument")?,
        );
    }
    Ok(policies)
}

fn roles_of(work: &Work, properties: &Value) -> Result<Vec<String>, Failure> {
    let roles = work.texts(properties, "Roles")?;
    if roles.is_empty() {
        return Err(Failure::new(
            "At least one of [Groups,Roles,Users] must be non-empty.",
        ));
    }
    Ok(roles)
}

async fn put_inline(work: &Work, role: &str, properties: &Value) -> Result<(), Failure> {
    let input = json!({
        "RoleName": role,
        "PolicyName": work.required(properties, "PolicyName")?,
        "PolicyDocument": work.document(properties, "PolicyDocument")?,
    });
    work.tell(Iam, "PutRolePolicy", input).await
}

async fn delete_inline(work: &Work, role: &str, policy: &str) -> Result<(), Failure> {
    let input = json!({"RoleName": role, "PolicyName": policy});
    gone(work.call(Iam, "DeleteRolePolicy", input).await)
}

async fn attach(work: &Work, role: &str, arn: &str) -> Result<(), Failure> {
    let input = json!({"RoleName": role, "PolicyArn": arn});
    work.tell(Iam, "AttachRolePolicy", input).await
}

async fn detach(work: &Work, role: &str, arn: &str) -> Result<(), Failure> {
    let input = json!({"RoleName": role, "PolicyArn": arn});
    gone(work.call(Iam, "DetachRolePolicy", input).await)
}

/// What somebody took away already needs no taking away.
fn gone(answer: Result<Value, Failure>) -> Result<(), Failure> {
    match answer {
        Err(failure) if failure.missing => Ok(()),
        other => other.map(drop),
    }
}
