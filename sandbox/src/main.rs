//! `driftlab-sandbox`: serves a sandbox until it is told to stop.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use sandbox::budgets::Budgets;
use sandbox::config::{self, Latency};
use sandbox::guard::HostName;
use sandbox::lambda::{FunctionLimits, isolation, reaper};
use sandbox::narration::Narration;
use sandbox::sandbox::{Sandbox, Settings};
use sandbox::{server, shutdown, state_file};
use tokio::net::TcpListener;

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
    /// Where the state file is, with the secret that restarts keep; `driftlab` in XDG_STATE_HOME or ~/.local/state unless given
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Also answer under this host name, as containers use it; may be given more than once
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<HostName>,
    /// Take every caller for whoever they say they are, for clients that cannot sign
    #[arg(long)]
    no_signatures: bool,
    #[command(flatten)]
    budgets: Budgets,
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

fn serve() -> ExitCode {
    let args = Args::parse();
    let narration = Narration::default();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env(
            "DRIFTLAB_SANDBOX_LOG",
        ))
        .with_writer(narration.clone())
        .init();
    match run(args, narration) {
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

fn run(args: Args, narration: Narration) -> Result<(), String> {
    let workers = tokio::runtime::Runtime::new()
        .map_err(|error| format!("no threads can be started: {error}"))?;
    let stdin = args.exit_with_stdin;
    let (sandbox, listener, state_file) = workers.block_on(start(args, narration))?;
    let ready = serde_json::json!({
        "endpoint": sandbox.endpoint(),
        "pid": std::process::id(),
        "instance": sandbox.instance,
        "state_file": state_file,
    });
    let ready = move || writeln!(io::stdout(), "{ready}").and_then(|()| io::stdout().flush());
    let last = {
        let sandbox = sandbox.clone();
        async move { sandbox.functions.shut_down().await }
    };
    shutdown::until_told(
        workers,
        server::serve(sandbox, listener),
        stdin,
        ready,
        last,
    )
    .map_err(|error| format!("signals cannot be received, or nothing be printed: {error}"))
}

async fn start(
    args: Args,
    narration: Narration,
) -> Result<(Arc<Sandbox>, TcpListener, PathBuf), String> {
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
    let state_dir = match args.state_dir {
        Some(dir) => dir,
        None => state_file::default_dir().map_err(|error| error.to_string())?,
    };
    let (secret, state_file) =
        state_file::open_or_create(&state_dir).map_err(|error| error.to_string())?;
    let sandbox = Sandbox::start(Settings {
        enforce_iam: args.enforce_iam,
        config_latency: args.config_latency,
        recorder_stop_lag: Some(args.recorder_stop_lag),
        call_latency: args.call_latency,
        require_isolation: args.require_isolation,
        lambda_concurrency: Some(args.lambda_concurrency),
        secret: Some(secret),
        allowed_hosts: args.allow_host,
        ignore_signatures: args.no_signatures,
        budgets: args.budgets,
        narration,
        function_limits: FunctionLimits {
            invocations: args.function_invocations,
            memory_mb: args.function_memory,
        },
        function_paths: args.function_path,
    });
    if args.no_signatures {
        let _ = writeln!(
            io::stderr(),
            "warning: signatures are not verified: whoever reaches the port is the operator of every account"
        );
    }
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
    Ok((sandbox, listener, state_file))
}
