//! Random programs: valid documents over all operations that are executed, and a world that answers them.

use std::collections::BTreeSet;

use bloom_interpreter::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectRequest, TIMEOUT, Usage};
use bloom_ir::{Digest, Value};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// The variables of every random program.
pub const VARIABLES: [&str; 5] = ["a", "b", "c", "d", "e"];

#[derive(Clone, Debug)]
pub enum Statement {
    Set(usize, String),
    If(String, Vec<Statement>, Vec<Statement>),
    While(String, Vec<Statement>),
    Choice(String, Vec<Statement>, Vec<Statement>, bool),
    For {
        over: String,
        item: usize,
        index: Option<usize>,
        key: Option<usize>,
        body: Vec<Statement>,
    },
    Ask {
        tool: &'static str,
        arg: String,
        into: Option<usize>,
        rescue: Option<Vec<Statement>>,
    },
    Think {
        prompt: String,
        into: usize,
    },
    Emit {
        kind: &'static str,
        value: String,
    },
    /// Another flow, waited for or not.
    Call {
        arg: String,
        into: usize,
        wait: bool,
    },
    Sleep(String),
    /// A timer around a block, awaited behind it.
    Timer {
        due: String,
        body: Vec<Statement>,
    },
    /// A signal or a person, with what is done when the time is over.
    Await {
        person: bool,
        into: usize,
        timeout: Option<Vec<Statement>>,
    },
    /// Branches, and what is done when one fails.
    Fork(Vec<Vec<Statement>>, Option<Vec<Statement>>),
    Return(&'static str, String),
}

fn variable() -> impl Strategy<Value = usize> {
    0..VARIABLES.len()
}

/// Expressions: most have a value, some an error.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => variable().prop_map(|name| format!("v['{}']", VARIABLES[name])),
        3 => (-2..5i64).prop_map(|number| number.to_string()),
        2 => prop::sample::select(vec!["'x'", "'й'", "true", "false", "null", "[]", "[1, 2]", "{'k': 1, 'a': 2}"])
            .prop_map(str::to_owned),
        2 => prop::sample::select(vec!["input.n", "input.items", "input.map", "run.now", "0.5"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["9223372036854775807", "-2.5", "1e300", "'2026-01-01T00:00:00Z'"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 8, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            3 => (prop::sample::select(vec!["+", "-", "*", "/", "==", "<", "&&", "||", "in"]), pair.clone())
                .prop_map(|(op, (left, right))| format!("({left} {op} {right})")),
            2 => pair.prop_map(|(left, right)| format!("[{left}, {right}]")),
            1 => inner.clone().prop_map(|value| format!("{{'k': {value}}}")),
            1 => inner.clone().prop_map(|value| format!("size({value})")),
            1 => inner.prop_map(|value| format!("({value} == 1 ? [{value}] : 'no')")),
        ]
    })
}

fn condition() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => (expression(), prop::sample::select(vec!["==", "!="]), expression())
            .prop_map(|(left, op, right)| format!("{left} {op} {right}")),
        1 => expression(),
    ]
}

fn collection() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["[1, 'x', null]", "input.items", "input.map", "{'k': 1, 'a': [2]}"]).prop_map(str::to_owned),
        1 => expression(),
    ]
}

fn block(statement: impl Strategy<Value = Statement> + Clone) -> impl Strategy<Value = Vec<Statement>> + Clone {
    prop::collection::vec(statement, 0..4)
}

