//! What services held a moment ago, for reads that lag behind.
//!
//! While a rule asks for stale reads, every piece of work leaves a copy of what it may be about to
//! change: calls, and what services do by themselves (an item recorded, a stack's next step). A stale
//! read runs on the copy that was true at its moment, or on one that is older by at most a hundredth of
//! the lag: so few copies are kept, however much happens. Without such a rule nothing is copied.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ids::{AccountId, Region};
use crate::sandbox::Call;
use crate::service::Service;
use crate::{
    cloudformation, config, ec2, events, iam, lambda, logs, scheduler, secretsmanager, sns, ssm,
};

/// The lag is divided by this: a state that was true for a shorter moment has no copy of its own. So there
/// are at most twice as many copies of one service in one place.
const COPIES: u32 = 100;

/// What a service holds in one place.
#[derive(Debug, Clone)]
enum Holding {
    CloudFormation(Box<cloudformation::State>),
    Config(Box<config::State>),
    Ec2(Box<ec2::State>),
    Events(Box<events::State>),
    Iam(Box<iam::State>),
    Lambda(Box<lambda::State>),
    Logs(Box<logs::State>),
    Scheduler(Box<scheduler::State>),
    SecretsManager(Box<secretsmanager::State>),
    Sns(Box<sns::State>),
    Ssm(Box<ssm::State>),
}

/// A holding that is over.
#[derive(Debug)]
struct Former {
    since: Timestamp,
    until: Timestamp,
    held: Holding,
}

/// Who held it, and where; IAM is the same in every region.
type Place = (Service, AccountId, Option<Region>);

#[derive(Debug, Default)]
pub(super) struct Past {
    /// Whether anything is kept: ordinary work does not even take the lock.
    keeping: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The longest lag that a rule asks for, by whose holding is looked at.
    lags: HashMap<Service, Duration>,
    /// Oldest first.
    formers: HashMap<Place, VecDeque<Former>>,
}

/// The service whose holding the reads of `service` look at; `None` for S3, which is strongly consistent, and for what
/// holds nothing.
pub(super) fn looks_at(service: Service) -> Option<Service> {
    match service {
        Service::CloudFormation
        | Service::CloudTrail
        | Service::Config
        | Service::Ec2
        | Service::Events
        | Service::Iam
        | Service::Lambda
        | Service::Logs
        | Service::Scheduler
        | Service::SecretsManager
        | Service::Sns
        | Service::Ssm => Some(service),
        Service::Sts => Some(Service::Iam),
        // Quotas do not change.
        Service::Quotas | Service::S3 => None,
    }
}

impl Holding {
    /// A copy of what `service` holds where `call` is made.
    fn of(service: Service, call: &mut Call<'_>) -> Option<Self> {
        Some(match service {
            Service::CloudFormation => {
                Holding::CloudFormation(Box::new(call.here().cloudformation.clone()))
            }
            Service::Config => Holding::Config(Box::new(call.here().config.clone())),
            Service::Ec2 => Holding::Ec2(Box::new(call.here().ec2.clone())),
            Service::Events => Holding::Events(Box::new(call.here().events.clone())),
            Service::Iam => Holding::Iam(Box::new(call.account.iam.clone())),
            Service::Lambda => Holding::Lambda(Box::new(call.here().lambda.clone())),
            Service::Logs => Holding::Logs(Box::new(call.here().logs.clone())),
            Service::Scheduler => Holding::Scheduler(Box::new(call.here().scheduler.clone())),
            Service::SecretsManager => {
                Holding::SecretsManager(Box::new(call.here().secretsmanager.clone()))
            }
            Service::Sns => Holding::Sns(Box::new(call.here().sns.clone())),
            Service::Ssm => Holding::Ssm(Box::new(call.here().ssm.clone())),
            Service::CloudTrail | Service::Quotas | Service::S3 | Service::Sts => return None,
        })
    }

