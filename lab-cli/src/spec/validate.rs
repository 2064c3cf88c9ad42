//! Checks of what people type, before anything is called.

use std::collections::BTreeMap;

use remediator_core::{Baseline, PolicySource, Scope};

use super::{LabScope, NAMES};
use crate::aws::Tags;
use crate::error::{Error, Result};

/// Characters of a local part besides letters and digits. A plus and a hyphen are ordinary in an address.
const ADDRESS_CHARACTERS: &str = "!#$%&'*+-/=?^_{|}~.";

/// An e-mail address as the template accepts it: a local part without quotes, and a domain with a dot.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn email(text: &str) -> Result<()> {
    let wrong = || {
        Error::input(format!("`{text}` is not an e-mail address"))
            .hint("give an address such as `student+lab@example.com`")
    };
    let (local, domain) = text.split_once('@').ok_or_else(wrong)?;
    let dots_fit = |part: &str| part.split('.').all(|piece| !piece.is_empty());
    let local_fits = dots_fit(local)
        && local
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || ADDRESS_CHARACTERS.contains(c));
    let label_fits = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    let top = domain.rsplit('.').next().unwrap_or_default();
    let domain_fits = domain.contains('.')
        && domain.split('.').all(label_fits)
        && top.len() >= 2
        && top.starts_with(|c: char| c.is_ascii_alphabetic());
    if local_fits && domain_fits && text.len() <= 254 {
        Ok(())
    } else {
        Err(wrong())
    }
}

/// An account string: part of the topic's name.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn student(text: &str) -> Result<()> {
    let fits = text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if fits {
        return Ok(());
    }
    Err(Error::input(format!("`{text}` is not an account string"))
        .hint("give 1 to 64 letters, digits, hyphens or underscores: what stands before the @ of your university address"))
}

/// A stack's name.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn stack(text: &str) -> Result<()> {
    let fits = text.len() <= 128
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if fits {
        return Ok(());
    }
    Err(Error::input(format!("`{text}` is not a stack name"))
        .hint("give up to 128 letters, digits and hyphens, beginning with a letter"))
}

/// The shape of a region: `us-east-1`, `us-gov-west-1`. Whether it exists is for the endpoint to say.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn region(text: &str) -> Result<()> {
    let parts: Vec<_> = text.split('-').collect();
    let (number, words) = parts.split_last().unwrap_or((&"", &[]));
    let fits = (2..=4).contains(&words.len())
        && words
            .iter()
            .all(|w| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase()))
        && !number.is_empty()
        && number.len() <= 2
        && number.chars().all(|c| c.is_ascii_digit());
    if fits {
        return Ok(());
    }
    Err(
        Error::input(format!("`{text}` is not the name of an AWS region"))
            .hint("give a region such as `us-east-1`"),
    )
}

/// A baseline.
///
/// # Errors
/// [`crate::error::Kind::Input`], with what the function would say.
pub fn baseline(text: &str) -> Result<Baseline> {
    text.parse()
        .map_err(|e| Error::input(format!("`{text}` is not a baseline")).caused_by(e))
}

/// A scope: `lab-vpc` or one that the function knows.
///
/// # Errors
/// [`crate::error::Kind::Input`], with what the function would say.
pub fn scope(text: &str) -> Result<LabScope> {
    if text == "lab-vpc" {
        return Ok(LabScope::LabVpc);
    }
    text.parse::<Scope>().map(LabScope::Asked).map_err(|e| {
        Error::input(format!("`{text}` is not a scope"))
            .caused_by(e)
            .hint("give `lab-vpc`, `vpc:vpc-…`, `tag:Key=Value` or `account`")
    })
}

/// The ARN of a role that CloudFormation may be given.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn cfn_role(arn: Option<&String>) -> Result<()> {
    match arn {
        Some(arn) if !iam_arn(arn, "role/") => {
            Err(Error::input(format!("`{arn}` is not the ARN of a role"))
                .hint("give one such as `arn:aws:iam::123456789012:role/driftlab-cloudformation`"))
        }
        Some(_) | None => Ok(()),
    }
}

