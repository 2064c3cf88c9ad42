//! Whether what a command told is true and useful.

use std::collections::BTreeMap;
use std::sync::Arc;

use driftlab::error::Kind;
use sandbox::journal::{Ended, Entry};

use crate::expected::{flaws_of_healed, flaws_of_ready};
use crate::{Census, Told, World};

/// The calls that one command made, by operation: `ec2:DescribeVpcs` and how often.
pub type Made = BTreeMap<(String, String), u64>;

/// Counts the calls of the account's owner.
pub fn made(calls: &[Arc<Entry>], kind: &str) -> Made {
    let mut made = Made::new();
    for call in calls.iter().filter(|call| is_of(call, kind)) {
        *made
            .entry((call.service.clone(), call.operation.clone()))
            .or_default() += 1;
    }
    made
}

fn is_of(call: &Entry, kind: &str) -> bool {
    call.caller
        .as_ref()
        .is_some_and(|caller| caller.kind() == kind)
}

/// What is untrue about the end of a command, or missing in what it said. `calls` are those that were made during it;
/// `empty` is the account without the lab.
///
/// A failure of a command that was in a position to succeed has to name the call that failed. Where the lab was not even
/// there (`random`), the command may have a better reason.
pub async fn lies(
    world: &World,
    told: &Told,
    calls: &[Arc<Entry>],
    empty: &Census,
    random: bool,
) -> Vec<String> {
    let verb = told.command.split(' ').next().unwrap_or_default();
    let Err(error) = &told.result else {
        let flaws = match verb {
            "deploy" => flaws_of_ready(world).await,
            "simulate-incident" if told.document["healed"] == true => flaws_of_healed(world).await,
            "simulate-incident" => vec!["it ended well and does not say `healed`".to_owned()],
            "cleanup" => {
                world.idle().await;
                let left = empty.differences(&Census::of(world).await);
                left.lines().map(str::to_owned).collect()
            }
            other => panic!("nothing is expected of `{other}`"),
        };
        return flaws
            .into_iter()
            .map(|flaw| format!("success was reported, and {flaw}"))
            .collect();
    };
    let mut lies = Vec::new();
    if told.document["healed"] == true {
        lies.push("it reports a repair and fails".to_owned());
    }
    match error.kind() {
        // A verdict about what was seen, not about a call.
        Kind::NotHealed | Kind::Leftovers => {}
        // Neither is that nothing was seen in time.
        Kind::TimedOut if told.document["healed"] == false => {}
        Kind::Failed | Kind::Refused | Kind::Unreachable => {
            lies.extend(names_the_call(told, calls, random))
        }
        Kind::Input | Kind::TimedOut | Kind::Interrupted => {
            lies.push(format!("it ends as {:?}: {}", error.kind(), told.failure()));
        }
    }
    lies
}

/// A failure names a call that failed, and with it AWS's code and request id where there was an answer.
fn names_the_call(told: &Told, calls: &[Arc<Entry>], random: bool) -> Option<String> {
    let said = told.failure();
    let failed = calls
        .iter()
        .filter(|call| call.fault.is_some() || refused(call).is_some());
    let mut named = failed
        .filter(|call| said.contains(&format!("`{}:{}`", call.service, call.operation)))
        .peekable();
    if named.peek().is_none() {
        if random {
            return None;
        }
        return Some(format!("it names no call that failed: {said}"));
    }
    let told_well = named.any(|call| match refused(call) {
        // Nothing but the status can be known of an answer to HEAD.
        Some((_, status)) if call.operation.starts_with("Head") => {
            said.contains(&format!("status {status}")) && said.contains(&call.request_id)
        }
        Some((code, _)) => said.contains(code) && said.contains(&call.request_id),
        None => true,
    });
    (!told_well).then(|| format!("it names no code and request id: {said}"))
}

/// The code and the status that the client was answered with, if it was answered with any.
fn refused(call: &Entry) -> Option<(&str, u16)> {
    let lost = |fault: &String| fault.starts_with("dropped") || fault.starts_with("timeout");
    match &call.ended {
        Ended::Refused(error) if !call.fault.as_ref().is_some_and(lost) => {
            Some((&error.code, error.status))
        }
        Ended::Refused(_) | Ended::Done | Ended::Dropped => None,
    }
}
