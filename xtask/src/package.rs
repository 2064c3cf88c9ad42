//! The function's deployment package: a zip whose bytes depend on the binary alone.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use sha2::{Digest, Sha256};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

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
pub(crate) fn write(binary: &Path, path: &Path, architecture: &str) -> Result<Package> {
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
pub(crate) fn describe(path: &Path, architecture: &str) -> Result<Package> {
    let zip =
        fs::read(path).with_context(|| format!("cannot read the package `{}`", path.display()))?;
    Ok(Package {
        path: path.to_path_buf(),
        architecture: architecture.to_owned(),
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
        let first = write(&binary, &dir.join("first.zip"), "x86_64").unwrap();
        fs::remove_file(&binary).unwrap();
        fs::write(&binary, b"#!/bin/sh\n").unwrap();
        let second = write(&binary, &dir.join("second.zip"), "x86_64").unwrap();
        fs::write(&binary, b"#!/bin/sh\necho other\n").unwrap();
        let other = write(&binary, &dir.join("other.zip"), "x86_64").unwrap();
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
}