/// The ARN of a managed policy that may be a permissions boundary.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn boundary(arn: Option<&String>) -> Result<()> {
    match arn {
        Some(arn) if !iam_arn(arn, "policy/") => Err(Error::input(format!(
            "`{arn}` is not the ARN of a managed policy"
        ))
        .hint("give one such as `arn:aws:iam::123456789012:policy/boundary`")),
        Some(_) | None => Ok(()),
    }
}

/// Whether a text is an ARN of IAM, of whatever partition, whose resource begins like that.
fn iam_arn(text: &str, kind: &str) -> bool {
    let parts: Vec<_> = text.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", partition, "iam", "", account, resource] => {
            let ours = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
            partition.starts_with("aws")
                && (ours || (kind == "policy/" && *account == "aws"))
                && resource.strip_prefix(kind).is_some_and(|name| {
                    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic())
                })
        }
        _ => false,
    }
}

/// Tags that every service of the lab accepts.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn tags(tags: &Tags) -> Result<()> {
    let allowed = |text: &str| {
        text.chars()
            .all(|c| c.is_alphanumeric() || " +-=._:/@".contains(c))
    };
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(Error::input(format!(
                "the tag `{key}` is too short or too long"
            )));
        }
        if !allowed(key) || !allowed(value) {
            return Err(Error::input(format!(
                "the tag `{key}={value}` has a character that AWS does not take"
            )));
        }
        if key.to_ascii_lowercase().starts_with("aws:") || key.starts_with("driftlab:") {
            return Err(
                Error::input(format!("the tag `{key}` begins with a reserved prefix"))
                    .hint("choose a key that begins with neither `aws:` nor `driftlab:`"),
            );
        }
    }
    // AWS allows fifty; the lab needs two of them for itself and CloudFormation adds its own.
    if tags.len() > 40 {
        return Err(Error::input(format!(
            "{} tags are too many, give 40 at most",
            tags.len()
        )));
    }
    Ok(())
}

/// Parameters of the template that may be chosen; the others follow from the rest of the settings.
///
/// # Errors
/// [`crate::error::Kind::Input`].
pub fn parameters(parameters: &BTreeMap<String, String>) -> Result<()> {
    for name in parameters.keys() {
        if !NAMES.iter().any(|(known, _)| known == name) {
            let known: Vec<_> = NAMES
                .iter()
                .map(|(known, _)| format!("`{known}`"))
                .collect();
            return Err(
                Error::input(format!("`{name}` is not a parameter that can be chosen"))
                    .hint(format!("choose among {}", known.join(", "))),
            );
        }
    }
    Ok(())
}

/// The fast path has a policy of its own, which only by default is that of the rule.
///
/// # Errors
/// [`crate::error::Kind::Input`] where the two would differ without anybody's having said so, or where the policy is none.
pub fn fast_path(
    parameters: &BTreeMap<String, String>,
    baseline: &Baseline,
    scope: &LabScope,
) -> Result<()> {
    let value = |name: &str| parameters.get(name).map_or("", String::as_str);
    if value("FastPath") != "true" {
        return Ok(());
    }
    match value("FastPathPolicy") {
        "" if *baseline == Baseline::default() && *scope == LabScope::LabVpc => Ok(()),
        "" => Err(Error::input(
            "the fast path would follow the default baseline and scope, the rule others",
        )
        .hint("give the rule's parameters as `FastPathPolicy` too")),
        policy => PolicySource::from_parameters(policy)
            .map(drop)
            .map_err(|e| Error::input("the parameter `FastPathPolicy` is no policy").caused_by(e)),
    }
}

