//! Events of EventBridge.

use super::{MAIL, WEB, answer as handle, event, incident, readings, rule};
use crate::fake::{ACCOUNT, Fake, GROUP};
use crate::handle::Instance;
use remediator_core::Baseline;
use serde_json::{Value, json};

pub(super) fn call(error: Option<&str>) -> Value {
    let permission = json!({"ipProtocol": "tcp", "fromPort": 465, "toPort": 465, "groups": {},
        "ipRanges": {"items": [{"cidrIp": "0.0.0.0/0"}]}, "ipv6Ranges": {}, "prefixListIds": {}});
    let mut event = json!({
        "detail-type": "AWS API Call via CloudTrail", "source": "aws.ec2", "account": ACCOUNT,
        "detail": {
            "eventSource": "ec2.amazonaws.com", "eventName": "AuthorizeSecurityGroupIngress",
            "eventTime": "2026-11-22T08:00:05Z", "eventID": "e-1",
            "userIdentity": {"arn": "arn:aws:iam::123456789012:user/eve"},
            "requestParameters": {"groupId": GROUP, "ipPermissions": {"items": [permission]}},
            "responseElements": {"_return": true}
        }
    });
    if let Some(code) = error {
        event["detail"]["errorCode"] = code.into();
    }
    event
}

pub(super) fn instance(policy: &str) -> Instance {
    Instance {
        fast_path: Some(policy.to_owned()),
        ..Instance::default()
    }
}

/// F2: the group is healed, and nothing is reported: there is no token.
#[tokio::test]
async fn healed_without_a_report() {
    let fake = incident();
    handle(&fake, &instance("{}"), &call(None)).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert!(!fake.calls.borrow().contains(&"put_evaluations"));
    let lines = fake.lines.borrow();
    assert_eq!(
        lines[0],
        format!(
            "heard of AuthorizeSecurityGroupIngress for {GROUP}: changed by arn:aws:iam::123456789012:user/eve (AuthorizeSecurityGroupIngress, CloudTrail event e-1)"
        )
    );
    assert_eq!(lines[1], format!("revoking for {GROUP} port 465"));
    assert!(
        !lines.iter().any(|line| line.starts_with("reported")),
        "{lines:?}"
    );
}

/// G2, T1: who opened the port stands beside the write and in the notice; a repair counts although nobody
/// could be told of a verdict.
#[tokio::test]
async fn who_opened_the_port_is_named() {
    let fake = incident();
    handle(&fake, &instance("{}"), &call(None)).await.unwrap();
    let lines = fake.evidence.borrow();
    let lines: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0]["by"]["principal"],
        "arn:aws:iam::123456789012:user/eve"
    );
    let event_id = &lines[0]["by"]["event_id"];
    assert!(event_id.is_string());
    assert!(lines.iter().all(|line| line["correlation"] == *event_id));
    assert_eq!(lines.last().unwrap()["Healed"], 1);
    let notices = fake.notices.borrow();
    let text = notices[0].text();
    assert!(text.contains("healed; revoked tcp 465"), "{text}");
    assert!(
        text.contains("changed by arn:aws:iam::123456789012:user/eve"),
        "{text}"
    );
}

