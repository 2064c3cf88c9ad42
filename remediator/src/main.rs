//! The remediation function: `bootstrap` for AWS Lambda's `provided.al2023`.
//!
//! A thin shell around `remediator-core`: it reads the event, makes the calls, writes the log.
//! What it promises is in `SEMANTICS.md`.

mod aws;
mod budget;
mod effects;
mod error;
#[cfg(test)]
mod fake;
mod fast_path;
mod handle;
mod memory;
mod notify;
mod output;
mod policies;
mod repair;
mod report;
mod sweep;
#[cfg(test)]
mod tests;
mod witness;

use aws::{Live, Shell};
use aws_calls::{Client, Config};
use handle::Instance;
use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use notify::Notifier;
use serde_json::value::RawValue;
use std::process::ExitCode;
use std::time::Duration;

/// How long the start may wait for connections.
const AHEAD: Duration = Duration::from_secs(2);

type InitError = Box<dyn std::error::Error + Send + Sync>;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("the function cannot start")]
    Start(#[source] InitError),
    /// The runtime crate ends the process where it cannot read the headers of an invocation, such as a client context
    /// that is no JSON object of its shape. It answers the invocation only with the end, so there is nothing to go on from.
    #[error(
        "the function ends, and with it what it remembers: an invocation cannot be fetched or read"
    )]
    Run(#[source] InitError),
}

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::line(&format!("error: {}", error::chain(&error)));
            ExitCode::FAILURE
        }
    }
}

fn start() -> Result<(), Ended> {
    // One thread: the function waits for the network, and a pool of workers costs more CPU than
    // the work they would share.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Ended::Start(error.into()))?
        .block_on(serve())
}

/// Makes the client and its connections once, while Lambda gives the start its full CPU, and then
/// answers events until the environment is shut down.
async fn serve() -> Result<(), Ended> {
    let config = Config::from_env().map_err(|error| Ended::Start(error.into()))?;
    let region = config.region.clone();
    let client = Client::new(config).map_err(|error| Ended::Start(error.into()))?;
    // Not fatal, and not waited for at length (Lambda gives the whole start ten seconds): the calls
    // open connections of their own, and report what fails then.
    match tokio::time::timeout(AHEAD, client.connect()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            output::line(&format!(
                "connections could not be opened ahead: {}",
                error::chain(&*error)
            ));
        }
        Err(_elapsed) => output::line("connections could not be opened ahead in time"),
    }
    let instance = Instance {
        fast_path: std::env::var("DRIFTLAB_POLICY")
            .ok()
            .filter(|text| !text.is_empty()),
        ..Instance::default()
    };
    let shell = Shell {
        client,
        notifier: Notifier::from_env(),
        region,
    };
    let (shell, instance) = (&shell, &instance);
    let handler = service_fn(|event: LambdaEvent<Box<RawValue>>| async move {
        let live = Live::new(shell, &event.context);
        handle::handle(&live, instance, event.payload.get())
            .await
            .map_err(Diagnostic::from)
    });
    Runtime::new(handler).run().await.map_err(Ended::Run)
}
