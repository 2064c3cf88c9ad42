//! An incident whose author did not live to see the repair.

use std::time::Duration;

use sandbox::config::Latency;
use sandbox::faults::{CallerKind, Fault, Rule};
use trials::expected::flaws_of_healed;
use trials::trial::deployed;
use trials::world::quick;
use trials::{Spot, Trouble, furnish};

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
