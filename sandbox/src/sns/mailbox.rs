//! The inbox as a file that mail programs and people can read: mbox, one mail after the other.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

use time::format_description::well_known::Rfc2822;

use super::state::Mail;

/// Where mails go beside the inbox that is kept in memory; nowhere until [`Mailbox::open`].
#[derive(Debug, Default)]
pub struct Mailbox {
    file: OnceLock<Mutex<File>>,
}

impl Mailbox {
    /// From now on every mail is appended to the file at `path`, which is made if it is not there.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn open(&self, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // A sandbox has one mailbox; naming a second would be a mistake of ours and changes nothing.
        let _ = self.file.set(Mutex::new(file));
        Ok(())
    }

    /// Appends a mail. A full disk must not fail the operation that sent the mail, whose answer AWS would not make
    /// depend on it either; it is told on standard error.
    pub(super) fn deliver(&self, mail: &Mail) {
        let Some(file) = self.file.get() else { return };
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(as_mbox(mail).as_bytes()) {
            tracing::error!(%error, to = mail.to, "a mail could not be written to the inbox file");
        }
    }
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
    use super::*;

    #[test]
    fn a_mail_cannot_look_like_two() {
        let mail = Mail {
            sent: time::OffsetDateTime::UNIX_EPOCH,
            from: "Notices\nBcc: all <no-reply@sns.amazonaws.com>".to_owned(),
            to: "a@example.com".to_owned(),
            subject: "hello".to_owned(),
            body: "From here on\n>From there on\nend".to_owned(),
            topic_arn: String::new(),
        };
        let text = as_mbox(&mail);
        let body = text.split_once("\n\n").map(|(_, body)| body);
        assert_eq!(body, Some(">From here on\n>>From there on\nend\n\n"));
        assert!(text.contains("From: Notices Bcc: all <"));
        assert!(
            text.starts_with("From no-reply@sns.amazonaws.com Thu, 01 Jan 1970 00:00:00 +0000\n")
        );
    }
}
