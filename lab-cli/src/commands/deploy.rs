//! `driftlab deploy`.

mod report;
mod unverified;

use std::path::PathBuf;
use std::time::Duration;

use remediator_core::{AccountId, Policy};
use time::OffsetDateTime;

use super::doctor::before_deploy;
use super::first_evaluation::{Sought, failure_of, first_evaluation};
use super::lifetime::{EndArgs, Lifetime};
use super::{in_scope, lab_group, live_group, observe_settled};
use crate::apply::{Foreseen, Hands, Seer, apply, make_code_bucket, remove_bare_code_bucket};
use crate::aws::{Doing, Writer};
use crate::cli::{Changing, Context};
use crate::consent::Consent;
use crate::error::{Error, Kind, Result};
use crate::interrupt::Hold;
use crate::journal::{Bid, Lease, Purpose};
use crate::output::Format;
use crate::plan::{Plan, conflicts, plan, refusal};
use crate::spec::validate::pair;
use crate::spec::{Architecture, LabScope, Overrides, Package, Settings, Spec};
use crate::state::{Interest, Names, Observed, Outputs};
use crate::wait::parse_duration;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The function: a zip with an executable `bootstrap`
    #[arg(long, env = "DRIFTLAB_PACKAGE", value_name = "ZIP")]
    package: PathBuf,
    /// The processor the function was built for [default: read from the program]
    #[arg(long, value_enum, value_name = "ARCH")]
    architecture: Option<Architecture>,
    /// Who gets the notifications
    #[arg(long, env = "DRIFTLAB_EMAIL", value_name = "ADDRESS")]
    email: Option<String>,
    /// Your account string, part of the topic's name [default: what stands before the @ of the e-mail address]
    #[arg(
        long,
        visible_alias = "student",
        env = "DRIFTLAB_STUDENT",
        value_name = "STRING"
    )]
    itsc_account: Option<String>,
    /// Approved inbound rules: `ipv4`, `dual-stack`, or rules such as `tcp:443:0.0.0.0/0` [default: ipv4]
    #[arg(long, env = "DRIFTLAB_BASELINE", value_name = "BASELINE")]
    baseline: Option<String>,
    /// Groups that may be repaired: `lab-vpc`, `vpc:vpc-…`, `tag:Key=Value` or `account` [default: lab-vpc]
    #[arg(long, env = "DRIFTLAB_SCOPE", value_name = "SCOPE")]
    scope: Option<String>,
    /// Whether the delivery channel streams to the topic [default: true]
    #[arg(long, env = "DRIFTLAB_TOPIC", value_name = "BOOL")]
    topic: Option<bool>,
    /// One more tag for everything that is made (repeatable)
    #[arg(long = "tag", value_name = "KEY=VALUE", value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Another name for a resource, such as `ConfigRoleName=…` (repeatable)
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = pair)]
    parameters: Vec<(String, String)>,
    /// The role that CloudFormation works with, instead of your own rights
    #[arg(long, env = "DRIFTLAB_CFN_ROLE", value_name = "ARN")]
    cfn_role: Option<String>,
    /// The managed policy that every role gets as its permissions boundary, that of the self-destruct too
    #[arg(long, env = "DRIFTLAB_PERMISSIONS_BOUNDARY", value_name = "ARN")]
    permissions_boundary: Option<String>,
    /// What `--account` was called when it only confirmed a scope beyond the lab's VPC
    #[arg(long, value_name = "ACCOUNT-ID", hide = true)]
    pub confirm_account: Option<AccountId>,
    /// Do not look first whether permissions and quotas are enough
    #[arg(long)]
    pub no_doctor: bool,
    /// Another template than the built-in one
    #[arg(long, value_name = "FILE")]
    template: Option<PathBuf>,
    #[command(flatten)]
    end: EndArgs,
    /// How long to wait for the first evaluation
    #[arg(long, default_value = "15m", value_name = "DURATION", value_parser = parse_duration)]
    timeout: Duration,
    /// Do not wait for the first evaluation
    #[arg(long)]
    no_wait: bool,
    /// Show what would be done, do nothing, and leave nothing behind
    #[arg(long)]
    pub plan: bool,
    /// Borrow a recorder and channel that are there already, and give them back at clean-up
    #[arg(long)]
    adopt: bool,
    /// Take the lab's lock over from somebody who is at work no more
    #[arg(long)]
    take_over: bool,
}

