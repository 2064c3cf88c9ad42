//! Readings that are older than the event, and readings that are overtaken.

use super::{MAIL, WEB, answer, event, handle, incident, readings, rule};
use crate::fake::{Fake, Fault};
use crate::handle::Instance;
use aws_calls::ErrorKind;
use remediator_core::{Baseline, Compliance, SecurityGroup};
use serde_json::{Value, json};

/// The event of an item that shows the ports of `MAIL` and of `WEB`; it was captured 5 seconds before
/// the clock of the fake.
fn event_that_shows_mail(status: &str) -> Value {
    let ports = [80, 443, 465, 993].map(|port| {
        json!({"ipProtocol": "tcp", "fromPort": port, "toPort": port, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]})
    });
    let mut event = event(&json!({}), status);
    let mut invoking: Value =
        serde_json::from_str(event["invokingEvent"].as_str().unwrap()).unwrap();
    invoking["configurationItem"]["configuration"]["ipPermissions"] = json!(ports);
    event["invokingEvent"] = invoking.to_string().into();
    event
}

/// The same event with a difference from the item before, which says that these ports were opened.
fn event_that_opens(ports: &[u16]) -> Value {
    let mut event = event_that_shows_mail("OK");
    let mut invoking: Value =
        serde_json::from_str(event["invokingEvent"].as_str().unwrap()).unwrap();
    let mut changed = json!({});
    for (n, port) in ports.iter().enumerate() {
        changed[format!("Configuration.IpPermissions.{n}")] = json!({
            "previousValue": null, "changeType": "CREATE", "updatedValue": {"ipProtocol": "tcp",
                "fromPort": port, "toPort": port, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]}});
    }
    invoking["configurationItemDiff"] =
        json!({"changeType": "UPDATE", "changedProperties": changed});
    event["invokingEvent"] = invoking.to_string().into();
    event
}

fn opened() -> Fake {
    Fake::with(&[WEB[0], WEB[1], MAIL[0], MAIL[1]])
}

/// Lets so many readings show the group with other rules.
fn stale(fake: &Fake, readings: usize, rules: &[&str]) {
    let mut old: SecurityGroup = fake.group.borrow().clone().unwrap();
    old.ingress = rules.iter().map(|text| rule(text)).collect();
    fake.stale.replace((readings, Some(old)));
}

/// D1: a reading that does not show what the item shows is not believed: the group is read again
/// until it does, and healed.
#[tokio::test]
async fn a_clean_reading_older_than_the_event() {
    // The seventh pause reaches the moment at which the doubt ends (D2).
    for late in 1..=6 {
        let fake = opened();
        stale(&fake, late, &WEB);
        handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
        assert!(fake.is_baseline(&Baseline::ipv4()), "{late}");
        let verdicts = fake.verdicts();
        assert_eq!(
            verdicts.len(),
            2,
            "{late}: no verdict on an old reading: {verdicts:?}"
        );
        assert!(verdicts[0].starts_with("NON_COMPLIANT"), "{verdicts:?}");
    }
}

/// D1: the drift that a reading shows is repaired at once, but the verdict waits for one that shows
/// everything.
#[tokio::test]
async fn half_of_the_drift_is_shown() {
    let fake = opened();
    stale(&fake, 1, &[WEB[0], WEB[1], MAIL[0]]);
    handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
    assert_eq!(
        fake.calls.borrow()[..2],
        ["describe_security_groups", "revoke_security_group_ingress"]
    );
    assert!(fake.is_baseline(&Baseline::ipv4()));
    let compliant = fake
        .verdicts()
        .into_iter()
        .filter(|v| v.starts_with("COMPLIANT"));
    assert_eq!(compliant.count(), 1);
}