/// F2, D1: seconds after a call a reading may well be older than it.
#[tokio::test]
async fn the_call_itself_is_a_witness() {
    let fake = Fake::with(&[WEB[0], WEB[1], MAIL[0]]);
    let mut old = fake.group.borrow().clone();
    if let Some(group) = &mut old {
        group.ingress = Baseline::ipv4().rules().clone();
    }
    fake.stale.replace((3, old));
    handle(&fake, &instance("{}"), &call(None)).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// F2, D1: the call is a witness in every form in which CloudTrail records it.
#[tokio::test]
async fn call_in_every_form_is_a_witness() {
    let rule = json!({"groupId": GROUP, "isEgress": false, "ipProtocol": "tcp", "fromPort": 465, "toPort": 465,
        "cidrIpv4": "0.0.0.0/0"});
    let answered = json!({"_return": true, "securityGroupRuleSet": {"items": [rule]}});
    let flat = json!({"groupId": GROUP, "ipPermissions": {}, "ipProtocol": "tcp", "fromPort": 465, "toPort": 465,
        "cidrIp": "0.0.0.0/0"});
    let wrapped = json!({"ModifySecurityGroupRulesRequest": {"GroupId": GROUP, "SecurityGroupRule": {
        "SecurityGroupRuleId": "sgr-0a", "tag": 1, "SecurityGroupRule": {
            "CidrIpv4": "0.0.0.0/0", "FromPort": 465, "ToPort": 465, "IpProtocol": "tcp"}}}});
    let modified = json!({"ModifySecurityGroupRulesResponse": {"return": true}});
    let authorize = "AuthorizeSecurityGroupIngress";
    for (name, asked, answered) in [
        (authorize, flat.clone(), json!({"_return": true})),
        (authorize, flat, answered.clone()),
        (authorize, json!({"groupName": "default"}), answered),
        ("ModifySecurityGroupRules", wrapped, modified),
    ] {
        let fake = Fake::with(&[WEB[0], WEB[1], MAIL[0]]);
        let mut old = fake.group.borrow().clone();
        if let Some(group) = &mut old {
            group.ingress = Baseline::ipv4().rules().clone();
        }
        fake.stale.replace((3, old));
        let mut event = call(None);
        event["detail"]["eventName"] = name.into();
        event["detail"]["requestParameters"] = asked.clone();
        event["detail"]["responseElements"] = answered;
        handle(&fake, &instance("{}"), &event).await.unwrap();
        assert!(fake.is_baseline(&Baseline::ipv4()), "{name} {asked}");
    }
}

/// F2, D2: a rule of which the record does not say whether it is inbound is looked for in both directions, and raises no
/// doubt where it is found in either, is approved, or was taken away by this instance.
#[tokio::test]
async fn rule_without_direction_is_looked_for_in_both() {
    let modified = |port: u16, protocol: &str| {
        let mut event = call(None);
        event["detail"]["eventName"] = "ModifySecurityGroupRules".into();
        event["detail"]["requestParameters"] = json!({"ModifySecurityGroupRulesRequest": {
            "GroupId": GROUP, "SecurityGroupRule": {"SecurityGroupRuleId": "sgr-0a", "tag": 1, "SecurityGroupRule": {
                "CidrIpv4": "0.0.0.0/0", "FromPort": port, "ToPort": port, "IpProtocol": protocol}}}});
        event
    };
    // Approved; outbound and there, as `Fake::with` makes it.
    for event in [modified(443, "tcp"), modified(0, "-1")] {
        let fake = Fake::with(&WEB);
        handle(&fake, &instance("{}"), &event).await.unwrap();
        assert_eq!((readings(&fake), fake.paused.get()), (1, 0));
    }
    // Approved, and not there because the baseline is a ceiling.
    let fake = Fake::with(&WEB[..1]);
    let ceiling = instance(r#"{"match":"at-most"}"#);
    handle(&fake, &ceiling, &modified(443, "tcp"))
        .await
        .unwrap();
    assert_eq!((readings(&fake), fake.paused.get()), (1, 0));
    // Taken away by this instance a moment before; another one waits until the second of the call is fifteen seconds ago.
    let (fake, here) = (Fake::with(&[WEB[0], WEB[1], MAIL[0]]), instance("{}"));
    for (instance, paused) in [(&here, 0), (&here, 0), (&instance("{}"), 15_000)] {
        handle(&fake, instance, &modified(465, "tcp"))
            .await
            .unwrap();
        assert_eq!(fake.paused.get(), paused);
    }
}

/// D2: a rule that was taken away in the second in which it is opened again is not believed to be gone: CloudTrail tells
/// whole seconds.
#[tokio::test]
async fn rule_opened_again_in_the_second_of_its_repair_is_a_witness() {
    let (fake, instance) = (Fake::with(&[WEB[0], WEB[1], MAIL[0]]), instance("{}"));
    handle(&fake, &instance, &call(None)).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    fake.stale.replace((2, fake.group.borrow().clone()));
    if let Some(group) = fake.group.borrow_mut().as_mut() {
        group.ingress.insert(rule(MAIL[0]));
    }
    let mut again = call(None);
    again["detail"]["eventTime"] = "2026-11-22T08:00:10Z".into();
    handle(&fake, &instance, &again).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
}

/// F3: what the function writes makes an event too; it ends with a read.
#[tokio::test]
async fn our_own_events_end_with_a_read() {
    let (fake, instance) = (incident(), instance("{}"));
    handle(&fake, &instance, &call(None)).await.unwrap();
    let calls = fake.calls.borrow().len();
    for name in [
        "RevokeSecurityGroupIngress",
        "AuthorizeSecurityGroupIngress",
    ] {
        let mut own = call(None);
        own["detail"]["eventName"] = name.into();
        own["detail"]["requestParameters"] = json!({"groupId": GROUP});
        handle(&fake, &instance, &own).await.unwrap();
    }
    assert_eq!(
        fake.calls.borrow()[calls..],
        ["describe_security_groups"; 2]
    );
}

/// F4: both paths at once, in either order and beside each other, heal once.
#[tokio::test]
async fn both_paths_at_once() {
    for first in [true, false] {
        let fake = incident();
        let (here, there) = (instance("{}"), instance("{}"));
        let (change, call) = (event(&json!({}), "OK"), call(None));
        let (a, b) = if first {
            tokio::join!(handle(&fake, &here, &change), handle(&fake, &there, &call))
        } else {
            tokio::join!(handle(&fake, &here, &call), handle(&fake, &there, &change))
        };
        a.unwrap();
        b.unwrap();
        assert!(fake.is_baseline(&Baseline::ipv4()));
        assert!(fake.verdicts().last().unwrap().starts_with("COMPLIANT"));
    }
}

/// F5, M1: the policy of the environment is the one that is followed: in audit mode nothing is written.
#[tokio::test]
async fn the_policy_of_the_environment_is_followed() {
    let fake = incident();
    let audit = instance(r#"{"mode":"audit"}"#);
    handle(&fake, &audit, &call(None)).await.unwrap();
    assert_eq!(*fake.calls.borrow(), ["describe_security_groups"]);
}

/// F1, F5: a call that was refused, an event that is not understood, and no policy: nothing is touched.
#[tokio::test]
async fn nothing_is_touched() {
    let fake = incident();
    handle(
        &fake,
        &instance("{}"),
        &call(Some("Client.UnauthorizedOperation")),
    )
    .await
    .unwrap();
    let mut nameless = call(None);
    nameless["detail"]["requestParameters"] = json!({});
    let error = handle(&fake, &instance("{}"), &nameless).await.unwrap_err();
    assert!(error.to_string().contains("cannot be handled"), "{error}");
    let error = handle(&fake, &Instance::default(), &call(None))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("`DRIFTLAB_POLICY`"), "{error}");
    let error = handle(&fake, &instance(r#"{"mode":"x"}"#), &call(None))
        .await
        .unwrap_err();
    assert!(error.chain().contains("`mode`"), "{}", error.chain());
    assert!(fake.calls.borrow().is_empty());
}
