//! The resource types: which properties they have, and who makes them.
//!
//! Each file holds the types of one service: a table of what they look like, and how they are made, changed and
//! deleted. Nothing is ignored silently: a property that is not in the table fails the resource.

mod config;
mod ec2_groups;
mod ec2_network;
mod events;
mod iam;
mod lambda;
mod lambda_versions;
mod logs;
mod reads;
mod s3;
mod schema;
mod siblings;
mod sns;
mod ssm;
pub(super) mod tags;
mod work;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use self::reads::Moment;
pub(super) use self::schema::{Change, Kind};
pub(super) use self::work::{Failure, Made, Work};

/// Which file makes a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Config,
    Network,
    Groups,
    Events,
    Iam,
    Lambda,
    LambdaVersions,
    Logs,
    S3,
    Sns,
    Ssm,
}

/// The type of that name.
pub(super) fn kind(name: &str) -> Option<&'static Kind> {
    [
        config::KINDS,
        ec2_network::KINDS,
        ec2_groups::KINDS,
        events::KINDS,
        iam::KINDS,
        lambda::KINDS,
        lambda_versions::KINDS,
        logs::KINDS,
        s3::KINDS,
        sns::KINDS,
        ssm::KINDS,
    ]
    .into_iter()
    .flatten()
    .find(|kind| kind.name == name)
}

/// Makes a resource.
///
/// # Errors
/// The reason. What was made before the failure is known to the stack, which takes it back.
pub(super) async fn create(work: &Work, kind: &Kind, properties: &Value) -> Result<Made, Failure> {
    schema::check(kind, &work.logical_id, properties)?;
    let made = match kind.family {
        Family::Config => config::create(work, kind.name, properties).await,
        Family::Network => ec2_network::create(work, kind.name, properties).await,
        Family::Groups => ec2_groups::create(work, kind.name, properties).await,
        Family::Events => events::create(work, kind.name, properties).await,
        Family::Iam => iam::create(work, kind.name, properties).await,
        Family::Lambda => lambda::create(work, kind.name, properties).await,
        Family::LambdaVersions => lambda_versions::create(work, kind.name, properties).await,
        Family::Logs => logs::create(work, kind.name, properties).await,
        Family::S3 => s3::create(work, kind.name, properties).await,
        Family::Sns => sns::create(work, kind.name, properties).await,
        Family::Ssm => ssm::create(work, kind.name, properties).await,
    }?;
    reads::allowed(work, kind, Moment::Made, &made.physical_id, properties)?;
    Ok(made)
}

/// A change of a resource that stays what it is.
#[derive(Debug)]
pub(super) struct Update<'u> {
    pub(super) physical_id: &'u str,
    pub(super) attributes: &'u Map<String, Value>,
    pub(super) old: &'u Value,
    pub(super) new: &'u Value,
    /// The names of the top-level properties that differ; `Tags` also when the stack's tags do.
    pub(super) changed: &'u BTreeSet<String>,
    pub(super) old_tags: &'u [(String, String)],
    pub(super) new_tags: &'u [(String, String)],
    /// Whether this takes back a change that may have failed half-way.
    pub(super) back: bool,
}

impl Update<'_> {
    fn has(&self, name: &str) -> bool {
        self.changed.contains(name)
    }

    /// The same resource, with the attributes that it had.
    fn unchanged(&self) -> Made {
        Made {
            physical_id: self.physical_id.to_owned(),
            attributes: self.attributes.clone(),
        }
    }
}

/// Changes a resource in place. Only called for changes that the type's table says can be made so.
///
/// # Errors
/// The reason.
pub(super) async fn update(work: &Work, kind: &Kind, update: &Update<'_>) -> Result<Made, Failure> {
    schema::check(kind, &work.logical_id, update.new)?;
    match kind.family {
        Family::Config => config::update(work, kind.name, update).await,
        Family::Network => ec2_network::update(work, kind.name, update).await,
        Family::Groups => ec2_groups::update(work, kind.name, update).await,
        Family::Events => events::update(work, kind.name, update).await,
        Family::Iam => iam::update(work, kind.name, update).await,
        Family::Lambda => lambda::update(work, kind.name, update).await,
        Family::LambdaVersions => lambda_versions::update(work, kind.name, update).await,
        Family::Logs => logs::update(work, kind.name, update).await,
        Family::S3 => s3::update(work, kind.name, update).await,
        Family::Sns => sns::update(work, kind.name, update).await,
        Family::Ssm => ssm::update(work, kind.name, update).await,
    }
}

/// Deletes a resource; one that is gone already counts as deleted.
///
/// # Errors
/// The reason.
pub(super) async fn delete(
    work: &Work,
    kind: &Kind,
    physical_id: &str,
    properties: &Value,
) -> Result<(), Failure> {
    reads::allowed(work, kind, Moment::Deleted, physical_id, properties)?;
    let done = match kind.family {
        Family::Config => config::delete(work, kind.name, physical_id).await,
        Family::Network => ec2_network::delete(work, kind.name, physical_id, properties).await,
        Family::Groups => ec2_groups::delete(work, kind.name, physical_id, properties).await,
        Family::Events => events::delete(work, physical_id).await,
        Family::Iam => iam::delete(work, kind.name, physical_id, properties).await,
        Family::Lambda => lambda::delete(work, kind.name, physical_id, properties).await,
        Family::LambdaVersions => {
            lambda_versions::delete(work, kind.name, physical_id, properties).await
        }
        Family::Logs => logs::delete(work, physical_id).await,
        Family::S3 => s3::delete(work, kind.name, physical_id).await,
        Family::Sns => sns::delete(work, kind.name, physical_id, properties).await,
        Family::Ssm => ssm::delete(work, physical_id).await,
    };
    match done {
        Err(failure) if failure.missing => Ok(()),
        other => other,
    }
}

/// A type that a table forgot to say how to make; the tables and the handlers stand in one file, so a test finds it.
fn unhandled(kind: &str) -> Failure {
    Failure::new(format!("{kind} cannot be handled by the sandbox"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_by_its_name() {
        for name in [
            "AWS::EC2::VPC",
            "AWS::IAM::Role",
            "AWS::Lambda::Permission",
            "AWS::S3::BucketPolicy",
        ] {
            assert_eq!(kind(name).map(|kind| kind.name), Some(name));
        }
        assert!(kind("AWS::EC2::Instance").is_none());
    }
}
