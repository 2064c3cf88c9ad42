//! One HTTP request over a plain socket: an HTTP crate would cost more to build than all the rest of xtask.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A sandbox on this machine answers in a few milliseconds; one that is busy still does within this.
const PATIENCE: Duration = Duration::from_secs(5);

/// More than any answer that xtask asks for.
const MAX_ANSWER: u64 = 64 * 1024;

/// What came back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// Asks the sandbox at `endpoint` for `path`, with `bearer` as `Authorization` where one is given.
pub(super) fn get(endpoint: &str, path: &str, bearer: Option<&str>) -> io::Result<Answer> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let host = endpoint
        .strip_prefix("http://")
        .ok_or_else(|| invalid("the endpoint is no http address"))?;
    let address: SocketAddr = host
        .parse()
        .map_err(|_| invalid("the endpoint has no address and port"))?;
    let authorization = bearer.map_or_else(String::new, |bearer| {
        format!("Authorization: Bearer {bearer}\r\n")
    });
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // HTTP/1.0: the answer is not chunked and ends with the connection.
    write!(
        stream,
        "GET {path} HTTP/1.0\r\nHost: {host}\r\n{authorization}\r\n"
    )?;
    let mut answer = String::new();
    stream.take(MAX_ANSWER).read_to_string(&mut answer)?;
    let (head, body) = answer
        .split_once("\r\n\r\n")
        .ok_or_else(|| invalid("the answer is no HTTP"))?;
    let status = head
        .split_ascii_whitespace()
        .nth(1)
        .and_then(|status| status.parse().ok())
        .ok_or_else(|| invalid("the answer has no status"))?;
    Ok(Answer {
        status,
        body: body.to_owned(),
    })
}
