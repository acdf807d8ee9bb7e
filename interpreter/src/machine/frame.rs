//! A branch of a run: where it is, and its copy of the state.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::Value;

use super::step::Fault;
use super::{CursorState, RunInfo};
use crate::effect::{EffectId, EffectRequest};
use crate::expr::{RunVars, Slot};
use crate::limit::{Limit, MAX_STATE_BYTES, weight};
use crate::program::{Inner, NodeIndex, Op};

/// A branch. The main branch is the only one yet.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    /// What the ids of its effects and emissions begin with: empty for the main branch, `n2#1.0/` for a fork's.
    pub(super) path: Arc<str>,
    /// The node that it is at: of an effect that is pending, else the one to do next; after the end the last one.
    pub(super) node: NodeIndex,
    /// Null until set.
    pub(super) variables: Vec<Value>,
    /// What each variable counts for; cursors keep it themselves.
    weights: Vec<u64>,
    pub(super) cursors: Vec<Option<Cursor>>,
    /// The sum over variables and cursors.
    total: u64,
    /// How often each node was entered.
    pub(super) visits: Vec<u64>,
    /// Nodes since the last recorded result.
    pub(super) steps: u64,
    /// What expressions see as `run`.
    pub(super) run: RunVars,
    /// Whether the document's `catch` has taken an error: the next one that nobody takes fails the run.
    pub(super) catching: bool,
    pub(super) pending: Option<Box<EffectRequest>>,
    /// Bytes that were weighed in this slice: what counting them takes. No part of the state.
    pub(super) weighed: u64,
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
    Entries(Vec<(Arc<str>, Value)>),
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
            Value::Map(map) => Elements::Entries(map.iter().map(|(key, value)| (key.clone(), value.clone())).collect()),
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

    fn state(&self) -> CursorState {
        let over = match &self.over {
            Elements::List(items) => Value::List(items.clone()),
            Elements::Entries(entries) => entries.iter().cloned().collect(),
        };
        CursorState { over, position: self.position as u64 }
    }
}

impl Frame {
    pub(super) fn start(program: &Inner, run: &RunInfo) -> Self {
        Self {
            path: "".into(),
            node: program.entry,
            variables: vec![Value::Null; program.variables.len()],
            weights: vec![0; program.variables.len()],
            cursors: vec![None; program.cursors.len()],
            total: 0,
            visits: vec![0; program.nodes.len()],
            steps: 0,
            run: RunVars {
                id: run.id.as_str().into(),
                flow: program.flow.id.as_str().into(),
                version: program.flow.version.as_str().into(),
                started_at: run.started_at,
                now: run.started_at,
            },
            catching: false,
            pending: None,
            weighed: 0,
        }
    }

    /// Takes note that a result was recorded at a time.
    pub(super) fn consume(&mut self, at: i64) {
        self.steps = 0;
        self.run.now = at;
    }

    /// The variables by name; one that was not set is null.
    pub(super) fn state<'a>(&'a self, program: &'a Inner) -> impl Iterator<Item = (&'a Arc<str>, Value)> {
        program.variables.iter().zip(self.variables.iter().cloned())
    }

    /// The id of what the current node asks for or hands out in this visit.
    pub(super) fn id(&self, program: &Inner) -> EffectId {
        let Self { path, node, visits, .. } = self;
        EffectId::new(format!("{path}{}#{}", program.id(*node), visits[node.0 as usize]))
    }

    /// Whether an effect of this id was asked for in this branch.
    pub(super) fn has_been_at(&self, program: &Inner, effect: &EffectId) -> bool {
        let asked = || {
            let (node, visit) = effect.as_str().strip_prefix(&*self.path)?.rsplit_once('#')?;
            let index = program.index(&bloom_ir::document::NodeId::new(node))?;
            let visit: u64 = visit.parse().ok()?;
            let asks = matches!(program.node(index).op, Op::Ask { .. });
            Some(asks && visit >= 1 && visit <= self.visits[index.0 as usize])
        };
        asked().unwrap_or(false)
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
        self.variables[slot.0 as usize] = value;
        Ok(())
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

    fn close_cursor(&mut self, slot: Slot) {
        if let Some(old) = self.cursors[slot.0 as usize].take() {
            self.total = self.total.saturating_sub(old.weight);
        }
    }

    pub(super) fn cursor_states(&self, program: &Inner) -> BTreeMap<String, CursorState> {
        let states = program.cursors.iter().zip(&self.cursors);
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
