//! The log on standard error, which may fail without harm: a full disk, a closed terminal.
//!
//! `tracing-subscriber` answers a failed write with `eprintln!`, which panics where standard error
//! cannot be written, and so would end the request that had something to tell.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing_subscriber::fmt::MakeWriter;

/// Writes the log, and counts what could not be written. Copies count together.
#[derive(Debug, Clone, Default)]
pub struct Narration {
    lost: Arc<AtomicU64>,
}

/// Writes one line to `to`; never fails.
#[derive(Debug)]
pub struct Line<W> {
    to: W,
    lost: Arc<AtomicU64>,
}

impl Narration {
    /// How many lines could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// A line that goes to `to`.
    fn line<W>(&self, to: W) -> Line<W> {
        Line {
            to,
            lost: self.lost.clone(),
        }
    }
}

impl<'a> MakeWriter<'a> for Narration {
    type Writer = Line<io::Stderr>;

    fn make_writer(&'a self) -> Self::Writer {
        self.line(io::stderr())
    }
}

impl<W: Write> Write for Line<W> {
    /// Takes all of `text`, whatever becomes of it.
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if self.to.write_all(text).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Standard error is not buffered.
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::StorageFull.into())
        }
    }

    #[test]
    fn line_when_disk_is_full_is_counted_and_no_error() {
        let narration = Narration::default();
        let mut line = narration.clone().line(Full);
        line.write_all(b"a mail could not be written\n").unwrap();
        line.flush().unwrap();
        assert_eq!(narration.lost(), 1);
        let mut line = narration.line(Vec::new());
        line.write_all(b"told\n").unwrap();
        assert_eq!((&line.to[..], narration.lost()), (&b"told\n"[..], 1));
    }
}
