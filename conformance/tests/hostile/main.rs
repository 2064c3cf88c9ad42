//! Hostile bytes: nothing that comes in over HTTP may make the sandbox panic, hang or write where it should not.
//!
//! The inputs are random, but the same in every run. `DRIFTLAB_HOSTILE_INPUTS=1000000` makes it a long run and
//! `DRIFTLAB_HOSTILE_SEED=7` another one; a failure names the input's number, from which it can be made again.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod archives;
mod inputs;
mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use conformance::panics;
use conformance::world::World;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// An answer that takes longer is a hang. The slowest answers take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "how much was tried is worth knowing")]
async fn nothing_that_comes_in_breaks_the_sandbox() {
    panics::watch();
    let count = setting("DRIFTLAB_HOSTILE_INPUTS", 20_000);
    let seed = setting("DRIFTLAB_HOSTILE_SEED", 1);
    let world = World::start().await;
    let next = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (next, address) = (next.clone(), world.address().to_owned());
            tokio::spawn(async move {
                let mut answered = 0_u64;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return answered;
                    }
                    let input = inputs::make(seed, number);
                    let exchange = exchange(&address, &input);
                    match tokio::time::timeout(PATIENCE, exchange).await {
                        Ok(true) => answered += 1,
                        Ok(false) => {}
                        Err(_) => panic!(
                            "no end after input {number} of seed {seed}: {}",
                            String::from_utf8_lossy(&input)
                        ),
                    }
                    let seen = panics::seen();
                    assert!(
                        seen.is_empty(),
                        "{seen:?} at or shortly before input {number} of seed {seed}: {}",
                        String::from_utf8_lossy(&input[..input.len().min(4_000)])
                    );
                }
            })
        })
        .collect();
    let mut answered = 0;
    for client in clients {
        answered += client.await.unwrap();
    }
    eprintln!("{count} inputs of seed {seed}, {answered} of them were answered in HTTP");
    assert!(answered > count / 2, "the inputs do not reach the services");
    assert!(still_healthy(&world).await);
    world.idle_within(PATIENCE).await;
    assert!(panics::seen().is_empty(), "{:?}", panics::seen());
}

/// Whether an answer in HTTP came back. No answer is fine too, as long as the connection ends.
async fn exchange(address: &str, input: &[u8]) -> bool {
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
    answer.starts_with(b"HTTP/1.1 ")
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

async fn still_healthy(world: &World) -> bool {
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    let request = b"GET /_sandbox/health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.contains(r#""status":"ok""#)
}
