//! Judging an incident: from collected evidence to a verdict. Pure: no call, no clock.

mod code;
mod evidence;
mod judge;
mod opening;
mod verdicts;

pub use code::foreign_code;
pub use evidence::{Evaluation, Evidence, Incident, Source, is_failure, shows_open};
pub use judge::{Judgement, Timeline, judge};
pub use opening::is_own_doing;
pub use verdicts::{Verdict, verdicts};
