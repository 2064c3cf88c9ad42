//! The function's package: a zip that holds an executable `bootstrap`.

use std::fmt;
use std::io::{Cursor, Read};
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::hex;
use crate::error::{Error, Result};
use crate::files::{self, Unreadable};

/// The processor that the function runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Architecture {
    /// AWS Graviton; the cheaper one.
    #[value(name = "arm64")]
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64", alias = "x86-64")]
    X86_64,
}

impl Architecture {
    /// As Lambda and the template write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A package that was read and checked.
#[derive(Clone)]
pub struct Package {
    /// The processor it was built for.
    pub architecture: Architecture,
    bytes: Arc<[u8]>,
    digest: [u8; 32],
}

impl fmt::Debug for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Package")
            .field("architecture", &self.architecture)
            .field("size", &self.bytes.len())
            .field("sha256", &self.sha256_hex())
            .finish()
    }
}

/// The most that Lambda unpacks, layers included: `AccountLimit.CodeSizeUnzipped`, 250 MB. The 50 MB of `CodeSizeZipped` hold for
/// packages in the request itself; this one goes through S3, so that what is packed is bounded by what may be unpacked.
const LARGEST: u64 = 262_144_000;

impl Package {
    /// Reads a package and checks that Lambda could run it. `asked` has to agree with what the binary was built for.
    ///
    /// # Errors
    /// [`crate::error::Kind::Input`].
    pub fn read(path: &Path, asked: Option<Architecture>) -> Result<Self> {
        let shown = path.display();
        let bytes = files::bytes(path, LARGEST).map_err(|e| {
            let hint = match e {
                Unreadable::TooLong(_) => {
                    "leave out what the function does not need: Lambda unpacks no more than that"
                }
                Unreadable::Io(_) | Unreadable::NotAFile(_) | Unreadable::NotText => {
                    "build the package first, and give its path with `--package`"
                }
            };
            Error::input(format!("cannot read the function package `{shown}`"))
                .caused_by(e)
                .hint(hint)
        })?;
        let built_for = architecture_of(&bytes).map_err(|e| {
            Error::input(format!("the function package `{shown}` cannot be run")).caused_by(e)
        })?;
        let architecture = match (built_for, asked) {
            (Some(built), Some(asked)) if built != asked => {
                return Err(Error::input(format!(
                    "the function package `{shown}` is built for {built}, not for {asked}"
                )));
            }
            (Some(architecture), _) | (None, Some(architecture)) => architecture,
            // A script runs anywhere; take what the template has as its default.
            (None, None) => Architecture::Arm64,
        };
        Ok(Self::new(bytes, architecture))
    }

    fn new(bytes: Vec<u8>, architecture: Architecture) -> Self {
        Self {
            architecture,
            digest: Sha256::digest(&bytes).into(),
            bytes: bytes.into(),
        }
    }

    #[cfg(test)]
    pub(crate) fn for_tests(bytes: &[u8], architecture: Architecture) -> Self {
        Self::new(bytes.to_vec(), architecture)
    }

    /// The zip.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Under which key it lies in the code bucket: the content decides, so the same package is never sent twice and
    /// another one is always noticed by CloudFormation.
    pub fn key(&self) -> String {
        format!("{}.zip", self.sha256_hex())
    }

    /// SHA-256 of the zip in hexadecimal digits.
    pub fn sha256_hex(&self) -> String {
        hex(&self.digest)
    }

    /// SHA-256 of the zip as Lambda writes it: base64.
    pub fn sha256_base64(&self) -> String {
        STANDARD.encode(self.digest)
    }
}

/// Why a package cannot be run.
#[derive(Debug, thiserror::Error)]
enum Unfit {
    #[error("it is not a zip archive: {0}")]
    NotZip(String),
    #[error("it holds {0} bytes when unpacked, Lambda takes {LARGEST}")]
    TooLarge(u128),
    #[error("it holds no file `bootstrap` at its top")]
    NoBootstrap,
    #[error("its `bootstrap` is not executable (mode {0:o})")]
    NotExecutable(u32),
    #[error(
        "its `bootstrap` is a program for a processor that Lambda does not have (ELF machine {0})"
    )]
    OtherMachine(u16),
    #[error("its `bootstrap` is neither a Linux program nor a script")]
    NotProgram,
}

/// The processor that `bootstrap` was built for; `None` for a script.
fn architecture_of(zip: &[u8]) -> Result<Option<Architecture>, Unfit> {
    let mut archive =
        ZipArchive::new(Cursor::new(zip)).map_err(|e| Unfit::NotZip(e.to_string()))?;
    let unpacked = unpacked(&mut archive)?;
    if unpacked > u128::from(LARGEST) {
        return Err(Unfit::TooLarge(unpacked));
    }
    let mut file = archive
        .by_name("bootstrap")
        .map_err(|_| Unfit::NoBootstrap)?;
    // An archive without modes (made on Windows) gives Lambda no execute bit either.
    let mode = file.unix_mode().unwrap_or(0);
    if mode & 0o111 == 0 {
        return Err(Unfit::NotExecutable(mode & 0o7777));
    }
    let mut head = [0; 20];
    let read = read_up_to(&mut file, &mut head).map_err(|e| Unfit::NotZip(e.to_string()))?;
    match &head[..read] {
        [0x7f, b'E', b'L', b'F', ..] if read == head.len() => {
            match u16::from_le_bytes([head[18], head[19]]) {
                0x3e => Ok(Some(Architecture::X86_64)),
                0xb7 => Ok(Some(Architecture::Arm64)),
                other => Err(Unfit::OtherMachine(other)),
            }
        }
        [b'#', b'!', ..] => Ok(None),
        _ => Err(Unfit::NotProgram),
    }
}

