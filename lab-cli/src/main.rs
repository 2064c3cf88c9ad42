//! The program `driftlab`; everything it does is in the library.

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use driftlab::cli::Cli;
use driftlab::error::{Error, Kind};
use driftlab::interrupt::{Interrupt, interrupted};
use driftlab::output::{self, Diagnostics};

/// How long giving back may take before an interruption is an end.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout with 0, bad usage to stderr with 2; clap knows which is which.
            output::usage(&error);
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("DRIFTLAB_LOG"))
        .with_ansi(false)
        .with_writer(|| Diagnostics)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return report(&Error::new(Kind::Failed, "cannot start the runtime").caused_by(error));
        }
    };
    let done = runtime.block_on(run(cli));
    // Somebody may still be asked a question that needs no answer any more.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report(&error),
    }
}

async fn run(cli: Cli) -> Result<(), Error> {
    let ui = cli.ui();
    let interrupt = Interrupt::default();
    let work = cli.with_interrupt(interrupt.clone()).run(ui.clone());
    tokio::pin!(work);
    tokio::select! {
        done = &mut work => return done,
        () = signalled() => {}
    }
    if interrupt.ask() {
        ui.say("interrupted; giving back what is held, again to stop at once");
        tokio::select! {
            done = &mut work => return done,
            () = signalled() => {}
            () = tokio::time::sleep(PATIENCE) => {}
        }
    }
    Err(interrupted())
}

/// Ctrl-C, or the polite way to end a process.
async fn signalled() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut int), Ok(mut term)) = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        ) {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        // Without signals there is no interruption to wait for.
        std::future::pending::<()>().await;
    }
}

fn report(error: &Error) -> ExitCode {
    output::report(error);
    ExitCode::from(error.kind().exit_code())
}
