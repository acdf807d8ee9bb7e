//! What a run does, told on the standard error while it happens.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use bloom_runtime::engine::{Asked, EffectSpot, Observer, Progress, RunEnd, Step};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::catalogue::{Catalogue, text};
use crate::narrator::{Line, cost, emitted, icon_line, seconds, visit_of};
use crate::output::{self, Mark, columns, json_to_stderr, one_line};
use crate::run_error;
use crate::session::Form;

/// How it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Manner {
    /// By where the output goes.
    Auto,
    /// A line for each thing that happened.
    Lines,
    /// A line of JSON for each thing that was recorded.
    Json,
    /// Not at all.
    None,
}

/// Tells a run's progress.
pub(super) struct Reporter {
    manner: Manner,
    /// Shows what is being done right now; on a terminal only.
    spinner: Option<ProgressBar>,
    catalogue: Catalogue,
}

impl Reporter {
    pub(super) fn new(manner: Manner, form: Form, catalogue: &Catalogue) -> Self {
        let manner = match (manner, form) {
            (Manner::Auto, Form::Text) => Manner::Lines,
            (Manner::Auto, Form::Json) => Manner::None,
            (asked, _) => asked,
        };
        let spinner = (manner == Manner::Lines && std::io::stderr().is_terminal()).then(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}  {elapsed}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { manner, spinner, catalogue: Catalogue::of(catalogue.locale()) }
    }

    /// Tells something that is no step of the run.
    pub(super) fn note(&self, line: &str) {
        if self.manner == Manner::Lines {
            self.tell(line);
        }
    }

    /// Takes away what shows what is being done.
    pub(super) fn finish(&self) {
        self.spin(None);
    }

    fn tell(&self, line: &str) {
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| to_stderr(line)),
            None => to_stderr(line),
        }
    }

    fn spin(&self, message: Option<String>) {
        let Some(spinner) = &self.spinner else { return };
        match message {
            Some(message) => {
                spinner.reset();
                spinner.set_message(message);
                spinner.enable_steady_tick(Duration::from_millis(120));
            }
            None => spinner.finish_and_clear(),
        }
    }

    fn line(&self, step: &Step) -> Option<Line> {
        let catalogue = &self.catalogue;
        match step {
            Step::Resumed => Some(Line::new(Mark::Start, text!(catalogue, "event-resumed"))),
            Step::AttemptFailed { effect, error, delay, .. } => {
                let after = seconds(milliseconds(*delay));
                let detail = run_error::short(error, catalogue);
                let detail = format!("{detail}; {}", text!(catalogue, "event-again", after = after));
                Some(spot(Mark::Again, effect, detail))
            }
            Step::Settled { effect, error: Some(error), .. } => {
                Some(spot(Mark::Bad, effect, run_error::short(error, catalogue)))
            }
            Step::Settled { effect, took, usage, .. } => {
                Some(spot(Mark::Good, effect, cost(took.map(milliseconds), usage.as_ref(), catalogue)))
            }
            Step::Emitted { emission, .. } => Some(emitted(emission, catalogue)),
            // The start is told with the run's id, the end with its result, and what is performed by the spinner.
            Step::Started | Step::Performing { .. } | Step::Ended(_) => None,
        }
    }
}

impl Observer for Reporter {
    fn observe(&self, progress: Progress) {
        match self.manner {
            Manner::None | Manner::Auto => {}
            Manner::Json => {
                if let Some(recorded) = progress.recorded {
                    // Nobody is left to tell where it cannot be written.
                    let _ = json_to_stderr(&described(&progress, recorded));
                }
            }
            Manner::Lines => {
                self.spin(None);
                if let Some(line) = self.line(&progress.step) {
                    self.tell(&line.in_columns(columns()));
                }
                if let Step::Performing { effect, .. } = &progress.step {
                    let about = about(effect);
                    let doing = [called(&effect.asks), about.as_str(), icon(effect).as_str()].join("  ");
                    self.spin(Some(one_line(&doing)));
                }
            }
        }
    }
}

/// Nobody is left to tell where the standard error cannot be written.
fn to_stderr(line: &str) {
    let _ = writeln!(output::stderr(), "{line}");
}

fn called(asked: &Asked) -> &str {
    match asked {
        Asked::Tool(name) => name,
        Asked::Llm(_) => "LLM",
        Asked::Flow(flow) => flow,
        Asked::Sleep => "sleep",
        Asked::Timer(_) => "timer",
        Asked::Signal(_) | Asked::Fired(_) | Asked::Person(_) => "await",
    }
}

fn icon(effect: &EffectSpot) -> String {
    let text = effect.place.as_ref().and_then(|place| place.text.as_deref()).unwrap_or_default();
    icon_line(text, called(&effect.asks))
}

fn about(effect: &EffectSpot) -> String {
    match &effect.asks {
        Asked::Tool(_) => effect.about.clone().unwrap_or_default(),
        Asked::Llm(_) | Asked::Flow(_) | Asked::Sleep => visit_of(effect.visit),
        Asked::Timer(name) | Asked::Signal(name) | Asked::Fired(name) | Asked::Person(name) => name.clone(),
    }
}

fn spot(mark: Mark, effect: &EffectSpot, detail: String) -> Line {
    Line { mark, what: called(&effect.asks).to_owned(), about: about(effect), icon: icon(effect), detail }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A step for programs.
fn described(progress: &Progress, recorded: u64) -> serde_json::Value {
    let mut line = match &progress.step {
        Step::Started => json!({ "step": "started" }),
        Step::Resumed => json!({ "step": "resumed" }),
        Step::Performing { effect, attempt } => {
            json!({ "step": "performing", "effect": effect.effect, "node": effect.node, "attempt": attempt })
        }
        Step::AttemptFailed { effect, attempt, error, delay } => json!({
            "step": "attempt_failed", "effect": effect.effect, "node": effect.node, "attempt": attempt,
            "error": error, "delay_ms": milliseconds(*delay),
        }),
        Step::Settled { effect, attempt, took, error, usage } => json!({
            "step": "settled", "effect": effect.effect, "node": effect.node, "call": called(&effect.asks),
            "about": effect.about, "icon": effect.place, "attempt": attempt, "took_ms": took.map(milliseconds), "error": error,
            "usage": usage,
        }),
        Step::Emitted { emission, proposal } => json!({
            "step": "emitted", "emission": emission.id, "kind": emission.kind, "name": emission.name,
            "action": emission.action, "proposal": proposal,
        }),
        Step::Ended(end) => json!({ "step": "ended", "status": end.status_name(), "error": match end {
            RunEnd::Failed { error, .. } => Some(error),
            _ => None,
        }}),
    };
    if let Some(members) = line.as_object_mut() {
        members.insert(String::from("run"), json!(progress.run));
        members.insert(String::from("recorded"), json!(recorded));
    }
    line
}
