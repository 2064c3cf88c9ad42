//! The world: accounts, what they hold, and the door through which every call goes.

mod account;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, TryLockError};
use std::time::Duration;

use serde_json::Value;

pub use self::account::{Account, Regional};
use crate::aside::aside;
use crate::budgets::{Budgets, Held, Ledger};
use crate::caller::{Caller, KeyRing};
use crate::clock::{Clock, Timestamp};
use crate::engine::Engine;
use crate::error::ApiError;
use crate::faults::Faults;
use crate::guard::HostName;
use crate::ids::{AccountId, Arn, Elsewhere, Region, uuid};
use crate::journal::{Journal, Origin};
use crate::narration::Narration;
use crate::protocol::{Answer, Operation};
use crate::secret::Secret;
use crate::service::Service;
use crate::{budgets, config, ec2, lambda, sns, webhooks};

/// What can be chosen when a sandbox is started.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether the policies of every caller are evaluated. Those of roles always are; without this a
    /// user's key may do everything.
    pub enforce_iam: bool,
    /// How long after a change AWS Config records it. AWS promises nothing and takes seconds to
    /// minutes; zero makes rehearsals quick.
    pub config_latency: config::Latency,
    /// How long a stopped recorder still counts as running for `DeleteDeliveryChannel`. On AWS the stop is
    /// eventually consistent, and whoever removes a channel has to try again; a client that does not
    /// should fail here too. `None` is a quarter of a second: long enough to meet a client that does not
    /// wait at all, short enough for nobody to mind.
    pub recorder_stop_lag: Option<Duration>,
    /// Whether functions are refused where the machine cannot keep them from other endpoints.
    pub require_isolation: bool,
    /// How long the answer to every call of a client takes on its way; calls of services to each other take no time.
    pub call_latency: Duration,
    /// How many invocations an account may run at once in a region; `None` is AWS's default.
    pub lambda_concurrency: Option<u32>,
    /// What every key's secret half is derived from; `None` makes a new one that ends with the sandbox.
    pub secret: Option<Secret>,
    /// The names under which the sandbox is reached, beside those of the loopback interface.
    pub allowed_hosts: Vec<HostName>,
    /// Whether signatures are not looked at: then everybody is whoever they say they are, functions included. For clients
    /// that cannot sign.
    pub ignore_signatures: bool,
    /// How much is held at most.
    pub budgets: Budgets,
    /// Where the log goes; `health` tells what was lost of it.
    pub narration: Narration,
    /// How much of this machine functions may use at once.
    pub function_limits: lambda::FunctionLimits,
    /// Files and directories that functions may read and execute beside the system, their language's
    /// files and their own code.
    pub function_paths: Vec<PathBuf>,
}

/// AWS on this machine: every account, every region, one clock, one engine.
#[derive(Debug)]
pub struct Sandbox {
    /// Names this process; clients that kept an endpoint can tell whether it is still the same world.
    pub instance: String,
    /// The one clock.
    pub clock: Clock,
    /// What was chosen at the start.
    pub settings: Settings,
    /// What opens `/_sandbox/`, its links and its webhooks.
    pub secret: Secret,
    /// Every key that was issued.
    pub keys: KeyRing,
    /// What is going to happen.
    pub engine: Engine,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// What has been asked for, and how it ended.
    pub journal: Journal,
    /// The processes of the functions.
    pub functions: lambda::Host,
    /// Where mails are written down beside the inbox in memory.
    pub mailbox: sns::Mailbox,
    /// What was posted to webhooks.
    pub webhooks: webhooks::Inbox,
    /// What all accounts hold together.
    pub ledger: Ledger,
    /// Bytes of events on their way to functions.
    pub(crate) queued: Held,
    accounts: Mutex<Accounts>,
    /// Bucket names are global: who owns which.
    pub(crate) bucket_owners: Mutex<HashMap<String, AccountId>>,
    /// What accounts can see of each other's networks.
    pub(crate) networks: ec2::Networks,
    endpoint: OnceLock<String>,
    config_latency: Mutex<config::Latency>,
    call_latency: Mutex<Duration>,
}

/// One operation at work: the account is locked, time stands still.
pub struct Call<'a> {
    /// The world around.
    pub sandbox: &'a Arc<Sandbox>,
    /// The account that is called.
    pub account: &'a mut Account,
    /// The region that is called.
    pub region: Region,
    /// Who calls.
    pub caller: Caller,
    /// When.
    pub now: Timestamp,
    /// The id that the answer carries.
    pub request_id: String,
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("account", &self.account.id)
            .field("region", &self.region)
            .field("caller", &self.caller)
            .finish_non_exhaustive()
    }
}

