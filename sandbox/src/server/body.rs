//! Reading bodies: never more than fits, never longer than is reasonable.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout, timeout_at};

use super::Times;
use super::request::Destination;
use crate::error::ApiError;

/// Bodies up to here need no room: 512 connections of them are 32 MiB, and no upload delays them.
const SMALL: usize = 64 * 1024;

/// Room is given out in pieces of this many bytes.
const PIECE: usize = 1024;

/// What is still read of a body that was refused, so that its client gets to read why.
const DRAINED: usize = 80 * 1024 * 1024;

/// The room for all bodies at once.
#[derive(Debug, Clone)]
pub(super) struct Room {
    pieces: Arc<Semaphore>,
    all: u32,
    times: Times,
}

/// A body, and the room that it takes for as long as this lives.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) bytes: Bytes,
    _room: Vec<OwnedSemaphorePermit>,
}

impl Room {
    pub(super) fn new(bytes: u64, times: Times) -> Self {
        let most = u64::try_from(Semaphore::MAX_PERMITS).unwrap_or(u64::MAX);
        let pieces = (bytes / PIECE as u64).clamp(1, most.min(u64::from(u32::MAX)));
        let all = u32::try_from(pieces).unwrap_or(u32::MAX);
        Self {
            pieces: Arc::new(Semaphore::new(all as usize)),
            all,
            times,
        }
    }

    /// Bytes that nobody has taken.
    #[cfg(test)]
    pub(super) fn free(&self) -> usize {
        self.pieces.available_permits() * PIECE
    }

    /// Room for `bytes`, or for as much as there is at all.
    async fn take(&self, bytes: usize, to: Destination) -> Result<OwnedSemaphorePermit, ApiError> {
        let pieces = bytes.saturating_mul(to.copies()).div_ceil(PIECE);
        let pieces = u32::try_from(pieces).unwrap_or(u32::MAX).min(self.all);
        let room = self.pieces.clone().acquire_many_owned(pieces);
        match timeout(self.times.room, room).await {
            Ok(Ok(room)) => Ok(room),
            Ok(Err(_)) | Err(_) => Err(to.busy(
                "the bodies that are being read already fill --body-bytes; send fewer at once, or start the sandbox with more",
            )),
        }
    }
}

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// Too large (at once where the head tells), too slow, no room, or the client is gone.
pub(super) async fn read<B>(
    room: &Room,
    to: Destination,
    max: usize,
    body: &mut B,
) -> Result<Read, ApiError>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: std::fmt::Display,
{
    let announced = body.size_hint().exact();
    if let Some(size) = announced.filter(|size| *size > max as u64) {
        return Err(to.too_large(Some(size), max));
    }
    let mut held = Vec::new();
    // What was announced is waited for before it is read: nobody sits on half of the room.
    let expected = announced.and_then(|size| usize::try_from(size).ok());
    let mut covered = SMALL;
    if let Some(size) = expected.filter(|size| *size > SMALL) {
        held.push(room.take(size, to).await?);
        covered = size;
    }
    let Times { stalled, whole, .. } = room.times;
    let deadline = Instant::now() + whole;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let until = (Instant::now() + stalled).min(deadline);
        let Ok(frame) = timeout_at(until, body.frame()).await else {
            let waited = if until == deadline { whole } else { stalled };
            return Err(to.too_slow(waited));
        };
        let frame = match frame {
            None => break,
            Some(Ok(frame)) => frame,
            Some(Err(error)) => {
                let message = format!("the request body ended early: {error}");
                return Err(ApiError::bad("IncompleteBody", message));
            }
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        let size = first.len() + rest.len() + data.len();
        if size > max {
            return Err(to.too_large(None, max));
        }
        if size > covered {
            let more = (size - covered).max(SMALL);
            held.push(room.take(more, to).await?);
            covered += more;
        }
        if first.is_empty() && rest.is_empty() {
            // Most bodies come in one piece, which needs no copy.
            first = data;
            continue;
        }
        if rest.is_empty() {
            rest.reserve(expected.unwrap_or(size).max(size));
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    let bytes = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    Ok(Read { bytes, _room: held })
}

/// Reads what still comes of a refused body and keeps nothing: a client that only listens once it has
/// sent everything would otherwise see a reset connection in place of the answer.
pub(super) async fn drain(mut body: Incoming, within: Duration) {
    let mut left = DRAINED;
    let drained = async {
        while let Some(Ok(frame)) = body.frame().await {
            let size = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(size) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    // Whatever is left after that goes with the connection.
    let _ = timeout(within, drained).await;
}
