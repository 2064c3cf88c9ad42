use std::collections::BTreeSet;
use std::path::Path;

use sandbox::protocol::Operation;
use sandbox::service::Service;
use serde_json::json;

use super::{Census, services};
use crate::World;
use crate::trial::one;

/// Services that hold nothing of their own, with the reason.
const EXEMPT: [(&str, &str); 3] = [
    (
        "cloudtrail",
        "it tells of calls; nobody can make or remove anything in it here",
    ),
    (
        "servicequotas",
        "it tells of limits; nobody can make or remove one here",
    ),
    ("sts", "sessions end by themselves"),
];

#[test]
fn a_census_looks_into_every_service_of_the_sandbox() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sandbox/tests/operations");
    let there: BTreeSet<String> = std::fs::read_dir(models)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .map(|name| name.trim_end_matches(".txt").to_owned())
        .collect();
    let known: BTreeSet<String> = services()
        .into_iter()
        .chain(EXEMPT.map(|(name, _)| name))
        .map(str::to_owned)
        .collect();
    assert_eq!(there, known);
}

#[test]
fn a_census_tells_what_was_made_changed_and_removed() {
    one(async || {
        let world = World::start().await;
        let named = |name: &str| json!({"GroupName": name, "GroupDescription": "d"});
        world
            .call(Service::Ec2, "CreateSecurityGroup", named("gone"))
            .await;
        let bucket = Operation::new("CreateBucket", json!({"Bucket": "a-trial-bucket"}));
        world.text(&bucket).await.unwrap();
        let before = Census::of(&world).await;
        assert_eq!(before.differences(&Census::of(&world).await), "");
        assert!(!before.is_empty() && before.len() > 10);
        world
            .call(
                Service::Ec2,
                "DeleteSecurityGroup",
                json!({"GroupName": "gone"}),
            )
            .await;
        world
            .call(Service::Ec2, "CreateSecurityGroup", named("new"))
            .await;
        let tags = json!({"Bucket": "a-trial-bucket", "Tagging": {"TagSet": [{"Key": "k", "Value": "v"}]}});
        world
            .text(&Operation::new("PutBucketTagging", tags))
            .await
            .unwrap();
        let told = before.differences(&Census::of(&world).await);
        let begins = |sign: &str| told.lines().any(|line| line.starts_with(sign));
        assert!(begins("- ec2 DescribeSecurityGroups sg-"), "{told}");
        assert!(begins("+ ec2 DescribeSecurityGroups sg-"), "{told}");
        assert!(begins("~ s3 a-trial-bucket GetBucketTagging"), "{told}");
        world.end().await;
    });
}
