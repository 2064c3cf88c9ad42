//! A sandbox in this process, at a port of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use sandbox::caller::Caller;
use sandbox::ids::{AccountId, Region};
use sandbox::sandbox::{Sandbox, Settings, Target};
use sandbox::secret::Secret;
use sandbox::server;

use crate::signing::Keys;

/// A sandbox that serves until it is dropped.
#[derive(Debug)]
pub struct World {
    /// The sandbox itself, for what a test does without a client.
    pub sandbox: Arc<Sandbox>,
    /// What its keys are derived from.
    pub secret: Secret,
    /// Where clients are sent instead of the sandbox itself.
    front: Option<String>,
    server: tokio::task::JoinHandle<()>,
}

impl World {
    /// A new, empty world at a free port.
    pub async fn start() -> Self {
        Self::with(Settings::default()).await
    }

    /// A new, empty world with settings of its own.
    pub async fn with(mut settings: Settings) -> Self {
        let secret = settings.secret.get_or_insert_with(Secret::random).clone();
        let sandbox = Sandbox::start(settings);
        let listener = server::bind(&sandbox, 0).await.unwrap();
        let server = tokio::spawn(server::serve(sandbox.clone(), listener));
        Self {
            sandbox,
            secret,
            front: None,
            server,
        }
    }

    /// Has clients call `front`, which passes on to the sandbox, instead of the sandbox itself.
    pub fn stand_behind(&mut self, front: SocketAddr) {
        self.front = Some(format!("http://{front}"));
    }

    /// The URL for clients.
    pub fn endpoint(&self) -> &str {
        let front = self.front.as_deref();
        front.unwrap_or_else(|| self.sandbox.endpoint())
    }

    /// Where the sandbox itself listens.
    pub fn listens_at(&self) -> SocketAddr {
        let address = self.sandbox.endpoint().trim_start_matches("http://");
        address.parse().unwrap()
    }

    /// The keys of an account's operator, or with `-root` behind its id those of its root user; `None` for other names.
    pub fn keys(&self, name: &str) -> Option<Keys> {
        let keys = &self.sandbox.keys;
        let known = match name.strip_suffix("-root") {
            Some(account) => keys.root(&AccountId::parse(account)?),
            None => keys.operator(&AccountId::parse(name)?),
        };
        Some(Keys::pair(&known.access_key_id, &known.secret_access_key))
    }

    /// The keys of an account's operator.
    pub fn operator(&self, account: &str) -> Keys {
        self.keys(account)
            .unwrap_or_else(|| panic!("`{account}` is no account's id"))
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
