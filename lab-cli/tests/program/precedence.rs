//! What is said on the command line wins over the environment, that over the settings file, that over the profile (AWS CLI
//! user guide, "Configuration settings and precedence").

use tempfile::TempDir;

use crate::sts::Sts;
use crate::support::{ID, REGION, SECRET, check_policy, run, write_package};

#[test]
fn region_and_endpoint_follow_the_same_order() {
    let default = ("AWS_DEFAULT_REGION", "us-west-1");
    let yaml = "region: eu-west-3\n";
    let keys = [ID, SECRET];
    let with = |more: &[(&'static str, &'static str)]| [&keys[..], more].concat();
    check_policy(
        &["--region", "ap-east-1"],
        &with(&[REGION, default]),
        yaml,
        &["ap-east-1"],
    );
    check_policy(&[], &with(&[REGION, default]), yaml, &["us-east-1"]);
    check_policy(&[], &with(&[default]), yaml, &["us-west-1"]);
    check_policy(&[], &with(&[]), yaml, &["eu-west-3"]);
    // A flag wins over the endpoint of all services and over that of one.
    let (named, other) = (Sts::start(), Sts::start());
    for variable in ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"] {
        let environment = with(&[REGION]);
        let mut environment = environment;
        environment.push((variable, &other.url));
        let ran = run(&["policy", "--endpoint-url", &named.url], &environment, "");
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
    assert_eq!(named.operations().len(), 2);
    assert_eq!(other.operations().len(), 0);
}

/// Every other setting that has a variable: each layer is given something unusable, and the one that counts is the one that is
/// complained about.
#[test]
fn the_command_line_wins_over_the_environment_and_that_over_the_file() {
    // The flag, the variable, the key of the file (where there is one), and three values that cannot be used.
    let rows: [(&str, &str, &str, [&str; 3]); 8] = [
        (
            "--stack",
            "DRIFTLAB_STACK",
            "stack",
            ["7flag", "7variable", "7file"],
        ),
        (
            "--email",
            "DRIFTLAB_EMAIL",
            "email",
            ["flag", "variable", "file"],
        ),
        (
            "--itsc-account",
            "DRIFTLAB_STUDENT",
            "student",
            ["-f", "-v", "-y"],
        ),
        (
            "--baseline",
            "DRIFTLAB_BASELINE",
            "baseline",
            ["flag", "variable", "file"],
        ),
        (
            "--scope",
            "DRIFTLAB_SCOPE",
            "scope",
            ["flag", "variable", "file"],
        ),
        (
            "--cfn-role",
            "DRIFTLAB_CFN_ROLE",
            "cfn_role",
            ["flag", "variable", "file"],
        ),
        (
            "--permissions-boundary",
            "DRIFTLAB_PERMISSIONS_BOUNDARY",
            "permissions_boundary",
            ["flag", "variable", "file"],
        ),
        (
            "--region",
            "AWS_REGION",
            "region",
            ["flag", "variable", "file"],
        ),
    ];
    let package = TempDir::new().unwrap();
    let zip = package.path().join("function.zip");
    write_package(&zip);
    let zip = zip.to_str().unwrap();
    for (flag, variable, key, values) in rows {
        let [in_flag, in_variable, in_file] = values;
        let given = format!("{flag}={in_flag}");
        let mut file = format!("{key}: \"{in_file}\"\n");
        if key != "email" {
            file.push_str("email: ann@example.com\n");
        }
        let plain = ["deploy", "--yes", "--package", zip];
        let named = ["deploy", "--yes", "--package", zip, &given];
        let environment = [(variable, in_variable)];
        for (arguments, environment, expected) in [
            (&named[..], &environment[..], in_flag),
            (&plain, &environment, in_variable),
            (&plain, &[], in_file),
        ] {
            let mut all = vec![ID, SECRET];
            if key != "region" {
                all.push(REGION);
            }
            all.extend(environment);
            let ran = run(arguments, &all, &file);
            assert_eq!(ran.code, 2, "{flag} {expected}: {}", ran.stderr);
            let told = ran.stderr.contains(&format!("`{expected}`"));
            assert!(told, "{flag}: `{expected}` is missing in:\n{}", ran.stderr);
        }
    }
}

/// What is left: the package, the end of a lab (more of it beside `EndArgs`), and the settings file itself.
#[test]
fn package_expiry_and_settings_file_follow_the_same_order() {
    let all = [
        ID,
        SECRET,
        REGION,
        ("DRIFTLAB_PACKAGE", "variable.zip"),
        ("DRIFTLAB_CONFIG", "variable.yaml"),
    ];
    for (arguments, word) in [
        (&["deploy", "--config", "flag.yaml"][..], "flag.yaml"),
        (&["deploy"], "variable.yaml"),
    ] {
        let ran = run(arguments, &all, "");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    let all = &all[..4];
    for (arguments, word) in [
        (&["deploy", "--package", "flag.zip"][..], "flag.zip"),
        (&["deploy"], "variable.zip"),
    ] {
        let ran = run(arguments, all, "email: ann@example.com\n");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains(word), "{}", ran.stderr);
    }
    let both = ["doctor", "--ttl", "3h", "--until", "2099-01-01T00:00Z"];
    for (arguments, yaml, variable, word) in [
        // Both on the command line contradict each other.
        (&both[..], "", "3h", "--until"),
        (&["doctor"], "", "1s", "DRIFTLAB_TTL"),
        (&["doctor"], "ttl: 1s\n", "1s", "driftlab.yaml:1:6"),
    ] {
        let sts = Sts::start();
        let variable = ("DRIFTLAB_TTL", variable);
        let environment = [ID, SECRET, REGION, variable, ("AWS_ENDPOINT_URL", &sts.url)];
        let ran = run(arguments, &environment, yaml);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(word), "{arguments:?}: {}", ran.stderr);
    }
}
