//! The other partitions of AWS: every ARN, managed policy and host name follows the region.

use trials::trial::in_world;
use trials::world::quick;
use trials::{ACCOUNT, Lab, STACK};

fn comes_heals_and_goes(region: &'static str, partition: &str) {
    in_world(quick(), async |world, package| {
        let lab = Lab::new(world, package).in_region(region);
        let told = lab.ok(&["doctor"]).await;
        assert_eq!(told.document["verdict"], "ok", "{}", told.text);
        let told = lab.ok(&["deploy"]).await;
        for (member, service) in [
            ("function_arn", "lambda"),
            ("function_role_arn", "iam"),
            ("config_role_arn", "iam"),
            ("topic_arn", "sns"),
        ] {
            let arn = told.document[member].to_string();
            let beginning = format!("\"arn:{partition}:{service}:");
            assert!(arn.starts_with(&beginning), "{member} is {arn}");
        }
        let told = lab.ok(&["simulate-incident"]).await;
        assert_eq!(told.document["healed"], true, "{}", told.text);
        let told = lab.ok(&["policy"]).await;
        let stack = format!("arn:{partition}:cloudformation:{region}:{ACCOUNT}:stack/{STACK}/*");
        assert!(told.text.contains(&stack), "{}", told.text);
        assert!(!told.text.contains("arn:aws:"), "{}", told.text);
        let told = lab.ok(&["cleanup"]).await;
        assert_eq!(told.document["leftovers"], serde_json::json!([]));
    });
}

#[test]
fn china() {
    comes_heals_and_goes("cn-north-1", "aws-cn");
}

#[test]
fn govcloud() {
    comes_heals_and_goes("us-gov-west-1", "aws-us-gov");
}
