//! The fast path: EventBridge is quicker than AWS Config, and both may tell of the same change.

use std::time::Duration;

use sandbox::config::Latency;
use sandbox::service::Service;
use serde_json::json;
use trials::World;
use trials::groups::{lab_group, open, ports, verdict};
use trials::trial::{deployed, in_lab};
use trials::world::quick;

/// How long a healing may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until the group has exactly the baseline again.
async fn healed(world: &World) {
    let mut news = world.sandbox.journal.news();
    let waiting = async {
        while ports(&lab_group(world).await) != [80, 443] {
            // The sender lives as long as the sandbox, which is borrowed. Our own looking is news too.
            let _ = news.changed().await;
        }
    };
    let healed = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(healed.is_ok(), "{}", lab_group(world).await);
}

fn reports(world: &World, mark: u64) -> usize {
    let calls = world.calls_after(mark);
    let reports = calls
        .iter()
        .filter(|call| call.operation == "PutEvaluations");
    reports.count()
}

#[test]
fn the_fast_path_heals_while_config_is_still_waiting() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy", "--parameter", "FastPath=true"]).await;
        world.idle().await;
        // From now on Config takes an hour: whatever heals, it is not Config.
        let hour = Latency::Fixed(Duration::from_secs(3600));
        world.sandbox.set_config_latency(hour);
        let (mark, group) = (world.mark(), lab_group(world).await);
        open(world, &group, 465).await;
        healed(world).await;
        assert_eq!(reports(world, mark), 0, "there is no token to report with");
        lab.ok(&["cleanup"]).await;
    });
}

#[test]
fn without_the_fast_path_nothing_heals_before_config() {
    deployed(quick(), async |world, _| {
        let hour = Latency::Fixed(Duration::from_secs(3600));
        world.sandbox.set_config_latency(hour);
        let (mark, group) = (world.mark(), lab_group(world).await);
        open(world, &group, 465).await;
        let rules = world.call(Service::Events, "ListRules", json!({})).await;
        assert_eq!(rules["Rules"], json!([]));
        assert!(
            world.calls_after(mark).is_empty(),
            "nobody has looked at the group"
        );
        assert_eq!(ports(&lab_group(world).await), [80, 443, 465]);
    });
}

#[test]
fn both_paths_at_once_heal_and_tell_the_history() {
    in_lab(quick(), async |world, lab| {
        lab.ok(&["deploy", "--parameter", "FastPath=true"]).await;
        world.idle().await;
        let group = lab_group(world).await;
        let mark = world.mark();
        for port in [465, 993, 8080, 3389] {
            open(world, &group, port).await;
        }
        world.idle().await;
        assert_eq!(ports(&lab_group(world).await), [80, 443]);
        // Nobody has taken away what is approved, not even for a moment.
        for call in world.calls_after(mark) {
            let input = call.input.value().to_string();
            let revokes = call.operation == "RevokeSecurityGroupIngress";
            let approved = ["80", "443"].iter().any(|port| {
                input.contains(&format!("\"FromPort\":\"{port}\""))
                    || input.contains(&format!("\"FromPort\":{port},"))
            });
            assert!(!(revokes && approved), "{input}");
        }
        assert_eq!(verdict(world, &group).await.0, "COMPLIANT");
    });
}
