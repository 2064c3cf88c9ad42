//! A sandbox that is killed leaves no process behind and nothing on disk that matters.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

mod process;

use process::Sandbox;

/// Long enough for any machine; only a failing test waits that long.
const PATIENCE: Duration = Duration::from_secs(30);

/// A function that never ends. A child is in nobody's care but the group's; an orphan in a session of
/// its own has neither parent nor group nor variables in common with it.
const BOOTSTRAP: &str = r#"#!/bin/sh
forever="while :; do sleep 1; done #"
(setsid env -i /bin/sh -c "$forever orphan-$TOKEN" </dev/null >/dev/null 2>&1 &)
/bin/sh -c "$forever child-$TOKEN" &
exec /bin/sh -c "$forever main-$TOKEN"
"#;

#[test]
fn kill_9_ends_functions_their_children_and_orphans_and_the_next_start_is_clean() {
    if !lists_processes() {
        return;
    }
    let (temp, token) = (TempDir::new(), token());
    let mut sandbox = start(&temp.0);
    sandbox.create_function(&token);
    wait("the function's processes did not start", || {
        ["main", "child", "orphan"]
            .iter()
            .all(|kind| processes(&format!("{kind}-{token}")).len() == 1)
    });
    assert_eq!(directories(&temp.0), 1);
    sandbox.process.kill().unwrap();
    sandbox.process.wait().unwrap();
    wait("the function's processes stay", || {
        processes(&token).is_empty()
    });
    wait("the directory of the dead sandbox stays", || {
        directories(&temp.0) == 0
    });
    // What even the reaper could not remove goes with the next start.
    let abandoned = temp.0.join("driftlab-functions-999999999-00");
    private_directory(&abandoned);
    std::fs::write(abandoned.join("lock"), "").unwrap();
    let mut next = start(&temp.0);
    next.create_function(&token);
    wait("the function's processes did not start", || {
        processes(&token).len() == 3
    });
    assert!(!abandoned.exists());
    next.process.kill().unwrap();
    next.process.wait().unwrap();
    wait("the function's processes stay", || {
        processes(&token).is_empty()
    });
}

#[test]
fn descriptors_of_the_starter_stay_with_the_sandbox() {
    if !lists_processes() {
        return;
    }
    let (temp, token) = (TempDir::new(), token());
    let secret = temp.0.join("secret");
    std::fs::write(&secret, "secret").unwrap();
    // As a shell or a supervisor leaves them open for what it starts.
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "exec \"$0\" \"$@\" 9<\"$SECRET\""])
        .arg(process::program())
        .env("SECRET", &secret)
        .env("TMPDIR", &temp.0);
    let sandbox = Sandbox::start_by(command);
    let open = |pid: i32| {
        let descriptors = std::fs::read_dir(format!("/proc/{pid}/fd"))
            .into_iter()
            .flatten();
        let mut targets = descriptors
            .flatten()
            .filter_map(|it| std::fs::read_link(it.path()).ok());
        targets.any(|target| target == secret)
    };
    sandbox.create_function(&token);
    wait("the function's processes did not start", || {
        processes(&token).len() == 3
    });
    for pid in processes(&token) {
        assert!(!open(pid), "process {pid} has the file open");
    }
}

/// Root reads everything, so this holds for ordinary users.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say it")]
fn environment_of_the_sandbox_is_closed_to_other_processes_of_its_user() {
    if !lists_processes() || rustix::process::geteuid().is_root() {
        eprintln!("not proved here: the environment is closed (as root, or without /proc)");
        return;
    }
    let temp = TempDir::new();
    let sandbox = start(&temp.0);
    let environment = std::fs::read(format!("/proc/{}/environ", sandbox.process.id()));
    let refused = environment.map_err(|error| error.kind()).unwrap_err();
    assert_eq!(refused, std::io::ErrorKind::PermissionDenied);
}

/// The user and the group that own nothing.
const NOBODY: u32 = 65534;

