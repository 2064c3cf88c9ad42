//! Who is calling: what an access key stands for.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::ids::{AccountId, Region, global_arn, upper_id};
use crate::secret::Secret;

/// The principal behind a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Whoever uses the account id as access key: an administrator of that account.
    Operator,
    /// The account's root user.
    Root,
    /// An IAM user with a long-lived key.
    User {
        /// The user's name.
        name: String,
    },
    /// A session of an assumed role, for example a function at work.
    Role {
        /// The role's name, without path.
        role: String,
        /// The session's name; Lambda uses the function's name.
        session: String,
    },
    /// An AWS service acting on its own, for example `config.amazonaws.com`.
    Service(&'static str),
}

impl Caller {
    /// Whether the caller may set and remove tags whose keys begin with `aws:`: services may, CloudFormation among
    /// them, and nobody else.
    pub fn may_set_system_tags(&self) -> bool {
        matches!(self, Caller::Service(_))
    }

    /// The ARN that `GetCallerIdentity` shows and that error messages name.
    pub fn arn(&self, account: &AccountId, region: &Region) -> String {
        let partition = region.partition();
        match self {
            Caller::Operator => global_arn(partition, account, "iam", "user/operator"),
            Caller::Root => global_arn(partition, account, "iam", "root"),
            Caller::User { name } => global_arn(partition, account, "iam", &format!("user/{name}")),
            Caller::Role { role, session } => global_arn(
                partition,
                account,
                "sts",
                &format!("assumed-role/{role}/{session}"),
            ),
            Caller::Service(principal) => (*principal).to_owned(),
        }
    }

    /// What kind of principal this is, in one word: `operator`, `root`, `user`, `role` or `service`.
    pub fn kind(&self) -> &'static str {
        match self {
            Caller::Operator => "operator",
            Caller::Root => "root",
            Caller::User { .. } => "user",
            Caller::Role { .. } => "role",
            Caller::Service(_) => "service",
        }
    }
}

/// A key triple as clients use it.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// `ASIA…` for sessions, `AKIA…` for users.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
    /// Empty for long-lived keys.
    pub session_token: String,
    /// When the session ends; `None` for long-lived keys.
    pub expires: Option<Timestamp>,
}

/// Every key that the sandbox has issued, and the operators' keys, which always exist.
#[derive(Debug)]
pub struct KeyRing {
    secret: Secret,
    keys: Mutex<HashMap<String, Key>>,
}

/// What a key stands for.
#[derive(Debug)]
struct Key {
    account: AccountId,
    caller: Caller,
    expires: Option<Timestamp>,
    /// An inactive key opens nothing, but can be made active again.
    active: bool,
}

impl KeyRing {
    /// A key ring whose secrets are all derived from `secret`.
    pub fn new(secret: Secret) -> Self {
        Self {
            secret,
            keys: Mutex::default(),
        }
    }

    /// The key pair of an account's operator: the account's id, and a secret that only this sandbox can derive.
    pub fn operator(&self, account: &AccountId) -> Credentials {
        self.pair(account.as_str())
    }

    /// The key pair of an account's root user: the account's id with `-root` behind it.
    pub fn root(&self, account: &AccountId) -> Credentials {
        self.pair(&format!("{account}-root"))
    }

    /// The secret half and, where sessions have one, the token follow from the id: a key ring that was made with the same
    /// secret knows them again, and no generator of pseudo-random numbers gives them away.
    fn pair(&self, access_key_id: &str) -> Credentials {
        Credentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: self.secret.access_key(access_key_id),
            session_token: String::new(),
            expires: None,
        }
    }

    /// Issues session credentials for `caller`, valid until `expires`.
    pub fn issue_session(
        &self,
        account: &AccountId,
        caller: Caller,
        expires: Timestamp,
    ) -> Credentials {
        self.issue(upper_id("ASIA", 16), account, caller, Some(expires))
    }

    /// Issues a long-lived key for `caller`.
    pub fn issue_key(&self, account: &AccountId, caller: Caller) -> Credentials {
        self.issue(upper_id("AKIA", 16), account, caller, None)
    }

    /// Takes a key back; unknown keys are ignored.
    pub fn revoke(&self, access_key_id: &str) {
        self.lock().remove(access_key_id);
    }

    /// Makes a key usable or unusable; unknown keys are ignored.
    pub fn set_active(&self, access_key_id: &str, active: bool) {
        if let Some(key) = self.lock().get_mut(access_key_id) {
            key.active = active;
        }
    }

    /// What `access_key_id` stands for at `now`: twelve digits are the operator of that account, with `-root` behind them its
    /// root user; anything else must have been issued, be active and not have expired.
    pub fn lookup(&self, access_key_id: &str, now: Timestamp) -> Option<(AccountId, Caller)> {
        if let Some(account) = AccountId::parse(access_key_id) {
            return Some((account, Caller::Operator));
        }
        let root = access_key_id
            .strip_suffix("-root")
            .and_then(AccountId::parse);
        if let Some(account) = root {
            return Some((account, Caller::Root));
        }
        let keys = self.lock();
        let key = keys.get(access_key_id)?;
        (key.active && key.expires.is_none_or(|at| now < at))
            .then(|| (key.account.clone(), key.caller.clone()))
    }

    fn issue(
        &self,
        id: String,
        account: &AccountId,
        caller: Caller,
        expires: Option<Timestamp>,
    ) -> Credentials {
        let key = Key {
            account: account.clone(),
            caller,
            expires,
            active: true,
        };
        self.lock().insert(id.clone(), key);
        let session_token = expires.map(|_| self.secret.session_token(&id));
        Credentials {
            session_token: session_token.unwrap_or_default(),
            expires,
            ..self.pair(&id)
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Key>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
