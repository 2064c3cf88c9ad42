//! The one engine: everything that happens off the request path happens here, at its time and in its lane.
//!
//! A task has a due moment and a lane. Tasks become due in the order of (due moment, order of
//! scheduling); tasks of one lane run strictly one after the other, different lanes run side by side.
//! So the items of one security group reach a rule in order, while a slow function delays nobody else.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::sandbox::Sandbox;

type Work = Box<dyn FnOnce(Arc<Sandbox>) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// Something that will happen.
pub struct Task {
    due: Timestamp,
    lane: String,
    work: Work,
    routine: bool,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task")
            .field("due", &self.due)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl Task {
    /// `work` runs at `due` or later, after every earlier task of `lane` has ended.
    pub fn new<F, Fut>(due: Timestamp, lane: impl Into<String>, work: F) -> Self
    where
        F: FnOnce(Arc<Sandbox>) -> Fut + Send + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self {
            due,
            lane: lane.into(),
            work: Box::new(move |sandbox| Box::pin(work(sandbox))),
            routine: false,
        }
    }

    /// Marks work that comes again for ever, such as a file every six hours: an engine that waits for
    /// nothing else is idle.
    #[must_use]
    pub fn routine(mut self) -> Self {
        self.routine = true;
        self
    }
}

struct Queued {
    order: (Timestamp, u64),
    task: Task,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Queued {}
impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

#[derive(Default)]
struct Queues {
    waiting: BinaryHeap<Reverse<Queued>>,
    /// Due tasks per lane. A lane is present exactly while something drains it.
    lanes: HashMap<String, VecDeque<Task>>,
    scheduled: u64,
    /// How many have ended, or failed.
    ended: u64,
}

/// Holds what is going to happen. See the module's words.
#[derive(Default)]
pub struct Engine {
    queues: Mutex<Queues>,
    changed: Notify,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let queues = self.lock();
        f.debug_struct("Engine")
            .field("waiting", &queues.waiting.len())
            .field("lanes", &queues.lanes.len())
            .finish()
    }
}

impl Engine {
    /// Adds tasks in the given order.
    pub fn schedule(&self, tasks: impl IntoIterator<Item = Task>) {
        let mut queues = self.lock();
        let before = queues.scheduled;
        for task in tasks {
            queues.scheduled += 1;
            let order = (task.due, queues.scheduled);
            queues.waiting.push(Reverse(Queued { order, task }));
        }
        if queues.scheduled != before {
            self.changed.notify_one();
        }
    }

    /// How many tasks wait or run.
    pub fn tasks(&self) -> usize {
        let queues = self.lock();
        usize::try_from(queues.scheduled - queues.ended).unwrap_or(usize::MAX)
    }

    /// Whether nothing runs, and nothing waits but routine.
    pub fn is_idle(&self) -> bool {
        self.is_idle_but(|_| false)
    }

    /// Whether nothing runs at `now`, and nothing waits but routine that is not due yet.
    pub fn is_idle_at(&self, now: Timestamp) -> bool {
        self.is_idle_but(|routine| routine.due <= now)
    }

    fn is_idle_but(&self, counts: impl Fn(&Task) -> bool) -> bool {
        let queues = self.lock();
        let mut waiting = queues.waiting.iter().map(|Reverse(queued)| &queued.task);
        queues.lanes.is_empty() && waiting.all(|task| task.routine && !counts(task))
    }

    /// Whether something runs, or could: what is still to come at `now` does not count.
    pub fn is_busy(&self, now: Timestamp) -> bool {
        let queues = self.lock();
        let due = |Reverse(queued): &Reverse<Queued>| queued.task.due <= now;
        !queues.lanes.is_empty() || queues.waiting.peek().is_some_and(due)
    }

    /// Runs tasks as they become due, for as long as the runtime lives.
    pub(crate) async fn run(sandbox: Arc<Sandbox>) {
        loop {
            let next = {
                let queues = sandbox.engine.lock();
                queues.waiting.peek().map(|Reverse(queued)| queued.task.due)
            };
            match next {
                Some(due) if due <= sandbox.clock.now() => sandbox.start_next(),
                Some(due) => {
                    tokio::select! {
                        () = sandbox.clock.wait_until(due) => {}
                        () = sandbox.engine.changed.notified() => {}
                    }
                }
                None => sandbox.engine.changed.notified().await,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queues> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// Moves the first waiting task into its lane and sees to it that somebody drains the lane.
    fn start_next(self: &Arc<Self>) {
        let mut queues = self.engine.lock();
        let Some(Reverse(Queued { task, .. })) = queues.waiting.pop() else {
            return;
        };
        let lane = task.lane.clone();
        match queues.lanes.get_mut(&lane) {
            Some(queue) => queue.push_back(task),
            None => {
                queues.lanes.insert(lane.clone(), VecDeque::from([task]));
                drop(queues);
                tokio::spawn(drain(self.clone(), lane));
            }
        }
    }
}

async fn drain(sandbox: Arc<Sandbox>, lane: String) {
    loop {
        let task = {
            let mut queues = sandbox.engine.lock();
            match queues.lanes.get_mut(&lane).and_then(VecDeque::pop_front) {
                Some(task) => task,
                None => {
                    queues.lanes.remove(&lane);
                    return;
                }
            }
        };
        // A task of its own, so that a panic in one piece of work cannot block its lane for ever.
        if let Err(error) = tokio::spawn((task.work)(sandbox.clone())).await {
            tracing::error!(lane, %error, "a task of the engine failed");
        }
        sandbox.engine.lock().ended += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::sandbox::Settings;

    #[tokio::test]
    async fn tasks_of_a_lane_keep_their_order_and_wait_for_their_time() {
        let sandbox = Sandbox::start(Settings::default());
        sandbox.clock.freeze();
        let now = sandbox.clock.now();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (done, mut finished) = tokio::sync::mpsc::unbounded_channel();
        let task = |after: i64, name: u32| {
            let (seen, done) = (seen.clone(), done.clone());
            Task::new(
                now + time::Duration::seconds(after),
                "lane",
                move |_| async move {
                    tokio::task::yield_now().await;
                    seen.lock().expect("test lock").push(name);
                    done.send(()).expect("the test listens");
                },
            )
        };
        sandbox
            .engine
            .schedule([task(5, 3), task(0, 1), task(0, 2)]);
        finished.recv().await;
        finished.recv().await;
        assert_eq!(*seen.lock().expect("test lock"), [1, 2]);
        sandbox.clock.advance(Duration::from_secs(5));
        finished.recv().await;
        assert_eq!(*seen.lock().expect("test lock"), [1, 2, 3]);
    }

    #[tokio::test]
    async fn a_panicking_task_does_not_block_its_lane() {
        let sandbox = Sandbox::start(Settings::default());
        let now = sandbox.clock.now();
        let count = Arc::new(AtomicUsize::new(0));
        let (done, finished) = tokio::sync::oneshot::channel();
        let counted = count.clone();
        sandbox.engine.schedule([
            Task::new(now, "lane", |_| async { panic!("on purpose") }),
            Task::new(now, "lane", move |_| async move {
                counted.fetch_add(1, Ordering::SeqCst);
                done.send(()).expect("the test listens");
            }),
        ]);
        finished.await.expect("the second task runs");
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}
