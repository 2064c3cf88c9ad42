//! Running `driftlab` in this process.

use std::path::Path;
use std::time::Duration;

use clap::Parser;
use driftlab::cli::Cli;
use driftlab::error::{Error, Kind};
use driftlab::interrupt::Interrupt;
use driftlab::output::{Format, Ui, failure};
use serde_json::Value;

use crate::World;

/// Between two attempts of one call. Production waits longer; the order of calls is the same.
const PAUSE: Duration = Duration::from_millis(2);

/// Somebody who runs `driftlab` against a world.
#[derive(Debug)]
pub struct Lab<'w> {
    world: &'w World,
    package: &'w Path,
    key: String,
    region: &'static str,
}

/// What a command told when it ended.
#[derive(Debug)]
pub struct Told {
    /// The command line.
    pub command: String,
    /// How it ended.
    pub result: Result<(), Error>,
    /// Standard output, if it was a JSON document; null otherwise.
    pub document: Value,
    /// Both streams, as somebody at a terminal sees them.
    pub text: String,
}

impl Told {
    /// The kind of the failure; `None` for success.
    pub fn kind(&self) -> Option<Kind> {
        self.result.as_ref().err().map(Error::kind)
    }

    /// The failure with its causes and hints as the terminal shows it; empty for success.
    pub fn failure(&self) -> String {
        self.result.as_ref().err().map(failure).unwrap_or_default()
    }
}

/// Does some work to its end, while something else happens beside it, as far as that comes.
pub async fn beside<T>(work: impl Future<Output = T>, meanwhile: impl Future<Output = ()>) -> T {
    let happens = async {
        meanwhile.await;
        std::future::pending().await
    };
    tokio::select! {
        done = work => done,
        never = happens => never,
    }
}

impl<'w> Lab<'w> {
    /// Somebody with the account owner's key and the function's package.
    pub fn new(world: &'w World, package: &'w Path) -> Self {
        Self::with_key(world, package, crate::ACCOUNT)
    }

    /// Somebody with another key, such as an IAM user's.
    pub fn with_key(world: &'w World, package: &'w Path, key: &str) -> Self {
        Self {
            world,
            package,
            key: key.to_owned(),
            region: crate::REGION,
        }
    }

    /// The same somebody in another region.
    #[must_use]
    pub fn in_region(mut self, region: &'static str) -> Self {
        self.region = region;
        self
    }

    /// Runs one command to its end. `deploy` gets package and address by itself.
    pub async fn run(&self, arguments: &[&str]) -> Told {
        let command = arguments.join(" ");
        let ui = Ui::captured_as(Format::Json);
        let result = self.cli(arguments).run(ui.clone()).await;
        Told {
            command,
            result,
            document: serde_json::from_str(&ui.results()).unwrap_or_default(),
            text: ui.text(),
        }
    }

    /// Runs one command to its end, with results for people.
    pub async fn run_for_people(&self, arguments: &[&str]) -> Told {
        let ui = Ui::captured_as(Format::Text);
        let result = self.cli(arguments).run(ui.clone()).await;
        Told {
            command: arguments.join(" "),
            result,
            document: Value::Null,
            text: ui.text(),
        }
    }

    /// Runs one command whose user wants to stop as soon as it has called an operation, and lets it end as it will.
    pub async fn run_until_interrupted(&self, arguments: &[&str], operation: &str) -> Told {
        let interrupt = Interrupt::default();
        let ui = Ui::captured_as(Format::Json);
        let work = self
            .cli(arguments)
            .with_interrupt(interrupt.clone())
            .run(ui.clone());
        let mark = self.world.mark();
        let result = beside(work, async {
            let called = || self.world.count_after(mark, operation) > 0;
            self.world.until(called).await;
            assert!(interrupt.ask(), "nothing was held during {operation}");
        });
        let result = result.await;
        Told {
            command: arguments.join(" "),
            result,
            document: serde_json::from_str(&ui.results()).unwrap_or_default(),
            text: ui.text(),
        }
    }

    /// Runs one command to its end; it has to succeed.
    pub async fn ok(&self, arguments: &[&str]) -> Told {
        let told = self.run(arguments).await;
        assert!(
            told.result.is_ok(),
            "`{}` said\n{}{}",
            told.command,
            told.text,
            told.failure()
        );
        told
    }

    /// Runs one command until one of its calls was carried out and is not answered ([`crate::Trouble::Killed`]); from that
    /// moment on nothing of it runs, as if its process had been killed. `None` then; what it told if it ended before.
    pub async fn run_until_killed(&self, arguments: &[&str]) -> Option<Told> {
        tokio::select! {
            biased;
            () = self.world.silenced() => None,
            told = self.run(arguments) => Some(told),
        }
    }

    fn cli(&self, arguments: &[&str]) -> Cli {
        let mut line = vec!["driftlab".to_owned()];
        line.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        if arguments.first() == Some(&"deploy") {
            let package = self.package.display().to_string();
            line.extend(["--package".to_owned(), package]);
            if !arguments
                .iter()
                .any(|argument| argument.starts_with("--email"))
            {
                line.push("--email=trial@example.com".to_owned());
            }
        }
        if !arguments.contains(&"--stack") {
            line.extend(["--stack", crate::STACK].map(str::to_owned));
        }
        let endpoint = self.world.sandbox.endpoint();
        line.extend(
            [
                "--yes",
                "--output=json",
                "--region",
                self.region,
                "--endpoint-url",
                endpoint,
            ]
            .map(str::to_owned),
        );
        Cli::try_parse_from(line)
            .unwrap_or_else(|error| panic!("{error}"))
            .with_session(self.world.session(&self.key).longest_pause(PAUSE))
    }
}
