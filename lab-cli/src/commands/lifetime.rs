//! What `deploy` does about the end of the lab: owner and expiry in its tags, and the self-destruct behind them.

use time::OffsetDateTime;

use crate::aws::variable;
use crate::aws::{Doing, Tags, Writer};
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::permissions::Names;
use crate::plan::Plan;
use crate::spec::{Settings, Spec};
use crate::state::{Observed, Outputs, Phase, Place, phase};
use crate::sunset::{self, Armed, EXPIRES_TAG, Facts, OWNER_TAG, Ttl};

/// What the tag says of a lab that shall live on.
const NEVER: &str = "never";

/// What the command line says of the end of a lab.
#[derive(Debug, Clone, Copy, clap::Args)]
#[group(multiple = false)]
pub(super) struct EndArgs {
    /// Let AWS remove the lab by itself after this time, such as `3h` or `7d`; `off` lets an armed one live on.
    /// `DRIFTLAB_TTL` says the same
    #[arg(long, value_name = "DURATION")]
    ttl: Option<Ttl>,
    /// Let AWS remove the lab by itself at this moment, such as 2026-11-25T18:30Z or 2026-11-26T02:30+08:00
    #[arg(long, value_name = "TIME", value_parser = sunset::until)]
    until: Option<OffsetDateTime>,
}

/// What is asked for, by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct AskedEnd {
    /// By the command line or the environment, for this deployment.
    now: Option<Ttl>,
    /// By the settings file, for a lab that has no expiry yet. It stands there for each deployment, which would move the
    /// expiry every time, and take back what `extend` gave.
    usual: Option<Ttl>,
}

impl EndArgs {
    /// The command line before the environment; the settings file beside both.
    ///
    /// # Errors
    /// [`crate::error::Kind::Input`] for a variable that is no duration.
    pub(super) fn asked(self, settings: &Settings) -> Result<AskedEnd> {
        self.asked_beside(variable("DRIFTLAB_TTL"), settings)
    }

    fn asked_beside(self, variable: Option<String>, settings: &Settings) -> Result<AskedEnd> {
        let named = self.ttl.or(self.until.map(Ttl::At));
        let now = match (named, variable) {
            (Some(named), _) => Some(named),
            (None, Some(text)) => Some(text.parse().map_err(|e: String| {
                Error::input("the variable `DRIFTLAB_TTL` is no duration").caused_by(e)
            })?),
            (None, None) => None,
        };
        Ok(AskedEnd {
            now,
            usual: settings.ttl,
        })
    }
}

impl AskedEnd {
    /// Whether the lab may remove itself.
    pub(super) fn may_end(self) -> bool {
        let ends = |ttl| matches!(ttl, Ttl::In(_) | Ttl::At(_));
        self.now.or(self.usual).is_some_and(ends)
    }
}

/// What was asked for, and what is armed already.
#[derive(Debug)]
pub(super) struct Lifetime {
    /// When the lab will remove itself.
    pub(super) expires: Option<OffsetDateTime>,
    /// Whether schedules have to be put.
    arms: bool,
    /// Whether the lab shall live on although it would have expired.
    off: bool,
    armed: Armed,
}

impl Lifetime {
    /// Reads what is asked for and the tags of the stack. A lab of which nothing is asked keeps the expiry that it has, and
    /// lives on where that was said once.
    ///
    /// # Errors
    /// [`crate::error::Kind::Input`] for a moment that is too near or too far.
    pub(super) fn of(
        asked: AskedEnd,
        observed: &Observed,
        armed: Armed,
        now: OffsetDateTime,
    ) -> Result<Self> {
        let tags = observed
            .stack
            .as_ref()
            .filter(|stack| {
                observed.owns_stack() && phase(&stack.description.status) == Phase::Usable
            })
            .map(|stack| &stack.description.tags);
        let kept = tags.and_then(sunset::expiry).filter(|at| *at > now);
        let lives_on = tags
            .and_then(|tags| tags.get(EXPIRES_TAG))
            .is_some_and(|said| said == NEVER);
        let usual = asked.usual.filter(|_| kept.is_none() && !lives_on);
        let ttl = asked.now.or(usual);
        let expires = match ttl {
            Some(ttl) => ttl.expiry(now).map_err(Error::input)?,
            None => kept,
        };
        Ok(Self {
            expires,
            // What the tags promise has to be armed, whoever took the schedules away.
            arms: expires.is_some() && (ttl.is_some() || armed.schedules.is_empty()),
            off: asked.now == Some(Ttl::Off),
            armed,
        })
    }

