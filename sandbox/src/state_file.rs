//! The state file: the secret that restarts of a sandbox keep, readable by its user alone.
//!
//! `DIR/secret.json` holds `secret`, from which everything is derived, and `bearer`, what opens `/_sandbox/`, for
//! tools that have no cryptography. Whoever can read it is the operator of every account, so nothing is taken that
//! another user could have put there, and nothing is written where another could read it.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use rustix::fs::{AtFlags, Mode, OFlags, linkat, open, openat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::ids::hex_id;
use crate::secret::Secret;

/// The name of the file.
const NAME: &str = "secret.json";

/// More than any state file has.
const MAX_SIZE: u64 = 4 * 1024;

/// What is wrong with the state file, or with the directory that it is in.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Neither `XDG_STATE_HOME` nor `HOME` says where state belongs.
    #[error("there is no place for the state file: set HOME, or give `--state-dir DIR`")]
    NoPlace,
    /// The operating system says no.
    #[error("cannot {what} `{}`: {error}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A link may lead anywhere.
    #[error("`{}` is a link, or no {kind}; name a {kind} itself with `--state-dir DIR`", path.display())]
    Kind {
        /// `directory` or `file`.
        kind: &'static str,
        /// What was found.
        path: PathBuf,
    },
    /// Its owner would be the operator of every account.
    #[error("`{}` belongs to another user (id {owner}); give `--state-dir DIR` a directory of your own", path.display())]
    Owner {
        /// What was found.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// Others may have read or changed it.
    #[error("`{}` is open to other users (mode {mode:03o}); {hint}", path.display())]
    Mode {
        /// What was found.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What to do.
        hint: String,
    },
    /// It is none that a sandbox wrote.
    #[error("the state file `{}` makes no sense; delete it for a new secret: the keys of the old one end with it", path.display())]
    Content {
        /// The file.
        path: PathBuf,
    },
}

/// What the file says.
#[derive(Debug, Serialize, Deserialize)]
struct Content {
    secret: String,
    bearer: String,
}

/// Where the state file is unless `--state-dir` says otherwise: `driftlab` in `XDG_STATE_HOME`, which is
/// `~/.local/state` unless set (XDG Base Directory Specification 0.8).
///
/// # Errors
/// [`StateError::NoPlace`].
pub fn default_dir() -> Result<PathBuf, StateError> {
    // The specification wants relative paths to be ignored.
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    state
        .map(|state| state.join("driftlab"))
        .ok_or(StateError::NoPlace)
}

/// Reads the secret of the state file in `dir`, which is made with a new one where there is none yet. Answers with the
/// absolute path of the file, too. Sandboxes that start at once agree.
///
/// # Errors
/// When the file cannot be used, or could be somebody else's; nothing is changed then.
pub fn open_or_create(dir: &Path) -> Result<(Secret, PathBuf), StateError> {
    let dir = std::path::absolute(dir).map_err(failed("find", dir))?;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&dir)
        .map_err(failed("create the state directory", &dir))?;
    let path = dir.join(NAME);
    let directory = open_directory(&dir)?;
    if let Some(secret) = read(&directory, &path)? {
        return Ok((secret, path));
    }
    create(&directory, &path)?;
    // What is there counts: another sandbox may have been quicker.
    let secret =
        read(&directory, &path)?.ok_or_else(|| StateError::Content { path: path.clone() })?;
    Ok((secret, path))
}

/// Opens the directory itself, so that what is looked at is what is used.
fn open_directory(path: &Path) -> Result<OwnedFd, StateError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = open(path, flags, Mode::empty())
        .map_err(|error| refused("open the state directory", path, "directory", error))?;
    let directory = File::from(directory);
    let hint = format!("run `chmod 700 {}`", path.display());
    check_private(&directory, path, hint)?;
    Ok(directory.into())
}

/// The secret in the file; `None` where there is no file.
fn read(directory: &OwnedFd, path: &Path) -> Result<Option<Secret>, StateError> {
    // Opening a FIFO would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(directory, NAME, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(error) => return Err(refused("open the state file", path, "file", error)),
    };
    let hint = format!(
        "others may know the secret: run `rm {}` for a new one",
        path.display()
    );
    check_private(&file, path, hint)?;
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if !metadata.is_file() {
        return Err(StateError::Kind {
            kind: "file",
            path: path.to_owned(),
        });
    }
    let mut text = String::new();
    let sense = || StateError::Content {
        path: path.to_owned(),
    };
    file.take(MAX_SIZE)
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => sense(),
            _ => failed("read the state file", path)(error),
        })?;
    let content: Content = serde_json::from_str(&text).map_err(|_| sense())?;
    let secret = Secret::decode(&content.secret).ok_or_else(sense)?;
    if !secret.verify_bearer(&content.bearer) {
        return Err(sense());
    }
    Ok(Some(secret))
}

/// Makes the file with a new secret, whole or not at all; one that is there already stays.
fn create(directory: &OwnedFd, path: &Path) -> Result<(), StateError> {
    let secret = Secret::random();
    let content = Content {
        secret: secret.encode(),
        bearer: secret.bearer(),
    };
    let text = serde_json::to_string(&content)
        .map_err(|error| failed("write the state file", path)(error.into()))?;
    let partial = hex_id(&format!(".{NAME}.{}-", std::process::id()), 12);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let written = openat(directory, partial.as_str(), flags, Mode::RUSR | Mode::WUSR)
        .map_err(io::Error::from)
        .and_then(|file| {
            let mut file = File::from(file);
            file.write_all(format!("{text}\n").as_bytes())?;
            file.sync_all()
        })
        // Unlike a rename, a link never replaces what another sandbox has just made.
        .and_then(|()| {
            match linkat(
                directory,
                partial.as_str(),
                directory,
                NAME,
                AtFlags::empty(),
            ) {
                Ok(()) | Err(Errno::EXIST) => Ok(()),
                Err(error) => Err(error.into()),
            }
        });
    let removed = unlinkat(directory, partial.as_str(), AtFlags::empty());
    written.map_err(failed("write the state file", path))?;
    removed.map_err(|error| failed("tidy up beside", path)(error.into()))
}

/// Refuses what is another user's, or open to others.
fn check_private(file: &File, path: &Path, hint: String) -> Result<(), StateError> {
    let metadata = file.metadata().map_err(failed("look at", path))?;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(StateError::Owner {
            path: path.to_owned(),
            owner: metadata.uid(),
        });
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(StateError::Mode {
            path: path.to_owned(),
            mode,
            hint,
        });
    }
    Ok(())
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_owned();
    move |error| StateError::Io { what, path, error }
}

/// What opening without following links says: a link is `ELOOP`, or `ENOTDIR` where a directory is asked for.
fn refused(what: &'static str, path: &Path, kind: &'static str, error: Errno) -> StateError {
    match error {
        Errno::LOOP | Errno::NOTDIR => StateError::Kind {
            kind,
            path: path.to_owned(),
        },
        error => failed(what, path)(error.into()),
    }
}

#[cfg(test)]
mod tests;
