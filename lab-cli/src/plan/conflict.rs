//! What deploying would overwrite or run into. Looked for before anything is made.

use std::fmt;

use crate::error::Error;
use crate::journal::unknown_fields;
use crate::spec::RULE_NAME;
use crate::state::{Observed, Phase, phase};

/// Something in the way that is not this lab's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A stack of our name that driftlab did not make.
    ForeignStack {
        /// Its name.
        stack: String,
    },
    /// The one recorder of the region.
    Recorder {
        /// Its name.
        name: String,
        /// Its role.
        role_arn: String,
    },
    /// A recorder that could not be given back as it was, because it has something that this program does not know.
    StrangeRecorder {
        /// Its name.
        name: String,
        /// What it has.
        unknown: Vec<String>,
    },
    /// The one delivery channel of the region.
    Channel {
        /// Its name.
        name: String,
        /// Its bucket.
        bucket: String,
    },
    /// A rule of our name.
    Rule,
    /// A resource of a name that the stack uses.
    Name {
        /// What it is.
        kind: &'static str,
        /// Its name.
        name: String,
        /// The parameter that gives ours another one.
        parameter: &'static str,
        /// Whether it is a remainder of this very lab.
        own: bool,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignStack { stack } => write!(f, "stack `{stack}` was not made by driftlab"),
            Self::Recorder { name, role_arn } => {
                write!(
                    f,
                    "configuration recorder `{name}` records with `{role_arn}`, which is not this lab's"
                )
            }
            Self::StrangeRecorder { name, unknown } => write!(
                f,
                "configuration recorder `{name}` has something that could not be given back: `{}`",
                unknown.join("`, `")
            ),
            Self::Channel { name, bucket } => {
                write!(
                    f,
                    "delivery channel `{name}` delivers to `{bucket}`, which is not this lab's"
                )
            }
            Self::Rule => write!(f, "rule `{RULE_NAME}` is not this lab's"),
            Self::Name {
                kind,
                name,
                own: false,
                ..
            } => write!(f, "{kind} `{name}` exists and is not this lab's"),
            Self::Name {
                kind,
                name,
                own: true,
                ..
            } => {
                write!(
                    f,
                    "{kind} `{name}` is left over from this lab, whose stack is gone"
                )
            }
        }
    }
}

impl Conflict {
    /// The ways forward.
    fn hints(&self) -> Vec<String> {
        match self {
            Self::ForeignStack { stack } => vec![
                "deploy under another name with `--stack`".to_owned(),
                format!(
                    "or hand the stack over: update it with the tag `driftlab:lab={stack}`, then run the same command again"
                ),
            ],
            Self::Recorder { .. } | Self::Channel { .. } => vec![
                "deploy in another region with `--region`: AWS Config has one recorder and one channel for each".to_owned(),
                "or borrow what is there with `--adopt`: the recorder is widened only as far as the lab needs, the channel stays as it is, and clean-up gives them back as they were".to_owned(),
            ],
            Self::StrangeRecorder { .. } => vec![
                "deploy in another region with `--region`".to_owned(),
                "or use a newer driftlab, which may know it".to_owned(),
            ],
            Self::Rule => vec![
                "deploy in another region with `--region`".to_owned(),
                format!("or, if nobody needs it, delete the rule `{RULE_NAME}` yourself first"),
            ],
            Self::Name { own: true, .. } => vec!["remove what is left with `cleanup`, then deploy again".to_owned()],
            Self::Name { parameter, kind, own: false, .. } => vec![
                format!("give the lab's {kind} another name with `--parameter {parameter}=…`"),
                format!("or, if nobody needs it, delete the {kind} yourself first"),
            ],
        }
    }
}

/// Everything that is in the way. With `adopt`, recorder and channel of somebody else are not, as they will be borrowed.
pub fn conflicts(observed: &Observed, adopt: bool) -> Vec<Conflict> {
    let mut found = Vec::new();
    match &observed.stack {
        Some(stack) if !observed.owns_stack() => found.push(Conflict::ForeignStack {
            stack: stack.description.name.clone(),
        }),
        Some(stack) if phase(&stack.description.status) != Phase::Review => {}
        Some(_) | None => found.extend(observed.named.iter().map(|named| Conflict::Name {
            kind: named.kind,
            name: named.name.clone(),
            parameter: named.parameter,
            own: observed.place.owns(&named.tags),
        })),
    }
    for recorder in &observed.recorders {
        if observed.owns_recorder(recorder) {
            continue;
        }
        let unknown = unknown_fields(&recorder.it.raw);
        if !adopt && !observed.has_borrowed_recorder() {
            found.push(Conflict::Recorder {
                name: recorder.it.name().to_owned(),
                role_arn: recorder.it.it.role_arn.clone(),
            });
        } else if !unknown.is_empty() {
            found.push(Conflict::StrangeRecorder {
                name: recorder.it.name().to_owned(),
                unknown,
            });
        }
    }
    for channel in &observed.channels {
        if !adopt && !observed.owns_channel(channel) && !observed.has_borrowed_channel() {
            found.push(Conflict::Channel {
                name: channel.channel.name.clone(),
                bucket: channel.channel.bucket.clone(),
            });
        }
    }
    if observed.rule.iter().any(|rule| !observed.owns_rule(rule)) {
        found.push(Conflict::Rule);
    }
    found
}

/// The refusal that conflicts lead to; `None` when there are none.
pub fn refusal(conflicts: &[Conflict]) -> Option<Error> {
    let list: Vec<_> = conflicts.iter().map(ToString::to_string).collect();
    if list.is_empty() {
        return None;
    }
    let mut hints: Vec<String> = Vec::new();
    for hint in conflicts.iter().flat_map(Conflict::hints) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    let error = Error::refused(format!(
        "nothing was changed, because {}",
        list.join("; and ")
    ));
    Some(hints.into_iter().fold(error, Error::hint))
}
