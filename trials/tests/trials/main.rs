//! The trials. One program, so that the SDK is linked once.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod adopt;
mod awkward;
mod borrowed;
mod clean_run;
mod contested;
mod doctor;
mod fast_path;
mod forged;
mod forgotten;
mod guard;
mod hints;
mod history;
mod hostile_text;
mod incident;
mod matrix;
mod partitions;
mod permissions;
mod plan;
mod reluctant;
mod replayed;
mod schedules;
mod sunset;
mod sweep;
mod under_way;
