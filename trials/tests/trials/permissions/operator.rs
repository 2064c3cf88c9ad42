//! Somebody who holds the operator's policies and nothing else.

use std::collections::BTreeSet;

use driftlab::permissions::{CALLS, Document, Feature, Part};
use sandbox::caller::Caller;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::furnish::user;
use trials::trial::{all, one};
use trials::world::strict;
use trials::{Census, Options, STACK, World, package};

use super::story::{Packages, USER, tell};
use crate::doctor::names;

/// Both policies, as they are.
fn both() -> [Document; 2] {
    [Part::Operator, Part::OperatorStack].map(|part| part.document(&names()))
}

#[test]
fn the_policies_are_enough_for_everything_and_every_call_is_declared() {
    let built = package::path();
    let packages = Packages::of(&built, "enough");
    one(async || {
        let world = World::with(strict()).await;
        let key = user(&world, USER, &both().map(|document| document.text())).await;
        let options = Options::furnish(&world).await;
        let before = Census::of(&world).await;
        if let Err(told) = tell(&world, &packages, &options, &key).await {
            panic!("`{}` said\n{}{}", told.command, told.text, told.failure());
        }
        assert_eq!(refused(&world).await, None);
        assert_eq!(before.since(&world).await, "");

        let by_user = by_user();
        let made: BTreeSet<_> = world
            .calls_after(0)
            .iter()
            .filter(|call| call.caller.as_ref() == Some(&by_user))
            .map(|call| format!("{}:{}", call.service, call.operation))
            .collect();
        let declared: BTreeSet<_> = CALLS.iter().map(|call| call.operation.to_owned()).collect();
        // `doctor` goes without what it alone asks for.
        let looks_ahead: BTreeSet<_> = CALLS
            .iter()
            .filter(|call| call.features == [Feature::Doctor])
            .map(|call| call.operation.to_owned())
            .collect();
        let by_hand: BTreeSet<_> = in_trouble()
            .iter()
            .map(|(service, operation, _)| format!("{}:{operation}", service.signing_name()))
            .collect();
        let undeclared: Vec<_> = made.difference(&declared).collect();
        assert!(
            undeclared.is_empty(),
            "called and not declared: {undeclared:?}"
        );
        let unheard: Vec<_> = declared
            .difference(&made)
            .filter(|operation| !by_hand.contains(*operation) && !looks_ahead.contains(*operation))
            .collect();
        assert!(unheard.is_empty(), "declared and not called: {unheard:?}");
        world.end().await;
    });
}

/// Calls that a story without trouble has no occasion for, each with what it is about: here they are made by hand, with the
/// same key. (That the program makes them is shown where the trouble is.)
fn in_trouble() -> Vec<(Service, &'static str, Value)> {
    let stack = json!({"StackName": STACK});
    vec![
        (
            Service::CloudFormation,
            "ContinueUpdateRollback",
            stack.clone(),
        ),
        (Service::CloudFormation, "ListStackResources", stack.clone()),
        (Service::CloudFormation, "ListChangeSets", stack.clone()),
        (Service::CloudFormation, "RollbackStack", stack),
        (
            Service::CloudFormation,
            "DeleteChangeSet",
            json!({"StackName": STACK, "ChangeSetName": "c"}),
        ),
        (
            Service::Config,
            "StartConfigRulesEvaluation",
            json!({"ConfigRuleNames": ["EC2SecurityGroup"]}),
        ),
        (
            Service::Logs,
            "DeleteLogGroup",
            json!({"logGroupName": "awsconfig_lambda_security_group"}),
        ),
    ]
}

/// Makes those calls. Answers with the first refusal for want of a right; that there is nothing to do is none.
async fn refused(world: &World) -> Option<String> {
    let mut target = world.target();
    target.caller = by_user();
    for (service, operation, input) in in_trouble() {
        let asked = world
            .sandbox
            .perform_value(&target, service, operation, input)
            .await;
        match asked {
            Err(error) if error.code.contains("AccessDenied") => return Some(error.message),
            Ok(_) | Err(_) => {}
        }
    }
    None
}

fn by_user() -> Caller {
    Caller::User {
        name: USER.to_owned(),
    }
}

#[test]
fn without_any_single_action_something_fails_and_names_it() {
    let built = package::path();
    let packages = Packages::of(&built, "single");
    let cases: Vec<_> = both()
        .iter()
        .enumerate()
        .flat_map(|(number, document)| {
            let actions = document.actions().into_iter();
            actions.map(move |action| (number, action))
        })
        .collect();
    let what = "the operator's policies, less one action";
    let name = |case: &(usize, &str)| format!("{case:?}");
    all(what, &cases, name, |case| {
        let ((number, action), packages) = (*case, &packages);
        async move {
            let world = World::with(strict()).await;
            let mut documents = both();
            documents[number] = documents[number].without(action);
            let key = user(&world, USER, &documents.map(|document| document.text())).await;
            let options = Options::furnish(&world).await;
            let told = tell(&world, packages, &options, &key).await.err();
            let (command, said) = match told {
                Some(told) => (told.command.clone(), told.text.clone() + &told.failure()),
                None => (
                    "by hand".to_owned(),
                    refused(&world).await.unwrap_or_default(),
                ),
            };
            assert!(
                said.to_lowercase().contains(&action.to_lowercase()),
                "without {action} `{command}` said\n{said}"
            );
            world.end().await;
        }
    });
}
