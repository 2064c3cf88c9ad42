//! Seeing what there is: reads only, as many at once as depend on nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::caller::Caller;
use super::facts::{
    Boundary, Concurrency, Facts, Known, Measured, Permissions, Reason, Unseen, Withheld,
};
use super::quotas::{self, Quota};
use crate::aws::{CallResult, Reader, Simulated, Simulation};
use crate::permissions::{Choice, Feature, Names, Needed, needed, of_roles};
use crate::plan::conflicts;
use crate::state::{self, Interest, Observed, Place, observe};
use crate::sunset;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The commands that shall be possible.
    pub features: &'a [Feature],
    /// The names of the template's resources that differ from the source documents, and its options.
    pub parameters: &'a BTreeMap<String, String>,
    /// The account string, which is part of the topic's name.
    pub student: Option<&'a str>,
    /// The role that CloudFormation would get.
    pub cfn_role: Option<&'a str>,
    /// The boundary that the roles would get.
    pub boundary: Option<&'a str>,
    /// Whether the lab would remove itself.
    pub ends: bool,
    /// Whether a recorder and channel that are there would be borrowed.
    pub adopt: bool,
    /// Whether to look at what is there too. `deploy` does that itself.
    pub things: bool,
}

/// Sees everything that can be seen. Nothing fails: what could not be seen is a fact as well.
pub async fn collect(aws: &Reader, place: &Place, asked: Asked<'_>) -> Facts {
    let names = Names {
        boundary: asked.boundary.map(str::to_owned),
        ..Names::of(place, asked.parameters)
    };
    let caller = Caller::of(&place.identity.arn);
    let things = async {
        if asked.things {
            Some(look(aws, place, &asked).await)
        } else {
            None
        }
    };
    let stack = async {
        let found = aws.stack(&place.stack).await;
        found
            .map(|stack| stack.map(|stack| stack.status))
            .map_err(Unseen::from)
    };
    let concurrency = async {
        let (limit, unreserved) = aws.concurrency().await?;
        Ok(Concurrency { limit, unreserved })
    };
    let (permissions, things, stack, quotas, concurrency, boundary) = tokio::join!(
        permissions(aws, &caller, &names, asked),
        things,
        stack,
        measured(aws, place.partition()),
        concurrency,
        boundary(aws, place, &names, asked),
    );
    let (conflicts, retention, unconfirmed) = match things {
        None => (None, None, None),
        Some(Ok(things)) => (
            Some(Ok(conflicts(&things.observed, asked.adopt))),
            Some(Ok(things.observed.retention)),
            things.unconfirmed,
        ),
        Some(Err(unseen)) => (Some(Err(unseen)), None, None),
    };
    Facts {
        place: place.clone(),
        endpoint: aws.endpoint().map(str::to_owned),
        caller,
        permissions,
        stack,
        conflicts,
        retention,
        quotas,
        concurrency,
        boundary,
        unconfirmed,
    }
}

/// What is there of the lab, or in its way.
struct Things {
    observed: Observed,
    unconfirmed: Option<Known<Vec<String>>>,
}

async fn look(aws: &Reader, place: &Place, asked: &Asked<'_>) -> Known<Things> {
    let names = state::Names::from_parameters(asked.parameters, asked.student);
    let interest = Interest {
        package_key: None,
        names: Some(&names),
    };
    let observed = observe(aws, place, interest).await.map_err(|error| {
        let cause = std::error::Error::source(&error);
        Unseen {
            why: cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}")),
            denied: false,
        }
    })?;
    let topic = observed
        .outputs()
        .ok()
        .flatten()
        .map(|outputs| outputs.topic_arn);
    let unconfirmed = match topic {
        Some(topic) => Some(
            aws.pending_subscriptions(&topic)
                .await
                .map_err(Unseen::from),
        ),
        None => None,
    };
    Ok(Things {
        observed,
        unconfirmed,
    })
}