impl Args {
    /// What the lab should be, checked without calling anything.
    ///
    /// # Errors
    /// [`Kind::Input`].
    pub fn spec(&self, settings: &Settings, stack: String) -> Result<Spec> {
        let overrides = Overrides {
            email: self.email.clone(),
            student: self.itsc_account.clone(),
            baseline: self.baseline.clone(),
            scope: self.scope.clone(),
            topic: self.topic,
            tags: self.tags.clone(),
            parameters: self.parameters.clone(),
            template: self.template.clone(),
            cfn_role: self.cfn_role.clone(),
            permissions_boundary: self.permissions_boundary.clone(),
        };
        self.end.asked(settings)?;
        let package = Package::read(&self.package, self.architecture)?;
        Spec::new(stack, settings.clone(), overrides, package)
    }
}

/// How often the way is cleared before the rest is planned: each time the stack was in another state.
const CLEARINGS: usize = 3;

/// Makes the lab, or brings it up to date; with `--plan` only shows what that would do.
///
/// # Errors
/// [`Kind::Refused`] when something foreign is in the way, somebody else is at work or consent is missing,
/// [`Kind::TimedOut`] when the first evaluation does not arrive, [`Kind::NotHealed`] when the function reports that it
/// fails, or the step that failed.
pub async fn run(context: &Changing, args: &Args, spec: &Spec) -> Result<()> {
    let begun = context.clock.now();
    for clearing in 0..=CLEARINGS {
        // The account is examined once.
        let examine = clearing == 0 && !args.no_doctor;
        let considered = consider(context, args, spec, examine).await?;
        if args.plan {
            return show(context, considered).await;
        }
        if let Some(done) = carry_out(context, args, considered).await? {
            return finish(context, args, begun, done).await;
        }
    }
    Err(Error::new(
        Kind::Failed,
        format!(
            "the stack `{}` does not come to a state in which it can be changed",
            spec.stack
        ),
    )
    .hint("remove the lab with `cleanup`, then deploy it anew"))
}

/// What was seen, what is to be done about it, and what CloudFormation says to that.
struct Considered {
    /// What is wanted, with owner and expiry among its tags.
    spec: Spec,
    lifetime: Lifetime,
    observed: Observed,
    plan: Plan,
    foreseen: Option<Foreseen>,
    hold: Hold,
}

/// What was done.
struct Done<'a> {
    spec: Spec,
    expires: Option<OffsetDateTime>,
    plan: Plan,
    outputs: Outputs,
    writer: Writer,
    /// The lock, which is given back while the first evaluation is waited for.
    lease: Option<Lease<'a>>,
}

fn seer(context: &Changing) -> Seer<'_> {
    Seer {
        aws: &context.aws,
        may: context.may_change(),
        ui: &context.ui,
        clock: &context.clock,
    }
}

