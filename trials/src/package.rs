//! The function's package.

use std::env;
use std::path::{Path, PathBuf};

/// The package: named by hand, or as `cargo xtask test` has built it. `None` says on standard error that a test is skipped.
pub fn path() -> Option<PathBuf> {
    let found = env::var_os("DRIFTLAB_FUNCTION_ZIP")
        .map(PathBuf::from)
        .or_else(|| {
            let architecture = if env::consts::ARCH == "aarch64" {
                "arm64"
            } else {
                env::consts::ARCH
            };
            let directory = env::var_os("DRIFTLAB_PREBUILT_DIR")?;
            Some(Path::new(&directory).join(format!("bootstrap-{architecture}.zip")))
        });
    if found.is_none() {
        crate::tell(
            "skipped: neither DRIFTLAB_FUNCTION_ZIP nor DRIFTLAB_PREBUILT_DIR names the function's package",
        );
    }
    found
}
