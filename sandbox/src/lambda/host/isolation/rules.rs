//! Landlock's rules for a function's process: files, TCP ports, other processes.

use std::io;
use std::path::{Path, PathBuf};

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, NetPort, PathBeneath,
    PathFd, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope,
};

use super::{Boundary, Means};

/// The newest version of Landlock whose rights for files are asked for; older kernels check those
/// that they know.
const NEWEST: ABI = ABI::V8;

/// Programs, libraries and data of the system.
const SYSTEM: &[&str] = &[
    "/bin",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/sbin",
    "/usr",
];

/// What programs look up, without the machine's secrets: all of `/etc` would hold password hashes,
/// host keys and configured credentials, which user 0 could read.
const CONFIGURATION: &[&str] = &[
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/crypto-policies",
    "/etc/debian_version",
    "/etc/gai.conf",
    "/etc/group",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/ld.so.preload",
    "/etc/localtime",
    "/etc/locale.alias",
    "/etc/locale.conf",
    "/etc/lsb-release",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/passwd",
    "/etc/pki",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/cert.pem",
    "/etc/ssl/openssl.cnf",
    "/etc/timezone",
    "/sys/devices/system",
    "/sys/kernel/mm",
];

/// Figures of the whole machine. Not `/proc` itself: it shows the other processes.
const MACHINE: &[&str] = &[
    "/proc/cpuinfo",
    "/proc/filesystems",
    "/proc/loadavg",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/kernel",
    "/proc/sys/vm",
    "/proc/uptime",
    "/proc/version",
];

const DEVICES: &[&str] = &[
    "/dev/full",
    "/dev/null",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];

/// Which kinds of rules this kernel enforces.
pub(super) fn means() -> Means {
    let enforced =
        |ruleset: Result<Ruleset, RulesetError>| ruleset.and_then(Ruleset::create).is_ok();
    let hard = || Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    Means {
        files: enforced(hard().handle_access(AccessFs::from_all(ABI::V1))),
        network: enforced(hard().handle_access(AccessNet::ConnectTcp)),
        processes: enforced(hard().scope(Scope::Signal)),
        mount: false,
    }
}

/// Restricts the calling thread, for ever, and what it starts.
pub(super) fn apply(boundary: &Boundary, means: Means) -> Result<(), String> {
    let failed =
        |error: &dyn std::fmt::Display| format!("Landlock's rules cannot be used: {error}");
    let restricted = ruleset(boundary, means)
        .map_err(|error| failed(&error))?
        .restrict_self()
        .map_err(|error| failed(&error))?;
    if restricted.ruleset == RulesetStatus::NotEnforced {
        return Err("the kernel does not enforce Landlock's rules".to_owned());
    }
    Ok(())
}

fn ruleset(boundary: &Boundary, means: Means) -> io::Result<RulesetCreated> {
    let mut rules = Ruleset::default().set_compatibility(CompatLevel::BestEffort);
    rules = rules
        .handle_access(AccessFs::from_all(NEWEST))
        .map_err(io::Error::other)?;
    rules = rules
        .handle_access(AccessNet::ConnectTcp | AccessNet::BindTcp)
        .and_then(|rules| rules.scope(Scope::Signal | Scope::AbstractUnixSocket))
        .map_err(io::Error::other)?;
    let mut rules = rules.create().map_err(io::Error::other)?;
    for port in &boundary.ports {
        let connect = NetPort::new(*port, AccessNet::ConnectTcp);
        rules = rules.add_rule(connect).map_err(io::Error::other)?;
    }
    let read = AccessFs::from_read(NEWEST);
    let machine: &[&str] = if means.mount { &["/proc"] } else { MACHINE };
    for path in [SYSTEM, CONFIGURATION, machine].concat() {
        rules = allow(rules, Path::new(path), read)?;
    }
    for path in DEVICES {
        let use_it = AccessFs::ReadFile | AccessFs::WriteFile | AccessFs::IoctlDev;
        rules = allow(rules, Path::new(path), use_it)?;
    }
    let own: Vec<&PathBuf> = boundary.code.iter().chain(&boundary.read).collect();
    for path in own {
        rules = allow(rules, path, read)?;
    }
    if let Some(scratch) = &boundary.scratch {
        let everything = AccessFs::from_all(NEWEST) & !(AccessFs::MakeChar | AccessFs::MakeBlock);
        rules = allow(rules, scratch, everything)?;
    }
    Ok(rules)
}

/// Allows `access` to what is at `path` and below; what does not exist needs no rule.
fn allow(
    rules: RulesetCreated,
    path: &Path,
    access: BitFlags<AccessFs>,
) -> io::Result<RulesetCreated> {
    let Ok(beneath) = PathFd::new(path) else {
        return Ok(rules);
    };
    // Best effort: of a file, the rights that only directories have are left out.
    rules
        .add_rule(PathBeneath::new(beneath, access))
        .map_err(io::Error::other)
}