async fn measured(aws: &Reader, partition: &str) -> Vec<Measured> {
    let buckets = async { aws.buckets().await.map(|found| found.len() as u64) };
    let rules = async { aws.rules().await.map(|found| found.len() as u64) };
    let (network, storage, vpcs, gateways, groups, buckets, rules, roles) = tokio::join!(
        aws.quotas(quotas::VPCS.service),
        bucket_quotas(aws, partition),
        aws.vpc_count(),
        aws.gateway_count(),
        aws.group_count(),
        buckets,
        rules,
        aws.role_count(),
    );
    let network = network.map_err(Unseen::from);
    let (limit, used) = match roles {
        Ok(roles) => (Ok(roles.limit), Ok(roles.used)),
        Err(error) => {
            let unseen = Unseen::from(error);
            (Err(unseen.clone()), Err(unseen))
        }
    };
    let measured = |quota, limit, used: CallResult<u64>| Measured {
        quota,
        limit,
        used: used.map_err(Unseen::from),
    };
    let of_network = |quota, used| measured(quota, of(&network, quota), used);
    vec![
        of_network(quotas::VPCS, vpcs),
        of_network(quotas::GATEWAYS, gateways),
        of_network(quotas::GROUPS, groups),
        measured(quotas::BUCKETS, of(&storage, quotas::BUCKETS), buckets),
        Measured {
            quota: quotas::ROLES,
            limit,
            used,
        },
        measured(quotas::RULES, Ok(quotas::RULES.default), rules),
    ]
}

/// S3's quotas, from the region that knows them.
async fn bucket_quotas(aws: &Reader, partition: &str) -> Known<BTreeMap<String, u64>> {
    let home = aws.in_region(quotas::home_of_buckets(partition)).await;
    let home = home.map_err(|error| Unseen {
        why: error.to_string(),
        denied: false,
    })?;
    Ok(home.quotas(quotas::BUCKETS.service).await?)
}

/// The account's own quota among those of its service. Service Quotas leaves out those for which it has AWS's default only
/// (API reference, `ListServiceQuotas`).
fn of(all: &Known<BTreeMap<String, u64>>, quota: Quota) -> Known<u64> {
    let all = all.as_ref().map_err(Clone::clone)?;
    Ok(all.get(quota.code).copied().unwrap_or(quota.default))
}

async fn permissions(
    aws: &Reader,
    caller: &Caller,
    names: &Names,
    asked: Asked<'_>,
) -> Permissions {
    let principal = match caller {
        Caller::Root => return Permissions::Root,
        Caller::User { arn } => Ok(arn.clone()),
        Caller::Session { role } => whole_arn(aws, names, role).await,
        Caller::Other => Err(Unseen {
            why: "these credentials belong to neither a role nor a user".to_owned(),
            denied: false,
        }),
    };
    let simulated = match principal {
        Ok(principal) => simulate(aws, &principal, names, asked).await,
        Err(unseen) => Err(unseen),
    };
    match simulated {
        Ok(permissions) => permissions,
        Err(why) => rehearse(aws, why).await,
    }
}

/// The ARN of a session leaves out the role's path, IAM Identity Center's roles have one, and simulations need it.
async fn whole_arn(aws: &Reader, names: &Names, role: &str) -> Known<String> {
    match aws.role_arn(role).await {
        Ok(Some(arn)) => Ok(arn),
        // Most roles have no path.
        Ok(None) | Err(_) => Ok(format!(
            "arn:{}:iam::{}:role/{role}",
            names.partition, names.account
        )),
    }
}

async fn simulate(
    aws: &Reader,
    principal: &str,
    names: &Names,
    asked: Asked<'_>,
) -> Known<Permissions> {
    let chosen = |choice: Choice| choice.is_in(asked.parameters);
    let mut all = needed(asked.features, names, chosen, asked.cfn_role.is_some());
    if let Some(role) = asked.cfn_role {
        all.insert(Needed {
            action: "iam:PassRole".to_owned(),
            resource: role.to_owned(),
            context: vec![(
                "iam:PassedToService".to_owned(),
                "cloudformation.amazonaws.com".to_owned(),
            )],
        });
    }
    let actions: BTreeSet<_> = all.iter().map(|each| each.action.clone()).collect();
    let mut running = tokio::task::JoinSet::new();
    for simulation in grouped(all) {
        let (aws, principal) = (aws.clone(), principal.to_owned());
        running.spawn(async move { aws.simulate(&principal, &simulation).await });
    }
    let mut missing = BTreeMap::new();
    while let Some(done) = running.join_next().await {
        let results = done.map_err(Unseen::from)??;
        for result in results {
            if let Some(reason) = reason(&result) {
                missing.insert(result.action, reason);
            }
        }
    }
    Ok(Permissions::Simulated {
        checked: actions.len(),
        missing,
    })
}

/// Why not; `None` when it is allowed.
fn reason(result: &Simulated) -> Option<Reason> {
    if result.allowed {
        return None;
    }
    Some(match result {
        Simulated {
            within_organization: Some(false),
            ..
        } => Reason::Organization,
        Simulated {
            within_boundary: Some(false),
            ..
        } => Reason::Boundary,
        Simulated { denied: true, .. } => Reason::Denied,
        Simulated { .. } => Reason::NotAllowed,
    })
}

