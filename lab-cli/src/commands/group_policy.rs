//! `driftlab policy check` and `driftlab policy explain`: what a rule asks for, and what it would do.

mod explain;
mod groups;
mod located;

use std::path::{Path, PathBuf};

use remediator_core::{AccountId, Policy, PolicyError, PolicySource};
use serde::Serialize;

use crate::aws::Doing;
use crate::cli::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::output::{Text, Ui};
use crate::spec::{LONGEST_PARAMETERS, RULE_NAME};

pub use explain::{explain, explain_file};

/// The most bytes of a document that are read: as long as an answer of EC2 about a thousand full groups.
const LONGEST_DOCUMENT: u64 = 64 * 1024 * 1024;

/// What is asked about a policy for groups.
#[derive(Debug, clap::Subcommand)]
pub enum About {
    /// Check a policy for groups (YAML or JSON, see docs/policy.md) and print its short form
    Check(Check),
    /// Say what a policy would do with a group, and why; changes nothing
    Explain(Explain),
}

/// Arguments of `check`.
#[derive(Debug, clap::Args)]
pub struct Check {
    /// The policy
    file: PathBuf,
}

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// A live group (`sg-…`), or a file with what `aws ec2 describe-security-groups` prints
    target: String,
    /// The policy; without it, that of the lab's rule
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// The account of the rule; without it that of the credentials, or for files that of each group
    #[arg(long, value_name = "ID")]
    rule_account: Option<AccountId>,
}

impl Explain {
    /// Whether everything that is needed is in files.
    pub fn is_offline(&self) -> bool {
        self.policy.is_some() && !self.names_a_group()
    }

    fn names_a_group(&self) -> bool {
        self.target.parse::<remediator_core::GroupId>().is_ok()
    }
}

#[derive(Debug, Serialize)]
struct Checked {
    /// The short form: the rule's parameters.
    parameters: String,
    /// Its length in characters.
    length: usize,
    /// Whether AWS Config takes it.
    fits: bool,
    policy: Policy,
}

/// Checks a policy and prints its short form.
///
/// # Errors
/// [`Kind::Input`] with line and column of what is wrong.
pub fn check(ui: &Ui, args: &Check) -> Result<()> {
    let policy = load(&args.file)?;
    let parameters = policy.to_parameters();
    let length = parameters.chars().count();
    let fits = length <= LONGEST_PARAMETERS;
    let advice = if fits {
        format!("as rule parameters ({length} of {LONGEST_PARAMETERS} characters):")
    } else {
        format!(
            "as rule parameters it has {length} characters, AWS Config takes {LONGEST_PARAMETERS}: keep the document in Parameter Store:"
        )
    };
    let mut text = Text::of(format_args!("{} is a policy", args.file.display()));
    text.line(advice);
    text.line(&parameters);
    let checked = Checked {
        parameters,
        length,
        fits,
        policy,
    };
    ui.result(&checked, &text)
}

/// Reads a policy document.
fn load(path: &Path) -> Result<Policy> {
    let name = path.display().to_string();
    let text = files::text(path, LONGEST_DOCUMENT)
        .map_err(|e| Error::input(format!("cannot read the policy `{name}`")).caused_by(e))?;
    parse(&name, &text)
}

fn parse(name: &str, text: &str) -> Result<Policy> {
    let unusable = |line: u64, column: u64| {
        let place = if line == 0 {
            String::new()
        } else {
            format!(":{line}:{column}")
        };
        Error::input(format!("cannot use the policy `{name}{place}`"))
            .hint("docs/policy.md has the words, docs/policy.schema.json tells them to editors")
    };
    let document: located::Node = serde_yaml::from_str(text).map_err(|e| {
        let (line, column) = e.location().map_or((0, 0), |at| (at.line(), at.column()));
        unusable(line, column).caused_by(e.without_snippet().to_string())
    })?;
    let value = document.value();
    let Some(object) = value.as_object() else {
        return Err(unusable(1, 1).caused_by(PolicyError::NotAnObject(None)));
    };
    Policy::from_object(object).map_err(|e| {
        let of_key = matches!(e, PolicyError::Unknown { .. });
        let (line, column) = document.place(e.path(), of_key);
        unusable(line, column).caused_by(e)
    })
}