/// D1, D2: what somebody else has repaired is believed after fifteen seconds of growing pauses, and at
/// once where the event is older.
#[tokio::test]
async fn the_doubt_ends() {
    let fake = Fake::with(&WEB);
    handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
    // The item was five seconds old.
    assert_eq!(fake.paused.get(), 10_000);
    assert!(fake.pauses_grow(), "{:?}", fake.pauses.borrow());
    assert_eq!(
        fake.verdicts().last().unwrap(),
        "COMPLIANT: Permissions are correct."
    );

    let fake = Fake::with(&WEB);
    fake.clock.set(fake.clock.get() + 10_000);
    handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
    assert_eq!((fake.paused.get(), readings(&fake)), (0, 1));
    assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
}

/// D2: what this run has seen and taken away itself is no reason to doubt.
#[tokio::test]
async fn our_own_repair_raises_no_doubt() {
    let fake = opened();
    // The answer of the authorization that follows is lost, so the group is read again.
    fake.group
        .borrow_mut()
        .as_mut()
        .unwrap()
        .ingress
        .remove(&rule(WEB[1]));
    fake.faults
        .borrow_mut()
        .insert(2, Fault::Refused(ErrorKind::RuleDuplicate));
    handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
    assert_eq!((fake.paused.get(), readings(&fake)), (0, 2));
}

/// D5: a drift that only the item shows is in the history all the same, as of the item.
#[tokio::test]
async fn a_drift_that_somebody_else_repaired() {
    let fake = Fake::with(&WEB);
    fake.clock.set(fake.clock.get() + 20_000);
    handle(&fake, &event_that_shows_mail("OK")).await.unwrap();
    assert_eq!(
        fake.verdicts(),
        [
            "NON_COMPLIANT: Permissions were modified. 2 unapproved rule(s), gone since. Not approved: tcp 465, tcp 993.",
            "COMPLIANT: Permissions are correct.",
        ]
    );
    let reports = fake.reports.borrow();
    let captured = "2026-11-22T08:00:05Z".parse().unwrap();
    assert_eq!(reports[0].evaluation.ordering_timestamp, captured);
    assert!(reports[1].evaluation.ordering_timestamp > captured);
}

/// D5: a repair that revokes beside authorizing makes two items. The one between shows the drift that the item
/// before it showed already: whichever instance hears of it neither waits nor tells of the drift again.
#[tokio::test]
async fn an_item_between_the_writes_of_a_repair_tells_of_no_second_drift() {
    let fake = incident();
    let (first, second) = (Instance::default(), Instance::default());
    let drift = event_that_opens(&[465, 993]);
    answer(&fake, &first, &drift).await.unwrap();
    let told = fake.verdicts();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("NON_COMPLIANT"), "{told:?}");
    // What was authorized is there, what was revoked not yet gone.
    let between = event_that_opens(&[443]);
    for instance in [&second, &first] {
        answer(&fake, instance, &between).await.unwrap();
    }
    assert_eq!((fake.paused.get(), readings(&fake)), (0, 3));
    assert_eq!(
        fake.verdicts()[2..],
        ["COMPLIANT: Permissions are correct."; 2]
    );
}

/// D1: an item with a difference is a witness for what it adds.
#[tokio::test]
async fn a_clean_reading_older_than_an_item_with_a_difference() {
    let fake = opened();
    stale(&fake, 2, &WEB);
    handle(&fake, &event_that_opens(&[465])).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert_eq!((readings(&fake), fake.verdicts().len()), (3, 2));
}

/// D2: what this instance has taken away itself is believed to be gone.
#[tokio::test]
async fn our_own_earlier_repair_raises_no_doubt() {
    let fake = opened();
    let instance = Instance::default();
    let event = event_that_shows_mail("OK");
    for _ in 0..2 {
        answer(&fake, &instance, &event).await.unwrap();
    }
    assert_eq!((fake.paused.get(), readings(&fake)), (0, 2));
}

