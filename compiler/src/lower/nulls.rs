//! Where in a program it is known of a value whether it is null: behind a decision that asks, and behind a node that sets it.
//!
//! A fact holds at a node if it holds on every way to it. So one pass forward finds all of them, in time in proportion to the
//! program: facts are bits, and there are [`MOST`] at most. What more a program asks is taken as asked everywhere.

use std::collections::{BTreeMap, VecDeque};

use bloom_ir::document::{Action, Decision, Document, Node, NodeId, NodeKind};
use bloom_ir::expr::ast::{BinaryOp, Expr, Literal};
use bloom_ir::expr::types::nulls::{Nullness, known, root};
use bloom_ir::expr::{functions, parse};
use bloom_ir::validate::{expressions_of, targets, variables_set};

/// So many places are looked at, and so many names.
const MOST: usize = 64;

/// What is known at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    /// Places that are null, that are not, and of which it was asked whether they are there: on every way.
    null: u64,
    not_null: u64,
    there: u64,
    /// Names of which it was asked, on any way.
    asked: u64,
}

impl State {
    const NOTHING: Self = Self { null: 0, not_null: 0, there: 0, asked: 0 };

    fn meet(self, other: Self) -> Self {
        Self {
            null: self.null & other.null,
            not_null: self.not_null & other.not_null,
            there: self.there & other.there,
            asked: self.asked | other.asked,
        }
    }

    fn learn(&mut self, bit: u64, nullness: Nullness) {
        self.forget(bit);
        match nullness {
            Nullness::Null => self.null |= bit,
            Nullness::NotNull => self.not_null |= bit,
            Nullness::Asked => self.there |= bit,
        }
    }

    fn forget(&mut self, bits: u64) {
        self.null &= !bits;
        self.not_null &= !bits;
        self.there &= !bits;
    }
}

/// What is known of null, by node.
pub(super) struct Nulls<'d> {
    /// The places that are asked about.
    places: Vec<Expr>,
    /// The places of each variable, as bits.
    of_variable: BTreeMap<String, u64>,
    /// The names that are asked about; those of which there is no bit are taken as asked everywhere.
    names: BTreeMap<String, Option<u64>>,
    copies: Copies,
    /// What each node asks about.
    asks: BTreeMap<&'d NodeId, u64>,
    states: BTreeMap<&'d NodeId, State>,
}

impl<'d> Nulls<'d> {
    pub(super) fn of(document: &'d Document) -> Self {
        let mut nulls = Self {
            places: Vec::new(),
            of_variable: BTreeMap::new(),
            names: BTreeMap::new(),
            copies: Copies::of(document),
            asks: BTreeMap::new(),
            states: BTreeMap::new(),
        };
        for (id, node) in &document.nodes {
            nulls.enter(id, node);
        }
        // Of what is asked about it is known, too, what is put into it.
        for node in document.nodes.values() {
            if let NodeKind::Action(Action::Set { into, .. }) = &node.kind
                && nulls.names.contains_key(nulls.copies.one_name(into))
            {
                nulls.track(Expr::Variable(into.clone()));
            }
        }
        if !nulls.names.is_empty() {
            nulls.flow(document);
        }
        nulls
    }

    /// What is known where a node begins.
    pub(super) fn at(&self, node: &NodeId) -> State {
        self.states.get(node).copied().unwrap_or(State::NOTHING)
    }

    /// What is known of a place.
    pub(super) fn nullness(&self, state: State, place: &Expr) -> Option<Nullness> {
        if state.null | state.not_null | state.there == 0 {
            return None;
        }
        let bit = self.bit(place)?;
        let found = [(state.null, Nullness::Null), (state.not_null, Nullness::NotNull), (state.there, Nullness::Asked)];
        found.into_iter().find(|(bits, _)| bits & bit != 0).map(|(_, nullness)| nullness)
    }

    /// Whether somebody has asked, at a node or before it, whether what has this name is null or there.
    pub(super) fn is_asked(&self, node: &NodeId, name: &str) -> bool {
        match self.names.get(self.copies.one_name(name)) {
            None => false,
            Some(None) => true,
            Some(Some(bit)) => (self.at(node).asked | self.asked_at(node)) & bit != 0,
        }
    }

