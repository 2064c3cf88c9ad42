#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use super::*;

pub(crate) fn package() -> Package {
    Package::for_tests(b"zip", Architecture::Arm64)
}

fn spec(settings: &str, overrides: Overrides) -> Result<Spec> {
    Spec::new(
        DEFAULT_STACK.to_owned(),
        Settings::parse("driftlab.yaml", settings).unwrap(),
        overrides,
        package(),
    )
}

#[test]
fn flags_win_over_the_file_and_the_rest_has_defaults() {
    let overrides = Overrides {
        email: Some("alice+lab@ust.example".into()),
        tags: vec![("course".into(), "2".into())],
        ..Overrides::default()
    };
    let spec = spec(
        "email: bob@ust.example\ntopic: false\ntags: {course: '1', term: fall}",
        overrides,
    )
    .unwrap();
    assert_eq!(spec.email, "alice+lab@ust.example");
    assert_eq!(
        spec.student, "alice",
        "taken from the address, without the mailbox"
    );
    assert!(!spec.topic);
    assert_eq!(spec.baseline, Baseline::ipv4());
    assert_eq!(spec.scope, LabScope::LabVpc);
    let tags: Vec<_> = spec
        .all_tags()
        .into_iter()
        .map(|(k, v)| format!("{k}={v}"))
        .collect();
    assert_eq!(
        tags,
        ["course=2", "driftlab:lab=lab-environment", "term=fall"]
    );
}

#[test]
fn rule_parameters_are_what_the_function_reads() {
    let spec = spec(
        "email: a@b.example\nbaseline: dual-stack",
        Overrides::default(),
    )
    .unwrap();
    let policy = Policy::from_parameters(&spec.rule_parameters("vpc-0a1")).unwrap();
    assert!(policy.debug);
    assert_eq!(policy.baseline, Baseline::dual_stack());
    assert_eq!(policy.scope, Scope::Vpc("vpc-0a1".into()));
}

#[test]
fn missing_and_unusable_values_are_input_errors_that_name_them() {
    for (settings, word) in [
        ("stack: x", "e-mail"),
        ("email: nobody", "nobody"),
        ("email: a.b@c.example\n", "a.b@c.example"),
        ("email: a@b.example\nstudent: 'a b'", "a b"),
        ("email: a@b.example\nbaseline: ipv5", "ipv5"),
        ("email: a@b.example\nscope: world", "world"),
        (
            "email: a@b.example\nparameters: {CodeS3Key: x}",
            "CodeS3Key",
        ),
        ("email: a@b.example\ntags: {'aws:x': y}", "aws:x"),
    ] {
        let error = spec(settings, Overrides::default()).unwrap_err();
        assert_eq!(error.kind(), Kind::Input, "{settings}");
        assert!(error.to_string().contains(word), "{settings}: {error}");
    }
    let long = (0..60)
        .map(|n| format!("tcp:{}:0.0.0.0/0", 1000 + n))
        .collect::<Vec<_>>()
        .join(",");
    let error = spec(
        &format!("email: a@b.example\nbaseline: {long}"),
        Overrides::default(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("1024"), "{error}");
}

#[test]
fn code_buckets_have_names_that_s3_takes() {
    let longest_region = "ap-southeast-2";
    for stack in ["lab-environment", "Lab", "lab-", &"x".repeat(128)] {
        let name = code_bucket("123456789012", longest_region, stack);
        assert!(name.len() <= 63, "{name}");
        assert!(
            name.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
            "{name}"
        );
        assert!(!name.ends_with('-'));
    }
    assert_eq!(
        code_bucket("123456789012", "us-east-1", "lab-environment"),
        "driftlab-code-123456789012-us-east-1-lab-environment"
    );
    assert_ne!(code_bucket("1", "r", "Lab"), code_bucket("1", "r", "lab"));
}

#[test]
fn the_embedded_template_fits_into_a_request_and_has_our_parameters() {
    assert!(
        TEMPLATE.len() as u64 <= LONGEST_TEMPLATE,
        "{}",
        TEMPLATE.len()
    );
    for (name, default) in NAMES {
        let start = TEMPLATE
            .find(&format!("\n  {name}:\n"))
            .unwrap_or_else(|| panic!("no {name}"));
        let default_line = TEMPLATE[start..]
            .lines()
            .find(|line| line.trim_start().starts_with("Default:"))
            .unwrap();
        let value = default_line
            .split_once(':')
            .unwrap()
            .1
            .trim()
            .trim_matches('"');
        assert_eq!(value, default, "{name}");
    }
    for output in [
        "VpcId",
        "LabSecurityGroupId",
        "FunctionName",
        "FunctionArn",
        "FunctionRoleArn",
        "ConfigRoleArn",
        "TopicArn",
        "DeliveryBucketName",
        "LogGroupName",
    ] {
        assert!(TEMPLATE.contains(&format!("\n  {output}:\n")), "{output}");
    }
}
