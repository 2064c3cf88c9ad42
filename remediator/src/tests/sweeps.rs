//! Scheduled events: everything in scope.

use super::{MAIL, WEB, event, handle, incident, rule};
use crate::fake::{ACCOUNT, Fake, Fault, GROUP, group};
use aws_calls::{ErrorKind, GroupQuery, UnreadableGroup};
use remediator_core::{Baseline, Compliance};
use serde_json::{Value, json};

pub(super) fn scheduled(parameters: &Value) -> Value {
    let mut event = event(parameters, "OK");
    let invoking = json!({
        "awsAccountId": "123456789012", "messageType": "ScheduledNotification",
        "notificationCreationTime": "2026-11-22T08:00:05.000Z", "recordVersion": "1.0"
    });
    event["invokingEvent"] = invoking.to_string().into();
    event
}

/// So many groups, every third of them open.
fn many(n: usize) -> Fake {
    let fake = Fake::with(&WEB);
    let mut others = fake.others.borrow_mut();
    for i in 1..n {
        let rules = if i % 3 == 0 {
            &[WEB[0], MAIL[0]][..]
        } else {
            &WEB[..]
        };
        let id = format!("sg-{i:05}");
        others.insert(id.parse().unwrap(), group(&id, rules));
    }
    drop(others);
    fake
}

/// What a sweep that does not end well says.
async fn failure(fake: &Fake) -> String {
    let error = handle(fake, &scheduled(&json!({}))).await.unwrap_err();
    error.to_string()
}

fn all_are_right(fake: &Fake) -> bool {
    let others = fake.others.borrow();
    fake.is_baseline(&Baseline::ipv4())
        && others
            .values()
            .all(|group| group.ingress == *Baseline::ipv4().rules())
}

fn last_verdict(fake: &Fake, id: &str) -> Option<Compliance> {
    let reports = fake.reports.borrow();
    let of_group = reports
        .iter()
        .filter(|report| report.evaluation.resource_id == id);
    let last = of_group.max_by_key(|report| report.evaluation.ordering_timestamp);
    last.map(|report| report.evaluation.compliance)
}

fn times(fake: &Fake, call: &str) -> usize {
    fake.calls
        .borrow()
        .iter()
        .filter(|made| **made == call)
        .count()
}

/// W1: every page is read, every group judged, every drifted one repaired, and verdicts go out by the
/// hundred.
#[tokio::test]
async fn everything_is_judged_and_repaired() {
    let fake = many(250);
    fake.page.set(100);
    handle(&fake, &scheduled(&json!({}))).await.unwrap();
    assert!(all_are_right(&fake));
    assert_eq!(times(&fake, "describe_security_groups"), 3);
    assert_eq!(times(&fake, "revoke_security_group_ingress"), 83);
    // Three pages of first verdicts, three of last ones.
    assert_eq!(times(&fake, "put_evaluations"), 6);
    assert_eq!(fake.reports.borrow().len(), 250 + 83);
    for id in [GROUP, "sg-00001", "sg-00003", "sg-00249"] {
        assert_eq!(last_verdict(&fake, id), Some(Compliance::Compliant), "{id}");
    }
    assert_eq!(
        fake.busy.get().0,
        8 * 2 + 1,
        "eight groups at a time, two writes each, beside the first verdicts"
    );
    let lines = fake.lines.borrow();
    assert_eq!(
        lines.last().unwrap(),
        "swept 250 group(s) in scope: 83 repaired, 0 failure(s), 0 not reached"
    );
}

/// W1: a clean account gets no write, and no line for each group.
#[tokio::test]
async fn nothing_to_do() {
    let fake = many(3);
    handle(&fake, &scheduled(&json!({}))).await.unwrap();
    assert_eq!(
        *fake.calls.borrow(),
        ["describe_security_groups", "put_evaluations"]
    );
    assert_eq!(
        *fake.lines.borrow(),
        ["swept 3 group(s) in scope: 0 repaired, 0 failure(s), 0 not reached"]
    );
    assert!(fake.evidence.borrow().is_empty());
}

/// W2: what EC2 can leave out is left out there, and what is not in scope is neither written nor told.
#[tokio::test]
async fn the_scope_is_asked_for() {
    for (scope, query) in [
        ("account", GroupQuery::default()),
        ("vpc:vpc-0a", GroupQuery::filter("vpc-id", ["vpc-0a"])),
        ("tag:team=red", GroupQuery::filter("tag:team", ["red"])),
    ] {
        let query = query.and_filter("owner-id", [ACCOUNT]);
        let fake = many(7);
        let tagged = "sg-00003".parse().unwrap();
        if let Some(group) = fake.others.borrow_mut().get_mut(&tagged) {
            group.tags.insert("team".to_owned(), "red".to_owned());
        }
        handle(&fake, &scheduled(&json!({"scope": scope})))
            .await
            .unwrap();
        assert_eq!(*fake.queries.borrow(), [query]);
        let open = rule(MAIL[0]);
        let others = fake.others.borrow();
        let still_open = others
            .values()
            .filter(|group| group.ingress.contains(&open))
            .count();
        let by_tag = scope.starts_with("tag");
        assert_eq!(still_open, usize::from(by_tag), "{scope}");
        assert_eq!(last_verdict(&fake, GROUP).is_some(), !by_tag, "{scope}");
    }
}

