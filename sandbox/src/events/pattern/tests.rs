//! What patterns match, and what is no pattern.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]
use super::*;
use serde_json::json;

fn check(pattern: Value, matches: bool) {
    let event = json!({
        "source": "aws.ec2",
        "detail": {
            "eventName": "AuthorizeSecurityGroupIngress",
            "port": 465,
            "list": ["a", "b"],
            "nothing": null,
            "empty": [],
            "sourceIPAddress": "10.1.2.3",
            "items": [{"p": 1, "q": "x"}, {"p": 2, "q": "y"}],
        },
    });
    let read = Pattern::parse(&pattern.to_string()).unwrap();
    assert_eq!(
        read.matches(&event, &Allowance::of(100_000)),
        matches,
        "{pattern}"
    );
}

#[test]
fn operators() {
    check(json!({"source": ["aws.s3", "aws.ec2"]}), true);
    check(json!({"source": ["aws.s3"]}), false);
    check(
        json!({"source": ["aws.ec2"], "detail": {"port": [466]}}),
        false,
    );
    check(json!({"detail": {"port": [465.0]}}), true);
    check(json!({"detail": {"nothing": [null]}}), true);
    check(json!({"detail": {"list": ["b"]}}), true);
    // LocalStack (2025-10, 8b9a79f0): an empty list does not exist.
    check(json!({"detail": {"empty": [{"exists": true}]}}), false);
    check(json!({"detail": {"empty": [{"exists": false}]}}), true);
    for (test, holds) in [
        (json!({"prefix": "Authorize"}), true),
        (json!({"prefix": {"equals-ignore-case": "AUTHOR"}}), true),
        (json!({"prefix": "Revoke"}), false),
        (json!({"suffix": "Ingress"}), true),
        (json!({"suffix": "Egress"}), false),
        (
            json!({"equals-ignore-case": "authorizesecuritygroupingress"}),
            true,
        ),
        (json!({"wildcard": "Auth*Group*ess"}), true),
        (json!({"wildcard": "Auth*Groups*ess"}), false),
        (json!({"anything-but": "X"}), true),
        (
            json!({"anything-but": ["X", "AuthorizeSecurityGroupIngress"]}),
            false,
        ),
        (json!({"anything-but": {"prefix": "Auth"}}), false),
        (
            json!({"anything-but": {"suffix": ["Egress", "Tags"]}}),
            true,
        ),
        (json!({"exists": true}), true),
        (json!({"exists": false}), false),
        (json!({"numeric": [">", 0]}), false),
    ] {
        check(json!({"detail": {"eventName": [test]}}), holds);
    }
    check(
        json!({"detail": {"port": [{"numeric": [">", 400, "<=", 465]}]}}),
        true,
    );
    check(
        json!({"detail": {"port": [{"numeric": ["<", 465]}]}}),
        false,
    );
    check(
        json!({"detail": {"sourceIPAddress": [{"cidr": "10.1.0.0/16"}]}}),
        true,
    );
    check(
        json!({"detail": {"sourceIPAddress": [{"cidr": "10.2.0.0/16"}]}}),
        false,
    );
    check(json!({"detail": {"missing": [{"exists": false}]}}), true);
    check(
        json!({"detail": {"missing": {"deeper": [{"exists": false}]}}}),
        true,
    );
    check(
        json!({"detail": {"missing": [{"anything-but": "x"}]}}),
        false,
    );
    // One and the same item must fit.
    check(json!({"detail": {"items": {"p": [1], "q": ["x"]}}}), true);
    check(json!({"detail": {"items": {"p": [1], "q": ["y"]}}}), false);
    let either = json!([{"detail": {"port": [1]}}, {"source": ["aws.ec2"]}]);
    check(json!({"$or": either}), true);
    check(json!({"$or": either, "detail": {"port": [1]}}), false);
}