    fn asked_at(&self, node: &NodeId) -> u64 {
        self.asks.get(node).copied().unwrap_or_default()
    }

    fn bit(&self, place: &Expr) -> Option<u64> {
        self.places.iter().position(|known| known == place).map(|index| 1 << index)
    }

    /// Gives numbers to what a node asks about.
    fn enter(&mut self, id: &'d NodeId, node: &Node) {
        for name in asked_names(node) {
            let name = self.copies.one_name(&name).to_owned();
            let next = self.names.len();
            let bit = *self.names.entry(name).or_insert_with(|| (next < MOST).then(|| 1 << next));
            *self.asks.entry(id).or_default() |= bit.unwrap_or_default();
        }
        if let NodeKind::Decision(Decision::If { when, .. }) = &node.kind
            && let Ok(when) = parse(when)
        {
            known(&when, true).into_iter().chain(known(&when, false)).for_each(|(place, _)| self.track(place));
        }
    }

    fn track(&mut self, place: Expr) {
        if self.places.len() < MOST && self.bit(&place).is_none() {
            let bit = 1 << self.places.len();
            if let Some(Expr::Variable(name)) = root(&place) {
                *self.of_variable.entry(name.clone()).or_default() |= bit;
            }
            self.places.push(place);
        }
    }

    fn flow(&mut self, document: &'d Document) {
        // A handler of all errors comes after anything.
        let all = State { asked: u64::MAX, ..State::NOTHING };
        let catch = document.catch.as_ref().map(|catch| (&catch.to, all));
        let mut states: BTreeMap<&NodeId, State> = BTreeMap::new();
        let mut queue: VecDeque<(&NodeId, State)> =
            [(&document.entry, State::NOTHING)].into_iter().chain(catch).collect();
        while let Some((id, state)) = queue.pop_front() {
            let Some((id, node)) = document.nodes.get_key_value(id) else { continue };
            let before = states.get(id).copied();
            let after = before.map_or(state, |before| before.meet(state));
            if before == Some(after) {
                continue;
            }
            states.insert(id, after);
            queue.extend(self.behind(id, node, after));
        }
        self.states = states;
    }

    /// What is known at the nodes that follow.
    fn behind(&self, id: &NodeId, node: &'d Node, before: State) -> Vec<(&'d NodeId, State)> {
        let state = State { asked: before.asked | self.asked_at(id), ..before };
        let mut ways = match &node.kind {
            NodeKind::Decision(Decision::If { when, then, otherwise }) => {
                let way = |to, holds| {
                    let mut state = state;
                    for (place, nullness) in parse(when).map(|when| known(&when, holds)).unwrap_or_default() {
                        self.bit(&place).into_iter().for_each(|bit| state.learn(bit, nullness));
                    }
                    (to, state)
                };
                vec![way(then, true), way(otherwise, false)]
            }
            // What is known behind a join is what the branches hand on.
            NodeKind::Action(Action::Fork { branches, .. }) => {
                branches.iter().map(|branch| (&branch.entry, state)).collect()
            }
            kind => {
                let mut after = self.without(state, variables_set(node));
                if let NodeKind::Action(Action::Set { into, value, .. }) = kind
                    && let Some(bit) = self.bit(&Expr::Variable(into.clone()))
                    && let Ok(value) = parse(value)
                    && let Some(nullness) = self.nullness_of(&value, state, &[])
                {
                    after.learn(bit, nullness);
                }
                let without_error = targets(node).count() - usize::from(node.on_error.is_some());
                targets(node).take(without_error).map(|to| (to, after)).collect()
            }
        };
        // What failed has put nothing anywhere, but for branches of a fork that went well.
        ways.extend(node.on_error.as_ref().map(|target| {
            let written = match &node.kind {
                NodeKind::Action(Action::Fork { branches, .. }) => branches.as_slice(),
                _ => &[],
            };
            let written = written.iter().flat_map(|branch| &branch.writes).chain(&target.into);
            (&target.to, self.without(state, written.map(String::as_str)))
        }));
        ways
    }

