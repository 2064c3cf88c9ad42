//! A bound on work: so many steps, counted as they are taken.

use std::sync::atomic::{AtomicUsize, Ordering};

/// The steps that one request may take. A step is one comparison, of a value with a value or of a character with a
/// character. Not time: the same input always takes the same number of them.
#[derive(Debug)]
pub(crate) struct Allowance {
    left: AtomicUsize,
}

/// What is left when more was asked for than there was: nothing more is given then.
const EXHAUSTED: usize = usize::MAX;

impl Allowance {
    pub(crate) fn of(steps: usize) -> Self {
        Self {
            left: AtomicUsize::new(steps),
        }
    }

    /// Takes so many steps; `false` when there are not as many left, and from then on always. Whoever gets `false` answers
    /// anything quickly, and the request that asked looks at [`Allowance::is_exhausted`] in the end.
    pub(crate) fn take(&self, steps: usize) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left == EXHAUSTED {
            return false;
        }
        let left = left.checked_sub(steps);
        self.left
            .store(left.unwrap_or(EXHAUSTED), Ordering::Relaxed);
        left.is_some()
    }

    pub(crate) fn is_exhausted(&self) -> bool {
        self.left.load(Ordering::Relaxed) == EXHAUSTED
    }

    /// What is left.
    #[cfg(test)]
    pub(crate) fn left(&self) -> usize {
        self.left.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exhausted_gives_nothing_more() {
        let steps = Allowance::of(3);
        assert!(steps.take(2));
        assert!(steps.take(1));
        assert!(!steps.is_exhausted());
        assert!(!steps.take(1));
        assert!(steps.is_exhausted());
        assert!(!steps.take(0));
    }
}
