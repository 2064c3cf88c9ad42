//! The whole lab, start to end, in a sandbox of its own: what `demo` tells and `bench` times.

use std::env;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::compile::Everything;
use crate::endpoint::{Identity, SANDBOX_EMAIL};
use crate::failure::{Exit, Failure};
use crate::leash::Leash;
use crate::sandbox::Options;
use crate::sandbox::keys::Keys;
use crate::sandbox::process::Private;

/// The steps of the story, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chapter {
    Deploy,
    Incident,
    Cleanup,
}

impl Chapter {
    fn command(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Incident => "simulate-incident",
            Self::Cleanup => "cleanup",
        }
    }
}

/// How one step went.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// What `driftlab` printed; absent where it failed before it had a result.
    pub(crate) document: Option<Value>,
    exit: u8,
    pub(crate) took: Duration,
}

/// A sandbox with everything beside it that the story needs.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    built: &'a Everything,
    identity: &'a Identity,
    keys: Keys,
    private: Private,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    pub(crate) deploy: Step,
    /// Absent where there was nothing to attack.
    pub(crate) incident: Option<Step>,
    pub(crate) cleanup: Step,
    built_sha256: String,
}

impl<'a> Stage<'a> {
    pub(crate) fn set(
        built: &'a Everything,
        identity: &'a Identity,
        options: &Options,
    ) -> Result<Self> {
        let private = Private::start(&built.programs.sandbox, options)?;
        let keys = Keys::of_operator(&private.sandbox, &identity.account)?;
        Ok(Self {
            built,
            identity,
            keys,
            private,
        })
    }

    pub(crate) fn endpoint(&self) -> &str {
        &self.private.sandbox.endpoint
    }

    /// Plays all of it; `watch` is told before and after each step. A step that fails does not keep the clean-up from
    /// happening.
    pub(crate) fn play(&self, watch: &mut dyn FnMut(Chapter, Option<&Step>)) -> Result<Story> {
        let deploy = self.step(Chapter::Deploy, watch)?;
        let incident = if deploy.exit == 0 {
            Some(self.step(Chapter::Incident, watch)?)
        } else {
            None
        };
        let cleanup = self.step(Chapter::Cleanup, watch)?;
        Ok(Story {
            deploy,
            incident,
            cleanup,
            built_sha256: self.built.package.code_sha256.clone(),
        })
    }

    /// Takes the sandbox down. When something went wrong, what it said last is part of the explanation.
    pub(crate) fn strike(self, went_well: bool) -> Result<()> {
        if !went_well {
            let said = self.private.last_lines();
            if !said.is_empty() {
                crate::output::narrate(format!("the sandbox said last:\n{}", said.trim_end()));
            }
        }
        self.private.stop()
    }

    fn step(
        &self,
        chapter: Chapter,
        watch: &mut dyn FnMut(Chapter, Option<&Step>),
    ) -> Result<Step> {
        watch(chapter, None);
        let mut command = Command::new(&self.built.programs.driftlab);
        command
            .arg(chapter.command())
            .args(["--output", "json", "--yes"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit());
        match chapter {
            Chapter::Deploy => {
                command
                    .args(["--email", SANDBOX_EMAIL])
                    .arg("--package")
                    .arg(&self.built.package.path);
            }
            Chapter::Incident | Chapter::Cleanup => {}
        }
        self.identity
            .apply(&mut command, &self.private.sandbox, &self.keys);
        keep_settings_out(&mut command);
        let began = Instant::now();
        let mut leash = Leash::new()?;
        let driftlab = command.stdout(Stdio::piped()).spawn().with_context(|| {
            format!("cannot start `{}`", self.built.programs.driftlab.display())
        })?;
        leash.hold(&driftlab)?;
        let output = driftlab
            .wait_with_output()
            .context("cannot wait for `driftlab`")?;
        drop(leash);
        let took = began.elapsed();
        // A process without an exit code was ended by a signal, as Ctrl-C does.
        let exit = output
            .status
            .code()
            .map_or(130, |code| u8::try_from(code).unwrap_or(1));
        let text = String::from_utf8_lossy(&output.stdout);
        let document = if text.trim().is_empty() {
            None
        } else {
            let document = serde_json::from_str(&text).with_context(|| {
                format!(
                    "`driftlab {}` did not print one JSON document",
                    chapter.command()
                )
            })?;
            Some(document)
        };
        let step = Step {
            document,
            exit,
            took,
        };
        watch(chapter, Some(&step));
        Ok(step)
    }
}

impl Story {
    /// The story as one document. Its shape is promised in the README.
    pub(crate) fn document(&self) -> Value {
        let deploy = self.deploy.document.as_ref().unwrap_or(&Value::Null);
        let incident = self
            .incident
            .as_ref()
            .and_then(|step| step.document.as_ref())
            .unwrap_or(&Value::Null);
        let cleanup = self.cleanup.document.as_ref().unwrap_or(&Value::Null);
        let mut document = json!({
            "healed": incident["healed"].as_bool().unwrap_or(false),
            "incident": incident["incident"],
            "timeline": incident["timeline"],
            "ingress_after": incident["ingress_after"],
            "evaluations": incident["evaluations"],
            "log_lines": incident["log_lines"],
            "leftovers": cleanup["leftovers"],
            "function": {
                "runtime": deploy["function"]["runtime"],
                "code_sha256": deploy["function"]["code_sha256"],
            },
            "took_ms": {
                "deploy": milliseconds(&self.deploy),
                "incident": self.incident.as_ref().map(milliseconds),
                "cleanup": milliseconds(&self.cleanup),
                "story": self.took().as_millis() as u64,
            },
        });
        if let Some(problem) = self.problem() {
            document["reason"] = incident
                .get("reason")
                .filter(|reason| reason.is_string())
                .cloned()
                .unwrap_or_else(|| problem.to_string().into());
        }
        document
    }

