//! What is just past a limit is refused by every operation that reads a template, and what is at it is not.

use super::*;
use crate::cloudformation::limits::{
    BODY_BYTES, DEPTH, DESCRIPTION_BYTES, MAPPING_ATTRIBUTES, MAPPINGS, NAME, OUTPUTS,
    PARAMETER_BYTES, PARAMETERS, RESOURCES,
};

const TOPIC: &str = "\"T\": {\"Type\": \"AWS::SNS::Topic\"}";

/// A template with `sections` beside one topic.
fn with(sections: &str) -> String {
    format!("{{{sections}, \"Resources\": {{{TOPIC}}}}}")
}

/// `number` members, each with the same value.
fn members(number: usize, value: &str) -> String {
    let each: Vec<String> = (0..number).map(|n| format!("\"M{n}\": {value}")).collect();
    format!("{{{}}}", each.join(", "))
}

async fn refusal(world: &World, template: &str) -> Option<String> {
    let input = json!({"TemplateBody": template});
    let refused = world.call("ValidateTemplate", input).await.err();
    refused.map(|error| error.message)
}

#[tokio::test]
async fn counts_past_awss_quotas_are_refused() {
    let world = World::new();
    let (parameter, output) = ("{\"Type\": \"String\"}", "{\"Value\": \"v\"}");
    let mapping = "{\"k\": {\"a\": \"v\"}}";
    let attributes = |number| format!("{{\"M\": {{\"k\": {}}}}}", members(number, "\"v\""));
    let section = |name: &str, value: String| with(&format!("\"{name}\": {value}"));
    let topic = "{\"Type\": \"AWS::SNS::Topic\"}";
    type Template<'a> = Box<dyn Fn(usize) -> String + 'a>;
    let kinds: [(&str, usize, Template<'_>); 5] = [
        (
            "parameters",
            PARAMETERS,
            Box::new(|n| section("Parameters", members(n, parameter))),
        ),
        (
            "outputs",
            OUTPUTS,
            Box::new(|n| section("Outputs", members(n, output))),
        ),
        (
            "mappings",
            MAPPINGS,
            Box::new(|n| section("Mappings", members(n, mapping))),
        ),
        (
            "mapping attributes",
            MAPPING_ATTRIBUTES,
            Box::new(|n| section("Mappings", attributes(n))),
        ),
        (
            "resources",
            RESOURCES,
            Box::new(|n| format!("{{\"Resources\": {}}}", members(n, topic))),
        ),
    ];
    for (what, most, template) in kinds {
        assert_eq!(refusal(&world, &template(most)).await, None, "{what}");
        let expected = format!(
            "Template format error: Number of {what}, {}, is greater than maximum allowed, {most}",
            most + 1
        );
        assert_eq!(refusal(&world, &template(most + 1)).await, Some(expected));
    }
}

#[tokio::test]
async fn sizes_past_awss_quotas_are_refused() {
    let world = World::new();
    let named = |length: usize| {
        let name = "P".repeat(length);
        with(&format!(
            "\"Parameters\": {{\"{name}\": {{\"Type\": \"String\"}}}}"
        ))
    };
    let described = |length: usize| with(&format!("\"Description\": \"{}\"", "d".repeat(length)));
    let whole = |length: usize| {
        let template = with("\"Metadata\": {}");
        format!("{template}{}", " ".repeat(length - template.len()))
    };
    for (what, template, most) in [
        ("name", &named as &dyn Fn(usize) -> String, NAME),
        ("description", &described, DESCRIPTION_BYTES),
        ("body", &whole, BODY_BYTES),
    ] {
        assert_eq!(refusal(&world, &template(most)).await, None, "{what}");
        assert!(
            refusal(&world, &template(most + 1)).await.is_some(),
            "{what}"
        );
    }
    let template = with("\"Parameters\": {\"P\": {\"Type\": \"String\"}}");
    for (length, taken) in [(PARAMETER_BYTES, true), (PARAMETER_BYTES + 1, false)] {
        let given = json!([{"ParameterKey": "P", "ParameterValue": "v".repeat(length)}]);
        let name = format!("s{length}");
        let input = json!({"StackName": name, "TemplateBody": template, "Parameters": given});
        assert_eq!(world.call("CreateStack", input).await.is_ok(), taken);
    }
}

#[tokio::test]
async fn a_template_that_is_nested_too_deeply_is_refused_by_every_operation() {
    let world = World::new();
    assert_eq!(
        world.create("s", &with("\"Metadata\": {}")).await,
        "CREATE_COMPLETE"
    );
    let (open, close) = ("{\"a\": ".repeat(DEPTH), "}".repeat(DEPTH));
    let json = with(&format!("\"Metadata\": {open}1{close}"));
    let yaml = format!("---\n{json}");
    for template in [json, yaml] {
        for (operation, more) in [
            ("ValidateTemplate", json!({})),
            ("GetTemplateSummary", json!({})),
            ("CreateStack", json!({"StackName": "t"})),
            ("UpdateStack", json!({"StackName": "s"})),
            (
                "CreateChangeSet",
                json!({"StackName": "s", "ChangeSetName": "c"}),
            ),
        ] {
            let mut input = more;
            input["TemplateBody"] = json!(template);
            let refused = world.call(operation, input).await.unwrap_err();
            assert!(
                refused.message.contains("64 levels"),
                "{operation}: {refused}"
            );
        }
    }
}

#[tokio::test]
async fn what_resolves_to_too_much_fails_as_a_stack_and_as_a_change_set() {
    let world = World::new();
    let mut text = format!("\"{}\"", "x".repeat(1024));
    for _ in 0..14 {
        text = format!("{{\"Fn::Sub\": [\"${{v}}${{v}}\", {{\"v\": {text}}}]}}");
    }
    let template = format!(
        "{{\"Resources\": {{\"T\": {{\"Type\": \"AWS::SNS::Topic\", \"Properties\": {{\"DisplayName\": {text}}}}}}}}}"
    );
    assert_eq!(world.create("s", &template).await, "ROLLBACK_COMPLETE");
    let reason = world.reason("s", "CREATE_FAILED T").await;
    assert!(reason.contains("more than the 16 MiB"), "{reason}");
    let input = json!({"StackName": "c", "ChangeSetName": "c", "ChangeSetType": "CREATE", "TemplateBody": template});
    world.ok("CreateChangeSet", input).await;
    world.idle().await;
    let input = json!({"StackName": "c", "ChangeSetName": "c"});
    let set = world.ok("DescribeChangeSet", input).await;
    assert_eq!(set["Status"], "FAILED");
    assert!(
        set["StatusReason"]
            .as_str()
            .unwrap()
            .contains("more than the 16 MiB")
    );
}
