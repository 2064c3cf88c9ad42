//! What a policy would do with a group, rule by rule.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use remediator_core::{
    AccountId, GroupId, Judged, Judgement, Matching, Plan, Policy, Rule, SecurityGroup, Timestamp,
    judge, plan,
};
use serde::Serialize;

use super::{Explain, groups, load, of_the_rule};
use crate::cli::Context;
use crate::commands::{account, group_or};
use crate::error::{Error, Kind, Result};
use crate::output::{Text, Ui};

#[derive(Debug, Serialize)]
struct Explained {
    group_id: String,
    group_name: String,
    /// What would be done.
    verdict: String,
    /// What has to be said beside it.
    remark: Option<String>,
    rules: Vec<Line>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    /// `keep`, `revoke` or `authorize`.
    what: &'static str,
    rule: String,
    why: &'static str,
}

/// Explains files by a policy in a file; calls nothing.
///
/// # Errors
/// [`Kind::Input`] where a file is unusable.
pub fn explain_file(ui: &Ui, args: &Explain) -> Result<()> {
    let Some(policy) = &args.policy else {
        return Err(Error::input("no policy is given"));
    };
    let policy = load(policy)?;
    let groups = groups::load(Path::new(&args.target))?;
    let all = groups
        .iter()
        .map(|group| match &args.rule_account {
            Some(account) => explained(group, &policy, account),
            None => for_its_owner(group, &policy),
        })
        .collect();
    print(ui, all)
}

/// Explains a live group, or files by the policy of the lab's rule.
///
/// # Errors
/// Unusable input or a failed call.
pub async fn explain(context: &Context, args: &Explain) -> Result<()> {
    let policy = match &args.policy {
        Some(file) => load(file)?,
        None => of_the_rule(context).await?,
    };
    let account: AccountId = match &args.rule_account {
        Some(account) => account.clone(),
        None => account(context)?,
    };
    let groups = match args.target.parse() {
        Ok(id) => vec![named_group(context, &id).await?],
        Err(_) => groups::load(Path::new(&args.target))?,
    };
    let all = groups
        .iter()
        .map(|group| explained(group, &policy, &account))
        .collect();
    print(&context.ui, all)
}

/// A group that somebody named: if it is not there, the name is likely to be wrong, and nothing is amiss with a lab.
async fn named_group(context: &Context, id: &GroupId) -> Result<SecurityGroup> {
    group_or(context, id, || {
        let what = format!("there is no group `{id}` in {}", context.place.region);
        Error::new(Kind::Failed, what).hint("check the id, `--region` and the account")
    })
    .await
}

fn print(ui: &Ui, all: Vec<Explained>) -> Result<()> {
    let mut shown = Text::default();
    for explained in &all {
        if !shown.is_empty() {
            shown.blank();
        }
        shown.append(&text(explained));
    }
    ui.result(&all, &shown)
}

