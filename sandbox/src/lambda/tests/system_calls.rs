//! System calls that a function does not get, each asked for by Perl, which most systems have.
//!
//! Each is harmless where it is let: it names no descriptor, no memory and no process that exists.
//! The kernel then says so, with another error than the filter's `EACCES`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::isolation::{held, lab};
use crate::lambda::host::isolation::filter;
use crate::testing::World;

/// No process has this id, as all are below 2^22.
const NOBODY: i64 = 0x7fff_ffff;

/// What is asked for, by name: the number, then the arguments.
type Calls = BTreeMap<String, Vec<i64>>;

fn call(calls: &mut Calls, name: &str, number: i64, arguments: &[i64]) {
    let all = [&[number], arguments].concat();
    assert!(calls.insert(name.to_owned(), all).is_none(), "{name}");
}

/// Which error each call gets; 0 is none. `None`, with a message, where nothing can ask.
async fn errors(calls: &Calls) -> Option<BTreeMap<String, i32>> {
    let perl = "/usr/bin/perl";
    if !held("system calls (no Perl)", Path::new(perl).exists()) {
        return None;
    }
    let mut program = String::new();
    for (name, call) in calls {
        let call: Vec<_> = call.iter().map(i64::to_string).collect();
        let call = call.join(",");
        writeln!(
            program,
            "$!=0; $r=syscall({call}); print \"{name}=\", $r==-1 ? $!+0 : 0, \"\\n\";"
        )
        .unwrap();
    }
    let lab: World<_> = lab().await;
    let script = format!("exec {perl} -e '{program}'");
    let (failed, answer, tail) = lab.invoke(json!({"do": "shell", "script": script})).await;
    assert!(!failed && answer["status"] == 0, "{answer} {tail}");
    let lines = answer["out"].as_str().unwrap().lines();
    let errors: BTreeMap<_, _> = lines
        .map(|line| {
            let (name, error) = line.split_once('=').unwrap();
            (name.to_owned(), error.parse().unwrap())
        })
        .collect();
    assert_eq!(errors.len(), calls.len());
    Some(errors)
}

/// Every call gets `expected`; the others are all told at once.
async fn check(calls: Calls, expected: i32) {
    let Some(mut errors) = errors(&calls).await else {
        return;
    };
    errors.retain(|_, error| *error != expected);
    assert!(errors.is_empty(), "not {expected}: {errors:?}");
}

#[tokio::test]
async fn system_calls_that_reach_others_are_refused() {
    let mut calls = Calls::new();
    for number in filter::ALWAYS {
        call(
            &mut calls,
            &format!("call {number}"),
            *number,
            &[-1, 0, 0, 0, 0, 0],
        );
    }
    check(calls, libc::EACCES).await;
}

#[tokio::test]
async fn sockets_but_for_tcp_and_interfaces_are_refused() {
    let mut calls = Calls::new();
    let kinds = [
        ("datagrams", libc::SOCK_DGRAM),
        ("raw", libc::SOCK_RAW),
        ("reliable", libc::SOCK_RDM),
        ("sequence", libc::SOCK_SEQPACKET),
        ("congestion", libc::SOCK_DCCP),
        ("packets", 10),
    ];
    for (name, kind) in kinds {
        for (version, domain) in [("IPv4", libc::AF_INET), ("IPv6", libc::AF_INET6)] {
            for (flag, bits) in [("", 0), (" closed", libc::SOCK_CLOEXEC)] {
                let arguments = [i64::from(domain), i64::from(kind | bits), 0];
                let name = format!("{version} {name}{flag}");
                call(&mut calls, &name, libc::SYS_socket, &arguments);
            }
        }
    }
    for (name, domain, kind, protocol) in [
        ("local", libc::AF_UNIX, libc::SOCK_STREAM, 0),
        ("Bluetooth", libc::AF_BLUETOOTH, libc::SOCK_STREAM, 0),
        ("virtual machine", libc::AF_VSOCK, libc::SOCK_STREAM, 0),
        ("SCTP", libc::AF_INET, libc::SOCK_STREAM, libc::IPPROTO_SCTP),
        (
            "MPTCP",
            libc::AF_INET6,
            libc::SOCK_STREAM,
            libc::IPPROTO_MPTCP,
        ),
        (
            "netlink between processes",
            libc::AF_NETLINK,
            libc::SOCK_RAW,
            2,
        ),
    ] {
        let arguments = [domain, kind, protocol].map(i64::from);
        call(&mut calls, name, libc::SYS_socket, &arguments);
    }
    for (name, kind) in &kinds[..3] {
        let arguments = [i64::from(libc::AF_UNIX), i64::from(*kind), 0, -1];
        call(
            &mut calls,
            &format!("pair {name}"),
            libc::SYS_socketpair,
            &arguments,
        );
    }
    // TCP Fast Open.
    let fast_open = i64::from(libc::MSG_FASTOPEN);
    for (name, number, arguments) in [
        ("sendto", libc::SYS_sendto, [-1, 0, 0, fast_open, 0, 0]),
        ("sendmsg", libc::SYS_sendmsg, [-1, 0, fast_open, 0, 0, 0]),
        ("sendmmsg", libc::SYS_sendmmsg, [-1, 0, 0, fast_open, 0, 0]),
    ] {
        call(&mut calls, name, number, &arguments);
    }
    check(calls, libc::EACCES).await;
}

