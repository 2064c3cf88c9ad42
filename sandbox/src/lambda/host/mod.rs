//! The host: it keeps the processes of functions, one per concurrent invocation, and hands events to
//! them over the Lambda Runtime API.
//!
//! A process belongs to one *generation* of a function (its code and configuration). It stays warm
//! after an invocation, goes when its generation does, when it has been idle for a while, and with
//! the sandbox, however the sandbox ends.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;

use self::home::Home;
use self::instance::Instance;
use self::package::Unpacked;
use self::pool::{Pool, Running, discard};
use self::reaper::Guard;
pub use self::room::Limits as FunctionLimits;
use self::room::Room;
pub(super) use self::room::Wait;
use super::code::Code;
use super::function::{Architecture, Settings as FunctionSettings};
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::sandbox::{Sandbox, Settings};

mod descendants;
mod entry;
mod home;
mod instance;
pub mod isolation;
mod journal;
mod output;
mod package;
mod phases;
mod pool;
mod process;
pub(super) mod python;
pub mod reaper;
mod report;
mod room;
mod runtime_api;
mod runtime_api_guard;
mod variables;
mod verdict;

/// How long a role's session lasts; a process whose session is about to end is replaced.
const SESSION: time::Duration = time::Duration::hours(12);
/// How long ending processes may take before the sandbox gives up waiting for them.
const SHUT_DOWN: Duration = Duration::from_secs(1);

/// Which version of which function, in all accounts and regions.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) name: String,
    /// `$LATEST` or a number.
    pub(super) version: String,
}

impl Key {
    pub(super) fn new(account: &AccountId, region: &Region, name: &str, version: &str) -> Self {
        Self {
            account: account.clone(),
            region: region.clone(),
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }
}

/// A function as it was when it was invoked: everything that running it needs.
#[derive(Debug)]
pub(super) struct Spec {
    pub(super) key: Key,
    pub(super) account: AccountId,
    pub(super) region: Region,
    pub(super) invoked_arn: String,
    pub(super) generation: u64,
    pub(super) code: Code,
    pub(super) architecture: Architecture,
    pub(super) settings: FunctionSettings,
    /// How many invocations of this function may run at once, where that is reserved.
    pub(super) concurrency: Option<u32>,
    /// How many invocations of all functions without a reservation may run at once.
    pub(super) unreserved: u32,
}

impl Spec {
    /// The memory that the function has, in bytes.
    fn memory(&self) -> u64 {
        u64::from(self.settings.memory) * 1024 * 1024
    }

    /// What the function may write to its `/tmp`, in bytes.
    fn storage(&self) -> u64 {
        u64::from(self.settings.storage) * 1024 * 1024
    }
}

/// How an invocation ended.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) failed: bool,
    pub(super) payload: Bytes,
    /// The last 4 KB of what this invocation wrote to its log.
    pub(super) log_tail: Vec<u8>,
}

/// The processes that run functions.
#[derive(Default)]
pub struct Host {
    inner: Mutex<Inner>,
    /// Held while the private directory is made.
    making_home: tokio::sync::Mutex<()>,
    room: OnceLock<Room>,
    generations: AtomicU64,
}

#[derive(Default)]
struct Inner {
    closed: bool,
    /// The private directory, made when the first function is invoked.
    home: Option<Arc<Home>>,
    pools: HashMap<Key, Pool>,
    /// Unpacked packages by account and hash, while somebody uses them.
    packages: HashMap<(AccountId, String), Weak<Unpacked>>,
    /// Every living process, busy or idle.
    processes: Vec<Weak<process::Process>>,
    guard: Guard,
    /// Whether somebody looks after idle processes.
    swept: bool,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.lock();
        f.debug_struct("Host")
            .field("functions", &inner.pools.len())
            .field("processes", &inner.processes.len())
            .finish()
    }
}

impl Host {
    /// From now on a second process, started from `executable` (which must call
    /// [`reaper::main`] when it is asked to), ends whatever is left when this process dies without
    /// a chance to do it itself.
    pub fn guard_with(&self, executable: PathBuf) {
        if let Err(error) = descendants::mark_this_process() {
            tracing::warn!(%error, "what functions leave behind may stay if the sandbox is killed");
        }
        self.lock().guard = Guard::new(executable);
    }

