//! Which items a query finds, and what is no query.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
use super::*;

/// The results of a query over two groups, or the code of its refusal.
fn check(expression: &str, expected: Result<&[&str], &str>) {
    let group = |id: &str, name: &str, ports: &[u16]| {
        json!({"resourceType": "AWS::EC2::SecurityGroup", "resourceId": id, "resourceName": name,
            "tags": [{"key": "lab", "value": name, "tag": format!("lab={name}")}],
            "configuration": {"vpcId": "vpc-1",
                "ipPermissions": ports.iter().map(|port| json!({"fromPort": port, "toPort": port})).collect::<Vec<_>>()}})
    };
    let items = [
        group("sg-1", "first", &[80, 443]),
        group("sg-2", "second", &[22]),
    ];
    let run = || -> Result<Vec<String>, ApiError> {
        let query = parse(expression)?;
        let steps = Allowance::of(STEPS);
        let mut found: Vec<Value> = items
            .into_iter()
            .filter(|item| matches(&query.conditions, item, &steps))
            .collect();
        sort(&mut found, &query)?;
        let fields = query.fields.unwrap_or_default();
        Ok(found
            .iter()
            .map(|item| project(item, &fields).to_string())
            .collect())
    };
    match (run(), expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{expression}"),
        (Err(error), Err(code)) => assert_eq!(error.code, code, "{expression}"),
        (found, expected) => panic!("{expression}: {found:?} instead of {expected:?}"),
    }
}

#[test]
fn conditions_choose_and_properties_show() {
    let (first, second) = (r#"{"resourceId":"sg-1"}"#, r#"{"resourceId":"sg-2"}"#);
    let both = [first, second];
    check("SELECT resourceId", Ok(&both));
    check(
        "select resourceId where resourceType = 'AWS::EC2::SecurityGroup'",
        Ok(&both),
    );
    check(
        "SELECT resourceId WHERE resourceName='first' AND tags.key = 'lab'",
        Ok(&[first]),
    );
    check(
        "SELECT resourceId WHERE tags.tag = 'lab=second'",
        Ok(&[second]),
    );
    check(
        "SELECT resourceId WHERE resourceId IN ('sg-2', 'sg-3')",
        Ok(&[second]),
    );
    check(
        "SELECT resourceId WHERE resourceType LIKE 'AWS::EC2::%'",
        Ok(&both),
    );
    check("SELECT resourceId WHERE resourceId LIKE 'sg-_'", Ok(&both));
    check(
        "SELECT resourceId WHERE configuration.ipPermissions.fromPort = 443",
        Ok(&[first]),
    );
    check(
        "SELECT resourceId WHERE configuration.ipPermissions.toPort IN (22, 443.0) AND configuration.vpcId = 'vpc-1'",
        Ok(&both),
    );
    check(
        "SELECT resourceId ORDER BY resourceId DESC",
        Ok(&[second, first]),
    );
    check(
        "SELECT resourceId ORDER BY configuration.vpcId, resourceName DESC",
        Ok(&[second, first]),
    );
    check(
        "SELECT resourceName, configuration.ipPermissions.fromPort, configuration.vpcId WHERE resourceId = 'sg-1'",
        Ok(&[
            r#"{"configuration":{"ipPermissions":[{"fromPort":80},{"fromPort":443}],"vpcId":"vpc-1"},"resourceName":"first"}"#,
        ]),
    );
    check("SELECT resourceId WHERE resourceName = 'it''s'", Ok(&[]));
}

#[test]
fn what_is_not_understood_is_refused() {
    for expression in [
        "",
        "SELECT",
        "SELECT resourceId,",
        "SELECT resourceid",
        "SELECT COUNT(*)",
        "SELECT DISTINCT resourceId",
        "SELECT resourceId FROM resources",
        "SELECT resourceId WHERE",
        "SELECT resourceId WHERE resourceId",
        "SELECT resourceId WHERE resourceId = sg",
        "SELECT resourceId WHERE resourceId = 'sg-1' OR resourceId = 'sg-2'",
        "SELECT resourceId WHERE NOT resourceId = 'sg-1'",
        "SELECT resourceId WHERE resourceId > 'sg-1'",
        "SELECT resourceId WHERE resourceId = 'sg-1",
        "SELECT resourceId WHERE resourceId IN ()",
        "SELECT resourceId WHERE resourceId LIKE '%sg-1'",
        "SELECT resourceId WHERE resourceId LIKE 'sg%'",
        "SELECT resourceId WHERE resourceId LIKE 'sg-1%2%'",
        "SELECT resourceId WHERE resourceId = NULL",
        "SELECT resourceId WHERE tags = 'lab'",
        "SELECT resourceId WHERE tags.lab = 'first'",
        "SELECT resourceId WHERE configuration.ipPermissions.ipRanges = '10.0.0.0/8'",
        "SELECT resourceId WHERE configuration.ipPermissions = 80",
        "SELECT resourceId WHERE configuration.vpcid = 'vpc-1'",
        "SELECT configuration.vpc",
        "SELECT resourceId WHERE configuration.vpcId = true",
        "SELECT resourceId WHERE configuration.vpcId = 1",
        "SELECT resourceId WHERE configuration.ipPermissions.fromPort = '443'",
        "SELECT resourceId GROUP BY resourceType",
        "SELECT resourceId ORDER BY configuration.ipPermissions.fromPort",
        "SELECT resourceId; SELECT resourceId",
    ] {
        check(expression, Err("InvalidExpressionException"));
    }
    assert_eq!(parse("SELECT *").unwrap().fields, None);
}

#[test]
fn comparing_takes_a_step_for_each_value_and_no_more_than_are_allowed() {
    let wanted: Vec<String> = (0..100).map(|n| format!("'{n}'")).collect();
    let expression = format!(
        "SELECT resourceId WHERE resourceId IN ({})",
        wanted.join(",")
    );
    let query = parse(&expression).unwrap();
    let item = json!({"resourceId": "sg-1"});
    let steps = Allowance::of(STEPS);
    assert!(!matches(&query.conditions, &item, &steps));
    assert_eq!(STEPS - steps.left(), 1 + 100);
    let few = Allowance::of(50);
    assert!(!matches(&query.conditions, &item, &few));
    assert!(few.is_exhausted());
}
