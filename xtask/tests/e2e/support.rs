//! A state directory of a test's own, the real binaries, and a bare AWS Query client.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-1";
pub(crate) const STACK: &str = "lab-environment";

const PREBUILT: &str = "DRIFTLAB_PREBUILT_DIR";

/// The directory with `driftlab`, `driftlab-sandbox` and the function's package. `cargo xtask test` has built it; after a
/// plain `cargo test` it is built here, once.
pub(crate) fn prebuilt() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        if let Some(dir) = env::var_os(PREBUILT) {
            return dir.into();
        }
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(["test", "--prepare"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "the binaries cannot be built");
        String::from_utf8(output.stdout).unwrap().trim().into()
    })
}

pub(crate) fn package() -> PathBuf {
    let architecture = if env::consts::ARCH == "aarch64" {
        "arm64"
    } else {
        env::consts::ARCH
    };
    prebuilt().join(format!("bootstrap-{architecture}.zip"))
}

/// `templates/lab.yaml`.
pub(crate) fn template() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates/lab.yaml")
}

/// One test's place: a state directory that nobody else uses, and the shared sandbox in it. Both go with the value.
pub(crate) struct Place {
    pub(crate) dir: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "e2e-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&dir).unwrap();
        Self { dir }
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(arguments)
            .env(PREBUILT, prebuilt())
            .env("DRIFTLAB_STATE_DIR", self.dir.join("state"))
            .current_dir(&self.dir)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn xtask(&self, arguments: &[&str]) -> Ran {
        Ran::of(arguments, self.command(arguments).output().unwrap())
    }

    /// Where the shared sandbox of this place is.
    pub(crate) fn sandbox(&self) -> Value {
        self.xtask(&["sandbox", "start", "--output", "json"])
            .ok()
            .json()
    }

    pub(crate) fn endpoint(&self) -> String {
        self.sandbox()["endpoint"].as_str().unwrap().to_owned()
    }

    /// Writes a file into the place and answers with its path.
    pub(crate) fn file(&self, name: &str, contents: &str) -> String {
        let path = self.dir.join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.xtask(&["sandbox", "stop"]);
        fs::remove_dir_all(&self.dir).unwrap();
    }
}

/// A program that has ended.
pub(crate) struct Ran {
    what: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(arguments: &[&str], output: Output) -> Self {
        Self {
            what: arguments.join(" "),
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code,
            Some(code),
            "`{}` printed\n{}\nand said\n{}",
            self.what,
            self.stdout,
            self.stderr
        );
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.exits(0)
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!(
                "`{}` did not print one JSON document ({error}):\n{}",
                self.what, self.stdout
            ),
        }
    }

    #[track_caller]
    pub(crate) fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "`{}` does not say `{words}`:\n{}",
            self.what,
            self.stderr
        );
        self
    }
}

/// One call of a service that speaks the AWS Query protocol. The sandbox reads account, region and service from the
/// credential and checks no signature, so none is made.
pub(crate) fn query(
    endpoint: &str,
    account: &str,
    service: &str,
    parameters: &[(&str, &str)],
) -> (u16, String) {
    let body: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    let body = body.join("&");
    let host = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST / HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={account}/20260101/{REGION}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n{body}",
        body.len(),
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (
        head.split(' ').nth(1).unwrap().parse().unwrap(),
        body.to_owned(),
    )
}

/// One request to what is not AWS in the sandbox.
pub(crate) fn admin(endpoint: &str, method: &str, path: &str) -> Value {
    let host = endpoint.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let request =
        format!("{method} /_sandbox/{path} HTTP/1.0\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

/// The contents of each `<name>…</name>` in an answer.
pub(crate) fn elements<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split(close.as_str()).next())
        .collect()
}

/// The security groups that an account sees.
pub(crate) fn group_names(endpoint: &str, account: &str) -> Vec<String> {
    let (status, body) = query(
        endpoint,
        account,
        "ec2",
        &[
            ("Action", "DescribeSecurityGroups"),
            ("Version", "2016-11-15"),
        ],
    );
    assert_eq!(status, 200, "{body}");
    elements(&body, "groupName")
        .into_iter()
        .map(str::to_owned)
        .collect()
}