/// The statements of a program.
pub fn statements() -> impl Strategy<Value = Vec<Statement>> {
    let leaf = prop_oneof![
        6 => (variable(), expression()).prop_map(|(into, value)| Statement::Set(into, value)),
        4 => (prop::sample::select(vec!["read", "write", "shape"]), expression(), prop::option::of(variable()))
            .prop_map(|(tool, arg, into)| Statement::Ask { tool, arg, into, rescue: None }),
        2 => (expression(), variable()).prop_map(|(prompt, into)| Statement::Think { prompt, into }),
        1 => (expression(), variable(), any::<bool>()).prop_map(|(arg, into, wait)| Statement::Call { arg, into, wait }),
        1 => expression().prop_map(Statement::Sleep),
        3 => (prop::sample::select(vec!["event", "log", "artifact", "proposal"]), expression())
            .prop_map(|(kind, value)| Statement::Emit { kind, value }),
        1 => (prop::sample::select(vec!["completed", "failed"]), expression())
            .prop_map(|(status, value)| Statement::Return(status, value)),
    ];
    let statement = leaf.prop_recursive(3, 24, 4, |inner| {
        let block = block(inner.boxed());
        prop_oneof![
            (condition(), block.clone(), block.clone()).prop_map(|(when, yes, no)| Statement::If(when, yes, no)),
            (condition(), block.clone()).prop_map(|(when, body)| Statement::While(when, body)),
            (expression(), block.clone(), block.clone(), any::<bool>())
                .prop_map(|(on, one, other, default)| Statement::Choice(on, one, other, default)),
            (collection(), variable(), prop::option::of(variable()), prop::option::of(variable()), block.clone())
                .prop_map(|(over, item, index, key, body)| Statement::For { over, item, index, key, body }),
            (
                prop::sample::select(vec!["read", "write", "shape"]),
                expression(),
                prop::option::of(variable()),
                block.clone()
            )
                .prop_map(|(tool, arg, into, rescue)| Statement::Ask {
                    tool,
                    arg,
                    into,
                    rescue: Some(rescue)
                }),
            (expression(), block.clone()).prop_map(|(due, body)| Statement::Timer { due, body }),
            (any::<bool>(), variable(), prop::option::of(block.clone()))
                .prop_map(|(person, into, timeout)| Statement::Await { person, into, timeout }),
            (prop::collection::vec(block.clone(), 1..4), prop::option::of(block))
                .prop_map(|(branches, rescue)| Statement::Fork(branches, rescue)),
        ]
    });
    prop::collection::vec(statement, 0..7)
}

impl Statement {
    /// Whether this, or a statement within it, holds for something.
    fn any(&self, is: fn(&Self) -> bool) -> bool {
        is(self) || self.inner().into_iter().flatten().any(|inner| inner.any(is))
    }

    fn inner(&self) -> Vec<&[Self]> {
        match self {
            Self::If(_, one, other) | Self::Choice(_, one, other, _) => vec![one, other],
            Self::While(_, body) | Self::For { body, .. } | Self::Timer { body, .. } => vec![body],
            Self::Ask { rescue: Some(block), .. } | Self::Await { timeout: Some(block), .. } => vec![block],
            Self::Fork(branches, rescue) => branches.iter().chain(rescue).map(Vec::as_slice).collect(),
            _ => Vec::new(),
        }
    }

    fn is_effect(&self) -> bool {
        matches!(
            self,
            Self::Ask { .. }
                | Self::Think { .. }
                | Self::Call { .. }
                | Self::Sleep(_)
                | Self::Timer { .. }
                | Self::Await { .. }
        )
    }
}

/// Whether branches are run side by side, so that the order of what happens is not the program's alone.
pub fn has_forks(statements: &[Statement]) -> bool {
    statements.iter().any(|statement| statement.any(|it| matches!(it, Statement::Fork(..))))
}

/// A valid document of these statements; with `catch`, errors lead to a node that emits the error.
pub fn document(statements: &[Statement], catch: bool) -> Json {
    let mut lowering = Lowering { is_bounded: has_forks(statements), ..Lowering::default() };
    let end = lowering.add(json!({ "type": "return", "status": "completed", "value": "v['a']" }));
    let mut entry = lowering.block(statements, end.clone());
    let counters = (1..=lowering.counters).map(|number| format!("k{number}"));
    for name in counters.chain(VARIABLES.map(str::to_owned)) {
        entry = lowering.add(json!({ "type": "action", "op": "set", "into": name, "value": "0", "next": entry }));
    }
    let caught = lowering.add(
        json!({ "type": "emit", "kind": "log", "name": "caught", "value": "v['e'].code + string(v['a'])", "next": end }),
    );
    let mut roots = vec![entry.clone()];
    if catch {
        roots.push(caught.clone());
    }
    lowering.prune(roots);
    let mut document = super::document(Json::Object(lowering.nodes));
    document["entry"] = json!(entry);
    // Of several branches that reach a limit, the first to do so depends on the order of results.
    document["policy"]["limits"] = if has_forks(statements) {
        json!({ "max_steps": 1_000_000, "max_tokens": 1_000_000, "max_proposals": 1_000_000 })
    } else {
        json!({ "max_steps": 150, "max_tokens": 60, "max_proposals": 4 })
    };
    if catch {
        document["catch"] = json!({ "to": caught, "into": "e" });
    }
    document
}

