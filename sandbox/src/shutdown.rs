//! Ending a process whose threads may all be busy.
//!
//! Signals, standard input and the end itself are waited for on a runtime of their own, driven by the thread that calls
//! [`until_told`]. The runtime that does the work has as many threads as there are processors; if each of them is in the
//! middle of something, nothing that waits on that runtime hears of a signal.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// How long the work may take to clean up. With it the process ends within two seconds of a signal. What is left then (the
/// processes of functions) is ended by the reaper.
const LAST_WORK: Duration = Duration::from_millis(1500);

/// Runs `work` on `workers` until it ends, SIGINT or SIGTERM arrives, or (with `stdin`) standard input is closed; then
/// `last`, for at most 1.5 s. `ready` is called as soon as signals are heard.
///
/// # Errors
/// Where signals cannot be received, and what `ready` returns.
pub fn until_told(
    workers: Runtime,
    work: impl Future<Output = ()> + Send + 'static,
    stdin: bool,
    ready: impl FnOnce() -> io::Result<()>,
    last: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let watch = Builder::new_current_thread().enable_all().build()?;
    let told = watch.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        ready()?;
        tokio::select! {
            _ = workers.spawn(work) => {}
            () = end_of_stdin(), if stdin => {}
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // On a thread of its own: it may have to wait for a lock that somebody busy holds.
        let handle = workers.handle().clone();
        let last = tokio::task::spawn_blocking(move || handle.block_on(last));
        if tokio::time::timeout(LAST_WORK, last).await.is_err() {
            tracing::warn!("not everything could be cleaned up in time");
        }
        Ok(())
    });
    // Neither waits for its threads: they end with the process.
    watch.shutdown_background();
    workers.shutdown_background();
    told
}

async fn end_of_stdin() {
    let mut stdin = tokio::io::stdin();
    let mut ignored = [0; 256];
    while matches!(stdin.read(&mut ignored).await, Ok(read) if read > 0) {}
}
