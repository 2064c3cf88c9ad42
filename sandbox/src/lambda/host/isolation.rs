//! What keeps a function from every endpoint but the sandbox.
//!
//! The process is started by a thread that has restricted itself and ends right after: restrictions
//! belong to threads and are inherited by what a thread starts, so the sandbox itself stays free, no
//! privilege is needed, and a start costs no further program. Two things are combined. *Landlock*
//! (Linux 6.7) lets the process connect over TCP only to the sandbox's port and to its own Runtime
//! API. A *seccomp filter* takes away what Landlock has no rules for: sockets that are neither TCP
//! nor for asking the kernel about its interfaces (so UDP and with it name resolution, raw packets,
//! the local sockets of other programs), TCP Fast Open (which connects without being asked about),
//! and `io_uring` (which opens sockets past the filter).
//!
//! Landlock's rules are about ports, not addresses: another machine that listens on the very port of
//! the sandbox could still be connected to. User and network namespaces would close that, but many
//! containers and distributions forbid them to ordinary users, and they would need a proxy in the
//! way of every call.

use std::io;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Whether this machine can keep functions from other endpoints; why not, for people.
///
/// # Errors
/// What is missing.
pub fn available() -> Result<(), &'static str> {
    static AVAILABLE: OnceLock<Result<(), String>> = OnceLock::new();
    let probe = || {
        // The thread that finds out has restricted itself and is of no other use.
        thread::spawn(|| system::restrict(&[]))
            .join()
            .unwrap_or_else(|_| Err("the attempt ended abnormally".to_owned()))
    };
    match AVAILABLE.get_or_init(probe) {
        Ok(()) => Ok(()),
        Err(why) => Err(why.as_str()),
    }
}

/// The word for it in the health document: `landlock` or `none`.
pub fn name() -> &'static str {
    match available() {
        Ok(()) => "landlock",
        Err(_) => "none",
    }
}

/// Starts `command`, kept from every TCP port but `ports` where this machine can do that.
pub(super) async fn spawn(mut command: Command, ports: Vec<u16>) -> io::Result<Child> {
    let confined = available().is_ok();
    let runtime = Handle::current();
    let (tell, told) = oneshot::channel();
    // Not a thread of a pool: it ends here, and its restrictions with it.
    thread::Builder::new()
        .name("function-start".to_owned())
        .spawn(move || {
            let restricted = if confined {
                system::restrict(&ports).map_err(io::Error::other)
            } else {
                Ok(())
            };
            let _runtime = runtime.enter();
            // When nobody listens any more the child is dropped, and killed with that.
            let _ = tell.send(restricted.and_then(|()| start(&mut command)));
        })?;
    told.await.map_err(io::Error::other)?
}

/// Starts the process. Another thread that forks while the executable is being written holds it open
/// for writing until that other child execs; the kernel calls the file busy for that moment.
fn start(command: &mut Command) -> io::Result<Child> {
    for _ in 0..100 {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                thread::sleep(Duration::from_millis(2));
            }
            result => return result,
        }
    }
    command.spawn()
}

#[cfg(target_os = "linux")]
mod system {
    use std::collections::BTreeMap;
    use std::sync::OnceLock;

    use landlock::{
        AccessNet, CompatLevel, Compatible, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetStatus, Scope,
    };
    use seccompiler::SeccompCmpArgLen::Dword;
    use seccompiler::SeccompCmpOp::{MaskedEq, Ne};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };

    /// Restricts the calling thread, for ever, and what it starts.
    pub(super) fn restrict(ports: &[u16]) -> Result<(), String> {
        let status = rules(ports).map_err(|error| {
            format!("this kernel has no Landlock with rules for TCP (Linux 6.7 or newer): {error}")
        })?;
        if status == RulesetStatus::NotEnforced {
            return Err("the kernel does not enforce Landlock's rules".to_owned());
        }
        static FILTER: OnceLock<Result<BpfProgram, String>> = OnceLock::new();
        let unusable = |error: &str| format!("a seccomp filter cannot be used: {error}");
        let filter = FILTER
            .get_or_init(|| filter().map_err(|error| error.to_string()))
            .as_ref()
            .map_err(|error| unusable(error))?;
        seccompiler::apply_filter(filter).map_err(|error| unusable(&error.to_string()))
    }

    fn rules(ports: &[u16]) -> Result<RulesetStatus, landlock::RulesetError> {
        let mut rules = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessNet::ConnectTcp)?
            // Linux 6.12: neither signals to other processes nor their unnamed local sockets.
            .set_compatibility(CompatLevel::BestEffort)
            .scope(Scope::Signal)?
            .scope(Scope::AbstractUnixSocket)?
            .create()?;
        for port in ports {
            rules = rules.add_rule(NetPort::new(*port, AccessNet::ConnectTcp))?;
        }
        Ok(rules.restrict_self()?.ruleset)
    }

    type Error = seccompiler::BackendError;

    /// What is refused, in the way in which Landlock refuses.
    fn filter() -> Result<BpfProgram, Error> {
        let mut refused = BTreeMap::new();
        refused.insert(libc::SYS_socket, sockets()?);
        for (call, flags) in [
            (libc::SYS_sendto, 3),
            (libc::SYS_sendmsg, 2),
            (libc::SYS_sendmmsg, 3),
        ] {
            let fast_open = libc::MSG_FASTOPEN as u64;
            refused.insert(
                call,
                vec![rule(&[(flags, MaskedEq(fast_open), fast_open)])?],
            );
        }
        refused.insert(libc::SYS_io_uring_setup, Vec::new());
        SeccompFilter::new(
            refused,
            SeccompAction::Allow,
            SeccompAction::Errno(libc::EACCES as u32),
            std::env::consts::ARCH.try_into()?,
        )?
        .try_into()
    }

    /// `SOCK_PACKET`, which the C library's own headers advise against.
    const OBSOLETE_PACKET: i32 = 10;

    /// All but TCP over IPv4 and IPv6, and what libraries ask the kernel for its interfaces with.
    /// A pair of connected local sockets is made by another call, which stays.
    fn sockets() -> Result<Vec<SeccompRule>, Error> {
        const TYPE: u64 = 0xf;
        let (v4, v6, netlink) = (
            libc::AF_INET as u64,
            libc::AF_INET6 as u64,
            libc::AF_NETLINK as u64,
        );
        let mut refused = vec![
            rule(&[(0, Ne, v4), (0, Ne, v6), (0, Ne, netlink)])?,
            rule(&[
                (0, Ne, netlink),
                (2, Ne, 0),
                (2, Ne, libc::IPPROTO_TCP as u64),
            ])?,
        ];
        for kind in [
            libc::SOCK_DGRAM,
            libc::SOCK_RAW,
            libc::SOCK_RDM,
            libc::SOCK_SEQPACKET,
            libc::SOCK_DCCP,
            OBSOLETE_PACKET,
        ] {
            refused.push(rule(&[(0, Ne, netlink), (1, MaskedEq(TYPE), kind as u64)])?);
        }
        Ok(refused)
    }

    fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, Error> {
        let conditions: Result<Vec<_>, _> = conditions
            .iter()
            .map(|(argument, operator, value)| {
                SeccompCondition::new(*argument, Dword, operator.clone(), *value)
            })
            .collect();
        SeccompRule::new(conditions?)
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    pub(super) fn restrict(_ports: &[u16]) -> Result<(), String> {
        Err("Landlock exists on Linux only".to_owned())
    }
}
