//! What the functions give, and what they refuse.

#![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
use super::*;
use crate::cloudformation::limits::RESOLVE_WORK;
use serde_json::json;

/// Resolves `value` (in YAML) in a template with parameters, mappings, conditions and one known resource.
fn check(value: &str) -> Result<Option<Value>, String> {
    work(value, "").0
}

/// The same with more conditions, and what it cost.
fn work(value: &str, conditions: &str) -> (Result<Option<Value>, String>, usize) {
    let budget = Budget::default();
    let resolved = resolve(value, conditions, &budget);
    (resolved, budget.spent())
}

fn resolve(value: &str, conditions: &str, budget: &Budget) -> Result<Option<Value>, String> {
    let template = Template::parse(&format!(
            "
Parameters: {{Empty: {{Type: String, Default: ''}}, Days: {{Type: Number, Default: 14}}, Names: {{Type: CommaDelimitedList, Default: 'a, b'}}}}
Mappings: {{M: {{us-east-1: {{k: v}}}}}}
Conditions:
  Fourteen: !Equals [!Ref Days, \"14\"]
  Never: !Not [!Condition Fourteen]
  Both: !And [!Condition Fourteen, !Condition Never]
  Any: !Or [!Condition Fourteen, !Condition Never]
{conditions}
Resources: {{T: {{Type: AWS::SNS::Topic}}}}
Outputs: {{O: {{Value: {value}}}}}
"
        ))
        .map_err(|error| error.message)?;
    let parameters = super::super::parameters::bind(&template, &[], &BTreeMap::new()).unwrap();
    let account = AccountId::parse("123456789012").unwrap();
    let resources = BTreeMap::from([(
        "T".to_owned(),
        Known {
            reference: "arn:t".to_owned(),
            attributes: Map::from_iter([("TopicName".to_owned(), json!("t"))]),
        },
    )]);
    let mut scope = Scope {
        template: &template,
        parameters: &parameters,
        account: &account,
        region: &Region::parse("us-east-1").unwrap(),
        stack_name: "lab",
        stack_id: "arn:stack",
        resources: &resources,
        exports: &BTreeMap::from([("shared".to_owned(), "x".to_owned())]),
        truths: &BTreeMap::new(),
        budget,
    };
    let truths = scope.truths().map_err(|error| error.message)?;
    scope.truths = &truths;
    scope
        .resolve(&template.outputs["O"].value)
        .map_err(|error| error.message)
}

#[test]
fn functions_give_what_aws_gives() {
    for (value, expected) in [
        ("!Ref Names", json!(["a", "b"])),
        ("!Ref Days", json!("14")),
        (
            "!Sub '${AWS::Partition}-${T}-${T.TopicName}-${!Days}-${Days}'",
            json!("aws-arn:t-t-${Days}-14"),
        ),
        ("!Sub ['${x}', {x: !Ref AWS::StackName}]", json!("lab")),
        ("!Join ['-', [a, 1, !Ref Days]]", json!("a-1-14")),
        ("!Join [',', !Ref Names]", json!("a,b")),
        ("!Select [1, !Split ['/', a/b]]", json!("b")),
        ("!FindInMap [M, !Ref AWS::Region, k]", json!("v")),
        ("!GetAtt T.TopicName", json!("t")),
        ("!If [Fourteen, y, n]", json!("y")),
        ("!If [Both, y, !If [Any, x, n]]", json!("x")),
        (
            "!If [Never, y, [1, !Ref AWS::NoValue, {a: !Ref AWS::NoValue, b: 2}]]",
            json!([1, {"b": 2}]),
        ),
        ("{Fn::Base64: abc}", json!("YWJj")),
        (
            "!Cidr [10.0.0.0/16, 2, 8]",
            json!(["10.0.0.0/24", "10.0.1.0/24"]),
        ),
        ("!ImportValue shared", json!("x")),
        ("!Select [0, !GetAZs '']", json!("us-east-1a")),
    ] {
        assert_eq!(check(value), Ok(Some(expected)), "{value}");
    }
    assert_eq!(check("!Ref AWS::NoValue"), Ok(None));
}

#[test]
fn what_does_not_fit_is_said() {
    for (value, expected) in [
        (
            "!Ref Nobody",
            "Template format error: Unresolved resource dependencies [Nobody] in the Outputs block of the template",
        ),
        (
            "!GetAtt T.Nothing",
            "Template error: resource T does not support attribute type Nothing in Fn::GetAtt",
        ),
        (
            "!GetAtt Nobody.Arn",
            "Template error: instance of Fn::GetAtt references undefined resource Nobody",
        ),
        (
            "!FindInMap [M, x, k]",
            "Template error: Unable to get mapping for M::x::k",
        ),
        (
            "!Select [2, [a]]",
            "Template error: Fn::Select cannot select nonexistent value at index 2",
        ),
        ("!ImportValue none", "No export named none found"),
        (
            "!If [Maybe, a, b]",
            "Template error: unresolved condition dependency Maybe in Fn::If",
        ),
        (
            "'{{resolve:ssm:x}}'",
            "the dynamic reference in `{{resolve:ssm:x}}` is not implemented by the sandbox",
        ),
    ] {
        assert_eq!(check(value), Err(expected.to_owned()), "{value}");
    }
}

#[test]
fn each_condition_is_evaluated_once() {
    // Twice as many evaluations for each, if it were not so.
    let doubling = |last: usize| -> String {
        let and = |n: usize| format!("  C{n}: !And [!Condition C{0}, !Condition C{0}]\n", n - 1);
        format!(
            "  C0: !Equals [a, a]\n{}",
            (1..=last).map(and).collect::<String>()
        )
    };
    let spent = |last| {
        let (resolved, spent) = work("!If [C0, y, n]", &doubling(last));
        assert_eq!(resolved, Ok(Some(json!("y"))));
        spent
    };
    // An `!And` and its two operands.
    assert_eq!(spent(12) - spent(2), 10 * 3 * VALUE_WORK);
}

#[test]
fn a_long_chain_of_conditions_is_evaluated() {
    let not = |n: usize| format!("  C{n}: !Not [!Condition C{}]\n", n - 1);
    let chain: String = (1..=2000).map(not).collect();
    let (resolved, _) = work(
        "!If [C2000, y, n]",
        &format!("  C0: !Equals [a, a]\n{chain}"),
    );
    assert_eq!(resolved, Ok(Some(json!("y"))));
}

#[test]
fn conditions_in_a_circle_are_named() {
    for (conditions, circle) in [
        ("  A: !Not [!Condition A]", "A"),
        ("  A: !Not [!Condition B]\n  B: !Not [!Condition A]", "A, B"),
    ] {
        let (resolved, _) = work("x", conditions);
        let expected = format!("Template error: Found circular condition dependency: [{circle}]");
        assert_eq!(resolved, Err(expected));
    }
}

/// A function that makes a text of it twice as long each time.
fn doubled(times: usize) -> String {
    (0..times).fold(
        format!("{{'Fn::Sub': '{}'}}", "x".repeat(1024)),
        |inner, _| format!("{{'Fn::Sub': ['${{v}}${{v}}', {{v: {inner}}}]}}"),
    )
}

#[test]
fn texts_are_bounded_while_they_are_made() {
    let too_much = |value: &str| {
        let (resolved, spent) = work(value, "");
        assert!(
            resolved.unwrap_err().contains("more than the 16 MiB"),
            "{value}"
        );
        assert_eq!(spent, RESOLVE_WORK);
    };
    // What was made on the way to a text is as much again.
    let (resolved, _) = work(&doubled(11), "");
    assert_eq!(resolved.unwrap().unwrap().as_str().unwrap().len(), 2 << 20);
    too_much(&doubled(14));
    let long = "y".repeat(4096);
    let pieces = "x".repeat(4095);
    too_much(&format!(
        "!Join ['{long}', !Split [x, !Join ['', !Split [z, '{pieces}']]]]"
    ));
    too_much(&format!(
        "{{'Fn::Base64': {{'Fn::Base64': {}}}}}",
        doubled(12)
    ));
    too_much(&format!("!Equals [{}, a]", doubled(14)));
    too_much(&format!("!Select [0, [{0}, {0}, {0}]]", doubled(12)));
}

#[test]
fn copies_are_paid_for() {
    for (value, at_least) in [
        ("!FindInMap [M, us-east-1, k]", 1),
        ("!Ref Names", 2 * VALUE_WORK),
        ("!GetAtt T.TopicName", VALUE_WORK),
        ("!ImportValue shared", VALUE_WORK),
        ("!Cidr [10.0.0.0/16, 256, 8]", 256 * VALUE_WORK),
        ("!GetAZs ''", VALUE_WORK),
    ] {
        let (resolved, spent) = work(value, "");
        assert!(resolved.is_ok(), "{value}");
        assert!(spent >= at_least, "{value}: {spent}");
    }
}
