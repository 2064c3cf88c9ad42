//! Processes by function: who may run, which process is there for it, how long it is kept.

use std::collections::HashMap;
use std::sync::Arc;

use super::instance::Instance;
use super::package::Unpacked;
use super::{Host, Key, Spec};
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::sandbox::Sandbox;

/// How long a process without work is kept, on the sandbox's clock.
const IDLE: time::Duration = time::Duration::minutes(10);
#[derive(Default)]
pub(super) struct Pool {
    pub(super) generation: u64,
    pub(super) idle: Vec<(Timestamp, Instance)>,
    pub(super) running: u32,
    reserved: bool,
    /// Megabytes that one process may have.
    memory: u32,
    /// Keeps the unpacked code while no process does.
    pub(super) code: Option<Arc<Unpacked>>,
}

impl Pool {
    /// Takes out everything that is kept.
    pub(super) fn empty(&mut self) -> Self {
        Self {
            idle: std::mem::take(&mut self.idle),
            code: self.code.take(),
            ..Self::default()
        }
    }
}

/// Counts an invocation as running until it is dropped.
pub(super) struct Running {
    sandbox: Arc<Sandbox>,
    key: Key,
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut inner = self.sandbox.functions.lock();
        if let Some(pool) = inner.pools.get_mut(&self.key) {
            pool.running = pool.running.saturating_sub(1);
            // The function was changed or deleted meanwhile, and this was its last invocation.
            if pool.running == 0 && pool.generation == 0 {
                inner.pools.remove(&self.key);
            }
        }
    }
}

impl Host {
    /// Counts an invocation as running, if AWS would let it run.
    pub(super) fn admit(&self, sandbox: &Arc<Sandbox>, spec: &Spec) -> Result<Running, ApiError> {
        let mut inner = self.lock();
        if inner.closed {
            return Err(ApiError::new(
                500,
                "ServiceException",
                "the sandbox is being shut down",
            ));
        }
        if let Some(reason) = no_room(&inner.pools, spec) {
            let refusal = ApiError::new(429, "TooManyRequestsException", "Rate Exceeded.");
            return Err(refusal.because(reason));
        }
        let pool = inner.pools.entry(spec.key.clone()).or_default();
        let mut old = Pool::default();
        if pool.generation < spec.generation {
            old = pool.empty();
            pool.generation = spec.generation;
        }
        pool.reserved = spec.concurrency.is_some();
        pool.memory = spec.settings.memory;
        pool.running += 1;
        drop(inner);
        discard(old);
        Ok(Running {
            sandbox: sandbox.clone(),
            key: spec.key.clone(),
        })
    }

    /// Takes a process that is there already.
    pub(super) fn warm(&self, sandbox: &Arc<Sandbox>, spec: &Spec) -> Option<Instance> {
        let now = sandbox.clock.now();
        let mut inner = self.lock();
        let pool = inner.pools.get_mut(&spec.key)?;
        let mut old = Pool::default();
        let mut warm = None;
        while pool.generation == spec.generation
            && let Some((since, instance)) = pool.idle.pop()
        {
            if instance.is_fit(spec.generation, now) && now - since < IDLE {
                warm = Some(instance);
                break;
            }
            old.idle.push((since, instance));
        }
        if warm.is_none() {
            // A new process is going to need what those that nobody needs hold.
            let limits = self.room(&sandbox.settings).limits();
            old.idle
                .extend(surplus(&mut inner.pools, spec, limits.memory_mb));
        }
        drop(inner);
        discard(old);
        warm
    }

    /// Keeps `instance` for the next invocation, unless its time is over.
    pub(super) fn keep(&self, sandbox: &Arc<Sandbox>, spec: &Spec, instance: Instance) {
        let now = sandbox.clock.now();
        let mut inner = self.lock();
        let open = !inner.closed;
        if let Some(pool) = inner.pools.get_mut(&spec.key)
            && open
            && pool.generation == spec.generation
            && instance.is_fit(spec.generation, now)
        {
            pool.idle.push((now, instance));
            if !inner.swept {
                inner.swept = true;
                tokio::spawn(sweep(sandbox.clone(), now + IDLE));
            }
            return;
        }
        drop(inner);
        drop(instance);
    }
}

/// Idle processes, the longest idle first, without which the memory of all functions, as it is
/// configured, stays below `most` megabytes when `spec` gets one more process.
fn surplus(pools: &mut HashMap<Key, Pool>, spec: &Spec, most: u64) -> Vec<(Timestamp, Instance)> {
    let running = |pool: &Pool| u64::from(pool.running) * u64::from(pool.memory);
    let idle = |pool: &Pool| pool.idle.iter().map(|(_, it)| it.memory_mb()).sum::<u64>();
    let mut held: u64 = pools.values().map(|pool| running(pool) + idle(pool)).sum();
    let mut surplus = Vec::new();
    while held > most {
        let oldest = pools
            .iter()
            .filter_map(|(key, pool)| Some((pool.idle.first()?.0, key.clone())))
            .min_by_key(|(since, _)| *since);
        let Some(pool) = oldest.and_then(|(_, key)| pools.get_mut(&key)) else {
            break;
        };
        let (since, instance) = pool.idle.remove(0);
        held -= instance.memory_mb();
        surplus.push((since, instance));
    }
    tracing::debug!(
        function = spec.key.name,
        held,
        ended = surplus.len(),
        "room for a process"
    );
    surplus
}

/// The limit that would be exceeded. A reservation is for all versions of a function together; what
/// is not reserved is shared by all other functions of the account in the region.
fn no_room(pools: &HashMap<Key, Pool>, spec: &Spec) -> Option<&'static str> {
    let here = pools
        .iter()
        .filter(|(key, _)| key.account == spec.account && key.region == spec.region);
    match spec.concurrency {
        Some(reserved) => {
            let own = here.filter(|(key, _)| key.name == spec.key.name);
            let running: u32 = own.map(|(_, pool)| pool.running).sum();
            (running >= reserved).then_some("ReservedFunctionConcurrentInvocationLimitExceeded")
        }
        None => {
            let others = here.filter(|(_, pool)| !pool.reserved);
            let running: u32 = others.map(|(_, pool)| pool.running).sum();
            (running >= spec.unreserved).then_some("ConcurrentInvocationLimitExceeded")
        }
    }
}

/// Ends processes that have been idle for too long, until none is idle.
async fn sweep(sandbox: Arc<Sandbox>, mut due: Timestamp) {
    loop {
        sandbox.clock.wait_until(due).await;
        let now = sandbox.clock.now();
        let mut old = Pool::default();
        {
            let mut inner = sandbox.functions.lock();
            let mut next = None;
            for pool in inner.pools.values_mut() {
                for (since, instance) in std::mem::take(&mut pool.idle) {
                    if since + IDLE <= now {
                        old.idle.push((since, instance));
                    } else {
                        next = Some(next.map_or(since, |first: Timestamp| first.min(since)));
                        pool.idle.push((since, instance));
                    }
                }
            }
            inner.swept = next.is_some();
            match next {
                Some(since) => due = since + IDLE,
                None => {
                    drop(inner);
                    discard(old);
                    return;
                }
            }
        }
        discard(old);
    }
}

/// Drops what may have files to remove, off the caller's way.
pub(super) fn discard(pool: Pool) {
    if pool.idle.is_empty() && pool.code.is_none() {
        return;
    }
    for (_, instance) in &pool.idle {
        instance.kill();
    }
    tokio::task::spawn_blocking(move || drop(pool));
}