/// What every random program is started with.
pub fn inputs() -> Json {
    json!({ "n": 2, "items": [3, "y", [1]], "map": { "я": true, "b": { "k": 1 } } })
}

#[derive(Default)]
struct Lowering {
    nodes: serde_json::Map<String, Json>,
    cursors: usize,
    /// Of loops that end after some rounds, whatever their condition says.
    counters: usize,
    /// Names of signals and timers: each is awaited in one place.
    names: usize,
    /// Whether all loops end after some rounds.
    is_bounded: bool,
    in_branch: bool,
}

impl Lowering {
    fn add(&mut self, node: Json) -> String {
        let id = format!("n{}", self.nodes.len() + 1);
        self.nodes.insert(id.clone(), node);
        id
    }

    fn name(&mut self) -> String {
        self.names += 1;
        format!("s{}", self.names)
    }

    /// The id of the first node of a block that goes on at `next`.
    fn block(&mut self, statements: &[Statement], next: String) -> String {
        statements.iter().rev().fold(next, |next, statement| self.statement(statement, next))
    }

    /// A loop whose body may have effects ends after three rounds: or a history could take minutes.
    fn while_loop(&mut self, when: &str, body: &[Statement], next: String) -> String {
        let head = self.add(Json::Null);
        if !self.is_bounded && !body.iter().any(|statement| statement.any(Statement::is_effect)) {
            let body = self.block(body, head.clone());
            self.nodes[&head] = json!({ "type": "decision", "when": when, "then": body, "else": next });
            return head;
        }
        self.counters += 1;
        let counter = format!("k{}", self.counters);
        let body = self.block(body, head.clone());
        let (more, first) = (format!("v['{counter}'] + 1"), format!("v['{counter}'] < 3"));
        let count = self.add(json!({ "type": "action", "op": "set", "into": counter, "value": more, "next": body }));
        let test = self.add(json!({ "type": "decision", "when": when, "then": count, "else": next }));
        self.nodes[&head] = json!({ "type": "decision", "when": first, "then": test, "else": next });
        self.add(json!({ "type": "action", "op": "set", "into": counter, "value": "0", "next": head }))
    }

    fn fork(&mut self, branches: &[Vec<Statement>], rescue: Option<&[Statement]>, next: &str) -> String {
        let rescue = rescue.map(|rescue| self.block(rescue, next.to_owned()));
        let (fork, join) = (self.add(Json::Null), self.add(Json::Null));
        self.nodes[&join] = json!({ "type": "action", "op": "join", "fork": fork, "next": next });
        let outside = std::mem::replace(&mut self.in_branch, true);
        let mut written = BTreeSet::new();
        let mut arms = Vec::new();
        for (number, branch) in branches.iter().enumerate() {
            let entry = self.block(branch, join.clone());
            let own = reached(&self.nodes, &entry, &join);
            let sets: BTreeSet<String> = own.iter().flat_map(|id| sets(&self.nodes[id])).collect();
            let writes: Vec<&String> = sets.iter().filter(|name| !written.contains(*name)).collect();
            arms.push(json!({ "name": format!("b{number}"), "entry": entry, "writes": writes }));
            written.extend(sets);
        }
        self.in_branch = outside;
        let mut node = json!({ "type": "action", "op": "fork", "branches": arms, "join": join });
        if let Some(rescue) = rescue {
            node["on_error"] = json!({ "to": rescue, "into": "e" });
        }
        self.nodes[&fork] = node;
        fork
    }

