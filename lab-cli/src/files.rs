//! Files that a person names: read up to a bound, so that neither a device nor a mistaken name fills the memory.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// Why a file was not read.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// The system says so.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is a directory, a pipe, a socket or a device.
    #[error("it is {0} and no file")]
    NotAFile(&'static str),
    /// It is longer than it may be.
    #[error("it has more than {0} bytes")]
    TooLong(u64),
    /// It is not UTF-8.
    #[error("it is not a text in UTF-8")]
    NotText,
}

/// A file's bytes, `most` of them at the most. A pipe is refused before it is opened: nobody may ever write to it.
///
/// # Errors
/// [`Unreadable`].
pub fn bytes(path: &Path, most: u64) -> Result<Vec<u8>, Unreadable> {
    let found = fs::metadata(path)?;
    if !found.is_file() {
        return Err(Unreadable::NotAFile(kind(found.file_type())));
    }
    if found.len() > most {
        return Err(Unreadable::TooLong(most));
    }
    bounded(File::open(path)?, most)
}

/// A file's text, `most` bytes at the most. A pipe is taken, as shells make one of `<(…)`.
///
/// # Errors
/// [`Unreadable`].
pub fn text(path: &Path, most: u64) -> Result<String, Unreadable> {
    let bytes = bounded(File::open(path)?, most)?;
    String::from_utf8(bytes).map_err(|_| Unreadable::NotText)
}

/// What is there may grow while it is read, and a device has no length: so the bytes themselves are counted.
fn bounded(from: impl Read, most: u64) -> Result<Vec<u8>, Unreadable> {
    let mut bytes = Vec::new();
    from.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(Unreadable::TooLong(most));
    }
    Ok(bytes)
}

fn kind(found: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if found.is_fifo() {
            return "a pipe";
        }
        if found.is_socket() {
            return "a socket";
        }
        if found.is_char_device() || found.is_block_device() {
            return "a device";
        }
    }
    if found.is_dir() {
        "a directory"
    } else {
        "something else"
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use std::os::unix::net::UnixListener;
    use std::process::Command;

    #[test]
    fn only_a_file_is_read_where_a_file_is_needed() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        assert!(
            Command::new("mkfifo")
                .arg(at("pipe"))
                .status()
                .unwrap()
                .success()
        );
        let _socket = UnixListener::bind(at("socket")).unwrap();
        for (path, word) in [
            (at("pipe"), "a pipe"),
            (at("socket"), "a socket"),
            (dir.path().to_owned(), "a directory"),
            ("/dev/zero".into(), "a device"),
        ] {
            let error = bytes(&path, 10).unwrap_err().to_string();
            assert_eq!(error, format!("it is {word} and no file"));
        }
        assert!(matches!(bytes(&at("none"), 10), Err(Unreadable::Io(_))));
    }

    #[test]
    fn a_file_is_read_up_to_its_bound() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "0123456789").unwrap();
        assert_eq!(bytes(file.path(), 10).unwrap(), b"0123456789");
        assert!(matches!(bytes(file.path(), 9), Err(Unreadable::TooLong(9))));
        assert_eq!(text(file.path(), 10).unwrap(), "0123456789");
        assert!(matches!(text(file.path(), 9), Err(Unreadable::TooLong(9))));
        // A device says that it has no length and never ends.
        assert!(matches!(
            text(Path::new("/dev/zero"), 4096),
            Err(Unreadable::TooLong(4096))
        ));
        fs::write(file.path(), [0xff]).unwrap();
        assert!(matches!(text(file.path(), 10), Err(Unreadable::NotText)));
    }

    /// The length that the system told is not what bounds the reading.
    #[test]
    fn what_grows_while_it_is_read_is_bounded() {
        assert!(matches!(
            bounded(io::repeat(0), 100),
            Err(Unreadable::TooLong(100))
        ));
    }
}
