//! Random programs: valid documents over all operations that are executed, and a world that answers them.

use bloom_interpreter::effect::{Answer, EffectError, EffectRequest, Usage};
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
    For { over: String, item: usize, index: Option<usize>, key: Option<usize>, body: Vec<Statement> },
    Ask { tool: &'static str, arg: String, into: Option<usize>, rescue: Option<Vec<Statement>> },
    Think { prompt: String, into: usize },
    Emit { kind: &'static str, value: String },
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
            (prop::sample::select(vec!["read", "write", "shape"]), expression(), prop::option::of(variable()), block)
                .prop_map(|(tool, arg, into, rescue)| Statement::Ask { tool, arg, into, rescue: Some(rescue) }),
        ]
    });
    prop::collection::vec(statement, 0..7)
}

/// A valid document of these statements; with `catch`, errors lead to a node that emits the error.
pub fn document(statements: &[Statement], catch: bool) -> Json {
    let mut lowering = Lowering::default();
    let end = lowering.add(json!({ "type": "return", "status": "completed", "value": "v['a']" }));
    let mut entry = lowering.block(statements, end.clone());
    for name in VARIABLES {
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
    document["policy"]["limits"] = json!({ "max_steps": 150, "max_tokens": 60, "max_proposals": 4 });
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
}

impl Lowering {
    fn add(&mut self, node: Json) -> String {
        let id = format!("n{}", self.nodes.len() + 1);
        self.nodes.insert(id.clone(), node);
        id
    }

    /// The id of the first node of a block that goes on at `next`.
    fn block(&mut self, statements: &[Statement], next: String) -> String {
        statements.iter().rev().fold(next, |next, statement| self.statement(statement, next))
    }

    fn statement(&mut self, statement: &Statement, next: String) -> String {
        let name = |variable: &usize| json!(VARIABLES[*variable]);
        match statement {
            Statement::Set(into, value) => {
                self.add(json!({ "type": "action", "op": "set", "into": name(into), "value": value, "next": next }))
            }
            Statement::If(when, yes, no) => {
                let (yes, no) = (self.block(yes, next.clone()), self.block(no, next));
                self.add(json!({ "type": "decision", "when": when, "then": yes, "else": no }))
            }
            Statement::While(when, body) => {
                let head = self.add(Json::Null);
                let body = self.block(body, head.clone());
                self.nodes[&head] = json!({ "type": "decision", "when": when, "then": body, "else": next });
                head
            }
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
    let members = ["next", "then", "else", "done"].map(|name| &node[name]);
    let cases = node["cases"].as_array().into_iter().flatten().map(|case| &case["to"]);
    let all = members.into_iter().chain(cases).chain([&node["on_error"]["to"]]);
    found.extend(all.filter_map(Json::as_str).map(str::to_owned));
}

/// Answers by the effect's id alone: values of all types, failures of both kinds.
pub fn world(request: &EffectRequest, attempt: u32) -> Result<Answer, EffectError> {
    let digest = Digest::of(request.id.as_str().as_bytes());
    let [first, second, ..] = *digest.as_bytes();
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
