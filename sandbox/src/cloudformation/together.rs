//! Making resources side by side: each starts as soon as what it needs is there.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::{Id, JoinSet};

use super::job::Job;
use super::provision::{begin, finish};
use super::resources::Failure;
use super::stack::Wish;

/// Makes everything, and answers with what failed. The first failure stops the rest, also what is being made at that
/// moment, unless `preserve` says that what does not need the failed one goes on.
pub(super) async fn make_all(
    job: &Job,
    wish: &Wish,
    needs: BTreeMap<String, BTreeSet<String>>,
    preserve: bool,
) -> BTreeSet<String> {
    let mut builders = Builders {
        job,
        wish,
        preserve,
        waiting: needs,
        made: BTreeSet::new(),
        failed: BTreeSet::new(),
        stop: Arc::new(AtomicBool::new(false)),
        working: JoinSet::new(),
        names: HashMap::new(),
    };
    loop {
        builders.start_ready();
        match builders.working.join_next_with_id().await {
            None => return builders.failed,
            Some(Ok((id, result))) => builders.done(id, result.is_ok()),
            Some(Err(error)) => {
                tracing::error!(%error, "a resource's handler failed");
                builders.done(error.id(), false);
            }
        }
    }
}

struct Builders<'b> {
    job: &'b Job,
    wish: &'b Wish,
    preserve: bool,
    /// What has not been started, with what it needs.
    waiting: BTreeMap<String, BTreeSet<String>>,
    made: BTreeSet<String>,
    failed: BTreeSet<String>,
    stop: Arc<AtomicBool>,
    working: JoinSet<Result<(), Failure>>,
    names: HashMap<Id, String>,
}

impl Builders<'_> {
    /// Starts everything that has what it needs.
    fn start_ready(&mut self) {
        let wanted = self
            .job
            .stack(|stack, _| stack.status == "CREATE_IN_PROGRESS");
        let ready: Vec<String> = self
            .waiting
            .iter()
            .filter(|(_, needs)| needs.is_subset(&self.made))
            .map(|(name, _)| name.clone())
            .collect();
        for name in ready {
            if !wanted || self.stop.load(Ordering::SeqCst) {
                return;
            }
            let needs = self.waiting.remove(&name).unwrap_or_default();
            if begin(self.job, self.wish, &name, needs).is_err() {
                self.fail(name);
                continue;
            }
            let (job, stop, logical) = (self.job.clone(), self.stop.clone(), name.clone());
            let preserve = self.preserve;
            let handle = self.working.spawn(async move {
                let made = finish(&job, &logical, &|| stop.load(Ordering::SeqCst)).await;
                if made.is_err() && !preserve {
                    stop.store(true, Ordering::SeqCst);
                }
                made
            });
            self.names.insert(handle.id(), name);
        }
    }

    fn done(&mut self, id: Id, made: bool) {
        let Some(name) = self.names.remove(&id) else {
            return;
        };
        if made {
            self.made.insert(name);
        } else {
            self.fail(name);
        }
    }

    fn fail(&mut self, name: String) {
        self.failed.insert(name);
        if !self.preserve {
            self.stop.store(true, Ordering::SeqCst);
        }
    }
}
