//! Recorded runs by another program: which would go another way, and where.

use std::collections::BTreeMap;
use std::io::Write as _;

use bloom_interpreter::End;
use bloom_interpreter::effect::{EffectCall, EffectRequest};
use bloom_interpreter::history::Event;
use bloom_interpreter::program::{Place, Program};
use bloom_interpreter::replay::{EmissionChange, Finding, Outcome, WhatIf, what_if};
use bloom_ir::{Digest, VerifiedIr};
use serde_json::json;

use super::Recording;
use crate::catalogue::{Catalogue, text};
use crate::clock;
use crate::diagram::Diagram;
use crate::failure::Exit;
use crate::narrator::called;
use crate::output::{Out, Table, cut, one_line};
use crate::report::Short;
use crate::run_error;
use crate::session::{Form, Session};
use crate::store::words;

/// Columns of a value.
const WIDTH: usize = 100;

/// Holds recorded runs against another program.
pub(super) fn compare(
    recordings: &[Recording],
    other: &VerifiedIr,
    session: &Session,
    out: &mut Out,
) -> anyhow::Result<Exit> {
    let program = Program::load(other)?;
    let mut compared = Vec::new();
    // Most runs of a flow pin the same one.
    let mut known: BTreeMap<Digest, Program> = BTreeMap::new();
    for recording in recordings {
        let recorded = match &recording.ir {
            Some(ir) => Some(match known.get(&ir.hash()) {
                Some(program) => program.clone(),
                None => known.entry(ir.hash()).or_insert(Program::load(ir)?).clone(),
            }),
            None => None,
        };
        compared.push((recording, what_if(recorded.as_ref(), &program, &recording.events)));
    }
    let diverged = compared.iter().filter(|(_, result)| result.diverges()).count();
    let exit = if diverged == 0 { Exit::Completed } else { Exit::Failed };
    if session.form() == Form::Json {
        let runs: Vec<_> = compared
            .iter()
            .map(|(recording, result)| {
                let mut told = serde_json::to_value(result).unwrap_or_default();
                told["run"] = recording.name.as_str().into();
                told["events"] = recording.events.len().into();
                told["diverges"] = result.diverges().into();
                told
            })
            .collect();
        let flow = &other.document().flow;
        let flow = json!({ "id": flow.id, "version": flow.version, "ir": other.hash() });
        out.json(&json!({ "flow": flow, "compared": runs.len(), "diverged": diverged, "runs": runs }))?;
        return Ok(exit);
    }
    let catalogue = &session.catalogue;
    let mut table = Table::with_head([
        text!(catalogue, "column-run"),
        text!(catalogue, "column-started"),
        text!(catalogue, "column-status"),
        text!(catalogue, "column-by-other"),
        text!(catalogue, "column-where"),
    ]);
    let diagram = Diagram::of(other.document());
    let short = Short::among(recordings.iter().map(|recording| recording.name.as_str()));
    for (recording, result) in &compared {
        table.row([
            short.of(&recording.name),
            started_at(&recording.events),
            recording.status.map(|status| words::run(status, catalogue)).unwrap_or_default(),
            verdict(result, catalogue),
            place_of(result.first.as_ref().and_then(|spot| spot.place.as_ref()), catalogue, 60),
        ]);
    }
    table.write(out)?;
    writeln!(out, "{}", text!(catalogue, "what-if-summary", count = compared.len(), diverged = diverged))?;
    for (recording, result) in compared.iter().filter(|(_, result)| result.diverges()) {
        writeln!(out)?;
        Teller { diagram: &diagram, session, out }.tell(recording, result)?;
    }
    Ok(exit)
}

fn started_at(events: &[Event]) -> String {
    events.first().map(|event| clock::local(event.at)).unwrap_or_default()
}

/// In a few words.
fn verdict(result: &WhatIf, catalogue: &Catalogue) -> String {
    let needs_answer = |finding: &Finding| {
        matches!(finding, Finding::New { passed: false, .. } | Finding::Different { passed: false, .. })
    };
    if !result.diverges() {
        return text!(catalogue, "what-if-same");
    }
    match &result.outcome {
        Outcome::Refused { .. } => text!(catalogue, "what-if-refused"),
        Outcome::Unreadable { .. } => text!(catalogue, "what-if-unreadable"),
        Outcome::Endless => text!(catalogue, "what-if-endless"),
        _ if result.parting.is_some() => text!(catalogue, "what-if-other-way"),
        _ if result.findings.iter().any(needs_answer) => text!(catalogue, "what-if-no-answer"),
        _ if !result.findings.is_empty() => text!(catalogue, "what-if-other-effects"),
        Outcome::OtherEnd { .. } | Outcome::Waits | Outcome::Stopped => text!(catalogue, "what-if-other-end"),
        Outcome::Same => text!(catalogue, "what-if-other-proposals"),
    }
}

fn place_of(place: Option<&Place>, catalogue: &Catalogue, columns: usize) -> String {
    let Some(place) = place else { return String::new() };
    let text = one_line(place.text.as_deref().unwrap_or_default());
    let name = text!(catalogue, "at-icon", item = place.item.as_str());
    if text.is_empty() { name } else { cut(&format!("{name}: {text}"), columns) }
}

fn value(json: &serde_json::Value) -> String {
    if json.is_null() { "–".to_owned() } else { cut(&one_line(&json.to_string()), WIDTH) }
}