/// IAM simulates all of some actions on all of some resources at once: as few questions as that allows.
fn grouped(all: BTreeSet<Needed>) -> Vec<Simulation> {
    type Context = Vec<(String, String)>;
    let mut by_place: BTreeMap<(Context, String), BTreeSet<String>> = BTreeMap::new();
    for Needed {
        action,
        resource,
        context,
    } in all
    {
        by_place
            .entry((context, resource))
            .or_default()
            .insert(action);
    }
    let mut by_actions: BTreeMap<(Context, BTreeSet<String>), Vec<String>> = BTreeMap::new();
    for ((context, resource), actions) in by_place {
        by_actions
            .entry((context, actions))
            .or_default()
            .push(resource);
    }
    by_actions
        .into_iter()
        .map(|((context, actions), resources)| Simulation {
            actions: actions.into_iter().collect(),
            resources,
            context,
        })
        .collect()
}

/// Where IAM cannot be asked, EC2 can: it checks the permission of a call that it is told not to carry out.
async fn rehearse(aws: &Reader, why: Unseen) -> Permissions {
    let (vpc, gateway) = tokio::join!(aws.may_create_vpc(), aws.may_create_internet_gateway());
    let (mut allowed, mut denied) = (Vec::new(), Vec::new());
    for (action, said) in [
        ("ec2:CreateVpc", vpc),
        ("ec2:CreateInternetGateway", gateway),
    ] {
        match said {
            Ok(true) => allowed.push(action),
            Ok(false) => denied.push(action),
            // Neither: then nothing is known, which is said already.
            Err(_) => {}
        }
    }
    Permissions::Rehearsed {
        why,
        allowed,
        denied,
    }
}

async fn boundary(
    aws: &Reader,
    place: &Place,
    names: &Names,
    asked: Asked<'_>,
) -> Option<Boundary> {
    let arn = asked.boundary?;
    let mut all = of_roles(names, asked.parameters);
    if asked.ends {
        all.extend(sunset::needed(place, names));
    }
    Some(Boundary {
        arn: arn.to_owned(),
        withholds: withheld(aws, arn, all).await,
    })
}

/// What a boundary does not let through of all that is needed; `None` when there is no such policy.
async fn withheld(
    aws: &Reader,
    arn: &str,
    all: BTreeSet<Needed>,
) -> Known<Option<BTreeSet<Withheld>>> {
    let Some(document) = aws.policy_document(arn).await? else {
        return Ok(None);
    };
    let resources = |action: &str| all.iter().filter(|each| each.action == action).count();
    let mut running = tokio::task::JoinSet::new();
    // One question for each resource, as an answer names actions only.
    for (resource, actions) in by_resource(&all) {
        let simulation = Simulation {
            actions,
            resources: vec![resource.to_owned()],
            context: Vec::new(),
        };
        let (aws, document, resource) = (aws.clone(), document.clone(), resource.to_owned());
        running.spawn(async move {
            let answered = aws.withheld_by(&document, &simulation).await;
            answered.map(|actions| (resource, actions))
        });
    }
    let mut withheld = BTreeSet::new();
    while let Some(done) = running.join_next().await {
        let (resource, actions) = done.map_err(Unseen::from)??;
        for action in actions {
            let on = (resources(&action) > 1).then(|| resource.clone());
            withheld.insert(Withheld { action, on });
        }
    }
    Ok(Some(withheld))
}

fn by_resource(all: &BTreeSet<Needed>) -> BTreeMap<&str, Vec<String>> {
    let mut by_resource: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for each in all {
        let actions = by_resource.entry(each.resource.as_str()).or_default();
        actions.push(each.action.clone());
    }
    by_resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_together_is_asked_at_once() {
        let one = |action: &str, resource: &str| Needed {
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: Vec::new(),
        };
        let simulations = grouped(BTreeSet::from([
            one("a:A", "x"),
            one("a:B", "x"),
            one("a:A", "y"),
            one("a:B", "y"),
            one("a:C", "y"),
            one("a:C", "z"),
        ]));
        let shown: Vec<_> = simulations
            .iter()
            .map(|each| format!("{} on {}", each.actions.join(" "), each.resources.join(" ")))
            .collect();
        assert_eq!(shown, ["a:A a:B on x", "a:A a:B a:C on y", "a:C on z"]);
    }
}
