//! Where a company demands a permissions boundary: every role has it, that of the self-destruct too, and the operator can make
//! none without.

use std::collections::BTreeMap;

use driftlab::error::Kind;
use driftlab::permissions::{Names, Part};
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::furnish::{boundary, user};
use trials::trial::{in_lab, in_world};
use trials::world::{quick, strict};
use trials::{ACCOUNT, Census, Lab, REGION, STACK, World};

fn expiry_role() -> String {
    format!("driftlab-expiry-{REGION}-{STACK}")
}

async fn boundary_of(world: &World, role: &str) -> Value {
    let role = world
        .call(Service::Iam, "GetRole", json!({ "RoleName": role }))
        .await;
    role["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"].clone()
}

#[test]
fn who_may_make_roles_with_a_boundary_only_gives_it_to_each() {
    in_world(strict(), async |world, package| {
        let limit = boundary(world, "limit").await;
        let parameters = BTreeMap::from([("PermissionsBoundaryArn".to_owned(), limit.clone())]);
        let names = Names::new("aws", REGION, ACCOUNT, STACK, &parameters);
        let documents =
            [Part::Operator, Part::OperatorStack, Part::Doctor].map(|part| part.document(&names));
        let key = user(world, "ann", &documents.map(|document| document.text())).await;
        let lab = Lab::with_key(world, package, &key);
        let before = Census::of(world).await;

        // Told beforehand, and refused by IAM where nobody asks beforehand.
        let told = lab.run(&["deploy", "--ttl", "3h"]).await;
        assert_eq!(told.kind(), Some(Kind::Refused), "{}", told.text);
        assert!(
            told.failure().contains("`iam:CreateRole`"),
            "{}",
            told.failure()
        );
        let told = lab.run(&["deploy", "--ttl", "3h", "--no-doctor"]).await;
        assert_eq!(told.kind(), Some(Kind::Failed), "{}", told.text);
        assert!(
            told.failure().contains("iam:CreateRole"),
            "{}",
            told.failure()
        );
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");

        let line = ["deploy", "--ttl", "3h", "--permissions-boundary", &limit];
        lab.ok(&line).await;
        for role in ["AwsConfigRole", "AwsConfigLambdaSGRole", &expiry_role()] {
            assert_eq!(boundary_of(world, role).await, limit.as_str(), "{role}");
        }
        lab.ok(&["simulate-incident"]).await;
        lab.ok(&["extend", "--by", "1h"]).await;
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}

#[test]
fn a_self_destruct_gets_the_boundary_of_the_deployment_that_comes_after_it() {
    in_lab(quick(), async |world, lab| {
        let limits = [
            boundary(world, "first").await,
            boundary(world, "second").await,
        ];
        let before = Census::of(world).await;
        lab.ok(&["deploy", "--ttl", "3h"]).await;
        assert_eq!(boundary_of(world, &expiry_role()).await, Value::Null);
        for limit in &limits {
            let line = ["deploy", "--ttl", "3h", "--permissions-boundary", limit];
            lab.ok(&line).await;
            assert_eq!(boundary_of(world, &expiry_role()).await, limit.as_str());
            let role = json!({"RoleName": expiry_role()});
            let policies = world.call(Service::Iam, "ListRolePolicies", role).await;
            assert_eq!(policies["PolicyNames"], json!(["remove-the-lab"]));
        }
        lab.ok(&["cleanup"]).await;
        assert_eq!(before.since(world).await, "");
    });
}
