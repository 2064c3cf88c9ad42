//! Drives the lab at an AWS endpoint: makes it, attacks it, watches it heal, and removes it.
//!
//! Data flows one way: [`spec`] (what the lab should be) and [`state`] (what is there) → [`plan`] (a pure comparison) →
//! [`apply`] → [`verify`] (a pure judgement of collected evidence) → [`teardown`] and [`audit`]. Only [`aws`] knows the
//! SDK's types, only [`output`] writes to the terminal, and every failure is an [`error::Error`] whose kind is an exit code.

pub mod apply;
pub mod audit;
pub mod aws;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod consent;
pub mod doctor;
pub mod error;
pub mod files;
pub mod guard;
pub mod interrupt;
pub mod journal;
pub mod output;
pub mod permissions;
pub mod plan;
pub mod spec;
pub mod state;
pub mod sunset;
pub mod teardown;
pub mod verify;
pub mod wait;
pub mod watch;
