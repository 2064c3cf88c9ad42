//! The lab from end to end, through the binaries that a user runs.

#![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

mod aws_by_choice;
mod aws_cli;
mod bad_input;
mod broken_function;
mod client;
mod demo;
mod isolation;
mod killed;
mod package;
mod presigned;
mod self_destruct;
mod shared_sandbox;
mod state_file;
mod support;
mod workflows;
