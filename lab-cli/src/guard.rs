//! Guard-rails: what is refused unless somebody insists.

use remediator_core::Scope;

use crate::aws::Identity;
use crate::doctor::Caller;
use crate::error::{Error, Kind, Result};
use crate::output::Ui;
use crate::spec::LabScope;

/// Proof that whoever acts is not the account's root user, or has insisted. Consent, and with it everything that changes
/// something, is had with this only, so that no command can forget to look.
#[derive(Debug, Clone, Copy)]
pub struct MayChange(());

/// Refuses to change anything as the account's root user.
///
/// # Errors
/// [`Kind::Refused`].
pub fn root(identity: &Identity, allowed: bool) -> Result<MayChange> {
    if allowed || Caller::of(&identity.arn) != Caller::Root {
        return Ok(MayChange(()));
    }
    Err(Error::refused(format!(
        "nothing was changed, because `{}` is the root user of the account",
        identity.arn
    ))
    .hint("use credentials of a role or a user: `driftlab policy` prints the permissions that it needs")
    .hint("or insist with `--allow-root`"))
}

/// Lets a scope beyond the lab's VPC pass only when somebody types the account's id: the function would rewrite groups that
/// the lab did not make. `confirmed` is the id from the command line.
///
/// # Errors
/// [`Kind::Refused`] when it is not given, or is another account's.
pub fn scope(ui: &Ui, scope: &LabScope, account: &str, confirmed: Option<&str>) -> Result<()> {
    let scope = match scope {
        LabScope::LabVpc => return Ok(()),
        LabScope::Asked(scope) => scope,
    };
    let reach = match scope {
        Scope::Unrestricted | Scope::Account => {
            "every security group of the account in this region".to_owned()
        }
        Scope::Vpc(vpc) => format!("every security group of `{vpc}`"),
        Scope::Tag { key, value } => {
            format!(
                "every security group of this region with the tag `{key}={value}`, whoever sets it"
            )
        }
    };
    ui.warn(format_args!(
        "the scope `{scope}` lets the function rewrite the inbound rules of {reach}"
    ));
    let typed = match confirmed {
        Some(id) => Some(id.to_owned()),
        None => ui.ask_for("Type the id of the account to go on:"),
    };
    match typed.as_deref().map(str::trim) {
        Some(id) if id == account => Ok(()),
        Some(_) => Err(Error::refused(format!(
            "nothing was changed, because what was typed is not the id of this account, which is {account}"
        ))
        .hint("make sure that these are the credentials that you mean")),
        None => Err(Error::new(
            Kind::Refused,
            "nothing was changed, because nobody can be asked whether the scope is meant",
        )
        .hint(format!(
            "run the same command with `--confirm-account {account}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(arn: &str) -> Identity {
        Identity {
            account: "123456789012".to_owned(),
            arn: arn.to_owned(),
        }
    }

    #[test]
    fn the_root_user_has_to_insist() {
        let user = identity("arn:aws:iam::123456789012:user/ann");
        assert!(root(&user, false).is_ok());
        let owner = identity("arn:aws:iam::123456789012:root");
        assert_eq!(
            root(&owner, false).err().map(|error| error.kind()),
            Some(Kind::Refused)
        );
        assert!(root(&owner, true).is_ok());
    }

    #[test]
    fn a_wider_scope_needs_the_account_itself() {
        let account = "123456789012";
        let check = |wanted: LabScope, confirmed| {
            scope(&Ui::captured(), &wanted, account, confirmed).map_err(|error| error.kind())
        };
        let asked = |text: &str| text.parse().map_or(LabScope::LabVpc, LabScope::Asked);
        assert_eq!(check(LabScope::LabVpc, None), Ok(()));
        for wide in ["account", "vpc:vpc-0a1b", "tag:team=red"] {
            assert_eq!(check(asked(wide), Some(account)), Ok(()), "{wide}");
            assert_eq!(check(asked(wide), None), Err(Kind::Refused), "{wide}");
            for other in ["210987654321", "", "yes"] {
                assert_eq!(check(asked(wide), Some(other)), Err(Kind::Refused));
            }
        }
    }
}