    /// The spec with owner and expiry among its tags. An owner stays the owner when somebody else deploys again.
    pub(super) fn mark(&self, spec: &Spec, observed: &Observed) -> Spec {
        let mut spec = spec.clone();
        let stack = observed.stack.as_ref().filter(|_| observed.owns_stack());
        let owner = stack.and_then(|stack| stack.description.tags.get(OWNER_TAG));
        let owner = owner
            .cloned()
            .unwrap_or_else(|| sunset::owner(&observed.place));
        spec.tags.insert(OWNER_TAG.to_owned(), owner);
        let expires = match self.expires {
            Some(at) => Some(sunset::stamp_of(at)),
            None => self.off.then(|| NEVER.to_owned()),
        };
        spec.tags
            .extend(expires.map(|at| (EXPIRES_TAG.to_owned(), at)));
        spec
    }

    /// What the deployment does about the end of the lab, and what will happen then.
    pub(super) fn ends(&self, now: OffsetDateTime) -> Vec<String> {
        match self.expires {
            Some(expires) => sunset::lines(expires, now),
            None if self.disarms() => {
                let count = self.armed.schedules.len();
                vec![format!("- self-destruct ({count} schedules)")]
            }
            None => Vec::new(),
        }
    }

    /// Warns of what a self-destruct cannot do.
    pub(super) fn warn(&self, context: &Context, observed: &Observed) {
        let borrowed = |expires| Facts::of(observed, None, expires).recorder.is_none();
        if self.expires.is_some_and(borrowed) {
            context.ui.warn("the recorder is borrowed: AWS cannot give it back by itself, so it stays as it is, and with it the code bucket that holds the journal; give it back with `cleanup`");
        }
    }

    /// Whether there is something to do, and so to agree to.
    pub(super) fn changes(&self) -> bool {
        self.arms || self.disarms()
    }

    fn disarms(&self) -> bool {
        self.expires.is_none() && !self.armed.is_empty()
    }

    fn tags(spec: &Spec) -> Tags {
        let mut tags = spec.all_tags();
        tags.retain(|key, _| key.starts_with("driftlab:"));
        tags
    }

    /// The names of the lab as it is, and as it shall be.
    fn names(place: &Place, spec: &Spec, observed: &Observed) -> (Option<Names>, Names) {
        let stack = observed.stack.as_ref().filter(|stack| {
            // One that is only reviewed has nothing yet that bears a name.
            observed.owns_stack() && phase(&stack.description.status) != Phase::Review
        });
        let before = stack.map(|stack| Names::of(place, &stack.description.parameters));
        let request = spec.stack_request(&place.code_bucket());
        (before, Names::of(place, &request.parameters))
    }

    /// Arms the self-destruct before anything is made: a deployment that dies half-way removes itself, too. An old
    /// self-destruct must not outlive the lab that it was for. One that goes on reaches what bears the lab's old names as well
    /// as the new ones, as nobody knows how far the deployment gets.
    ///
    /// # Errors
    /// The call that failed.
    pub(super) async fn before(
        &self,
        context: &Context,
        writer: &Writer,
        spec: &Spec,
        observed: &Observed,
    ) -> Result<()> {
        let place = &context.place;
        if self.disarms() {
            let gone = sunset::disarm(writer, place, &self.armed).await?;
            context.ui.say(format_args!("removed {}", gone.join(", ")));
        }
        let Some(expires) = self.expires else {
            return Ok(());
        };
        let (before, wanted) = Self::names(place, spec, observed);
        let before = before.filter(|before| *before != wanted);
        let renames = before.is_some();
        let reach: Vec<_> = before.into_iter().chain([wanted]).collect();
        let tags = Self::tags(spec);
        let outputs = observed.outputs()?;
        let facts = Facts::of(observed, outputs.as_ref(), expires);
        if !self.arms {
            if renames {
                sunset::empower((writer, place), &reach, &tags).await?;
            }
            return sunset::adjust(writer, place, &facts, &self.armed).await;
        }
        let hands = ((writer, place), (&context.ui, &context.clock));
        sunset::arm(hands.0, hands.1, &facts, &reach, &tags, &self.armed).await
    }