/// W2, S1: a participant's group in a shared VPC is neither asked for nor, should it come, written or reported: EC2 would
/// refuse the change (aws-cloudformation/cloudformation-coverage-roadmap#2255), and the sweep would fail for ever.
#[tokio::test]
async fn sweep_leaves_groups_of_another_owner_alone() {
    for parameters in [
        json!({}),
        json!({"scope": "account"}),
        json!({"scope": "vpc:vpc-0a"}),
    ] {
        let fake = many(4);
        let foreign = "sg-00003".parse().unwrap();
        if let Some(group) = fake.others.borrow_mut().get_mut(&foreign) {
            group.owner_id = "210987654321".parse().unwrap();
        }
        handle(&fake, &scheduled(&parameters)).await.unwrap();
        assert_eq!(fake.queries.borrow()[0].filters["owner-id"], [ACCOUNT]);
        assert_eq!(times(&fake, "revoke_security_group_ingress"), 0);
        assert_eq!(last_verdict(&fake, "sg-00003"), None, "{parameters}");
        assert_eq!(last_verdict(&fake, GROUP), Some(Compliance::Compliant));
    }
}

fn unreadable(id: &str) -> UnreadableGroup {
    UnreadableGroup {
        group_id: id.parse().unwrap(),
        owner_id: ACCOUNT.parse().unwrap(),
        vpc_id: Some("vpc-0a".to_owned()),
        tags: std::collections::BTreeMap::new(),
        reason: "`userId` is not usable: `amazon-elb`".to_owned(),
    }
}

/// W3: a group that is not understood is told of alone; the others are judged and repaired, and the run fails.
#[tokio::test]
async fn group_with_unreadable_rule_does_not_stop_the_sweep() {
    let fake = many(4);
    fake.unreadable.replace(vec![unreadable("sg-0e")]);
    // Somebody else's, and one out of scope.
    let mut foreign = unreadable("sg-0f");
    foreign.owner_id = "210987654321".parse().unwrap();
    let mut elsewhere = unreadable("sg-1f");
    elsewhere.vpc_id = None;
    fake.unreadable.borrow_mut().extend([foreign, elsewhere]);
    let parameters = json!({"scope": "vpc:vpc-0a"});
    let error = handle(&fake, &scheduled(&parameters)).await.unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("sg-0e: a rule") && error.contains("`amazon-elb`"),
        "{error}"
    );
    assert!(
        !error.contains("sg-0f") && !error.contains("sg-1f"),
        "{error}"
    );
    assert!(all_are_right(&fake));
    assert_eq!(last_verdict(&fake, "sg-0e"), Some(Compliance::NonCompliant));
    let reports = fake.reports.borrow();
    let told = reports
        .iter()
        .find(|report| report.evaluation.resource_id == "sg-0e");
    assert_eq!(
        told.unwrap().evaluation.annotation.as_str(),
        "describe_security_groups failure on group sg-0e"
    );
    assert_eq!(
        fake.lines
            .borrow()
            .iter()
            .find(|line| line.starts_with("swept"))
            .unwrap(),
        "swept 5 group(s) in scope: 1 repaired, 1 failure(s), 0 not reached"
    );
}

/// W3: a group that fails is told as what it is and does not stop the others; the run fails and names it.
#[tokio::test]
async fn one_group_fails() {
    let fake = many(9);
    // Calls: the page, the report, the writes of two groups.
    fake.faults
        .borrow_mut()
        .insert(2, Fault::Refused(ErrorKind::Denied));
    let error = failure(&fake).await;
    let failed = if error.contains("sg-00003") {
        "sg-00003"
    } else {
        "sg-00006"
    };
    assert!(
        error.contains(failed) && error.contains("Denied"),
        "{error}"
    );
    assert_eq!(last_verdict(&fake, failed), Some(Compliance::NonCompliant));
    assert_eq!(times(&fake, "revoke_security_group_ingress"), 2);
    // The next run finishes.
    fake.faults.borrow_mut().clear();
    handle(&fake, &scheduled(&json!({}))).await.unwrap();
    assert!(all_are_right(&fake));
    assert_eq!(last_verdict(&fake, failed), Some(Compliance::Compliant));
}