    /// A number that no other code or configuration of a function has.
    pub(super) fn next_generation(&self) -> u64 {
        self.generations.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Lets go of the processes and the code of a function that was changed or deleted. Running
    /// invocations come to their end.
    pub(super) fn retire(&self, key: &Key) {
        let pool = {
            let mut inner = self.lock();
            match inner.pools.get_mut(key) {
                Some(pool) if pool.running > 0 => {
                    pool.generation = 0;
                    pool.empty()
                }
                Some(_) => inner.pools.remove(key).unwrap_or_default(),
                None => return,
            }
        };
        discard(pool);
    }

    /// Ends every function process and removes what they left on disk.
    pub async fn shut_down(&self) {
        let (pools, processes, home) = {
            let mut inner = self.lock();
            inner.closed = true;
            let pools = std::mem::take(&mut inner.pools);
            let processes = std::mem::take(&mut inner.processes);
            (pools, processes, inner.home.take())
        };
        let processes: Vec<_> = processes.iter().filter_map(Weak::upgrade).collect();
        for process in &processes {
            process.kill();
        }
        drop(pools);
        let ended = async {
            for process in &processes {
                process.ended().await;
            }
        };
        if tokio::time::timeout(SHUT_DOWN, ended).await.is_err() {
            tracing::warn!("a function's process did not end in time");
        }
        if let Some(home) = home {
            home.remove();
        }
    }

    /// What this machine can bear.
    fn room(&self, settings: &Settings) -> &Room {
        self.room
            .get_or_init(|| Room::new(settings.function_limits))
    }

    /// Puts a process on the list of those that end with the sandbox.
    fn register(&self, process: &Arc<process::Process>) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.closed {
            process.kill();
            return Err(io::Error::other("the sandbox is being shut down"));
        }
        inner.processes.retain(|other| other.strong_count() > 0);
        inner.processes.push(Arc::downgrade(process));
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The private directory. Made without the lock: others do not wait for a disk.
    async fn home(&self) -> io::Result<Arc<Home>> {
        let _making = self.making_home.lock().await;
        if let Some(home) = &self.lock().home {
            return Ok(home.clone());
        }
        let home = tokio::task::spawn_blocking(Home::make)
            .await
            .map_err(io::Error::other)??;
        let home = Arc::new(home);
        let mut inner = self.lock();
        if inner.closed {
            return Err(io::Error::other("the sandbox is being shut down"));
        }
        inner.guard.start(&home);
        Ok(inner.home.insert(home).clone())
    }

    /// The unpacked code of `spec`; unpacked once, however many processes use it.
    async fn unpacked(&self, spec: &Arc<Spec>) -> Result<Arc<Unpacked>, io::Error> {
        let home = self.home().await?;
        let cell = {
            let mut inner = self.lock();
            // An account's own copy, although others may have the same package: what one does to it
            // is nobody else's trouble.
            let hash = (spec.account.clone(), spec.code.sha256_hex.clone());
            let known = inner.packages.get(&hash).and_then(Weak::upgrade);
            let cell = known.unwrap_or_else(|| {
                inner
                    .packages
                    .retain(|_, package| package.strong_count() > 0);
                let cell = Arc::new(Unpacked::new(home.directory("code")));
                inner.packages.insert(hash, Arc::downgrade(&cell));
                cell
            });
            if let Some(pool) = inner.pools.get_mut(&spec.key)
                && pool.generation == spec.generation
            {
                pool.code = Some(cell.clone());
            }
            cell
        };
        cell.fill(&spec.code.zip).await?;
        drop(home);
        Ok(cell)
    }
}

/// Runs the function once. What the function does wrong is a [`Ran`] that says so.
///
/// # Errors
/// When the function cannot be run at all: too many run already, or this machine refuses.
pub(super) async fn run(
    sandbox: &Arc<Sandbox>,
    spec: Arc<Spec>,
    request_id: String,
    event: Bytes,
    wait: Wait,
) -> Result<Ran, ApiError> {
    if let Err(why) = isolation::available()
        && sandbox.settings.require_isolation
    {
        return Err(broken(&io::Error::other(format!(
            "isolation is required and cannot be had: {why}"
        ))));
    }
    let running = sandbox.functions.admit(sandbox, &spec)?;
    let sandbox = sandbox.clone();
    // A task of its own: an invocation goes on when its caller hangs up.
    let ran = tokio::spawn(async move {
        let room = sandbox.functions.room(&sandbox.settings);
        let place = room.take(spec.memory(), wait).await?;
        let ran = admitted(&sandbox, spec, running, &request_id, event).await;
        drop(place);
        ran.map_err(|error| broken(&error))
    });
    ran.await.map_err(|error| broken(&error))?
}

async fn admitted(
    sandbox: &Arc<Sandbox>,
    spec: Arc<Spec>,
    running: Running,
    request_id: &str,
    event: Bytes,
) -> io::Result<Ran> {
    let mut warm = sandbox.functions.warm(sandbox, &spec);
    loop {
        let was_warm = warm.is_some();
        let mut instance = match warm.take() {
            Some(instance) => instance,
            None => {
                let code = sandbox.functions.unpacked(&spec).await?;
                Instance::prepare(sandbox, &spec, code).await?
            }
        };
        match instance.invoke(sandbox, &spec, request_id, &event).await? {
            // The process had ended while it was idle; the event never reached it.
            instance::Ended::Untouched if was_warm => {}
            instance::Ended::Untouched => {
                return Err(io::Error::other(
                    "the event could not be handed to the function",
                ));
            }
            instance::Ended::With(ran) => {
                sandbox.functions.keep(sandbox, &spec, instance);
                drop(running);
                return Ok(ran);
            }
        }
    }
}

fn broken(error: &dyn std::error::Error) -> ApiError {
    tracing::error!(%error, "a function could not be run on this machine");
    ApiError::new(
        500,
        "ServiceException",
        format!("the sandbox could not run the function on this machine: {error}"),
    )
}
