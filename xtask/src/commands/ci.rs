//! `cargo xtask ci`: every check that a change has to pass.

use std::process::Command;

use anyhow::{Context, Result};

use super::test;
use crate::failure::{Exit, Failure};
use crate::output::narrate;
use crate::workspace;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Leave out the tests
    #[arg(long)]
    no_tests: bool,
}

/// What users copy into repositories of their own, and what runs here.
const WORKFLOWS: [&str; 4] = [
    ".github/workflows/ci.yml",
    "templates/github/cleanup.yml",
    "templates/github/deploy.yml",
    "templates/github/plan.yml",
];

pub(crate) fn run(args: &Args) -> Result<()> {
    check(
        "formatting",
        workspace::cargo().args(["fmt", "--all", "--check"]),
    )?;
    check(
        "lints",
        workspace::cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--locked",
            "--",
            "--deny",
            "warnings",
        ]),
    )?;
    check(
        "dependencies",
        workspace::cargo().args([
            "deny",
            "check",
            "--hide-inclusion-graph",
            "bans",
            "licenses",
            "sources",
        ]),
    )?;
    check(
        "templates",
        Command::new("cfn-lint")
            .current_dir(workspace::root())
            .args(["templates/*.yaml", "templates/github/oidc.yaml"]),
    )?;
    check(
        "workflows",
        Command::new("zizmor")
            .current_dir(workspace::root())
            .args(["--offline", "--quiet", "--no-progress"])
            .args(WORKFLOWS),
    )?;
    if args.no_tests {
        return Ok(());
    }
    test::run(&test::Args::default())
}

fn check(what: &str, command: &mut Command) -> Result<()> {
    narrate(format!("── {what}"));
    let status = command.status().with_context(|| {
        format!(
            "cannot start `{}`, which checks the {what}",
            command.get_program().to_string_lossy()
        )
    })?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::new(
            Exit::Failed,
            format!("the check of the {what} failed ({status})"),
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail by panicking")]

    use super::*;

    fn workflow(path: &str) -> String {
        std::fs::read_to_string(workspace::root().join(path)).unwrap()
    }

    /// The jobs of a workflow, each with its name: what is indented by two under `jobs:`.
    fn jobs(text: &str) -> Vec<(String, String)> {
        let (_, jobs) = text.split_once("\njobs:\n").unwrap();
        let mut found: Vec<(String, String)> = Vec::new();
        for line in jobs.lines() {
            let name = line
                .strip_prefix("  ")
                .filter(|line| line.starts_with(|c: char| c.is_ascii_alphabetic()))
                .and_then(|line| line.strip_suffix(':'));
            match (name, found.last_mut()) {
                (Some(name), _) => found.push((name.to_owned(), String::new())),
                (None, Some((_, body))) => body.push_str(&format!("{line}\n")),
                (None, None) => {}
            }
        }
        assert!(!found.is_empty());
        found
    }

    #[test]
    fn every_action_is_pinned_by_the_commit_of_a_release() {
        for path in WORKFLOWS {
            let text = workflow(path);
            let uses: Vec<_> = text.lines().filter(|line| line.contains("uses:")).collect();
            assert!(!uses.is_empty(), "{path}");
            for line in uses {
                let (commit, release) = line
                    .split_once('@')
                    .and_then(|(_, pin)| pin.split_once(" # v"))
                    .unwrap_or_default();
                let pinned = commit.len() == 40
                    && commit.bytes().all(|b| b.is_ascii_hexdigit())
                    && release.split('.').count() == 3;
                assert!(pinned, "{path}: {line}");
            }
        }
    }

    /// What compilers, build scripts and packages do is not known, so they have no part in a job that can become the account's.
    #[test]
    fn nothing_is_built_or_installed_where_a_token_can_be_asked_for() {
        let builds = [
            "cargo ", "pip ", "rustup ", "npm ", "apt", "curl ", "wget ", "secrets.",
        ];
        let mut with_token = 0;
        for path in WORKFLOWS {
            let text = workflow(path);
            assert!(
                !text.split("\njobs:\n").next().unwrap().contains("id-token"),
                "{path}"
            );
            for (name, body) in jobs(&text) {
                if !body.contains("id-token: write") {
                    continue;
                }
                with_token += 1;
                for word in builds {
                    assert!(!body.contains(word), "{path}: {name} has `{word}`");
                }
            }
        }
        assert_eq!(with_token, 3);
    }

    #[test]
    fn a_pull_request_reaches_the_planning_role_only() {
        let text = workflow("templates/github/plan.yml");
        let jobs = jobs(&text);
        let uses_role: Vec<_> = jobs
            .iter()
            .filter(|(_, body)| body.contains("role-to-assume"))
            .collect();
        let [(_, plan)] = uses_role.as_slice() else {
            panic!("one job has a role");
        };
        assert!(plan.contains("    environment: aws-lab-plan\n"));
        assert!(plan.contains("role-to-assume: ${{ vars.AWS_PLAN_ROLE_ARN }}\n"));
        assert!(!text.contains("vars.AWS_ROLE_ARN"));
    }

    #[test]
    fn what_is_installed_for_a_build_is_named_by_its_hash() {
        let text = workflow("templates/github/requirements.txt");
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert!(!lines.is_empty());
        for line in lines {
            assert!(
                line.contains("==") && line.contains(" --hash=sha256:"),
                "{line}"
            );
        }
        for path in WORKFLOWS {
            for line in workflow(path)
                .lines()
                .filter(|line| line.contains("pip install"))
            {
                assert!(line.contains("--require-hashes"), "{path}: {line}");
            }
        }
    }
}
