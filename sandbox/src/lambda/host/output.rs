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

/// What is kept of one invocation's output, in bytes. AWS keeps all; here it would stay in memory.
pub(super) const MAX_PRINTED: usize = 16 * 1024 * 1024;

/// What is read before it is written to the log, in bytes: all that a pipe holds unless the function
/// has enlarged it.
const MAX_READ: usize = 64 * 1024;

/// How often that is done for what was printed before an answer: as much as a pipe can hold at most.
const MAX_READS: usize = 16;

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
    printed: Mutex<Printed>,
}

#[derive(Debug, Default)]
struct Printed {
    /// The beginning of a line whose end has not come yet.
    begun: Vec<u8>,
    /// Bytes of this invocation that were kept.
    kept: usize,
    /// Bytes of this invocation that were not.
    cut: usize,
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
            printed: Mutex::default(),
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
        for _ in 0..MAX_READS {
            match self.pipe.take(|buffer| (&self.pipe.direct).read(buffer)) {
                Ok(More::Now) => {}
                Ok(More::Later | More::Never) => break,
                Err(error) => {
                    tracing::warn!(%error, "what a function printed cannot be read");
                    break;
                }
            }
        }
        self.pipe.end_line();
    }

    /// What is printed from now on belongs to the next invocation.
    pub(super) fn begin(&self) {
        self.pipe.begin();
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

/// Whether there may be more to read.
#[derive(Debug, PartialEq, Eq)]
enum More {
    Now,
    Later,
    Never,
}

async fn read_all(pipe: Arc<Pipe>) {
    loop {
        let more = match pipe.receiver.readable().await {
            Ok(()) => pipe.take(|buffer| pipe.receiver.try_read(buffer)),
            Err(error) => Err(error),
        };
        match more {
            // Others have their turn, however quickly a function prints.
            Ok(More::Now) => tokio::task::yield_now().await,
            Ok(More::Later) => {}
            Ok(More::Never) => {
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
    /// Reads what is there, but not for ever.
    fn take(&self, read: impl Fn(&mut [u8]) -> io::Result<usize>) -> io::Result<More> {
        let mut printed = self.printed();
        let mut buffer = [0; 16 * 1024];
        let mut lines = Vec::new();
        let mut taken = 0;
        let more = loop {
            match read(&mut buffer) {
                Ok(0) => break Ok(More::Never),
                Ok(length) => {
                    printed.add(&buffer[..length], &mut lines);
                    taken += length;
                    if taken >= MAX_READ {
                        break Ok(More::Now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(More::Later),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        // Still under the lock, so that two readers cannot swap lines.
        self.journal.write(lines);
        more
    }

    fn begin(&self) {
        let mut printed = self.printed();
        (printed.kept, printed.cut) = (0, 0);
    }

    fn printed(&self) -> std::sync::MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a line without end as it is, and says what was not kept.
    fn end_line(&self) {
        let mut printed = self.printed();
        let mut lines = Vec::new();
        if !printed.begun.is_empty() {
            let line = String::from_utf8_lossy(&std::mem::take(&mut printed.begun)).into_owned();
            lines.push(line);
        }
        let cut = std::mem::take(&mut printed.cut);
        if cut > 0 {
            lines.push(format!(
                "[driftlab-sandbox] {cut} bytes more were printed and are not kept: the sandbox keeps {MAX_PRINTED} bytes of an invocation"
            ));
        }
        self.journal.write(lines);
    }
}

impl Printed {
    fn add(&mut self, bytes: &[u8], lines: &mut Vec<String>) {
        let room = MAX_PRINTED.saturating_sub(self.kept).min(bytes.len());
        self.kept += room;
        self.cut += bytes.len() - room;
        split(&mut self.begun, &bytes[..room], lines);
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
