//! Whether policies allow an access. An explicit deny wins, nothing is allowed without a statement that
//! says so, and what cannot be decided counts against the access.

use super::access::Access;
use super::condition::any;
use super::document::{Document, Effect, Matched, Principal, Statement};
use super::pattern::{Context, expand, glob};
use crate::allowance::Allowance;

/// What one or more documents say about an access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// No statement applies.
    Silent,
    /// A resource's policy names the whole account: its identity policies decide.
    Delegated,
    /// A statement allows it, none denies it.
    Allowed,
    /// A statement denies it.
    Denied,
}

/// Who asks, as resource-based policies see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Who<'a> {
    /// A service, for example `config.amazonaws.com`.
    Service(&'a str),
    /// An identity, by its ARN; for a role session its own or the role's.
    Identity(&'a str),
}

impl<'a> Who<'a> {
    /// From an ARN or a service's name.
    pub(crate) fn parse(principal: &'a str) -> Self {
        if principal.starts_with("arn:") {
            Who::Identity(principal)
        } else {
            Who::Service(principal)
        }
    }
}

impl Document {
    /// What the document says. `who` is `None` for identity policies, which name no principal.
    pub(crate) fn judge(&self, who: Option<&Who<'_>>, access: &Access) -> Verdict {
        self.statements
            .iter()
            .map(|statement| statement.judge(who, access, self.variables))
            .max()
            .unwrap_or(Verdict::Silent)
    }
}

impl Statement {
    fn judge(&self, who: Option<&Who<'_>>, access: &Access, variables: bool) -> Verdict {
        let named = match (&self.principals, who) {
            (None, None) => Named::Directly,
            (Some(principals), Some(who)) => named(principals, who),
            // A document of the wrong kind: nothing follows from it.
            (None, Some(_)) | (Some(_), None) => Named::No,
        };
        let steps = &*access.effort.0;
        let acts = self.covers_action(&access.action, steps);
        if named == Named::No || acts == Some(false) {
            return Verdict::Silent;
        }
        let mut applies = both(acts, self.covers_resource(access, variables));
        for condition in &self.conditions {
            applies = both(applies, condition.holds(&access.context, variables, steps));
        }
        match (self.effect, applies) {
            (_, Some(false)) | (Effect::Allow, None) => Verdict::Silent,
            (Effect::Deny, Some(true) | None) => Verdict::Denied,
            (Effect::Allow, Some(true)) if named == Named::ByAccount => Verdict::Delegated,
            (Effect::Allow, Some(true)) => Verdict::Allowed,
        }
    }

    /// `None` where that takes too many steps.
    fn covers_action(&self, action: &str, steps: &Allowance) -> Option<bool> {
        let action = action.to_ascii_lowercase();
        let covers = |patterns: &[String]| {
            any(patterns.iter().map(|pattern| {
                if !steps.take(pattern.len()) {
                    return None;
                }
                // Actions take no variables, so there is always a pattern.
                let pattern = expand(&pattern.to_ascii_lowercase(), &Context::new(), false)?;
                glob(&pattern, &action, steps)
            }))
        };
        match &self.actions {
            Matched::In(patterns) => covers(patterns),
            Matched::NotIn(patterns) => covers(patterns).map(|covered| !covered),
        }
    }

    /// `None` where that takes too many steps, or hangs on a variable without a value.
    fn covers_resource(&self, access: &Access, variables: bool) -> Option<bool> {
        let steps = &*access.effort.0;
        let covers = |pattern: &String, without_value| {
            if !steps.take(pattern.len()) {
                return None;
            }
            match expand(pattern, &access.context, variables) {
                Some(pattern) => glob(&pattern, &access.resource, steps),
                None => without_value,
            }
        };
        match &self.resources {
            None => Some(true),
            // IAM: a pattern whose variable has no value matches no resource.
            Some(Matched::In(patterns)) => {
                any(patterns.iter().map(|pattern| covers(pattern, Some(false))))
            }
            Some(Matched::NotIn(patterns)) => {
                any(patterns.iter().map(|pattern| covers(pattern, None))).map(|covered| !covered)
            }
        }
    }
}

/// True when both are; undecided when one is and none is false.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        (None, _) | (_, None) => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Named {
    No,
    ByAccount,
    Directly,
}

fn named(principals: &Matched<Principal>, who: &Who<'_>) -> Named {
    let among = |list: &[Principal]| {
        list.iter()
            .map(|principal| names(principal, who))
            .max()
            .unwrap_or(Named::No)
    };
    match principals {
        Matched::In(list) => among(list),
        Matched::NotIn(list) if among(list) == Named::No => Named::Directly,
        Matched::NotIn(_) => Named::No,
    }
}

