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

/// An invocation may run; with the warm process that is there for it.
pub(super) struct Admission {
    pub(super) running: Running,
    pub(super) warm: Option<Instance>,
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
    /// Takes a warm process, or leave to start one.
    pub(super) fn admit(&self, sandbox: &Arc<Sandbox>, spec: &Spec) -> Result<Admission, ApiError> {
        let now = sandbox.clock.now();
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
        pool.running += 1;
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
        drop(inner);
        discard(old);
        let running = Running {
            sandbox: sandbox.clone(),
            key: spec.key.clone(),
        };
        Ok(Admission { running, warm })
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
