//! AWS on this machine, for the lab: one process, loopback only, no Docker, no Python.
//!
//! One request's way: [`server`] (HTTP) → `gateway` (who calls, which service) → [`service`]
//! (protocol in, operation out) → the door, [`sandbox::Sandbox::perform`] ([`faults`], authorisation,
//! effect under the account's lock, [`journal`]) → the service's module → protocol again. What happens later (an item recorded, a
//! function invoked, a stack created) is a task of the [`engine`].

pub mod budgets;
pub mod caller;
pub mod clock;
pub mod engine;
pub mod error;
pub mod faults;
pub mod fields;
pub mod guard;
pub mod ids;
pub mod journal;
pub mod narration;
pub mod protocol;
mod quotas;
pub mod sandbox;
pub mod secret;
pub mod server;
pub mod service;
pub mod shutdown;
pub mod state_file;
pub mod webhooks;

mod admin;
mod allowance;
mod aside;
mod bounded_regex;
mod door;
mod event_ruler;
mod gateway;
mod kms;
mod listing;
mod private_file;
mod signature;
mod tags;
#[cfg(test)]
mod testing;

pub mod cloudformation;
pub mod cloudtrail;
pub mod config;
pub mod ec2;
pub mod events;
pub mod iam;
pub mod lambda;
pub mod logs;
pub mod s3;
pub mod scheduler;
pub mod secretsmanager;
pub mod sns;
pub mod ssm;
pub mod sts;
