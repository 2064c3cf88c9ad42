//! The list of calls: who asked for what, when, and how it ended. CloudTrail and EventBridge tell from it.
//!
//! Every call that reaches the sandbox is written down once, by the door (or by the gateway where it
//! never got that far). Each account keeps its newest calls, up to a number, and all of them
//! together up to a number of bytes; what falls out is counted.

mod book;
mod kept;

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::watch;

use self::book::Book;
pub use self::kept::Kept;
use crate::budgets::Budgets;
use crate::caller::Caller;
use crate::clock::{Timestamp, iso8601};
use crate::error::ApiError;
use crate::ids::{AccountId, Region, uuid};

/// From where a call came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Over HTTP: a tool, a test, a function at work.
    Client {
        /// The key that the request was signed with.
        access_key: String,
        /// What the client calls itself; empty when it does not say.
        user_agent: String,
    },
    /// From inside: a service (or a test) that calls in its own name.
    Service,
    /// From inside: this service, in the name of the caller (CloudFormation makes a stack).
    OnBehalf(&'static str),
}

impl Origin {
    /// The access key of a client.
    pub(crate) fn access_key(&self) -> Option<&str> {
        match self {
            Origin::Client { access_key, .. } => Some(access_key),
            Origin::Service | Origin::OnBehalf(_) => None,
        }
    }

    /// The service that acts in the caller's name.
    pub fn acting(&self) -> Option<&'static str> {
        match self {
            Origin::OnBehalf(acting) => Some(acting),
            Origin::Client { .. } | Origin::Service => None,
        }
    }
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It did what it was asked for.
    Done,
    /// It was refused, or failed.
    Refused(ApiError),
    /// Nothing was done and nothing was answered: a fault closed the connection.
    Dropped,
}

impl Ended {
    /// How an operation ended by its result.
    pub(crate) fn of<T>(result: &Result<T, ApiError>) -> Self {
        match result {
            Ok(_) => Ended::Done,
            Err(error) => Ended::Refused(error.clone()),
        }
    }
}

/// One call.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Counts every call of the sandbox, from 1, in the order of their effects.
    pub number: u64,
    /// When, by the sandbox's clock.
    pub at: Timestamp,
    /// The account that was called; `None` when the caller could not be told.
    pub account: Option<AccountId>,
    /// The region that was called, as the request named it.
    pub region: String,
    /// Who called; `None` when that could not be told.
    pub caller: Option<Caller>,
    /// The caller's ARN or service name; the access key when it belongs to nobody.
    pub principal: String,
    /// The caller as CloudTrail's `userIdentity`; null when it could not be told.
    pub identity: Kept,
    /// From where.
    pub origin: Origin,
    /// The service's signing name.
    pub service: String,
    /// AWS's name of the operation; empty when the request could not be read.
    pub operation: String,
    /// The input, without secrets.
    pub input: Kept,
    /// The output, without secrets; null for reads, for failures and where it is no structure.
    pub answer: Kept,
    /// How the operation ended. What a fault did to the answer afterwards is told by `fault`.
    pub ended: Ended,
    /// The fault that struck, for example `throttling before the effect`.
    pub fault: Option<String>,
    /// The id that the answer carried.
    pub request_id: String,
    /// The id of CloudTrail's event.
    pub event_id: String,
}

impl Entry {
    /// A call that did not get as far as the door. Whose key it was signed with may be known all the same.
    pub(crate) fn turned_away(
        at: Timestamp,
        origin: Origin,
        who: Option<(AccountId, Caller)>,
        place: (&str, &str),
        error: &ApiError,
        request_id: &str,
    ) -> Self {
        let (service, region) = place;
        let (account, caller) = who.unzip();
        let principal = origin.access_key().unwrap_or_default().to_owned();
        Self {
            number: 0,
            at,
            account,
            region: region.to_owned(),
            caller,
            principal,
            identity: Kept::default(),
            origin,
            service: service.to_owned(),
            operation: String::new(),
            input: Kept::default(),
            answer: Kept::default(),
            ended: Ended::Refused(error.clone()),
            fault: None,
            request_id: request_id.to_owned(),
            event_id: uuid(),
        }
    }

    /// Whether the operation only looks.
    pub fn read_only(&self) -> bool {
        reads(&self.operation)
    }

    /// Bytes of memory.
    fn size(&self) -> u64 {
        let texts = [
            self.region.len(),
            self.principal.len(),
            self.identity.len(),
            self.service.len(),
            self.operation.len(),
            self.input.len(),
            self.answer.len(),
            self.fault.as_ref().map_or(0, String::len),
            self.request_id.len(),
            self.event_id.len(),
            match &self.origin {
                Origin::Client {
                    access_key,
                    user_agent,
                } => access_key.len() + user_agent.len(),
                Origin::Service | Origin::OnBehalf(_) => 0,
            },
            match &self.ended {
                Ended::Refused(error) => error.code.len() + error.message.len(),
                Ended::Done | Ended::Dropped => 0,
            },
        ];
        (size_of::<Self>() + texts.iter().sum::<usize>()) as u64
    }

