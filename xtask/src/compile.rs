//! Builds the function, `driftlab` and the sandbox, the slow one beside the others.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::architecture::Architecture;
use crate::cross;
use crate::failure::{Exit, Failure};
use crate::output::{narrate, relay};
use crate::package::{self, Package};
use crate::reproducible;
use crate::workspace;

/// The two programs that run on this machine.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    pub(crate) driftlab: PathBuf,
    pub(crate) sandbox: PathBuf,
}

/// What one whole run of the lab needs.
#[derive(Clone, Debug)]
pub(crate) struct Everything {
    pub(crate) programs: Programs,
    pub(crate) package: Package,
}

/// A directory with a finished build in it (see [`install`]); while it is set, nothing is built. The tests use it: cargo
/// replaces `target/debug/driftlab` when it builds again, under the feet of a test that is about to start it.
pub(crate) const PREBUILT: &str = "DRIFTLAB_PREBUILT_DIR";

const DRIFTLAB: &str = "driftlab";
const SANDBOX: &str = "driftlab-sandbox";

/// Where a build of the function is going to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the sandbox, so on this machine.
    Here,
    /// On AWS.
    Aws(Architecture),
}

impl Place {
    fn architecture(self) -> Architecture {
        match self {
            Self::Here => Architecture::host(),
            Self::Aws(architecture) => architecture,
        }
    }
}

/// Builds `driftlab` and the sandbox.
pub(crate) fn programs() -> Result<Programs> {
    if let Some(dir) = prebuilt() {
        return Ok(installed_programs(&dir));
    }
    start_programs()?
        .finish()
        .and_then(|built| take_programs(&built))
}

/// Builds the function and packs it.
pub(crate) fn function(place: Place) -> Result<Package> {
    let architecture = place.architecture();
    if let Some(dir) = prebuilt() {
        return package::describe(&dir.join(package_name(architecture)), architecture);
    }
    start_function(place)?
        .finish()
        .and_then(|built| pack(&built, place))
}

/// Builds all of it: the function's optimised build ends in a single-threaded link, so the other build runs beside it.
/// Cargo locks one directory per profile, and these are two profiles.
pub(crate) fn everything(place: Place) -> Result<Everything> {
    if let Some(dir) = prebuilt() {
        return Ok(Everything {
            programs: installed_programs(&dir),
            package: function(place)?,
        });
    }
    narrate("building the function, driftlab and the sandbox; the first time takes minutes");
    let function = start_function(place)?;
    let programs = start_programs()?;
    let programs = programs.finish();
    let function = function.finish();
    Ok(Everything {
        programs: take_programs(&programs?)?,
        package: pack(&function?, place)?,
    })
}

/// Copies a build to where nothing rebuilds it.
pub(crate) fn install(built: &Everything, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create `{}`", dir.display()))?;
    let package = package_name(Architecture::host());
    for (from, name) in [
        (&built.programs.driftlab, DRIFTLAB),
        (&built.programs.sandbox, SANDBOX),
        (&built.package.path, package.as_str()),
    ] {
        let to = dir.join(name);
        if &to != from {
            // Copied aside and renamed: a process may be running from the old file.
            let partial = dir.join(format!("{name}.partial"));
            fs::copy(from, &partial)
                .and_then(|_| fs::rename(&partial, &to))
                .with_context(|| {
                    format!("cannot copy `{}` to `{}`", from.display(), to.display())
                })?;
        }
    }
    Ok(())
}

/// Absolute, because not every program is started in the user's own directory.
fn prebuilt() -> Option<PathBuf> {
    env::var_os(PREBUILT)
        .filter(|dir| !dir.is_empty())
        .map(|dir| std::path::absolute(&dir).unwrap_or_else(|_| dir.into()))
}

fn installed_programs(dir: &Path) -> Programs {
    Programs {
        driftlab: dir.join(DRIFTLAB),
        sandbox: dir.join(SANDBOX),
    }
}

fn package_name(architecture: Architecture) -> String {
    format!("bootstrap-{}.zip", architecture.name())
}

/// A cargo build that is under way.
struct Build {
    what: &'static str,
    child: Child,
    narration: Option<JoinHandle<()>>,
}

