#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
use super::*;

fn entry(account: &str, at: Timestamp) -> Entry {
    let mut entry = Entry::turned_away(
        at,
        Origin::Service,
        None,
        ("ec2", "us-east-1"),
        &ApiError::bad("X", "x"),
        "r",
    );
    entry.account = AccountId::parse(account);
    entry
}

#[test]
fn a_ring_forgets_the_oldest_and_says_so() {
    const CAPACITY: usize = 100;
    let journal = Journal::new(CAPACITY, u64::MAX);
    let start = Timestamp::UNIX_EPOCH;
    for second in 0..CAPACITY + 3 {
        let at = start + time::Duration::seconds(i64::try_from(second).unwrap());
        journal.write(entry("111111111111", at));
    }
    journal.write(entry("222222222222", start));
    let query = Query {
        account: AccountId::parse("111111111111"),
        ..Query::default()
    };
    let found = journal.list(&query);
    assert_eq!((found.calls.len(), found.forgotten), (CAPACITY, 3));
    assert_eq!(found.calls[0].number, 4);
    let late = Query {
        since: Some(start + time::Duration::seconds(101)),
        ..query.clone()
    };
    assert_eq!(journal.list(&late).calls.len(), 2);
    let new = Query {
        after: 102,
        ..Query::default()
    };
    assert_eq!(journal.list(&new).calls.len(), 2);
    let elsewhere = Query {
        region: Region::parse("eu-west-1"),
        ..query
    };
    assert!(journal.list(&elsewhere).calls.is_empty());
}

#[test]
fn bytes_over_the_budget_are_forgotten_from_the_loudest_account() {
    let start = Timestamp::UNIX_EPOCH;
    let one = entry("111111111111", start).size();
    let journal = Journal::new(1_000, 10 * one);
    journal.write(entry("222222222222", start));
    for _ in 0..100 {
        journal.write(entry("111111111111", start));
    }
    let size = journal.size();
    assert_eq!((size.calls, size.bytes, size.forgotten), (10, 10 * one, 91));
    let query = Query {
        account: AccountId::parse("222222222222"),
        ..Query::default()
    };
    assert_eq!(journal.list(&query).calls.len(), 1, "the quiet one is kept");
    // A single call that is larger than all of the budget is gone at once, and with it its account.
    let journal = Journal::new(1_000, one / 2);
    journal.write(entry("111111111111", start));
    let size = journal.size();
    assert_eq!((size.calls, size.bytes, size.forgotten), (0, 0, 1));
}

#[test]
fn looking_is_told_from_doing() {
    for name in [
        "DescribeVpcs",
        "GetRole",
        "ListStacks",
        "FilterLogEvents",
        "HeadBucket",
    ] {
        assert!(reads(name), "{name}");
    }
    for name in [
        "CreateVpc",
        "RevokeSecurityGroupIngress",
        "DetectStackDrift",
        "Invoke",
    ] {
        assert!(!reads(name), "{name}");
    }
}
