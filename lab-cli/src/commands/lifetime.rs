//! What `deploy` does about the end of the lab: owner and expiry in its tags, and the self-destruct behind them.

use time::OffsetDateTime;

use crate::aws::{Doing, Tags, Writer};
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::permissions::Names;
use crate::plan::Plan;
use crate::spec::Spec;
use crate::state::{Observed, Outputs, Phase, Place, phase};
use crate::sunset::{self, Armed, EXPIRES_TAG, Facts, OWNER_TAG, Ttl};

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
    /// Reads the command line and the tags of the stack. Without `--ttl` a lab keeps the expiry that it has.
    pub(super) fn of(
        ttl: Option<Ttl>,
        observed: &Observed,
        armed: Armed,
        now: OffsetDateTime,
    ) -> Self {
        let kept = observed
            .stack
            .as_ref()
            .filter(|stack| {
                observed.owns_stack() && phase(&stack.description.status) == Phase::Usable
            })
            .and_then(|stack| sunset::expiry(&stack.description.tags))
            .filter(|at| *at > now);
        let expires = match ttl {
            Some(Ttl::In(life)) => Some(sunset::whole_minute(now + life)),
            Some(Ttl::Off) => None,
            None => kept,
        };
        Self {
            expires,
            // What the tags promise has to be armed, whoever took the schedules away.
            arms: expires.is_some() && (ttl.is_some() || armed.schedules.is_empty()),
            off: ttl == Some(Ttl::Off),
            armed,
        }
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
            None => self.off.then(|| "never".to_owned()),
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
        if !self.arms {
            return if renames {
                sunset::empower((writer, place), &reach, &tags).await
            } else {
                Ok(())
            };
        }
        let outputs = observed.outputs()?;
        let facts = Facts::of(observed, outputs.as_ref(), expires);
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
