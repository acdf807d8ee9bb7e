//! A second interpreter, as plain as can be: it walks the document by names, calls the world where it stands, and keeps
//! nothing that could be suspended. Only expressions are evaluated by the same code, which has a test bed of its own.

use std::collections::BTreeMap;

use bloom_interpreter::effect::{Answer, EffectError, EffectId, EffectRequest};
use bloom_interpreter::expr::{self, Budget, Environment, Evaluator, RunVars, Slot};
use bloom_ir::Value;
use bloom_ir::document::{Action, Decision, Document, EmitKind, NodeId, NodeKind, ReturnStatus, TemplatePart};
use serde_json::json;

use super::{World, run};

/// What was seen of a run from outside.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// Requests and emissions in order: id, kind, content.
    pub steps: Vec<(String, String, Value)>,
    /// The error's code and node, or the result.
    pub end: Result<Value, (String, NodeId)>,
    pub variables: BTreeMap<String, Value>,
}

pub struct Reference<'a> {
    document: &'a Document,
    inputs: Value,
    world: World<'a>,
    variables: BTreeMap<String, Value>,
    cursors: BTreeMap<String, Vec<(Value, Value)>>,
    taken: BTreeMap<String, usize>,
    visits: BTreeMap<NodeId, u64>,
    steps: Vec<(String, String, Value)>,
    events: i64,
    since: u64,
    now: i64,
    tokens: u64,
    proposals: u32,
}

enum Stop {
    Error(EffectError),
    Limit(&'static str),
}

enum Way {
    Node(NodeId),
    End(Result<Value, String>),
}

impl<'a> Reference<'a> {
    pub fn trace(document: &'a Document, inputs: Value, world: World<'a>) -> Trace {
        let mut walk = Self {
            document,
            inputs,
            world,
            variables: BTreeMap::new(),
            cursors: BTreeMap::new(),
            taken: BTreeMap::new(),
            visits: BTreeMap::new(),
            steps: Vec::new(),
            events: 1,
            since: 0,
            now: run().started_at,
            tokens: 0,
            proposals: 0,
        };
        let end = walk.walk();
        Trace { steps: walk.steps, end, variables: walk.variables }
    }

    fn walk(&mut self) -> Result<Value, (String, NodeId)> {
        let (mut at, mut caught) = (self.document.entry.clone(), false);
        loop {
            let stop = match self.node(&at) {
                Ok(Way::Node(next)) => {
                    at = next;
                    continue;
                }
                Ok(Way::End(end)) => return end.map_err(|code| (code, at)),
                Err(stop) => stop,
            };
            let error = match stop {
                Stop::Limit(code) => return Err((code.to_owned(), at)),
                Stop::Error(error) => error,
            };
            let target = match (&self.document.nodes[&at].on_error, &self.document.catch) {
                (Some(target), _) => target,
                (None, Some(target)) if !caught => {
                    caught = true;
                    target
                }
                _ => return Err((error.code, at)),
            };
            if let Some(into) = &target.into {
                let bound = json!({
                    "code": error.code, "message": error.message, "node": at.as_str(), "retryable": error.retryable,
                    "details": error.details.map(|details| details.to_json())
                });
                self.variables.insert(into.clone(), Value::from(bound));
            }
            at = target.to.clone();
        }
    }

