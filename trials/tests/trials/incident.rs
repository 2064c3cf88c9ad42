//! An incident whose author did not live to see the repair.

use std::time::Duration;

use sandbox::config::Latency;
use sandbox::faults::{CallerKind, Fault, Rule};
use sandbox::protocol::Operation;
use sandbox::service::Service;
use serde_json::json;
use trials::expected::flaws_of_healed;
use trials::trial::deployed;
use trials::world::quick;
use trials::{ACCOUNT, Census, REGION, STACK, Spot, Trouble, furnish};

#[test]
fn an_incident_after_an_interrupted_one_waits_for_the_repair() {
    deployed(quick(), async |world, lab| {
        // As on AWS, where a repair takes its time, the ports are still open when the second incident begins: the function
        // gets nowhere, and is invoked again after a minute.
        world.strike(Rule {
            caller: Some(CallerKind::Role),
            ..Rule::new("ec2", "*", Fault::Throttling)
        });
        furnish::silence_after(world, &[("ec2", "AuthorizeSecurityGroupIngress")]);
        let killed = lab.run_until_killed(&["simulate-incident"]).await;
        assert!(killed.is_none(), "{killed:?}");
        let mark = world.mark();
        let repair = async {
            // It has seen the open ports once, and looks again.
            let looks = || {
                let calls = world.calls_after(mark);
                let own = calls
                    .iter()
                    .filter(|call| call.principal.contains("operator"));
                own.filter(|call| call.operation == "DescribeSecurityGroups")
                    .count()
            };
            let mut news = world.sandbox.journal.news();
            world.until(|| looks() >= 2).await;
            world.sandbox.faults.clear();
            let mut again = false;
            while !again {
                world.sandbox.clock.advance(Duration::from_secs(60));
                news.changed().await.unwrap();
                again = flaws_of_healed(world).await.is_empty();
            }
        };
        let (told, ()) = tokio::join!(lab.ok(&["simulate-incident"]), repair);
        assert!(
            told.text.contains("after an incident before this one"),
            "{}",
            told.text
        );
        assert_eq!(told.document["healed"], true);
        assert_eq!(flaws_of_healed(world).await, Vec::<String>::new());
        lab.ok(&["cleanup"]).await;
    });
}

#[test]
fn the_lost_answer_to_an_opening_is_no_failure() {
    deployed(quick(), async |world, lab| {
        // The first attempt opens the ports. The second is told that they are open: Config is slow enough for that.
        let moment = Latency::Fixed(Duration::from_millis(500));
        world.sandbox.set_config_latency(moment);
        let spot = Spot {
            service: "ec2".to_owned(),
            operation: "AuthorizeSecurityGroupIngress".to_owned(),
            occurrence: 1,
        };
        world.strike(Trouble::LostAfterOnce.at(&spot, CallerKind::Operator));
        let told = lab.ok(&["simulate-incident"]).await;
        assert_eq!(world.strikes(), 1);
        assert_eq!(told.document["healed"], true);
        lab.ok(&["cleanup"]).await;
    });
}

/// A function that does nothing, and somebody else who closes the ports, would prove nothing.
#[test]
fn function_that_is_not_the_deployed_one_proves_nothing() {
    deployed(quick(), async |world, lab| {
        let name = "evaluate_remediate_security_group";
        let bucket = format!("driftlab-code-{ACCOUNT}-{REGION}-{STACK}");
        // Any other archive with the same program in it.
        let package = trials::package::path();
        let mut other = std::fs::read(package).expect("the package can be read");
        let end = other.len();
        other[end - 2..].copy_from_slice(&3_u16.to_le_bytes());
        other.extend(*b"...");
        let put = Operation {
            body: other.into(),
            ..Operation::new("PutObject", json!({"Bucket": bucket, "Key": "other.zip"}))
        };
        world.text(&put).await.expect("the bucket takes objects");
        let code = json!({"FunctionName": name, "S3Bucket": bucket, "S3Key": "other.zip"});
        world
            .call(Service::Lambda, "UpdateFunctionCode", code)
            .await;
        world.idle().await;
        let before = Census::of(world).await;
        let told = lab.run(&["simulate-incident"]).await;
        let failure = told.failure();
        assert!(
            failure.contains("not the one that was deployed"),
            "{}{failure}",
            told.text
        );
        assert_eq!(before.since(world).await, "");
        // As the hint says.
        lab.ok(&["deploy"]).await;
        lab.ok(&["simulate-incident"]).await;
    });
}
