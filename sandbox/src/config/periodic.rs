//! What Config does again and again, by the engine's clock.

use serde_json::Value;

use super::page::one_of;
use super::place::Place;
use crate::clock::Timestamp;
use crate::engine::Task;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::sandbox::Call;

/// How often: the API model's `MaximumExecutionFrequency`, from the most to the least frequent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Frequency {
    OneHour,
    ThreeHours,
    SixHours,
    TwelveHours,
    TwentyFourHours,
}

impl Frequency {
    const NAMES: [&'static str; 5] = [
        "One_Hour",
        "Three_Hours",
        "Six_Hours",
        "Twelve_Hours",
        "TwentyFour_Hours",
    ];

    /// Reads a member that holds a frequency; `path` names it in the refusal.
    pub(super) fn read(input: &Value, member: &str, path: &str) -> Result<Option<Self>, ApiError> {
        let Some(name) = input.text(member) else {
            return Ok(None);
        };
        one_of(name, path, &Self::NAMES)?;
        Ok([
            Self::OneHour,
            Self::ThreeHours,
            Self::SixHours,
            Self::TwelveHours,
            Self::TwentyFourHours,
        ]
        .into_iter()
        .find(|frequency| frequency.name() == name))
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OneHour => Self::NAMES[0],
            Self::ThreeHours => Self::NAMES[1],
            Self::SixHours => Self::NAMES[2],
            Self::TwelveHours => Self::NAMES[3],
            Self::TwentyFourHours => Self::NAMES[4],
        }
    }

    pub(super) fn period(self) -> time::Duration {
        time::Duration::hours(match self {
            Self::OneHour => 1,
            Self::ThreeHours => 3,
            Self::SixHours => 6,
            Self::TwelveHours => 12,
            Self::TwentyFourHours => 24,
        })
    }
}

/// Runs `job` every `period`, first one period from now, until it answers that it is over. It is told when
/// its next turn is. A clock that is stepped over several turns makes all of them, one after the other, and
/// to each of them it is the time at which it was due.
pub(super) fn every<J>(call: &mut Call<'_>, what: &str, period: time::Duration, job: J)
where
    J: Fn(&mut Call<'_>, Timestamp) -> bool + Send + 'static,
{
    let lane = Place::of(call).lane(what);
    let first = call.now + period;
    at(call, lane, first, period, job);
}

fn at<J>(call: &mut Call<'_>, lane: String, due: Timestamp, period: time::Duration, job: J)
where
    J: Fn(&mut Call<'_>, Timestamp) -> bool + Send + 'static,
{
    let place = Place::of(call);
    let task = Task::new(due, lane.clone(), move |sandbox| async move {
        sandbox.enter(&place.target(), |call| {
            call.now = due;
            let next = due + period;
            if job(call, next) {
                at(call, lane, next, period, job);
            }
        });
    });
    call.account.later(task.routine());
}
