//! What is shown of a moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;

use bloom_interpreter::history::Event;
use bloom_interpreter::replay::{Step, Stepper};
use bloom_ir::Value;

use super::tape::Tape;
use crate::catalogue::text;
use crate::diagram::Diagram;
use crate::narrator::{Icons, Line, Narrator};
use crate::output::{Out, columns, cut, one_line};
use crate::report::compact;
use crate::session::Session;

/// Events around the current one.
const AROUND: usize = 8;
/// Events and changes of one move; more are counted.
const MOST: usize = 12;

pub(super) struct View<'a> {
    diagram: Diagram,
    session: &'a Session,
    /// Each event in words; `None` of those that are half of something.
    lines: Vec<Option<Line>>,
}

impl<'a> View<'a> {
    pub(super) fn new(tape: &Tape<'_>, diagram: Diagram, icons: &Icons, session: &'a Session) -> Self {
        let mut narrator = Narrator::new(icons, &session.catalogue);
        let lines = match tape {
            Tape::Recorded(stepper) => stepper.events().iter().map(|event| narrator.tell(event)).collect(),
            Tape::Rehearsed(_) => Vec::new(),
        };
        Self { diagram, session, lines }
    }

    pub(super) fn diagram(&self) -> &Diagram {
        &self.diagram
    }

