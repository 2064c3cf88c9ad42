//! Guard-rails: what is refused unless somebody insists.

use remediator_core::{AccountId, Scope};

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

/// Which account is meant, and who says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeantAccount {
    /// The account.
    pub id: AccountId,
    /// Who says so.
    pub said_by: SaidBy,
}

/// Who names an account, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SaidBy {
    /// `--account`.
    CommandLine,
    /// `DRIFTLAB_ACCOUNT`.
    Environment,
    /// `account` in the settings file.
    SettingsFile,
}

impl MeantAccount {
    /// The account that counts: the command line's, then the environment's, then the settings file's.
    ///
    /// # Errors
    /// [`Kind::Input`] for a variable that is no account.
    pub fn of(
        flag: Option<&AccountId>,
        variable: Option<&str>,
        file: Option<&AccountId>,
    ) -> Result<Option<Self>> {
        if let Some(id) = flag {
            return Ok(Some(Self {
                id: id.clone(),
                said_by: SaidBy::CommandLine,
            }));
        }
        if let Some(text) = variable {
            let id = text.parse().map_err(|e| {
                Error::input("the variable `DRIFTLAB_ACCOUNT` names no account").caused_by(e)
            })?;
            let said_by = SaidBy::Environment;
            return Ok(Some(Self { id, said_by }));
        }
        Ok(file.map(|id| Self {
            id: id.clone(),
            said_by: SaidBy::SettingsFile,
        }))
    }

    /// Refuses credentials of another account, before anything is looked at.
    ///
    /// # Errors
    /// [`Kind::Refused`], with both accounts.
    pub fn check(&self, identity: &Identity) -> Result<()> {
        let Self { id, said_by } = self;
        if identity.account == id.as_str() {
            return Ok(());
        }
        let (who, hint) = match said_by {
            SaidBy::CommandLine => ("`--account`", "correct `--account`"),
            SaidBy::Environment => (
                "the variable `DRIFTLAB_ACCOUNT`",
                "say `--account` for this once",
            ),
            SaidBy::SettingsFile => (
                "`account` in the settings file",
                "say `--account` for this once",
            ),
        };
        Err(Error::refused(format!(
            "nothing was looked at or changed, because {who} names the account {id}, and the credentials are of the account {} (`{}`)",
            identity.account, identity.arn
        ))
        .hint(format!("choose credentials of the account {id}, as with `--profile`"))
        .hint(format!("or, if the account {} is meant, {hint}", identity.account)))
    }
}

/// Lets a scope beyond the lab's VPC pass only when somebody types the account's id: the function would rewrite groups that
/// the lab did not make. `confirmed` is the id from the command line; a file or a variable confirms nothing, as it says the same for
/// every command, also for the one that is a mistake.
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
            "run the same command with `--account {account}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

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
    fn the_command_line_names_the_account_before_the_environment_and_the_file() {
        let id = |text: &str| text.parse::<AccountId>().ok();
        let [a, b, c] = ["111111111111", "222222222222", "333333333333"];
        let check = |flag: Option<&str>, variable, file: Option<&str>, expected| {
            let meant = MeantAccount::of(
                flag.and_then(id).as_ref(),
                variable,
                file.and_then(id).as_ref(),
            );
            let meant = meant.ok().flatten();
            let said = meant.map(|meant| (meant.id.to_string(), meant.said_by));
            assert_eq!(said, expected);
        };
        let told = |id: &str, said_by| Some((id.to_owned(), said_by));
        check(Some(a), Some(b), Some(c), told(a, SaidBy::CommandLine));
        check(None, Some(b), Some(c), told(b, SaidBy::Environment));
        check(None, None, Some(c), told(c, SaidBy::SettingsFile));
        check(None, None, None, None);
        let wrong = MeantAccount::of(None, Some("12"), None);
        assert_eq!(wrong.err().map(|e| e.kind()), Some(Kind::Input));
    }

    #[test]
    fn another_account_is_refused_with_both_named() {
        let ours = identity("arn:aws:iam::123456789012:user/ann");
        for said_by in [
            SaidBy::CommandLine,
            SaidBy::Environment,
            SaidBy::SettingsFile,
        ] {
            let meant = |id: &str| MeantAccount {
                id: id.parse().unwrap(),
                said_by,
            };
            assert!(meant("123456789012").check(&ours).is_ok());
            let error = meant("222222222222").check(&ours).unwrap_err();
            assert_eq!(error.kind(), Kind::Refused);
            for word in ["123456789012", "222222222222"] {
                assert!(error.to_string().contains(word), "{error}");
            }
        }
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