    /// What is still known when something is put into variables.
    fn without<'v>(&self, mut state: State, variables: impl Iterator<Item = &'v str>) -> State {
        for name in variables {
            state.forget(self.of_variable.get(name).copied().unwrap_or_default());
        }
        state
    }

    /// What is known of what an expression gives.
    fn nullness_of(&self, expr: &Expr, state: State, here: &[(Expr, Nullness)]) -> Option<Nullness> {
        match expr {
            Expr::Literal(Literal::Null) => Some(Nullness::Null),
            Expr::Literal(_)
            | Expr::Has { .. }
            | Expr::Unary { .. }
            | Expr::Binary { .. }
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Macro { .. } => Some(Nullness::NotNull),
            Expr::Conditional { condition, then, otherwise } => {
                let arm = |arm: &Expr, holds| {
                    let here: Vec<_> = known(condition, holds).into_iter().chain(here.iter().cloned()).collect();
                    self.nullness_of(arm, state, &here)
                };
                let (then, otherwise) = (arm(then, true), arm(otherwise, false));
                then.filter(|then| Some(*then) == otherwise)
            }
            Expr::Call { function, .. } => {
                let mut gives = functions::find(function)?.signatures.iter().map(|signature| signature.result);
                gives.all(|gives| gives != functions::Type::Any).then_some(Nullness::NotNull)
            }
            place => {
                let here = here.iter().find(|(known, _)| known == place).map(|(_, nullness)| *nullness);
                here.or_else(|| self.nullness(state, place))
            }
        }
    }
}

/// The names of what is copied from one to the other. Who asks about one of them has thought of all.
#[derive(Default)]
struct Copies {
    /// For each name another one of the same; the last one has none.
    other: BTreeMap<String, String>,
}

impl Copies {
    fn of(document: &Document) -> Self {
        let mut copies = Self::default();
        for node in document.nodes.values() {
            if let NodeKind::Action(Action::Set { into, value, .. }) = &node.kind
                && let Ok(value @ (Expr::Variable(_) | Expr::Member { .. } | Expr::Index { .. })) = parse(value)
            {
                let (one, other) = (copies.shortened(into), copies.shortened(&name(&value)));
                if one != other && !other.is_empty() {
                    copies.other.insert(one, other);
                }
            }
        }
        for name in copies.other.keys().cloned().collect::<Vec<_>>() {
            copies.shortened(&name);
        }
        copies
    }

    /// The one name of all copies; the way to it is short from now on.
    fn shortened(&mut self, name: &str) -> String {
        let mut passed = Vec::new();
        let mut at = name.to_owned();
        while let Some(next) = self.other.get(&at) {
            passed.push(std::mem::replace(&mut at, next.clone()));
        }
        for name in passed {
            self.other.insert(name, at.clone());
        }
        at
    }

    fn one_name<'n>(&'n self, mut name: &'n str) -> &'n str {
        while let Some(next) = self.other.get(name) {
            name = next;
        }
        name
    }
}

/// The names of what a node asks whether it is null, or there.
fn asked_names(node: &Node) -> Vec<String> {
    let mut asked = Vec::new();
    if let NodeKind::Decision(Decision::Choice { on, .. }) = &node.kind {
        asked.extend(parse(on).ok().map(|on| name(&on)));
    }
    for expr in expressions_of(node).filter_map(|expr| parse(expr).ok()) {
        let mut rest = vec![&expr];
        while let Some(expr) = rest.pop() {
            match expr {
                Expr::Has { name, .. } => asked.push(name.clone()),
                Expr::Binary { op: BinaryOp::Equal | BinaryOp::NotEqual, left, right } => {
                    for (one, other) in [(left, right), (right, left)] {
                        if matches!(**one, Expr::Literal(Literal::Null)) {
                            asked.push(name(other));
                        }
                    }
                }
                _ => {}
            }
            rest.extend(expr.parts());
        }
    }
    asked
}

