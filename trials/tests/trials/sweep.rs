//! Rules that are asked by the clock, and answers that are older than what happened: through AWS Config, with the real
//! function.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use sandbox::faults::{CallerKind, Fault, Rule};
use sandbox::journal::Ended;
use sandbox::service::Service;
use serde_json::{Value, json};
use trials::World;
use trials::expected::flaws_of_healed;
use trials::groups::{open, ports};
use trials::trial::{deployed, in_lab};
use trials::world::quick;

/// More groups than EC2 puts on two pages, and more drifted ones than Config takes verdicts in one call.
const GROUPS: usize = 2_050;
const DRIFTED: usize = 150;

/// Groups of the lab's VPC, without a rule.
async fn furnish(world: &World, vpc: &Value) -> Vec<Value> {
    let mut groups = Vec::new();
    for number in 0..GROUPS {
        let input =
            json!({"GroupName": format!("swept-{number}"), "GroupDescription": "x", "VpcId": vpc});
        groups.push(world.call(Service::Ec2, "CreateSecurityGroup", input).await);
    }
    groups
}

/// A rule by the clock in place of the one that goes by changes. It asks for the first time at once.
async fn put_rule(world: &World, deployed: &Value) {
    let parameters = json!({"scope": format!("vpc:{}", deployed["vpc_id"].as_str().unwrap()), "match": "at-most"});
    let rule = json!({"ConfigRuleName": "Sweep", "InputParameters": parameters.to_string(), "Source": {
        "Owner": "CUSTOM_LAMBDA", "SourceIdentifier": deployed["function_arn"],
        "SourceDetails": [{"EventSource": "aws.config", "MessageType": "ScheduledNotification",
            "MaximumExecutionFrequency": "TwentyFour_Hours"}]}});
    let input = json!({"ConfigRule": rule});
    world.call(Service::Config, "PutConfigRule", input).await;
    world.idle().await;
}

/// The groups that the rule calls compliant.
async fn compliant(world: &World) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut input =
        json!({"ConfigRuleName": "Sweep", "ComplianceTypes": ["COMPLIANT"], "Limit": 100});
    loop {
        let operation = "GetComplianceDetailsByConfigRule";
        let page = world.call(Service::Config, operation, input.clone()).await;
        for result in page["EvaluationResults"].as_array().into_iter().flatten() {
            let qualifier = &result["EvaluationResultIdentifier"]["EvaluationResultQualifier"];
            found.insert(qualifier["ResourceId"].as_str().unwrap().to_owned());
        }
        let Some(token) = page["NextToken"].as_str() else {
            return found;
        };
        input["NextToken"] = json!(token);
    }
}

async fn described(world: &World, vpc: &Value) -> Vec<Value> {
    let filter = json!({"Filter": [{"Name": "vpc-id", "Value": [vpc]}]});
    let found = world
        .call(Service::Ec2, "DescribeSecurityGroups", filter)
        .await;
    found["securityGroupInfo"].as_array().unwrap().clone()
}

/// W1, W2: a sweep reads every page, writes to the groups that have drifted and to no other, and reports on all of them by
/// the hundred.
#[test]
fn a_scheduled_rule_sweeps_every_page() {
    in_lab(quick(), async |world, lab| {
        let deployed = lab.ok(&["deploy"]).await.document;
        world.idle().await;
        let gone = json!({"ConfigRuleName": "EC2SecurityGroup"});
        world.call(Service::Config, "DeleteConfigRule", gone).await;
        world.idle().await;
        let groups = furnish(world, &deployed["vpc_id"]).await;
        // Every fourteenth, so that each page has some.
        let drifted: Vec<&Value> = groups
            .iter()
            .step_by(GROUPS / DRIFTED)
            .take(DRIFTED)
            .collect();
        for group in &drifted {
            open(world, group, 465).await;
        }
        world.idle().await;
        let mark = world.mark();
        put_rule(world, &deployed).await;
        let calls = world.calls_after(mark);
        let inputs = |operation: &str| -> Vec<Value> {
            let made = calls.iter().filter(|call| call.operation == operation);
            made.map(|call| call.input.value()).collect()
        };
        // The lab's own group and the VPC's default one are swept as well.
        let pages = inputs("DescribeSecurityGroups");
        assert_eq!(pages.len(), (GROUPS + 2).div_ceil(1_000), "{pages:?}");
        let portions: Vec<usize> = inputs("PutEvaluations")
            .iter()
            .map(|input| input["Evaluations"].as_array().unwrap().len())
            .collect();
        assert!(
            portions.iter().all(|portion| *portion <= 100),
            "{portions:?}"
        );
        assert_eq!(
            portions.iter().sum::<usize>(),
            GROUPS + 2 + DRIFTED,
            "{portions:?}"
        );
        let revocations = inputs("RevokeSecurityGroupIngress");
        let revoked: BTreeSet<&str> = revocations
            .iter()
            .map(|input| input["GroupId"].as_str().unwrap())
            .collect();
        let wanted: BTreeSet<&str> = drifted
            .iter()
            .map(|group| group["groupId"].as_str().unwrap())
            .collect();
        assert_eq!(revoked, wanted);
        assert_eq!(inputs("AuthorizeSecurityGroupIngress").len(), 0);
        for group in described(world, &deployed["vpc_id"]).await {
            assert!(!ports(&group).contains(&465), "{group}");
        }
        let compliant = compliant(world).await;
        assert!(
            groups
                .iter()
                .all(|group| compliant.contains(group["groupId"].as_str().unwrap()))
        );
    });
}

/// D1: EC2 tells the function of a group as it was two seconds ago. The incident ends all the same, and only when the
/// reading has shown the ports.
#[test]
fn an_incident_under_stale_readings_is_healed() {
    const LAG: Duration = Duration::from_millis(2_000);
    deployed(quick(), async |world, lab| {
        world.strike(Rule {
            caller: Some(CallerKind::Role),
            ..Rule::new(
                "ec2",
                "DescribeSecurityGroups",
                Fault::StaleReads {
                    lag_ms: u64::try_from(LAG.as_millis()).unwrap(),
                    of: None,
                },
            )
        });
        let (mark, begun) = (world.mark(), Instant::now());
        let told = lab.ok(&["simulate-incident", "--timeout=60s"]).await;
        assert_eq!(told.document["healed"], true);
        assert!(begun.elapsed() >= LAG, "the readings were not stale");
        world.idle().await;
        assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
        let calls = world.calls_after(mark);
        let of_function = |operation: &str| {
            let made = calls.iter().filter(|call| {
                call.operation == operation && call.principal.contains("assumed-role")
            });
            made.map(|call| matches!(call.ended, Ended::Done))
                .collect::<Vec<bool>>()
        };
        assert!(of_function("DescribeSecurityGroups").len() > 2 && world.strikes() > 2);
        // What a stale reading still shows may be asked for again, and EC2 knows better.
        let closed = of_function("RevokeSecurityGroupIngress");
        assert_eq!(closed.iter().filter(|done| **done).count(), 1, "{closed:?}");
        world.sandbox.faults.clear();
        lab.ok(&["cleanup"]).await;
    });
}
