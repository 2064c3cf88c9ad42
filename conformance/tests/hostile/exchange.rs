//! Sending an input, and what came of it.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that has no end after this time hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An answer should not take longer. On a busy machine one may; what was late is asked once more, alone.
pub(crate) const MOMENT: Duration = Duration::from_secs(1);

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// With an answer in HTTP.
    Answered(u16),
    /// The connection was closed without one.
    Closed,
    /// Not at all.
    Hung,
}

/// Sends `input` and waits for the connection's end, and says how long that took.
pub(crate) async fn exchange(address: &str, input: &[u8]) -> (End, Duration) {
    let start = Instant::now();
    let end = tokio::time::timeout(PATIENCE, talk(address, input)).await;
    (end.unwrap_or(End::Hung), start.elapsed())
}

async fn talk(address: &str, input: &[u8]) -> End {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The sandbox may hang up while it is still being talked to.
    let _ = stream.write_all(input).await;
    let mut answer = Vec::new();
    // A server lets go of a request when its client hangs up, so that a hang would not be seen: who has said everything
    // waits for the first words of the answer.
    if is_complete(input) {
        let _ = stream.read_buf(&mut answer).await;
    }
    let _ = stream.shutdown().await;
    let _ = stream.read_to_end(&mut answer).await;
    let status = answer.strip_prefix(b"HTTP/1.1 ");
    let status = status.and_then(|rest| std::str::from_utf8(rest.get(..3)?).ok()?.parse().ok());
    status.map_or(End::Closed, End::Answered)
}

/// Whether this is a whole request, to which nothing has to be added.
fn is_complete(input: &[u8]) -> bool {
    let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let Ok(head) = std::str::from_utf8(&input[..end]) else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    let mut lengths = head
        .lines()
        .filter_map(|line| line.strip_prefix("content-length:"));
    let length = match (lengths.next(), lengths.next()) {
        (None, _) => Some(0),
        (Some(text), None) => text.trim().parse().ok(),
        (Some(_), Some(_)) => None,
    };
    let body = input.len() - end - 4;
    !head.contains("transfer-encoding") && length.is_some_and(|length: usize| length <= body)
}