    fn statement(&mut self, statement: &Statement, next: String) -> String {
        let name = |variable: &usize| json!(VARIABLES[*variable]);
        match statement {
            Statement::Set(into, value) => {
                // A value that grows in each round of a loop would take minutes to write.
                let set = |value: &str, next| json!({ "type": "action", "op": "set", "into": name(into), "value": value, "next": next });
                let reset = self.add(set("0", next.clone()));
                let size = format!("size(json.format(v['{}'])) < 200", VARIABLES[*into]);
                let test = self.add(json!({ "type": "decision", "when": size, "then": next, "else": reset }));
                self.add(set(value, test))
            }
            Statement::If(when, yes, no) => {
                let (yes, no) = (self.block(yes, next.clone()), self.block(no, next));
                self.add(json!({ "type": "decision", "when": when, "then": yes, "else": no }))
            }
            Statement::While(when, body) => self.while_loop(when, body, next),
            Statement::Choice(on, one, other, default) => {
                let (one, other) = (self.block(one, next.clone()), self.block(other, next.clone()));
                let cases =
                    json!([{ "values": [0, "x", true], "to": one }, { "values": [1, "y", [], 0.5], "to": other }]);
                let mut node = json!({ "type": "decision", "on": on, "cases": cases });
                if *default {
                    node["else"] = json!(next);
                }
                self.add(node)
            }
            Statement::For { over, item, index, key, body } => {
                self.cursors += 1;
                let cursor = format!("c{}", self.cursors);
                let head = self.add(Json::Null);
                let body = self.block(body, head.clone());
                let mut node = json!({
                    "type": "action", "op": "iter", "cursor": cursor, "item": name(item), "next": body, "done": next
                });
                for (member, variable) in [("index", index), ("key", key)] {
                    if let Some(variable) = variable {
                        node[member] = name(variable);
                    }
                }
                self.nodes[&head] = node;
                self.add(json!({ "type": "action", "op": "each", "over": over, "cursor": cursor, "next": head }))
            }
            Statement::Ask { tool, arg, into, rescue } => {
                let mut node =
                    json!({ "type": "action", "op": "tool", "tool": tool, "args": { "q": arg }, "next": next });
                if let Some(into) = into {
                    node["into"] = name(into);
                }
                if let Some(rescue) = rescue {
                    node["on_error"] = json!({ "to": self.block(rescue, next), "into": "e" });
                }
                self.add(node)
            }
            Statement::Think { prompt, into } => self.add(json!({
                "type": "llm_call", "prompt": [{ "text": "? " }, { "expr": prompt }], "output": {},
                "into": name(into), "next": next
            })),
            Statement::Emit { kind, value } => {
                let mut node = json!({ "type": "emit", "kind": kind, "name": "it", "value": value, "next": next });
                if *kind == "proposal" {
                    node["action"] = json!("propose-note");
                }
                self.add(node)
            }
            Statement::Call { arg, into, wait } => self.add(json!({
                "type": "action", "op": "flow", "flow": "other", "hash": Digest::of(b"other"), "wait": wait,
                "inputs": { "q": arg }, "into": name(into), "timeout_seconds": 5, "next": next
            })),
            Statement::Sleep(due) => self.add(json!({ "type": "action", "op": "sleep", "for": due, "next": next })),
            Statement::Timer { due, body } => {
                let timer = self.name();
                let end = self.add(json!({ "type": "action", "op": "await", "timer": timer, "next": next }));
                let body = self.block(body, end);
                self.add(json!({ "type": "action", "op": "timer", "name": timer, "until": due, "next": body }))
            }
            Statement::Await { person, into, timeout } => {
                let mut node = json!({ "type": "action", "op": "await", "into": name(into), "next": next });
                if *person {
                    let text = json!([{ "expr": "v['a']" }]);
                    node["ask"] = json!({ "title": [{ "text": "?" }], "text": text, "schema": {} });
                } else {
                    node["signal"] = json!(self.name());
                }
                if let Some(timeout) = timeout {
                    node["timeout_seconds"] = json!(1);
                    node["on_timeout"] = json!(self.block(timeout, next));
                }
                self.add(node)
            }
            Statement::Fork(branches, rescue) => self.fork(branches, rescue.as_deref(), &next),
            Statement::Return(_, value) if self.in_branch => {
                self.add(json!({ "type": "emit", "kind": "log", "name": "no return", "value": value, "next": next }))
            }
            Statement::Return(status, value) => self.add(json!({ "type": "return", "status": status, "value": value })),
        }
    }