/// Reads `KEY=VALUE` for the command line.
///
/// # Errors
/// What is wrong, for the command line to print.
pub fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        Some(_) | None => Err(format!("`{text}` is not KEY=VALUE")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(valid: fn(&str) -> Result<()>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert!(valid(text).is_ok(), "{text} is good");
        }
        for text in bad {
            assert!(valid(text).is_err(), "{text} is bad");
        }
    }

    #[test]
    fn addresses() {
        check(
            email,
            &[
                "student@example.com",
                "a+lab@ust.hk",
                "jo-ann.o'hara@mail.connect.ust.hk",
                "x@y-z.example",
            ],
            &[
                "",
                "a",
                "a@b",
                "@b.example",
                "a@",
                "a@@b.example",
                "a b@c.example",
                ".a@b.example",
                "a..b@c.example",
                "a@b..example",
                "a@-b.example",
                "a@b.1",
                "a@b.example.",
                "ä@b.example",
                "a@b.example\n",
            ],
        );
        assert!(email(&format!("{}@b.example", "a".repeat(250))).is_err());
    }

    #[test]
    fn names() {
        check(
            student,
            &["student", "a1", "x_y-z"],
            &["", "-a", "a b", "a.b", "a@b", "é"],
        );
        check(
            stack,
            &["lab-environment", "L7"],
            &["", "7lab", "lab_environment", "lab environment", "-lab"],
        );
        assert!(stack(&"x".repeat(129)).is_err());
    }

    #[test]
    fn regions() {
        check(
            region,
            &[
                "us-east-1",
                "us-gov-west-1",
                "ap-southeast-3",
                "us-isob-east-1",
            ],
            &[
                "",
                "us",
                "us-east",
                "useast1",
                "US-EAST-1",
                "us-east-1a",
                "us--1",
                "us-east-123",
                "us-east-1 ",
            ],
        );
    }

    #[test]
    fn arns_of_iam() {
        let role = |text: &str| cfn_role(Some(&text.to_owned()));
        let policy = |text: &str| boundary(Some(&text.to_owned()));
        check(
            role,
            &[
                "arn:aws:iam::123456789012:role/r",
                "arn:aws-cn:iam::123456789012:role/path/r",
            ],
            &[
                "",
                "r",
                "arn:aws:iam::123456789012:role/",
                "arn:aws:iam::123456789012:user/r",
                "arn:aws:iam::aws:role/r",
                "arn:aws:sts::123456789012:assumed-role/r/s",
            ],
        );
        check(
            policy,
            &[
                "arn:aws:iam::123456789012:policy/p",
                "arn:aws-us-gov:iam::aws:policy/PowerUserAccess",
            ],
            &[
                "",
                "arn:aws:iam::123456789012:role/p",
                "arn:aws:iam::12:policy/p",
            ],
        );
        assert!(cfn_role(None).is_ok() && boundary(None).is_ok());
    }

    #[test]
    fn the_fast_path_follows_the_rule() {
        let check = |pairs: &[(&str, &str)], baseline: &str| {
            let parameters = pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            let baseline = super::baseline(baseline).unwrap_or_default();
            fast_path(&parameters, &baseline, &LabScope::LabVpc).is_ok()
        };
        let on = ("FastPath", "true");
        assert!(check(&[], "dual-stack"));
        assert!(check(&[on], "ipv4"));
        assert!(!check(&[on], "dual-stack"));
        let policy = ("FastPathPolicy", r#"{"baseline":"dual-stack"}"#);
        assert!(check(&[on, policy], "dual-stack"));
        assert!(!check(
            &[on, ("FastPathPolicy", r#"{"colour":"red"}"#)],
            "ipv4"
        ));
    }

    #[test]
    fn scopes_and_pairs() {
        assert_eq!(scope("lab-vpc").ok(), Some(LabScope::LabVpc));
        assert_eq!(scope("account").ok(), Some(LabScope::Asked(Scope::Account)));
        assert!(scope("region").is_err());
        assert_eq!(pair("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(pair("ab").is_err());
        assert!(pair("=b").is_err());
    }
}