    /// Where the tape is, with the events that were met since one.
    pub(super) fn moment(
        &self,
        tape: &Tape<'_>,
        since: u64,
        breaks: &BTreeSet<String>,
        out: &mut Out,
    ) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let dim = anstyle::Style::new().dimmed();
        match tape {
            Tape::Recorded(stepper) => {
                let (seq, all) = (stepper.seq(), stepper.events().len());
                let at = text!(catalogue, "debug-at", seq = seq, count = all, step = stepper.moment());
                writeln!(out, "{dim}── {at} ──{dim:#}")?;
                self.met(since, seq, out)?;
            }
            Tape::Rehearsed(_) => {
                let at = text!(catalogue, "debug-at-step", step = tape.moment());
                writeln!(out, "{dim}── {at} ──{dim:#}")?;
            }
        }
        if let Some(item) = tape.place() {
            if self.diagram.has(&item) {
                writeln!(out, "{}", self.diagram.excerpt(&item, catalogue.locale()))?;
            }
            if breaks.contains(&item) {
                let red = anstyle::AnsiColor::Red.on_default();
                writeln!(out, "   {red}●{red:#} {}", text!(catalogue, "debug-break-here"))?;
            }
        }
        match tape {
            Tape::Recorded(stepper) => self.ahead(stepper, out),
            Tape::Rehearsed(rehearsed) => {
                match rehearsed.way() {
                    Some("then") => writeln!(out, "   → {}", text!(catalogue, "rehearsed-yes"))?,
                    Some("else") => writeln!(out, "   → {}", text!(catalogue, "rehearsed-no"))?,
                    Some("next" | "done") => {}
                    Some(other) => writeln!(out, "   → {}", one_line(other))?,
                    None if tape.place().is_none() => writeln!(out, "{}", text!(catalogue, "debug-end"))?,
                    None => {}
                }
                Ok(())
            }
        }
    }

    /// The events of a move.
    fn met(&self, since: u64, seq: u64, out: &mut Out) -> anyhow::Result<()> {
        let from = usize::try_from(since).unwrap_or(usize::MAX).min(self.lines.len());
        let to = usize::try_from(seq).unwrap_or(usize::MAX).clamp(from, self.lines.len());
        let told: Vec<&Line> = self.lines[from..to].iter().flatten().collect();
        let hidden = told.len().saturating_sub(MOST);
        if hidden > 0 {
            writeln!(out, "  {}", text!(self.session.catalogue, "debug-more", count = hidden))?;
        }
        for line in told.into_iter().skip(hidden) {
            writeln!(out, "  {}", line.in_columns(columns().saturating_sub(2)))?;
        }
        Ok(())
    }

    /// What comes next, where that is not simply the icon.
    fn ahead(&self, stepper: &Stepper<'_>, out: &mut Out) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let branch = stepper.branch();
        if !branch.is_empty() {
            writeln!(out, "   {}", text!(catalogue, "debug-branch", path = branch))?;
        }
        match stepper.next() {
            Some(Step::Node { .. }) => {}
            Some(Step::Event { seq }) => {
                let event = usize::try_from(seq).ok().and_then(|seq| stepper.events().get(seq.checked_sub(1)?));
                let kind = event.map(kind).unwrap_or_default();
                writeln!(out, "   {}", text!(catalogue, "debug-next-event", seq = seq, kind = kind))?;
            }
            None => match stepper.fault() {
                Some(fault) => {
                    let red = anstyle::AnsiColor::Red.on_default();
                    let told = text!(catalogue, "debug-fault", reason = fault.to_string());
                    writeln!(out, "{red}{told}{red:#}")?;
                }
                None => writeln!(out, "{}", text!(catalogue, "debug-end"))?,
            },
        }
        Ok(())
    }

    /// Variables that are not as before.
    pub(super) fn changes(
        &self,
        before: &BTreeMap<String, Value>,
        now: &BTreeMap<String, Value>,
        asked: bool,
        out: &mut Out,
    ) -> anyhow::Result<()> {
        let green = anstyle::AnsiColor::Green.on_default();
        let null = Value::Null;
        let changed: Vec<_> = now
            .iter()
            .filter_map(|(name, value)| {
                let old = before.get(name).unwrap_or(&null);
                (old != value).then_some((name, old, value))
            })
            .collect();
        for (name, old, value) in changed.iter().take(if asked { usize::MAX } else { MOST }) {
            writeln!(out, "   {green}{}{green:#}: {} → {}", one_line(name), short(old), compact(value))?;
        }
        let hidden = if asked { 0 } else { changed.len().saturating_sub(MOST) };
        if hidden > 0 {
            writeln!(out, "   {}", text!(self.session.catalogue, "debug-more", count = hidden))?;
        }
        if asked && changed.is_empty() {
            writeln!(out, "{}", text!(self.session.catalogue, "debug-no-changes"))?;
        }
        Ok(())
    }

    pub(super) fn variables(&self, tape: &Tape<'_>, out: &mut Out) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let Tape::Recorded(stepper) = tape else {
            return Ok(writeln!(out, "{}", text!(catalogue, "debug-computes-nothing"))?);
        };
        let dim = anstyle::Style::new().dimmed();
        if let Value::Map(inputs) = stepper.inputs() {
            for (name, value) in inputs.iter() {
                writeln!(out, "   {dim}input.{}{dim:#} = {}", one_line(name), compact(value))?;
            }
        }
        let bold = anstyle::Style::new().bold();
        for (name, value) in stepper.variables() {
            writeln!(out, "   {bold}{}{bold:#} = {}", one_line(&name), compact(&value))?;
        }
        Ok(())
    }

    pub(super) fn breaks(&self, breaks: &BTreeSet<String>, out: &mut Out) -> anyhow::Result<()> {
        let red = anstyle::AnsiColor::Red.on_default();
        for item in self.diagram.items().filter(|item| breaks.contains(*item)) {
            let name = self.diagram.name(item, columns().saturating_sub(5), &self.session.catalogue);
            writeln!(out, "   {red}●{red:#} {name}")?;
        }
        if breaks.is_empty() {
            writeln!(out, "{}", text!(self.session.catalogue, "debug-no-breaks"))?;
        }
        Ok(())
    }

    pub(super) fn icons(&self, tape: &Tape<'_>, breaks: &BTreeSet<String>, out: &mut Out) -> anyhow::Result<()> {
        let here = tape.place();
        for item in self.diagram.items() {
            let mark = match (here.as_deref() == Some(item), breaks.contains(item)) {
                (true, _) => '▶',
                (false, true) => '●',
                (false, false) => ' ',
            };
            let name = self.diagram.name(item, columns().saturating_sub(5), &self.session.catalogue);
            writeln!(out, " {mark} {name}")?;
        }
        Ok(())
    }

    pub(super) fn events(&self, tape: &Tape<'_>, all: bool, out: &mut Out) -> anyhow::Result<()> {
        let Tape::Recorded(stepper) = tape else {
            return Ok(writeln!(out, "{}", text!(self.session.catalogue, "debug-computes-nothing"))?);
        };
        let at = usize::try_from(stepper.seq()).unwrap_or(usize::MAX);
        let (from, to) = if all { (0, usize::MAX) } else { (at.saturating_sub(AROUND), at.saturating_add(AROUND)) };
        let digits = stepper.events().len().to_string().len();
        for (event, line) in stepper.events().iter().zip(&self.lines).take(to).skip(from) {
            let mark = if event.seq == stepper.seq() { '▶' } else { ' ' };
            let told = if let Some(line) = line {
                line.in_columns(columns().saturating_sub(digits + 4))
            } else {
                let dim = anstyle::Style::new().dimmed();
                format!("{dim}  {}{dim:#}", kind(event))
            };
            writeln!(out, "{mark} {:>digits$} {told}", event.seq)?;
        }
        Ok(())
    }
}

/// The event's kind, with the effect that it is about.
fn kind(event: &Event) -> String {
    let kind = serde_json::to_value(event.kind).ok();
    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
    let payload = event.payload.as_ref().map(bloom_interpreter::history::Payload::to_json).unwrap_or_default();
    match payload.get("effect").and_then(serde_json::Value::as_str) {
        Some(effect) => format!("{kind} {}", one_line(effect)),
        None => kind.to_owned(),
    }
}

/// The old value beside the new one.
fn short(value: &Value) -> String {
    cut(&compact(value), 40)
}
