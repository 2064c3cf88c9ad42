//! A state directory of a test's own, and the real binaries.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::client::Client;

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

    /// A client of the shared sandbox of this place, with its keys.
    pub(crate) fn client(&self) -> Client {
        Client::of(&self.sandbox())
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
