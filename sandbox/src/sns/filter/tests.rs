//! What filters admit, and what is no filter.

use super::*;
use serde_json::json;

fn steps() -> Allowance {
    Allowance::of(MATCHING_STEPS)
}

fn body(filter: &Value, body: &Value) -> bool {
    Filter::parse(&filter.to_string(), true)
        .expect("a valid filter")
        .admits_body(&Body::read(&body.to_string()), &steps())
}

#[test]
fn the_labs_filter() {
    let filter = json!({"messageType": ["ComplianceChangeNotification"], "resourceType": ["AWS::EC2::SecurityGroup"]});
    let change = |kind: &str, of: &str| json!({"messageType": kind, "resourceType": of});
    assert!(body(
        &filter,
        &change("ComplianceChangeNotification", "AWS::EC2::SecurityGroup")
    ));
    assert!(!body(
        &filter,
        &change("ComplianceChangeNotification", "AWS::EC2::VPC")
    ));
    assert!(!body(
        &filter,
        &change(
            "ConfigurationItemChangeNotification",
            "AWS::EC2::SecurityGroup"
        )
    ));
    assert!(!body(
        &filter,
        &json!({"messageType": "ComplianceChangeNotification"})
    ));
    let filter = Filter::parse(&filter.to_string(), true).expect("a valid filter");
    assert!(!filter.admits_body(&Body::read("no json"), &steps()));
}

#[test]
fn conditions() {
    for (condition, value, expected) in [
        (json!("a"), json!("a"), true),
        (json!("a"), json!(["b", "a"]), true),
        (json!(1), json!(1.0), true),
        (json!(null), json!(null), true),
        (json!({"prefix": "ab"}), json!("abc"), true),
        (json!({"prefix": "ab"}), json!("xabc"), false),
        (json!({"suffix": "bc"}), json!("abc"), true),
        (json!({"equals-ignore-case": "AbC"}), json!("aBc"), true),
        (json!({"anything-but": ["a", "b"]}), json!("c"), true),
        (json!({"anything-but": "a"}), json!("a"), false),
        (
            json!({"anything-but": {"prefix": "a"}}),
            json!("abc"),
            false,
        ),
        (json!({"exists": true}), json!("x"), true),
        (json!({"exists": false}), json!("x"), false),
        (json!({"numeric": [">", 1, "<=", 5]}), json!(5), true),
        (json!({"numeric": [">", 1, "<=", 5]}), json!(1), false),
        (json!({"cidr": "10.0.0.0/8"}), json!("10.1.2.3"), true),
    ] {
        assert_eq!(
            body(&json!({"k": [condition]}), &json!({"k": value})),
            expected,
            "{condition} {value}"
        );
    }
    assert!(body(&json!({"k": [{"exists": false}]}), &json!({})));
    assert!(!body(&json!({"k": [{"anything-but": "a"}]}), &json!({})));
}

#[test]
fn nested_filters_reach_into_lists() {
    let filter = json!({"detail": {"rules": {"port": [465]}}});
    assert!(body(
        &filter,
        &json!({"detail": {"rules": [{"port": 80}, {"port": 465}]}})
    ));
    assert!(!body(
        &filter,
        &json!({"detail": {"rules": [{"port": 80}]}})
    ));
    assert!(!body(&filter, &json!({"detail": 1})));
}

#[test]
fn wrong_filters() {
    for filter in [
        "[",
        "[]",
        r#"{"a":"b"}"#,
        r#"{"a":[]}"#,
        r#"{"a":[{"regex":"x"}]}"#,
        r#"{"a":[{"prefix":1}]}"#,
        r#"{"a":[{"numeric":["~",1]}]}"#,
        r#"{"$or":[{"a":["b"]}]}"#,
    ] {
        assert!(Filter::parse(filter, true).is_err(), "{filter}");
    }
    assert!(Filter::parse(r#"{"a":{"b":["c"]}}"#, false).is_err());
}

/// Values that are all different.
fn values(number: usize) -> Vec<String> {
    (0..number).map(|n| format!("value{n}")).collect()
}

#[test]
fn filters_past_awss_limits_are_refused_in_its_words() {
    let too_complex = "Filter policy is too complex";
    let keys = |number: usize| -> Value {
        (0..number)
            .map(|n| (format!("key{n}"), json!(["v"])))
            .collect()
    };
    let nested = |last: usize| json!({"a": {"b": {"c": values(4)}}, "d": {"e": values(3)}, "f": values(last)});
    for (filter, nesting, refused) in [
        (json!({"key": values(150)}), false, None),
        (json!({"key": values(151)}), false, Some(too_complex)),
        (
            json!({"key1": values(100), "key2": values(51)}),
            false,
            Some(too_complex),
        ),
        (keys(5), false, None),
        (
            keys(6),
            false,
            Some("Filter policy can not have more than 5 keys"),
        ),
        // 3 × 4 times 2 × 3: the example of the Developer Guide; and 216, as recorded.
        (nested(1), true, None),
        (nested(3), true, Some(too_complex)),
        (
            json!({"k": [{"numeric": ["<", 100, ">", 10]}]}),
            false,
            Some("Too many elements in numeric expression"),
        ),
        (
            json!({"k": [{"anything-but": {"suffix": "t"}}]}),
            false,
            Some("Unsupported anything-but pattern: suffix"),
        ),
        (
            json!({"k": [{"anything-but": {"exists": false}}]}),
            false,
            Some("Unsupported anything-but pattern: exists"),
        ),
        (
            json!({"k": [{"anything-but": {"prefix": false}}]}),
            false,
            Some("prefix match pattern must be a string"),
        ),
    ] {
        let read = Filter::parse(&filter.to_string(), nesting).err();
        assert_eq!(read.as_deref(), refused, "{filter}");
    }
    let long = json!({"key": ["v".repeat(MAX_BYTES)]});
    assert!(Filter::parse(&long.to_string(), false).is_err());
}

#[test]
fn matching_takes_a_step_for_each_value_and_no_more_than_are_allowed() {
    let filter = json!({"k": values(150)}).to_string();
    let filter = Filter::parse(&filter, true).expect("a valid filter");
    let long = Body::read(&json!({"k": vec!["other"; 1000]}).to_string());
    let all = steps();
    assert!(!filter.admits_body(&long, &all));
    assert_eq!(MATCHING_STEPS - all.left(), 1 + 150 * 1000);
    assert!(!all.is_exhausted());
    let few = Allowance::of(1000);
    assert!(!filter.admits_body(&long, &few));
    assert!(few.is_exhausted());
}
