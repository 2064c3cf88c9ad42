//! The two streams of a command.

use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::{Text, escape};
use crate::error::{Error, Kind, Result};
use crate::wait::Seconds;

/// How data is written to stdout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON document.
    Json,
}

/// Where a command tells what it does.
#[derive(Debug, Clone)]
pub struct Ui {
    format: Format,
    sink: Sink,
    /// The line that is being redrawn at the moment, if any: other lines have to be written above it.
    spinner: Arc<Mutex<Option<ProgressBar>>>,
}

#[derive(Debug, Clone)]
enum Sink {
    /// A terminal, where one line may be redrawn.
    Terminal { color: bool },
    /// A file or a pipe: plain lines.
    Lines,
    /// Memory, for tests.
    Captured(Arc<Mutex<Captured>>),
}

#[derive(Debug, Default)]
struct Captured {
    /// Both streams, as somebody at a terminal sees them.
    seen: String,
    /// Standard output alone.
    results: String,
}

impl Captured {
    fn see(&mut self, line: &str) {
        self.seen.push_str(line);
        self.seen.push('\n');
    }
}

/// Plain output repeats what is awaited this often, so that a log shows that the command is alive.
const REMINDER: Duration = Duration::from_secs(30);

impl Ui {
    /// The streams of this process. `NO_COLOR` is honoured.
    pub fn process(format: Format) -> Self {
        let sink = if io::stderr().is_terminal() {
            let color = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            Sink::Terminal { color }
        } else {
            Sink::Lines
        };
        Self {
            format,
            sink,
            spinner: Arc::default(),
        }
    }

    /// Keeps everything in memory; see [`Ui::text`].
    pub fn captured() -> Self {
        Self::captured_as(Format::Text)
    }

    /// The same with results in a format; see [`Ui::results`].
    pub fn captured_as(format: Format) -> Self {
        Self {
            format,
            sink: Sink::Captured(Arc::default()),
            spinner: Arc::default(),
        }
    }

    /// What was written to both streams so far, when captured.
    pub fn text(&self) -> String {
        self.kept(|captured| captured.seen.clone())
    }

    /// What was written to standard output so far, when captured.
    pub fn results(&self) -> String {
        self.kept(|captured| captured.results.clone())
    }

    fn kept(&self, read: impl FnOnce(&Captured) -> String) -> String {
        match &self.sink {
            Sink::Captured(captured) => {
                read(&captured.lock().unwrap_or_else(PoisonError::into_inner))
            }
            Sink::Terminal { .. } | Sink::Lines => String::new(),
        }
    }

    /// How results are written.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Tells what happens, on stderr: one line, whatever is in it.
    pub fn say(&self, line: impl fmt::Display) {
        self.tell("", &escape::line(&line.to_string()));
    }

    /// Shows several lines, on stderr.
    pub fn show(&self, text: &Text) {
        for line in text.lines() {
            self.tell("", line);
        }
    }

    /// Writes a line that is escaped already. The style in front of it is our own.
    fn tell(&self, style: &str, line: &str) {
        match &self.sink {
            Sink::Captured(captured) => {
                let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
                captured.see(&format!("{style}{line}"));
            }
            // Nobody reads stderr any more when writing to it fails; the work goes on all the same.
            Sink::Terminal { .. } | Sink::Lines => {
                let write = || {
                    let _ = writeln!(io::stderr().lock(), "{style}{line}");
                };
                match &*self.spinner.lock().unwrap_or_else(PoisonError::into_inner) {
                    Some(spinner) => spinner.suspend(write),
                    None => write(),
                }
            }
        }
    }

    /// Tells of something that the user should know and that does not stop the command.
    pub fn warn(&self, line: impl fmt::Display) {
        let style = match self.sink {
            Sink::Terminal { color: true } => "\x1b[33mwarning:\x1b[0m ",
            Sink::Terminal { color: false } | Sink::Lines | Sink::Captured(_) => "warning: ",
        };
        self.tell(style, &escape::line(&line.to_string()));
    }

    /// Writes the result of the command to stdout: the text or the JSON document.
    ///
    /// # Errors
    /// When stdout cannot be written to, or the document not be written as JSON.
    pub fn result(&self, document: &impl Serialize, text: &Text) -> Result<()> {
        let mut out = match self.format {
            Format::Text => text.to_string(),
            Format::Json => json(document)?,
        };
        if !out.is_empty() && !out.ends_with('\n') {
            out.push('\n');
        }
        if let Sink::Captured(captured) = &self.sink {
            let mut captured = captured.lock().unwrap_or_else(PoisonError::into_inner);
            captured.see(out.trim_end());
            captured.results.push_str(&out);
            return Ok(());
        }
        print(&out)
    }

