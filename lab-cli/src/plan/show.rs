//! How a plan looks: one line a step, and under it what differs.

use std::fmt;

use super::{Change, Difference, Kept, Plan};
use crate::aws::{PropertyChange, ResourceChange};

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MakeCodeBucket { bucket } => write!(f, "+ code bucket `{bucket}`"),
            Self::UploadPackage { key, bytes } => write!(f, "+ package `{key}` ({bytes} bytes)"),
            Self::RemoveBrokenStack { stack, status } => write!(f, "- stack `{stack}` ({status})"),
            Self::RecoverStack { stack, status } => write!(
                f,
                "~ stack `{stack}` (it is {status}: back to what it was, and planned anew from there)"
            ),
            Self::CreateStack { stack, resources } => {
                write!(f, "+ stack `{stack}`")?;
                list(f, resources)
            }
            Self::UpdateStack {
                stack,
                because,
                resources,
            } => {
                write!(f, "~ stack `{stack}` ({})", because.join(", "))?;
                list(f, resources)
            }
            Self::ReplaceCode { function } => {
                write!(f, "~ code of function `{function}` (it is not our package)")
            }
            Self::PutRecorder {
                recorder,
                is_new,
                differs,
            } => {
                let sign = sign(*is_new);
                write!(f, "{sign} configuration recorder `{recorder}`")?;
                fields(f, differs)
            }
            Self::AdoptRecorder { recorder, differs } => {
                write!(f, "& configuration recorder `{recorder}`, borrowed")?;
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
                write!(f, "{} delivery channel `{channel}`", sign(*is_new))?;
                fields(f, differs)
            }
            Self::AdoptChannel { channel, bucket } => write!(
                f,
                "& delivery channel `{channel}`, borrowed as it is: it delivers to `{bucket}`, and the lab's topic is told nothing"
            ),
            Self::StartRecorder { recorder } => {
                write!(f, "~ configuration recorder `{recorder}` (start it)")
            }
            Self::PutRetention { days } => {
                write!(f, "+ retention of configuration history ({days} days)")
            }
            Self::PutRule {
                rule,
                is_new,
                differs,
            } => {
                write!(f, "{} rule `{rule}`", sign(*is_new))?;
                fields(f, differs)
            }
        }
    }
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
        .try_for_each(|resource| write!(f, "\n    {resource}"))
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
            writeln!(f, "= {subject} ({reason})")?;
        }
        Ok(())
    }
}
