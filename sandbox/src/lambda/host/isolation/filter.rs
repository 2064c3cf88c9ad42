//! System calls that a function's process does not get.
//!
//! Landlock decides about files, TCP ports and signals. This filter covers what Landlock has no rule
//! for: other sockets, listening, objects that are shared by name among all processes of a user, and
//! what reaches into other processes. Refused calls fail with `EACCES`, as Landlock's do.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Puts the filter on the calling thread, for ever, and so on what it starts.
pub(super) fn apply() -> Result<(), String> {
    static FILTERS: OnceLock<Result<[BpfProgram; 2], String>> = OnceLock::new();
    let unusable = |error: &str| format!("a seccomp filter cannot be used: {error}");
    let filters = FILTERS
        .get_or_init(|| {
            let refused = refused().and_then(|rules| program(rules, libc::EACCES));
            let missing = program(missing(), libc::ENOSYS);
            refused
                .and_then(|refused| Ok([refused, missing?]))
                .map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(|error| unusable(error))?;
    for filter in filters {
        seccompiler::apply_filter(filter).map_err(|error| unusable(&error.to_string()))?;
    }
    Ok(())
}

fn program(rules: Rules, error: i32) -> Result<BpfProgram, BackendError> {
    SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(error as u32),
        std::env::consts::ARCH.try_into()?,
    )?
    .try_into()
}

/// Calls that look as if the kernel did not have them. `clone3` hides its flags from filters; the C
/// library then uses `clone`, whose flags are seen.
fn missing() -> Rules {
    let mut missing = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    also_by_x32(&mut missing);
    missing
}

/// Adds the same calls by their numbers of x32, the interface of x86-64 for 32-bit pointers, which
/// some kernels have. It is no architecture of its own to a filter, but bit 30 of each number; the
/// calls that pass pointers in memory have numbers of their own (`syscall_64.tbl` of Linux 6.18).
fn also_by_x32(rules: &mut Rules) {
    if !cfg!(target_arch = "x86_64") {
        return;
    }
    let numbered_anew = BTreeMap::from([
        (libc::SYS_sendmsg, 518),
        (libc::SYS_ptrace, 521),
        (libc::SYS_move_pages, 533),
        (libc::SYS_sendmmsg, 538),
        (libc::SYS_process_vm_readv, 539),
        (libc::SYS_process_vm_writev, 540),
    ]);
    let calls = rules.clone().into_iter();
    rules.extend(calls.map(|(call, rules)| {
        let number = numbered_anew.get(&call).copied().unwrap_or(call);
        (X32 | number, rules)
    }));
}

fn refused() -> Result<Rules, BackendError> {
    let mut refused: Rules = ALWAYS.iter().map(|call| (*call, Vec::new())).collect();
    refused.insert(libc::SYS_socket, sockets()?);
    refused.insert(libc::SYS_socketpair, socket_pairs()?);
    // TCP Fast Open connects without being asked about.
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
    // New namespaces would bring capabilities back.
    let mut namespaces = Vec::new();
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        let flag = flag as u64;
        namespaces.push(rule(&[(0, MaskedEq(flag), flag)])?);
    }
    refused.insert(libc::SYS_clone, namespaces);
    others(&mut refused)?;
    also_by_x32(&mut refused);
    Ok(refused)
}

/// Calls that may be about the calling process only, which is 0.
fn others(refused: &mut Rules) -> Result<(), BackendError> {
    // The limit that marks a function's processes stays as it is: see `descendants`.
    let mark = libc::RLIMIT_RTTIME as u64;
    let change = SeccompRule::new(vec![
        SeccompCondition::new(1, Dword, Eq, mark)?,
        SeccompCondition::new(2, Qword, Ne, 0)?,
    ])?;
    refused.insert(libc::SYS_prlimit64, vec![rule(&[(0, Ne, 0)])?, change]);
    refused.insert(libc::SYS_setrlimit, vec![rule(&[(0, Eq, mark)])?]);
    for call in [
        libc::SYS_sched_setaffinity,
        libc::SYS_sched_setattr,
        libc::SYS_sched_setparam,
        libc::SYS_sched_setscheduler,
    ] {
        refused.insert(call, vec![rule(&[(0, Ne, 0)])?]);
    }
    // First whose (a process is 0 for one and 1 for the other), then which.
    let process = libc::PRIO_PROCESS as u64;
    refused.insert(
        libc::SYS_setpriority,
        vec![rule(&[(0, Ne, process)])?, rule(&[(1, Ne, 0)])?],
    );
    refused.insert(
        libc::SYS_ioprio_set,
        vec![rule(&[(0, Ne, 1)])?, rule(&[(1, Ne, 0)])?],
    );
    // Everything that may be signalled at once.
    refused.insert(libc::SYS_kill, vec![rule(&[(0, Eq, u64::from(u32::MAX))])?]);
    Ok(())
}

/// `SOCK_PACKET`, which the C library's own headers advise against.
const OBSOLETE_PACKET: i32 = 10;
/// The bits of a socket's type that are no flags.
const TYPE: u64 = 0xf;

/// All but TCP over IPv4 and IPv6, and what libraries ask the kernel for its interfaces with
/// (netlink's protocol 0; others carry messages between processes).
fn sockets() -> Result<Vec<SeccompRule>, BackendError> {
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
        rule(&[(0, Eq, netlink), (2, Ne, libc::NETLINK_ROUTE as u64)])?,
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

/// A pair stays connected to itself where it has connections. Datagrams can be sent to any local
/// socket of the machine, whomever the pair belongs to.
fn socket_pairs() -> Result<Vec<SeccompRule>, BackendError> {
    [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_RDM]
        .iter()
        .map(|kind| rule(&[(1, MaskedEq(TYPE), *kind as u64)]))
        .collect()
}

fn rule(conditions: &[(u8, SeccompCmpOp, u64)]) -> Result<SeccompRule, BackendError> {
    let conditions: Result<Vec<_>, _> = conditions
        .iter()
        .map(|(argument, operator, value)| {
            SeccompCondition::new(*argument, Dword, operator.clone(), *value)
        })
        .collect();
    SeccompRule::new(conditions?)
}

/// What marks the number of a call of x32.
const X32: i64 = 0x4000_0000;

/// Refused whatever the arguments are.
pub(in crate::lambda) const ALWAYS: &[i64] = &[
    // Nothing listens. Landlock knows ports that are bound, but a socket can listen without that.
    libc::SYS_listen,
    // Opens sockets past the filter.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Other processes.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_bpf,
    // Memory, queues and keys that all processes of a user share.
    libc::SYS_shmget,
    libc::SYS_shmat,
    libc::SYS_shmctl,
    libc::SYS_semget,
    libc::SYS_semop,
    libc::SYS_semtimedop,
    libc::SYS_semctl,
    libc::SYS_msgget,
    libc::SYS_msgsnd,
    libc::SYS_msgrcv,
    libc::SYS_msgctl,
    libc::SYS_mq_open,
    libc::SYS_mq_unlink,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // Memory that no process is seen to hold.
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    // The view of the file system, and ways around it.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_fanotify_init,
    libc::SYS_unshare,
    libc::SYS_setns,
];