/// D2: also what it has taken away at a second try, after the group had moved under the first one.
#[tokio::test]
async fn what_a_second_try_took_away_raises_no_doubt() {
    let (fake, instance) = (opened(), Instance::default());
    let web = rule(WEB[1]);
    let group = &fake.group;
    group.borrow_mut().as_mut().unwrap().ingress.remove(&web);
    // The authorization beside it is confirmed.
    let moved = Fault::Refused(ErrorKind::RuleNotFound);
    fake.faults.borrow_mut().insert(1, moved);
    let event = event_that_shows_mail("OK");
    for _ in 0..2 {
        answer(&fake, &instance, &event).await.unwrap();
    }
    assert_eq!((fake.paused.get(), readings(&fake)), (0, 3));
}

/// D3: a group that was made a moment ago and is not yet shown is looked for again.
#[tokio::test]
async fn a_group_that_is_not_yet_shown() {
    let fake = opened();
    fake.stale.replace((3, None));
    handle(&fake, &event_that_shows_mail("ResourceDiscovered"))
        .await
        .unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// D3: a group that was made a moment ago and is never shown is looked for until fifteen seconds after
/// its item, and then told as deleted.
#[tokio::test]
async fn a_group_that_is_never_shown() {
    let fake = opened();
    fake.group.replace(None);
    handle(&fake, &event_that_shows_mail("ResourceDiscovered"))
        .await
        .unwrap();
    // The item was five seconds old.
    assert_eq!(fake.paused.get(), 10_000);
    assert_eq!(
        fake.verdicts(),
        ["NOT_APPLICABLE: The configurationItem was deleted and therefore cannot be validated."]
    );
}

/// D4: where the function's time does not suffice to wait, the run fails, so that Lambda repeats it.
#[tokio::test]
async fn no_time_to_wait() {
    let fake = opened();
    stale(&fake, 100, &WEB);
    fake.time.set(1_000);
    let error = handle(&fake, &event_that_shows_mail("OK"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not yet shown"), "{error}");
    assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
    assert!(fake.paused.get() < 1_000);
}

/// R8: a reading that still shows what is repaired already is overtaken by the next.
#[tokio::test]
async fn a_drifted_reading_older_than_the_repair() {
    for late in 1..=4 {
        let fake = Fake::with(&WEB);
        stale(&fake, late, &[WEB[0], MAIL[0]]);
        handle(&fake, &event(&json!({}), "OK")).await.unwrap();
        assert!(fake.is_baseline(&Baseline::ipv4()));
        assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
    }
}

/// D1: outbound rules as well, where the policy speaks of them; otherwise they raise no doubt.
#[tokio::test]
async fn an_outbound_rule_that_only_the_item_shows() {
    for (policy, expected) in [(json!({"egress": "tcp:443:0.0.0.0/0"}), 2), (json!({}), 1)] {
        let fake = Fake::with(&WEB);
        let set = |rules: &[&str]| {
            let rules = rules.iter().map(|text| rule(text)).collect();
            fake.group.borrow_mut().as_mut().unwrap().egress = rules;
        };
        set(&["tcp:443:0.0.0.0/0"]);
        stale(&fake, 1, &WEB);
        set(&["tcp:443:0.0.0.0/0", "tcp:25:0.0.0.0/0"]);
        let mut event = event(&policy, "OK");
        let mut invoking: Value =
            serde_json::from_str(event["invokingEvent"].as_str().unwrap()).unwrap();
        let smtp = json!({"ipProtocol": "tcp", "fromPort": 25, "toPort": 25, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]});
        invoking["configurationItem"]["configuration"] = json!({"ipPermissionsEgress": [smtp]});
        event["invokingEvent"] = invoking.to_string().into();
        handle(&fake, &event).await.unwrap();
        assert_eq!(readings(&fake), expected, "{policy}");
        let outbound = fake.group.borrow().as_ref().unwrap().egress.len();
        assert_eq!(outbound, if expected == 2 { 1 } else { 2 }, "{policy}");
    }
}
