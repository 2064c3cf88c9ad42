//! Names of parameters: their grammar, their ARNs, and what follows a colon.

use super::invalid;
use crate::error::ApiError;
use crate::ids::{Arn, Elsewhere};
use crate::sandbox::Call;
use crate::service::Service;

/// Characters of a name together with the ARN in front of it, from the API reference.
const MAX_NAME: usize = 1_011;
/// Levels of a hierarchy.
const MAX_LEVELS: usize = 15;

/// The ARN of a parameter, or of a path. The slash in front of a hierarchy is the one after `parameter`.
pub(super) fn arn(call: &Call<'_>, name: &str) -> String {
    let name = name.strip_prefix('/').unwrap_or(name);
    call.arn("ssm", &format!("parameter/{name}"))
}

/// A parameter as a reader names it: `name`, its ARN, or either with `:version`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// What follows the colon: a version's number, or a label.
    pub(super) selector: Option<String>,
}

impl Wanted {
    /// What `operation` is asked for, if it is in this account and region.
    ///
    /// # Errors
    /// Another account's parameter would have to be shared, which is not implemented: the refusal is
    /// that of AWS for a parameter without a resource-based policy (Systems Manager User Guide,
    /// "Working with shared parameters"). Another region's is not found *(inferred)*.
    pub(super) fn read_here(
        call: &Call<'_>,
        operation: &str,
        given: &str,
    ) -> Result<Self, ApiError> {
        let elsewhere = Arn::parse(given).and_then(|arn| call.owns(&arn).err());
        match elsewhere {
            None => Ok(Self::read(given)),
            Some(Elsewhere::Account) => Err(call.not_authorized(Service::Ssm, operation, given)),
            Some(Elsewhere::Region) => Err(super::get::not_found(given)),
        }
    }

    /// The name in what is given, wherever that is.
    pub(super) fn read(given: &str) -> Self {
        let rest = match given.starts_with("arn:") {
            // arn:aws:ssm:region:account:parameter/…: the hierarchy begins with the slash, a plain name follows it.
            true => match given
                .splitn(6, ':')
                .nth(5)
                .and_then(|rest| rest.strip_prefix("parameter"))
            {
                Some(rest) if rest.matches('/').count() > 1 => rest,
                Some(rest) => rest.strip_prefix('/').unwrap_or(rest),
                None => given,
            },
            false => given,
        };
        match rest.split_once(':') {
            Some((name, selector)) => Self {
                name: name.to_owned(),
                selector: Some(selector.to_owned()),
            },
            None => Self {
                name: rest.to_owned(),
                selector: None,
            },
        }
    }
}

/// The forms that a name never has. Readers are refused too: recorded on AWS by LocalStack (8b9a79f0).
pub(super) fn check_form(name: &str) -> Result<(), ApiError> {
    let known = |b: u8| b.is_ascii_alphanumeric() || b"_.-/".contains(&b);
    if name.is_empty() || !name.bytes().all(known) || name.ends_with('/') || name.contains("//") {
        return Err(invalid(
            "Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_",
        ));
    }
    // A name of several levels is a path from the root; anything else could not be found by its path.
    if name.contains('/') && !name.starts_with('/') {
        return Err(invalid("Parameter name must be a fully qualified name."));
    }
    Ok(())
}

/// A name for a new parameter.
pub(super) fn check(call: &Call<'_>, name: &str) -> Result<(), ApiError> {
    check_form(name)?;
    let first = name.trim_start_matches('/').to_ascii_lowercase();
    if first.starts_with("aws") || first.starts_with("ssm") {
        // AWS keeps these for itself, the names of public parameters among them.
        return Err(if name.starts_with('/') && first.starts_with("aws") {
            ApiError::bad(
                "AccessDeniedException",
                format!("No access to reserved parameter name: {name}."),
            )
        } else {
            invalid("Parameter name: can't be prefixed with \"aws\" or \"ssm\" (case-insensitive).")
        });
    }
    if name.matches('/').count() > MAX_LEVELS {
        return Err(ApiError::bad(
            "HierarchyLevelLimitExceededException",
            format!("A parameter hierarchy can have at most {MAX_LEVELS} levels."),
        ));
    }
    if arn(call, name).len() > MAX_NAME {
        return Err(invalid(format!(
            "A parameter name, with its ARN, can have at most {MAX_NAME} characters."
        )));
    }
    Ok(())
}
