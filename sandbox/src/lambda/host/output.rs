//! What a process prints. Standard output and standard error are one pipe, so that lines keep their
//! order.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::unix::pipe;
use tokio::task::JoinHandle;

use super::journal::Journal;

/// A line longer than this is cut into several events, as CloudWatch Logs cuts them.
const MAX_LINE: usize = 256 * 1024;

/// The reading end of the pipe; read all the time, and at once when [`Output::drain`] asks for it.
#[derive(Debug)]
pub(super) struct Output {
    pipe: Arc<Pipe>,
    reading: JoinHandle<()>,
}

#[derive(Debug)]
struct Pipe {
    /// For waiting: knows when there is something to read.
    receiver: pipe::Receiver,
    /// The same end for reading at once; it does not block either.
    direct: File,
    journal: Arc<Journal>,
    /// The beginning of a line whose end has not come yet.
    begun: Mutex<Vec<u8>>,
}

impl Output {
    /// A pipe for a process that is about to start: our end, and two handles of its end.
    pub(super) fn new(journal: Arc<Journal>) -> io::Result<(Self, Stdio, Stdio)> {
        let (reader, writer) = io::pipe()?;
        let reader = OwnedFd::from(reader);
        let direct = File::from(reader.try_clone()?);
        let pipe = Arc::new(Pipe {
            // Makes the pipe non-blocking, for both handles.
            receiver: pipe::Receiver::from_owned_fd(reader)?,
            direct,
            journal,
            begun: Mutex::default(),
        });
        let reading = tokio::spawn(read_all(pipe.clone()));
        let output = Self { pipe, reading };
        Ok((
            output,
            Stdio::from(writer.try_clone()?),
            Stdio::from(writer),
        ))
    }

    /// Takes everything that was printed before now. The pipe is asked itself: what the reactor
    /// knows about it may be older than the function's answer.
    pub(super) fn drain(&self) {
        if let Err(error) = self.pipe.take(|buffer| (&self.pipe.direct).read(buffer)) {
            tracing::warn!(%error, "what a function printed cannot be read");
        }
        self.pipe.end_line();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read_all(pipe: Arc<Pipe>) {
    loop {
        let more = match pipe.receiver.readable().await {
            Ok(()) => pipe.take(|buffer| pipe.receiver.try_read(buffer)),
            Err(error) => Err(error),
        };
        match more {
            Ok(true) => {}
            Ok(false) => {
                pipe.end_line();
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "what a function prints cannot be read");
                return;
            }
        }
    }
}

impl Pipe {
    /// Reads what is there; whether more may come.
    fn take(&self, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> io::Result<bool> {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let mut buffer = [0; 16 * 1024];
        let mut lines = Vec::new();
        let open = loop {
            match read(&mut buffer) {
                Ok(0) => break Ok(false),
                Ok(length) => split(&mut begun, &buffer[..length], &mut lines),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // Still under the lock, so that two readers cannot swap lines.
        self.journal.write(lines);
        open
    }

    /// Writes a line without end as it is.
    fn end_line(&self) {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        if !begun.is_empty() {
            let line = String::from_utf8_lossy(&std::mem::take(&mut *begun)).into_owned();
            self.journal.write(vec![line]);
        }
    }
}

fn split(begun: &mut Vec<u8>, bytes: &[u8], lines: &mut Vec<String>) {
    for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
        begun.extend_from_slice(piece);
        if piece.ends_with(b"\n") || begun.len() >= MAX_LINE {
            let line = std::mem::take(begun);
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            lines.push(String::from_utf8_lossy(line).into_owned());
        }
    }
}
