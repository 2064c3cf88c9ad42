//! What deploying would overwrite or run into. Looked for before anything is made.

use std::fmt;

use crate::aws::{RuleDescription, Tags};
use crate::error::Error;
use crate::journal::unknown_fields;
use crate::spec::{RULE_NAME, TAG};
use crate::state::{Observed, Outputs, Phase, Tagged, phase};

/// Something in the way that is not this lab's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// A stack of our name that driftlab did not make.
    ForeignStack {
        /// Its name.
        stack: String,
        /// Whether it was made from the lab's template.
        from_template: bool,
    },
    /// The one recorder of the region.
    Recorder {
        /// Its name.
        name: String,
        /// Its role.
        role_arn: String,
        /// The other lab that it is part of.
        lab: Option<String>,
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
    Rule {
        /// The other lab that it is part of.
        lab: Option<String>,
    },
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
        /// The other lab that it is part of.
        lab: Option<String>,
    },
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForeignStack { stack, .. } => {
                write!(f, "stack `{stack}` was not made by driftlab")
            }
            Self::Recorder {
                name,
                role_arn,
                lab,
            } => write!(
                f,
                "configuration recorder `{name}` records with `{role_arn}`, which is {}",
                whose(lab.as_deref())
            ),
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
            Self::Rule { lab } => write!(f, "rule `{RULE_NAME}` is {}", whose(lab.as_deref())),
            Self::Name {
                kind,
                name,
                own: false,
                lab,
                ..
            } => write!(f, "{kind} `{name}` exists and is {}", whose(lab.as_deref())),
            Self::Name {
                kind,
                name,
                own: true,
                ..
            } => {
                write!(
                    f,
                    "{kind} `{name}` bears this lab's tag, and the lab has no stack here"
                )
            }
        }
    }
}

impl Conflict {
    /// The ways forward.
    fn hints(&self) -> Vec<String> {
        match self {
            Self::ForeignStack { stack, from_template } => {
                let other = "deploy under another name with `--stack`".to_owned();
                let hand_over = from_template.then(|| format!(
                    "or, if this lab was made by hand from the template, hand its stack over: update it with the tag `{TAG}={stack}`, then run the same command again"
                ));
                std::iter::once(other).chain(hand_over).collect()
            }
            Self::Recorder { lab: Some(lab), .. } | Self::Rule { lab: Some(lab) } => vec![
                format!("go on with the lab that is there: `--stack {lab}`"),
                "or deploy in another region with `--region`: AWS Config has one recorder for each, and the rule's name there is free".to_owned(),
            ],
            Self::Recorder { .. } | Self::Channel { .. } => vec![
                "deploy in another region with `--region`: AWS Config has one recorder and one channel for each".to_owned(),
                "or borrow what is there with `--adopt`: the recorder is widened only as far as the lab needs, the channel stays as it is, and clean-up gives them back as they were".to_owned(),
            ],
            Self::StrangeRecorder { .. } => vec![
                "deploy in another region with `--region`".to_owned(),
                "or use a newer driftlab, which may know it".to_owned(),
            ],
            Self::Rule { lab: None } => vec![
                "deploy in another region with `--region`".to_owned(),
                format!("or ask the owner of the rule `{RULE_NAME}`: each name is there once in a region"),
            ],
            Self::Name { own: true, kind, parameter, .. } => vec![
                "run `cleanup`: it tells what is left of the lab, or that it lives in another region".to_owned(),
                format!("or give the lab's {kind} another name with `--parameter {parameter}=…`"),
            ],
            Self::Name { parameter, kind, own: false, .. } => vec![
                format!("give the lab's {kind} another name with `--parameter {parameter}=…`"),
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
            from_template: Outputs::of(&stack.description).is_ok(),
        }),
        Some(stack) if phase(&stack.description.status) != Phase::Review => {}
        Some(_) | None => found.extend(observed.named.iter().map(|named| Conflict::Name {
            kind: named.kind,
            name: named.name.clone(),
            parameter: named.parameter,
            own: observed.place.owns(&named.tags),
            lab: lab_of(&named.tags, observed),
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
                lab: lab_of(&recorder.tags, observed),
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
    let foreign = |rule: &&Tagged<RuleDescription>| !observed.owns_rule(rule);
    if let Some(rule) = observed.rule.as_ref().filter(foreign) {
        found.push(Conflict::Rule {
            lab: lab_of(&rule.tags, observed),
        });
    }
    found
}

/// The other lab that tags name.
fn lab_of(tags: &Tags, observed: &Observed) -> Option<String> {
    let lab = tags.get(TAG)?;
    (*lab != observed.place.stack).then(|| lab.clone())
}

fn whose(lab: Option<&str>) -> String {
    match lab {
        Some(lab) => format!("that of the lab `{lab}`"),
        None => "not this lab's".to_owned(),
    }
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
