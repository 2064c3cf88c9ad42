//! Who is calling: what an access key stands for.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::ids::{AccountId, Region, global_arn, upper_id};
use crate::secret::{SESSION_TOKEN, Secret};
use crate::signature::DerivedKeys;

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

/// What the ids of sessions' keys begin with.
const SESSION: &str = "ASIA";

/// How many sessions are kept; some 25 MB. The one that ends first makes room.
const SESSIONS: usize = 100_000;

/// Why a key opens nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyFault {
    /// Never issued, deleted or inactive.
    Unknown(String),
    /// The key of a session without its token.
    NoToken(String),
    /// A token that does not belong to the key.
    WrongToken,
    /// The session has ended.
    Expired,
}

/// Every key that the sandbox has issued, and the operators' keys, which always exist.
///
/// Keys of users are as many as users may have. Sessions are forgotten when they end or are revoked: that one has been
/// there is told by its token, which only this sandbox can have made.
#[derive(Debug)]
pub struct KeyRing {
    secret: Secret,
    issued: Mutex<Issued>,
    /// How many sessions are kept.
    sessions: usize,
    pub(crate) derived: DerivedKeys,
}

#[derive(Debug, Default)]
struct Issued {
    keys: HashMap<String, Key>,
    /// The sessions among them, in the order in which they end.
    ends: BTreeSet<(Timestamp, String)>,
}

impl Issued {
    fn remove(&mut self, access_key_id: &str) {
        if let Some(Key {
            expires: Some(end), ..
        }) = self.keys.remove(access_key_id)
        {
            self.ends.remove(&(end, access_key_id.to_owned()));
        }
    }