#[tokio::test]
async fn namespaces_and_other_processes_are_refused() {
    let mut calls = Calls::new();
    for (name, flag) in [
        ("users", libc::CLONE_NEWUSER),
        ("mounts", libc::CLONE_NEWNS),
        ("processes", libc::CLONE_NEWPID),
        ("network", libc::CLONE_NEWNET),
        ("queues", libc::CLONE_NEWIPC),
        ("names", libc::CLONE_NEWUTS),
        ("control groups", libc::CLONE_NEWCGROUP),
    ] {
        // A thread without shared signals cannot be.
        let arguments = [i64::from(flag | libc::CLONE_THREAD), 0, 0, 0, 0];
        call(&mut calls, name, libc::SYS_clone, &arguments);
    }
    let mark = i64::from(libc::RLIMIT_RTTIME);
    for (name, number, arguments) in [
        ("limit of another", libc::SYS_prlimit64, [NOBODY, 7, 0, 0]),
        ("mark", libc::SYS_prlimit64, [0, mark, -1, 0]),
        (
            "mark by its older call",
            libc::SYS_setrlimit,
            [mark, -1, 0, 0],
        ),
        ("processors", libc::SYS_sched_setaffinity, [NOBODY, 0, 0, 0]),
        ("attributes", libc::SYS_sched_setattr, [NOBODY, 0, 0, 0]),
        ("parameters", libc::SYS_sched_setparam, [NOBODY, 0, 0, 0]),
        ("scheduler", libc::SYS_sched_setscheduler, [NOBODY, 0, 0, 0]),
        ("priority of many", libc::SYS_setpriority, [7, 0, 0, 0]),
        (
            "priority of another",
            libc::SYS_setpriority,
            [0, NOBODY, 0, 0],
        ),
        ("input of many", libc::SYS_ioprio_set, [7, 0, 0, 0]),
        ("input of another", libc::SYS_ioprio_set, [1, NOBODY, 0, 0]),
        ("signal to all", libc::SYS_kill, [-1, 0, 0, 0]),
    ] {
        call(&mut calls, name, number, &arguments);
    }
    check(calls, libc::EACCES).await;
}

/// The numbers of x32 are refused before the kernel sees whether it has that interface.
#[cfg(target_arch = "x86_64")]
#[tokio::test]
async fn system_calls_by_their_numbers_of_x32_are_refused() {
    let bit = 0x4000_0000;
    let mut calls = Calls::new();
    // In the order of the kernel's table: sendmsg, ptrace, move_pages, sendmmsg, process_vm_*.
    let fast_open = i64::from(libc::MSG_FASTOPEN);
    for (number, arguments) in [
        (518, [-1, 0, fast_open, 0, 0, 0]),
        (521, [-1, 0, 0, 0, 0, 0]),
        (533, [-1, 0, 0, 0, 0, 0]),
        (538, [-1, 0, 0, fast_open, 0, 0]),
        (539, [-1, 0, 0, 0, 0, 0]),
        (540, [-1, 0, 0, 0, 0, 0]),
        (libc::SYS_listen, [-1, 0, 0, 0, 0, 0]),
        (libc::SYS_socket, [1, 1, 0, 0, 0, 0]),
        (libc::SYS_unshare, [-1, 0, 0, 0, 0, 0]),
    ] {
        call(
            &mut calls,
            &format!("x32 {number}"),
            bit | number,
            &arguments,
        );
    }
    check(calls, libc::EACCES).await;
}

/// The C library uses `clone` where `clone3` does not exist.
#[tokio::test]
async fn clone3_looks_missing() {
    let mut calls = Calls::new();
    call(&mut calls, "clone3", libc::SYS_clone3, &[0, 0]);
    check(calls, libc::ENOSYS).await;
}

#[tokio::test]
async fn system_calls_that_programs_need_go_on() {
    let mut calls = Calls::new();
    for (name, arguments) in [
        ("TCP", [libc::AF_INET, libc::SOCK_STREAM, 0]),
        ("TCP by name", [libc::AF_INET, libc::SOCK_STREAM, 6]),
        (
            "TCP over IPv6",
            [libc::AF_INET6, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0],
        ),
        ("interfaces", [libc::AF_NETLINK, libc::SOCK_RAW, 0]),
        (
            "interfaces by datagrams",
            [libc::AF_NETLINK, libc::SOCK_DGRAM, 0],
        ),
    ] {
        call(
            &mut calls,
            name,
            libc::SYS_socket,
            &arguments.map(i64::from),
        );
    }
    call(&mut calls, "own limits", libc::SYS_prlimit64, &[0, 7, 0, 0]);
    call(&mut calls, "own group", libc::SYS_kill, &[0, 0]);
    call(
        &mut calls,
        "own scheduler",
        libc::SYS_sched_getscheduler,
        &[0],
    );
    check(calls, 0).await;
}
