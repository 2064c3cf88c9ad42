//! Two automations that undo each other: after as many repairs as the policy says the function calls it contested, and
//! stops where it is told to, so that the two do not bill for it for ever.

use sandbox::service::Service;
use serde_json::{Value, json};
use trials::groups::{lab_group, open, ports, verdict};
use trials::trial::in_lab;
use trials::world::quick;
use trials::{Lab, World};

/// How many repairs the rules of these trials allow. The first may have been made when the lab came.
const REPAIRS: usize = 2;

/// What the function reported to AWS Config of one group: verdict and annotation.
type Reports = Vec<(String, String)>;

/// Deploys a lab whose rule says what to do about a contested group.
async fn deployed(world: &World, lab: &Lab<'_>, contested: &str) -> Value {
    lab.ok(&["deploy"]).await;
    world.idle().await;
    let named = json!({"ConfigRuleNames": ["EC2SecurityGroup"]});
    let found = world
        .call(Service::Config, "DescribeConfigRules", named)
        .await;
    let mut rule = found["ConfigRules"][0].clone();
    let parameters = rule["InputParameters"].as_str().unwrap();
    let mut parameters: Value = serde_json::from_str(parameters).unwrap();
    parameters["contested"] = json!(contested);
    rule["InputParameters"] = json!(parameters.to_string());
    for told in ["ConfigRuleArn", "ConfigRuleId", "ConfigRuleState"] {
        rule.as_object_mut().unwrap().remove(told);
    }
    let input = json!({"ConfigRule": rule});
    world.call(Service::Config, "PutConfigRule", input).await;
    world.idle().await;
    lab_group(world).await
}

/// The other automation opens its port again, and everything comes to rest.
async fn reopened(world: &World, group: &Value) -> Reports {
    let mark = world.mark();
    open(world, group, 8080).await;
    world.idle().await;
    let mut reports = Vec::new();
    for call in world.calls_after(mark) {
        let input = call.input.value();
        for told in input["Evaluations"].as_array().into_iter().flatten() {
            let text = |name: &str| told[name].as_str().unwrap_or_default().to_owned();
            reports.push((text("ComplianceType"), text("Annotation")));
        }
    }
    reports
}

/// The port is opened again and again, until the function calls the group contested. What it reported then.
async fn fought_over(world: &World, group: &Value) -> Reports {
    for _ in 0..=REPAIRS {
        let reports = reopened(world, group).await;
        if reports
            .iter()
            .any(|(_, annotation)| annotation.contains("Contested: repaired 2 times in 10 minutes"))
        {
            return reports;
        }
        assert_eq!(ports(&lab_group(world).await), [80, 443], "{reports:?}");
    }
    panic!("the group is not contested after {REPAIRS} repairs");
}

/// How many calls of the function have changed a group since then.
fn writes(world: &World, mark: u64) -> usize {
    let calls = world.calls_after(mark);
    let writes = calls.iter().filter(|call| {
        call.principal.contains("assumed-role") && call.operation.contains("SecurityGroupIngress")
    });
    writes.count()
}

fn trial(contested: &str, hold: impl AsyncFn(&World, &Value, Reports) + Sync) {
    in_lab(quick(), async |world, lab| {
        let group = deployed(world, lab, contested).await;
        let reports = fought_over(world, &group).await;
        hold(world, &group, reports).await;
        lab.ok(&["cleanup"]).await;
    });
}

/// K2: it is repaired all the same, and both verdicts say what it is.
#[test]
fn a_contested_group_is_repaired_and_called_so() {
    trial("report:2/10", async |world, group, reports| {
        let contested = reports
            .iter()
            .filter(|(_, annotation)| annotation.contains("Contested"));
        let verdicts: Vec<&str> = contested.map(|(verdict, _)| verdict.as_str()).collect();
        assert_eq!(verdicts, ["NON_COMPLIANT", "COMPLIANT"], "{reports:?}");
        assert_eq!(ports(&lab_group(world).await), [80, 443]);
        assert_eq!(verdict(world, group).await.0, "COMPLIANT");
    });
}

/// K3: nothing is written any more, however often it is opened, and the verdict says what is due.
#[test]
fn a_contested_group_is_left_for_a_human() {
    trial("leave:2/10", async |world, group, reports| {
        assert_eq!(reports.len(), 1, "{reports:?}");
        assert_eq!(ports(&lab_group(world).await), [80, 443, 8080]);
        let mark = world.mark();
        open(world, group, 9090).await;
        world.idle().await;
        assert_eq!(ports(&lab_group(world).await), [80, 443, 8080, 9090]);
        let (compliance, annotation) = verdict(world, group).await;
        assert_eq!(compliance, "NON_COMPLIANT");
        assert!(
            annotation.contains("left for a human. Not approved: tcp 8080, tcp 9090"),
            "{annotation}"
        );
        assert_eq!(writes(world, mark), 0);
    });
}

/// K4: every inbound rule is taken away, once, and then it is left.
#[test]
fn a_contested_group_is_quarantined_once() {
    trial("quarantine:2/10", async |world, group, reports| {
        let closed = |(verdict, annotation): &(String, String)| {
            verdict == "NON_COMPLIANT" && annotation.contains("every inbound rule was taken away")
        };
        assert!(reports.iter().any(closed), "{reports:?}");
        assert!(ports(&lab_group(world).await).is_empty());
        assert_eq!(verdict(world, group).await.0, "NON_COMPLIANT");
        let mark = world.mark();
        let reports = reopened(world, group).await;
        assert_eq!(ports(&lab_group(world).await), [8080], "{reports:?}");
        assert_eq!(verdict(world, group).await.0, "NON_COMPLIANT");
        assert_eq!(writes(world, mark), 0, "a quarantine is once");
    });
}
