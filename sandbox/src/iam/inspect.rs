//! Questions about a document as a whole, which services ask before they accept it.

use super::document::{Document, Effect, Matched, Principal};
use crate::sandbox::Account;

impl Document {
    /// Whether every resource that the document names passes `test`.
    pub(crate) fn resources_are(&self, test: impl Fn(&str) -> bool) -> bool {
        self.statements
            .iter()
            .filter_map(|statement| statement.resources.as_ref())
            .flat_map(|resources| match resources {
                Matched::In(list) | Matched::NotIn(list) => list,
            })
            .all(|resource| test(resource))
    }

    /// Whether every action that the document names passes `test`.
    pub(crate) fn actions_are(&self, test: impl Fn(&str) -> bool) -> bool {
        self.statements
            .iter()
            .flat_map(|statement| match &statement.actions {
                Matched::In(list) | Matched::NotIn(list) => list,
            })
            .all(|action| test(action))
    }

    /// A role of this account that the document names and that does not exist: services refuse such a policy.
    pub(crate) fn unknown_principal(&self, account: &Account) -> Option<&str> {
        let role_of_ours = |arn: &str| {
            let mut parts = arn.splitn(6, ':').skip(2);
            parts.next() == Some("iam")
                && parts.nth(1) == Some(account.id.as_str())
                && parts.next().is_some_and(|name| name.starts_with("role/"))
        };
        self.statements
            .iter()
            .filter_map(|statement| statement.principals.as_ref())
            .flat_map(|principals| match principals {
                Matched::In(list) | Matched::NotIn(list) => list,
            })
            .find_map(|principal| match principal {
                Principal::Aws(arn)
                    if role_of_ours(arn) && account.iam.role_by_arn(arn).is_none() =>
                {
                    Some(arn.as_str())
                }
                Principal::Aws(_)
                | Principal::Anyone
                | Principal::Service(_)
                | Principal::Foreign => None,
            })
    }

    /// Whether anybody at all is let in. Simplified: any condition counts as a restriction.
    pub(crate) fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            let anyone = match &statement.principals {
                Some(Matched::In(list)) => list.contains(&Principal::Anyone),
                Some(Matched::NotIn(_)) => true,
                None => false,
            };
            statement.effect == Effect::Allow && anyone && statement.conditions.is_empty()
        })
    }
}
