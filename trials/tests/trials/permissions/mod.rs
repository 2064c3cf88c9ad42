//! The published policies are enough, and nothing in them is superfluous.

mod boundary;
mod cfn_role;
mod doctor;
mod operator;
mod roles;
mod story;
