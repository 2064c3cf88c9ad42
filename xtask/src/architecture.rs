//! The two processors that AWS Lambda offers.

use std::env;

use clap::ValueEnum;

/// A processor, in AWS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Architecture {
    #[value(name = "arm64")]
    Arm64,
    #[value(name = "x86_64")]
    X86_64,
}

impl Architecture {
    /// What a function on AWS runs on unless somebody chooses: a second of it costs a fifth less.
    pub(crate) const ON_AWS: Self = Self::Arm64;

    /// That of this machine. Lambda has no other kinds, so on one of those the sandbox cannot run the function either.
    pub(crate) fn host() -> Self {
        match env::consts::ARCH {
            "aarch64" => Self::Arm64,
            _ => Self::X86_64,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }

    /// Rust's name for it. Not musl: its allocator and its copying of memory are slower, and the function's own time is
    /// what is paid for.
    pub(crate) fn target(self) -> &'static str {
        match self {
            Self::Arm64 => "aarch64-unknown-linux-gnu",
            Self::X86_64 => "x86_64-unknown-linux-gnu",
        }
    }
}
