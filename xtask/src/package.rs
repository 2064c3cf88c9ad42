//! The function's deployment package: a zip whose bytes depend on the binary alone.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::architecture::Architecture;
use crate::failure::{Exit, Failure};

/// What `build-lambda` reports.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Package {
    pub(crate) path: std::path::PathBuf,
    /// As AWS names it: `x86_64` or `arm64`.
    pub(crate) architecture: String,
    /// Base64 of the SHA-256 of the zip: what AWS Lambda calls `CodeSha256`.
    pub(crate) code_sha256: String,
    /// The size of the zip.
    pub(crate) bytes: u64,
    /// The newest glibc symbol version that the binary asks for, such as `2.34`; absent where it asks for none.
    pub(crate) glibc: Option<String>,
}

/// Amazon Linux 2023, which `provided.al2023` runs on, has this glibc. Source: its release notes; read back from the
/// binaries of the image.
pub(crate) const GLIBC_OF_AL2023: (u32, u32) = (2, 34);

/// Writes `binary` as the executable `bootstrap` into a zip at `path`.
///
/// The timestamp, the mode and the order are fixed, so one binary always gives one hash.
pub(crate) fn write(binary: &Path, path: &Path, architecture: Architecture) -> Result<Package> {
    let mut contents = Vec::new();
    File::open(binary)
        .and_then(|mut file| file.read_to_end(&mut contents))
        .with_context(|| format!("cannot read the function's binary `{}`", binary.display()))?;

    // Written aside and renamed: a package that exists is complete.
    let partial = path.with_extension("zip.partial");
    let file =
        File::create(&partial).with_context(|| format!("cannot write `{}`", partial.display()))?;
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(9))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(file);
    zip.start_file("bootstrap", options)
        .context("cannot begin the package")?;
    zip.write_all(&contents)
        .context("cannot write the package")?;
    zip.finish().context("cannot finish the package")?;
    fs::rename(&partial, path)
        .with_context(|| format!("cannot move the package to `{}`", path.display()))?;

    let mut package = describe(path, architecture)?;
    package.glibc = newest_glibc(&contents).map(|(major, minor)| format!("{major}.{minor}"));
    Ok(package)
}

/// Describes a package that exists.
pub(crate) fn describe(path: &Path, architecture: Architecture) -> Result<Package> {
    let zip =
        fs::read(path).with_context(|| format!("cannot read the package `{}`", path.display()))?;
    Ok(Package {
        path: path.to_path_buf(),
        architecture: architecture.name().to_owned(),
        code_sha256: STANDARD.encode(Sha256::digest(&zip)),
        bytes: zip.len() as u64,
        glibc: None,
    })
}

/// The newest `GLIBC_x.y` that is named in an executable.
///
/// The names stand in the dynamic string table, which stripping keeps; reading them there needs no ELF parser. A string
/// of the program that happens to look like one can only make the check stricter.
fn newest_glibc(binary: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"GLIBC_";
    binary
        .windows(PREFIX.len())
        .enumerate()
        .filter(|(_, window)| *window == PREFIX)
        .filter_map(|(at, _)| {
            let version: String = binary[at + PREFIX.len()..]
                .iter()
                .take(8)
                .map(|byte| char::from(*byte))
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let mut parts = version.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        })
        .max()
}

/// Whether the function could start on AWS.
pub(crate) fn runs_on_al2023(package: &Package) -> bool {
    package.glibc.as_deref().is_none_or(|glibc| {
        let mut parts = glibc.split('.').filter_map(|part| part.parse().ok());
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) <= GLIBC_OF_AL2023
    })
}

/// Refuses a package that would not start on AWS.
///
/// # Errors
/// The glibc that it asks for.
pub(crate) fn check_glibc(package: &Package) -> Result<(), Failure> {
    if runs_on_al2023(package) {
        return Ok(());
    }
    let (major, minor) = GLIBC_OF_AL2023;
    Err(Failure::new(
        Exit::Failed,
        format!(
            "`{}` asks for glibc {}, but `provided.al2023` has {major}.{minor}: the function would not start",
            package.path.display(),
            package.glibc.as_deref().unwrap_or("of an unknown version"),
        ),
    )
    .hint("run `pip install cargo-zigbuild`, which links against the older glibc, then the same command again"))
}

/// A package is no larger than this: `docs/performance.md` promises it, and whoever makes the function larger shall notice.
pub(crate) const MOST_BYTES: u64 = 1_500_000;

