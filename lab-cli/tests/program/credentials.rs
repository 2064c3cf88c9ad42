//! Whose credentials are used and whether they are of the account that is meant. Nothing goes further than the question whose
//! they are, which a server in this process answers with the account that the access key names.

use tempfile::TempDir;

use crate::sts::Sts;
use crate::support::{A, B, ID, REGION, SECRET, check_policy, run, write_package};

#[test]
fn a_profile_on_the_command_line_wins_over_keys_in_the_environment() {
    let named = ["--profile", "classB"];
    check_policy(
        &named,
        &[ID, SECRET, REGION],
        "",
        &[B, "with the profile `classB`"],
    );
    check_policy(
        &named,
        &[ID, SECRET, REGION, ("AWS_PROFILE", "classC")],
        "",
        &[B, "with the profile `classB`"],
    );
    // A region in the environment wins over the profile's, as with the AWS CLI; without one the profile's counts.
    check_policy(&named, &[ID, SECRET], "", &[B, "eu-north-1"]);
    check_policy(&named, &[REGION], "", &[B, "us-east-1"]);
}

/// botocore 1.44, `create_credential_resolver`: keys in the environment win over `AWS_PROFILE`.
#[test]
fn keys_in_the_environment_win_over_a_profile_in_it_and_that_is_said() {
    let profile = ("AWS_PROFILE", "classB");
    check_policy(
        &[],
        &[ID, SECRET, REGION, profile],
        "",
        &[
            A,
            "with the keys in the environment",
            "warning: ",
            "`classB`",
        ],
    );
    check_policy(&[], &[REGION, profile], "", &[B, "`classB` (AWS_PROFILE)"]);
    check_policy(
        &[],
        &[ID, SECRET, REGION],
        "",
        &[A, "with the keys in the environment"],
    );
}

#[test]
fn an_unknown_profile_is_an_error_with_the_known_ones() {
    for (flags, variable) in [
        (&["--profile", "no-such"][..], None),
        (&[], Some(("AWS_PROFILE", "no-such"))),
    ] {
        let sts = Sts::start();
        let mut environment = vec![ID, SECRET, REGION, ("AWS_ENDPOINT_URL", &sts.url)];
        environment.extend(variable);
        let mut arguments = vec!["cleanup", "--yes"];
        arguments.extend(flags);
        let ran = run(&arguments, &environment, "");
        assert_eq!(ran.code, 2, "{}", ran.stderr);
        assert_eq!(sts.operations(), [""; 0], "nothing may be called");
        for word in ["`no-such`", "`bare`", "`classB`", "`classC`"] {
            assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
        }
    }
}

/// Whoever names a profile wants its credentials, not what happens to be there besides.
#[test]
fn a_profile_without_credentials_is_not_replaced_by_others() {
    let sts = Sts::start();
    let environment = [ID, SECRET, REGION, ("AWS_ENDPOINT_URL", sts.url.as_str())];
    let ran = run(&["status", "--profile", "bare"], &environment, "");
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    assert_eq!(sts.operations(), [""; 0]);
}

/// Each command refuses credentials of another account before it asks for anything else, and names both accounts.
#[test]
fn another_account_is_refused_before_anything_is_asked() {
    let variable = ("DRIFTLAB_ACCOUNT", B);
    let yaml = format!("account: {B}\n");
    for (command, flags, environment, yaml, who) in [
        ("status", &["--account", B][..], None, "", "`--account`"),
        ("logs", &["--account", B], None, "", "`--account`"),
        ("cleanup", &["--account", B], None, "", "`--account`"),
        (
            "extend",
            &["--account", B, "--by", "1h"],
            None,
            "",
            "`--account`",
        ),
        ("doctor", &[], Some(variable), "", "`DRIFTLAB_ACCOUNT`"),
        ("simulate-incident", &[], None, &yaml, "settings file"),
        ("cleanup", &["--yes"], None, &yaml, "settings file"),
        // The stronger one counts, also where the weaker one would fit.
        (
            "cleanup",
            &["--yes", "--account", B],
            Some(("DRIFTLAB_ACCOUNT", A)),
            "",
            "`--account`",
        ),
    ] {
        let sts = Sts::start();
        let mut all = vec![ID, SECRET, REGION, ("AWS_ENDPOINT_URL", &sts.url)];
        all.extend(environment);
        let mut arguments = vec![command];
        arguments.extend(flags);
        let ran = run(&arguments, &all, yaml);
        assert_eq!(ran.code, 3, "{command}: {}", ran.stderr);
        assert_eq!(ran.stdout, "");
        for word in [A, B, who] {
            assert!(ran.stderr.contains(word), "`{word}`: {}", ran.stderr);
        }
        assert_eq!(sts.operations(), ["GetCallerIdentity"], "{command}");
    }
    check_policy(
        &["--account", A],
        &[ID, SECRET, REGION, variable],
        &yaml,
        &[A],
    );
    check_policy(
        &[],
        &[ID, SECRET, REGION, ("DRIFTLAB_ACCOUNT", A)],
        &yaml,
        &[A],
    );
    check_policy(
        &[],
        &[ID, SECRET, REGION, ("DRIFTLAB_ACCOUNT", "")],
        "account: 111111111111\n",
        &[A],
    );
}

/// A confirmation that stands in a file or a variable is none: it says the same whatever is about to be done.
#[test]
fn only_the_command_line_confirms_a_wide_scope() {
    let package = TempDir::new().unwrap();
    let zip = package.path().join("function.zip");
    write_package(&zip);
    let plain = [
        "deploy",
        "--yes",
        "--scope",
        "account",
        "--package",
        zip.to_str().unwrap(),
    ];
    let yaml = "email: ann@example.com\n";
    let named = format!("{yaml}account: \"{A}\"\n");
    let variable = [("DRIFTLAB_ACCOUNT", A)];
    for (flags, environment, yaml, confirmed) in [
        (&[][..], &[][..], yaml, false),
        (&[], &variable, yaml, false),
        (&[], &[], &named, false),
        (&["--account", A], &[], yaml, true),
        (&["--confirm-account", A], &[], yaml, true),
        (&["--account", A, "--confirm-account", A], &[], yaml, true),
    ] {
        let sts = Sts::start();
        let mut all = vec![ID, SECRET, REGION, ("AWS_ENDPOINT_URL", &sts.url)];
        all.extend(environment);
        let ran = run(&[&plain[..], flags].concat(), &all, yaml);
        // What is asked next the server does not understand.
        assert_eq!(ran.code == 3, !confirmed, "{flags:?}: {}", ran.stderr);
        assert_eq!(
            sts.operations().len() > 1,
            confirmed,
            "{flags:?}: {}",
            ran.stderr
        );
        let hint = ran.stderr.contains(&format!("`--account {A}`"));
        assert_eq!(hint, !confirmed, "{flags:?}: {}", ran.stderr);
    }
    // The older name means the same account, or nothing is done.
    let older = [&plain[..], &["--account", A, "--confirm-account", B]].concat();
    assert_eq!(run(&older, &[ID, SECRET, REGION], yaml).code, 2);
    let help = run(&["deploy", "--help"], &[], "");
    assert!(!help.stdout.contains("confirm-account"), "{}", help.stdout);
}
