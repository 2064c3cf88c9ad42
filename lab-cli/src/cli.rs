//! The command line.

use std::ops::Deref;
use std::path::PathBuf;
use std::pin::Pin;

use clap::{Parser, Subcommand};
use remediator_core::AccountId;

use crate::aws::{CredentialSource, Doing, Reader, Session, Target, variable};
use crate::clock::Clock;
use crate::commands::{
    cleanup, completions, deploy, doctor, extend, group_policy, logs, policy, simulate_incident,
    status,
};
use crate::consent::Consent;
use crate::error::{Error, Kind, Result};
use crate::guard::{self, MayChange, MeantAccount};
use crate::interrupt::Interrupt;
use crate::output::{Format, Ui};
use crate::spec::{self, DEFAULT_STACK, Settings, validate};
use crate::state::Place;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    AWS refused something, or another failure
  2    bad usage or unusable input
  3    refused: it would touch what is not the lab's, or needs `--yes`
  4    the incident was not healed
  5    something of the lab is left over
  6    a wait came to its deadline
  7    the endpoint does not answer, or there are no usable credentials
  130  interrupted

Results go to stdout, everything else to stderr. A flag wins over the environment, that over the settings
file, that over your AWS profile and the defaults. Credentials are those of `--profile`, else the keys in the
environment, else those of the profile in AWS_PROFILE, as with the AWS CLI.";

