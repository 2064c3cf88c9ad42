//! What the tests of every service begin with: a sandbox, and somebody who calls it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on ends with a panic"
)]

use std::io::{Cursor, Write as _};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::caller::Caller;
use crate::error::ApiError;
use crate::ids::{AccountId, Region};
use crate::protocol::{Answer, Operation};
use crate::sandbox::{Call, Sandbox, Settings, Target};
use crate::secret::Secret;
use crate::service::Service;

/// The account that is called unless a test says otherwise.
pub(crate) const ACCOUNT: &str = "123456789012";

/// How long the engine may take to come to rest; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(60);

/// A secret that is the same in each run, for tests that speak HTTP.
pub(crate) fn secret() -> Secret {
    Secret::from([7; 32])
}

/// A sandbox as one caller sees it, who calls one service of one account.
///
/// `Own` is what the tests of a service keep beside it. Its type also keeps their methods apart from
/// those that other tests give to their worlds.
#[derive(Clone)]
pub(crate) struct World<Own = ()> {
    pub(crate) sandbox: Arc<Sandbox>,
    /// Which account and region is called, and by whom: its operator, unless a test says otherwise.
    pub(crate) target: Target,
    service: Service,
    pub(crate) own: Own,
}

impl<Own: Default> World<Own> {
    /// A new sandbox, whose `service` is called.
    pub(crate) fn start(service: Service) -> Self {
        Self::start_with(service, Settings::default())
    }

    /// The same, where the policies of every caller count.
    pub(crate) fn enforcing(service: Service) -> Self {
        let settings = Settings {
            enforce_iam: true,
            ..Settings::default()
        };
        Self::start_with(service, settings)
    }

    pub(crate) fn start_with(service: Service, settings: Settings) -> Self {
        let account = AccountId::parse(ACCOUNT).unwrap();
        let region = Region::parse("us-east-1").unwrap();
        Self {
            sandbox: Sandbox::start(settings),
            target: Target::new(account, region, Caller::Operator),
            service,
            own: Own::default(),
        }
    }
}

impl<Own> World<Own> {
    /// Stops the clock; from here on only [`World::pass`] and the clock itself move it.
    pub(crate) fn frozen(self) -> Self {
        self.sandbox.clock.freeze();
        self
    }

    pub(crate) async fn call(&self, name: &str, input: Value) -> Result<Value, ApiError> {
        let Self {
            sandbox,
            target,
            service,
            ..
        } = self;
        sandbox.perform_value(target, *service, name, input).await
    }

