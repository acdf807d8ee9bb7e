//! Tells a run's events in words: what was asked at which icon, how long it took, what it cost.

use std::collections::BTreeMap;

use bloom_interpreter::effect::{AwaitedThing, EffectCall, EffectId, Emission, Usage};
use bloom_interpreter::history::{Event, Payload};
use bloom_ir::Document;
use bloom_ir::document::{EmitKind, NodeId, SourceKind};

use crate::catalogue::{Catalogue, text};
use crate::output::Mark;
use crate::run_error;

/// What is written in a flow's icons, by node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Icons {
    /// In pseudocode, an icon is a line.
    of_lines: bool,
    icons: BTreeMap<NodeId, Icon>,
}

/// An icon of a diagram, or a line of pseudocode.
#[derive(Clone, Debug)]
pub(crate) struct Icon {
    /// The item's id in the diagram; in pseudocode the line's number.
    pub(crate) item: String,
    /// What people read in it, shortened.
    pub(crate) text: String,
}

impl Icons {
    /// Those that a document's source map names.
    pub(crate) fn of(document: &Document) -> Self {
        let Some(source) = &document.source else { return Self::default() };
        // The text stands on the first node of an icon only.
        let texts: BTreeMap<&str, &str> =
            source.map.values().filter_map(|spot| Some((spot.item.as_str(), spot.text.as_deref()?))).collect();
        let icon = |item: &String| Icon {
            item: item.clone(),
            text: texts.get(item.as_str()).map(|text| (*text).to_owned()).unwrap_or_default(),
        };
        Self {
            of_lines: source.kind == SourceKind::Pseudocode,
            icons: source.map.iter().map(|(node, spot)| (node.clone(), icon(&spot.item))).collect(),
        }
    }

    /// The icon that a node was made from, if it is known.
    pub(crate) fn icon(&self, node: &NodeId) -> Option<&Icon> {
        self.icons.get(node)
    }

    /// The words for where an icon is.
    pub(crate) fn place(&self, icon: &Icon, catalogue: &Catalogue) -> String {
        let item = icon.item.as_str();
        if self.of_lines { text!(catalogue, "at-line", item = item) } else { text!(catalogue, "at-icon", item = item) }
    }

    /// Empty for a node that no icon is known of.
    fn text(&self, node: &NodeId) -> String {
        self.icon(node).map(|icon| icon.text.clone()).unwrap_or_default()
    }
}

/// One thing that happened, in words.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) mark: Mark,
    /// What was done, as a tool's name.
    pub(crate) what: String,
    /// What the call was about.
    pub(crate) about: String,
    /// What is written in the icon, on the line that is about it.
    pub(crate) icon: String,
    /// How long it took and what it cost, or why it failed.
    pub(crate) detail: String,
}

impl Line {
    pub(crate) fn new(mark: Mark, what: String) -> Self {
        Self { mark, what, about: String::new(), icon: String::new(), detail: String::new() }
    }
}

/// Remembers what was asked, so that an answer can be told with its question.
pub(crate) struct Narrator<'a> {
    icons: &'a Icons,
    catalogue: &'a Catalogue,
    asked: BTreeMap<EffectId, Asked>,
}

struct Asked {
    node: NodeId,
    what: String,
    about: String,
    at: i64,
}

impl<'a> Narrator<'a> {
    pub(crate) fn new(icons: &'a Icons, catalogue: &'a Catalogue) -> Self {
        Self { icons, catalogue, asked: BTreeMap::new() }
    }

    /// The event in words; `None` where it is only the first half of something.
    pub(crate) fn tell(&mut self, event: &Event) -> Option<Line> {
        let catalogue = self.catalogue;
        match event.payload.as_ref()? {
            Payload::RunStarted(started) => {
                let flow = format!("{}@{}", started.flow, started.version);
                Some(Line::new(Mark::Start, text!(catalogue, "event-started", flow = flow)))
            }
            Payload::EffectRequested { effect, node, visit, call, .. } => {
                let about = about(call, *visit);
                let asked = Asked { node: node.clone(), what: called(call), about, at: event.at };
                self.asked.insert(effect.clone(), asked);
                None
            }
            Payload::EffectAttempted { effect, error, delay_ms, .. } => {
                let after = seconds(*delay_ms);
                Some(self.line(
                    Mark::Again,
                    effect,
                    format!(
                        "{}; {}",
                        run_error::short(error, catalogue),
                        text!(catalogue, "event-again", after = after)
                    ),
                ))
            }
            Payload::EffectCompleted { effect, answer, .. } => {
                let took = answer.usage.as_ref().map(|usage| usage.latency_ms).or_else(|| self.took(effect, event.at));
                let detail = cost(took, answer.usage.as_ref(), catalogue);
                Some(self.line(Mark::Good, effect, detail))
            }
            Payload::EffectFailed { effect, error, .. } => {
                Some(self.line(Mark::Bad, effect, run_error::short(error, catalogue)))
            }
            Payload::Emitted { emission } => Some(emitted(emission, catalogue)),
            Payload::SignalReceived { name, sender, .. } => {
                let line = Line::new(Mark::Good, text!(catalogue, "event-signal"));
                Some(Line { about: name.clone(), detail: sender.clone(), ..line })
            }
            Payload::RunForked(forked) => {
                let line = Line::new(Mark::Start, text!(catalogue, "event-forked", seq = forked.at));
                Some(Line { detail: forked.origin.clone(), ..line })
            }
            Payload::RunCancelled { reason } => {
                Some(Line { detail: reason.clone(), ..Line::new(Mark::Bad, text!(catalogue, "event-cancelled")) })
            }
            Payload::RunContinued { run, .. } => {
                Some(Line::new(Mark::Good, text!(catalogue, "event-continued", run = run)))
            }
            Payload::RunCompleted { .. } => Some(Line::new(Mark::Good, text!(catalogue, "event-completed"))),
            Payload::RunFailed { error, node, .. } => {
                let icon = node.as_ref().map(|node| icon_line(&self.icons.text(node), "")).unwrap_or_default();
                let line = Line::new(Mark::Bad, text!(catalogue, "event-failed"));
                Some(Line { icon, detail: run_error::short(error, catalogue), ..line })
            }
        }
    }

