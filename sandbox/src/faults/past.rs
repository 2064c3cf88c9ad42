//! What EC2 looked like a moment ago, for reads that lag behind.
//!
//! While a rule asks for stale reads, every mutation of EC2 leaves a copy of the state that it is about
//! to change. A stale read runs on the copy that was true at its moment. Without such a rule nothing is
//! copied.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::ec2;
use crate::ids::{AccountId, Region};
use crate::sandbox::Call;

/// States that are over, each with the moment until which it was true, oldest first.
type States = VecDeque<(Timestamp, ec2::State)>;

#[derive(Debug, Default)]
pub(super) struct Past {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// The longest lag that a rule asks for; `None` when none does.
    lag: Option<Duration>,
    states: HashMap<(AccountId, Region), States>,
}

impl Past {
    /// How far back anybody looks from now on.
    pub(super) fn keep(&self, lag: Option<Duration>) {
        let mut kept = self.lock();
        kept.lag = lag;
        if lag.is_none() {
            kept.states.clear();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl super::Faults {
    /// Keeps the state that an EC2 operation is about to change, if anybody may want to see it again.
    pub(crate) fn remember(&self, call: &mut Call<'_>) {
        let mut kept = self.past.lock();
        let Some(lag) = kept.lag else {
            return;
        };
        let place = (call.account.id.clone(), call.region.clone());
        let state = call.here().ec2.clone();
        let horizon = call.now - lag;
        let states = kept.states.entry(place).or_default();
        states.push_back((call.now, state));
        while states.front().is_some_and(|(until, _)| *until <= horizon) {
            states.pop_front();
        }
    }

    /// Runs `work` on EC2 as it was `lag` ago. It must be work that only looks.
    pub(crate) fn looking_back<T>(
        &self,
        call: &mut Call<'_>,
        lag: Duration,
        work: impl FnOnce(&mut Call<'_>) -> T,
    ) -> T {
        let moment = call.now - lag;
        let place = (call.account.id.clone(), call.region.clone());
        let then = self.past.lock().states.get(&place).and_then(|states| {
            let (_, state) = states.iter().find(|(until, _)| *until > moment)?;
            Some(state.clone())
        });
        let Some(then) = then else {
            return work(call);
        };
        let present = std::mem::replace(&mut call.here().ec2, then);
        let result = work(call);
        call.here().ec2 = present;
        result
    }
}
