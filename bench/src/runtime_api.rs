//! Lambda's Runtime API over plain HTTP.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::http;

/// What the function has said, and when the last bytes of it came.
#[derive(Debug)]
pub(crate) enum Said {
    /// It asks for an event, which is to be written here.
    Next(TcpStream, Instant),
    /// It has answered: `response` or `error`, and with what.
    Outcome(String, Vec<u8>, Instant),
}

/// One connection to its end.
pub(crate) fn serve(mut tcp: TcpStream, told: &Sender<Said>) -> io::Result<()> {
    let mut received = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let read = tcp.read(&mut buffer)?;
        let came = Instant::now();
        if read == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..read]);
        let Some(request) = http::take(&mut received)? else {
            continue;
        };
        let last = request.path.rsplit('/').next().unwrap_or_default();
        let said = if last == "next" {
            Said::Next(tcp.try_clone()?, came)
        } else {
            tcp.write_all(&http::answer(202, "", b"{}"))?;
            Said::Outcome(last.to_owned(), request.body, came)
        };
        if told.send(said).is_err() {
            return Ok(());
        }
    }
}

/// An event as the function receives it, with a minute for it.
pub(crate) fn invocation(event: &[u8]) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let deadline = now.unwrap_or_default().as_millis() + 60_000;
    let headers = format!(
        "lambda-runtime-aws-request-id: r\r\nlambda-runtime-deadline-ms: {deadline}\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:f\r\n"
    );
    http::answer(200, &headers, event)
}
