//! The trials. One program, so that the SDK is linked once.

mod adopt;
mod clean_run;
mod doctor;
mod guard;
mod plan;
