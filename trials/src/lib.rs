//! `driftlab` against the sandbox, both in this process: what happens when calls fail, when somebody is interrupted, and in
//! accounts that already hold things.
//!
//! Every trial has a [`World`] of its own: a sandbox with nobody else in it. [`Lab`] runs the commands there, exactly as the
//! program does, and can be ended in the middle of one. A [`Census`] is everything that an account holds, so that two of
//! them tell whether anything foreign was touched and whether anything was left behind. [`trial::all`] runs many trials side
//! by side.

#![expect(
    clippy::unwrap_used,
    reason = "all of this is test code: it may stop at the first surprise"
)]

pub mod census;
pub mod expected;
pub mod furnish;
pub mod groups;
pub mod honest;
pub mod lab;
pub mod options;
pub mod package;
pub mod trial;
pub mod trouble;
pub mod world;

pub use census::Census;
pub use lab::{Lab, Told};
pub use options::Options;
pub use trouble::{Spot, Trouble};
pub use world::World;

/// The account that trials are held in.
pub const ACCOUNT: &str = "123456789012";

/// The region that trials are held in.
pub const REGION: &str = "us-east-1";

/// The name of the lab's stack.
pub const STACK: &str = "lab-environment";

/// Says something that is worth reading when all went well, too: not through the macros, whose output tests keep.
pub fn tell(line: &str) {
    use std::io::Write;
    // Nobody reads it when that fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}
