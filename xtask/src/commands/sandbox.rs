//! `cargo xtask sandbox start|stop|status|env`: the shared sandbox by hand.

use anyhow::Result;
use clap::Subcommand;

use crate::compile;
use crate::endpoint::Identity;
use crate::failure::{Exit, Failure};
use crate::output::{self, Format, narrate};
use crate::sandbox::keys::Keys;
use crate::sandbox::shared::{Found, State};
use crate::sandbox::{Options, Sandbox};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the shared sandbox, unless it is running
    Start(Start),
    /// Stop the shared sandbox; everything in it is lost
    Stop,
    /// Say where the shared sandbox and its state file are; exit code 1 if it is not running
    Status(Status),
    /// Print the shell lines that point the AWS CLI at the shared sandbox, with its keys: eval "$(cargo xtask sandbox env)"
    Env(Identity),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Start {
    /// The port on 127.0.0.1; any free one unless given
    #[arg(long)]
    port: Option<u16>,
    #[command(flatten)]
    options: Options,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Status {
    #[arg(long, value_enum, default_value_t = Format::Text)]
    output: Format,
}

pub(crate) fn run(command: &Command) -> Result<()> {
    match command {
        Command::Start(args) => start(args),
        Command::Stop => stop(),
        Command::Status(args) => status(args),
        Command::Env(identity) => env(identity),
    }
}

fn start(args: &Start) -> Result<()> {
    State::check()?;
    let programs = compile::programs()?;
    let state = State::lock()?;
    let sandbox = match state.find()? {
        Found::Alive(running) => {
            refuse_other_settings(args, &running)?;
            narrate("the sandbox is running already");
            running
        }
        Found::Dead(gone) => {
            state.bury(&gone)?;
            state.start(&programs.sandbox, args.port.unwrap_or(0), &args.options)?
        }
        Found::Nothing => state.start(&programs.sandbox, args.port.unwrap_or(0), &args.options)?,
    };
    show(&sandbox, args.output)
}

/// A sandbox that runs cannot be moved or slowed down, and restarting it unasked would lose what is in it.
fn refuse_other_settings(args: &Start, running: &Sandbox) -> Result<()> {
    let elsewhere = args
        .port
        .is_some_and(|port| port != 0 && !running.endpoint.ends_with(&format!(":{port}")));
    if elsewhere || args.options != Options::default() {
        return Err(Failure::new(
            Exit::Usage,
            format!("the sandbox is running already, at {}", running.endpoint),
        )
        .hint("run `cargo xtask sandbox stop` first; everything in it is lost then")
        .into());
    }
    Ok(())
}

fn stop() -> Result<()> {
    let state = State::lock()?;
    match state.find()? {
        Found::Alive(sandbox) => {
            state.stop(&sandbox)?;
            narrate(format!("stopped the sandbox at {}", sandbox.endpoint));
        }
        Found::Dead(gone) => state.bury(&gone)?,
        Found::Nothing => narrate("no sandbox is running"),
    }
    Ok(())
}

fn status(args: &Status) -> Result<()> {
    let state = State::lock()?;
    match state.find()? {
        Found::Alive(sandbox) => show(&sandbox, args.output),
        Found::Dead(gone) => Err(Failure::new(
            Exit::Failed,
            format!(
                "the sandbox at {} (process {}) is gone, and everything that was in it with it",
                gone.endpoint, gone.pid
            ),
        )
        .hint("run `cargo xtask sandbox start`")
        .into()),
        Found::Nothing => Err(Failure::new(Exit::Failed, "no sandbox is running")
            .hint("run `cargo xtask sandbox start`")
            .into()),
    }
}

fn env(identity: &Identity) -> Result<()> {
    State::check()?;
    let programs = compile::programs()?;
    let sandbox = State::lock()?.ensure(&programs.sandbox)?;
    let keys = Keys::of_operator(&sandbox, &identity.account)?;
    output::data(identity.shell_lines(&sandbox, &keys)?);
    Ok(())
}

fn show(sandbox: &Sandbox, format: Format) -> Result<()> {
    match format {
        Format::Text => output::data(format!(
            "endpoint    {}\nprocess     {}\ninstance    {}\nstate file  {}",
            sandbox.endpoint,
            sandbox.pid,
            sandbox.instance,
            sandbox.state_file.display()
        )),
        Format::Json => output::json(sandbox)?,
    }
    Ok(())
}
