//! How far many trials are, told while they are held.

use std::time::Instant;

/// So many trials are between two lines: less than a minute on two cores.
const EVERY: usize = 100;

/// Counts trials and tells of them. Whoever ends a run before its end has its last line left, which says how far it came.
pub(super) struct Tally<'a, T> {
    what: &'a str,
    cases: usize,
    began: Instant,
    done: usize,
    failed: Vec<(usize, String)>,
    tell: T,
}

impl<'a, T: Fn(&str)> Tally<'a, T> {
    /// Begins to count so many trials of something.
    pub(super) fn new(what: &'a str, cases: usize, tell: T) -> Self {
        Self {
            what,
            cases,
            began: Instant::now(),
            done: 0,
            failed: Vec::new(),
            tell,
        }
    }

    /// A trial was held and all was well.
    pub(super) fn good(&mut self) {
        self.done += 1;
        self.go_on();
    }

    /// A trial failed, the one with this number and name, with these words. They are told at once, and once.
    pub(super) fn bad(&mut self, number: usize, name: String, words: &str) {
        self.done += 1;
        let failed = format!("{}: {name} failed", self.what);
        self.failed.push((number, name));
        (self.tell)(&format!("{failed}; {}\n{words}", self.so_far()));
        self.go_on();
    }

    fn go_on(&self) {
        // The end has a line of its own.
        if self.done.is_multiple_of(EVERY) && self.done < self.cases {
            (self.tell)(&format!("{}: {}", self.what, self.so_far()));
        }
    }

    /// Tells the end; answers with the names of the trials that failed, in the order of the cases.
    pub(super) fn end(mut self) -> Vec<String> {
        (self.tell)(&format!("{}: {}", self.what, self.so_far()));
        self.failed.sort();
        self.failed.into_iter().map(|(_, name)| name).collect()
    }

    fn so_far(&self) -> String {
        format!(
            "{} of {} held, {} failed, {:.0?}",
            self.done,
            self.cases,
            self.failed.len(),
            self.began.elapsed()
        )
    }
}