/// What a value is called: its variable, or the last member on the way to it.
pub(super) fn name(expr: &Expr) -> String {
    match expr {
        Expr::Variable(name) | Expr::Local(name) | Expr::Member { name, .. } => name.clone(),
        Expr::Index { target, .. } => name(target),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is known of `x` at each node of these, in the order of their ids.
    fn of_x(nodes: &serde_json::Value) -> Vec<Option<Nullness>> {
        let document = json!({
            "ir": "0.1",
            "flow": { "id": "t", "version": "0.0.0", "title": "T", "kind": "procedure", "locale": "en" },
            "inputs": {}, "outputs": {}, "policy": {}, "entry": "n1", "nodes": nodes
        });
        let document: Document = serde_json::from_value(document).unwrap();
        let nulls = Nulls::of(&document);
        let x = Expr::Variable("x".to_owned());
        document.nodes.keys().map(|node| nulls.nullness(nulls.at(node), &x)).collect()
    }

    fn end() -> serde_json::Value {
        json!({ "type": "return", "status": "completed", "value": "v['x'] == null" })
    }

    #[test]
    fn a_handler_of_an_error_knows_what_was_known_before() {
        use Nullness::{NotNull, Null};
        let decision = json!({
            "n1": { "type": "decision", "when": "v['x'] == null", "then": "n2", "else": "n3", "on_error": { "to": "n4" } },
            "n2": end(), "n3": end(),
            "n4": { "type": "action", "op": "set", "into": "x", "value": "null", "next": "n5", "on_error": { "to": "n6" } },
            "n5": end(), "n6": end(),
        });
        assert_eq!(of_x(&decision), [None, Some(Null), Some(NotNull), None, Some(Null), None]);
        let fork = |writes: &serde_json::Value| {
            json!({
                "n1": { "type": "action", "op": "set", "into": "x", "value": "1", "next": "n2" },
                "n2": { "type": "action", "op": "fork", "join": "n4", "on_error": { "to": "n6" },
                        "branches": [{ "name": "a", "entry": "n3", "writes": writes }] },
                "n3": { "type": "action", "op": "tool", "tool": "t", "args": {}, "into": "x", "next": "n4" },
                "n4": { "type": "action", "op": "join", "fork": "n2", "next": "n5" },
                "n5": end(), "n6": end(),
            })
        };
        assert_eq!(of_x(&fork(&json!(["x"]))), [None, Some(NotNull), Some(NotNull), None, None, None]);
        assert_eq!(of_x(&fork(&json!([])))[5], Some(NotNull));
        let into = json!({
            "n1": { "type": "action", "op": "set", "into": "x", "value": "null", "next": "n2", "on_error": { "to": "n3", "into": "x" } },
            "n2": end(), "n3": end(),
        });
        assert_eq!(of_x(&into), [None, Some(Null), None]);
    }

    #[test]
    fn what_is_known_holds_on_every_way() {
        use Nullness::{NotNull, Null};
        let nodes = json!({
            "n1": { "type": "action", "op": "set", "into": "x", "value": "null", "next": "n2" },
            // It is reached again with another value.
            "n2": { "type": "decision", "when": "v['y']", "then": "n3", "else": "n4" },
            "n3": { "type": "action", "op": "set", "into": "x", "value": "v['x'] == null ? 1 : v['x']", "next": "n5" },
            "n4": end(),
            "n5": { "type": "decision", "when": "v['z']", "then": "n2", "else": "n6" },
            "n6": { "type": "action", "op": "set", "into": "x", "value": "v['y']", "next": "n7" },
            "n7": end(),
        });
        assert_eq!(of_x(&nodes), [None, None, None, None, Some(NotNull), Some(NotNull), None]);
        let nodes = json!({
            "n1": { "type": "action", "op": "set", "into": "x", "value": "null", "next": "n2" },
            "n2": { "type": "decision", "when": "v['y']", "then": "n3", "else": "n3" },
            "n3": end(),
        });
        assert_eq!(of_x(&nodes), [None, Some(Null), Some(Null)]);
    }
}