impl Call<'_> {
    /// What the account holds in the called region.
    pub fn here(&mut self) -> &mut Regional {
        self.account.region(&self.region)
    }

    /// An ARN in the called account and region.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        crate::ids::arn(&self.region, &self.account.id, service, resource)
    }

    /// Whether an ARN leads into the called account and region.
    ///
    /// # Errors
    /// Where it leads instead.
    pub(crate) fn owns(&self, arn: &Arn<'_>) -> Result<(), Elsewhere> {
        arn.check_is_of(&self.account.id, &self.region)
    }

    /// The refusal of what belongs to another account: no service has a policy that lets it in
    /// there. The sentence is AWS's for resource-based policies.
    pub(crate) fn not_authorized(&self, service: Service, action: &str, arn: &str) -> ApiError {
        let (status, code) = service.denial();
        let caller = self.caller.arn(&self.account.id, &self.region);
        let action = format!("{}:{action}", service.signing_name());
        ApiError::new(
            status,
            code,
            format!(
                "User: {caller} is not authorized to perform: {action} on resource: {arn} because no resource-based policy allows the {action} action"
            ),
        )
    }
}

/// How an operation ended: at once, or with work that must not hold the account's lock.
pub enum Outcome {
    /// It is done.
    Done(Answer),
    /// The answer comes later, for example from a function that is invoked synchronously.
    Later(Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>),
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Done(answer) => f.debug_tuple("Done").field(answer).finish(),
            Outcome::Later(_) => f.write_str("Later"),
        }
    }
}

impl From<Value> for Outcome {
    fn from(value: Value) -> Self {
        Outcome::Done(Answer::Value(value))
    }
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Outcome::Done(answer)
    }
}

impl Sandbox {
    /// A new, empty world whose engine runs for as long as the current tokio runtime lives.
    pub fn start(settings: Settings) -> Arc<Self> {
        let config_latency = Mutex::new(settings.config_latency);
        let call_latency = Mutex::new(settings.call_latency);
        let secret = settings.secret.clone().unwrap_or_else(Secret::random);
        let budgets = &settings.budgets;
        let journal = Journal::new(budgets.max_calls, budgets.call_bytes.0);
        let webhooks = webhooks::Inbox::new(budgets.webhook_bytes.0);
        let sandbox = Arc::new(Self {
            config_latency,
            call_latency,
            instance: uuid(),
            clock: Clock::default(),
            keys: KeyRing::new(secret.clone()),
            secret,
            settings,
            engine: Engine::default(),
            faults: Faults::default(),
            journal,
            functions: lambda::Host::default(),
            mailbox: sns::Mailbox::default(),
            webhooks,
            ledger: Ledger::default(),
            queued: Held::default(),
            accounts: Mutex::default(),
            bucket_owners: Mutex::default(),
            networks: ec2::Networks::default(),
            endpoint: OnceLock::new(),
        });
        tokio::spawn(Engine::run(sandbox.clone()));
        sandbox
    }

    /// The URL at which this sandbox listens; empty before it does.
    pub fn endpoint(&self) -> &str {
        self.endpoint.get().map_or("", String::as_str)
    }

    /// The address of a webhook. Its last part is all that a post to it needs, as with Slack's.
    pub fn webhook_url(&self, name: &str) -> String {
        let token = self.secret.derive(webhooks::PURPOSE, name);
        format!("{}/_sandbox/webhooks/{name}/{token}", self.endpoint())
    }

    /// How long after a change AWS Config records it, as chosen last.
    pub(crate) fn config_latency(&self) -> config::Latency {
        *self.lock_config_latency()
    }

    /// Changes it; what was noticed before keeps its time.
    pub fn set_config_latency(&self, latency: config::Latency) {
        *self.lock_config_latency() = latency;
    }

    /// How long the answer to a client takes, as chosen last.
    pub fn call_latency(&self) -> Duration {
        *self.lock_call_latency()
    }

    /// Chooses how long answers to clients take from now on.
    pub fn set_call_latency(&self, latency: Duration) {
        *self.lock_call_latency() = latency;
    }

    fn lock_call_latency(&self) -> std::sync::MutexGuard<'_, Duration> {
        let latency = self.call_latency.lock();
        latency.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_config_latency(&self) -> std::sync::MutexGuard<'_, config::Latency> {
        let latency = self.config_latency.lock();
        latency.unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_endpoint(&self, endpoint: String) {
        // A sandbox listens once; a second address would be a mistake of ours and changes nothing.
        let _ = self.endpoint.set(endpoint);
    }

    /// Performs one operation for a service (or a test) in this process, through the door that clients
    /// go through too: faults, authorisation, effect, tasks, journal.
    ///
    /// # Errors
    /// What AWS would answer.
    pub async fn perform(
        self: &Arc<Self>,
        target: &Target,
        service: Service,
        operation: &Operation,
    ) -> Result<Answer, ApiError> {
        self.admit(target, &Origin::Service, service, operation)
            .await
            .map_err(ApiError::from)
    }