    /// Puts this into the place of what is there, and keeps that instead.
    fn swap(&mut self, call: &mut Call<'_>) {
        use std::mem::swap;
        match self {
            Holding::CloudFormation(held) => swap(&mut **held, &mut call.here().cloudformation),
            Holding::Config(held) => swap(&mut **held, &mut call.here().config),
            Holding::Ec2(held) => swap(&mut **held, &mut call.here().ec2),
            Holding::Events(held) => swap(&mut **held, &mut call.here().events),
            Holding::Iam(held) => swap(&mut **held, &mut call.account.iam),
            Holding::Lambda(held) => swap(&mut **held, &mut call.here().lambda),
            Holding::Logs(held) => swap(&mut **held, &mut call.here().logs),
            Holding::Scheduler(held) => swap(&mut **held, &mut call.here().scheduler),
            Holding::SecretsManager(held) => swap(&mut **held, &mut call.here().secretsmanager),
            Holding::Sns(held) => swap(&mut **held, &mut call.here().sns),
            Holding::Ssm(held) => swap(&mut **held, &mut call.here().ssm),
        }
    }
}

impl Past {
    /// How far back anybody looks from now on, and at whose holding.
    pub(super) fn keep(&self, lags: impl IntoIterator<Item = (Service, Duration)>) {
        let mut kept = self.lock();
        kept.lags.clear();
        for (service, lag) in lags {
            let longest = kept.lags.entry(service).or_default();
            *longest = lag.max(*longest);
        }
        let Kept { lags, formers } = &mut *kept;
        formers.retain(|(service, ..), _| lags.contains_key(service));
        self.keeping.store(!lags.is_empty(), Ordering::Release);
    }

    /// How many copies there are.
    #[cfg(test)]
    pub(super) fn copies(&self) -> usize {
        self.lock().formers.values().map(VecDeque::len).sum()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn place_of(service: Service, call: &Call<'_>) -> Place {
    let region = (service != Service::Iam).then(|| call.region.clone());
    (service, call.account.id.clone(), region)
}

impl super::Faults {
    /// Keeps what is about to be changed, if anybody may want to see it again.
    pub(crate) fn remember(&self, call: &mut Call<'_>) {
        if !self.past.keeping.load(Ordering::Acquire) {
            return;
        }
        let mut kept = self.past.lock();
        let Kept { lags, formers } = &mut *kept;
        for (&service, &lag) in &*lags {
            // Its events are in the journal, each with its moment.
            if service == Service::CloudTrail {
                continue;
            }
            let now = call.now;
            let formers = formers.entry(place_of(service, call)).or_default();
            let since = formers
                .back()
                .map_or(Timestamp::UNIX_EPOCH, |last| last.until);
            match formers.back_mut() {
                // Too short a moment for a copy of its own: the one before stands for it.
                Some(last) if now - last.since <= lag / COPIES => last.until = now,
                Some(last) if last.until == now => {}
                Some(_) | None => {
                    if let Some(held) = Holding::of(service, call) {
                        let until = now;
                        formers.push_back(Former { since, until, held });
                    }
                }
            }
            let horizon = now - lag;
            while formers.front().is_some_and(|first| first.until <= horizon) {
                formers.pop_front();
            }
        }
    }

    /// Runs `work` on what `service` held `lag` ago. It must be work that changes nothing of that.
    pub(crate) fn looking_back<T>(
        &self,
        call: &mut Call<'_>,
        (service, lag): (Service, Duration),
        work: impl FnOnce(&mut Call<'_>) -> T,
    ) -> T {
        let moment = call.now - lag;
        if service == Service::CloudTrail {
            let present = std::mem::replace(&mut call.now, moment);
            let result = work(call);
            call.now = present;
            return result;
        }
        let place = place_of(service, call);
        let then = self.past.lock().formers.get(&place).and_then(|formers| {
            let former = formers.iter().find(|former| former.until > moment)?;
            Some(former.held.clone())
        });
        let Some(mut holding) = then else {
            return work(call);
        };
        holding.swap(call);
        let result = work(call);
        holding.swap(call);
        result
    }
}