    /// Asks a question whose answer is yes or no. `None` when there is nobody to ask.
    pub fn ask(&self, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() || matches!(self.sink, Sink::Captured(_)) {
            return None;
        }
        let mut stderr = io::stderr().lock();
        let question = escape::inline(question);
        let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        drop(stderr);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// Asks for a text. `None` when there is nobody to ask.
    pub fn ask_for(&self, what: &str) -> Option<String> {
        if !io::stdin().is_terminal() || matches!(self.sink, Sink::Captured(_)) {
            return None;
        }
        let mut stderr = io::stderr().lock();
        let what = escape::inline(what);
        let _ = write!(stderr, "{what} ").and_then(|()| stderr.flush());
        drop(stderr);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).ok()?;
        Some(answer.trim().to_owned())
    }

    /// Announces a wait: a spinner on a terminal, one line elsewhere.
    pub fn waiting(&self, what: &str, usual: &str) -> Waiting<'_> {
        let line = escape::inline(&format!("waiting for {what} ({usual})"));
        let bar = match self.sink {
            Sink::Terminal { color } => {
                let bar = spinner(&line, color);
                *self.spinner.lock().unwrap_or_else(PoisonError::into_inner) = Some(bar.clone());
                Some(bar)
            }
            Sink::Lines | Sink::Captured(_) => {
                self.say(&line);
                None
            }
        };
        Waiting {
            ui: self,
            line,
            bar,
            reminded: Mutex::new(Duration::ZERO),
        }
    }
}

/// A result as JSON, with nothing in it that a terminal would obey.
fn json(document: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(document)
        .map(|text| escape::json(&text))
        .map_err(|e| Error::new(Kind::Failed, "cannot write the result as JSON").caused_by(e))
}

/// Writes to stdout what is escaped already. A reader that has seen enough and closed the pipe is no failure.
pub(super) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Failed, "cannot write to stdout").caused_by(e))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

fn spinner(line: &str, color: bool) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    bar.set_draw_target(ProgressDrawTarget::stderr());
    let template = if color {
        "{spinner:.cyan} {elapsed:.dim} {wide_msg}"
    } else {
        "{spinner} {elapsed} {wide_msg}"
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(line.to_owned());
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// A wait on the screen; gone when dropped.
#[derive(Debug)]
pub struct Waiting<'a> {
    ui: &'a Ui,
    line: String,
    bar: Option<ProgressBar>,
    reminded: Mutex<Duration>,
}

impl Waiting<'_> {
    /// Tells what is still missing after the given time.
    pub fn missing(&self, missing: &str, waited: Duration) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{}: {}", self.line, escape::inline(missing)));
            return;
        }
        let mut reminded = self.reminded.lock().unwrap_or_else(PoisonError::into_inner);
        if waited >= *reminded + REMINDER {
            *reminded = waited;
            self.ui.say(format_args!(
                "still waiting after {}: {missing}",
                Seconds(waited)
            ));
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            *self
                .ui
                .spinner
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;

    /// Retitles a terminal, clears it, and writes a line of its own.
    const EVIL: &str = "\u{1b}]0;title\u{7}\u{1b}[2J\u{9b}1m\rover\nreported sg-0 COMPLIANT";

    fn check(shown: &str) {
        let harmless = |c: char| c == '\n' || !c.is_control();
        assert!(shown.chars().all(harmless), "{shown:?}");
        let forged = shown.lines().any(|line| line.starts_with("reported"));
        assert!(!forged, "{shown}");
        assert!(shown.contains("title"), "{shown}");
    }

    #[test]
    fn stories_and_results_cannot_command_a_terminal() {
        for format in [Format::Text, Format::Json] {
            let ui = Ui::captured_as(format);
            ui.say(EVIL);
            ui.warn(EVIL);
            ui.show(&Text::of(EVIL));
            let waiting = ui.waiting(EVIL, EVIL);
            waiting.missing(EVIL, REMINDER);
            drop(waiting);
            ui.result(&serde_json::json!({ "name": EVIL }), &Text::of(EVIL))
                .unwrap();
            check(&ui.text());
            check(&ui.results());
        }
    }

    #[test]
    fn json_says_what_it_said() {
        let ui = Ui::captured_as(Format::Json);
        let document = serde_json::json!({ "name": EVIL });
        ui.result(&document, &Text::default()).unwrap();
        let read: serde_json::Value = serde_json::from_str(&ui.results()).unwrap();
        assert_eq!(read, document);
    }

    /// The message of a spinner is one line that is redrawn.
    #[test]
    fn a_spinner_shows_line_breaks() {
        let bar = spinner(&escape::inline(EVIL), false);
        check(&bar.message());
        assert_eq!(bar.message().lines().count(), 1);
        bar.finish_and_clear();
    }
}
