//! CloudFormation with a role of its own, which holds the published policy and nothing else.

use driftlab::permissions::{Document, Part};
use sandbox::service::Service;
use serde_json::json;
use trials::furnish::{role_with, user};
use trials::trial::{all, in_world};
use trials::world::strict;
use trials::{Census, Lab, Options, World, package};

use super::story::{Packages, tell_of_stack};
use crate::doctor::names;

/// A role that CloudFormation may take on.
async fn role(world: &World, name: &str, document: &Document) -> String {
    role_with(
        world,
        name,
        "cloudformation.amazonaws.com",
        &document.text(),
    )
    .await
}

/// The key of somebody who holds the operator's policy and may pass these roles.
async fn passer(world: &World, roles: &[&str]) -> String {
    let pass = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
        "Action": "iam:PassRole", "Resource": roles,
        "Condition": {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}}]});
    let documents = [Part::Operator.document(&names()).text(), pass.to_string()];
    user(world, "ann", &documents).await
}

#[test]
fn without_any_single_action_the_stack_fails_and_names_it() {
    let built = package::path();
    let packages = Packages::of(&built, "cfn-role");
    let whole = Part::CfnRole.document(&names());
    // First with all of it: nothing fails then.
    let mut cases = vec![None];
    cases.extend(whole.actions().into_iter().map(Some));
    let what = "CloudFormation's role, less one action";
    let name = |action: &Option<&str>| format!("{action:?}");
    all(what, &cases, name, |action| {
        let (action, whole, packages) = (*action, &whole, &packages);
        async move {
            let world = World::with(strict()).await;
            let document = action.map_or_else(|| whole.clone(), |action| whole.without(action));
            let role = role(&world, "cfn", &document).await;
            let key = passer(&world, &[&role]).await;
            let options = Options::furnish(&world).await;
            let before = Census::of(&world).await;
            let told = tell_of_stack(&world, packages, &options, (&key, &role)).await;
            let Some(action) = action else {
                if let Err(told) = told {
                    panic!("`{}` said\n{}{}", told.command, told.text, told.failure());
                }
                assert_eq!(before.since(&world).await, "");
                return world.end().await;
            };
            let said = match &told {
                Ok(()) => String::new(),
                Err(told) => told.text.clone() + &told.failure(),
            };
            assert!(
                said.to_lowercase().contains(&action.to_lowercase()),
                "without {action} it said\n{said}"
            );
            world.end().await;
        }
    });
}

/// A stack keeps its role, but nobody keeps the role from being deleted.
#[test]
fn a_clean_up_can_name_another_role_when_that_of_the_stack_is_gone() {
    in_world(strict(), async |world, package| {
        let whole = Part::CfnRole.document(&names());
        let first = role(world, "first", &whole).await;
        let second = role(world, "second", &whole).await;
        let key = passer(world, &[&first, &second]).await;
        let lab = Lab::with_key(world, package, &key);
        lab.ok(&["deploy", "--cfn-role", &first, "--no-wait", "--no-doctor"])
            .await;
        let policy = json!({"RoleName": "first", "PolicyName": "own"});
        world.call(Service::Iam, "DeleteRolePolicy", policy).await;
        let role = json!({"RoleName": "first"});
        world.call(Service::Iam, "DeleteRole", role).await;
        let told = lab.run(&["cleanup"]).await;
        assert!(told.result.is_err(), "{}", told.text);
        let told = lab.ok(&["cleanup", "--cfn-role", &second]).await;
        assert_eq!(told.document["leftovers"], json!([]));
    });
}
