//! The one door: every call, from a client or from a service, is struck by its fault, authorised,
//! carried out, written down and told to EventBridge here.

use std::sync::Arc;

use serde_json::Value;

use crate::aside::aside;
use crate::caller::Caller;
use crate::clock::Timestamp;
use crate::error::ApiError;
use crate::faults::{Phase, Refusal, Strike};
use crate::iam;
use crate::journal::{self, Ended, Entry, Kept, Origin};
use crate::protocol::{Answer, Operation};
use crate::sandbox::{Call, Outcome, Sandbox, Target};
use crate::service::Service;
use crate::{budgets, cloudtrail, events, ids};

/// A call as the door sees it.
struct Knock<'k> {
    at: Timestamp,
    /// Who asks; a service that acts in somebody's name takes over once that one was found to be allowed.
    caller: &'k Caller,
    origin: &'k Origin,
    service: Service,
    operation: &'k Operation,
    strike: Option<Strike>,
}

impl Sandbox {
    /// Performs one operation. See [`Sandbox::perform`], which is this for services.
    ///
    /// # Errors
    /// What AWS would answer, or that the connection is to be closed without an answer.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        target: &Target,
        origin: &Origin,
        service: Service,
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let at = self.clock.now();
        self.admit_account(&target.account, service)?;
        let kind = match origin {
            Origin::OnBehalf(_) => "service",
            Origin::Client { .. } | Origin::Service => target.caller.kind(),
        };
        let knock = Knock {
            at,
            caller: &target.caller,
            origin,
            service,
            operation,
            strike: (self.faults).draw(at, (&target.account, kind), service, &operation.name),
        };
        let refusal = knock.strike.as_ref().and_then(|strike| {
            let caller = target.caller.arn(&target.account, &target.region);
            let refusal = strike.refusal(service, &operation.name, &caller)?;
            Some((strike, refusal))
        });
        if let Some((strike, refusal)) = refusal {
            match strike.phase {
                Phase::Before => {
                    let ended = match &refusal {
                        Refusal::Error(error) => Ended::Refused(error.clone()),
                        Refusal::Hangup => Ended::Dropped,
                    };
                    self.enter(target, |call| knock.note(call, ended, &Value::Null));
                }
                // The journal has the result; the client does not get to see it.
                Phase::After => drop(self.carry_out(target, &knock).await),
            }
            strike.hold(&self.clock).await;
            return Err(refusal);
        }
        let held = async |phase| {
            if let Some(strike) = knock.strike.as_ref().filter(|strike| strike.phase == phase) {
                strike.hold(&self.clock).await;
            }
        };
        held(Phase::Before).await;
        let answer = self.carry_out(target, &knock).await;
        held(Phase::After).await;
        Ok(answer?)
    }

    /// The effect, and the entry that tells of it. Both happen under one lock, so that the journal has
    /// the order of the effects; work that comes later is written down when it ends.
    async fn carry_out(
        self: &Arc<Self>,
        target: &Target,
        knock: &Knock<'_>,
    ) -> Result<Answer, ApiError> {
        let looks = journal::reads(&knock.operation.name);
        let enter = || {
            self.enter_to(looks, target, |call| {
                let result = knock.dispatch_then(call);
                match &result {
                    Ok(Outcome::Done(answer)) => knock.note(call, Ended::Done, structure(answer)),
                    Ok(Outcome::Later(_)) => {}
                    Err(error) => knock.note(call, Ended::Refused(error.clone()), &Value::Null),
                }
                result
            })
        };
        let outcome = match knock.may_compute() {
            true => aside(enter),
            false => enter(),
        }?;
        match outcome {
            Outcome::Done(answer) => Ok(answer),
            Outcome::Later(later) => self.see_through(target, knock, later).await,
        }
    }

    /// Waits for work that takes longer. It goes on, and is written down, even if the client that asked
    /// for it has gone: a function does not stop because nobody listens any more.
    async fn see_through(
        self: &Arc<Self>,
        target: &Target,
        knock: &Knock<'_>,
        later: impl Future<Output = Result<Answer, ApiError>> + Send + 'static,
    ) -> Result<Answer, ApiError> {
        let (sandbox, target) = (self.clone(), target.clone());
        let (at, service, strike) = (knock.at, knock.service, knock.strike.clone());
        let (caller, origin) = (knock.caller.clone(), knock.origin.clone());
        let operation = knock.operation.clone();
        let work = tokio::spawn(async move {
            let result = later.await;
            let knock = Knock {
                at,
                caller: &caller,
                origin: &origin,
                service,
                operation: &operation,
                strike,
            };
            sandbox.enter(&target, |call| {
                let answer = result.as_ref().map_or(&Value::Null, structure);
                knock.note(call, Ended::of(&result), answer);
            });
            result
        });
        work.await.unwrap_or_else(|error| {
            tracing::error!(%error, "an operation failed in the middle");
            let message = "the operation failed in the middle; the sandbox's log says more";
            Err(ApiError::new(500, "InternalFailure", message))
        })
    }
}

