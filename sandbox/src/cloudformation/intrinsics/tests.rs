//! What the functions give, and what they refuse.

#![expect(clippy::unwrap_used, reason = "a test ends where its fixture is wrong")]
use super::*;
use serde_json::json;

/// Resolves `value` (in YAML) in a template with parameters, mappings, conditions and one known resource.
fn check(value: &str) -> Result<Option<Value>, String> {
    let template = Template::parse(&format!(
            "
Parameters: {{Empty: {{Type: String, Default: ''}}, Days: {{Type: Number, Default: 14}}, Names: {{Type: CommaDelimitedList, Default: 'a, b'}}}}
Mappings: {{M: {{us-east-1: {{k: v}}}}}}
Conditions:
  Fourteen: !Equals [!Ref Days, \"14\"]
  Never: !Not [!Condition Fourteen]
  Both: !And [!Condition Fourteen, !Condition Never]
  Any: !Or [!Condition Fourteen, !Condition Never]
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
    let scope = Scope {
        template: &template,
        parameters: &parameters,
        account: &account,
        region: &Region::parse("us-east-1").unwrap(),
        stack_name: "lab",
        stack_id: "arn:stack",
        resources: &resources,
        exports: &BTreeMap::from([("shared".to_owned(), "x".to_owned())]),
    };
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