    /// Like [`Sandbox::perform`], for a service that acts in somebody's name: the caller of `target` must
    /// be allowed to do it, `acting` (for example `cloudformation.amazonaws.com`) does it.
    ///
    /// # Errors
    /// What AWS would answer.
    pub async fn perform_for(
        self: &Arc<Self>,
        target: &Target,
        acting: &'static str,
        service: Service,
        operation: &Operation,
    ) -> Result<Answer, ApiError> {
        self.admit(target, &Origin::OnBehalf(acting), service, operation)
            .await
            .map_err(ApiError::from)
    }

    /// Like [`Sandbox::perform`], for services whose output is a structure.
    ///
    /// # Errors
    /// What AWS would answer.
    pub async fn perform_value(
        self: &Arc<Self>,
        target: &Target,
        service: Service,
        name: &str,
        input: Value,
    ) -> Result<Value, ApiError> {
        match self
            .perform(target, service, &Operation::new(name, input))
            .await?
        {
            Answer::Value(value) => Ok(value),
            Answer::Http(_) => Ok(Value::Null),
        }
    }

    /// Runs `work` on the locked account, then hands the tasks that it left to the engine. The
    /// closure must not block: everything slow belongs into a task or an [`Outcome::Later`].
    pub fn enter<T>(self: &Arc<Self>, target: &Target, work: impl FnOnce(&mut Call<'_>) -> T) -> T {
        self.enter_to(false, target, work)
    }

    /// Like [`Sandbox::enter`]; `looks` promises that the work changes nothing that a later read could
    /// show.
    pub(crate) fn enter_to<T>(
        self: &Arc<Self>,
        looks: bool,
        target: &Target,
        work: impl FnOnce(&mut Call<'_>) -> T,
    ) -> T {
        let account = self.account(&target.account);
        let mut account = match account.try_lock() {
            Ok(account) => account,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            // Somebody computes something for the same account: that is no reason to keep others waiting.
            Err(TryLockError::WouldBlock) => {
                aside(|| account.lock().unwrap_or_else(PoisonError::into_inner))
            }
        };
        let mut call = Call {
            sandbox: self,
            account: &mut account,
            region: target.region.clone(),
            caller: target.caller.clone(),
            now: self.clock.now(),
            request_id: target.request_id.clone(),
        };
        if !looks {
            self.faults.remember(&mut call);
        }
        let result = work(&mut call);
        if !looks {
            let held = account.holdings();
            self.ledger.change(&account.counted, &held);
            account.counted = held;
        }
        // Handed over under the lock, so that tasks of two calls cannot swap places.
        self.engine.schedule(account.outbox.drain(..));
        result
    }

    /// Where there are too many accounts, a new one is empty and gone afterwards: those who look find
    /// nothing, and who does something was refused by [`Sandbox::admit_account`].
    fn account(&self, id: &AccountId) -> Arc<Mutex<Account>> {
        let most = self.settings.budgets.max_accounts;
        let account = known_or_new(&mut self.lock_accounts(), id, most);
        account.unwrap_or_else(|| Arc::new(Mutex::new(Account::new(id.clone()))))
    }

    /// Whether one more event may wait for a function.
    pub(crate) fn can_queue(&self) -> bool {
        let budgets = &self.settings.budgets;
        self.queued.bytes() < budgets.event_bytes.0 && self.engine.tasks() < budgets.max_tasks
    }

    /// How many accounts there are.
    pub fn count_accounts(&self) -> usize {
        self.lock_accounts().len()
    }

    /// Makes the account if it does not exist yet.
    ///
    /// # Errors
    /// The service's own error for a quota.
    pub(crate) fn admit_account(&self, id: &AccountId, service: Service) -> Result<(), ApiError> {
        let most = self.settings.budgets.max_accounts;
        match known_or_new(&mut self.lock_accounts(), id, most) {
            Some(_) => Ok(()),
            None => {
                let why =
                    format!("there are {most} accounts, which is all that --max-accounts allows");
                Err(budgets::exceeded(service, &why))
            }
        }
    }

    fn lock_accounts(&self) -> std::sync::MutexGuard<'_, Accounts> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Accounts = BTreeMap<AccountId, Arc<Mutex<Account>>>;

/// The account, which is made where there is room for one more.
fn known_or_new(
    accounts: &mut Accounts,
    id: &AccountId,
    most: usize,
) -> Option<Arc<Mutex<Account>>> {
    if let Some(account) = accounts.get(id) {
        return Some(account.clone());
    }
    if accounts.len() >= most {
        return None;
    }
    let account = Arc::new(Mutex::new(Account::new(id.clone())));
    accounts.insert(id.clone(), account.clone());
    Some(account)
}

/// Where an operation goes and who asks for it.
#[derive(Debug, Clone)]
pub struct Target {
    /// The account that is called.
    pub account: AccountId,
    /// The region that is called.
    pub region: Region,
    /// Who calls.
    pub caller: Caller,
    /// The id that the answer carries.
    pub request_id: String,
}

impl Target {
    /// A target with a fresh request id.
    pub fn new(account: AccountId, region: Region, caller: Caller) -> Self {
        Self {
            account,
            region,
            caller,
            request_id: uuid(),
        }
    }
}