    /// Leaves out what cannot be reached, which no valid document has.
    fn prune(&mut self, mut rest: Vec<String>) {
        let mut reached = std::collections::BTreeSet::new();
        while let Some(id) = rest.pop() {
            if reached.insert(id.clone()) {
                targets(&self.nodes[&id], &mut rest);
            }
        }
        self.nodes.retain(|id, _| reached.contains(id));
    }
}

fn targets(node: &Json, found: &mut Vec<String>) {
    let members = ["next", "then", "else", "done", "on_timeout", "join"].map(|name| &node[name]);
    let arms = |list: &str, member: &'static str| {
        node[list].as_array().into_iter().flatten().map(move |arm| &arm[member]).collect::<Vec<_>>()
    };
    let all = members.into_iter().chain(arms("cases", "to")).chain(arms("branches", "entry"));
    found.extend(all.chain([&node["on_error"]["to"]]).filter_map(Json::as_str).map(str::to_owned));
}

/// The nodes of a branch, those of forks within it left out.
fn reached(nodes: &serde_json::Map<String, Json>, entry: &str, exit: &str) -> BTreeSet<String> {
    let (mut found, mut rest) = (BTreeSet::new(), vec![entry.to_owned()]);
    while let Some(id) = rest.pop() {
        if id == exit || !found.insert(id.clone()) {
            continue;
        }
        let mut node = nodes[&id].clone();
        if let Some(node) = node.as_object_mut() {
            node.remove("branches");
        }
        targets(&node, &mut rest);
    }
    found
}

/// What a node sets; of a fork, what its branches write.
fn sets(node: &Json) -> Vec<String> {
    let own = ["into", "item", "index", "key"].map(|name| &node[name]);
    let writes = node["branches"].as_array().into_iter().flatten();
    let writes = writes.flat_map(|branch| branch["writes"].as_array().into_iter().flatten());
    own.into_iter()
        .chain([&node["on_error"]["into"]])
        .chain(writes)
        .filter_map(Json::as_str)
        .map(str::to_owned)
        .collect()
}

/// Answers by the effect's id alone: values of all types, failures of both kinds.
pub fn world(request: &EffectRequest, attempt: u32) -> Result<Answer, EffectError> {
    let digest = Digest::of(request.id.as_str().as_bytes());
    let [first, second, ..] = *digest.as_bytes();
    match &request.call {
        EffectCall::Sleep(_) | EffectCall::Timer(_) => return Ok(Answer::default()),
        EffectCall::Await(wait) if wait.until.is_some() && first % 3 == 0 => {
            return Err(EffectError::new(TIMEOUT, "too late"));
        }
        EffectCall::Await(wait) if matches!(wait.what, AwaitedThing::Timer(_)) => return Ok(Answer::default()),
        EffectCall::Await(_) | EffectCall::Flow(_) | EffectCall::Tool(_) | EffectCall::Llm(_) => {}
    }
    let usage = Some(Usage { input_tokens: 10, output_tokens: u64::from(second % 8), ..Usage::default() });
    let value = match first % 10 {
        0 if attempt < 3 => return Err(EffectError { retryable: true, ..EffectError::new("overloaded", "again") }),
        1 => return Err(EffectError { retryable: second % 2 == 0, ..EffectError::new("refused", "no") }),
        2 => json!([second, null, 0.25]),
        3 => json!({ "k": second }),
        4 => json!("x"),
        5 => json!(second % 2 == 0),
        6 => json!(1.0),
        _ => json!(second % 4),
    };
    Ok(Answer { value: Value::from(value), usage })
}
