//! What the lab costs here, computed from what is there.

use serde::Serialize;

use crate::doctor::Facts;
use crate::doctor::prices::{ALL, EVALUATION, ITEM, Price};
use crate::doctor::quotas::GROUPS;

/// A change is one item, and one evaluation of it.
const CHANGE: f64 = ITEM.usd + EVALUATION.usd;
/// Opening the ports and closing them.
const CHANGES_OF_AN_INCIDENT: u32 = 2;
/// Incidents on a day of class, for the sum of a day.
const INCIDENTS_A_DAY: u32 = 10;

/// What it costs, in US dollars.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Security groups of the region when the lab is there; `None` when they could not be counted.
    pub groups: Option<u64>,
    /// Once: each group is recorded and judged.
    pub once_usd: Option<f64>,
    /// Each change to a group.
    pub per_change_usd: f64,
    /// A day on which nobody changes a group.
    pub idle_day_usd: f64,
    /// A day of class.
    pub class_day_usd: f64,
    /// How many incidents that day has.
    pub incidents_a_day: u32,
    /// Where the numbers come from.
    pub prices: &'static [Price],
}

/// The cost of a lab here.
pub fn cost(facts: &Facts) -> Cost {
    let there = facts.quotas.iter().find(|each| each.quota == GROUPS);
    let own = if facts.is_new() { GROUPS.needed } else { 0 };
    let groups = there
        .and_then(|each| each.used.as_ref().ok())
        .map(|used| used + own);
    // Counts of groups are far below what a double holds exactly.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let once_usd = groups.map(|groups| groups as f64 * CHANGE);
    Cost {
        groups,
        once_usd,
        per_change_usd: CHANGE,
        idle_day_usd: 0.0,
        class_day_usd: f64::from(INCIDENTS_A_DAY * CHANGES_OF_AN_INCIDENT) * CHANGE,
        incidents_a_day: INCIDENTS_A_DAY,
        prices: ALL,
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.groups, self.once_usd) {
            (Some(groups), Some(once)) => write!(
                f,
                "about ${once:.3} once, for {groups} security groups in the region"
            )?,
            (_, _) => write!(f, "${CHANGE:.3} once for each security group in the region")?,
        }
        write!(
            f,
            "; then ${CHANGE:.3} for each change to one: ${:.2} on a day without changes, ${:.2} on a day with {} incidents",
            self.idle_day_usd, self.class_day_usd, self.incidents_a_day
        )
    }
}
