//! The workflows that are published for other repositories: their commands, run as a runner does.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::client::{Client, admin};
use crate::support::{ACCOUNT, Place, REGION, package, prebuilt};

/// The command of a step, by the step's name, and whether it is told of the settings file. The files are ours, so their form is
/// known.
fn command(workflow: &str, step: &str) -> (String, bool) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../templates/github");
    let text = fs::read_to_string(path.join(workflow)).unwrap();
    let (_, rest) = text.split_once(&format!("- name: {step}\n")).unwrap();
    let (variables, run) = rest.split_once("        run: ").unwrap();
    let configured = variables.contains("DRIFTLAB_CONFIG: lab/driftlab.yaml\n");
    let command = match run.strip_prefix("|\n") {
        None => run.lines().next().unwrap().to_owned(),
        Some(block) => block
            .lines()
            .map_while(|line| line.strip_prefix("          "))
            .map(|line| format!("{line}\n"))
            .collect(),
    };
    (command, configured)
}

/// A runner's directory, with what an earlier job built, and a `gh` in the path that writes a file.
struct Runner {
    place: Place,
    client: Client,
    /// Of the operator's key.
    secret: String,
}

impl Runner {
    fn new() -> Self {
        let place = Place::new();
        let client = place.client();
        let secret = client.secret(ACCOUNT);
        let runner = Self {
            place,
            client,
            secret,
        };
        let bin = runner.place.dir.join("bin");
        fs::create_dir_all(&bin).unwrap();
        fs::copy(prebuilt().join("driftlab"), bin.join("driftlab")).unwrap();
        fs::copy(package(), bin.join("function.zip")).unwrap();
        runner.program("gh", "printf '%s\\n' \"$@\" > gh.txt");
        fs::create_dir_all(runner.place.dir.join("lab")).unwrap();
        runner
    }

    fn program(&self, name: &str, what: &str) {
        let bin = self.place.dir.join("bin");
        fs::create_dir_all(&bin).unwrap();
        let path = bin.join(name);
        fs::write(&path, format!("#!/bin/sh\n{what}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn settings(&self, text: &str) {
        fs::write(self.place.dir.join("lab/driftlab.yaml"), text).unwrap();
    }

    /// Runs a step as GitHub's runner does: by bash, which stops at the first failure.
    fn step(&self, workflow: &str, step: &str, more: &[(&str, &str)]) -> Output {
        let path = format!(
            "{}:{}",
            self.place.dir.join("bin").display(),
            std::env::var("PATH").unwrap()
        );
        let (command, configured) = command(workflow, step);
        let mut variables = BTreeMap::from([
            ("PATH", path.as_str()),
            ("AWS_ENDPOINT_URL", &self.client.endpoint),
            ("AWS_ACCESS_KEY_ID", ACCOUNT),
            ("AWS_SECRET_ACCESS_KEY", &self.secret),
            ("AWS_REGION", REGION),
            ("GITHUB_OUTPUT", "output.txt"),
            ("GITHUB_REPOSITORY", "class/lab"),
            ("NUMBER", "7"),
            ("ACCOUNT", ACCOUNT),
            ("DRIFTLAB_ACCOUNT", ACCOUNT),
        ]);
        if configured {
            variables.insert("DRIFTLAB_CONFIG", "lab/driftlab.yaml");
        }
        Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c"])
            .arg(command)
            .current_dir(&self.place.dir)
            .env_remove("DRIFTLAB_PACKAGE")
            .env_remove("AWS_PROFILE")
            .envs(variables)
            .envs(more.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn ok(&self, workflow: &str, step: &str) -> String {
        let output = self.step(workflow, step, &[]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{step}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.place.dir.join(name)).unwrap()
    }
}

#[test]
fn a_pull_request_is_told_what_a_merge_does_and_forgotten_labs_go() {
    let runner = Runner::new();
    runner.settings("email: class@example.com\n");
    runner.ok("plan.yml", "Plan");
    runner.ok("plan.yml", "Tell the pull request");
    let told = runner.read("gh.txt");
    assert!(told.contains("pr\ncomment\n7\n"), "{told}");
    assert!(told.contains("--body-file\ncomment.md\n"), "{told}");
    let comment = runner.read("comment.md");
    let begins = "What a merge would change in the account:\n\n    + code bucket";
    assert!(comment.starts_with(begins), "{comment}");
    assert!(
        comment.contains("\n    + stack `lab-environment`"),
        "{comment}"
    );
    assert_eq!(runner.read("output.txt"), "code=0\n");

    runner.ok("deploy.yml", "Deploy");
    runner.ok("plan.yml", "Plan");
    let comment = runner.read("comment.md");
    assert!(
        comment.ends_with("\n\n    nothing to change\n"),
        "{comment}"
    );

    // What is wrong with the settings is told, too, and then the workflow fails.
    runner.settings("email: class@example.com\ncolour: red\n");
    runner.ok("plan.yml", "Plan");
    let comment = runner.read("comment.md");
    assert!(comment.starts_with("A merge would be refused"), "{comment}");
    assert!(comment.contains("colour"), "{comment}");
    let failed = runner.step("plan.yml", "Fail where there is no plan", &[("CODE", "2")]);
    assert_eq!(failed.status.code(), Some(2));

    // A lab of this morning stays, one of yesterday goes.
    let cleanup = ("cleanup.yml", "Clean up, and fail if something is left");
    let said = runner.ok(cleanup.0, cleanup.1);
    assert!(said.contains("no lab is that old"), "{said}");
    admin(&runner.client, "POST", "clock/advance?seconds=86400", "");
    let said = runner.ok(cleanup.0, cleanup.1);
    assert!(said.contains("removed the lab `lab-environment`"), "{said}");
}