    /// What the call answers; it must succeed.
    pub(crate) async fn ok(&self, name: &str, input: Value) -> Value {
        let answer = self.call(name, input).await;
        answer.unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// The code of the error that the call must end with.
    pub(crate) async fn refused(&self, name: &str, input: Value) -> String {
        self.refusal(name, input).await.code.into_owned()
    }

    /// Status and code of the error that the call must end with: `404 NotFound`.
    pub(crate) async fn code(&self, name: &str, input: Value) -> String {
        let error = self.refusal(name, input).await;
        format!("{} {}", error.status, error.code)
    }

    /// The error that the call must end with.
    pub(crate) async fn refusal(&self, name: &str, input: Value) -> ApiError {
        match self.call(name, input).await {
            Ok(answer) => panic!("{name} is not refused: {answer}"),
            Err(error) => error,
        }
    }

    /// A call with a body, or one that is answered with a body.
    pub(crate) async fn perform(&self, operation: &Operation) -> Result<Answer, ApiError> {
        let Self {
            sandbox,
            target,
            service,
            ..
        } = self;
        sandbox.perform(target, *service, operation).await
    }

    /// Looks into the account, or changes it behind the back of the services.
    pub(crate) fn enter<T>(&self, work: impl FnOnce(&mut Call<'_>) -> T) -> T {
        self.sandbox.enter(&self.target, work)
    }

    /// Waits until nothing is left to do, now or later, but what comes again for ever.
    pub(crate) async fn idle(&self) {
        let Sandbox { engine, clock, .. } = &*self.sandbox;
        until("nothing is left to do", || engine.is_idle_at(clock.now())).await;
    }

    /// Waits until everything that was due has happened.
    pub(crate) async fn calm(&self) {
        let Sandbox { engine, clock, .. } = &*self.sandbox;
        until("everything due has happened", || {
            !engine.is_busy(clock.now())
        })
        .await;
    }

    /// Moves the clock, and lets what falls due happen.
    pub(crate) async fn pass(&self, time: Duration) {
        self.sandbox.clock.advance(time);
        self.calm().await;
    }
}

impl<Own: Clone> World<Own> {
    /// The same, where another service is called.
    pub(crate) fn of(&self, service: Service) -> Self {
        Self {
            service,
            ..self.clone()
        }
    }

    /// The same, seen by another caller.
    pub(crate) fn by(&self, caller: Caller) -> Self {
        let mut world = self.clone();
        world.target.caller = caller;
        world
    }

    /// The same, seen from another account.
    pub(crate) fn in_account(&self, account: &str) -> Self {
        let mut world = self.clone();
        world.target.account = AccountId::parse(account).unwrap();
        world
    }

    /// A role that `principal` may assume.
    pub(crate) async fn role(&self, name: &str, principal: Value) {
        let input = json!({"RoleName": name, "AssumeRolePolicyDocument": trust(principal)});
        self.of(Service::Iam).ok("CreateRole", input).await;
    }

    /// Lets a role do `actions`, and nothing that was allowed like this before.
    pub(crate) async fn allow(&self, role: &str, actions: Value, resource: Value) {
        let input = json!({"RoleName": role, "PolicyName": "p",
            "PolicyDocument": allowing(actions, resource)});
        self.of(Service::Iam).ok("PutRolePolicy", input).await;
    }

    /// The same, seen by a new user who may do `actions`.
    pub(crate) async fn with_user(&self, name: &str, actions: Value, resource: Value) -> Self {
        let iam = self.of(Service::Iam);
        iam.ok("CreateUser", json!({ "UserName": name })).await;
        let input = json!({"UserName": name, "PolicyName": "p",
            "PolicyDocument": allowing(actions, resource)});
        iam.ok("PutUserPolicy", input).await;
        self.by(user(name))
    }

    /// Lets the user who calls do something with a key of KMS, where the context is this; nothing else that was said of keys
    /// holds any more.
    pub(crate) async fn let_use(&self, action: &str, key: &str, context: &Value) {
        let Caller::User { name } = &self.target.caller else {
            panic!("no user calls");
        };
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": key,
            "Condition": {"StringEquals": context}});
        let document = json!({"Version": "2012-10-17", "Statement": [statement]});
        let input = json!({"UserName": name, "PolicyName": "key",
            "PolicyDocument": document.to_string()});
        let operator = self.of(Service::Iam).by(Caller::Operator);
        operator.ok("PutUserPolicy", input).await;
    }
}

/// The user `name`.
pub(crate) fn user(name: &str) -> Caller {
    let name = name.to_owned();
    Caller::User { name }
}

/// A session of `role`, as a function or a schedule has it.
pub(crate) fn session_of(role: &str) -> Caller {
    Caller::Role {
        role: role.to_owned(),
        session: "f".to_owned(),
    }
}

/// A policy that lets `principal` assume a role.
pub(crate) fn trust(principal: Value) -> String {
    let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// A policy that allows `actions` on `resource`.
pub(crate) fn allowing(actions: Value, resource: Value) -> String {
    let statement = json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

/// Lets other tasks work until `reached` says so.
pub(crate) async fn until(what: &str, mut reached: impl FnMut() -> bool) {
    let waiting = async {
        while !reached() {
            tokio::task::yield_now().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(in_time.is_ok(), "waited in vain: {what}");
}

/// A package with one file in it.
pub(crate) fn zipped(name: &str, content: &[u8], mode: u32) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().unix_permissions(mode);
    zip.start_file(name, options).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}