    /// As `GET /_sandbox/calls` shows it.
    pub fn describe(&self) -> Value {
        let (source, user_agent, acting) = match &self.origin {
            Origin::Client { user_agent, .. } => ("client", Some(user_agent), None),
            Origin::Service => ("service", None, None),
            Origin::OnBehalf(acting) => ("service", None, Some(acting)),
        };
        let result = match &self.ended {
            Ended::Done => json!({"status": "ok"}),
            Ended::Refused(error) => {
                json!({"status": "error", "code": error.code, "http": error.status, "message": error.message})
            }
            Ended::Dropped => json!({"status": "dropped"}),
        };
        json!({
            "number": self.number,
            "at": iso8601(self.at),
            "account": self.account.as_ref().map(AccountId::as_str),
            "region": self.region,
            "caller": {"kind": self.caller.as_ref().map(Caller::kind), "principal": self.principal},
            "source": source,
            "user_agent": user_agent,
            "acting": acting,
            "service": self.service,
            "operation": self.operation,
            "input": self.input.value(),
            "result": result,
            "fault": self.fault,
            "request_id": self.request_id,
            "event_id": self.event_id,
        })
    }
}

/// Whether an operation of that name only looks, as CloudTrail's `readOnly` says. (Taking on a role counts
/// as looking there.)
pub(crate) fn reads(operation: &str) -> bool {
    const VERBS: &[&str] = &[
        "AssumeRole",
        "BatchGet",
        "Describe",
        "Detect",
        "Estimate",
        "Filter",
        "Get",
        "Head",
        "List",
        "Lookup",
        "Select",
        "Simulate",
        "TestEvent",
        "Validate",
    ];
    // Drift detection leaves its findings behind, whatever its name says.
    !operation.starts_with("DetectStack") && VERBS.iter().any(|verb| operation.starts_with(verb))
}

/// Which calls to list.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Of this account; `None` lists all, and the calls that belong to nobody.
    pub account: Option<AccountId>,
    /// In this region.
    pub region: Option<Region>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// With a higher number: what is new to somebody who asks again and again.
    pub after: u64,
}

/// The calls that were listed, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Shared with the journal.
    pub calls: Vec<Arc<Entry>>,
    /// How many older calls of these accounts have been forgotten.
    pub forgotten: u64,
}

/// See the module's words.
#[derive(Debug)]
pub struct Journal {
    book: Mutex<Book>,
    news: watch::Sender<u64>,
    /// Calls of an account.
    most: usize,
    /// Bytes of all calls.
    most_bytes: u64,
}

impl Default for Journal {
    fn default() -> Self {
        let Budgets {
            max_calls,
            call_bytes,
            ..
        } = Budgets::default();
        Self::new(max_calls, call_bytes.0)
    }
}

/// How much a journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    /// Calls.
    pub calls: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Calls that were forgotten.
    pub forgotten: u64,
}

impl Journal {
    /// An empty one that keeps at most `most` calls of an account, and `most_bytes` of all.
    pub fn new(most: usize, most_bytes: u64) -> Self {
        Self {
            book: Mutex::default(),
            news: watch::Sender::default(),
            most: most.max(1),
            most_bytes,
        }
    }

    /// How much it holds.
    pub fn size(&self) -> Size {
        let book = self.lock();
        let mut size = Size {
            bytes: book.bytes,
            forgotten: book.forgotten,
            ..Size::default()
        };
        for ring in book.rings.values() {
            size.calls += ring.entries.len();
            size.forgotten += ring.forgotten;
        }
        size
    }

    /// Writes a call down and numbers it.
    pub(crate) fn write(&self, mut entry: Entry) -> Arc<Entry> {
        let mut book = self.lock();
        book.written += 1;
        entry.number = book.written;
        let entry = Arc::new(entry);
        let size = entry.size();
        let ring = book.rings.entry(entry.account.clone()).or_default();
        let mut freed = 0;
        if ring.entries.len() >= self.most {
            freed = ring.forget();
        }
        ring.entries.push_back(entry.clone());
        ring.bytes += size;
        book.bytes = book.bytes + size - freed;
        book.forget_over(self.most_bytes);
        drop(book);
        self.news.send_if_modified(|newest| {
            let newer = *newest < entry.number;
            *newest = entry.number.max(*newest);
            newer
        });
        entry
    }

    /// The number of the newest call, for somebody who waits for the next one.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Lists calls, oldest first.
    pub fn list(&self, query: &Query) -> Found {
        let book = self.lock();
        let mut found = Found::default();
        for (account, ring) in &book.rings {
            if query.account.is_some() && query.account != *account {
                continue;
            }
            found.forgotten += ring.forgotten;
            let wanted = |entry: &&Arc<Entry>| {
                entry.number > query.after
                    && query.since.is_none_or(|since| entry.at >= since)
                    && query
                        .region
                        .as_ref()
                        .is_none_or(|region| entry.region == region.as_str())
            };
            found
                .calls
                .extend(ring.entries.iter().filter(wanted).cloned());
        }
        found.calls.sort_by_key(|entry| entry.number);
        found
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
