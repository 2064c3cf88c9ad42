//! The inbox as a file that mail programs and people can read: mbox, one mail after the other.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use time::format_description::well_known::Rfc2822;

use super::state::Mail;
use crate::private_file;

/// Where mails go beside the inbox that is kept in memory; nowhere until [`Mailbox::open`].
#[derive(Debug, Default)]
pub struct Mailbox {
    file: OnceLock<Mutex<File>>,
    lost: AtomicU64,
}

impl Mailbox {
    /// From now on every mail is appended to the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be written, is a link, or is not a regular file of this user's.
    pub fn open(&self, path: &Path) -> io::Result<()> {
        self.write_to(private_file::append(path)?);
        Ok(())
    }

    fn write_to(&self, file: File) {
        // A sandbox has one mailbox; naming a second would be a mistake of ours and changes nothing.
        let _ = self.file.set(Mutex::new(file));
    }

    /// How many mails are in the inbox in memory and not in the file, because it could not be written.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Appends a mail. A full disk must not fail the operation that sent the mail, whose answer AWS would not make
    /// depend on it either; it is told on standard error, and counted for `health`.
    pub(super) fn deliver(&self, mail: &Mail) {
        let Some(file) = self.file.get() else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = append(&mut file, mail) {
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, to = mail.to, "a mail could not be written to the inbox file");
        }
    }
}

/// Appends all of a mail, or nothing: the next one must not begin in the middle of a line.
fn append(file: &mut File, mail: &Mail) -> io::Result<()> {
    let before = file.metadata()?;
    file.write_all(as_mbox(mail).as_bytes()).inspect_err(|_| {
        if before.is_file()
            && let Err(error) = file.set_len(before.len())
        {
            tracing::error!(%error, "half a mail stays in the inbox file");
        }
    })
}

fn as_mbox(mail: &Mail) -> String {
    let sent = mail.sent.format(&Rfc2822).unwrap_or_default();
    let mut text = format!(
        "From no-reply@sns.amazonaws.com {sent}\nDate: {sent}\nFrom: {}\nTo: {}\nSubject: {}\nContent-Type: text/plain; charset=utf-8\n\n",
        one_line(&mail.from),
        one_line(&mail.to),
        one_line(&mail.subject)
    );
    for line in mail.body.lines() {
        // A line that begins like a new mail is quoted, and so is one that is quoted already.
        if line.trim_start_matches('>').starts_with("From ") {
            text.push('>');
        }
        text.push_str(line);
        text.push('\n');
    }
    text.push('\n');
    text
}

/// A header is one line, whatever somebody called a topic.
fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn mail() -> Mail {
        Mail {
            sent: time::OffsetDateTime::UNIX_EPOCH,
            from: "Notices\nBcc: all <no-reply@sns.amazonaws.com>".to_owned(),
            to: "a@example.com".to_owned(),
            subject: "hello".to_owned(),
            body: "From here on\n>From there on\nend".to_owned(),
            topic_arn: String::new(),
        }
    }

    #[test]
    fn mail_when_the_file_cannot_be_written_is_counted_and_no_panic() {
        let mailbox = Mailbox::default();
        // Open for reading alone: each write fails, as on a full disk.
        mailbox.write_to(File::open("/dev/null").unwrap());
        mailbox.deliver(&mail());
        mailbox.deliver(&mail());
        assert_eq!(mailbox.lost(), 2);
    }

    #[test]
    fn a_mail_cannot_look_like_two() {
        let mail = mail();
        let text = as_mbox(&mail);
        let body = text.split_once("\n\n").map(|(_, body)| body);
        assert_eq!(body, Some(">From here on\n>>From there on\nend\n\n"));
        assert!(text.contains("From: Notices Bcc: all <"));
        assert!(
            text.starts_with("From no-reply@sns.amazonaws.com Thu, 01 Jan 1970 00:00:00 +0000\n")
        );
    }
}
