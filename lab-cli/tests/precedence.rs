//! The program itself: what is said on the command line wins over the environment, that over the settings file, that over the
//! profile (AWS CLI user guide, "Configuration settings and precedence"). Nothing goes further than the question whose
//! credentials these are, which a server in this process answers with the account that the access key names.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::{fs, thread};

use tempfile::TempDir;

const A: &str = "111111111111";
const B: &str = "222222222222";
const C: &str = "333333333333";

/// Answers `sts:GetCallerIdentity`, and keeps the operations that it was asked for.
struct Sts {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Sts {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        // Ends with the process of the test.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let seen = Arc::clone(&seen);
                thread::spawn(move || answer(stream, &seen));
            }
        });
        Self { url, asked }
    }

    fn operations(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn answer(mut stream: TcpStream, seen: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    let mut chunk = [0; 4096];
    let text = loop {
        let read = stream.read(&mut chunk).unwrap_or(0);
        request.extend_from_slice(&chunk[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length")
                    .then(|| value.trim().parse::<usize>().unwrap())
            });
            body.len() >= length.unwrap_or(0)
        });
        if whole || read == 0 {
            break text;
        }
    };
    let between = |start: &str, end: &str| {
        let from = text.find(start).map(|at| at + start.len())?;
        text[from..].split(end).next().map(str::to_owned)
    };
    let operation = between("Action=", "&").unwrap_or_else(|| "unknown".to_owned());
    seen.lock().unwrap().push(operation);
    let account = between("Credential=", "/").unwrap_or_default();
    let body = format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{account}:user/ann</Arn><UserId>AIDA</UserId><Account>{account}</Account>\
         </GetCallerIdentityResult></GetCallerIdentityResponse>"
    );
    let _ = write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: text/xml\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Runs `driftlab` in a directory with two profiles (accounts B and C) and perhaps a settings file.
fn run(arguments: &[&str], environment: &[(&str, &str)], yaml: &str) -> Ran {
    let dir = TempDir::new().unwrap();
    let credentials = format!(
        "[classB]\naws_access_key_id={B}\naws_secret_access_key=x\n[classC]\naws_access_key_id={C}\naws_secret_access_key=x\n"
    );
    fs::write(dir.path().join("credentials"), credentials).unwrap();
    fs::write(
        dir.path().join("config"),
        "[profile classB]\nregion=eu-north-1\n[profile bare]\nregion=eu-north-1\n",
    )
    .unwrap();
    if !yaml.is_empty() {
        fs::write(dir.path().join("driftlab.yaml"), yaml).unwrap();
    }
    let output = Command::new(env!("CARGO_BIN_EXE_driftlab"))
        .args(arguments)
        .env_clear()
        .env("HOME", dir.path())
        .env("AWS_CONFIG_FILE", dir.path().join("config"))
        .env(
            "AWS_SHARED_CREDENTIALS_FILE",
            dir.path().join("credentials"),
        )
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(environment.iter().copied())
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Ran {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

const ID: (&str, &str) = ("AWS_ACCESS_KEY_ID", A);
const SECRET: (&str, &str) = ("AWS_SECRET_ACCESS_KEY", "x");
const REGION: (&str, &str) = ("AWS_REGION", "us-east-1");

/// Runs `driftlab policy`, which only asks who calls, and looks for words in what it says.
#[track_caller]
fn check(flags: &[&str], environment: &[(&str, &str)], yaml: &str, words: &[&str]) {
    let sts = Sts::start();
    let mut arguments = vec!["policy"];
    arguments.extend(flags);
    let mut all = vec![("AWS_ENDPOINT_URL", sts.url.as_str())];
    all.extend(environment);
    let ran = run(&arguments, &all, yaml);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    for word in words {
        assert!(
            ran.stderr.contains(word),
            "`{word}` is missing in:\n{}",
            ran.stderr
        );
    }
    assert_eq!(sts.operations(), ["GetCallerIdentity"]);
}

#[test]
fn a_profile_on_the_command_line_wins_over_keys_in_the_environment() {
    let named = ["--profile", "classB"];
    check(
        &named,
        &[ID, SECRET, REGION],
        "",
        &[B, "with the profile `classB`"],
    );
    check(
        &named,
        &[ID, SECRET, REGION, ("AWS_PROFILE", "classC")],
        "",
        &[B, "with the profile `classB`"],
    );
    // A region in the environment wins over the profile's, as with the AWS CLI; without one the profile's counts.
    check(&named, &[ID, SECRET], "", &[B, "eu-north-1"]);
    check(&named, &[REGION], "", &[B, "us-east-1"]);
}

/// botocore 1.44, `create_credential_resolver`: keys in the environment win over `AWS_PROFILE`.
#[test]
fn keys_in_the_environment_win_over_a_profile_in_it_and_that_is_said() {
    let profile = ("AWS_PROFILE", "classB");
    check(
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
    check(&[], &[REGION, profile], "", &[B, "`classB` (AWS_PROFILE)"]);
    check(
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

#[test]
fn region_and_endpoint_follow_the_same_order() {
    let default = ("AWS_DEFAULT_REGION", "us-west-1");
    let yaml = "region: eu-west-3\n";
    let keys = [ID, SECRET];
    let with = |more: &[(&'static str, &'static str)]| [&keys[..], more].concat();
    check(
        &["--region", "ap-east-1"],
        &with(&[REGION, default]),
        yaml,
        &["ap-east-1"],
    );
    check(&[], &with(&[REGION, default]), yaml, &["us-east-1"]);
    check(&[], &with(&[default]), yaml, &["us-west-1"]);
    check(&[], &with(&[]), yaml, &["eu-west-3"]);
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
    check(
        &["--account", A],
        &[ID, SECRET, REGION, variable],
        &yaml,
        &[A],
    );
    check(
        &[],
        &[ID, SECRET, REGION, ("DRIFTLAB_ACCOUNT", A)],
        &yaml,
        &[A],
    );
    check(
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

/// A package that can be read: a script needs no processor.
fn write_package(path: &std::path::Path) {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;
    let mut writer = ZipWriter::new(fs::File::create(path).unwrap());
    writer
        .start_file(
            "bootstrap",
            SimpleFileOptions::default().unix_permissions(0o755),
        )
        .unwrap();
    writer.write_all(b"#!/bin/sh\n").unwrap();
    writer.finish().unwrap();
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