fn text(explained: &Explained) -> Text {
    let Explained {
        group_id,
        group_name,
        verdict,
        remark,
        rules,
    } = explained;
    let mut text = Text::of(format_args!("{group_id} ({group_name}): {verdict}"));
    if let Some(remark) = remark {
        text.line(remark);
    }
    for Line { what, rule, why } in rules {
        text.line(format_args!("  {what:<9}  {rule}: {why}"));
    }
    text
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since.unwrap_or_default().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// What a rule of the owner's account would do. A file does not say whose rule it is, and a rule of any other account
/// never writes the group.
fn for_its_owner(group: &SecurityGroup, policy: &Policy) -> Explained {
    let owner = &group.owner_id;
    let mut explained = explained(group, policy, owner);
    let condition = format!(
        "This holds for a rule of account {owner}, which owns the group; a rule of another account never writes it \
         (see `--rule-account`)."
    );
    explained.remark = Some(match explained.remark {
        Some(remark) => format!("{remark} {condition}"),
        None => condition,
    });
    explained
}

fn explained(group: &SecurityGroup, policy: &Policy, account: &AccountId) -> Explained {
    let Judged { judgement, remark } = judge(group, policy, account, now());
    let verdict = match &judgement {
        Judgement::OutOfScope if group.owner_id != *account => {
            format!("belongs to account {}, never written", group.owner_id)
        }
        Judgement::OutOfScope => format!("not in scope ({}), never written", policy.scope),
        Judgement::Clean => "right as it is, not written".to_owned(),
        Judgement::Exempt { until, plan: _ } => format!("exempt until {until}, not written"),
        Judgement::Audit(plan) => format!("would be reported, not repaired (audit): {}", due(plan)),
        Judgement::Repair(plan) => format!("would be repaired: {}", due(plan)),
    };
    let rules = match judgement {
        Judgement::OutOfScope => Vec::new(),
        Judgement::Clean
        | Judgement::Exempt { .. }
        | Judgement::Audit(_)
        | Judgement::Repair(_) => lines(group, policy, &plan(group, policy)),
    };
    Explained {
        group_id: group.group_id.to_string(),
        group_name: group.group_name.clone(),
        verdict,
        remark,
        rules,
    }
}

fn due(plan: &Plan) -> String {
    format!(
        "{} to revoke, {} to authorize",
        plan.revocations(),
        plan.authorizations()
    )
}

fn lines(group: &SecurityGroup, policy: &Policy, plan: &Plan) -> Vec<Line> {
    let (kept, gone) = match policy.matching {
        Matching::Exact => ("it is approved", "it is not approved"),
        Matching::AtMost => ("an approved rule covers it", "no approved rule covers it"),
    };
    let (inbound, outbound) = (Rule::to_string, Rule::outbound);
    let mut lines = Vec::new();
    let mut add = |what, rules: &BTreeSet<Rule>, shown: fn(&Rule) -> String, why| {
        let line = |rule: &Rule| Line {
            what,
            rule: shown(rule),
            why,
        };
        lines.extend(rules.iter().map(line));
    };
    let left = |live: &BTreeSet<Rule>, revoke: &BTreeSet<Rule>| -> BTreeSet<Rule> {
        live.difference(revoke).cloned().collect()
    };
    let missing = "it is approved and missing";
    add("keep", &left(&group.ingress, &plan.revoke), inbound, kept);
    add("revoke", &plan.revoke, inbound, gone);
    add("authorize", &plan.authorize, inbound, missing);
    let why = if policy.egress.is_some() {
        kept
    } else {
        "the policy does not speak of outbound rules"
    };
    add(
        "keep",
        &left(&group.egress, &plan.egress.revoke),
        outbound,
        why,
    );
    add("revoke", &plan.egress.revoke, outbound, gone);
    add("authorize", &plan.egress.authorize, outbound, missing);
    lines
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;

    fn group() -> SecurityGroup {
        SecurityGroup {
            group_id: "sg-0a".parse().unwrap(),
            group_name: "LabSG1".to_owned(),
            vpc_id: None,
            owner_id: "123456789012".parse().unwrap(),
            tags: std::collections::BTreeMap::new(),
            ingress: ["tcp:80:0.0.0.0/0", "tcp:465:0.0.0.0/0"]
                .map(|rule| rule.parse().unwrap())
                .into(),
            egress: ["all:all:0.0.0.0/0".parse().unwrap()].into(),
            descriptions: std::collections::BTreeMap::new(),
        }
    }

    /// What the function does with a group of another owner, `explain` says too, whatever the scope.
    #[test]
    fn group_of_another_owner_is_never_written() {
        let (group, other) = (group(), "210987654321".parse().unwrap());
        for scope in ["", "account", "vpc:vpc-0a"] {
            let mut policy = Policy::default();
            if !scope.is_empty() {
                policy.scope = scope.parse().unwrap();
            }
            let shown = text(&explained(&group, &policy, &other)).to_string();
            assert_eq!(
                shown,
                "sg-0a (LabSG1): belongs to account 123456789012, never written\n"
            );
        }
    }

    /// A file says whose the group is, not whose the rule is.
    #[test]
    fn verdict_without_the_account_of_the_rule_names_its_condition() {
        let shown = text(&for_its_owner(&group(), &Policy::default())).to_string();
        let mut lines = shown.lines();
        assert!(
            lines.next().unwrap().contains("would be repaired"),
            "{shown}"
        );
        assert!(
            lines
                .next()
                .unwrap()
                .contains("a rule of account 123456789012"),
            "{shown}"
        );
    }

    #[test]
    fn every_rule_has_its_reason() {
        let group = group();
        let shown = text(&explained(&group, &Policy::default(), &group.owner_id));
        let expected = "\
sg-0a (LabSG1): would be repaired: 1 to revoke, 1 to authorize
  keep       tcp 80 from 0.0.0.0/0: it is approved
  revoke     tcp 465 from 0.0.0.0/0: it is not approved
  authorize  tcp 443 from 0.0.0.0/0: it is approved and missing
  keep       all traffic to 0.0.0.0/0: the policy does not speak of outbound rules
";
        assert_eq!(shown.to_string(), expected);
    }
}
