//! The name that a request was sent to.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::HeaderMap;

use super::{HOST, Refused, only, shown};

/// A host name that the sandbox answers to beside the loopback ones, in lower case and without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

impl FromStr for HostName {
    type Err = String;

    /// Takes a name or an IPv4 address. There are no wildcards: each one is a choice of its own.
    fn from_str(text: &str) -> Result<Self, String> {
        if !text.is_empty() && text.bytes().all(is_of_a_name) {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(
                "name one host, without a port, as in `--allow-host host.docker.internal`"
                    .to_owned(),
            )
        }
    }
}

/// Answers with the value of `Host` where it names the loopback interface or one of `allowed`.
///
/// Any port will do: a browser always names the one that it connects to, and it is another than the
/// sandbox's behind a forwarded port (`ssh -L`).
pub(super) fn check<'a>(allowed: &[HostName], headers: &'a HeaderMap) -> Result<&'a str, Refused> {
    let value = match only(headers, &HOST) {
        Ok(Some(value)) => value,
        Ok(None) => return Err(Refused::NoHost),
        Err(()) => return Err(Refused::ManyHosts),
    };
    let unreadable = || Refused::BadHost(shown(value));
    let host = value.to_str().map_err(|_| unreadable())?;
    match name(host).ok_or_else(unreadable)? {
        Name::Name(name) if is_loopback(name) => Ok(host),
        Name::Name(name) if allowed.iter().any(|it| it.0.eq_ignore_ascii_case(name)) => Ok(host),
        Name::V6(address) if address.is_loopback() => Ok(host),
        Name::Name(_) | Name::V6(_) => Err(Refused::ForeignHost(shown(value))),
    }
}

enum Name<'a> {
    /// A name or an IPv4 address.
    Name(&'a str),
    V6(Ipv6Addr),
}

/// The name in `Host` without its port; `None` for what is no host at all.
fn name(host: &str) -> Option<Name<'_>> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (Name::V6(address.parse().ok()?), port)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            if name.is_empty() || !name.bytes().all(is_of_a_name) {
                return None;
            }
            (Name::Name(name), port)
        }
    };
    match port.strip_prefix(':') {
        None => port.is_empty().then_some(name),
        Some(digits) => {
            let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            number.then_some(name)
        }
    }
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}

/// Names below `localhost` are none of these: the sandbox takes buckets in the path alone, and a
/// resolver may ask the network for such a name. Nor are other spellings of an address (`127.1`), which
/// browsers never send.
fn is_loopback(name: &str) -> bool {
    name.eq_ignore_ascii_case("localhost")
        || name
            .parse::<Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}
