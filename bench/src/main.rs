//! Our function against its peer in Python: one host of the Runtime API, of EC2 and of Config, one run, in turns.
//!
//! `cargo xtask bench --function [--write]` builds the package and runs this. EC2 and Config are spoken to over TLS, under
//! an authority that is made for the run and trusted by `AWS_CA_BUNDLE`, as behind a company's proxy. Processor time and
//! memory are those of the function's process alone. What each number means is in `docs/performance.md`.

mod authority;
mod decisions;
mod event;
mod http;
mod measure;
mod process;
mod processor;
mod runtime_api;
mod share;
mod stub;
mod table;
mod world;

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Parser;

use authority::Authority;
use measure::Count;
use process::Program;
use table::{Both, Table};

const HERE: &str = env!("CARGO_MANIFEST_DIR");
const BEGIN: &str = "<!-- measured: cargo xtask bench --function -->";
const END: &str = "<!-- end of measured -->";

/// Measure the function beside the same one in Python.
#[derive(Debug, Parser)]
#[command(disable_version_flag = true)]
struct Args {
    /// The function's package
    package: PathBuf,
    /// So many processes for what is measured on fresh ones
    #[arg(long, default_value_t = 15, value_parser = at_least_one)]
    fresh: usize,
    /// So many invocations for what is measured on warm ones
    #[arg(long, default_value_t = 200, value_parser = at_least_one)]
    warm: usize,
    /// Count the instructions and nothing else
    #[arg(long, conflicts_with = "write")]
    instructions: bool,
    /// Leave what callgrind writes here, for `callgrind_annotate`
    #[arg(long)]
    profiles: Option<PathBuf>,
    /// Replace the measured part of this page, too
    #[arg(long)]
    write: Option<PathBuf>,
}

fn at_least_one(text: &str) -> Result<usize> {
    let number = text.parse()?;
    ensure!(number > 0, "0 is not enough");
    Ok(number)
}

#[expect(clippy::print_stdout, reason = "standard output is for the tables")]
fn main() -> Result<()> {
    let args = Args::parse();
    let directory = tempfile::tempdir()?;
    let Authority { bundle, tls } = authority::make(directory.path())?;
    let ours = Program {
        command: vec![unpack(&args.package, directory.path())?],
        bundle: bundle.clone(),
        tls: Arc::clone(&tls),
    };
    let mut table = Table::new();
    if args.instructions {
        let note = measure::instructions(&ours, args.profiles.as_deref(), &mut table)?;
        println!("{}\n\n{note}", table.into_text());
        return Ok(());
    }
    let load = fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    let python = Python::find()?;
    let peer = Program {
        command: vec![python.executable, Path::new(HERE).join("peer/function.py")],
        bundle: with_public(&bundle, &python.authorities)?,
        tls,
    };
    let sides = Both { ours, peer };
    let Args { fresh, warm, .. } = args;
    let count = Count { fresh, warm };
    measure::cold(&sides, count, &mut table)?;
    processor::on_one(|| measure::warm(&sides, count, &mut table))?;
    measure::spread(&sides, count, &mut table)?;
    let small = measure::small(&sides, count, &mut table)?;
    let instructions = measure::instructions(&sides.ours, args.profiles.as_deref(), &mut table)?;
    measure::package(&args.package, &mut table)?;
    let text = format!(
        "{}, load {load}; {}; medians of {fresh} fresh processes and of {warm} warm invocations; TLS. {small} {instructions}\n\n\
         {}\n\nThe core by itself, `cargo bench -p remediator-core`:\n\n{}",
        machine()?,
        python.versions,
        table.into_text(),
        decisions::rows()?
    );
    println!("{text}");
    if let Some(path) = &args.write {
        let page = fs::read_to_string(path)?;
        let new = table::between(&page, BEGIN, END, &text);
        let missing = || format!("`{}` does not say where the table belongs", path.display());
        fs::write(path, new.with_context(missing)?)?;
    }
    Ok(())
}

fn unpack(package: &Path, directory: &Path) -> Result<PathBuf> {
    let open = || format!("cannot open `{}`", package.display());
    let mut archive = zip::ZipArchive::new(File::open(package).with_context(open)?)?;
    let bootstrap = directory.join("bootstrap");
    let mut file = File::create(&bootstrap)?;
    io::copy(&mut archive.by_name("bootstrap")?, &mut file)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    Ok(bootstrap)
}

/// What runs the peer.
struct Python {
    executable: PathBuf,
    /// What botocore trusts by itself.
    authorities: PathBuf,
    versions: String,
}

impl Python {
    fn find() -> Result<Self> {
        const TELL: &str = "
import platform, sys, boto3, botocore, botocore.httpsession
print(sys.executable)
print(botocore.httpsession.where())
print(f'Python {platform.python_version()} with boto3 {boto3.__version__} and botocore {botocore.__version__}')
";
        let output = Command::new("python3").args(["-c", TELL]).output();
        let output = output.context("`python3` is needed: the peer is written in it")?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.success(),
            "the peer needs `python3` with boto3: {told}"
        );
        let text = String::from_utf8(output.stdout)?;
        let mut lines = text.lines();
        let mut line = || lines.next().unwrap_or_default();
        Ok(Self {
            executable: line().into(),
            authorities: line().into(),
            versions: line().to_owned(),
        })
    }
}

/// What botocore trusts by itself, and the authority of this run. Reading them is part of every start of a boto3 function
/// on AWS; ours has them compiled in, where the bundle of the run stands in for them.
fn with_public(bundle: &Path, public: &Path) -> Result<PathBuf> {
    let both = fs::read_to_string(public)? + &fs::read_to_string(bundle)?;
    let path = bundle.with_file_name("all.pem");
    fs::write(&path, both)?;
    Ok(path)
}

fn machine() -> Result<String> {
    let cores = thread::available_parallelism()?;
    let text = fs::read_to_string("/proc/cpuinfo")?;
    let model = text.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    let model = model.map_or(std::env::consts::ARCH, |(_, model)| model);
    Ok(format!("{cores} cores of {model}"))
}
