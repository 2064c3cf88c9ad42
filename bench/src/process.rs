//! One process of a function, and its world.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use rustls::ServerConfig;

use crate::event;
use crate::world::{Invocation, PATIENCE, World};

/// A function that can be started as often as wanted.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) command: Vec<PathBuf>,
    /// The authorities that it trusts.
    pub(crate) bundle: PathBuf,
    pub(crate) tls: Arc<ServerConfig>,
}

/// It is ended when it is dropped.
#[derive(Debug)]
pub(crate) struct Function {
    world: World,
    pub(crate) start: Instant,
    process: Child,
    made: u64,
}

impl Program {
    pub(crate) fn start(&self) -> Result<Function> {
        self.start_under(&[])
    }

    /// Starts it as the last arguments of another command.
    pub(crate) fn start_under(&self, before: &[&str]) -> Result<Function> {
        let world = World::new(&self.tls)?;
        let mut words = before
            .iter()
            .map(Path::new)
            .chain(self.command.iter().map(PathBuf::as_path));
        let mut command = Command::new(words.next().context("an empty command")?);
        command
            .args(words)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("AWS_LAMBDA_RUNTIME_API", world.runtime.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "f")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "123456789012")
            .env("AWS_SECRET_ACCESS_KEY", "secret")
            .env("AWS_SESSION_TOKEN", "s".repeat(400))
            .env("AWS_ENDPOINT_URL", format!("https://{}", world.aws))
            .env("AWS_CA_BUNDLE", &self.bundle)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let start = Instant::now();
        let process = command.spawn();
        let process = process.with_context(|| format!("cannot start {command:?}"))?;
        Ok(Function {
            world,
            start,
            process,
            made: 0,
        })
    }
}

impl Function {
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How long it took from its start until it asked for an event.
    pub(crate) fn ready(&mut self) -> Result<Duration> {
        Ok(self.world.until_ready()? - self.start)
    }

    /// One event, about a group that it has not seen before.
    pub(crate) fn invoke(&mut self, ports: &[u16], delay: Duration) -> Result<Invocation> {
        self.made += 1;
        let event = event::change(self.made, ports);
        self.world.invoke(&event, ports, delay)
    }

    /// Waits until it has asked for the next event and then has nothing to do.
    pub(crate) fn rest(&mut self) -> Result<()> {
        self.ready()?;
        let until = Instant::now() + PATIENCE;
        while !self.status("State:")?.starts_with('S') {
            ensure!(Instant::now() < until, "the function does not come to rest");
            thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    /// The processor time of all its threads so far, to the nanosecond; ticks would be too coarse.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let mut sum = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.pid()))? {
            let text = fs::read_to_string(thread?.path().join("schedstat"))?;
            let nanoseconds = text.split(' ').next().unwrap_or_default().parse()?;
            sum += Duration::from_nanos(nanoseconds);
        }
        Ok(sum)
    }

    /// The most memory that it had, in MiB.
    pub(crate) fn peak(&self) -> Result<f64> {
        let kib: u32 = self.status("VmHWM:")?.trim_end_matches(" kB").parse()?;
        Ok(f64::from(kib) / 1024.0)
    }

    fn status(&self, name: &str) -> Result<String> {
        let text = fs::read_to_string(format!("/proc/{}/status", self.pid()))?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let line = line.with_context(|| format!("the kernel tells no `{name}`"))?;
        Ok(line.trim().to_owned())
    }

    /// Asks it to end; what it wrote to standard error.
    pub(crate) fn end(mut self) -> Result<String> {
        kill_process(Pid::from_child(&self.process), Signal::TERM)?;
        let mut told = String::new();
        if let Some(stderr) = &mut self.process.stderr {
            stderr.read_to_string(&mut told)?;
        }
        Ok(told)
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