/// How many bytes the archive says that it holds; nothing is unpacked for that.
fn unpacked(archive: &mut ZipArchive<Cursor<&[u8]>>) -> Result<u128, Unfit> {
    (0..archive.len()).try_fold(0, |sum, index| {
        let file = archive
            .by_index_raw(index)
            .map_err(|e| Unfit::NotZip(e.to_string()))?;
        Ok(sum + u128::from(file.size()))
    })
}

fn read_up_to(from: &mut impl Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match from.read(&mut into[read..])? {
            0 => break,
            n => read += n,
        }
    }
    Ok(read)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::output::failure;
    use std::io::Write;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    fn zip_of(name: &str, mode: u32, content: &[u8]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file(name, SimpleFileOptions::default().unix_permissions(mode))
            .unwrap();
        writer.write_all(content).unwrap();
        writer.finish().unwrap().into_inner()
    }

    fn elf(machine: u16) -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
        bytes.resize(18, 0);
        bytes.extend(machine.to_le_bytes());
        bytes.extend([0; 44]);
        bytes
    }

    fn check(zip: &[u8], expect: &str) {
        let shown = match architecture_of(zip) {
            Ok(Some(architecture)) => architecture.to_string(),
            Ok(None) => "script".to_owned(),
            Err(unfit) => unfit.to_string(),
        };
        assert!(shown.starts_with(expect), "{shown}");
    }

    #[test]
    fn the_program_tells_its_processor() {
        check(&zip_of("bootstrap", 0o755, &elf(0x3e)), "x86_64");
        check(&zip_of("bootstrap", 0o755, &elf(0xb7)), "arm64");
        check(&zip_of("bootstrap", 0o755, b"#!/bin/sh\n"), "script");
    }

    #[test]
    fn what_lambda_could_not_run_is_refused() {
        check(b"PK not really", "it is not a zip archive");
        check(
            &zip_of("main", 0o755, &elf(0x3e)),
            "it holds no file `bootstrap`",
        );
        check(
            &zip_of("bootstrap", 0o644, &elf(0x3e)),
            "its `bootstrap` is not executable (mode 644)",
        );
        check(
            &zip_of("bootstrap", 0o755, &elf(8)),
            "its `bootstrap` is a program for a processor",
        );
        check(
            &zip_of("bootstrap", 0o755, b"MZ"),
            "its `bootstrap` is neither",
        );
        check(
            &zip_of("bootstrap", 0o755, b""),
            "its `bootstrap` is neither",
        );
    }

    /// An archive whose directory says that its first entry has so many bytes (APPNOTE 6.3.10, 4.3.12: the uncompressed size
    /// stands 24 bytes after the signature of the central header).
    fn saying(size: u32) -> Vec<u8> {
        let mut zip = zip_of("bootstrap", 0o755, &elf(0x3e));
        let header = zip
            .windows(4)
            .position(|four| four == b"PK\x01\x02")
            .unwrap();
        zip[header + 24..header + 28].copy_from_slice(&size.to_le_bytes());
        zip
    }

    #[test]
    fn a_package_is_bounded_by_what_lambda_unpacks() {
        let most = u32::try_from(LARGEST).unwrap();
        check(&saying(most), "x86_64");
        check(&saying(most + 1), "it holds 262144001 bytes when unpacked");
    }

    #[test]
    fn a_package_that_is_too_long_is_not_read() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // A hole: it has a length and takes no room.
        file.as_file().set_len(LARGEST + 1).unwrap();
        let error = Package::read(file.path(), None).unwrap_err();
        assert!(
            failure(&error).contains("more than 262144000 bytes"),
            "{}",
            failure(&error)
        );
        let device = Package::read(Path::new("/dev/zero"), None).unwrap_err();
        assert!(
            failure(&device).contains("a device and no file"),
            "{}",
            failure(&device)
        );
    }

    #[test]
    fn hash_and_key_are_those_of_the_zip() {
        let package = Package::for_tests(b"abc", Architecture::Arm64);
        assert_eq!(
            package.key(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad.zip"
        );
        assert_eq!(
            package.sha256_base64(),
            "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
        );
    }

    #[test]
    fn file_and_flag_have_to_agree() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), zip_of("bootstrap", 0o755, &elf(0x3e))).unwrap();
        assert_eq!(
            Package::read(file.path(), None).unwrap().architecture,
            Architecture::X86_64
        );
        let error = Package::read(file.path(), Some(Architecture::Arm64)).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("is built for x86_64, not for arm64"),
            "{error}"
        );
        assert!(Package::read(Path::new("/nonexistent.zip"), None).is_err());
    }
}
