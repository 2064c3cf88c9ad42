//! The one secret of a sandbox, from which every other one is derived.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Bytes of a secret: the length of an HMAC-SHA256 key.
const LEN: usize = 32;

/// Characters of the secret half of an access key, as on AWS.
const ACCESS_KEY_LEN: usize = 40;

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
        let mut bytes = [0; LEN];
        // Going on with a secret that can be guessed would be worse than ending.
        SystemRandom::new()
            .fill(&mut bytes)
            .expect("the operating system has no random numbers");
        Self::from(bytes)
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
        self.derive("session-token", access_key_id)
    }

    /// What opens `/_sandbox/`, as `Authorization: Bearer …`: 43 characters.
    pub fn bearer(&self) -> String {
        self.derive("bearer", "")
    }

    /// A secret of its own for each purpose and subject: 43 characters of the URL-safe base64 alphabet.
    pub fn derive(&self, purpose: &str, subject: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(purpose.as_bytes());
        // Neither holds a NUL, so that no two pairs are one text.
        context.update(&[0]);
        context.update(subject.as_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(context.sign())
    }
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
