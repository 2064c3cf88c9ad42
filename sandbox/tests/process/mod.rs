//! A sandbox as a process of its own, started as its users start it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// Ends with its value.
pub(crate) struct Sandbox {
    pub(crate) process: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Sandbox {
    /// Starts the sandbox with `variables` in its environment, and waits until it says where it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_driftlab-sandbox"));
        command.envs(variables.iter().copied());
        Self::start_by(command)
    }

    /// Starts the sandbox by a command that becomes it.
    pub(crate) fn start_by(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let endpoint = ready["endpoint"].as_str().unwrap();
        let address = endpoint.trim_start_matches("http://").to_owned();
        Self { process, address }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Dead already where a test has killed it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