/// The policy of the lab's rule.
async fn of_the_rule(context: &Context) -> Result<Policy> {
    let rule = context
        .aws
        .rule(RULE_NAME)
        .await
        .doing(format_args!("look at the rule `{RULE_NAME}`"))?
        .ok_or_else(|| {
            let region = &context.place.region;
            let what = format!("there is no rule `{RULE_NAME}` in {region}");
            Error::new(Kind::Failed, what)
                .hint("check `--region`, make the lab with `deploy` first, or name a policy with `--policy`")
        })?;
    let unusable = |e: PolicyError| {
        Error::new(
            Kind::Failed,
            format!("the rule `{RULE_NAME}` has no usable policy"),
        )
        .caused_by(e)
    };
    let parameters = rule.parameters.as_deref().unwrap_or("{}");
    match PolicySource::from_parameters(parameters).map_err(unusable)? {
        PolicySource::Here(policy) => Ok(policy),
        PolicySource::Stored { name, debug: _ } => stored(context, &name).await,
    }
}

/// The policy that the rule keeps in Parameter Store. It is read as the function reads it: as JSON.
async fn stored(context: &Context, name: &str) -> Result<Policy> {
    let text = context.aws.parameter(name).await.doing(format_args!(
        "read the rule's policy in the SSM parameter `{name}`"
    ))?;
    Policy::from_document(&text).map_err(|e| {
        Error::new(
            Kind::Failed,
            format!("the SSM parameter `{name}` holds no usable policy"),
        )
        .caused_by(e)
        .hint("check a document with `policy check` before it is stored; docs/policy.md has the words")
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
    use super::*;
    use crate::output::failure;

    #[test]
    fn what_is_wrong_has_its_line_and_column() {
        for (text, place, word) in [
            ("version: 1\nbaselin: ipv4\n", "p.yaml:2:1", "`baselin`"),
            ("version: 1\nmode: fix\n", "p.yaml:2:7", "`fix`"),
            ("version: 2\n", "p.yaml:1:10", "`version`"),
            ("mode: audit\n", "p.yaml:1:1", "`version`"),
            (
                "version: 1\nbaseline:\n  - tcp:443:0.0.0.0/0\n  - tcp:443\n",
                "p.yaml:4:5",
                "`tcp:443`",
            ),
            (
                "version: 1\nbaseline:\n  - protocol: tcp\n    ports: [22, 70000]\n    sources: ::/0\n",
                "p.yaml:4:17",
                "70000",
            ),
            (
                "version: 1\negress:\n  - protocol: tcp\n    port: 22\n    sources: ::/0\n",
                "p.yaml:4:5",
                "`egress[0].port`",
            ),
            ("version: 1\nversion: 1\n", "p.yaml:2:1", "version"),
            ("version: 1\nbaseline: [\n", "p.yaml:", "cannot use"),
            ("- 1\n", "p.yaml:1:1", "JSON object"),
        ] {
            let shown = failure(&parse("p.yaml", text).unwrap_err());
            assert!(shown.contains(place), "{text}: {shown}");
            assert!(shown.contains(word), "{text}: {shown}");
        }
    }

    #[test]
    fn yaml_and_json_are_read_alike() {
        let yaml = "version: 1\nmatch: at-most\nbaseline:\n  - protocol: 6\n    ports: [80, 443]\n    sources: [0.0.0.0/0]\n";
        let json = r#"{"version": 1, "match": "at-most", "baseline": "tcp:80:0.0.0.0/0,tcp:443:0.0.0.0/0"}"#;
        assert_eq!(parse("y", yaml).unwrap(), parse("j", json).unwrap());
    }
}
