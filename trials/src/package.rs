//! The function's package.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Names the package itself.
const FILE: &str = "DRIFTLAB_FUNCTION_ZIP";
/// Names the directory in which `cargo xtask test` has put it.
const DIRECTORY: &str = "DRIFTLAB_PREBUILT_DIR";

/// Returns the package: named by hand, or as `cargo xtask test` has built it.
///
/// # Panics
/// When there is none. A trial that is not held must not look like one that was.
pub fn path() -> PathBuf {
    found(|name| env::var_os(name)).unwrap_or_else(|why| panic!("{why}"))
}

fn found(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf, String> {
    let architecture = if env::consts::ARCH == "aarch64" {
        "arm64"
    } else {
        env::consts::ARCH
    };
    let inside = |directory| Path::new(&directory).join(format!("bootstrap-{architecture}.zip"));
    let named = variable(FILE).map(PathBuf::from);
    let remedy = format!("run `cargo xtask test`, or name the function's package with {FILE}");
    match named.or_else(|| variable(DIRECTORY).map(inside)) {
        Some(path) if path.is_file() => Ok(path),
        Some(path) => Err(format!("there is no file `{}`: {remedy}", path.display())),
        None => Err(format!("no trial can be held without a package: {remedy}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &Path)], expect: Result<&Path, &str>) {
        let got = found(|name| {
            let given = variables.iter().find(|(key, _)| *key == name);
            given.map(|(_, value)| value.as_os_str().to_owned())
        });
        match expect {
            Ok(path) => assert_eq!(got.as_deref(), Ok(path)),
            Err(words) => assert!(got.is_err_and(|why| why.contains(words)), "{words}"),
        }
    }

    #[test]
    fn package_that_is_missing_fails_the_trial() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = here.join("Cargo.toml");
        check(&[], Err("cargo xtask test"));
        check(&[(FILE, &file)], Ok(&file));
        check(&[(FILE, &file), (DIRECTORY, here)], Ok(&file));
        check(&[(FILE, &here.join("gone.zip"))], Err("gone.zip"));
        check(&[(DIRECTORY, here)], Err("bootstrap-"));
    }
}
