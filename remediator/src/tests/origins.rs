//! Events and groups that are another account's, and evaluations of what is only planned.

use super::fast_path::{call, instance};
use super::sweeps::scheduled;
use super::{answer, event, handle, incident, readings};
use crate::fake::{Fake, GROUP};
use remediator_core::Compliance;
use serde_json::{Value, json};

const OTHER: &str = "210987654321";

/// An event of Config's with other members of the item.
fn with_item(members: &[(&str, Value)]) -> Value {
    let mut event = event(&json!({}), "OK");
    let text = event["invokingEvent"].as_str().unwrap();
    let mut invoking: Value = serde_json::from_str(text).unwrap();
    for (name, value) in members {
        invoking["configurationItem"][name] = value.clone();
    }
    event["invokingEvent"] = invoking.to_string().into();
    event
}

async fn foreign(fake: &Fake, event: &Value) -> String {
    let error = answer(fake, &instance("{}"), event).await.unwrap_err();
    assert!(fake.calls.borrow().is_empty(), "{:?}", fake.calls.borrow());
    error.to_string()
}

/// E5: an event of another account or region is an error that names both places; nothing is read, written or reported.
#[tokio::test]
async fn event_of_another_account_or_region_is_an_error() {
    let ours = "this function serves account 123456789012 in us-east-1";
    let mut rule_of_another = event(&json!({}), "OK");
    rule_of_another["accountId"] = OTHER.into();
    let mut sweep_of_another = scheduled(&json!({}));
    sweep_of_another["accountId"] = OTHER.into();
    let mut forwarded = call(None);
    forwarded["account"] = OTHER.into();
    let mut refused = call(Some("Client.UnauthorizedOperation"));
    refused["account"] = OTHER.into();
    let mut elsewhere = call(None);
    elsewhere["region"] = "eu-west-1".into();
    for (event, theirs) in [
        (rule_of_another, "account 210987654321,"),
        (sweep_of_another, "account 210987654321,"),
        (
            with_item(&[("awsAccountId", OTHER.into())]),
            "account 210987654321,",
        ),
        (
            with_item(&[("awsRegion", "eu-west-1".into())]),
            "account 123456789012 in eu-west-1",
        ),
        (forwarded, "account 210987654321,"),
        (refused, "account 210987654321,"),
        (elsewhere, "account 123456789012 in eu-west-1"),
    ] {
        let error = foreign(&incident(), &event).await;
        assert!(error.contains(theirs) && error.contains(ours), "{error}");
    }
}

/// E5, E1: the item of a resource that is nowhere in particular is answered like every other type.
#[tokio::test]
async fn item_of_a_global_resource_is_answered() {
    let fake = incident();
    let event = with_item(&[
        ("resourceType", "AWS::IAM::Role".into()),
        ("awsRegion", "global".into()),
    ]);
    handle(&fake, &event).await.unwrap();
    assert_eq!(fake.last_compliance(), Some(Compliance::NotApplicable));
}

/// E5: where Lambda does not tell the function's account, the events are believed.
#[tokio::test]
async fn unknown_account_of_the_function_is_no_error() {
    let fake = incident();
    fake.account.set(None).unwrap();
    let mut event = event(&json!({}), "OK");
    event["accountId"] = OTHER.into();
    handle(&fake, &event).await.unwrap();
    assert_eq!(readings(&fake), 1);
}

/// S1: a group of another owner (a participant of a shared VPC) is outside every scope, on both paths.
#[tokio::test]
async fn group_of_another_owner_is_never_written() {
    for parameters in [
        json!({}),
        json!({"scope": "account"}),
        json!({"scope": "vpc:vpc-0a"}),
        json!({"scope": "tag:team=red"}),
    ] {
        let fake = incident();
        if let Some(group) = fake.group.borrow_mut().as_mut() {
            group.owner_id = OTHER.parse().unwrap();
            group.tags.insert("team".to_owned(), "red".to_owned());
        }
        handle(&fake, &event(&parameters, "OK")).await.unwrap();
        let instance = instance(&parameters.to_string());
        answer(&fake, &instance, &call(None)).await.unwrap();
        assert_eq!(
            *fake.calls.borrow(),
            [
                "describe_security_groups",
                "put_evaluations",
                "describe_security_groups"
            ]
        );
        assert_eq!(
            fake.verdicts(),
            [
                "NOT_APPLICABLE: The security group belongs to account 210987654321, which alone may change it."
            ]
        );
    }
}

/// F6: a revocation that names no group is no failure, and there is nothing to look at.
#[tokio::test]
async fn revocation_without_a_group_ends_well() {
    let fake = incident();
    let mut event = call(None);
    event["detail"]["eventName"] = "RevokeSecurityGroupIngress".into();
    event["detail"]["requestParameters"] = json!({"groupName": "default", "ipPermissions": {}});
    answer(&fake, &instance("{}"), &event).await.unwrap();
    assert!(fake.calls.borrow().is_empty());
    let lines = fake.lines.borrow();
    assert!(
        lines[0].starts_with("RevokeSecurityGroupIngress names no group"),
        "{lines:?}"
    );
}

/// E6: a proactive evaluation is answered with a verdict and changes nothing. Guide to AWS Config, "List of AWS Config
/// Managed Rules by Evaluation Mode": proactive rules do not remediate.
#[tokio::test]
async fn proactive_evaluation_is_judged_and_not_repaired() {
    let fake = incident();
    let mut event = event(&json!({}), "OK");
    event["evaluationMode"] = "PROACTIVE".into();
    handle(&fake, &event).await.unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(fake.last_compliance(), Some(Compliance::NonCompliant));
    // What is planned has not been there, so its absence raises no doubt and is no drift that somebody repaired.
    let fake = Fake::with(&super::WEB);
    let planned = json!({"ipProtocol": "tcp", "fromPort": 465, "toPort": 465, "ipv4Ranges": [{"cidrIp": "0.0.0.0/0"}]});
    let mut event = with_item(&[(
        "configuration",
        json!({"groupId": GROUP, "ipPermissions": [planned]}),
    )]);
    event["evaluationMode"] = "PROACTIVE".into();
    handle(&fake, &event).await.unwrap();
    assert_eq!((readings(&fake), fake.paused.get()), (1, 0));
    assert_eq!(fake.verdicts(), ["COMPLIANT: Permissions are correct."]);
    // With a detective one everything is as without the member.
    let fake = incident();
    let mut event = super::change();
    event["evaluationMode"] = "DETECTIVE".into();
    handle(&fake, &event).await.unwrap();
    assert_eq!(fake.last_compliance(), Some(Compliance::Compliant));
}
