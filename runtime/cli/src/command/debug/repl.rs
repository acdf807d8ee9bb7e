//! The conversation: a line is read, and what it asks for is done and shown.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use bloom_compiler::expression;
use bloom_interpreter::replay::Stepper;
use bloom_ir::Value;

use super::order::{Order, Wrong};
use super::tape::Tape;
use super::view::View;
use crate::catalogue::text;
use crate::diagram::Diagram;
use crate::failure::Exit;
use crate::narrator::Icons;
use crate::output::Out;
use crate::session::Session;

/// Lines that are longer are none of a person.
const LONGEST: usize = 64 * 1024;

pub(super) struct Repl<'a> {
    tape: Tape<'a>,
    view: View<'a>,
    session: &'a Session,
    /// The icons at which `continue` stops.
    breaks: BTreeSet<String>,
    /// The variables before the last move.
    before: BTreeMap<String, Value>,
    again: Option<Order>,
}

impl<'a> Repl<'a> {
    pub(super) fn new(tape: Tape<'a>, diagram: Diagram, icons: &Icons, session: &'a Session) -> Self {
        let view = View::new(&tape, diagram, icons, session);
        Self { tape, view, session, breaks: BTreeSet::new(), before: BTreeMap::new(), again: None }
    }

    /// Until `quit`, or the end of the input.
    pub(super) fn talk(mut self, out: &mut Out) -> anyhow::Result<Exit> {
        let catalogue = &self.session.catalogue;
        let is_person = std::io::stdin().is_terminal();
        let prompt = anstyle::AnsiColor::Cyan.on_default().bold();
        if is_person {
            writeln!(out, "{}", text!(catalogue, "debug-hello"))?;
        }
        self.view.moment(&self.tape, 0, &self.breaks, out)?;
        let mut input = std::io::stdin().lock();
        loop {
            if is_person {
                write!(out, "{prompt}bloom>{prompt:#} ")?;
            }
            out.flush()?;
            let mut line = Vec::new();
            if input.read_until(b'\n', &mut line)? == 0 {
                if is_person {
                    writeln!(out)?;
                }
                return Ok(Exit::Completed);
            }
            let line = String::from_utf8_lossy(&line);
            let line = line.trim().trim_start_matches('\u{feff}');
            let order = match (line.is_empty(), &self.again) {
                (true, Some(order)) => Ok(order.clone()),
                (true, None) => continue,
                (false, _) if line.len() > LONGEST => Err(Wrong::Unknown("…".to_owned())),
                (false, _) => Order::read(line),
            };
            match order {
                Ok(Order::Quit) => return Ok(Exit::Completed),
                Ok(order) => {
                    self.again = order.repeats().then(|| order.clone());
                    self.obey(order, out)?;
                }
                Err(wrong) => {
                    let told = match &wrong {
                        Wrong::Unknown(word) => text!(catalogue, "debug-unknown", word = word),
                        Wrong::Needs(word) => text!(catalogue, "debug-needs", word = word),
                    };
                    writeln!(out, "{told}")?;
                }
            }
            if out.is_closed() {
                return Ok(Exit::Completed);
            }
        }
    }