struct Teller<'a> {
    /// Of the other program.
    diagram: &'a Diagram,
    session: &'a Session,
    out: &'a mut Out,
}

impl Teller<'_> {
    fn tell(&mut self, recording: &Recording, result: &WhatIf) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let bold = anstyle::Style::new().bold();
        let name = text!(catalogue, "run-id", run = recording.name.as_str());
        writeln!(self.out, "{bold}{name}{bold:#}")?;
        if let Some(spot) = &result.first {
            writeln!(self.out, "  {}", text!(catalogue, "what-if-after", seq = spot.seq))?;
            let known = spot.place.as_ref().filter(|place| self.diagram.has(&place.item));
            if let Some(place) = known {
                writeln!(self.out, "{}", self.diagram.excerpt(&place.item, catalogue.locale()))?;
            }
        }
        if let Some(parting) = &result.parting {
            let place = |place: &Option<Place>| {
                if place.is_some() {
                    place_of(place.as_ref(), catalogue, WIDTH)
                } else {
                    text!(catalogue, "what-if-end")
                }
            };
            self.line(&text!(catalogue, "what-if-parting"))?;
            self.both(&place(&parting.recorded), &place(&parting.replayed))?;
        }
        for finding in &result.findings {
            self.finding(finding)?;
        }
        for change in &result.emissions {
            self.emission(change)?;
        }
        self.outcome(&result.outcome)
    }

    fn line(&mut self, line: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.out, "  • {line}")?)
    }

    /// What was recorded, and what is so now.
    fn both(&mut self, recorded: &str, now: &str) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let (red, green) = (anstyle::AnsiColor::Red.on_default(), anstyle::AnsiColor::Green.on_default());
        writeln!(self.out, "      {red}{}{red:#} {recorded}", text!(catalogue, "replay-recorded"))?;
        writeln!(self.out, "      {green}{}{green:#} {now}", text!(catalogue, "replay-now"))?;
        Ok(())
    }

    fn finding(&mut self, finding: &Finding) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let place = place_of(finding.place(), catalogue, WIDTH);
        match finding {
            Finding::New { request, passed, .. } => {
                let what = asked(request);
                let told = if *passed {
                    text!(catalogue, "what-if-new-passed", what = what, place = place)
                } else {
                    text!(catalogue, "what-if-new", what = what, place = place)
                };
                self.line(&told)
            }
            Finding::Unused { seq, request, .. } => {
                let told = text!(catalogue, "what-if-unused", what = asked(request), place = place, seq = *seq);
                self.line(&told)
            }
            Finding::Different { request, path, recorded, asked: now, .. } => {
                let told =
                    text!(catalogue, "what-if-different", what = asked(request), place = place, path = path.as_str());
                self.line(&told)?;
                self.both(&value(recorded), &value(now))
            }
        }
    }

    fn emission(&mut self, change: &EmissionChange) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let place = place_of(change.place(), catalogue, WIDTH);
        let emission = change.emission();
        let what = emission.action.clone().unwrap_or_else(|| emission.name.clone());
        match change {
            EmissionChange::Added { emission, .. } => {
                self.line(&text!(catalogue, "what-if-added", what = what, place = place))?;
                self.both("–", &value(&emission.value.to_json()))
            }
            EmissionChange::Lost { emission, .. } => {
                self.line(&text!(catalogue, "what-if-lost", what = what, place = place))?;
                self.both(&value(&emission.value.to_json()), "–")
            }
            EmissionChange::Changed { recorded, replayed, .. } => {
                self.line(&text!(catalogue, "what-if-changed", what = what, place = place))?;
                self.both(&value(&recorded.value.to_json()), &value(&replayed.value.to_json()))
            }
        }
    }

    fn outcome(&mut self, outcome: &Outcome) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let end = |end: &End| match end {
            End::Completed { result } => {
                format!("{}: {}", text!(catalogue, "status-completed"), value(&result.to_json()))
            }
            End::Failed { error, .. } => {
                format!(
                    "{}: {}",
                    text!(catalogue, "status-failed"),
                    cut(&one_line(&run_error::short(error, catalogue)), WIDTH)
                )
            }
        };
        match outcome {
            Outcome::Same => Ok(()),
            Outcome::OtherEnd { recorded, replayed } => {
                self.line(&text!(catalogue, "what-if-ends"))?;
                let recorded = recorded.as_ref().map_or_else(|| text!(catalogue, "what-if-no-end"), end);
                self.both(&recorded, &end(replayed))
            }
            Outcome::Stopped => self.line(&text!(catalogue, "what-if-stopped")),
            Outcome::Waits => self.line(&text!(catalogue, "what-if-waits")),
            Outcome::Endless => self.line(&text!(catalogue, "what-if-endless")),
            Outcome::Refused { error } => {
                let reason = one_line(&error.message);
                self.line(&text!(catalogue, "what-if-inputs", reason = reason))
            }
            Outcome::Unreadable { seq, message } => {
                let reason = message.as_str();
                self.line(&text!(catalogue, "what-if-bad-event", seq = *seq, reason = reason))
            }
        }
    }
}

/// What is asked, and which time its icon does.
fn asked(request: &EffectRequest) -> String {
    let what = called(&request.call);
    let about = match &request.call {
        EffectCall::Tool(call) => call.first_text().map(one_line).unwrap_or_default(),
        _ if request.visit > 1 => format!("#{}", request.visit),
        _ => String::new(),
    };
    if about.is_empty() { what } else { format!("{what} {}", cut(&about, 40)) }
}
