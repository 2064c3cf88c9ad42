//! `driftlab-sandbox`: serves a sandbox until it is told to stop.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sandbox::config::{self, Latency};
use sandbox::lambda::{FunctionLimits, isolation, reaper};
use sandbox::sandbox::{Sandbox, Settings};
use sandbox::server;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

/// AWS on this machine, for the lab: one process, loopback only.
#[derive(Debug, Parser)]
#[command(name = "driftlab-sandbox", version)]
struct Args {
    /// The port on 127.0.0.1; 0 takes any free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Evaluate the policies of every caller, not only those of roles
    #[arg(long)]
    enforce_iam: bool,
    /// Also append every mail that SNS sends to this file (mbox)
    #[arg(long, value_name = "FILE")]
    inbox_file: Option<PathBuf>,
    /// Stop when standard input is closed, so that the sandbox never outlives whoever started it
    #[arg(long)]
    exit_with_stdin: bool,
    /// How long AWS Config takes to record a change: `0`, `300ms`, `90s`, `2m`, `uniform:5s-60s` or `like-aws`
    #[arg(long, default_value = "0")]
    config_latency: Latency,
    /// How long the answer to every call takes on its way to the client: `50ms` is a usual time on AWS
    #[arg(long, default_value = "0", value_parser = config::duration)]
    call_latency: Duration,
    /// Begin with a clock that stands still; `POST /_sandbox/clock/advance?seconds=N` moves it
    #[arg(long)]
    frozen_clock: bool,
    /// How long a stopped recorder still keeps its delivery channel from being deleted
    #[arg(long, default_value = "250ms", value_parser = config::duration)]
    recorder_stop_lag: Duration,
    /// Do not run without the means to keep functions from every endpoint but the sandbox
    #[arg(long)]
    require_isolation: bool,
    /// How many invocations an account may run at once in a region
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    lambda_concurrency: u32,
    /// How many invocations of all accounts this machine runs at once; 16 for each processor unless given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    function_invocations: Option<u32>,
    /// How many megabytes the functions at work may have together; half of the machine's unless given
    #[arg(long, value_name = "MB", value_parser = clap::value_parser!(u64).range(1..))]
    function_memory: Option<u64>,
    /// A file or directory that functions may also read and execute; can be given more than once
    #[arg(long, value_name = "PATH")]
    function_path: Vec<PathBuf>,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    if arguments
        .next()
        .is_some_and(|first| first == reaper::ARGUMENT)
    {
        if let (Some(directory), Some(mark)) = (arguments.next(), arguments.next()) {
            reaper::main(Path::new(&directory), &mark.to_string_lossy());
        }
        return ExitCode::SUCCESS;
    }
    serve()
}

#[tokio::main]
async fn serve() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env(
            "DRIFTLAB_SANDBOX_LOG",
        ))
        .with_writer(io::stderr)
        .init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Keeps this process's environment and open files from others of the same user, functions among them: on Linux
/// `/proc/<pid>/environ` then belongs to root. Root can still read it.
fn close_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) =
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
    {
        tracing::warn!(%error, "functions can read this process's environment");
    }
}

async fn run(args: Args) -> Result<(), String> {
    close_to_others();
    // What the starter had open stays with this process. Functions get what they are given.
    close_fds::set_fds_cloexec(3, &[]);
    if let Err(why) = isolation::available() {
        if args.require_isolation {
            return Err(format!("functions cannot be isolated here: {why}"));
        }
        for gap in isolation::means().gaps() {
            let _ = writeln!(io::stderr(), "warning: {gap}");
        }
    }
    let sandbox = Sandbox::start(Settings {
        enforce_iam: args.enforce_iam,
        config_latency: args.config_latency,
        recorder_stop_lag: Some(args.recorder_stop_lag),
        call_latency: args.call_latency,
        require_isolation: args.require_isolation,
        lambda_concurrency: Some(args.lambda_concurrency),
        function_limits: FunctionLimits {
            invocations: args.function_invocations,
            memory_mb: args.function_memory,
        },
        function_paths: args.function_path,
    });
    if args.frozen_clock {
        sandbox.clock.freeze();
    }
    match std::env::current_exe() {
        Ok(executable) => sandbox.functions.guard_with(executable),
        Err(error) => {
            tracing::warn!(%error, "functions will not be ended if the sandbox is killed")
        }
    }
    if let Some(path) = &args.inbox_file {
        sandbox.mailbox.open(path).map_err(|error| {
            format!(
                "the inbox file `{}` cannot be written: {error}",
                path.display()
            )
        })?;
    }
    let listener = server::bind(&sandbox, args.port)
        .await
        .map_err(|error| format!("port {} on 127.0.0.1 cannot be used: {error}", args.port))?;
    let mut interrupt = signal(SignalKind::interrupt())
        .map_err(|error| format!("signals cannot be received: {error}"))?;
    let mut terminate = signal(SignalKind::terminate())
        .map_err(|error| format!("signals cannot be received: {error}"))?;
    let ready = serde_json::json!({
        "endpoint": sandbox.endpoint(),
        "pid": std::process::id(),
        "instance": sandbox.instance,
    });
    writeln!(io::stdout(), "{ready}")
        .and_then(|()| io::stdout().flush())
        .map_err(|error| format!("standard output cannot be written: {error}"))?;
    tokio::select! {
        () = server::serve(sandbox.clone(), listener) => {}
        () = end_of_stdin(), if args.exit_with_stdin => {}
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    sandbox.functions.shut_down().await;
    Ok(())
}

async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 256];
    while matches!(stdin.read(&mut ignored).await, Ok(read) if read > 0) {}
}
