//! Unpacked code: a directory that is filled once and removed with its last user.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Cursor, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use tokio::sync::OnceCell;

use super::super::code::MAX_UNZIPPED;
use super::super::function::Architecture;
use super::home;

/// A package on disk.
#[derive(Debug)]
pub(super) struct Unpacked {
    path: PathBuf,
    filled: OnceCell<()>,
}

impl Unpacked {
    /// A package that will be at `path`.
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            filled: OnceCell::new(),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Unpacks `zip`, unless that has been done.
    pub(super) async fn fill(&self, zip: &Bytes) -> io::Result<()> {
        let unpack = || async {
            let (zip, path) = (zip.clone(), self.path.clone());
            tokio::task::spawn_blocking(move || {
                // What a failed attempt left would be in the way.
                home::remove(&path);
                unpack(&zip, &path)
            })
            .await
            .map_err(io::Error::other)?
        };
        self.filled.get_or_try_init(unpack).await?;
        Ok(())
    }
}

impl Drop for Unpacked {
    fn drop(&mut self) {
        home::remove(&self.path);
    }
}

fn unpack(zip: &Bytes, into: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip))?;
    home::private_directory(into)?;
    // The sizes in the zip were checked when it came in; they may lie.
    let mut left = MAX_UNZIPPED;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index)?;
        let shown = String::from_utf8_lossy(entry.name_raw()).into_owned();
        let Some(name) = entry.enclosed_name() else {
            return Err(io::Error::other(format!(
                "`{shown}` in the package leaves its directory"
            )));
        };
        let path = into.join(name);
        if entry.is_dir() {
            fs::create_dir_all(&path)?;
            continue;
        }
        if entry.is_symlink() {
            return Err(io::Error::other(format!(
                "`{shown}` in the package is a symbolic link, which the sandbox does not unpack"
            )));
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        // Packages made elsewhere than on Unix say nothing about modes: not executable, as on AWS.
        // And nobody writes to them any more.
        let mode = entry.unix_mode().map_or(0o644, |mode| mode & 0o777 | 0o400) & !0o222;
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        let written = io::copy(&mut entry.by_ref().take(left + 1), &mut file)?;
        left = left.checked_sub(written).ok_or_else(|| {
            io::Error::other(format!(
                "the package unpacks to more than {MAX_UNZIPPED} bytes"
            ))
        })?;
        drop(file);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Why a package cannot be started, in the words after `RequestId: … Error: `.
pub(super) fn check_entrypoint(root: &Path, declared: Architecture) -> Result<PathBuf, String> {
    let path = root.join("bootstrap");
    let Ok(metadata) = fs::metadata(&path) else {
        return Err(
            "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".to_owned(),
        );
    };
    let refused = |why: &str| Err(format!("fork/exec /var/task/bootstrap: {why}"));
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return refused("permission denied (the package must mark it as executable)");
    }
    let mut head = [0; 20];
    let read = File::open(&path).and_then(|mut file| file.read(&mut head));
    let head = match read {
        Ok(length) => &head[..length],
        Err(error) => return refused(&error.to_string()),
    };
    if head.starts_with(b"#!") {
        return Ok(path);
    }
    let Some(machine) = elf_machine(head) else {
        return refused("exec format error (neither a Linux executable nor a script)");
    };
    let Some(built_for) = architecture(machine) else {
        return refused(
            "exec format error (an executable for a machine that Lambda does not have)",
        );
    };
    if built_for != declared {
        return refused(&format!(
            "exec format error (the executable is for {}, the function for {})",
            built_for.name(),
            declared.name()
        ));
    }
    match this_machine() {
        Some(here) if here != built_for => refused(&format!(
            "exec format error (the executable is for {}, this machine runs {}; build the package for this machine)",
            built_for.name(),
            here.name()
        )),
        _ => Ok(path),
    }
}

/// `e_machine` of an ELF header.
fn elf_machine(head: &[u8]) -> Option<u16> {
    if !head.starts_with(b"\x7fELF") {
        return None;
    }
    let bytes: [u8; 2] = head.get(18..20)?.try_into().ok()?;
    let little_endian = *head.get(5)? == 1;
    Some(if little_endian {
        u16::from_le_bytes(bytes)
    } else {
        u16::from_be_bytes(bytes)
    })
}

/// From the ELF specification's table of machines.
fn architecture(machine: u16) -> Option<Architecture> {
    match machine {
        62 => Some(Architecture::X86),
        183 => Some(Architecture::Arm),
        _ => None,
    }
}

fn this_machine() -> Option<Architecture> {
    match std::env::consts::ARCH {
        "x86_64" => Some(Architecture::X86),
        "aarch64" => Some(Architecture::Arm),
        _ => None,
    }
}
