//! Ctrl-C: a command that holds something gives it back before it ends.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::watch;

use crate::error::{Error, Kind, Result};

/// Whether the user wants to stop, and whether somebody has to wind something down first.
#[derive(Debug, Clone)]
pub struct Interrupt {
    asked: Arc<watch::Sender<bool>>,
    holds: Arc<AtomicUsize>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self {
            asked: Arc::new(watch::Sender::new(false)),
            holds: Arc::default(),
        }
    }
}

/// Something is held that has to be given back; until dropped.
#[derive(Debug)]
pub struct Hold(Arc<AtomicUsize>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Interrupt {
    /// Says that the user wants to stop. `true` when the command will end by itself soon, as it holds something.
    pub fn ask(&self) -> bool {
        self.asked.send_replace(true);
        self.holds.load(Ordering::SeqCst) > 0
    }

    /// From now on something is held: an interruption ends what runs [`over`](Self::over) this, and nothing else.
    pub fn hold(&self) -> Hold {
        self.holds.fetch_add(1, Ordering::SeqCst);
        Hold(self.holds.clone())
    }

    /// Does some work until it is done or the user wants to stop.
    ///
    /// # Errors
    /// [`Kind::Interrupted`], or that of the work.
    pub async fn over<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let mut asked = self.asked.subscribe();
        tokio::select! {
            biased;
            // The sender lives as long as this.
            _ = asked.wait_for(|asked| *asked) => Err(interrupted()),
            done = work => done,
        }
    }
}

/// The failure of a command that was interrupted.
pub fn interrupted() -> Error {
    Error::new(Kind::Interrupted, "interrupted")
        .hint("run the same command again: it goes on from where it stopped")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    #[tokio::test]
    async fn work_ends_when_asked_and_what_is_held_is_known() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.over(async { Ok(1) }).await.unwrap(), 1);
        let hold = interrupt.hold();
        let stuck = interrupt.over(std::future::pending::<Result<()>>());
        let (ended, held) = tokio::join!(stuck, async { interrupt.ask() });
        assert_eq!(ended.unwrap_err().kind(), Kind::Interrupted);
        assert!(held);
        // What is begun after that does not begin.
        let late = interrupt.over(async { Ok(2) }).await;
        assert_eq!(late.unwrap_err().kind(), Kind::Interrupted);
        drop(hold);
        assert!(!interrupt.ask());
    }
}
