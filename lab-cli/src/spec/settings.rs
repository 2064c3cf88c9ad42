//! The optional settings file `driftlab.yaml`.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::Path;
use std::str::FromStr;

use remediator_core::AccountId;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::aws::Tags;
use crate::error::{Error, Result};
use crate::files::{self, Unreadable};
use crate::sunset::Ttl;

/// More bytes than any settings have.
const LONGEST: u64 = 1024 * 1024;

/// What the file may say. Flags and environment override it; a key that is not listed here is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The stack's name.
    pub stack: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The account that the credentials have to be of.
    #[serde(default, deserialize_with = "parsed")]
    pub account: Option<AccountId>,
    /// The student's account string.
    pub student: Option<String>,
    /// Who is told.
    pub email: Option<String>,
    /// `ipv4`, `dual-stack`, or rules such as `tcp:443:0.0.0.0/0`, separated by commas.
    pub baseline: Option<String>,
    /// `lab-vpc` (the default), `vpc:vpc-…`, `tag:Key=Value` or `account`.
    pub scope: Option<String>,
    /// More tags for everything that is made.
    #[serde(default)]
    pub tags: Tags,
    /// Whether the delivery channel streams to the topic.
    pub topic: Option<bool>,
    /// The role that CloudFormation works with.
    pub cfn_role: Option<String>,
    /// The permissions boundary of every role that is made.
    pub permissions_boundary: Option<String>,
    /// After which time a lab removes itself that has no expiry yet.
    #[serde(default, deserialize_with = "parsed")]
    pub ttl: Option<Ttl>,
    /// Names other than those of the source documents.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
}

impl Settings {
    /// Reads the text of a settings file. An empty one says nothing.
    ///
    /// # Errors
    /// [`crate::error::Kind::Input`] with line and column of what is wrong.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Ok(Self::default());
        }
        serde_yaml::from_str(text).map_err(|error| {
            let place = error
                .location()
                .map(|at| format!(":{}:{}", at.line(), at.column()))
                .unwrap_or_default();
            Error::input(format!("cannot use the settings file `{name}{place}`"))
                .caused_by(error.without_snippet().to_string())
        })
    }
}

/// A value that has a notation of its own, read from its text, so that a mistake in it is told with line and column.
fn parsed<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: Display>,
{
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads a settings file. A file that was not asked for by name may be absent.
///
/// # Errors
/// [`crate::error::Kind::Input`] when it cannot be read or understood.
pub fn load(path: &Path, asked_for: bool) -> Result<Settings> {
    match files::text(path, LONGEST) {
        Ok(text) => Settings::parse(&path.display().to_string(), &text),
        Err(Unreadable::Io(e)) if e.kind() == ErrorKind::NotFound && !asked_for => {
            Ok(Settings::default())
        }
        Err(e) => Err(Error::input(format!(
            "cannot read the settings file `{}`",
            path.display()
        ))
        .caused_by(e)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::error::Kind;
    use crate::output::failure;
    use std::time::Duration;

    #[test]
    fn all_keys_are_read() {
        let settings = Settings::parse(
            "driftlab.yaml",
            "stack: lab-7\nregion: eu-west-1\nstudent: alice\nemail: alice@ust.example\nbaseline: dual-stack\n\
             scope: tag:team=blue\naccount: 012345678901\nttl: 3h\ntags:\n  term: fall\ntopic: false\nparameters:\n  ConfigRoleName: AliceRole\n",
        )
        .unwrap();
        assert_eq!(settings.stack.as_deref(), Some("lab-7"));
        assert_eq!(settings.topic, Some(false));
        // Plain digits stay a text, the leading zero included.
        assert_eq!(settings.account.unwrap().as_str(), "012345678901");
        assert_eq!(settings.ttl, Some(Ttl::In(Duration::from_secs(3 * 3600))));
        let off = Settings::parse("x", "ttl: off\n").unwrap();
        assert_eq!(off.ttl, Some(Ttl::Off));
        assert_eq!(settings.tags["term"], "fall");
        assert_eq!(settings.parameters["ConfigRoleName"], "AliceRole");
        assert_eq!(
            Settings::parse("x", "# nothing yet\n").unwrap(),
            Settings::default()
        );
    }

    #[test]
    fn mistakes_are_told_with_line_and_column() {
        for (text, place, word) in [
            (
                "stack: a\nregoin: us-east-1\n",
                "driftlab.yaml:2:1",
                "regoin",
            ),
            ("stack: a\ntopic: perhaps\n", "driftlab.yaml:2:8", "boolean"),
            ("stack: a\nstack: b\n", "driftlab.yaml:2:1", "stack"),
            ("stack: a\naccount: 12\n", "driftlab.yaml:2:10", "twelve"),
            ("stack: a\nttl: 3 weeks\n", "driftlab.yaml:2:6", "weeks"),
        ] {
            let error = Settings::parse("driftlab.yaml", text).unwrap_err();
            assert_eq!(error.kind(), Kind::Input);
            let shown = failure(&error);
            assert!(shown.contains(place), "{shown}");
            assert!(shown.contains(word), "{shown}");
        }
    }

    #[test]
    fn only_a_file_that_was_asked_for_must_exist() {
        let nowhere = Path::new("/nonexistent/driftlab.yaml");
        assert_eq!(load(nowhere, false).unwrap(), Settings::default());
        assert_eq!(load(nowhere, true).unwrap_err().kind(), Kind::Input);
    }
}
