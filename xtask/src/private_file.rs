//! Files that belong to this user alone, in a directory that does so too.
//!
//! The state directory may lie in a directory that others can write to. There a name may be a trap:
//! a link to somebody's file, a FIFO that nobody reads, a file of another user who goes on reading.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use rustix::fs::OFlags;

/// Read and write for the owner, nothing for others.
const FILE: u32 = 0o600;

/// The same, and entering, for directories.
const DIRECTORY: u32 = 0o700;

/// Everything that others may do.
const OTHERS: u32 = 0o077;

/// Makes the directory, with those above it, or takes the one that is there if it is this user's; it
/// is closed to others.
///
/// # Errors
/// When it cannot be made, is a link or no directory, or belongs to another user.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY)
        .create(path)?;
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(refused("it is a link, which is not followed"));
    }
    own(&found)?;
    if found.mode() & OTHERS != 0 {
        fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY))?;
    }
    Ok(())
}

/// Opens a file to write to it, and makes it where it is missing. What was in it stays.
///
/// # Errors
/// When it cannot be opened, is a link or no regular file, or belongs to another user.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    checked(
        path,
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(FILE),
    )
}

/// Opens a file that is empty from now on.
///
/// # Errors
/// As [`open`].
pub(crate) fn create(path: &Path) -> io::Result<File> {
    let file = open(path)?;
    // Only now, when it is known to be no other file than the one that is meant.
    file.set_len(0)?;
    Ok(file)
}

/// Reads a text.
///
/// # Errors
/// As [`open`]; `NotFound` where there is no such file.
pub(crate) fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    checked(path, OpenOptions::new().read(true))?.read_to_string(&mut text)?;
    Ok(text)
}

fn checked(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let opened = options.custom_flags(flags).open(path);
    let file = opened.map_err(|error| match rustix::io::Errno::from_io_error(&error) {
        Some(rustix::io::Errno::LOOP) => refused("it is a link, which is not followed"),
        // A FIFO that nobody reads.
        Some(rustix::io::Errno::NXIO) => refused("it is no regular file"),
        _ => error,
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refused("it is no regular file"));
    }
    own(&found)?;
    if found.mode() & OTHERS != 0 {
        file.set_permissions(fs::Permissions::from_mode(FILE))?;
    }
    Ok(file)
}

fn own(found: &fs::Metadata) -> io::Result<()> {
    if found.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(refused("it belongs to another user"))
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use std::io::Write;
    use std::os::unix::fs::{chown, symlink};
    use std::path::PathBuf;

    /// A directory of the test's own.
    fn place(name: &str) -> PathBuf {
        let place = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
        fs::create_dir(&place).unwrap();
        place
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn directory_and_files_are_closed_to_others_whatever_they_were() {
        let place = place("closed");
        let state = place.join("above/state");
        directory(&state).unwrap();
        assert_eq!(mode(&state), DIRECTORY);
        fs::set_permissions(&state, fs::Permissions::from_mode(0o777)).unwrap();
        directory(&state).unwrap();
        assert_eq!(mode(&state), DIRECTORY);
        let file = state.join("sandbox.json");
        create(&file).unwrap().write_all(b"text").unwrap();
        assert_eq!(mode(&file), FILE);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(read(&file).unwrap(), "text");
        assert_eq!(mode(&file), FILE);
        open(&file).unwrap();
        assert_eq!(read(&file).unwrap(), "text");
        create(&file).unwrap();
        assert_eq!(read(&file).unwrap(), "");
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn link_in_place_of_file_or_directory_is_refused_and_its_target_untouched() {
        let place = place("link");
        let target = place.join("target");
        fs::write(&target, "precious").unwrap();
        let link = place.join("link");
        symlink(&target, &link).unwrap();
        for error in [
            create(&link).unwrap_err(),
            open(&link).unwrap_err(),
            read(&link).unwrap_err(),
        ] {
            assert!(error.to_string().contains("link"), "{error}");
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        let elsewhere = place.join("elsewhere");
        symlink(&place, &elsewhere).unwrap();
        assert!(directory(&elsewhere).is_err());
        assert!(directory(&target).is_err());
        fs::remove_dir_all(place).unwrap();
    }

    /// Root may give a file away; to others a file of root's is there already.
    #[test]
    fn file_or_directory_of_another_user_is_refused_and_stays_as_it_is() {
        let place = place("owner");
        let (file, state) = if rustix::process::geteuid().is_root() {
            let (file, state) = (place.join("file"), place.join("state"));
            fs::write(&file, "theirs").unwrap();
            fs::create_dir(&state).unwrap();
            for path in [&file, &state] {
                fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
                chown(path, Some(1), None).unwrap();
            }
            (file, state)
        } else {
            ("/etc/passwd".into(), "/etc".into())
        };
        let before = [mode(&file), mode(&state)];
        let error = read(&file).unwrap_err();
        assert!(error.to_string().contains("another user"), "{error}");
        let error = directory(&state).unwrap_err();
        assert!(error.to_string().contains("another user"), "{error}");
        if rustix::process::geteuid().is_root() {
            create(&file).unwrap_err();
            assert_eq!(fs::read_to_string(&file).unwrap(), "theirs");
        }
        assert_eq!([mode(&file), mode(&state)], before);
        fs::remove_dir_all(place).unwrap();
    }

    #[test]
    fn fifo_in_place_of_file_is_refused_without_waiting() {
        let place = place("fifo");
        let fifo = place.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        for error in [
            create(&fifo).unwrap_err(),
            open(&fifo).unwrap_err(),
            read(&fifo).unwrap_err(),
        ] {
            assert!(error.to_string().contains("no regular file"), "{error}");
        }
        // Not even where somebody reads it, and opening it to write succeeds.
        let reader = rustix::fs::open(
            &fifo,
            OFlags::RDONLY | OFlags::NONBLOCK,
            rustix::fs::Mode::empty(),
        );
        let error = open(&fifo).unwrap_err();
        assert!(error.to_string().contains("no regular file"), "{error}");
        drop(reader.unwrap());
        fs::remove_dir_all(place).unwrap();
    }
}
