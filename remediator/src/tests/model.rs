//! Attackers, owners, two healers, faults and lost answers against the sandbox, in any order.
//!
//! Seeded: the same seed makes the same attacks and the same faults. What the network makes of them is
//! another matter, and no two runs need be alike; what is claimed has to hold in all of them.

use super::answer as handle;
use crate::aws::{Live, Shell};
use crate::handle::Instance;
use crate::notify::Notifier;
use aws_calls::{Client, Config, GroupQuery, Retry};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use fastrand::Rng;
use lambda_runtime::Context;
use remediator_core::{Baseline, GroupId};
use sandbox::caller::Caller;
use sandbox::faults::{Fault, Phase, Rule};
use sandbox::ids::{AccountId, Region};
use sandbox::journal::Query;
use sandbox::sandbox::{Sandbox, Settings, Target};
use sandbox::server;
use sandbox::service::Service;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const ACCOUNT: &str = "123456789012";
const REGION: &str = "us-east-1";

/// What the owner of the group may do beside adding and removing rules that are not approved.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// Nothing: whatever approved rule is missed, a healer took it away.
    KeepsTheApproved,
    /// Take approved rules away, too.
    TakesTheApproved,
}

struct Play {
    sandbox: Arc<Sandbox>,
    shell: Shell,
    group: GroupId,
}

fn permission(port: u16) -> Value {
    json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]})
}

impl Play {
    async fn begin() -> Self {
        let sandbox = Sandbox::start(Settings::default());
        let listener = server::bind(&sandbox, 0).await.unwrap();
        tokio::spawn(server::serve(sandbox.clone(), listener));
        let account = AccountId::parse(ACCOUNT).unwrap();
        let secret = sandbox.keys.operator(&account).secret_access_key;
        let keys = Credentials::new(ACCOUNT, secret, None, None, "test");
        let mut config = Config::new(REGION, SharedCredentialsProvider::new(keys));
        config.endpoint_url = Some(sandbox.endpoint().to_owned());
        config.retry = Retry {
            base: Duration::from_millis(1),
            ..Retry::default()
        };
        let mut play = Self {
            sandbox,
            shell: Shell {
                client: Client::new(config).unwrap(),
                notifier: Notifier::from_env(),
                region: REGION.to_owned(),
            },
            group: "sg-0".parse().unwrap(),
        };
        let vpc = play
            .ask("CreateVpc", json!({"CidrBlock": "10.0.0.0/16"}))
            .await
            .unwrap();
        let input = json!({"GroupName": "model", "GroupDescription": "model", "VpcId": vpc["vpc"]["vpcId"]});
        let made = play.ask("CreateSecurityGroup", input).await.unwrap();
        play.group = made["groupId"].as_str().unwrap().parse().unwrap();
        for port in [80, 443] {
            play.rule("AuthorizeSecurityGroupIngress", port)
                .await
                .unwrap();
        }
        play
    }

    /// A call of somebody else's, through the sandbox's own door.
    async fn ask(&self, operation: &str, input: Value) -> Result<Value, String> {
        let target = Target::new(
            AccountId::parse(ACCOUNT).unwrap(),
            Region::parse(REGION).unwrap(),
            Caller::Operator,
        );
        let asked = self
            .sandbox
            .perform_value(&target, Service::Ec2, operation, input);
        asked.await.map_err(|error| error.code.to_string())
    }

    async fn rule(&self, operation: &str, port: u16) -> Result<Value, String> {
        let input = json!({"GroupId": self.group.as_str(), "IpPermissions": [permission(port)]});
        self.ask(operation, input).await
    }

    /// Calls of clients only: what the healers do goes wrong in every way there is.
    fn strike(&self, seed: u64) {
        let rule = |operation: &str, fault: Fault, phase: Phase, probability: f64| Rule {
            phase,
            probability,
            seed,
            ..Rule::new("ec2", operation, fault)
        };
        let rules = vec![
            rule(
                "RevokeSecurityGroupIngress",
                Fault::DroppedConnection,
                Phase::After,
                0.15,
            ),
            rule(
                "AuthorizeSecurityGroupIngress",
                Fault::DroppedConnection,
                Phase::After,
                0.15,
            ),
            rule(
                "RevokeSecurityGroupIngress",
                Fault::InternalError,
                Phase::After,
                0.1,
            ),
            rule("*", Fault::Throttling, Phase::Before, 0.1),
            rule(
                "DescribeSecurityGroups",
                Fault::StaleReads {
                    lag_ms: 20,
                    of: None,
                },
                Phase::Before,
                0.3,
            ),
        ];
        let now = self.sandbox.clock.now();
        self.sandbox.faults.add(now, rules).unwrap();
    }