fn names(principal: &Principal, who: &Who<'_>) -> Named {
    let directly = |named: bool| if named { Named::Directly } else { Named::No };
    match (principal, who) {
        (Principal::Anyone, _) => Named::Directly,
        (Principal::Service(service), Who::Service(name)) => directly(service == name),
        (Principal::Aws(wanted), Who::Identity(arn)) => {
            if names_account(wanted, arn) {
                return Named::ByAccount;
            }
            directly(wanted == arn || names_role_of(wanted, arn))
        }
        (Principal::Service(_), Who::Identity(_))
        | (Principal::Aws(_), Who::Service(_))
        | (Principal::Foreign, _) => Named::No,
    }
}

/// `123456789012` or `arn:aws:iam::123456789012:root` names everybody in the account.
fn names_account(wanted: &str, arn: &str) -> bool {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let wanted = match wanted.strip_suffix(":root") {
        Some(root) => root.rsplit(':').next().unwrap_or_default(),
        None => wanted,
    };
    !account.is_empty() && wanted == account
}

/// Whether `wanted` is the ARN of the role that the session `arn` belongs to. Session ARNs leave a
/// role's path out.
fn names_role_of(wanted: &str, arn: &str) -> bool {
    let wanted: Vec<&str> = wanted.splitn(6, ':').collect();
    let arn: Vec<&str> = arn.splitn(6, ':').collect();
    match (&wanted[..], &arn[..]) {
        (
            [_, partition, "iam", "", account, role],
            [_, own_partition, "sts", "", own_account, session],
        ) => {
            let own = session
                .strip_prefix("assumed-role/")
                .and_then(|rest| rest.split('/').next());
            let name = role
                .strip_prefix("role/")
                .and_then(|path| path.rsplit('/').next());
            partition == own_partition && account == own_account && name.is_some() && name == own
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::document::Kind;
    use super::*;
    use serde_json::{Value, json};

    fn identity(statements: Value, access: &Access) -> Verdict {
        let document = json!({"Version": "2012-10-17", "Statement": statements});
        Document::read(&document, Kind::Identity)
            .expect("a valid document")
            .judge(None, access)
    }

    fn resource(statement: Value, principal: &str, access: &Access) -> Verdict {
        let document = json!({"Version": "2012-10-17", "Statement": statement});
        Document::read(&document, Kind::Resource)
            .expect("a valid document")
            .judge(Some(&Who::parse(principal)), access)
    }

    fn get(key: &str) -> Access {
        Access::on("s3", "GetObject", format!("arn:aws:s3:::b/{key}"))
    }

    #[test]
    fn actions_and_resources() {
        let allow = |action: Value, on: &str| {
            identity(
                json!({"Effect": "Allow", "Action": action, "Resource": on}),
                &get("k"),
            )
        };
        assert_eq!(allow(json!("S3:get*"), "*"), Verdict::Allowed);
        assert_eq!(
            allow(json!(["ec2:*", "s3:GetObject"]), "arn:aws:s3:::b/*"),
            Verdict::Allowed
        );
        assert_eq!(allow(json!("*"), "arn:aws:s3:::b"), Verdict::Silent);
        assert_eq!(allow(json!("s3:Get"), "*"), Verdict::Silent);
        assert_eq!(
            identity(
                json!({"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::c/*"}),
                &get("k")
            ),
            Verdict::Allowed
        );
        assert_eq!(
            identity(
                json!({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
                &get("k")
            ),
            Verdict::Silent
        );
    }

    #[test]
    fn an_explicit_deny_wins_wherever_it_stands() {
        let deny =
            json!({"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::b/secret*"});
        let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        for statements in [json!([deny, allow]), json!([allow, deny])] {
            assert_eq!(
                identity(statements.clone(), &get("secret1")),
                Verdict::Denied
            );
            assert_eq!(identity(statements, &get("open")), Verdict::Allowed);
        }
    }

    #[test]
    fn the_condition_of_the_labs_function_role() {
        let vpc = "arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1";
        let statement = json!({
            "Effect": "Allow",
            "Action": ["ec2:AuthorizeSecurityGroupIngress", "ec2:RevokeSecurityGroupIngress"],
            "Resource": "arn:aws:ec2:us-east-1:123456789012:security-group/*",
            "Condition": {"ArnEquals": {"ec2:Vpc": vpc}},
        });
        let revoke = || {
            Access::on(
                "ec2",
                "RevokeSecurityGroupIngress",
                "arn:aws:ec2:us-east-1:123456789012:security-group/sg-1",
            )
        };
        assert_eq!(
            identity(statement.clone(), &revoke().with("ec2:Vpc", vpc)),
            Verdict::Allowed
        );
        assert_eq!(
            identity(
                statement.clone(),
                &revoke().with("ec2:Vpc", format!("{vpc}2"))
            ),
            Verdict::Silent
        );
        assert_eq!(identity(statement, &revoke()), Verdict::Silent);
    }

    #[test]
    fn what_cannot_be_decided_counts_against_the_access() {
        let statement = |effect: &str| {
            json!([
                {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"},
                {"Effect": effect, "Action": "s3:*", "Resource": "*",
                 "Condition": {"NumericLessThan": {"s3:max-keys": "ten"}}},
            ])
        };
        let access = get("k").with("s3:max-keys", "5");
        assert_eq!(identity(statement("Allow"), &access), Verdict::Silent);
        assert_eq!(identity(statement("Deny"), &access), Verdict::Denied);
    }

    #[test]
    fn who_a_resource_policy_names() {
        let allow = |principal: Value, caller: &str| {
            resource(
                json!({"Effect": "Allow", "Principal": principal, "Action": "s3:*", "Resource": "*"}),
                caller,
                &get("k"),
            )
        };
        let service = || json!({"Service": ["config.amazonaws.com"]});
        let session = "arn:aws:sts::123456789012:assumed-role/R/s";
        let role = "arn:aws:iam::123456789012:role/path/R";
        assert_eq!(allow(service(), "config.amazonaws.com"), Verdict::Allowed);
        assert_eq!(allow(service(), "events.amazonaws.com"), Verdict::Silent);
        assert_eq!(allow(service(), role), Verdict::Silent);
        assert_eq!(allow(json!("*"), "config.amazonaws.com"), Verdict::Allowed);
        assert_eq!(allow(json!({"AWS": role}), session), Verdict::Allowed);
        assert_eq!(allow(json!({"AWS": role}), role), Verdict::Allowed);
        assert_eq!(
            allow(json!({"AWS": "arn:aws:iam::210987654321:role/R"}), session),
            Verdict::Silent
        );
        assert_eq!(
            allow(json!({"AWS": "arn:aws:iam::123456789012:root"}), session),
            Verdict::Delegated
        );
        assert_eq!(
            allow(json!({"AWS": "123456789012"}), role),
            Verdict::Delegated
        );
        let others = json!({"Effect": "Deny", "NotPrincipal": {"AWS": role}, "Action": "s3:*", "Resource": "*"});
        assert_eq!(
            resource(others.clone(), session, &get("k")),
            Verdict::Silent
        );
        assert_eq!(
            resource(others, "config.amazonaws.com", &get("k")),
            Verdict::Denied
        );
    }

    #[test]
    fn the_source_account_of_a_service() {
        let statement = json!({
            "Effect": "Allow", "Principal": {"Service": "config.amazonaws.com"}, "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::b/*",
            "Condition": {"StringEquals": {"AWS:SourceAccount": "123456789012"}},
        });
        let judge = |access: Access| resource(statement.clone(), "config.amazonaws.com", &access);
        assert_eq!(
            judge(get("k").with("aws:SourceAccount", "123456789012")),
            Verdict::Allowed
        );
        assert_eq!(
            judge(get("k").with("aws:SourceAccount", "210987654321")),
            Verdict::Silent
        );
        assert_eq!(judge(get("k")), Verdict::Silent);
    }

    #[test]
    fn what_takes_too_many_steps_counts_against_the_access() {
        let pattern = format!("arn:aws:s3:::b/*{}b", "a".repeat(50));
        let statement = |effect: &str, kind: &str| {
            json!([
                {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*"},
                {"Effect": effect, "Action": "s3:GetObject", kind: pattern},
            ])
        };
        let key = "a".repeat(200);
        let few = std::sync::Arc::new(Allowance::of(2_000));
        for (effect, kind, expected, short_of_steps) in [
            ("Allow", "Resource", Verdict::Silent, Verdict::Silent),
            ("Allow", "NotResource", Verdict::Allowed, Verdict::Silent),
            ("Deny", "Resource", Verdict::Silent, Verdict::Denied),
            ("Deny", "NotResource", Verdict::Denied, Verdict::Denied),
        ] {
            let statements = statement(effect, kind);
            assert_eq!(
                identity(statements.clone(), &get(&key)),
                expected,
                "{effect} {kind}"
            );
            let access = get(&key).paid_from(&few);
            assert_eq!(
                identity(statements, &access),
                short_of_steps,
                "{effect} {kind}"
            );
            assert!(few.is_exhausted());
        }
    }
}
