//! Resources that wait for one another without one depending on the other.

use std::collections::{BTreeMap, BTreeSet};

use super::Work;
use crate::cloudformation::graph;
use crate::cloudformation::stack::{OnFailure, Stack};

/// How long a waiting resource leaves the others alone.
const PAUSE: time::Duration = time::Duration::milliseconds(10);

/// Whether another resource of the stack is there.
enum Sibling {
    There,
    Coming,
    Never,
}

impl Work {
    /// Waits until a resource of that type is there, as long as the creation of the stack can still bring it about.
    /// Answers whether it is there.
    pub(super) async fn sibling(&self, kind: &str) -> bool {
        loop {
            let found = self
                .job
                .stack(|stack, _| Some(look(stack, &self.logical_id, kind)));
            match found {
                Some(Sibling::There) => return true,
                Some(Sibling::Never) | None => return false,
                Some(Sibling::Coming) => {
                    let clock = &self.job.sandbox.clock;
                    clock.wait_until(clock.now() + PAUSE).await;
                }
            }
        }
    }
}

fn look(stack: &Stack, own: &str, kind: &str) -> Sibling {
    let wish = &stack.wish;
    let of_kind = |name: &&String| {
        let declared = wish.template.resources.get(*name);
        declared.is_some_and(|declared| declared.kind.name == kind)
    };
    let needs = graph::dependencies(&wish.template, &wish.active).unwrap_or_default();
    let failed = |name: &String| {
        let record = stack.resources.get(name);
        record.is_some_and(|record| record.status == "CREATE_FAILED")
    };
    let stopped = stack.status != "CREATE_IN_PROGRESS"
        || (stack.on_failure != OnFailure::Preserve && wish.active.iter().any(failed));
    for name in wish.active.iter().filter(of_kind) {
        let record = stack.resources.get(name);
        if record.is_some_and(|record| record.physical_id.is_some()) && !failed(name) {
            return Sibling::There;
        }
        let before = all_needs(&needs, name);
        if !stopped && !before.contains(own) && !before.iter().any(failed) {
            return Sibling::Coming;
        }
    }
    Sibling::Never
}

/// The resource, what it needs, what that needs, and so on.
fn all_needs(needs: &BTreeMap<String, BTreeSet<String>>, name: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut rest = vec![name.to_owned()];
    while let Some(name) = rest.pop() {
        if all.insert(name.clone()) {
            rest.extend(needs.get(&name).into_iter().flatten().cloned());
        }
    }
    all
}
