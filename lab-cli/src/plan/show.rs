//! How a plan looks: one line a step, and under it what differs.

use std::fmt;

use super::{Change, Difference, Kept, Plan};
use crate::aws::{PropertyChange, ResourceChange};
use crate::output::inline;

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeCodeBucket { bucket } => put(f, format_args!("+ code bucket `{bucket}`")),
            Self::UploadPackage { key, bytes } => {
                put(f, format_args!("+ package `{key}` ({bytes} bytes)"))
            }
            Self::RemoveBrokenStack { stack, status } => {
                put(f, format_args!("- stack `{stack}` ({status})"))
            }
            Self::RecoverStack { stack, status } => put(
                f,
                format_args!(
                    "~ stack `{stack}` (it is {status}: back to what it was, and planned anew from there)"
                ),
            ),
            Self::CreateStack { stack, resources } => {
                put(f, format_args!("+ stack `{stack}`"))?;
                list(f, resources)
            }
            Self::UpdateStack {
                stack,
                because,
                resources,
            } => {
                put(
                    f,
                    format_args!("~ stack `{stack}` ({})", because.join(", ")),
                )?;
                list(f, resources)
            }
            Self::ReplaceCode { function } => put(
                f,
                format_args!("~ code of function `{function}` (it is not our package)"),
            ),
            Self::PutRecorder {
                recorder,
                is_new,
                differs,
            } => {
                let sign = sign(*is_new);
                put(
                    f,
                    format_args!("{sign} configuration recorder `{recorder}`"),
                )?;
                fields(f, differs)
            }
            Self::AdoptRecorder { recorder, differs } => {
                put(
                    f,
                    format_args!("& configuration recorder `{recorder}`, borrowed"),
                )?;
                if differs.is_empty() {
                    f.write_str(" as it is: it records security groups continuously")?;
                }
                fields(f, differs)
            }
            Self::PutChannel {
                channel,
                is_new,
                differs,
            } => {
                put(
                    f,
                    format_args!("{} delivery channel `{channel}`", sign(*is_new)),
                )?;
                fields(f, differs)
            }
            Self::AdoptChannel { channel, bucket } => put(
                f,
                format_args!(
                    "& delivery channel `{channel}`, borrowed as it is: it delivers to `{bucket}`, and the lab's topic is told nothing"
                ),
            ),
            Self::StartRecorder { recorder } => put(
                f,
                format_args!("~ configuration recorder `{recorder}` (start it)"),
            ),
            Self::PutRetention { days } => put(
                f,
                format_args!("+ retention of configuration history ({days} days)"),
            ),
            Self::PutRule {
                rule,
                is_new,
                differs,
            } => {
                put(f, format_args!("{} rule `{rule}`", sign(*is_new)))?;
                fields(f, differs)
            }
        }
    }
}

/// Writes what stands on one line. AWS Config takes any name for a recorder or a channel, line breaks included.
fn put(f: &mut fmt::Formatter<'_>, text: fmt::Arguments<'_>) -> fmt::Result {
    f.write_str(&inline(&text.to_string()))
}

fn sign(is_new: bool) -> char {
    if is_new { '+' } else { '~' }
}

fn fields(f: &mut fmt::Formatter<'_>, differs: &[Difference]) -> fmt::Result {
    differs
        .iter()
        .try_for_each(|difference| write!(f, "\n    {difference}"))
}

fn list(f: &mut fmt::Formatter<'_>, resources: &[ResourceChange]) -> fmt::Result {
    resources
        .iter()
        .try_for_each(|resource| write!(f, "\n    {}", inline(&resource.to_string())))
}

impl fmt::Display for ResourceChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            action,
            logical_id,
            physical_id,
            resource_type,
            replacement,
            details,
        } = self;
        let sign = match action.as_str() {
            "Add" | "Import" => '+',
            "Remove" => '-',
            _ => '~',
        };
        write!(f, "{sign} {resource_type} {logical_id}")?;
        if let Some(id) = physical_id {
            write!(f, " `{id}`")?;
        }
        match replacement.as_deref() {
            Some("True") => f.write_str(", made anew")?,
            Some("Conditional") => f.write_str(", perhaps made anew")?,
            Some(_) | None => {}
        }
        if !details.is_empty() {
            let details: Vec<_> = details.iter().map(ToString::to_string).collect();
            write!(f, " ({})", details.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for PropertyChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or(&self.attribute))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            writeln!(f, "nothing to change")?;
        }
        for change in &self.changes {
            writeln!(f, "{change}")?;
        }
        for Kept { subject, reason } in &self.kept {
            put(f, format_args!("= {subject} ({reason})"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}