/// Refuses a package that is larger than is promised. It would run all the same, so only who asks for the package itself
/// is told, and the tests are.
///
/// # Errors
/// Both sizes.
pub(crate) fn check_size(package: &Package) -> Result<(), Failure> {
    if package.bytes <= MOST_BYTES {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Failed,
        format!(
            "`{}` has {} bytes, and {MOST_BYTES} are promised",
            package.path.display(),
            package.bytes,
        ),
    )
    .hint("look for what has grown with `nm --size-sort --demangle` on a build of the function with `strip = false`"))
}

/// Refuses a binary that names a directory of this machine: built elsewhere from the same source it would be another one.
///
/// # Errors
/// The directory.
pub(crate) fn check_reproducible(binary: &Path, directories: &[(PathBuf, String)]) -> Result<()> {
    let contents = fs::read(binary)
        .with_context(|| format!("cannot read the function's binary `{}`", binary.display()))?;
    match named_directory(&contents, directories) {
        None => Ok(()),
        Some(directory) => Err(Failure::new(
            Exit::Failed,
            format!(
                "`{}` names the directory `{}` of this machine, so the same source gives another package elsewhere",
                binary.display(),
                directory.display()
            ),
        )
        .hint("take `--remap-path-prefix` out of your own compiler flags")
        .into()),
    }
}

fn named_directory<'d>(binary: &[u8], directories: &'d [(PathBuf, String)]) -> Option<&'d PathBuf> {
    directories
        .iter()
        .map(|(directory, _)| directory)
        .find(|directory| {
            let name = directory.as_os_str().as_encoded_bytes();
            binary.windows(name.len()).any(|window| window == name)
        })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    #[test]
    fn the_same_binary_gives_the_same_package() {
        let dir = std::env::temp_dir().join(format!("driftlab-package-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        let binary = dir.join("binary");
        fs::write(&binary, b"#!/bin/sh\n").unwrap();
        let host = Architecture::host();
        let first = write(&binary, &dir.join("first.zip"), host).unwrap();
        fs::remove_file(&binary).unwrap();
        fs::write(&binary, b"#!/bin/sh\n").unwrap();
        let second = write(&binary, &dir.join("second.zip"), host).unwrap();
        fs::write(&binary, b"#!/bin/sh\necho other\n").unwrap();
        let other = write(&binary, &dir.join("other.zip"), host).unwrap();
        let mode = zip::ZipArchive::new(File::open(&first.path).unwrap())
            .unwrap()
            .by_name("bootstrap")
            .unwrap()
            .unix_mode();
        fs::remove_dir_all(&dir).unwrap();

        assert_eq!(first.code_sha256, second.code_sha256);
        assert_ne!(first.code_sha256, other.code_sha256);
        assert_eq!(mode.map(|mode| mode & 0o777), Some(0o755));
    }

    #[test]
    fn the_newest_glibc_counts() {
        assert_eq!(
            newest_glibc(b"\0GLIBC_2.2.5\0GLIBC_2.34\0GLIBC_2.4\0GLIBC_PRIVATE\0"),
            Some((2, 34))
        );
        assert_eq!(newest_glibc(b"statically linked"), None);
    }

    #[test]
    fn a_package_for_aws_must_not_be_too_new() {
        let asks_for = |glibc: Option<&str>| {
            check_glibc(&Package {
                path: "bootstrap.zip".into(),
                architecture: "arm64".to_owned(),
                code_sha256: String::new(),
                bytes: 0,
                glibc: glibc.map(str::to_owned),
            })
        };
        for fine in [None, Some("2.17"), Some("2.34")] {
            assert!(asks_for(fine).is_ok(), "{fine:?}");
        }
        for new in ["2.35", "3.0"] {
            let refused = asks_for(Some(new)).unwrap_err();
            assert!(refused.to_string().contains(new), "{refused}");
        }
    }

    #[test]
    fn a_package_must_not_be_larger_than_promised() {
        let of = |bytes| Package {
            path: "bootstrap.zip".into(),
            architecture: "arm64".to_owned(),
            code_sha256: String::new(),
            bytes,
            glibc: None,
        };
        assert!(check_size(&of(1_500_000)).is_ok());
        let refused = check_size(&of(1_500_001)).unwrap_err();
        assert!(refused.to_string().contains("1500001"), "{refused}");
    }

    #[test]
    fn a_binary_that_names_a_directory_of_the_builder_is_found_out() {
        let known = [(PathBuf::from("/home/me/.cargo"), "/cargo".to_owned())];
        assert_eq!(named_directory(b"\0/cargo/registry/x.rs\0", &known), None);
        assert_eq!(
            named_directory(b"\0/home/me/.cargo/registry/x.rs\0", &known),
            Some(&known[0].0)
        );
    }
}
