//! The one secret of a sandbox, from which every other one is derived.

use std::fmt::{self, Write as _};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes of a secret: the length of an HMAC-SHA256 key.
const LEN: usize = 32;

/// Characters of the secret half of an access key, as on AWS.
const ACCESS_KEY_LEN: usize = 40;

/// The purpose of what opens `/_sandbox/`.
const BEARER: &str = "bearer";

/// The purpose of the tokens of sessions.
pub(crate) const SESSION_TOKEN: &str = "session-token";

/// The secret of a sandbox. Whoever knows it is the operator of every account; it is never shown.
#[derive(Clone)]
pub struct Secret {
    bytes: [u8; LEN],
    key: hmac::Key,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// A new secret from the operating system's random numbers.
    ///
    /// # Panics
    /// When the operating system has no random numbers; nothing could be kept secret then.
    pub fn random() -> Self {
        Self::from(random_bytes())
    }

    /// Reads what [`Secret::encode`] wrote; `None` for anything else.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        <[u8; LEN]>::try_from(bytes).ok().map(Self::from)
    }

    /// The secret itself as text, for the file that keeps it across restarts.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.bytes)
    }

    /// The secret half of an access key: 40 characters.
    pub fn access_key(&self, access_key_id: &str) -> String {
        let mut text = self.derive("access-key", access_key_id);
        text.truncate(ACCESS_KEY_LEN);
        text
    }

    /// The token of a session: 43 characters.
    pub fn session_token(&self, access_key_id: &str) -> String {
        self.derive(SESSION_TOKEN, access_key_id)
    }

    /// What opens `/_sandbox/`, as `Authorization: Bearer …`: 43 characters.
    pub fn bearer(&self) -> String {
        self.derive(BEARER, "")
    }

    /// Whether `text` is what [`Secret::derive`] answers. How long that takes says nothing of the right text.
    pub fn verify(&self, purpose: &str, subject: &str, text: &str) -> bool {
        BASE64_URL_SAFE_NO_PAD
            .decode(text)
            .is_ok_and(|tag| self.is_tag(purpose, subject, &tag))
    }

    /// Like [`Secret::derive`], as 64 hexadecimal digits: so are the tokens of SNS.
    pub fn derive_hex(&self, purpose: &str, subject: &str) -> String {
        let tag = self.tag(purpose, subject);
        tag.as_ref().iter().fold(String::new(), |mut text, byte| {
            // Writing to a text cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Whether `text` is what [`Secret::derive_hex`] answers, in the same time whatever it is.
    pub fn verify_hex(&self, purpose: &str, subject: &str, text: &str) -> bool {
        let bytes: Option<Vec<u8>> = text
            .as_bytes()
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
                _ => None,
            })
            .collect();
        bytes.is_some_and(|tag| self.is_tag(purpose, subject, &tag))
    }

    /// Whether `text` is [`Secret::bearer`].
    pub fn verify_bearer(&self, text: &str) -> bool {
        self.verify(BEARER, "", text)
    }

    /// A secret of its own for each purpose and subject: 43 characters of the URL-safe base64 alphabet.
    pub fn derive(&self, purpose: &str, subject: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.tag(purpose, subject))
    }

    fn tag(&self, purpose: &str, subject: &str) -> hmac::Tag {
        hmac::sign(&self.key, &message(purpose, subject))
    }

    fn is_tag(&self, purpose: &str, subject: &str, tag: &[u8]) -> bool {
        hmac::verify(&self.key, &message(purpose, subject), tag).is_ok()
    }
}

/// A purpose holds no NUL, so that no two pairs are one message.
fn message(purpose: &str, subject: &str) -> Vec<u8> {
    [purpose.as_bytes(), &[0], subject.as_bytes()].concat()
}

/// The value of a lower-case hexadecimal digit.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

/// Random numbers of the operating system, for what must not be guessed.
///
/// # Panics
/// When the operating system has none; nothing could be kept secret then.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Going on with a secret that can be guessed would be worse than ending.
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has no random numbers");
    bytes
}

impl From<[u8; LEN]> for Secret {
    fn from(bytes: [u8; LEN]) -> Self {
        Self {
            bytes,
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    #[test]
    fn secret_written_and_read_derives_the_same() {
        let secret = Secret::random();
        let again = Secret::decode(&secret.encode()).unwrap();
        assert_eq!(again.access_key("AKIA1"), secret.access_key("AKIA1"));
        assert_eq!(again.bearer(), secret.bearer());
        for text in ["", "AAAA", &secret.encode()[1..], "not base64!"] {
            assert!(Secret::decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn secret_verify_accepts_the_derived_text_alone() {
        let secret = Secret::random();
        let derived = secret.derive("webhook", "w");
        assert!(secret.verify("webhook", "w", &derived));
        let last = if derived.ends_with('A') { "E" } else { "A" };
        let changed = format!("{}{last}", &derived[..42]);
        for (purpose, subject, text) in [
            ("webhook", "v", derived.as_str()),
            ("unsubscribe", "w", &derived),
            ("webhook", "w", &derived[..42]),
            ("webhook", "w", &changed),
            ("webhook", "w", ""),
            ("webhook", "w", "no base64!"),
        ] {
            assert!(
                !secret.verify(purpose, subject, text),
                "{purpose} {subject} {text}"
            );
        }
        assert!(!Secret::random().verify("webhook", "w", &derived));
        let hex = secret.derive_hex("webhook", "w");
        assert_eq!(hex.len(), 64);
        assert!(secret.verify_hex("webhook", "w", &hex));
        for text in [
            "",
            "g",
            &hex[..62],
            &hex[1..],
            &hex.to_uppercase(),
            &derived,
        ] {
            assert!(!secret.verify_hex("webhook", "w", text), "{text}");
        }
        assert!(!secret.verify_hex("webhook", "v", &hex));
        assert!(secret.verify_bearer(&secret.bearer()));
        assert!(!secret.verify_bearer(&derived));
    }

    #[test]
    fn secrets_of_other_purposes_subjects_and_sandboxes_differ() {
        let secret = Secret::random();
        let all = [
            secret.access_key("1"),
            secret.access_key("2"),
            secret.session_token("1"),
            secret.bearer(),
            Secret::random().access_key("1"),
            Secret::random().bearer(),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all[..at].iter().all(|other| other[..40] != one[..40]));
        }
        assert_eq!(secret.access_key("1").len(), 40);
        assert!(!format!("{secret:?}").contains(&secret.encode()));
    }
}
