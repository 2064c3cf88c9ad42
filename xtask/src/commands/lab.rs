//! `doctor`, `deploy`, `simulate-incident`, `status`, `logs`, `cleanup`, `extend`: builds what is needed, finds or starts the shared sandbox,
//! and becomes `driftlab`.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::architecture::Architecture;
use crate::compile::{self, Place};
use crate::endpoint::{Account, DEFAULT_ACCOUNT, DEFAULT_REGION, Identity, SANDBOX_EMAIL};
use crate::failure::{Exit, Failure};
use crate::package::Package;
use crate::sandbox::keys::Keys;
use crate::sandbox::shared::State;

/// The commands of `driftlab`, which know nothing of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Doctor,
    Deploy,
    SimulateIncident,
    Status,
    Logs,
    Cleanup,
    Extend,
}

impl Name {
    fn as_str(self) -> &'static str {
        match self {
            Self::Doctor => "doctor",
            Self::Deploy => "deploy",
            Self::SimulateIncident => "simulate-incident",
            Self::Status => "status",
            Self::Logs => "logs",
            Self::Cleanup => "cleanup",
            Self::Extend => "extend",
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Work on the AWS account that the environment or profile names, not on the sandbox
    #[arg(long)]
    aws: bool,
    /// The account: twelve digits. It chooses one of the sandbox [default: 123456789012]; on AWS it says of which account the
    /// credentials have to be, else nothing is done
    #[arg(long, value_name = "ID")]
    account: Option<Account>,
    /// The region [default: us-east-1 in the sandbox; on AWS what the environment or profile says]
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// Everything else goes to driftlab as it is; `-- --help` lists what it understands
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "DRIFTLAB ARGUMENTS"
    )]
    rest: Vec<OsString>,
}

/// Where `driftlab` looks for the address that is told about changes.
const EMAIL: &str = "DRIFTLAB_EMAIL";

/// Where `driftlab` looks for the account that is meant.
const ACCOUNT: &str = "DRIFTLAB_ACCOUNT";

/// What is left after xtask has taken its own options out of the command line, wherever they stood.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    aws: bool,
    account: Option<Account>,
    region: Option<String>,
    rest: Vec<OsString>,
}

impl Args {
    /// clap stops looking for our options at the first one that it does not know; the user need not know that.
    fn request(&self) -> Result<Request> {
        let mut request = Request {
            aws: self.aws,
            account: self.account.clone(),
            region: self.region.clone(),
            rest: Vec::new(),
        };
        let mut arguments = self.rest.iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_str().unwrap_or_default();
            let (name, value) = text
                .split_once('=')
                .map_or((text, None), |(name, value)| (name, Some(value)));
            let mut needed = || {
                value
                    .or_else(|| arguments.next().and_then(|next| next.to_str()))
                    .map(str::to_owned)
                    .ok_or_else(|| Failure::new(Exit::Usage, format!("`{name}` needs a value")))
            };
            match name {
                // Whatever the value says, it would be read as consent.
                "--aws" if value.is_some() => {
                    return Err(Failure::new(Exit::Usage, "`--aws` takes no value")
                        .hint("leave it out to work on the sandbox")
                        .into());
                }
                "--aws" => request.aws = true,
                "--account" => {
                    let account = needed()?;
                    let account = account.parse().map_err(|problem| {
                        Failure::new(Exit::Usage, format!("`{account}` is no account: {problem}"))
                    })?;
                    request.account = Some(account);
                }
                "--region" => request.region = Some(needed()?),
                _ => request.rest.push(argument.clone()),
            }
        }
        Ok(request)
    }
}

impl Request {
    /// Refuses what leads away from the sandbox, where everything is done without a question.
    fn check(&self) -> Result<()> {
        if self.aws {
            return Ok(());
        }
        let (what, hint) = if self.has("--profile") {
            (
                "`--profile` names credentials for AWS, and the sandbox takes none of those",
                "say `--aws` to work on AWS, or choose an account of the sandbox with `--account`",
            )
        } else if self.has("--endpoint-url") {
            (
                "`--endpoint-url` names another endpoint than the sandbox that xtask started",
                "say `--aws` to work at that endpoint, with the credentials of the environment or a profile",
            )
        } else {
            return Ok(());
        };
        Err(Failure::new(Exit::Usage, what).hint(hint).into())
    }

    fn has(&self, option: &str) -> bool {
        self.rest.iter().any(|argument| {
            argument.to_str().is_some_and(|text| {
                text.strip_prefix(option)
                    .is_some_and(|after| after.is_empty() || after.starts_with('='))
            })
        })
    }

    /// Whether `driftlab` would have no address to tell. A settings file may have one, and the environment would win over
    /// it, so where there is such a file it is left to speak for itself.
    fn names_no_email(&self) -> bool {
        !self.has("--email")
            && !self.has("--config")
            && env::var_os(EMAIL).is_none()
            && !Path::new("driftlab.yaml").exists()
    }

    fn names_package(&self) -> bool {
        self.has("--package") || env::var_os("DRIFTLAB_PACKAGE").is_some()
    }

    /// The processor of a function on AWS: `driftlab`'s own option says for which one to build.
    fn architecture(&self) -> Result<Architecture> {
        const OPTION: &str = "--architecture";
        let texts = || self.rest.iter().filter_map(|argument| argument.to_str());
        let joined = texts().find_map(|text| text.strip_prefix("--architecture="));
        let wanted = joined.or_else(|| texts().skip_while(|text| *text != OPTION).nth(1));
        match wanted {
            None => Ok(Architecture::ON_AWS),
            Some(wanted) => Architecture::from_str(wanted, false).map_err(|_| {
                let known = Architecture::value_variants()
                    .iter()
                    .map(|each| each.name());
                let known = known.collect::<Vec<_>>().join("` or `");
                let what = format!("`{wanted}` is no `{OPTION}`: it is `{known}`");
                Failure::new(Exit::Usage, what).into()
            }),
        }
    }