/// The whole workspace is selected, though only two programs are built: cargo unites the features of what is selected, and
/// with a smaller selection than that of `cargo test --workspace` nearly all of the AWS SDK would be compiled twice.
fn start_programs() -> Result<Build> {
    let selection = [
        "--workspace",
        "--exclude",
        "xtask",
        "--bin",
        DRIFTLAB,
        "--bin",
        SANDBOX,
    ];
    let mut cargo = workspace::cargo();
    cargo.arg("build");
    start("driftlab and the sandbox", cargo, &selection)
}

fn start_function(place: Place) -> Result<Build> {
    let (mut cargo, command) = match place {
        Place::Here => (workspace::cargo(), vec!["build".to_owned()]),
        Place::Aws(architecture) => cross::command(architecture)?,
    };
    reproducible::apply(&mut cargo)?;
    cargo.args(command);
    let selection = [
        "--package",
        "remediator",
        "--bin",
        "bootstrap",
        "--profile",
        "lambda",
    ];
    start("the function", cargo, &selection)
}

fn start(what: &'static str, mut cargo: Command, selection: &[&str]) -> Result<Build> {
    let mut child = cargo
        .args(selection)
        .args(["--message-format=json-render-diagnostics", "--color"])
        .arg(if io::stderr().is_terminal() {
            "always"
        } else {
            "never"
        })
        // Two progress bars on one terminal overwrite each other; the lines about each crate are enough.
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start cargo to build {what}"))?;
    let narration = child
        .stderr
        .take()
        .map(|stderr| thread::spawn(move || pass_on(stderr)));
    Ok(Build {
        what,
        child,
        narration,
    })
}

/// Passes on what cargo says, but for its last line: a build that had nothing to do stays silent.
fn pass_on(stderr: ChildStderr) {
    for line in BufReader::new(stderr).lines().map_while(Result::ok) {
        if !line.contains("Finished") {
            relay(&line);
        }
    }
}

/// The only part of cargo's messages that matters here.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
}

impl Build {
    /// Waits, and answers with the executables by name. Cargo names them itself, so a `CARGO_TARGET_DIR` or a configured
    /// target directory needs no thought here.
    fn finish(mut self) -> Result<BTreeMap<String, PathBuf>> {
        let what = self.what;
        let mut executables = BTreeMap::new();
        if let Some(stdout) = self.child.stdout.take() {
            for line in BufReader::new(stdout).lines() {
                let line =
                    line.with_context(|| format!("cannot read what cargo says about {what}"))?;
                let Ok(message) = serde_json::from_str::<Message>(&line) else {
                    continue;
                };
                if let (Some(target), Some(path)) = (message.target, message.executable) {
                    executables.insert(target.name, path);
                }
            }
        }
        let status = self
            .child
            .wait()
            .with_context(|| format!("cannot wait for the build of {what}"))?;
        if let Some(narration) = self.narration {
            // Only a panic of the thread is lost here, and it has printed itself.
            let _ = narration.join();
        }
        if status.success() {
            Ok(executables)
        } else {
            Err(Failure::new(Exit::Failed, format!("building {what} failed ({status})")).into())
        }
    }
}

fn take(built: &BTreeMap<String, PathBuf>, name: &str) -> Result<PathBuf> {
    built
        .get(name)
        .cloned()
        .with_context(|| format!("cargo built no executable `{name}`"))
}

fn take_programs(built: &BTreeMap<String, PathBuf>) -> Result<Programs> {
    Ok(Programs {
        driftlab: take(built, DRIFTLAB)?,
        sandbox: take(built, SANDBOX)?,
    })
}

fn pack(built: &BTreeMap<String, PathBuf>, place: Place) -> Result<Package> {
    let binary = take(built, "bootstrap")?;
    let architecture = place.architecture();
    let package = package::write(
        &binary,
        &binary.with_file_name(package_name(architecture)),
        architecture,
    )?;
    package::check_reproducible(&binary, &reproducible::directories()?)?;
    match place {
        Place::Aws(_) => package::check_glibc(&package)?,
        Place::Here if !package::runs_on_al2023(&package) => narrate(format!(
            "note: this build of the function asks for glibc {}, provided.al2023 has {}.{}: fine here, but it would not start on AWS",
            package.glibc.as_deref().unwrap_or("?"),
            package::GLIBC_OF_AL2023.0,
            package::GLIBC_OF_AL2023.1,
        )),
        Place::Here => {}
    }
    Ok(package)
}
