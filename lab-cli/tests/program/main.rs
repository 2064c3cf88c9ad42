//! The program itself, as a person runs it. One test program, so that the SDK is linked once.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod bad_input;
mod credentials;
mod precedence;
mod sts;
mod support;