    fn node(&mut self, id: &NodeId) -> Result<Way, Stop> {
        self.since += 1;
        if self.since > self.document.policy.limits.max_steps {
            return Err(Stop::Limit("limit_steps"));
        }
        *self.visits.entry(id.clone()).or_default() += 1;
        let to = |next: &NodeId| Ok(Way::Node(next.clone()));
        match &self.document.nodes[id].kind {
            NodeKind::Action(Action::Set { into, value, next }) => {
                let value = self.value(value)?;
                self.variables.insert(into.clone(), value);
                to(next)
            }
            NodeKind::Action(Action::Each { over, cursor, next }) => {
                let elements = match self.value(over)? {
                    Value::List(items) => (0..).map(Value::Int).zip(items.iter().cloned()).collect(),
                    Value::Map(map) => {
                        map.iter().map(|(key, value)| (Value::String(key.clone()), value.clone())).collect()
                    }
                    other => {
                        let message = format!("a loop goes over a list or a map, not over a {}", other.type_name());
                        return Err(Stop::Error(EffectError::new("not_iterable", message)));
                    }
                };
                self.cursors.insert(cursor.clone(), elements);
                self.taken.insert(cursor.clone(), 0);
                to(next)
            }
            NodeKind::Action(Action::Iter { cursor, item, index, key, next, done }) => {
                let position = self.taken[cursor];
                let Some((name, value)) = self.cursors[cursor].get(position).cloned() else { return to(done) };
                self.taken.insert(cursor.clone(), position + 1);
                self.variables.insert(item.clone(), value);
                if let Some(index) = index {
                    self.variables.insert(index.clone(), Value::Int(i64::try_from(position).unwrap()));
                }
                if let Some(key) = key {
                    self.variables.insert(key.clone(), name);
                }
                to(next)
            }
            NodeKind::Action(Action::Tool { tool, args, into, next, .. }) => {
                let args = args
                    .iter()
                    .map(|(name, arg)| Ok((name.as_str(), self.value(arg)?)))
                    .collect::<Result<Vec<_>, _>>()?;
                let answer = self.ask(id, tool, args.into_iter().collect())?;
                if let Some(into) = into {
                    self.variables.insert(into.clone(), answer.value);
                }
                to(next)
            }
            NodeKind::LlmCall(call) => {
                if self.tokens >= self.document.policy.limits.max_tokens {
                    return Err(Stop::Limit("limit_tokens"));
                }
                let mut prompt = String::new();
                for part in &call.prompt {
                    prompt += &match part {
                        TemplatePart::Text(text) => text.clone(),
                        TemplatePart::Expr(text) => match self.value(text)? {
                            Value::String(text) => text.to_string(),
                            other => other.to_json().to_string(),
                        },
                    };
                }
                let answer = self.ask(id, "llm", Value::from(prompt))?;
                let usage = answer.usage.unwrap();
                self.tokens += usage.input_tokens + usage.output_tokens;
                self.variables.insert(call.into.clone(), answer.value);
                to(&call.next)
            }
            NodeKind::Decision(Decision::If { when, then, otherwise }) => match self.value(when)? {
                Value::Bool(true) => to(then),
                Value::Bool(false) => to(otherwise),
                other => {
                    let message =
                        format!("a decision needs true or false, but its condition is a {}", other.type_name());
                    Err(Stop::Error(EffectError::new("not_boolean", message)))
                }
            },
            NodeKind::Decision(Decision::Choice { on, cases, otherwise }) => {
                let value = self.value(on)?;
                let holds = |case: &&bloom_ir::document::Case| {
                    case.values.iter().any(|other| Value::from(other.clone()) == value)
                };
                let case = cases.iter().find(holds).map(|case| &case.to).or(otherwise.as_ref());
                case.map(|to| Way::Node(to.clone())).ok_or_else(|| {
                    let error = EffectError::new("no_case", "no case holds the value, and there is no default");
                    Stop::Error(error.with_details([("value", value)].into_iter().collect()))
                })
            }
            NodeKind::Emit(emit) => {
                let value = self.value(&emit.value)?;
                if emit.kind == EmitKind::Proposal {
                    self.proposals += 1;
                    if self.proposals > self.document.policy.limits.max_proposals {
                        return Err(Stop::Limit("limit_proposals"));
                    }
                }
                self.events += 1;
                self.steps.push((self.id(id), "emitted".to_owned(), value));
                to(&emit.next)
            }
            NodeKind::Return(end) => {
                let value = self.value(&end.value)?;
                Ok(Way::End(match end.status {
                    ReturnStatus::Completed => Ok(value),
                    ReturnStatus::Failed => {
                        Err(value.get("code").and_then(Value::as_str).unwrap_or("failed").to_owned())
                    }
                }))
            }
            other => panic!("{other:?}"),
        }
    }

    fn id(&self, node: &NodeId) -> String {
        format!("{node}#{}", self.visits[node])
    }

    /// Asks up to three times, and counts the events that an engine would record.
    fn ask(&mut self, node: &NodeId, what: &str, args: Value) -> Result<Answer, Stop> {
        self.steps.push((self.id(node), what.to_owned(), args));
        self.events += 1;
        let request = EffectRequest {
            id: EffectId::new(self.id(node)),
            node: node.clone(),
            visit: self.visits[node],
            call: serde_json::from_value(json!({ "op": "tool", "tool": "", "effect": "read", "args": null })).unwrap(),
        };
        let mut attempt = 1;
        let result = loop {
            match (self.world)(&request, attempt) {
                Err(error) if error.retryable && attempt < 3 => attempt += 1,
                result => break result,
            }
            self.events += 1;
        };
        self.now = 1_000 + self.events;
        self.events += 1;
        self.since = 0;
        result.map_err(Stop::Error)
    }

    fn value(&self, text: &str) -> Result<Value, Stop> {
        let names: Vec<&String> = self.variables.keys().collect();
        let slots: Vec<Value> = self.variables.values().cloned().collect();
        let parsed = bloom_ir::expr::parse(text).unwrap();
        let slot = |name: &str| names.iter().position(|other| *other == name)?.try_into().ok().map(Slot);
        let compiled = expr::compile(&parsed, &mut |name| slot(name)).unwrap();
        let (flow, run) = (&self.document.flow, run());
        let run = RunVars {
            id: run.id.into(),
            flow: flow.id.as_str().into(),
            version: flow.version.as_str().into(),
            started_at: run.started_at,
            now: self.now,
        };
        let environment = Environment { variables: &slots, input: &self.inputs, run: &run, budget: Budget::default() };
        Evaluator::default().evaluate(&compiled, &environment).map_err(|error| Stop::Error(error.into()))
    }
}