/// Looks, plans and shows the plan.
async fn consider(
    context: &Changing,
    args: &Args,
    spec: &Spec,
    examine: bool,
) -> Result<Considered> {
    let request = spec.stack_request(&context.place.code_bucket());
    let names = Names::from_parameters(&request.parameters, None);
    let key = spec.package.key();
    let interest = Interest {
        package_key: Some(&key),
        names: Some(&names),
    };
    let examination = async {
        if examine {
            before_deploy(context, spec, args.end.asked(&context.settings)?).await
        } else {
            Ok(())
        }
    };
    // Both only look, and neither needs what the other sees. The look at the lab is the longer chain, so it begins first.
    let look = observe_settled(context, interest, args.take_over);
    let (observed, examined) = tokio::join!(look, examination);
    examined?;
    let (observed, armed) = observed?;
    if let Some(refusal) = refusal(&conflicts(&observed, args.adopt)) {
        return Err(refusal);
    }
    let end = args.end.asked(&context.settings)?;
    let lifetime = Lifetime::of(end, &observed, armed, context.clock.now())?;
    let spec = lifetime.mark(spec, &observed);
    let mut plan = plan(&spec, &observed)?;
    // From here on there may be a change set to take away.
    let hold = context.interrupt.hold();
    let foreseen = seer(context).foresee(&spec, &observed, &mut plan).await?;
    let ends = lifetime.ends(context.clock.now());
    // A dry run has both as its result.
    if !args.plan || context.ui.format() == Format::Json {
        let plan = plan.to_string();
        for line in plan.lines().chain(ends.iter().map(String::as_str)) {
            context.ui.say(format_args!("  {line}"));
        }
    }
    unverified::show(context, &observed);
    lifetime.warn(context, &observed);
    if plan.clears_the_way() {
        context.ui.say(
            "the stack comes first; what it becomes is planned, shown and asked for after that",
        );
    }
    Ok(Considered {
        spec,
        lifetime,
        observed,
        plan,
        foreseen,
        hold,
    })
}

/// The end of a dry run: nothing is left behind.
async fn show(context: &Changing, considered: Considered) -> Result<()> {
    let Considered {
        spec: _,
        lifetime,
        observed: _,
        plan,
        foreseen,
        hold: _hold,
    } = considered;
    if let Some(foreseen) = foreseen {
        seer(context).withdraw(foreseen).await?;
    }
    report::planned(context, &plan, &lifetime)
}

/// Carries the plan out, once the user agrees and nobody else is at work. `None` when that only cleared the way.
async fn carry_out<'a>(
    context: &'a Changing,
    args: &Args,
    considered: Considered,
) -> Result<Option<Done<'a>>> {
    let Considered {
        spec,
        lifetime,
        observed,
        plan,
        foreseen,
        hold: _hold,
    } = considered;
    let expires = lifetime.expires;
    if plan.is_empty() && !lifetime.changes() {
        let Some(outputs) = observed.outputs()? else {
            return Err(Error::new(
                Kind::Failed,
                format!(
                    "the stack `{}` cannot be used in its present state",
                    spec.stack
                ),
            ));
        };
        return Ok(Some(Done {
            spec,
            expires,
            writer: Writer::new(&context.aws, &Consent::by_command(context.may_change())),
            plan,
            outputs,
            lease: None,
        }));
    }
    let (writer, lease) = match begin(context, args, &plan, &observed).await {
        Ok(begun) => begun,
        Err(error) => return Err(seer(context).unused(foreseen, error).await),
    };
    let hands = Hands {
        aws: &context.aws,
        writer: &writer,
        place: &context.place,
        spec: &spec,
        ui: &context.ui,
        clock: &context.clock,
        lease: &lease,
    };
    let work = async {
        if plan.clears_the_way() {
            hands.clear_the_way(&plan, &observed).await?;
            return Ok(None);
        }
        lifetime.before(context, &writer, &spec, &observed).await?;
        let outputs = match apply(hands, &plan, &observed, foreseen.as_ref()).await {
            Ok(outputs) => outputs,
            Err(error) => return Err(lifetime.gave_up(context, &writer, error).await),
        };
        let made = (&plan, &outputs);
        lifetime
            .after(context, (&writer, &spec), &observed, made)
            .await?;
        Ok(Some(outputs))
    };
    let outcome = context.interrupt.over(lease.during(work)).await;
    match outcome {
        Ok(Some(outputs)) => Ok(Some(Done {
            spec,
            expires,
            plan,
            outputs,
            writer,
            lease: Some(lease),
        })),
        Ok(None) => lease.released(&context.ui, Ok(None)).await,
        Err(error) => {
            let error = seer(context).unused(foreseen, error).await;
            lease.released(&context.ui, Err(error)).await
        }
    }
}

