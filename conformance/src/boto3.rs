//! boto3, in a Python process that makes one call per line.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::{REGION, Reply, Request};

const SCRIPT: &str = include_str!("boto3_calls.py");

/// The Python process.
#[derive(Debug)]
pub struct Worker {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts Python; the error says what is missing.
    ///
    /// # Errors
    /// When there is no `python3`, or it has no boto3.
    pub fn start() -> Result<Self, String> {
        let mut process = Command::new("python3")
            .args(["-u", "-c", SCRIPT])
            .env_remove("AWS_PROFILE")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("python3 cannot be started: {error}"))?;
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut worker = Self {
            process,
            input,
            output,
        };
        match worker.read()["version"].as_str() {
            Some(_) => Ok(worker),
            None => Err("python3 has no boto3".to_owned()),
        }
    }

    /// Makes one call.
    pub fn call(&mut self, endpoint: &str, request: &Request) -> Reply {
        let Request {
            service,
            operation,
            input,
            keys,
        } = request;
        let line = json!({
            "endpoint": endpoint, "region": REGION, "access_key_id": keys.access_key_id,
            "secret_access_key": keys.secret_access_key, "session_token": keys.session_token,
            "service": service, "operation": operation, "input": input,
        });
        writeln!(self.input, "{line}").unwrap();
        let mut answer = self.read();
        match answer["code"].as_str() {
            Some(code) => Reply::Error {
                code: code.to_owned(),
                message: answer["message"].as_str().unwrap_or_default().to_owned(),
            },
            None => Reply::Output(answer["output"].take()),
        }
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("Python said `{line}`, which is no JSON: {error}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