/// The same once more as an ordinary user, from copies that it may read.
#[test]
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say it")]
fn sandbox_of_an_ordinary_user_leaves_nothing_behind_either() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;
    if !rustix::process::geteuid().is_root() {
        eprintln!("not proved here: an ordinary user (the tests already run as one)");
        return;
    }
    let base = TempDir::new();
    std::fs::set_permissions(&base.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (tests, sandbox, temp) = (
        base.0.join("tests"),
        base.0.join("sandbox"),
        base.0.join("tmp"),
    );
    std::fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    std::fs::copy(process::program(), &sandbox).unwrap();
    std::fs::create_dir(&temp).unwrap();
    chown(&temp, Some(NOBODY), Some(NOBODY)).unwrap();
    let output = Command::new(&tests)
        .args(["kill_9", "descriptors", "environment"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", &temp)
        .env("TMPDIR", &temp)
        .env("SANDBOX_PROGRAM", &sandbox)
        .current_dir(&base.0)
        // The standard library takes the other groups away, too.
        .uid(NOBODY)
        .gid(NOBODY)
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            eprintln!("not proved here: an ordinary user cannot start programs: {error}");
            return;
        }
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("3 passed"), "{said}");
}

fn token() -> String {
    format!("killed-test-{:016x}", fastrand::u64(..))
}

/// Whether this machine lists processes.
#[expect(clippy::print_stderr, reason = "a test that is skipped has to say it")]
fn lists_processes() -> bool {
    let lists = Path::new("/proc/self/cmdline").exists();
    if !lists {
        eprintln!("skipped: this machine has no /proc");
    }
    lists
}

/// The processes that have `text` among their arguments, but for what they sleep with.
fn processes(text: &str) -> Vec<i32> {
    let listed = std::fs::read_dir("/proc").unwrap().flatten();
    listed
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&arguments).contains(text)
        })
        .collect()
}

fn private_directory(path: &Path) {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().mode(0o700).create(path).unwrap();
}

/// A sandbox that keeps its files in `temp`.
fn start(temp: &Path) -> Sandbox {
    Sandbox::start(&[("TMPDIR", temp.to_str().unwrap())])
}

fn wait(complaint: &str, done: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{complaint}");
        std::thread::yield_now();
    }
}

fn directories(temp: &Path) -> usize {
    std::fs::read_dir(temp).unwrap().count()
}

impl Sandbox {
    /// Makes a function and invokes it without waiting for it.
    fn create_function(&self, token: &str) {
        let trust = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole",
        }]});
        let form: String = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", "CreateRole")
            .append_pair("Version", "2010-05-08")
            .append_pair("RoleName", "R")
            .append_pair("AssumeRolePolicyDocument", &trust.to_string())
            .finish();
        self.post("iam", "/", "application/x-www-form-urlencoded", &form);
        let function = json!({
            "FunctionName": "f",
            "Runtime": "provided.al2023",
            "Role": "arn:aws:iam::123456789012:role/R",
            "Handler": "bootstrap",
            "Timeout": 60,
            "Environment": {"Variables": {"TOKEN": token}},
            "Code": {"ZipFile": BASE64_STANDARD.encode(package())},
        });
        let path = "/2015-03-31/functions";
        self.post("lambda", path, "application/json", &function.to_string());
        let path = "/2015-03-31/functions/f/invocations";
        self.post("lambda", path, "application/json", "{}");
    }

    fn post(&self, service: &str, path: &str, kind: &str, body: &str) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let headers = [
            ("content-type", kind),
            ("connection", "close"),
            ("x-amz-invocation-type", "Event"),
        ];
        let request = self.signed("123456789012", service, path, &headers, body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
    }
}

fn package() -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().unix_permissions(0o755);
    zip.start_file("bootstrap", options).unwrap();
    zip.write_all(BOOTSTRAP.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

struct TempDir(PathBuf);

impl TempDir {
    fn new() -> Self {
        let name = format!("driftlab-killed-test-{:016x}", fastrand::u64(..));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
