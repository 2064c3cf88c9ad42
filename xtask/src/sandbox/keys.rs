//! The keys of a sandbox: what its clients sign with, and what opens `/_sandbox/`.

use std::{fmt, fs};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Sandbox, http};
use crate::endpoint::Account;
use crate::failure::{Exit, Failure};

/// What a client of a sandbox holds.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    /// What opens `/_sandbox/`, as `Authorization: Bearer …`.
    pub(crate) bearer: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What xtask needs of the state file.
#[derive(Deserialize)]
struct StateFile {
    bearer: String,
}

#[derive(Deserialize)]
struct Pair {
    access_key_id: String,
    secret_access_key: String,
}

impl Keys {
    /// The key pair of an account's operator: the state file opens the sandbox, and the sandbox derives the pair.
    pub(crate) fn of_operator(sandbox: &Sandbox, account: &Account) -> Result<Self> {
        let bearer = bearer(sandbox)?;
        let path = format!("/_sandbox/credentials?account={account}");
        let answer = http::get(&sandbox.endpoint, &path, Some(&bearer)).with_context(|| {
            Failure::new(
                Exit::Failed,
                format!("the sandbox at {} does not answer", sandbox.endpoint),
            )
            .hint("run `cargo xtask sandbox stop`; everything in it is lost then")
        })?;
        if answer.status != 200 {
            return Err(Failure::new(
                Exit::Failed,
                format!(
                    "the sandbox at {} gives no keys (HTTP {}): {}",
                    sandbox.endpoint, answer.status, answer.body
                ),
            )
            .hint("the state file is no longer the one that it was started with: run `cargo xtask sandbox stop`; everything in it is lost then")
            .into());
        }
        let pair: Pair =
            serde_json::from_str(&answer.body).context("the sandbox's keys make no sense")?;
        let keys = Self {
            access_key_id: plain(pair.access_key_id)?,
            secret_access_key: plain(pair.secret_access_key)?,
            bearer: plain(bearer)?,
        };
        Ok(keys)
    }
}

fn bearer(sandbox: &Sandbox) -> Result<String> {
    let path = &sandbox.state_file;
    let unusable = || {
        Failure::new(
            Exit::Failed,
            format!("cannot read the sandbox's state file `{}`", path.display()),
        )
        .hint("run `cargo xtask sandbox stop`, then the same again; everything in the sandbox is lost then")
    };
    let text = fs::read_to_string(path).with_context(unusable)?;
    let file: StateFile = serde_json::from_str(&text).with_context(unusable)?;
    Ok(file.bearer)
}

/// Keys go into shells and into headers: nothing but what they are made of may be in them.
fn plain(text: String) -> Result<String, Failure> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    if !text.is_empty() && text.bytes().all(known) {
        Ok(text)
    } else {
        Err(Failure::new(
            Exit::Failed,
            "the sandbox's keys have characters that keys never have",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn keys_cannot_smuggle_a_command_into_the_shell() {
        assert!(plain("AZaz09-_".to_owned()).is_ok());
        for text in ["", "x'; touch /tmp/x; '", "a b", "a\r\nX: y", "ä"] {
            assert!(plain(text.to_owned()).is_err(), "{text}");
        }
    }
}
