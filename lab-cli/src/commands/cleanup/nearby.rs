//! Labs that may be the one that was meant, where there is none of the given name: in another region, or of another name.

use std::fmt;

use serde::Serialize;

use crate::aws::{Doing, Reader};
use crate::cli::Context;
use crate::error::{Error, Result};
use crate::output::failure;
use crate::spec::TAG;
use crate::state::Names;
use crate::sunset::lost_in;

/// How many labs of other names are told of.
const MOST: usize = 10;

/// A lab that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Nearby {
    /// Its stack.
    pub(super) stack: String,
    /// Its region.
    pub(super) region: String,
    /// The names of its roles, which every region sees; empty for a lab of another name.
    #[serde(skip)]
    pub(super) roles: Vec<String>,
}

impl fmt::Display for Nearby {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stack,
            region,
            roles: _,
        } = self;
        write!(
            f,
            "there is a lab `{stack}` in {region}: if you mean that one, name it with `--stack {stack} --region {region}`"
        )
    }
}

/// The labs of this name in other regions, where their stack is, and those of other names in this region. What could not be
/// looked at is told, and does not make a clean-up fail that has found nothing to remove.
pub(super) async fn nearby(context: &Context) -> Vec<Nearby> {
    let mut found = match elsewhere(context).await {
        Ok(found) => found,
        Err(error) => {
            unseen(context, "labs in other regions", &error);
            Vec::new()
        }
    };
    match lost_in(&context.aws, &context.place.identity).await {
        Ok(labs) => {
            let others = labs.into_iter().map(|lab| lab.stack);
            let others = others.filter(|stack| *stack != context.place.stack);
            found.extend(others.take(MOST).map(|stack| Nearby {
                stack,
                region: context.place.region.clone(),
                roles: Vec::new(),
            }));
        }
        Err(error) => unseen(context, "labs of other names", &error),
    }
    found
}

fn unseen(context: &Context, what: &str, error: &Error) {
    let why = failure(error);
    context.ui.warn(format_args!(
        "could not look for {what}: {}",
        why.trim_end()
    ));
}

/// The same lab's stack in other regions: one region after the other, so that nobody is throttled.
async fn elsewhere(context: &Context) -> Result<Vec<Nearby>> {
    let regions = context.aws.enabled_regions().await;
    let regions = regions.doing("ask which regions are enabled")?;
    let mut found = Vec::new();
    for region in regions
        .into_iter()
        .filter(|region| *region != context.place.region)
    {
        match of_this_name(context, &region).await {
            Ok(lab) => found.extend(lab),
            Err(error) => unseen(context, &format!("the lab in {region}"), &error),
        }
    }
    Ok(found)
}

async fn of_this_name(context: &Context, region: &str) -> Result<Option<Nearby>> {
    let name = &context.place.stack;
    let aws: Reader = context.aws.in_region(region).await?;
    let stack = aws.stack(name).await;
    let stack = stack.doing(format_args!("look at the stack `{name}` in {region}"))?;
    let ours = stack.filter(|stack| stack.tags.get(TAG) == Some(name));
    Ok(ours.map(|stack| {
        let names = Names::from_parameters(&stack.parameters, None);
        Nearby {
            stack: name.clone(),
            region: region.to_owned(),
            roles: vec![names.config_role, names.function_role],
        }
    }))
}