    async fn attack(&self, rng: &mut Rng, owner: Owner) {
        for _ in 0..15 {
            let port = rng.u16(2000..2006);
            // Refusals and faults are part of the game.
            let _ = match rng.u8(0..10) {
                0..6 => self.rule("AuthorizeSecurityGroupIngress", port).await,
                6..9 => self.rule("RevokeSecurityGroupIngress", port).await,
                _ if owner == Owner::TakesTheApproved => {
                    let port = *rng.choice(&[80, 443]).unwrap();
                    self.rule("RevokeSecurityGroupIngress", port).await
                }
                _ => continue,
            };
            for _ in 0..rng.u8(0..40) {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Looks at the group so often; whether each time without a failure.
    async fn heal(&self, rng: &mut Rng, instance: &Instance, times: usize) -> bool {
        // Old enough for no reading to be doubted: the model has no time to wait.
        let event = json!({
            "detail-type": "AWS API Call via CloudTrail", "account": ACCOUNT,
            "detail": {
                "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
                "eventTime": "2026-01-01T00:00:00Z",
                "requestParameters": {"groupId": self.group.as_str()}
            }
        });
        let mut well = true;
        for _ in 0..times {
            let mut invocation = Context::default();
            let deadline = SystemTime::now() + Duration::from_secs(60);
            let deadline = deadline.duration_since(UNIX_EPOCH).unwrap();
            invocation.deadline = u64::try_from(deadline.as_millis()).unwrap();
            let live = Live::new(&self.shell, &invocation);
            well &= handle(&live, instance, &event).await.is_ok();
            for _ in 0..rng.u8(0..40) {
                tokio::task::yield_now().await;
            }
        }
        well
    }

    async fn is_baseline(&self) -> bool {
        let query = GroupQuery::id(self.group.clone());
        let groups = self
            .shell
            .client
            .describe_security_groups(&query)
            .await
            .unwrap();
        groups[0].ingress == *Baseline::ipv4().rules()
    }

    /// Every revocation that was asked for, by whomever.
    fn revoked(&self) -> Vec<String> {
        let found = self.sandbox.journal.list(&Query::default());
        assert_eq!(found.forgotten, 0);
        let calls = found.calls.into_iter();
        calls
            .filter(|call| call.operation == "RevokeSecurityGroupIngress")
            .map(|call| call.input.value().to_string())
            .collect()
    }
}

async fn play(seed: u64, owner: Owner) {
    let play = Play::begin().await;
    let mut rngs = [0, 1, 2].map(|n| Rng::with_seed(seed * 3 + n));
    let [attacker, one, other] = &mut rngs;
    let instance = || Instance {
        fast_path: Some("{}".to_owned()),
        ..Instance::default()
    };
    let healers = (instance(), instance());
    play.strike(seed);
    let (_, (), _) = tokio::join!(
        play.heal(one, &healers.0, 8),
        play.attack(attacker, owner),
        play.heal(other, &healers.1, 8)
    );
    // The last event of each healer comes after the last attack, and at the same time.
    play.sandbox.faults.clear();
    let (a, b) = tokio::join!(
        play.heal(one, &healers.0, 1),
        play.heal(other, &healers.1, 1)
    );
    assert!(a && b, "seed {seed}: a healer failed at rest");
    assert!(
        play.is_baseline().await,
        "seed {seed}: at rest the group is not its baseline"
    );
    let revoked = play.revoked();
    assert!(!revoked.is_empty(), "seed {seed}: nothing happened");
    if owner == Owner::KeepsTheApproved {
        for input in revoked {
            for port in [80, 443] {
                let spelled = [
                    format!("\"FromPort\":\"{port}\""),
                    format!("\"FromPort\":{port},"),
                ];
                let approved = spelled.iter().any(|text| input.contains(text));
                assert!(
                    !approved,
                    "seed {seed}: an approved rule was revoked: {input}"
                );
            }
        }
    }
}

/// How many games: a few in every run, `DRIFTLAB_MODEL_GAMES` of them in a long one.
fn games() -> u64 {
    let asked = std::env::var("DRIFTLAB_MODEL_GAMES").ok();
    asked.map_or(12, |games| games.parse().unwrap())
}

/// Plays on a thread with the stack of a program: the futures of an unoptimised build are large.
fn all(first: u64, owner: Owner) {
    let played = std::thread::Builder::new()
        .stack_size(16 * 1024 * 1024)
        .spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                for seed in first..first + games() {
                    Box::pin(play(seed, owner)).await;
                }
            });
        });
    if let Err(panic) = played.unwrap().join() {
        std::panic::resume_unwind(panic);
    }
}

/// R5, R8, F4: whatever order, faults and lost answers: at rest the group equals the baseline, and at no
/// instant was an approved rule missing.
#[test]
fn no_approved_rule_is_ever_missing() {
    all(0, Owner::KeepsTheApproved);
}

/// R5, R8, F4: the same where the owner takes approved rules away: they come back.
#[test]
fn approved_rules_come_back() {
    all(1_000_000, Owner::TakesTheApproved);
}
