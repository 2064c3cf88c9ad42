//! A sandbox in this process, at a port of its own.

use std::sync::Arc;

use sandbox::caller::Caller;
use sandbox::ids::{AccountId, Region};
use sandbox::sandbox::{Sandbox, Settings, Target};
use sandbox::server;

/// A sandbox that serves until it is dropped.
#[derive(Debug)]
pub struct World {
    /// The sandbox itself, for what a test does without a client.
    pub sandbox: Arc<Sandbox>,
    server: tokio::task::JoinHandle<()>,
}

impl World {
    /// A new, empty world at a free port.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A new, empty world with settings of its own.
    pub async fn with(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings);
        let listener = server::bind(&sandbox, 0).await.unwrap();
        let server = tokio::spawn(server::serve(sandbox.clone(), listener));
        Self { sandbox, server }
    }

    /// The URL.
    pub fn endpoint(&self) -> &str {
        self.sandbox.endpoint()
    }

    /// `127.0.0.1:port`.
    pub fn address(&self) -> &str {
        self.endpoint().trim_start_matches("http://")
    }

    /// Where calls go that a test makes through the sandbox's own door.
    pub fn target(account: &str) -> Target {
        Target::new(
            AccountId::parse(account).unwrap(),
            Region::parse(crate::REGION).unwrap(),
            Caller::Operator,
        )
    }

    /// Waits until the engine has nothing to do. The engine has no bell for that, so other tasks are let through until it
    /// is so.
    pub async fn idle(&self) {
        while !self.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
    }

    /// Like [`World::idle`], but panics when it takes longer than `patience`.
    pub async fn idle_within(&self, patience: std::time::Duration) {
        let idle = tokio::time::timeout(patience, self.idle()).await;
        assert!(
            idle.is_ok(),
            "the engine is still busy: {:?}",
            self.sandbox.engine
        );
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}
