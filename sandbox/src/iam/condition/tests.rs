//! What each operator holds for.

use super::*;

fn holds(operator: &str, values: &[&str], actual: &[&str]) -> Option<bool> {
    let condition = Condition {
        operator: Operator::parse(operator).expect("a known operator"),
        key: "k:x".to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let mut context = Context::new();
    if !actual.is_empty() {
        context.insert(
            "k:x".to_owned(),
            actual.iter().map(|value| (*value).to_owned()).collect(),
        );
    }
    context.insert("aws:username".to_owned(), vec!["ann".to_owned()]);
    condition.holds(&context, true, &Allowance::of(10_000))
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn operators_on_one_value() {
    for (operator, wanted, actual, expected) in [
        ("StringEquals", "a", "a", YES),
        ("StringEquals", "a*", "ab", NO),
        ("StringEquals", "A", "a", NO),
        ("StringEqualsIgnoreCase", "A", "a", YES),
        ("StringNotEquals", "a", "b", YES),
        ("StringNotEquals", "a", "a", NO),
        ("StringLike", "a?c*", "abcd", YES),
        ("StringNotLike", "a*", "abcd", NO),
        ("StringEquals", "${aws:username}", "ann", YES),
        ("StringEquals", "${aws:nothing}", "ann", None),
        ("StringEquals", "${aws:nothing, 'ann'}", "ann", YES),
        ("StringEquals", "a${*}", "a*", YES),
        ("StringLike", "a${*}", "ab", NO),
        (
            "ArnEquals",
            "arn:aws:ec2:*:1:vpc/*",
            "arn:aws:ec2:eu-west-1:1:vpc/vpc-1",
            YES,
        ),
        (
            "ArnLike",
            "arn:aws:ec2:*:vpc/*",
            "arn:aws:ec2:eu-west-1:1:vpc/vpc-1",
            NO,
        ),
        ("ArnLike", "arn:aws:s3:::b*", "arn:aws:s3:::bucket/a:b", YES),
        ("ArnNotEquals", "arn:aws:s3:::b", "arn:aws:s3:::b", NO),
        ("Bool", "false", "FALSE", YES),
        ("Bool", "perhaps", "true", None),
        ("NumericLessThanEquals", "10", "10.0", YES),
        ("NumericGreaterThan", "10", "9", NO),
        ("NumericNotEquals", "10", "many", None),
        ("DateGreaterThan", "2025-01-01", "2025-01-01T00:00:01Z", YES),
        (
            "DateLessThan",
            "1735689600",
            "2024-12-31T23:59:59+00:00",
            YES,
        ),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", YES),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", NO),
        ("IpAddress", "10.1.2.3", "10.1.2.3", YES),
        ("IpAddress", "2001:db8::/32", "10.1.2.3", NO),
        ("Null", "false", "anything", YES),
        ("Null", "true", "anything", NO),
        ("StringEqualsIfExists", "a", "b", NO),
    ] {
        assert_eq!(
            holds(operator, &[wanted], &[actual]),
            expected,
            "{operator} {wanted} {actual}"
        );
    }
}

#[test]
fn a_key_that_is_not_there() {
    for (operator, expected) in [
        ("StringEquals", NO),
        ("StringNotEquals", YES),
        ("StringEqualsIfExists", YES),
        ("Bool", NO),
        ("ForAnyValue:StringEquals", NO),
        ("ForAllValues:StringEquals", YES),
    ] {
        assert_eq!(holds(operator, &["true"], &[]), expected, "{operator}");
    }
    assert_eq!(holds("Null", &["true"], &[]), YES);
    assert_eq!(holds("Null", &["false"], &[]), NO);
}

#[test]
fn several_values() {
    assert_eq!(holds("StringEquals", &["a", "b"], &["b"]), YES);
    assert_eq!(holds("StringNotEquals", &["a", "b"], &["b"]), NO);
    assert_eq!(holds("StringNotEquals", &["a", "b"], &["c"]), YES);
    assert_eq!(holds("ForAnyValue:StringEquals", &["a"], &["a", "z"]), YES);
    assert_eq!(
        holds("ForAllValues:StringEquals", &["a", "b"], &["a", "z"]),
        NO
    );
    assert_eq!(
        holds("ForAllValues:StringEquals", &["a", "z"], &["a", "z"]),
        YES
    );
    assert_eq!(
        holds("ForAnyValue:StringNotEquals", &["a"], &["a", "z"]),
        YES
    );
    assert_eq!(
        holds("ForAllValues:StringNotEquals", &["a"], &["a", "z"]),
        NO
    );
}

#[test]
fn unknown_operators_are_unknown() {
    for name in [
        "StringSortOf",
        "ForSome:StringEquals",
        "NullIfExists",
        "stringequals",
        "",
    ] {
        assert!(Operator::parse(name).is_none(), "{name}");
    }
}
