//! The published policies are enough, and nothing in them is superfluous.

mod operator;
mod roles;
mod story;