    fn obey(&mut self, order: Order, out: &mut Out) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        match order {
            Order::Next(times) => self.go(times, Tape::next_icon, out),
            Order::Back(times) => self.go(times, Tape::previous_icon, out),
            Order::Step(times) => self.go(times, Tape::step, out),
            Order::Reverse(times) => self.go(times, Tape::step_back, out),
            Order::Continue => self.go_to_break(Tape::next_icon, out),
            Order::Rewind => self.go_to_break(Tape::previous_icon, out),
            Order::Event(seq) => self.go_to_event(seq, out),
            Order::Break(what) => self.set_break(&what, out),
            Order::Delete(what) => {
                if !self.breaks.remove(&what) {
                    writeln!(out, "{}", text!(catalogue, "debug-no-break", item = &what))?;
                }
                self.view.breaks(&self.breaks, out)
            }
            Order::Breaks => self.view.breaks(&self.breaks, out),
            Order::Print(what) => self.print(&what, out),
            Order::Variables => self.view.variables(&self.tape, out),
            Order::Changes => self.view.changes(&self.before, &self.tape.variables(), true, out),
            Order::Where => self.view.moment(&self.tape, self.seq(), &self.breaks, out),
            Order::Icons => self.view.icons(&self.tape, &self.breaks, out),
            Order::Events(all) => self.view.events(&self.tape, all, out),
            Order::State => match &self.tape {
                Tape::Recorded(stepper) => Ok(writeln!(out, "{}", serde_json::to_string_pretty(&stepper.position())?)?),
                Tape::Rehearsed(_) => Ok(writeln!(out, "{}", text!(catalogue, "debug-computes-nothing"))?),
            },
            Order::Help => Ok(writeln!(out, "{}", text!(catalogue, "debug-help"))?),
            Order::Quit => Ok(()),
        }
    }

    fn seq(&self) -> u64 {
        match &self.tape {
            Tape::Recorded(stepper) => stepper.seq(),
            Tape::Rehearsed(_) => 0,
        }
    }

    /// Moves, and shows where that led and what changed on the way.
    fn moved(&mut self, out: &mut Out, go: impl FnOnce(&mut Self) -> bool) -> anyhow::Result<()> {
        let (before, seq) = (self.tape.variables(), self.seq());
        let forward_from = self.tape.moment();
        if !go(self) {
            let catalogue = &self.session.catalogue;
            let is_start = self.tape.moment() == 0;
            let told = if is_start { text!(catalogue, "debug-at-start") } else { text!(catalogue, "debug-at-end") };
            writeln!(out, "{told}")?;
            return Ok(());
        }
        let since = if self.tape.moment() > forward_from { seq } else { self.seq() };
        self.view.moment(&self.tape, since, &self.breaks, out)?;
        self.view.changes(&before, &self.tape.variables(), false, out)?;
        self.before = before;
        Ok(())
    }

    fn go(&mut self, times: u64, way: fn(&mut Tape<'a>) -> bool, out: &mut Out) -> anyhow::Result<()> {
        self.moved(out, |repl| {
            let from = repl.tape.moment();
            for _ in 0..times {
                if !way(&mut repl.tape) {
                    break;
                }
            }
            repl.tape.moment() != from
        })
    }

    fn go_to_break(&mut self, way: fn(&mut Tape<'a>) -> bool, out: &mut Out) -> anyhow::Result<()> {
        self.moved(out, |repl| {
            let from = repl.tape.moment();
            while way(&mut repl.tape) {
                if repl.tape.place().is_some_and(|item| repl.breaks.contains(&item)) {
                    break;
                }
            }
            repl.tape.moment() != from
        })
    }

    fn go_to_event(&mut self, seq: u64, out: &mut Out) -> anyhow::Result<()> {
        let catalogue = &self.session.catalogue;
        let Tape::Recorded(stepper) = &self.tape else {
            return Ok(writeln!(out, "{}", text!(catalogue, "debug-computes-nothing"))?);
        };
        let all = stepper.events().len() as u64;
        if seq > all {
            return Ok(writeln!(out, "{}", text!(catalogue, "debug-no-event", seq = seq, count = all))?);
        }
        self.moved(out, |repl| {
            if let Tape::Recorded(stepper) = &mut repl.tape {
                stepper.go_to_event(seq);
            }
            true
        })
    }

    /// An icon by its id, else all icons in which the text stands.
    fn set_break(&mut self, what: &str, out: &mut Out) -> anyhow::Result<()> {
        let wanted = what.to_lowercase();
        let diagram = self.view.diagram();
        let found: Vec<String> = if diagram.has(what) {
            vec![what.to_owned()]
        } else {
            let is_meant = |item: &&str| diagram.text(item).to_lowercase().contains(&wanted);
            diagram.items().filter(is_meant).map(str::to_owned).collect()
        };
        if found.is_empty() {
            return Ok(writeln!(out, "{}", text!(self.session.catalogue, "debug-no-icon", what = what))?);
        }
        self.breaks.extend(found);
        self.view.breaks(&self.breaks, out)
    }

    /// A variable, an input, or an expression as in an icon, or one of the IR.
    fn print(&self, what: &str, out: &mut Out) -> anyhow::Result<()> {
        let Tape::Recorded(stepper) = &self.tape else {
            return Ok(writeln!(out, "{}", text!(self.session.catalogue, "debug-computes-nothing"))?);
        };
        match self.value(stepper, what) {
            Ok(value) => writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?,
            Err(reason) => writeln!(out, "{}", text!(self.session.catalogue, "debug-no-value", reason = reason))?,
        }
        Ok(())
    }

    fn value(&self, stepper: &Stepper<'_>, what: &str) -> Result<Value, String> {
        let (variables, inputs) = (stepper.variables(), stepper.inputs());
        if let Some(value) = variables.get(what) {
            return Ok(value.clone());
        }
        let names = |value: &Value| match value {
            Value::Map(map) => map.keys().map(ToString::to_string).collect(),
            _ => BTreeSet::new(),
        };
        let known: BTreeSet<String> = variables.keys().cloned().collect();
        let written = expression(what, &known, &names(&inputs));
        let of_icons = match &written {
            Ok(text) => stepper.evaluate(text),
            // What is no expression of icons may be one of the IR.
            Err(_) => stepper.evaluate(what),
        };
        match (of_icons, written) {
            (Ok(value), _) => Ok(value),
            (Err(error), Ok(_)) => Err(error.to_string()),
            (Err(_), Err(found)) => Err(found.message(self.session.catalogue.locale())),
        }
    }
}