    /// Deploy, incident, repair, clean-up and audit, without the building.
    pub(crate) fn took(&self) -> Duration {
        self.deploy.took
            + self
                .incident
                .as_ref()
                .map_or(Duration::ZERO, |step| step.took)
            + self.cleanup.took
    }

    /// What went wrong first, if anything did. Nothing is taken for granted: each promise is read in the documents.
    pub(crate) fn problem(&self) -> Option<Failure> {
        let steps = [
            (Chapter::Deploy, Some(&self.deploy)),
            (Chapter::Incident, self.incident.as_ref()),
            (Chapter::Cleanup, Some(&self.cleanup)),
        ];
        for (chapter, step) in steps {
            if let Some(step) = step.filter(|step| step.exit != 0) {
                return Some(Failure::new(
                    Exit::Passed(step.exit),
                    format!(
                        "`driftlab {}` ended with exit code {}",
                        chapter.command(),
                        step.exit
                    ),
                ));
            }
        }
        let deployed = self
            .deploy
            .document
            .as_ref()
            .and_then(|document| document["function"]["code_sha256"].as_str());
        if deployed != Some(self.built_sha256.as_str()) {
            return Some(Failure::new(
                Exit::Failed,
                format!(
                    "the function runs the code {}, but {} was built",
                    deployed.unwrap_or("of an unknown hash"),
                    self.built_sha256
                ),
            ));
        }
        let incident = self
            .incident
            .as_ref()
            .and_then(|step| step.document.as_ref());
        if incident.and_then(|incident| incident["healed"].as_bool()) != Some(true) {
            return Some(Failure::new(Exit::NotHealed, "the incident was not healed"));
        }
        let leftovers = self
            .cleanup
            .document
            .as_ref()
            .and_then(|document| document["leftovers"].as_array());
        if !leftovers.is_some_and(Vec::is_empty) {
            return Some(Failure::new(
                Exit::Leftovers,
                "the clean-up left something behind",
            ));
        }
        None
    }
}

/// The story is the same everywhere: a `driftlab.yaml` or variables of the user's own lab have no part in it.
fn keep_settings_out(command: &mut Command) {
    command.current_dir("/");
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("DRIFTLAB_") {
            command.env_remove(name);
        }
    }
}

fn milliseconds(step: &Step) -> u64 {
    step.took.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(exit: u8, document: Value) -> Step {
        Step {
            document: Some(document),
            exit,
            took: Duration::from_millis(10),
        }
    }

    fn story() -> Story {
        Story {
            deploy: step(
                0,
                json!({"function": {"runtime": "provided.al2023", "code_sha256": "abc="}}),
            ),
            incident: Some(step(
                0,
                json!({"healed": true, "incident": {"group_id": "sg-1", "opened": []}}),
            )),
            cleanup: step(0, json!({"removed": [], "leftovers": []})),
            built_sha256: "abc=".to_owned(),
        }
    }

    fn check(story: &Story, expect: Option<Exit>) {
        assert_eq!(story.problem().map(|problem| problem.exit), expect);
        assert_eq!(story.document().get("reason").is_some(), expect.is_some());
    }

    #[test]
    fn a_story_is_good_only_if_each_promise_is_kept() {
        check(&story(), None);
        check(
            &Story {
                deploy: step(3, Value::Null),
                incident: None,
                ..story()
            },
            Some(Exit::Passed(3)),
        );
        check(
            &Story {
                incident: Some(step(4, json!({"healed": false}))),
                ..story()
            },
            Some(Exit::Passed(4)),
        );
        check(
            &Story {
                incident: Some(step(0, json!({"healed": false}))),
                ..story()
            },
            Some(Exit::NotHealed),
        );
        check(
            &Story {
                incident: Some(step(0, json!({}))),
                ..story()
            },
            Some(Exit::NotHealed),
        );
        check(
            &Story {
                cleanup: step(0, json!({"leftovers": ["a bucket"]})),
                ..story()
            },
            Some(Exit::Leftovers),
        );
        check(
            &Story {
                cleanup: step(0, json!({})),
                ..story()
            },
            Some(Exit::Leftovers),
        );
        check(
            &Story {
                built_sha256: "other=".to_owned(),
                ..story()
            },
            Some(Exit::Failed),
        );
    }
}
