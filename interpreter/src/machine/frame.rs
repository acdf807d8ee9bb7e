//! A branch of a run: where it is, and its copy of the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::Value;

use super::step::Fault;
use super::tree::{Forked, FrameKey};
use super::{CursorState, RunInfo};
use crate::effect::{EffectId, EffectRequest};
use crate::expr::{RunVars, Slot};
use crate::limit::{Limit, MAX_STATE_BYTES, weight};
use crate::program::{Branch, Inner, NodeIndex, RegionIndex};

/// A branch: the main one, or one of a fork's.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) region: RegionIndex,
    /// Of a fork's branch: the frame that the fork stands in, and which of its branches this is.
    pub(super) outer: Option<(FrameKey, usize)>,
    /// What the ids of its effects and emissions begin with: empty for the main branch, `n2#1.0/` for a fork's.
    pub(super) path: Arc<str>,
    /// The node that it is at: of an effect that is pending, else the one to do next; after the end the last one.
    pub(super) node: NodeIndex,
    /// The join that it leads to.
    pub(super) exit: Option<NodeIndex>,
    /// By the region's slots; null until set.
    pub(super) variables: Vec<Value>,
    /// What each variable counts for; cursors keep it themselves.
    weights: Vec<u64>,
    pub(super) cursors: Vec<Option<Cursor>>,
    /// The sum over variables and cursors; of a fork's branch, with all that was there where it began.
    total: u64,
    /// How often each node of the region was entered.
    pub(super) visits: Vec<u64>,
    /// Nodes since the last recorded result.
    pub(super) steps: u64,
    /// What expressions see as `run`.
    pub(super) run: RunVars,
    /// When each timer fires that was started, in Unix milliseconds.
    pub(super) timers: Arc<BTreeMap<Arc<str>, i64>>,
    /// Whether the document's `catch` has taken an error: the next one that nobody takes fails the run. Of the main branch.
    pub(super) catching: bool,
    pub(super) standing: Standing,
    /// Of the main branch: what its variables were when the turn began, of those that were bound since. No part of the state.
    turn: Turn,
    /// Bytes that were weighed since this was last looked at: what counting them takes. No part of the state.
    pub(super) weighed: u64,
}

/// What a branch is doing.
#[derive(Clone, Debug)]
pub(super) enum Standing {
    /// It goes on with its node.
    Ready,
    /// It waits for an effect.
    Waiting(Box<EffectRequest>),
    /// It waits for the branches of the fork that it is at.
    Forked(Box<Forked>),
}

/// A collection that a loop goes over, and how far it came.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    over: Elements,
    position: usize,
    weight: u64,
}

#[derive(Clone, Debug)]
enum Elements {
    List(Arc<Vec<Value>>),
    /// A map, in key order.
    Entries(Arc<Vec<(Arc<str>, Value)>>),
}

/// An element of a cursor.
pub(super) struct Element {
    pub(super) position: i64,
    /// Of a list: the position.
    pub(super) key: Value,
    pub(super) value: Value,
}

