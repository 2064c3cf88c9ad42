//! Files that the sandbox writes at the wish of its user, and that belong to that user alone.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

use rustix::fs::{Mode, OFlags};

/// Opens a file to append to it, and makes it where it is missing, readable by its owner alone.
///
/// In a directory where others may write, the name may be somebody else's trap. So no link is
/// followed, nothing is waited for (a FIFO without a reader), and the file must be a regular one of
/// this user's. A device, which only root can make, is what its name says (`/dev/null`).
///
/// # Errors
/// When the file cannot be opened, or is not such a one.
pub(crate) fn append(path: &Path) -> io::Result<File> {
    let flags = OFlags::WRONLY
        | OFlags::APPEND
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(|error| {
        match error {
            rustix::io::Errno::LOOP => {
                refused("is a link, which is not followed; name the file itself")
            }
            // A FIFO that nobody reads.
            rustix::io::Errno::NXIO => refused("is no regular file"),
            error => error.into(),
        }
    })?;
    let file = File::from(file);
    let found = file.metadata()?;
    if found.file_type().is_char_device() {
        return Ok(file);
    }
    if !found.is_file() {
        return Err(refused("is no regular file"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(refused("belongs to another user; name a file of your own"));
    }
    if found.mode() & 0o077 != 0 {
        // Made by an earlier version, or by hand: mails and tokens are in it.
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
    }
    Ok(file)
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("it {why}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn append_takes_own_regular_files_alone_and_closes_them_to_others() {
        let dir = std::env::temp_dir().join(crate::ids::hex_id("private-file-", 16));
        fs::create_dir(&dir).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let file = dir.join("inbox.mbox");
        append(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        append(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        let link = dir.join("link");
        symlink(&file, &link).unwrap();
        let error = append(&link).unwrap_err().to_string();
        assert!(error.contains("link"), "{error}");
        #[cfg(target_os = "linux")]
        a_fifo_is_refused(&dir.join("fifo"));
        assert!(append(&dir).is_err());
        append(Path::new("/dev/null")).unwrap();
        fs::remove_dir_all(&dir).unwrap();
    }

    #[cfg(target_os = "linux")]
    fn a_fifo_is_refused(fifo: &Path) {
        use rustix::fs::{CWD, FileType, mknodat};
        mknodat(CWD, fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let error = append(fifo).unwrap_err().to_string();
        assert!(error.contains("no regular file"), "{error}");
    }
}
