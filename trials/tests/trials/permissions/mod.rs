//! The published policies are enough, and nothing in them is superfluous.

mod boundary;
mod boundary_rights;
mod cfn_role;
mod doctor;
mod function_role;
mod operator;
mod plan;
mod recorder_role;
mod roles;
mod story;