impl Cursor {
    /// At the start of a list or a map; `None` for any other value.
    fn new(over: &Value, weight: u64) -> Option<Self> {
        let over = match over {
            Value::List(items) => Elements::List(items.clone()),
            Value::Map(map) => {
                Elements::Entries(Arc::new(map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
            }
            _ => return None,
        };
        Some(Self { over, position: 0, weight })
    }

    fn next(&mut self) -> Option<Element> {
        let position = i64::try_from(self.position).unwrap_or(i64::MAX);
        let (key, value) = match &self.over {
            Elements::List(items) => (Value::Int(position), items.get(self.position)?.clone()),
            Elements::Entries(entries) => {
                let (key, value) = entries.get(self.position)?;
                (Value::String(key.clone()), value.clone())
            }
        };
        self.position = self.position.saturating_add(1);
        Some(Element { position, key, value })
    }

    pub(super) fn state(&self) -> CursorState {
        let over = match &self.over {
            Elements::List(items) => Value::List(items.clone()),
            Elements::Entries(entries) => entries.iter().cloned().collect(),
        };
        CursorState { over, position: self.position as u64 }
    }

    /// Whether it is a copy of the other one that did not move.
    pub(super) fn is_copy_of(&self, other: &Self) -> bool {
        let same = match (&self.over, &other.over) {
            (Elements::List(one), Elements::List(other)) => Arc::ptr_eq(one, other),
            (Elements::Entries(one), Elements::Entries(other)) => Arc::ptr_eq(one, other),
            _ => false,
        };
        same && self.position == other.position
    }
}

/// What was bound in a turn: it costs what the turn costs, however many variables there are.
#[derive(Clone, Debug, Default)]
struct Turn {
    number: u64,
    /// For each slot the turn in which it was bound last; of a fork's branch, nothing.
    bound_in: Vec<u64>,
    before: Vec<(Slot, Value)>,
}

impl Turn {
    fn note(&mut self, slot: Slot, before: Value) {
        if let Some(bound_in) = self.bound_in.get_mut(slot.0 as usize)
            && *bound_in != self.number
        {
            *bound_in = self.number;
            self.before.push((slot, before));
        }
    }
}

impl Frame {
    pub(super) fn start(program: &Inner, run: &RunInfo) -> Self {
        let region = program.main();
        Self {
            region: RegionIndex::MAIN,
            outer: None,
            path: "".into(),
            node: program.entry,
            exit: None,
            variables: vec![Value::Null; region.variables.len()],
            weights: vec![0; region.variables.len()],
            cursors: vec![None; region.cursors.len()],
            total: 0,
            visits: vec![0; region.nodes.len()],
            steps: 0,
            run: RunVars {
                id: run.id.as_str().into(),
                flow: program.flow.id.as_str().into(),
                version: program.flow.version.as_str().into(),
                started_at: run.started_at,
                now: run.started_at,
            },
            timers: Arc::default(),
            catching: false,
            standing: Standing::Ready,
            turn: Turn { number: 1, bound_in: vec![0; region.variables.len()], before: Vec::new() },
            weighed: 0,
        }
    }

    /// A branch of the fork that this frame, of this key, is at: with a copy of what it names of the state.
    pub(super) fn branch(&self, program: &Inner, key: FrameKey, number: usize, branch: &Branch) -> Self {
        let region = program.region(branch.region);
        let outer = |slots: &[Slot], of: &[u64]| slots.iter().map(|slot| of[slot.0 as usize]).collect();
        Self {
            region: branch.region,
            outer: Some((key, number)),
            path: self.branch_path(program, number).into(),
            node: branch.entry.unwrap_or(self.node),
            exit: region.exit,
            variables: region.outer_variables.iter().map(|slot| self.variables[slot.0 as usize].clone()).collect(),
            weights: outer(&region.outer_variables, &self.weights),
            cursors: region.outer_cursors.iter().map(|slot| self.cursors[slot.0 as usize].clone()).collect(),
            total: self.total,
            visits: vec![0; region.nodes.len()],
            steps: self.steps,
            run: self.run.clone(),
            timers: self.timers.clone(),
            catching: false,
            standing: Standing::Ready,
            turn: Turn::default(),
            weighed: 0,
        }
    }

    /// The path of a branch of the fork that this frame is at.
    pub(super) fn branch_path(&self, program: &Inner, number: usize) -> String {
        format!("{}.{number}/", self.id(program))
    }

    /// Takes note that a result was recorded at a time.
    pub(super) fn consume(&mut self, at: i64) {
        self.steps = 0;
        self.run.now = at;
    }

    /// The variables by name; one that was not set is null.
    pub(super) fn state<'a>(&'a self, program: &'a Inner) -> impl Iterator<Item = (&'a Arc<str>, Value)> {
        program.region(self.region).variables.iter().zip(self.variables.iter().cloned())
    }

    /// How often the node that it is at was entered.
    pub(super) fn visit(&self, program: &Inner) -> u64 {
        self.visits[program.node(self.node).local as usize]
    }

    /// The id of what the current node asks for or hands out in this visit.
    pub(super) fn id(&self, program: &Inner) -> EffectId {
        EffectId::new(format!("{}{}#{}", self.path, program.id(self.node), self.visit(program)))
    }

    /// Binds a variable, within the limits of the state.
    pub(super) fn bind(&mut self, slot: Slot, value: Value, inputs: u64) -> Result<(), Fault> {
        let weight = match &value {
            // The common case, in line.
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Double(_) => 16,
            other => {
                let weight = weight(other).map_err(Fault::limit)?;
                self.weighed = self.weighed.saturating_add(weight);
                weight
            }
        };
        self.bind_weighed(slot, value, weight, inputs)
    }

    pub(super) fn bind_weighed(&mut self, slot: Slot, value: Value, weight: u64, inputs: u64) -> Result<(), Fault> {
        let old = &mut self.weights[slot.0 as usize];
        let total = self.total.saturating_sub(*old).saturating_add(weight);
        within_state(total.saturating_add(inputs))?;
        *old = weight;
        self.total = total;
        let before = std::mem::replace(&mut self.variables[slot.0 as usize], value);
        self.turn.note(slot, before);
        Ok(())
    }

    /// From here on it is noted what variables were.
    pub(super) fn begin_turn(&mut self) {
        self.turn.number = self.turn.number.saturating_add(1);
        self.turn.before.clear();
    }

    /// The variables as they were when the turn began.
    pub(super) fn turn_variables(&self) -> Vec<Value> {
        let mut variables = self.variables.clone();
        for (slot, value) in &self.turn.before {
            variables[slot.0 as usize] = value.clone();
        }
        variables
    }

    /// What its variables and cursors count for.
    pub(super) fn weight(&self) -> u64 {
        self.total
    }

    /// A variable's value, and what it counts for.
    pub(super) fn weighed_variable(&self, slot: Slot) -> (Value, u64) {
        (self.variables[slot.0 as usize].clone(), self.weights[slot.0 as usize])
    }

    /// Puts a cursor at the start of a collection; false when the value is none.
    pub(super) fn open_cursor(&mut self, slot: Slot, over: &Value, inputs: u64) -> Result<bool, Fault> {
        let weight = weight(over).map_err(Fault::limit)?;
        self.weighed = self.weighed.saturating_add(weight);
        let Some(cursor) = Cursor::new(over, weight) else { return Ok(false) };
        self.close_cursor(slot);
        let total = self.total.saturating_add(weight);
        within_state(total.saturating_add(inputs))?;
        self.total = total;
        self.cursors[slot.0 as usize] = Some(cursor);
        Ok(true)
    }

    /// The next element; a cursor that has run out lets go of its collection.
    pub(super) fn next_element(&mut self, slot: Slot) -> Option<Element> {
        let element = self.cursors[slot.0 as usize].as_mut()?.next();
        if element.is_none() {
            self.close_cursor(slot);
        }
        element
    }

    pub(super) fn close_cursor(&mut self, slot: Slot) {
        if let Some(old) = self.cursors[slot.0 as usize].take() {
            self.total = self.total.saturating_sub(old.weight);
        }
    }

    pub(super) fn cursor_states(&self, program: &Inner) -> BTreeMap<String, CursorState> {
        let states = program.region(self.region).cursors.iter().zip(&self.cursors);
        states.filter_map(|(name, cursor)| Some((name.to_string(), cursor.as_ref()?.state()))).collect()
    }

    /// Puts a cursor where a snapshot says; false when its value is no collection or the position is outside.
    pub(super) fn restore_cursor(&mut self, slot: Slot, state: &CursorState) -> Result<bool, Fault> {
        let size = match &state.over {
            Value::List(items) => items.len(),
            Value::Map(map) => map.len(),
            _ => return Ok(false),
        };
        let position = usize::try_from(state.position).ok().filter(|position| *position <= size);
        if !self.open_cursor(slot, &state.over, 0)? {
            return Ok(false);
        }
        let cursor = self.cursors[slot.0 as usize].as_mut();
        Ok(cursor.zip(position).map(|(cursor, position)| cursor.position = position).is_some())
    }
}

fn within_state(total: u64) -> Result<(), Fault> {
    if total > MAX_STATE_BYTES {
        return Err(Fault::limit(Limit::State.exceeded(MAX_STATE_BYTES, total)));
    }
    Ok(())
}
