//! The trials. One program, so that the SDK is linked once.

mod clean_run;