    fn line(&self, mark: Mark, effect: &EffectId, detail: String) -> Line {
        let asked = self.asked.get(effect);
        Line {
            mark,
            what: asked.map_or_else(|| effect.to_string(), |asked| asked.what.clone()),
            about: asked.map(|asked| asked.about.clone()).unwrap_or_default(),
            icon: asked.map(|asked| icon_line(&self.icons.text(&asked.node), &asked.what)).unwrap_or_default(),
            detail,
        }
    }

    fn took(&self, effect: &EffectId, at: i64) -> Option<u64> {
        let asked = self.asked.get(effect)?;
        u64::try_from(at.checked_sub(asked.at)?).ok().filter(|took| *took > 0)
    }
}

/// What was handed out.
pub(crate) fn emitted(emission: &Emission, catalogue: &Catalogue) -> Line {
    let what = match emission.kind {
        EmitKind::Proposal => text!(catalogue, "event-proposed"),
        EmitKind::Artifact => text!(catalogue, "event-artifact"),
        EmitKind::Event => text!(catalogue, "event-event"),
        EmitKind::Log => text!(catalogue, "event-log"),
    };
    let detail = emission.action.clone().unwrap_or_else(|| emission.name.clone());
    Line { detail, ..Line::new(Mark::Out, what) }
}

/// What an effect took and cost.
pub(crate) fn cost(took_ms: Option<u64>, usage: Option<&Usage>, catalogue: &Catalogue) -> String {
    let tokens = usage.map(|usage| usage.input_tokens.saturating_add(usage.output_tokens)).filter(|tokens| *tokens > 0);
    let tokens = tokens.map(|tokens| text!(catalogue, "count-tokens", count = tokens));
    took_ms.map(seconds).into_iter().chain(tokens).collect::<Vec<_>>().join(", ")
}

/// The tool's name, or that an LLM is asked.
pub(crate) fn called(call: &EffectCall) -> String {
    match call {
        EffectCall::Tool(request) => request.tool.clone(),
        EffectCall::Llm(_) => String::from("LLM"),
        EffectCall::Flow(request) => request.flow.clone(),
        EffectCall::Sleep(_) => String::from("sleep"),
        EffectCall::Timer(_) => String::from("timer"),
        EffectCall::Await(_) => String::from("await"),
    }
}

/// What a call is about, shortly: the first text among a tool's arguments; of an LLM, which time its icon asks.
pub(crate) fn about(call: &EffectCall, visit: u64) -> String {
    match call {
        EffectCall::Tool(request) => request.first_text().unwrap_or_default().to_owned(),
        EffectCall::Llm(_) | EffectCall::Flow(_) | EffectCall::Sleep(_) => visit_of(visit),
        EffectCall::Timer(request) => request.name.clone(),
        EffectCall::Await(request) => match &request.what {
            AwaitedThing::Signal(name) => name.clone(),
            AwaitedThing::Timer(timer) => timer.name.clone(),
            AwaitedThing::Ask(question) => question.title.clone(),
        },
    }
}

/// Empty for the first time: most icons ask once.
pub(crate) fn visit_of(visit: u64) -> String {
    if visit > 1 { format!("#{visit}") } else { String::new() }
}

/// The line of an icon's text that names what is called, else the first; what follows it in the icon is left out.
pub(crate) fn icon_line(icon: &str, called: &str) -> String {
    let mut lines = icon.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
    let first = lines.peek().copied().unwrap_or_default();
    let line = lines.find(|line| !called.is_empty() && line.contains(called)).unwrap_or(first);
    match line.strip_suffix('(') {
        Some(call) => format!("{call}(…)"),
        None => line.trim_end_matches(':').to_owned(),
    }
}

/// A duration for people.
pub(crate) fn seconds(milliseconds: u64) -> String {
    match milliseconds {
        0..1000 => format!("{milliseconds} ms"),
        _ => format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_icon_the_line_that_names_the_call_is_shown() {
        for (icon, called, expected) in [
            ("резюме ← LLM:\nСтвори резюме.\n{зміст}", "LLM", "резюме ← LLM"),
            ("x ← 1\nпам'ять ← read-memory()\ny ← 2", "read-memory", "пам'ять ← read-memory()"),
            ("create-proposal(\n  тип: \"a\"\n)", "create-proposal", "create-proposal(…)"),
            ("щось", "read-notes", "щось"),
            ("", "LLM", ""),
        ] {
            assert_eq!(icon_line(icon, called), expected, "{icon}");
        }
    }
}
