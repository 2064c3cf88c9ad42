//! Who may talk to a Runtime API: the function's own processes, and no browser.

use std::fs;
use std::net::SocketAddr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN, REFERER};

use super::process::Process;

/// Why a request is refused: it names another host, which a name that somebody has resolved to this
/// machine does; or it has what browsers add to requests of pages.
pub(super) fn request(headers: &HeaderMap, address: SocketAddr) -> Result<(), String> {
    let address = address.to_string();
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next().map(http::HeaderValue::as_bytes);
    if host != Some(address.as_bytes()) || hosts.next().is_some() {
        let shown = host.map(String::from_utf8_lossy).unwrap_or_default();
        return Err(format!(
            "the Host header is `{shown}`; a Runtime API answers as `{address}` only"
        ));
    }
    let browser = headers.keys().find(|name| {
        **name == ORIGIN || **name == REFERER || name.as_str().starts_with("sec-fetch-")
    });
    match browser {
        Some(name) => Err(format!(
            "the request has the header `{name}`, so it comes from a browser; a Runtime API is for its function only"
        )),
        None => Ok(()),
    }
}

/// Whose connection it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// One of the function's own processes.
    Function,
    /// Another process of this user, or of somebody else.
    Stranger,
    /// The system does not say: it has no `/proc/net/tcp` (macOS), or does not show what belongs to
    /// the process.
    Unknown,
}

impl Peer {
    /// Why it is not served.
    pub(super) fn refusal(self) -> Option<&'static str> {
        match self {
            Peer::Function | Peer::Unknown => None,
            Peer::Stranger => Some(
                "the connection is not of one of the function's processes; a Runtime API is for its function only",
            ),
        }
    }
}

/// Finds the process at the other end of a connection from `peer` to `own`.
pub(super) fn peer(peer: SocketAddr, own: SocketAddr, process: &Process) -> Peer {
    let Ok(table) = fs::read_to_string("/proc/net/tcp") else {
        return Peer::Unknown;
    };
    let inode = inode(&table, peer, own, "").map(str::to_owned).or_else(|| {
        let table = fs::read_to_string("/proc/net/tcp6").ok()?;
        inode(&table, peer, own, &mapped()).map(str::to_owned)
    });
    let Some(inode) = inode else {
        // Closed again already: nobody is there to be answered.
        return Peer::Stranger;
    };
    let socket = format!("socket:[{inode}]");
    let mut shown = false;
    for pid in process.family() {
        let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
            continue;
        };
        shown = true;
        for descriptor in descriptors.flatten() {
            if fs::read_link(descriptor.path()).is_ok_and(|it| it.as_os_str() == &*socket) {
                return Peer::Function;
            }
        }
    }
    if shown { Peer::Stranger } else { Peer::Unknown }
}

/// The socket from `from` to `to` in a table of the kernel's, whose addresses begin with `prefix`: see
/// proc_pid_net(5). Zero is a socket without a process.
fn inode<'a>(table: &'a str, from: SocketAddr, to: SocketAddr, prefix: &str) -> Option<&'a str> {
    let (from, to) = (hexadecimal(from, prefix)?, hexadecimal(to, prefix)?);
    table.lines().find_map(|line| {
        // Number, local address, remote address, state, queues, timer, retransmissions, user,
        // time-out, inode.
        let mut fields = line.split_ascii_whitespace().skip(1);
        let found = fields.next() == Some(&*from) && fields.next() == Some(&*to);
        found
            .then(|| fields.nth(6))
            .flatten()
            .filter(|inode| *inode != "0")
    })
}

/// How IPv4 addresses begin in the table of IPv6 sockets, where those of some runtimes are.
fn mapped() -> String {
    let word = |bytes| format!("{:08X}", u32::from_ne_bytes(bytes));
    [word([0; 4]), word([0; 4]), word([0, 0, 0xff, 0xff])].concat()
}

/// The address as a number of the machine, then the port.
fn hexadecimal(address: SocketAddr, prefix: &str) -> Option<String> {
    let SocketAddr::V4(address) = address else {
        return None;
    };
    let number = u32::from_ne_bytes(address.ip().octets());
    Some(format!("{prefix}{number:08X}:{:04X}", address.port()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    const ADDRESS: &str = "127.0.0.1:4000";

    fn check(headers: &[(&'static str, &str)]) -> Result<(), String> {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()));
        request(&headers.collect(), ADDRESS.parse().unwrap())
    }

    #[test]
    fn request_of_a_runtime_passes() {
        check(&[("host", ADDRESS), ("user-agent", "python")]).unwrap();
    }

    #[test]
    fn request_for_another_host_is_refused() {
        for host in [
            "evil.example",
            "localhost:4000",
            "127.0.0.1:4001",
            "127.0.0.1",
            "",
        ] {
            let why = check(&[("host", host)]).unwrap_err();
            assert!(why.contains("Host") && why.contains(ADDRESS), "{why}");
        }
        assert!(check(&[]).is_err());
    }

    #[test]
    fn request_of_a_browser_is_refused() {
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("referer", "https://evil.example/page"),
            ("sec-fetch-site", "none"),
            ("sec-fetch-mode", "no-cors"),
        ] {
            let why = check(&[("host", ADDRESS), (name, value)]).unwrap_err();
            assert!(why.contains(name), "{why}");
        }
    }

    #[test]
    fn inode_is_that_of_the_other_end() {
        let (client, server) = ("127.0.0.1:50000".parse().unwrap(), ADDRESS.parse().unwrap());
        let other = "127.0.0.1:50001".parse().unwrap();
        for prefix in [String::new(), mapped()] {
            let shown = |address| hexadecimal(address, &prefix).unwrap();
            let line = |from, to, inode: u32| {
                format!(
                    "   0: {from} {to} 01 00000000:00000000 00:00000000 00000000 0 0 {inode} 1\n"
                )
            };
            let table = [
                line(shown(server), shown(client), 111),
                line(shown(client), shown(server), 222),
                line(shown(other), shown(server), 0),
            ]
            .concat();
            assert_eq!(inode(&table, client, server, &prefix), Some("222"));
            assert_eq!(inode(&table, other, server, &prefix), None);
        }
        if cfg!(target_endian = "little") {
            assert_eq!(hexadecimal(client, "").unwrap(), "0100007F:C350");
            assert_eq!(mapped(), "0000000000000000FFFF0000");
        }
    }
}
