//! One file per command; the five that hand over to `driftlab` are one command with five names.

pub(crate) mod bench;
pub(crate) mod build_lambda;
pub(crate) mod ci;
pub(crate) mod demo;
pub(crate) mod lab;
pub(crate) mod policies;
pub(crate) mod sandbox;
pub(crate) mod storm;
pub(crate) mod test;