    fn is_for_help(&self) -> bool {
        self.has("--help") || self.has("-h")
    }
}

/// Never returns when all goes well: `driftlab` takes over this process, so that signals and exit codes are its own.
pub(crate) fn run(name: Name, args: &Args) -> Result<()> {
    let request = args.request()?;
    request.check()?;
    let local = !request.aws && !request.is_for_help();
    if local {
        State::check()?;
    }
    let (programs, package) = build(name, &request)?;
    let mut command = Command::new(&programs.driftlab);
    command.arg(name.as_str());
    if let Some(package) = package {
        command.arg("--package").arg(&package.path);
    }
    if let Some(region) = &request.region {
        command.arg("--region").arg(region);
    }
    if let Some(account) = &request.account {
        command.arg("--account").arg(account.to_string());
    }
    if local {
        let identity = Identity {
            account: match request.account.clone() {
                Some(account) => account,
                None => DEFAULT_ACCOUNT.parse().map_err(anyhow::Error::msg)?,
            },
            region: request
                .region
                .clone()
                .unwrap_or_else(|| DEFAULT_REGION.to_owned()),
        };
        let sandbox = State::lock()?.ensure(&programs.sandbox)?;
        let keys = Keys::of_operator(&sandbox, &identity.account)?;
        identity.apply(&mut command, &sandbox, &keys);
        // The account that a settings file or the environment means is one of AWS.
        command.env(ACCOUNT, identity.account.to_string());
        if request.names_no_email() {
            command.env(EMAIL, SANDBOX_EMAIL);
        }
        // There is nothing in a sandbox that would have to be confirmed.
        if !request.has("--yes") && !request.has("-y") {
            command.arg("--yes");
        }
    }
    command.args(&request.rest);
    let error = command.exec();
    Err(error).with_context(|| format!("cannot start `{}`", programs.driftlab.display()))
}

/// Builds what the command needs: the function only where it is about to be deployed and no package was given.
fn build(name: Name, request: &Request) -> Result<(compile::Programs, Option<Package>)> {
    let needs_package = match name {
        Name::Deploy => !request.names_package() && !request.is_for_help(),
        Name::Doctor
        | Name::SimulateIncident
        | Name::Status
        | Name::Logs
        | Name::Cleanup
        | Name::Extend => false,
    };
    if !needs_package {
        return Ok((compile::programs()?, None));
    }
    let place = if request.aws {
        Place::Aws(request.architecture()?)
    } else {
        Place::Here
    };
    let built = compile::everything(place)?;
    Ok((built.programs, Some(built.package)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn request(rest: &[&str]) -> Result<Request> {
        Args {
            aws: false,
            account: None,
            region: None,
            rest: rest.iter().map(OsString::from).collect(),
        }
        .request()
    }

    #[test]
    fn our_own_options_are_found_wherever_they_stand() {
        let request = request(&[
            "--wait",
            "5m",
            "--aws",
            "--account=000000000042",
            "--region",
            "eu-west-1",
            "--yes",
        ])
        .unwrap();
        assert!(request.aws);
        assert_eq!(request.account.unwrap().to_string(), "000000000042");
        assert_eq!(request.region.as_deref(), Some("eu-west-1"));
        assert_eq!(request.rest, ["--wait", "5m", "--yes"]);
    }

    #[test]
    fn on_aws_the_function_runs_on_arm64_unless_somebody_chooses() {
        let chosen = |rest: &[&str]| request(rest).unwrap().architecture();
        assert_eq!(chosen(&["--yes"]).unwrap(), Architecture::Arm64);
        for rest in [
            &["--architecture", "x86_64"][..],
            &["--yes", "--architecture=x86_64"],
        ] {
            assert_eq!(chosen(rest).unwrap(), Architecture::X86_64, "{rest:?}");
        }
        assert!(chosen(&["--architecture", "mips"]).is_err());
    }

    #[test]
    fn option_that_leads_away_from_the_sandbox_without_aws_is_refused() {
        for (rest, good) in [
            (&["--endpoint-url", "http://127.0.0.1:9"][..], false),
            (&["--yes", "--endpoint-url=http://127.0.0.1:9"], false),
            (&["--endpoint-url", "http://127.0.0.1:9", "--aws"], true),
            (&["--profile", "classB"], false),
            (&["--yes", "--profile=classB"], false),
            (&["--profile", "classB", "--aws"], true),
            (&["--account", "000000000042", "--aws"], true),
            (&["--yes"], true),
        ] {
            let checked = request(rest).unwrap().check();
            assert_eq!(checked.is_ok(), good, "{rest:?}");
            if let Err(error) = checked {
                let exit = error.downcast_ref::<Failure>().unwrap().exit;
                assert_eq!(exit, Exit::Usage, "{rest:?}");
            }
        }
    }

    #[test]
    fn option_of_ours_with_a_wrong_value_is_bad_usage() {
        for rest in [
            &["--yes", "--aws=false"][..],
            &["--yes", "--aws="],
            &["--x", "--account", "12"],
            &["--x", "--account"],
            &["--x", "--region"],
        ] {
            let error = request(rest).unwrap_err();
            assert_eq!(
                error.downcast_ref::<Failure>().unwrap().exit,
                Exit::Usage,
                "{rest:?}"
            );
        }
    }

    #[test]
    fn an_option_is_recognised_in_both_spellings_only() {
        let request = request(&["--package=a.zip", "--yes-please"]).unwrap();
        assert!(request.has("--package"));
        assert!(!request.has("--yes"));
    }
}