/// Operations, beside those of CloudFormation, whose limits allow more than a millisecond or so.
const COMPUTING: &[&str] = &[
    "CreateFunction",
    "FilterLogEvents",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "Publish",
    "PutLogEvents",
    "PutObject",
    "SelectResourceConfig",
    "SimulateCustomPolicy",
    "SimulatePrincipalPolicy",
    "UpdateFunctionCode",
];

impl Knock<'_> {
    /// Whether the operation may compute for more than a moment, within its limits.
    fn may_compute(&self) -> bool {
        match self.service {
            Service::CloudFormation => true,
            Service::Config
            | Service::Iam
            | Service::Lambda
            | Service::Logs
            | Service::S3
            | Service::Sns => COMPUTING.contains(&self.operation.name.as_str()),
            _ => false,
        }
    }

    fn dispatch(&self, call: &mut Call<'_>) -> Result<Outcome, ApiError> {
        iam::authorize(call, self.service, self.operation, self.origin.acting())?;
        let from_client = matches!(self.origin, Origin::Client { .. });
        budgets::admit(call, self.service, self.operation, from_client)?;
        if let Origin::OnBehalf(acting) = self.origin {
            call.caller = Caller::Service(acting);
        }
        self.service.dispatch(call, self.operation)
    }

    /// The effect, seen from the present or from the past that a fault asks for.
    fn dispatch_then(&self, call: &mut Call<'_>) -> Result<Outcome, ApiError> {
        let strike = self.strike.as_ref();
        match strike.and_then(|strike| strike.lag(self.service)) {
            None => self.dispatch(call),
            Some(past) => {
                let faults = &call.sandbox.faults;
                faults.looking_back(call, past, |call| self.dispatch(call))
            }
        }
    }

    fn note(&self, call: &mut Call<'_>, ended: Ended, answer: &Value) {
        // Sessions are the one thing that CloudTrail shows of reads.
        let looks = journal::reads(&self.operation.name) && self.service != Service::Sts;
        let answer = if looks {
            Kept::default()
        } else {
            Kept::harmless(answer)
        };
        let entry = Entry {
            number: 0,
            at: self.at,
            account: Some(call.account.id.clone()),
            region: call.region.as_str().to_owned(),
            principal: self.caller.arn(&call.account.id, &call.region),
            identity: Kept::whole(&cloudtrail::identity(call, self.caller, self.origin)),
            caller: Some(self.caller.clone()),
            origin: self.origin.clone(),
            service: self.service.signing_name().to_owned(),
            operation: self.operation.name.clone(),
            input: Kept::input(&self.operation.name, &self.operation.input),
            answer,
            ended,
            fault: self.strike.as_ref().map(Strike::describe),
            request_id: call.request_id.clone(),
            event_id: ids::uuid(),
        };
        let entry = call.sandbox.journal.write(entry);
        events::observe(call, &entry);
    }
}

/// The output structure of an answer; null where it is none.
fn structure(answer: &Answer) -> &Value {
    match answer {
        Answer::Value(value) => value,
        Answer::Http(_) => &Value::Null,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
    use super::*;
    use crate::journal::Query;
    use crate::testing::World;
    use serde_json::json;

    /// Eight clients open and close one port as they please; the journal, replayed, must tell the same
    /// story as the answers did.
    #[tokio::test(flavor = "multi_thread")]
    async fn the_journal_has_the_order_of_the_effects() {
        let world: World = World::start(Service::Ec2);
        // In a VPC of its own, where closing what is not open is an error.
        let vpc = world
            .ok("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))
            .await;
        let vpc = vpc["vpc"]["vpcId"].clone();
        let group = json!({"GroupName": "g", "GroupDescription": "g", "VpcId": vpc});
        let group = world.ok("CreateSecurityGroup", group).await["groupId"].clone();
        let port = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": "tcp",
            "FromPort": 465, "ToPort": 465, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]});
        let (open, close) = (
            "AuthorizeSecurityGroupIngress",
            "RevokeSecurityGroupIngress",
        );
        let clients: Vec<_> = (0..8_u64)
            .map(|seed| {
                let (world, port) = (world.clone(), port.clone());
                tokio::spawn(async move {
                    let mut dice = fastrand::Rng::with_seed(seed);
                    for _ in 0..50 {
                        let name = if dice.bool() { open } else { close };
                        // Half of them are refused, which is part of the story.
                        drop(world.call(name, port.clone()).await);
                    }
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        let found = world.sandbox.journal.list(&Query::default());
        let mut is_open = false;
        let mut told = 0;
        for entry in &found.calls {
            let expected = match (entry.operation.as_str(), is_open) {
                (name, true) if name == open => Some("InvalidPermission.Duplicate"),
                (name, false) if name == close => Some("InvalidPermission.NotFound"),
                (name, _) if name == open || name == close => {
                    is_open = !is_open;
                    None
                }
                _ => continue,
            };
            let code = match &entry.ended {
                Ended::Refused(error) => Some(&*error.code),
                Ended::Done | Ended::Dropped => None,
            };
            assert_eq!(code, expected, "call {}", entry.number);
            told += 1;
        }
        assert_eq!(told, 400);
    }
}