/// Asks for consent, and takes the lab's lock.
async fn begin<'a>(
    context: &'a Changing,
    args: &Args,
    plan: &Plan,
    observed: &Observed,
) -> Result<(Writer, Lease<'a>)> {
    let agreed = context
        .consent(if plan.clears_the_way() {
            "Put the stack right first?"
        } else {
            "Make these changes?"
        })
        .await?;
    let writer = Writer::new(&context.aws, &agreed);
    if observed.code_bucket.is_none() {
        make_code_bucket(&writer, &context.place, &context.ui, &context.clock).await?;
    }
    let bid = Bid {
        aws: &context.aws,
        writer: writer.clone(),
        place: &context.place,
        ui: &context.ui,
        clock: &context.clock,
        purpose: Purpose::Deploy,
        take_over: args.take_over,
        tags: observed.code_bucket.clone(),
    };
    let by = &context.place.identity.arn;
    let now = context.clock.now();
    let lease = Lease::take(bid, &observed.journal, |journal| {
        if !plan.clears_the_way() {
            plan.note(observed, by, now, journal);
        }
    })
    .await;
    match lease {
        Ok(lease) => Ok((writer, lease)),
        // Whoever was faster has the bucket now.
        Err(error) if observed.code_bucket.is_some() || error.kind() == Kind::Refused => Err(error),
        Err(error) => Err(remove_bare_code_bucket(&writer, &context.place, error).await),
    }
}

/// Waits for the first evaluation and tells how it all ended.
async fn finish(
    context: &Context,
    args: &Args,
    begun: OffsetDateTime,
    done: Done<'_>,
) -> Result<()> {
    let Done {
        spec,
        expires,
        plan,
        outputs,
        writer,
        lease,
    } = done;
    let ui = &context.ui;
    let evaluation = async {
        if args.no_wait || !judges_lab_group(context, &spec, &outputs).await? {
            return Ok(None);
        }
        let sought = Sought {
            outputs: &outputs,
            baseline: &spec.baseline,
            begun,
            timeout: args.timeout,
        };
        first_evaluation(context, &writer, &sought).await.map(Some)
    };
    let function = async {
        context
            .aws
            .function(&outputs.function_name)
            .await
            .doing(format_args!(
                "look at the function `{}`",
                outputs.function_name
            ))
    };
    let pending = async {
        context
            .aws
            .pending_subscriptions(&outputs.topic_arn)
            .await
            .doing("look at the topic's subscriptions")
    };
    let release = async {
        match &lease {
            Some(lease) => lease.released(ui, Ok(())).await,
            None => Ok(()),
        }
    };
    let (evaluation, function, pending, released) =
        tokio::join!(evaluation, function, pending, release);
    released?;
    let (evaluation, function) = (evaluation?, function?.unwrap_or_default());
    for address in pending?.iter().filter(|_| spec.topic) {
        ui.say(format_args!(
            "{address} gets notifications once the subscription in its mailbox is confirmed"
        ));
    }
    let failing = evaluation.as_ref().and_then(failure_of);
    report::deployed(
        context,
        &spec,
        (plan, outputs),
        function,
        evaluation,
        expires,
    )?;
    match failing {
        None => Ok(()),
        Some(annotation) => Err(Error::new(
            Kind::NotHealed,
            format!("the lab is there, but its function reports a failure: {annotation}"),
        )
        .hint("read what it logged with `logs`")),
    }
}

/// Whether the rule judges LabSG1 at all: a scope that was asked for may leave it out, and then there is nothing to wait
/// for.
async fn judges_lab_group(context: &Context, spec: &Spec, outputs: &Outputs) -> Result<bool> {
    let scope = match &spec.scope {
        LabScope::LabVpc => return Ok(true),
        LabScope::Asked(scope) => scope.clone(),
    };
    let policy = Policy {
        scope,
        ..Policy::default()
    };
    let group = live_group(context, &lab_group(outputs)?).await?;
    let judged = in_scope(context, &policy, &group)?;
    if !judged {
        context.ui.warn(format_args!(
            "the scope `{}` leaves out `{}`, so there is no evaluation to wait for",
            policy.scope, outputs.group_id
        ));
    }
    Ok(judged)
}
