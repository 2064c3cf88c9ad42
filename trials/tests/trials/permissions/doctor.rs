//! Somebody whose `doctor` may look at everything but one thing.

use driftlab::permissions::Part;
use trials::furnish::{boundary, user};
use trials::trial::all;
use trials::world::strict;
use trials::{Lab, World};

use crate::doctor::names;

/// What `doctor` says with the published policies, less an action of its own.
async fn said(world: &World, without: Option<&str>) -> String {
    let boundary = boundary(world, "boundary").await;
    let mut documents =
        [Part::Operator, Part::OperatorStack, Part::Doctor].map(|part| part.document(&names()));
    if let Some(action) = without {
        documents[2] = documents[2].without(action);
    }
    let key = user(world, "ann", &documents.map(|document| document.text())).await;
    let lab = Lab::with_key(world, "none.zip".as_ref(), &key);
    // What it cannot see it tells, and goes on.
    let told = lab
        .ok(&["doctor", "--permissions-boundary", &boundary])
        .await;
    told.document.to_string()
}

#[test]
fn without_any_single_action_something_is_not_seen_and_the_action_is_named() {
    let actions = Part::Doctor.document(&names()).actions();
    let mut cases = vec![None];
    cases.extend(actions.iter().copied().map(Some));
    let what = "doctor's policy, less one action";
    let name = |without: &Option<&str>| format!("{without:?}");
    all(what, &cases, name, |without| {
        let (without, actions) = (*without, &actions);
        async move {
            let world = World::with(strict()).await;
            let said = said(&world, without).await;
            let named: Vec<_> = actions
                .iter()
                .filter(|action| said.contains(&format!("to perform: {action} ")))
                .collect();
            assert_eq!(named, without.iter().collect::<Vec<_>>(), "{said}");
            world.end().await;
        }
    });
}