    /// Forgets the sessions that have ended.
    fn forget(&mut self, now: Timestamp) {
        while let Some((end, _)) = self.ends.first()
            && *end <= now
        {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((_, id)) = self.ends.pop_first() {
            self.keys.remove(&id);
        }
    }
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
            issued: Mutex::default(),
            sessions: SESSIONS,
            derived: DerivedKeys::default(),
        }
    }

    /// The key pair of an account's operator: the account's id, and a secret that only this sandbox can derive.
    pub fn operator(&self, account: &AccountId) -> Credentials {
        self.credentials(account.as_str())
    }

    /// The key pair of an account's root user: the account's id with `-root` behind it.
    pub fn root(&self, account: &AccountId) -> Credentials {
        self.credentials(&format!("{account}-root"))
    }

    /// What belongs to the id of an access key, issued or not. The secret half and, where sessions have one, the token
    /// follow from the id: a key ring that was made with the same secret knows them again, and no generator of
    /// pseudo-random numbers gives them away.
    pub fn credentials(&self, access_key_id: &str) -> Credentials {
        let is_session = access_key_id.starts_with(SESSION);
        let token = is_session.then(|| self.secret.session_token(access_key_id));
        Credentials {
            access_key_id: access_key_id.to_owned(),
            secret_access_key: self.secret_of(access_key_id),
            session_token: token.unwrap_or_default(),
            expires: None,
        }
    }

    /// The secret half of an access key, issued or not.
    pub(crate) fn secret_of(&self, access_key_id: &str) -> String {
        self.secret.access_key(access_key_id)
    }

    /// Issues session credentials for `caller`, valid until `expires`.
    pub fn issue_session(
        &self,
        account: &AccountId,
        caller: Caller,
        expires: Timestamp,
    ) -> Credentials {
        self.issue(upper_id(SESSION, 16), account, caller, Some(expires))
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
        if let Some(key) = self.lock().keys.get_mut(access_key_id) {
            key.active = active;
        }
    }

    /// What `access_key_id` stands for at `now`, whoever shows it: twelve digits are the operator of that account, with
    /// `-root` behind them its root user; anything else must have been issued, be active and not have expired.
    pub fn lookup(&self, access_key_id: &str, now: Timestamp) -> Option<(AccountId, Caller)> {
        if let Some(owner) = owner(access_key_id) {
            return Some(owner);
        }
        let mut issued = self.lock();
        issued.forget(now);
        let key = issued.keys.get(access_key_id)?;
        key.active
            .then(|| (key.account.clone(), key.caller.clone()))
    }

    /// What `access_key_id` stands for at `now`, when it comes with `token`. Who shows it must still prove to have its
    /// secret half.
    ///
    /// # Errors
    /// [`KeyFault`], the first that there is.
    pub fn find(
        &self,
        access_key_id: &str,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<(AccountId, Caller), KeyFault> {
        let has_token = match token {
            None => false,
            Some(token) if self.secret.verify(SESSION_TOKEN, access_key_id, token) => true,
            Some(_) => return Err(KeyFault::WrongToken),
        };
        if let Some(owner) = owner(access_key_id) {
            return if has_token {
                Err(KeyFault::WrongToken)
            } else {
                Ok(owner)
            };
        }
        let mut issued = self.lock();
        issued.forget(now);
        match issued.keys.get(access_key_id) {
            // Its token proves that there was such a session.
            None if has_token => Err(KeyFault::Expired),
            Some(key) if key.expires.is_some() && !has_token => {
                Err(KeyFault::NoToken(access_key_id.to_owned()))
            }
            Some(key) if key.active => Ok((key.account.clone(), key.caller.clone())),
            Some(_) | None => Err(KeyFault::Unknown(access_key_id.to_owned())),
        }
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
        let mut issued = self.lock();
        if let Some(end) = expires {
            if issued.ends.len() >= self.sessions {
                issued.forget_first();
            }
            issued.ends.insert((end, id.clone()));
        }
        issued.keys.insert(id.clone(), key);
        drop(issued);
        Credentials {
            expires,
            ..self.credentials(&id)
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Issued> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The account's operator or root user, whose keys are never issued.
fn owner(access_key_id: &str) -> Option<(AccountId, Caller)> {
    let (account, caller) = match access_key_id.strip_suffix("-root") {
        Some(account) => (account, Caller::Root),
        None => (access_key_id, Caller::Operator),
    };
    AccountId::parse(account).map(|account| (account, caller))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use time::Duration;

    fn ring() -> (KeyRing, AccountId, Timestamp) {
        let account = AccountId::parse("123456789012").unwrap();
        let ring = KeyRing::new(Secret::random());
        (ring, account, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn key_ring_session_ended_is_forgotten_and_still_known_as_ended() {
        let (ring, account, start) = ring();
        let end = start + Duration::HOUR;
        let session = ring.issue_session(&account, Caller::Root, end);
        let (id, token) = (&session.access_key_id, Some(&*session.session_token));
        let before = end - Duration::MILLISECOND;
        assert_eq!(ring.find(id, token, before), Ok((account, Caller::Root)));
        let missing = ring.find(id, None, before);
        assert_eq!(missing, Err(KeyFault::NoToken(id.clone())));
        let other = ring.find(id, Some("another"), before);
        assert_eq!(other, Err(KeyFault::WrongToken));
        assert_eq!(ring.find(id, token, end), Err(KeyFault::Expired));
        let issued = ring.lock();
        assert!(issued.keys.is_empty() && issued.ends.is_empty());
    }

    #[test]
    fn key_ring_keys_taken_back_leave_nothing() {
        let (ring, account, start) = ring();
        let end = start + Duration::HOUR;
        let session = ring.issue_session(&account, Caller::Root, end);
        let key = ring.issue_key(&account, Caller::Root);
        ring.revoke(&session.access_key_id);
        ring.revoke(&key.access_key_id);
        let found = ring.find(&session.access_key_id, Some(&session.session_token), start);
        assert_eq!(found, Err(KeyFault::Expired));
        let found = ring.find(&key.access_key_id, None, start);
        assert_eq!(found, Err(KeyFault::Unknown(key.access_key_id)));
        let issued = ring.lock();
        assert!(issued.keys.is_empty() && issued.ends.is_empty());
    }

    #[test]
    fn key_ring_full_of_sessions_forgets_the_one_that_ends_first() {
        let (mut ring, account, start) = ring();
        ring.sessions = 2;
        let issue = |minutes| {
            let end = start + Duration::minutes(minutes);
            ring.issue_session(&account, Caller::Root, end)
        };
        let key = ring.issue_key(&account, Caller::Root);
        let sessions = [issue(20), issue(10), issue(30)];
        let known = sessions.each_ref().map(|session| {
            let found = ring.find(&session.access_key_id, Some(&session.session_token), start);
            found.is_ok()
        });
        assert_eq!(known, [true, false, true]);
        assert!(ring.find(&key.access_key_id, None, start).is_ok());
        assert_eq!(ring.lock().keys.len(), 3);
    }

    #[test]
    fn key_ring_token_with_a_key_that_has_none_is_wrong() {
        let (ring, account, start) = ring();
        for id in [
            "123456789012".to_owned(),
            ring.issue_key(&account, Caller::Root).access_key_id,
        ] {
            assert!(ring.find(&id, None, start).is_ok(), "{id}");
            let found = ring.find(&id, Some("token"), start);
            assert_eq!(found, Err(KeyFault::WrongToken), "{id}");
        }
    }
}
