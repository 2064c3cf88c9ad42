//! What the inbound rules of a group shall be.

use crate::rule::{Rule, RuleError};
use crate::source::Source;
use serde::{Serialize, Serializer};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// The approved rules of one direction. Empty only where `none` asks for it by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    rules: BTreeSet<Rule>,
}

/// A text that describes no baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// Nothing between two commas, or nothing at all.
    ///
    /// An empty baseline would close every port of every group in scope; that is not something
    /// to be reached by a forgotten value.
    #[error(
        "an entry is empty (expected `ipv4`, `dual-stack`, `none`, or rules like `tcp:443:0.0.0.0/0` separated by commas)"
    )]
    Empty,
    /// One entry is no rule.
    #[error(
        "entry `{entry}` is neither a preset (`ipv4`, `dual-stack`, `none`) nor a rule like `tcp:443:0.0.0.0/0`"
    )]
    Entry {
        /// The entry as given.
        entry: String,
        /// What is wrong with it.
        source: RuleError,
    },
}

const WEB_PORTS: [u16; 2] = [80, 443];

impl Baseline {
    /// No rule at all.
    #[must_use]
    pub fn none() -> Self {
        Self {
            rules: BTreeSet::new(),
        }
    }

    /// These rules.
    #[must_use]
    pub fn of(rules: BTreeSet<Rule>) -> Self {
        Self { rules }
    }

    /// HTTP and HTTPS from every IPv4 address.
    #[must_use]
    pub fn ipv4() -> Self {
        let rules = WEB_PORTS.map(|port| Rule::tcp(port, Source::anywhere_ipv4()));
        Self {
            rules: rules.into(),
        }
    }

    /// HTTP and HTTPS from every IPv4 and every IPv6 address.
    #[must_use]
    pub fn dual_stack() -> Self {
        let mut rules = Self::ipv4().rules;
        rules.extend(WEB_PORTS.map(|port| Rule::tcp(port, Source::anywhere_ipv6())));
        Self { rules }
    }

    /// The approved rules.
    #[must_use]
    pub fn rules(&self) -> &BTreeSet<Rule> {
        &self.rules
    }
}

impl Default for Baseline {
    fn default() -> Self {
        Self::ipv4()
    }
}

/// `ipv4`, `dual-stack`, `none`, or the rules; always something that [`FromStr`] reads back.
impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::ipv4() {
            return f.write_str("ipv4");
        }
        if *self == Self::dual_stack() {
            return f.write_str("dual-stack");
        }
        if self.rules.is_empty() {
            return f.write_str("none");
        }
        let rules: Vec<String> = self.rules.iter().map(Rule::to_compact).collect();
        f.write_str(&rules.join(","))
    }
}

impl Serialize for Baseline {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A preset, or a comma-separated list of `<protocol>:<ports>:<source>`.
///
/// ```text
/// protocol  tcp | udp | icmp | icmpv6 | all | an IANA number
/// ports     443 | 1000-2000 | all        (tcp, udp)
///           8 | 8/0 | all                (icmp, icmpv6: type, or type/code)
///           all                          (everything else)
/// source    10.0.0.0/8 | ::/0 | pl-… | sg-… | <account>/sg-…
/// ```
impl FromStr for Baseline {
    type Err = BaselineError;

    fn from_str(text: &str) -> Result<Self, BaselineError> {
        match text.trim() {
            "ipv4" => Ok(Self::ipv4()),
            "dual-stack" => Ok(Self::dual_stack()),
            "none" => Ok(Self::none()),
            list => {
                let rules = list.split(',').map(entry).collect::<Result<_, _>>()?;
                Ok(Self { rules })
            }
        }
    }
}

/// One entry of a list.
///
/// # Errors
/// [`BaselineError`], which names the entry.
pub(crate) fn entry(text: &str) -> Result<Rule, BaselineError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(BaselineError::Empty);
    }
    text.parse().map_err(|source| BaselineError::Entry {
        entry: text.chars().filter(|c| !c.is_control()).take(80).collect(),
        source,
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;

    fn check(text: &str, rules: &[&str], display: &str) {
        let baseline: Baseline = text.parse().unwrap();
        let shown: Vec<String> = baseline.rules().iter().map(ToString::to_string).collect();
        assert_eq!(shown, rules, "{text}");
        assert_eq!(baseline.to_string(), display, "{text}");
        assert_eq!(
            baseline.to_string().parse::<Baseline>().unwrap(),
            baseline,
            "{text}"
        );
    }

    #[test]
    fn presets_and_lists() {
        let ipv4 = ["tcp 80 from 0.0.0.0/0", "tcp 443 from 0.0.0.0/0"];
        let v6 = ["tcp 80 from ::/0", "tcp 443 from ::/0"];
        check("ipv4", &ipv4, "ipv4");
        check(
            " dual-stack ",
            &[ipv4[0], v6[0], ipv4[1], v6[1]],
            "dual-stack",
        );
        check("tcp:443:0.0.0.0/0,tcp:80:0.0.0.0/0", &ipv4, "ipv4");
        check(
            "tcp:80:0.0.0.0/0, tcp:443:::/0",
            &[ipv4[0], v6[1]],
            "tcp:80:0.0.0.0/0,tcp:443:::/0",
        );
        check(
            "tcp:80:0.0.0.0/0,6:80:1.2.3.4/0",
            &ipv4[..1],
            "tcp:80:0.0.0.0/0",
        );
    }

    #[test]
    fn nonsense_is_refused_and_named() {
        for (text, word) in [
            ("", "empty"),
            ("tcp:80:0.0.0.0/0,", "empty"),
            ("ipv6", "`ipv6`"),
            ("IPV4", "`IPV4`"),
            ("ipv4,tcp:22:10.0.0.0/8", "`ipv4`"),
            (
                "tcp:80:0.0.0.0/0;tcp:443:::/0",
                "`tcp:80:0.0.0.0/0;tcp:443:::/0`",
            ),
        ] {
            let error = text.parse::<Baseline>().unwrap_err().to_string();
            assert!(error.contains(word), "{text:?}: {error}");
        }
    }
}
