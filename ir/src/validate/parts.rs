//! What a node refers to: other nodes, expressions, variables, schemas.

use std::fmt;

use crate::canonical::pointer;
use crate::document::{Action, Awaited, Decision, Due, Node, NodeId, NodeKind, Schema, TemplatePart};

/// A way out of a node.
pub(super) struct Exit<'a> {
    pub spot: Spot<'a>,
    pub to: &'a NodeId,
    /// The variables that are set on this way.
    pub sets: Vec<&'a str>,
}

/// Where in a node something stands.
#[derive(Clone, Copy)]
pub(super) enum Spot<'a> {
    /// `/value`
    Member(&'static str),
    /// `/memory/0`
    Item(&'static str, usize),
    /// `/args/name`
    Named(&'static str, &'a str),
    /// `/prompt/0/expr`: a member of an element
    Within(&'static str, usize, &'static str),
}

/// As a JSON pointer into the node.
impl fmt::Display for Spot<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(member) => write!(formatter, "/{member}"),
            Self::Item(member, index) => write!(formatter, "/{member}/{index}"),
            Self::Named(member, name) => formatter.write_str(&pointer(&format!("/{member}"), name)),
            Self::Within(member, index, inner) => write!(formatter, "/{member}/{index}/{inner}"),
        }
    }
}

/// The ways out of a node, in their listed order; the error's comes last. A fork leads to its branches and to its join.
pub(super) fn exits(node: &Node) -> Vec<Exit<'_>> {
    let mut exits = kind_exits(&node.kind);
    if let Some(target) = &node.on_error {
        exits.push(Exit {
            spot: Spot::Member("on_error/to"),
            to: &target.to,
            sets: target.into.as_deref().into_iter().collect(),
        });
    }
    exits
}

fn kind_exits(kind: &NodeKind) -> Vec<Exit<'_>> {
    fn plain<'a>(member: &'static str, to: &'a NodeId) -> Exit<'a> {
        Exit { spot: Spot::Member(member), to, sets: Vec::new() }
    }
    fn next<'a>(to: &'a NodeId, into: Option<&'a String>) -> Exit<'a> {
        Exit { spot: Spot::Member("next"), to, sets: into.map(String::as_str).into_iter().collect() }
    }
    match kind {
        NodeKind::Action(action) => match action {
            Action::Set { into, next: to, .. } => vec![next(to, Some(into))],
            Action::Each { next: to, .. }
            | Action::Sleep { next: to, .. }
            | Action::Timer { next: to, .. }
            | Action::Join { next: to, .. } => vec![next(to, None)],
            Action::Iter { item, index, key, next: to, done, .. } => {
                let sets = [Some(item), index.as_ref(), key.as_ref()].into_iter().flatten().map(String::as_str);
                vec![Exit { spot: Spot::Member("next"), to, sets: sets.collect() }, plain("done", done)]
            }
            Action::Tool { into, next: to, .. } | Action::Flow { into, next: to, .. } => vec![next(to, into.as_ref())],
            Action::Await { into, on_timeout, next: to, .. } => std::iter::once(next(to, into.as_ref()))
                .chain(on_timeout.as_ref().map(|to| plain("on_timeout", to)))
                .collect(),
            Action::Fork { branches, join } => branches
                .iter()
                .enumerate()
                .map(|(index, branch)| Exit {
                    spot: Spot::Within("branches", index, "entry"),
                    to: &branch.entry,
                    sets: Vec::new(),
                })
                .chain([plain("join", join)])
                .collect(),
        },
        NodeKind::LlmCall(call) => vec![next(&call.next, Some(&call.into))],
        NodeKind::Decision(Decision::If { then, otherwise, .. }) => {
            vec![plain("then", then), plain("else", otherwise)]
        }
        NodeKind::Decision(Decision::Choice { cases, otherwise, .. }) => cases
            .iter()
            .enumerate()
            .map(|(index, case)| Exit { spot: Spot::Within("cases", index, "to"), to: &case.to, sets: Vec::new() })
            .chain(otherwise.as_ref().map(|to| plain("else", to)))
            .collect(),
        NodeKind::Emit(emit) => vec![next(&emit.next, None)],
        NodeKind::Return(_) => Vec::new(),
    }
}

/// The expressions of a node.
pub(super) fn expressions(node: &Node) -> Vec<(Spot<'_>, &str)> {
    fn one<'a>(member: &'static str, text: &'a str) -> Vec<(Spot<'a>, &'a str)> {
        vec![(Spot::Member(member), text)]
    }
    fn template<'a>(
        member: &'static str,
        parts: &'a [TemplatePart],
    ) -> impl Iterator<Item = (Spot<'a>, &'a str)> + use<'a> {
        parts.iter().enumerate().filter_map(move |(index, part)| match part {
            TemplatePart::Text(_) => None,
            TemplatePart::Expr(text) => Some((Spot::Within(member, index, "expr"), text.as_str())),
        })
    }
    match &node.kind {
        NodeKind::Action(action) => match action {
            Action::Set { value, .. } => one("value", value),
            Action::Each { over, .. } => one("over", over),
            Action::Tool { args, .. } => {
                args.iter().map(|(name, text)| (Spot::Named("args", name), text.as_str())).collect()
            }
            Action::Flow { inputs, .. } => {
                inputs.iter().map(|(name, text)| (Spot::Named("inputs", name), text.as_str())).collect()
            }
            Action::Sleep { due, .. } | Action::Timer { due, .. } => match due {
                Due::For(text) => one("for", text),
                Due::Until(text) => one("until", text),
            },
            Action::Await { what: Awaited::Ask(ask), .. } => {
                template("ask/title", &ask.title).chain(template("ask/text", &ask.text)).collect()
            }
            Action::Iter { .. } | Action::Await { .. } | Action::Fork { .. } | Action::Join { .. } => Vec::new(),
        },
        NodeKind::LlmCall(call) => template("prompt", &call.prompt)
            .chain(template("system", call.system.as_deref().unwrap_or_default()))
            .chain(call.memory.iter().enumerate().map(|(index, text)| (Spot::Item("memory", index), text.as_str())))
            .collect(),
        NodeKind::Decision(Decision::If { when, .. }) => one("when", when),
        NodeKind::Decision(Decision::Choice { on, .. }) => one("on", on),
        NodeKind::Emit(emit) => one("value", &emit.value),
        NodeKind::Return(end) => one("value", &end.value),
    }
}

/// The schemas of a node.
pub(super) fn schemas(node: &Node) -> impl Iterator<Item = (Spot<'_>, &Schema)> {
    let own = [("input", node.input.as_ref()), ("output", node.output.as_ref())];
    let awaited = match &node.kind {
        NodeKind::Action(Action::Await { what, schema, .. }) => {
            let asked = match what {
                Awaited::Ask(ask) => Some(&ask.schema),
                Awaited::Signal(_) | Awaited::Timer(_) => None,
            };
            [("schema", schema.as_ref()), ("ask/schema", asked)]
        }
        _ => [("schema", None), ("ask/schema", None)],
    };
    own.into_iter().chain(awaited).filter_map(|(member, schema)| Some((Spot::Member(member), schema?)))
}