#[test]
fn what_is_no_pattern_is_refused() {
    for text in [
        "",
        "[]",
        "{}",
        r#"{"source": "aws.ec2"}"#,
        r#"{"source": []}"#,
        r#"{"source": [{"startswith": "a"}]}"#,
        r#"{"source": [{"prefix": 1}]}"#,
        r#"{"source": [{"prefix": "a", "suffix": "b"}]}"#,
        r#"{"source": [{"anything-but": null}]}"#,
        r#"{"source": [{"anything-but": {"numeric": ["=", 1]}}]}"#,
        r#"{"source": [{"numeric": ["~", 1]}]}"#,
        r#"{"source": [{"numeric": [">"]}]}"#,
        r#"{"source": [{"exists": "yes"}]}"#,
        r#"{"source": [{"cidr": "10.0.0.0/33"}]}"#,
        r#"{"source": [["a"]]}"#,
        r#"{"$or": [{"a": [1]}]}"#,
    ] {
        let error = Pattern::parse(text).unwrap_err();
        assert_eq!(error.code, "InvalidEventPatternException", "{text}");
    }
}

/// As LocalStack recorded them on AWS on 2025-10-15 (`tests/aws/services/events/event_pattern_templates`), without the
/// place in the text that AWS adds.
#[test]
fn what_aws_refuses_is_refused_in_its_words() {
    for (test, reason) in [
        (
            json!({"anything-but": {"prefix": ""}}),
            "Null prefix/suffix not allowed",
        ),
        (
            json!({"anything-but": {"suffix": ""}}),
            "Null prefix/suffix not allowed",
        ),
        (
            json!({"anything-but": {"prefix": {"equals-ignore-case": "f"}}}),
            NOT_ANYTHING_BUT,
        ),
        (
            json!({"anything-but": {"suffix": {"equals-ignore-case": "f"}}}),
            NOT_ANYTHING_BUT,
        ),
        (
            json!({"numeric": [">", 0, ">", 0]}),
            "Bad numeric range operator: >",
        ),
        (
            json!({"numeric": [">", 0, "<"]}),
            "Value of < must be numeric",
        ),
        (
            json!({"wildcard": "*:*:*:*:*:event-bus/*"}),
            "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences after a wildcard character",
        ),
    ] {
        let error = Pattern::parse(&json!({"detail": {"a": [test]}}).to_string()).unwrap_err();
        assert_eq!(error.code, "InvalidEventPatternException");
        assert_eq!(
            error.message,
            format!("Event pattern is not valid. Reason: {reason}")
        );
    }
}

#[test]
fn a_pattern_has_a_length_and_a_number_of_combinations() {
    let long =
        |length: usize| json!({"a": ["x".repeat(length - r#"{"a":[""]}"#.len())]}).to_string();
    assert!(Pattern::parse(&long(MAX_PATTERN)).is_ok());
    assert!(Pattern::parse(&long(MAX_PATTERN + 1)).is_err());
    let choices = |n: usize| -> Vec<Value> { (0..n).map(|i| json!({"a": [i]})).collect() };
    let nested = |n: usize| json!({"$or": choices(31), "b": {"$or": choices(n)}}).to_string();
    assert!(Pattern::parse(&nested(32)).is_ok());
    assert!(Pattern::parse(&nested(33)).is_err());
}

#[test]
fn matching_takes_steps_and_no_more_than_are_allowed() {
    let values: Vec<String> = (0..50).map(|n| format!("v{n}")).collect();
    let pattern = Pattern::parse(&json!({"detail": {"k": values}}).to_string()).unwrap();
    let event = json!({"detail": {"k": vec!["other"; 100]}});
    let all = Allowance::of(100_000);
    assert!(!pattern.matches(&event, &all));
    assert_eq!(100_000 - all.left(), 2 + 50 * 100);
    let few = Allowance::of(1_000);
    assert!(!pattern.matches(&event, &few));
    assert!(few.is_exhausted());
}