    /// Arms what could not be known before, lets go of names that the lab had before, and writes owner and expiry on what no
    /// stack tags.
    ///
    /// # Errors
    /// The call that failed.
    pub(super) async fn after(
        &self,
        context: &Context,
        (writer, spec): (&Writer, &Spec),
        observed: &Observed,
        (plan, outputs): (&Plan, &Outputs),
    ) -> Result<()> {
        let (aws, place) = (&context.aws, &context.place);
        let nothing_new = !self.arms && plan.is_empty();
        if nothing_new || (self.expires.is_none() && !self.off) {
            return Ok(());
        }
        if let Some(expires) = self.expires {
            let (before, wanted) = Self::names(place, spec, observed);
            // Armed by an earlier deployment, or for two names.
            if !self.arms || before.is_some_and(|before| before != wanted) {
                sunset::empower((writer, place), &[wanted], &Self::tags(spec)).await?;
            }
            let mut facts = Facts::of(observed, Some(outputs), expires);
            let what = format!("look at the stack `{}`", place.stack);
            if let Some(stack) = aws.stack(&place.stack).await.doing(what)? {
                facts.stack = stack.id;
            }
            sunset::rearm(writer, place, &facts).await?;
        }
        sunset::stamp(aws, writer, place, &Self::tags(spec)).await
    }

    /// After a deployment that failed and took everything back, there is nothing left to remove.
    pub(super) async fn gave_up(&self, context: &Context, writer: &Writer, error: Error) -> Error {
        let place = &context.place;
        let gone = matches!(context.aws.stack(&place.stack).await, Ok(None));
        if !gone || !self.arms {
            return error;
        }
        let disarmed = async {
            let armed = sunset::armed(&context.aws, place).await?;
            sunset::disarm(writer, place, &armed).await
        };
        match disarmed.await {
            Ok(_) => error,
            Err(second) => error.hint(format!(
                "run `cleanup`: removing the self-destruct failed too: {second}"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use crate::state::fixtures::{converged, nothing};
    use std::time::Duration;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

    fn hours(hours: u64) -> Ttl {
        Ttl::In(Duration::from_secs(hours * 3600))
    }

    #[test]
    fn the_command_line_says_when_the_lab_ends_before_the_environment_and_the_file() {
        let at = datetime!(2026-11-26 2:30 +8);
        let check = |(ttl, until), variable: Option<&str>, file, expected| {
            let settings = Settings {
                ttl: file,
                ..Settings::default()
            };
            let asked = EndArgs { ttl, until }.asked_beside(variable.map(str::to_owned), &settings);
            let asked = asked.unwrap();
            assert_eq!((asked.now, asked.usual), expected);
        };
        let file = Some(hours(3));
        check(
            (Some(hours(1)), None),
            Some("2h"),
            file,
            (Some(hours(1)), file),
        );
        check(
            (None, Some(at)),
            Some("2h"),
            file,
            (Some(Ttl::At(at)), file),
        );
        check(
            (Some(Ttl::Off), None),
            Some("1s"),
            file,
            (Some(Ttl::Off), file),
        );
        check((None, None), Some("2h"), file, (Some(hours(2)), file));
        check((None, None), None, file, (None, file));
        check((None, None), None, None, (None, None));
    }

    fn expires(asked: AskedEnd, observed: &Observed) -> Option<OffsetDateTime> {
        let lifetime = Lifetime::of(asked, observed, Armed::default(), NOW).unwrap();
        lifetime.expires
    }

    #[test]
    fn what_the_file_says_holds_for_a_lab_without_an_expiry_only() {
        let usual = AskedEnd {
            now: None,
            usual: Some(hours(3)),
        };
        let in_hours = |hours| Some(NOW + time::Duration::hours(hours));
        assert_eq!(expires(usual, &nothing()), in_hours(3));
        let mut lab = converged();
        assert_eq!(expires(usual, &lab), in_hours(3));
        let tag = |lab: &mut Observed, said: &str| {
            let stack = lab.stack.as_mut().unwrap();
            let tags = &mut stack.description.tags;
            tags.insert(EXPIRES_TAG.to_owned(), said.to_owned());
        };
        // What `extend` gave is not taken back, and what was told to live on does.
        tag(&mut lab, "2026-11-25T20:00:00Z");
        assert_eq!(expires(usual, &lab), in_hours(8));
        tag(&mut lab, NEVER);
        assert_eq!(expires(usual, &lab), None);
        // An expiry that has passed is none.
        tag(&mut lab, "2026-11-25T11:00:00Z");
        assert_eq!(expires(usual, &lab), in_hours(3));
        let now = AskedEnd {
            now: Some(hours(1)),
            ..usual
        };
        tag(&mut lab, "2026-11-25T20:00:00Z");
        assert_eq!(expires(now, &lab), in_hours(1));
    }

    #[test]
    fn a_moment_that_has_passed_is_refused() {
        let asked = AskedEnd {
            now: Some(Ttl::At(NOW)),
            usual: None,
        };
        let error = Lifetime::of(asked, &nothing(), Armed::default(), NOW).unwrap_err();
        assert_eq!(error.kind(), crate::error::Kind::Input);
    }
}
