//! Computing beside the threads that serve.
//!
//! A runtime has as many of these threads as there are processors, and one of them also waits for the network on behalf of
//! all. While that one computes, no request is read, not even by a thread that has nothing to do.

use tokio::runtime::{Handle, RuntimeFlavor};

/// Runs what may take more than a moment; another thread goes on in the place of this one. Costs some microseconds.
pub(crate) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        // A runtime of one thread, as most tests have, has no other.
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        Ok(_) | Err(_) => work(),
    }
}

#[cfg(test)]
mod tests {
    use super::aside;
    use std::sync::mpsc;
    use std::time::Duration;

    /// Long enough for any machine; only a failing test waits that long.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// With one thread, the second task can only run while the first one waits because another thread took over.
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn what_computes_aside_holds_up_nobody() {
        let (begun, wait) = mpsc::channel();
        let busy = tokio::spawn(async move { aside(|| wait.recv_timeout(PATIENCE).is_ok()) });
        let other = tokio::spawn(async move { begun.send(()).is_ok() });
        assert!(other.await.expect("it runs"));
        assert!(busy.await.expect("it ends"));
    }
}