/// Deploys a lab in which a security group heals itself, attacks it, watches it heal, and removes it again.
#[derive(Debug, Parser)]
#[command(name = "driftlab", version, after_help = EXIT_CODES, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Global {
    /// Name of the lab's stack [default: lab-environment]
    #[arg(long, global = true, env = "DRIFTLAB_STACK", value_name = "NAME")]
    stack: Option<String>,
    /// Settings file [default: driftlab.yaml, if there is one]
    #[arg(long, global = true, env = "DRIFTLAB_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// One endpoint for all AWS services, instead of AWS itself
    #[arg(long, global = true, value_name = "URL")]
    endpoint_url: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    region: Option<String>,
    /// AWS profile; its credentials win over keys in the environment
    #[arg(long, global = true, value_name = "NAME")]
    profile: Option<String>,
    /// The account that the credentials have to be of, else nothing is done; `DRIFTLAB_ACCOUNT` says the same
    #[arg(long, global = true, value_name = "ACCOUNT-ID")]
    account: Option<AccountId>,
    /// How results are written to stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
    /// Go on as the account's root user
    #[arg(long, global = true)]
    allow_root: bool,
    /// Do not ask before changing anything
    #[arg(long, short, global = true)]
    yes: bool,
    #[arg(skip)]
    session: Session,
    #[arg(skip)]
    interrupt: Interrupt,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look whether a lab can be made here, and what it would cost
    Doctor(doctor::Args),
    /// Make the lab, or bring it up to date
    Deploy(Box<deploy::Args>),
    /// Open two forbidden ports, wait for the repair, and judge it
    SimulateIncident(simulate_incident::Args),
    /// Show what is there
    Status(status::Args),
    /// Show what the function logged
    Logs(logs::Args),
    /// Move the moment at which a lab that was deployed with `--ttl` removes itself
    Extend(extend::Args),
    /// Remove the lab and look for leftovers
    Cleanup(cleanup::Args),
    /// Print an IAM policy: the permissions that this program needs, and no others
    Policy(policy::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// What every command works with.
#[derive(Debug)]
pub struct Context {
    /// The calls that look.
    pub aws: Reader,
    /// Where.
    pub place: Place,
    /// The settings file.
    pub settings: Settings,
    /// The screen.
    pub ui: Ui,
    /// The clock.
    pub clock: Clock,
    /// Whether to go on without asking.
    pub yes: bool,
    /// Whether the user wants to stop.
    pub interrupt: Interrupt,
}

/// What commands that change something work with: the account's root user has none, unless it insists. Consent is asked
/// for here and nowhere else.
#[derive(Debug)]
pub struct Changing {
    context: Context,
    may: MayChange,
}

impl Deref for Changing {
    type Target = Context;

    fn deref(&self) -> &Context {
        &self.context
    }
}

impl Cli {
    /// The screen that this command line asks for.
    pub fn ui(&self) -> Ui {
        Ui::process(self.global.output)
    }

    /// The same command line, with whose key and how patiently it calls.
    #[must_use]
    pub fn with_session(mut self, session: Session) -> Self {
        self.global.session = session;
        self
    }

    /// The same command line, with how it learns that the user wants to stop.
    #[must_use]
    pub fn with_interrupt(mut self, interrupt: Interrupt) -> Self {
        self.global.interrupt = interrupt;
        self
    }

    /// Runs the command.
    ///
    /// # Errors
    /// Whatever made the command fail; its kind is the exit code.
    pub async fn run(self, ui: Ui) -> Result<()> {
        let Self { global, command } = self;
        match command {
            Command::Doctor(args) => {
                let context = global.lab(ui).await?;
                boxed(|| doctor::run(&context, &args)).await
            }
            // Input is checked before anything is called.
            Command::Deploy(args) => {
                let (settings, stack) = global.settings()?;
                let spec = args.spec(&settings, stack)?;
                let global = global.confirmed(&ui, args.confirm_account.as_ref())?;
                let context = global.context(ui, settings, &spec.stack).await?;
                let context = global.changing(context)?;
                // A dry run widens nothing.
                if !args.plan {
                    let confirmed = global.account.as_ref().map(AccountId::as_str);
                    guard::scope(&context.ui, &spec.scope, context.place.account(), confirmed)?;
                }
                boxed(|| deploy::run(&context, &args, &spec)).await
            }
            Command::SimulateIncident(args) => {
                let context = global.changing(global.lab(ui).await?)?;
                boxed(|| simulate_incident::run(&context, &args)).await
            }
            Command::Status(args) => {
                let context = global.lab(ui).await?;
                boxed(|| status::run(&context, &args)).await
            }
            Command::Logs(args) => {
                let context = global.lab(ui).await?;
                boxed(|| logs::run(&context, &args)).await
            }
            Command::Extend(args) => {
                let context = global.changing(global.lab(ui).await?)?;
                boxed(|| extend::run(&context, &args)).await
            }
            Command::Cleanup(args) => {
                let context = global.changing(global.lab(ui).await?)?;
                boxed(|| cleanup::run(&context, &args)).await
            }
            Command::Policy(policy::Args {
                about: Some(about), ..
            }) => match about {
                group_policy::About::Check(args) => group_policy::check(&ui, &args),
                group_policy::About::Explain(args) if args.is_offline() => {
                    group_policy::explain_file(&ui, &args)
                }
                group_policy::About::Explain(args) => {
                    let context = global.lab(ui).await?;
                    boxed(|| group_policy::explain(&context, &args)).await
                }
            },
            Command::Policy(args) if args.published => policy::published(&ui, &args),
            Command::Policy(args) => policy::run(&global.lab(ui).await?, &args),
            Command::Completions(args) => completions::run(&args),
        }
    }
}

/// Puts a command on the heap. Unoptimised, a frame has room for every future that is made in it, and for its copies: all
/// commands' together would be megabytes, in this frame and in that of whoever runs the command line. So each is made in a
/// frame that is gone before it is polled.
fn boxed<F: Future>(command: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(command())
}

impl Global {
    fn settings(&self) -> Result<(Settings, String)> {
        let settings = match &self.config {
            Some(path) => spec::load(path, true)?,
            None => spec::load("driftlab.yaml".as_ref(), false)?,
        };
        let stack = self
            .stack
            .clone()
            .or_else(|| settings.stack.clone())
            .unwrap_or_else(|| DEFAULT_STACK.to_owned());
        validate::stack(&stack)?;
        Ok((settings, stack))
    }

    async fn lab(&self, ui: Ui) -> Result<Context> {
        let (settings, stack) = self.settings()?;
        self.context(ui, settings, &stack).await
    }

    fn changing(&self, context: Context) -> Result<Changing> {
        let may = guard::root(&context.place.identity, self.allow_root)?;
        Ok(Changing { context, may })
    }

    /// Takes the older name of `--account`, which only confirmed a wide scope.
    fn confirmed(mut self, ui: &Ui, older: Option<&AccountId>) -> Result<Self> {
        let Some(older) = older else {
            return Ok(self);
        };
        ui.warn("`--confirm-account` is called `--account` now, and holds for every command");
        match &self.account {
            Some(account) if account != older => Err(Error::input(format!(
                "`--account` names the account {account} and `--confirm-account` the account {older}"
            ))
            .hint("leave out `--confirm-account`")),
            Some(_) => Ok(self),
            None => {
                self.account = Some(older.clone());
                Ok(self)
            }
        }
    }

    async fn context(&self, ui: Ui, settings: Settings, stack: &str) -> Result<Context> {
        let target = Target {
            endpoint_url: self.endpoint_url.clone(),
            region: self.region(&settings),
            profile: self.profile.clone(),
            session: self.session.clone(),
        };
        if let Some(region) = &target.region {
            validate::region(region)?;
        }
        if let Some(url) = &target.endpoint_url
            && !(url.starts_with("http://") || url.starts_with("https://"))
        {
            return Err(Error::input(format!("`{url}` is not an endpoint URL"))
                .hint("give one such as `http://127.0.0.1:4566`"));
        }
        let meant = MeantAccount::of(
            self.account.as_ref(),
            variable("DRIFTLAB_ACCOUNT").as_deref(),
            settings.account.as_ref(),
        )?;
        let aws = Reader::connect(&target).await?;
        let (identity, time_there) = aws
            .identity()
            .await
            .doing("find out whose credentials these are")?;
        let place = Place {
            region: aws.region().to_owned(),
            stack: stack.to_owned(),
            identity,
        };
        ui.say(format_args!(
            "stack `{stack}` in account {} ({}), {}{}{}",
            place.account(),
            place.identity.arn,
            place.region,
            aws.endpoint()
                .map(|url| format!(", at {url}"))
                .unwrap_or_default(),
            aws.credentials(),
        ));
        if let CredentialSource::Keys {
            passed_over: Some(profile),
        } = aws.credentials()
        {
            ui.warn(format_args!(
                "the keys in the environment are used, not the profile `{profile}` of AWS_PROFILE: as with the AWS CLI, only `--profile` wins over them"
            ));
        }
        if let Some(meant) = meant {
            meant.check(&place.identity)?;
        }
        let (clock, wrong) = Clock::system().set_to(time_there);
        if let Some(wrong) = wrong {
            ui.warn(format_args!(
                "the clock of this machine is {} seconds {} that of the endpoint, which counts here",
                wrong.abs().whole_seconds(),
                if wrong.is_positive() { "behind" } else { "ahead of" },
            ));
        }
        Ok(Context {
            aws,
            place,
            settings,
            ui,
            clock,
            yes: self.yes,
            interrupt: self.interrupt.clone(),
        })
    }

    /// Flag, environment, settings file; only then the profile.
    fn region(&self, settings: &Settings) -> Option<String> {
        self.region
            .clone()
            .or_else(|| variable("AWS_REGION"))
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| settings.region.clone())
    }
}

impl Context {
    /// The same command in another place of the same account.
    pub(crate) fn elsewhere(&self, aws: Reader, place: Place) -> Self {
        Self {
            aws,
            place,
            settings: Settings::default(),
            ui: self.ui.clone(),
            clock: self.clock.clone(),
            yes: self.yes,
            interrupt: self.interrupt.clone(),
        }
    }
}

impl Changing {
    /// That something may be changed at all.
    pub fn may_change(&self) -> MayChange {
        self.may
    }

    /// Asks for consent to what was just shown.
    ///
    /// # Errors
    /// [`crate::error::Kind::Refused`] when it is not given, or when nobody can be asked.
    pub async fn consent(&self, question: &str) -> Result<Consent> {
        let (may, ui, yes) = (self.may, self.ui.clone(), self.yes);
        let question = question.to_owned();
        // Whoever is asked takes time, in which Ctrl-C has to be heard.
        let asking = tokio::task::spawn_blocking(move || Consent::ask(may, &ui, yes, &question));
        let answer = async {
            asking.await.map_err(|e| {
                Error::new(Kind::Failed, "the question could not be asked").caused_by(e)
            })?
        };
        self.interrupt.over(answer).await
    }
}

#[cfg(test)]
mod tests;
