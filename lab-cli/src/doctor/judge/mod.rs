//! From facts to findings.

mod cost;
mod identity;
mod limits;
mod permissions;
#[cfg(test)]
mod tests;
mod things;

pub use cost::{Cost, cost};

use super::{Facts, Finding};

/// Everything that there is to say, in the order in which it is asked: who, whether they may, what is in the way, what would
/// be hit.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut findings = identity::judge(facts);
    findings.extend(permissions::judge(facts));
    findings.extend(things::judge(facts));
    findings.extend(limits::judge(facts));
    findings
}