/// W3: verdicts that Config does not take, one by one or all at once, fail the run and stop nothing.
#[tokio::test]
async fn verdicts_that_are_not_taken() {
    let fake = many(9);
    fake.rejected.borrow_mut().insert("sg-00004".to_owned());
    let error = failure(&fake).await;
    assert!(
        error.contains("sg-00004 COMPLIANT was not accepted"),
        "{error}"
    );
    assert!(all_are_right(&fake));
    assert!(
        !fake
            .lines
            .borrow()
            .iter()
            .any(|line| line.starts_with("reported sg-00004"))
    );

    let fake = many(9);
    fake.faults
        .borrow_mut()
        .insert(1, Fault::Refused(ErrorKind::Server));
    let error = failure(&fake).await;
    assert!(error.contains("put_evaluations"), "{error}");
    assert!(all_are_right(&fake));
}

/// W3: a portion of verdicts that Config does not take does not stop the next.
#[tokio::test]
async fn a_portion_that_is_not_taken() {
    let fake = many(250);
    // The call after the reading: the first hundred of the first verdicts.
    fake.faults
        .borrow_mut()
        .insert(1, Fault::Refused(ErrorKind::Server));
    let error = failure(&fake).await;
    assert!(error.contains("put_evaluations"), "{error}");
    assert_eq!(times(&fake, "put_evaluations"), 4);
    assert_eq!(fake.reports.borrow().len(), 150 + 83);
    // The first group of each portion of which nothing has to be repaired.
    for (id, told) in [
        (GROUP, None),
        ("sg-00100", Some(Compliance::Compliant)),
        ("sg-00200", Some(Compliance::Compliant)),
    ] {
        assert_eq!(last_verdict(&fake, id), told, "{id}");
    }
}

/// W4: where the time does not suffice, what was not reached is NON_COMPLIANT, named, and a failure.
#[tokio::test]
async fn the_time_is_up() {
    let fake = many(100);
    fake.time.set(10_000);
    fake.slow.set(500);
    let error = failure(&fake).await;
    assert!(error.contains("the time did not suffice for"), "{error}");
    let others = fake.others.borrow();
    let open: Vec<_> = others
        .values()
        .filter(|g| g.ingress.contains(&rule(MAIL[0])))
        .collect();
    assert!(
        !open.is_empty() && open.len() < 33,
        "some were reached: {}",
        open.len()
    );
    for group in open {
        let id = group.group_id.as_str();
        assert_eq!(last_verdict(&fake, id), Some(Compliance::NonCompliant));
        assert!(
            fake.lines
                .borrow()
                .contains(&format!("not reached in time: {id}"))
        );
    }
}

/// W4: a list that cannot be read to its end is a failure, and what was read is judged.
#[tokio::test]
async fn the_list_breaks_off() {
    let fake = many(9);
    fake.page.set(5);
    // Calls: the page, its report, the two writes of sg-00003, their report, the second page.
    fake.faults
        .borrow_mut()
        .insert(5, Fault::Refused(ErrorKind::Throttled));
    let error = failure(&fake).await;
    assert!(error.contains("not every group was read"), "{error}");
    assert_eq!(fake.reports.borrow().len(), 5 + 1);
    for (id, told) in [
        ("sg-00001", Some(Compliance::Compliant)),
        ("sg-00003", Some(Compliance::Compliant)),
        ("sg-00005", None),
    ] {
        assert_eq!(last_verdict(&fake, id), told, "{id}");
    }
}

/// W5: a group that changes between the list and its repair is read again, by itself.
#[tokio::test]
async fn a_group_moves_meanwhile() {
    let fake = Fake::with(&[WEB[0], MAIL[0], MAIL[1]]);
    fake.change_after(0, |ingress| {
        ingress.remove(&rule(MAIL[0]));
    });
    handle(&fake, &scheduled(&json!({}))).await.unwrap();
    assert!(fake.is_baseline(&Baseline::ipv4()));
    assert_eq!(last_verdict(&fake, GROUP), Some(Compliance::Compliant));
}

/// O1, O2: the verdicts of a sweep are ordered by the reading of the page, never before the notification,
/// and the one after a repair directly after the one before it.
#[tokio::test]
async fn swept_verdicts_are_ordered() {
    let created = 1_795_334_405_000;
    for (clock, first) in [
        (created + 5_000, created + 5_007),
        (created - 60_000, created),
    ] {
        let fake = incident();
        fake.clock.set(clock);
        // The reading takes half a second: what counts is when it began.
        fake.slow.set(500);
        handle(&fake, &scheduled(&json!({}))).await.unwrap();
        assert_eq!(fake.order(), [first, first + 1]);
    }
}
