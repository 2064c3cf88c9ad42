//! A sandbox for one trial, in this process.

use std::sync::Arc;
use std::time::Duration;

use driftlab::aws::Session;
use sandbox::caller::Caller;
use sandbox::faults::Rule;
use sandbox::ids::{AccountId, Region};
use sandbox::journal::{Entry, Origin, Query};
use sandbox::protocol::Operation;
use sandbox::sandbox::{Sandbox, Settings, Target};
use sandbox::server;
use sandbox::service::Service;
use serde_json::Value;

/// A sandbox that serves until it is dropped.
#[derive(Debug)]
pub struct World {
    /// The sandbox itself.
    pub sandbox: Arc<Sandbox>,
    server: tokio::task::JoinHandle<()>,
}

/// As quick as it can be: AWS Config takes no time, and a stopped recorder lets go of its channel at once.
pub fn quick() -> Settings {
    Settings {
        recorder_stop_lag: Some(Duration::ZERO),
        ..Settings::default()
    }
}

/// As quick, and every caller's policies count.
pub fn strict() -> Settings {
    Settings {
        enforce_iam: true,
        ..quick()
    }
}

impl World {
    /// A new, empty world that is [`quick`].
    pub async fn start() -> Self {
        Self::with(quick()).await
    }

    /// A new, empty world with settings of its own.
    pub async fn with(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings);
        let listener = server::bind(&sandbox, 0).await.unwrap();
        let server = tokio::spawn(server::serve(sandbox.clone(), listener));
        Self { sandbox, server }
    }

    /// Where a call goes that is made in the account owner's name.
    pub fn target(&self) -> Target {
        Target::new(
            AccountId::parse(crate::ACCOUNT).unwrap(),
            Region::parse(crate::REGION).unwrap(),
            Caller::Operator,
        )
    }

    /// What signs as whoever has the access key with this id, be it an account's id, a user's key or a session's.
    pub fn session(&self, access_key_id: &str) -> Session {
        let keys = self.sandbox.keys.credentials(access_key_id);
        let token = Some(keys.session_token).filter(|token| !token.is_empty());
        Session::with_key(&keys.access_key_id, &keys.secret_access_key, token)
    }

    /// A call through the sandbox's own door; it is in the list of calls as one of a service.
    ///
    /// # Errors
    /// AWS's error code.
    pub async fn ask(
        &self,
        service: Service,
        operation: &str,
        input: Value,
    ) -> Result<Value, String> {
        self.sandbox
            .perform_value(&self.target(), service, operation, input)
            .await
            .map_err(|error| error.code.to_string())
    }

    /// The same for a call that has to succeed.
    pub async fn call(&self, service: Service, operation: &str, input: Value) -> Value {
        let shown = input.clone();
        self.sandbox
            .perform_value(&self.target(), service, operation, input)
            .await
            .unwrap_or_else(|error| panic!("{operation} {shown}: {error}"))
    }

    /// The body of an answer that is no structure, as those of S3; the error code otherwise.
    ///
    /// # Errors
    /// AWS's error code.
    pub async fn text(&self, operation: &Operation) -> Result<String, String> {
        let answer = self
            .sandbox
            .perform(&self.target(), Service::S3, operation)
            .await
            .map_err(|error| error.code.to_string())?;
        Ok(body(answer).await)
    }

    /// Sets what goes wrong from now on.
    pub fn strike(&self, rule: Rule) -> u64 {
        let now = self.sandbox.clock.now();
        self.sandbox.faults.add(now, vec![rule]).unwrap()[0]
    }

    /// How many calls the rules that are set have struck.
    pub fn strikes(&self) -> u64 {
        let now = self.sandbox.clock.now();
        let rules = self.sandbox.faults.list(now);
        rules.iter().map(|rule| rule.struck).sum()
    }

    /// Every call that clients have made, driftlab and the function alike, after the one with this number.
    pub fn calls_after(&self, number: u64) -> Vec<Arc<Entry>> {
        let query = Query {
            account: AccountId::parse(crate::ACCOUNT),
            after: number,
            ..Query::default()
        };
        let found = self.sandbox.journal.list(&query);
        assert_eq!(found.forgotten, 0, "a trial makes too many calls");
        let from_client = |entry: &Arc<Entry>| matches!(entry.origin, Origin::Client { .. });
        found.calls.into_iter().filter(from_client).collect()
    }

    /// The calls with which the account's owner, that is `driftlab`, has changed something since then, by operation. The
    /// function may be at work and report meanwhile: its calls are not among them.
    pub fn changes_after(&self, number: u64) -> Vec<String> {
        let calls = self.calls_after(number).into_iter();
        let changes = calls
            .filter(|call| !call.read_only() && call.caller.as_ref() == Some(&Caller::Operator));
        changes.map(|call| call.operation.clone()).collect()
    }

    /// The number of the newest call.
    pub fn mark(&self) -> u64 {
        *self.sandbox.journal.news().borrow()
    }

    /// How often clients have called an operation after the call with this number.
    pub fn count_after(&self, number: u64, operation: &str) -> usize {
        let calls = self.calls_after(number).into_iter();
        calls.filter(|call| call.operation == operation).count()
    }

    /// Waits until something is so that calls bring about: it is looked at now, and again after each call.
    pub async fn until(&self, mut is_so: impl FnMut() -> bool) {
        let mut news = self.sandbox.journal.news();
        while !is_so() {
            // The sender lives as long as the sandbox, which is borrowed.
            news.changed().await.unwrap();
        }
    }

    /// Waits until a client's call that is made from now on has been carried out and is never answered.
    pub async fn silenced(&self) {
        let mark = self.mark();
        let struck = || {
            self.calls_after(mark)
                .iter()
                .any(|call| call.fault.is_some())
        };
        self.until(struck).await;
    }

    /// Has a clock that stands still go on, a hundredth of a second with each call. It has no end: somebody has to make the
    /// calls, [beside](crate::lab::beside) it.
    pub async fn goes_on(&self) {
        let mut news = self.sandbox.journal.news();
        loop {
            self.sandbox.clock.advance(Duration::from_millis(10));
            // The sender lives as long as the sandbox, which is borrowed.
            news.changed().await.unwrap();
        }
    }

    /// Waits until the engine has nothing to do. The engine has no bell for that, so other tasks are let through until it
    /// is so.
    pub async fn idle(&self) {
        while !self.sandbox.engine.is_idle() {
            tokio::task::yield_now().await;
        }
    }

    /// Waits until everything that is due has happened; what is to be tried again later does not count.
    pub async fn calm(&self) {
        let sandbox::sandbox::Sandbox { engine, clock, .. } = &*self.sandbox;
        while engine.is_busy(clock.now()) {
            tokio::task::yield_now().await;
        }
    }

    /// Ends the functions and the server.
    pub async fn end(self) {
        self.sandbox.functions.shut_down().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn body(answer: sandbox::protocol::Answer) -> String {
    use http_body_util::BodyExt;
    match answer {
        sandbox::protocol::Answer::Value(value) => value.to_string(),
        sandbox::protocol::Answer::Http(response) => {
            let collected = response.into_body().collect().await.unwrap();
            String::from_utf8_lossy(&collected.to_bytes()).into_owned()
        }
    }
}
