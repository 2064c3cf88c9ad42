//! A sandbox as a process of its own, started as its users start it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use sandbox::caller::KeyRing;
use sandbox::secret::Secret;
use serde_json::Value;
use tempfile::TempDir;

/// The sandbox's executable: a copy of it where this test program is one that another user runs.
pub(crate) fn program() -> std::ffi::OsString {
    std::env::var_os("SANDBOX_PROGRAM")
        .unwrap_or_else(|| env!("CARGO_BIN_EXE_driftlab-sandbox").into())
}

/// Ends with its value.
pub(crate) struct Sandbox {
    pub(crate) process: Child,
    /// Host and port.
    pub(crate) address: String,
    /// What opens `/_sandbox/`.
    #[allow(dead_code, reason = "not every test asks for what is not AWS")]
    pub(crate) bearer: String,
    /// What the sandbox derives its keys from, too.
    #[allow(dead_code, reason = "not every test calls AWS")]
    pub(crate) keys: KeyRing,
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
        let mut command = Command::new(program());
        command.args(arguments).envs(variables.iter().copied());
        Self::start_by(command)
    }

    /// Starts the sandbox by a command that becomes it.
    pub(crate) fn start_by(mut command: Command) -> Self {
        let state = TempDir::new().unwrap();
        command
            .arg("--state-dir")
            .arg(state.path().join("state"))
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
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
            keys: KeyRing::new(Secret::decode(file["secret"].as_str().unwrap()).unwrap()),
            _state: state,
        }
    }

    /// A POST of an account's operator, as it goes over the wire, with these headers beside those of every request.
    #[allow(dead_code, reason = "not every test calls AWS")]
    pub(crate) fn signed(
        &self,
        account: &str,
        service: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> String {
        let secret = self.keys.credentials(account).secret_access_key;
        let identity: Identity = Credentials::new(account, secret, None, None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name(service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = format!("http://{}{path}", self.address);
        let host = [("host", self.address.as_str())];
        let all = || host.iter().chain(headers).copied();
        let body_bytes = SignableBody::Bytes(body.as_bytes());
        let request = SignableRequest::new("POST", url, all(), body_bytes).unwrap();
        let (signature, _) = sign(request, &params).unwrap().into_parts();
        let mut text = format!("POST {path} HTTP/1.1\r\ncontent-length: {}\r\n", body.len());
        for (name, value) in all().chain(signature.headers()) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        format!("{text}\r\n{body}")
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Dead already where a test has killed it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
