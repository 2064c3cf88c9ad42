//! A sandbox as a process of its own, started as its users start it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Ends with its value.
pub(crate) struct Sandbox {
    pub(crate) process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// What opens `/_sandbox/`.
    #[allow(dead_code, reason = "not every test asks for what is not AWS")]
    pub(crate) bearer: String,
    /// Nothing of a test's is left in the user's own.
    _state: TempDir,
}

impl Sandbox {
    /// Starts the sandbox with `variables` in its environment, and waits until it says where it listens.
    pub(crate) fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(&[], variables)
    }

    /// The same with `arguments` on its command line.
    pub(crate) fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let state = TempDir::new().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_driftlab-sandbox"))
            .arg("--state-dir")
            .arg(state.path().join("state"))
            .args(arguments)
            .envs(variables.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let endpoint = ready["endpoint"].as_str().unwrap();
        let address = endpoint.trim_start_matches("http://").to_owned();
        let file = std::fs::read_to_string(ready["state_file"].as_str().unwrap()).unwrap();
        let file: Value = serde_json::from_str(&file).unwrap();
        Self {
            process,
            address,
            bearer: file["bearer"].as_str().unwrap().to_owned(),
            _state: state,
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Dead already where a test has killed it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
