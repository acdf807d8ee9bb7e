//! A second interpreter, as plain as can be: it walks the document by names, branch after branch, calls the world where it
//! stands, and keeps nothing that could be suspended. Only expressions are evaluated by the same code, which has a test bed
//! of its own.

use std::collections::BTreeMap;

use bloom_interpreter::effect::{Answer, AwaitedThing, EffectCall, EffectError, EffectId, EffectRequest, TIMEOUT};
use bloom_interpreter::expr::{self, Budget, Environment, Evaluator, RunVars, Slot};
use bloom_interpreter::history::{Event, Payload};
use bloom_interpreter::{End, Machine};
use bloom_ir::Value;
use bloom_ir::document::{
    Action, Awaited, Branch, Decision, Document, Due, EmitKind, ErrorTarget, NodeId, NodeKind, ReturnStatus,
    TemplatePart,
};
use serde_json::{Value as Json, json};

use super::{World, run, time_of};

/// What was seen of a run from outside.
#[derive(Debug, PartialEq)]
pub struct Trace {
    /// Requests and emissions in order: id, kind, content.
    pub steps: Vec<(String, String, Value)>,
    /// The error's code and node, or the result.
    pub end: Result<Value, (String, NodeId)>,
    pub variables: BTreeMap<String, Value>,
}

/// What was asked for, in the terms of the reference.
fn asked(call: EffectCall) -> (String, Value) {
    let (what, seen) = match call {
        EffectCall::Tool(call) => return (call.tool, call.args),
        EffectCall::Llm(call) => ("llm", Value::from(call.prompt)),
        EffectCall::Flow(call) => {
            let until = call.until.map_or(Value::Null, Value::Int);
            ("flow", [("inputs", call.inputs), ("until", until)].into_iter().collect())
        }
        EffectCall::Sleep(call) => ("sleep", Value::Int(call.due)),
        EffectCall::Timer(call) => ("timer", Value::Int(call.due)),
        EffectCall::Await(call) => {
            let seen = match call.what {
                AwaitedThing::Signal(name) => Value::from(name),
                AwaitedThing::Timer(timer) => Value::Int(timer.due),
                AwaitedThing::Ask(question) => Value::from(question.text),
            };
            ("await", seen)
        }
    };
    (what.to_owned(), seen)
}

impl Trace {
    /// What the history of a run that is over shows.
    pub fn seen(events: &[Event], machine: &Machine) -> Self {
        let step = |event: &Event| match event.payload.clone().unwrap() {
            Payload::EffectRequested { effect, call, .. } => {
                let (what, seen) = asked(call);
                Some((effect.to_string(), what, seen))
            }
            Payload::Emitted { emission } => Some((emission.id.to_string(), "emitted".to_owned(), emission.value)),
            _ => None,
        };
        let end = match machine.end().unwrap().clone() {
            End::Completed { result } => Ok(result),
            End::Failed { error, node } => Err((error.code, node.unwrap())),
        };
        // The reference has no variable before it is set.
        let variables = machine.state().into_iter().filter(|(_, value)| *value != Value::Null).collect();
        Self { steps: events.iter().filter_map(step).collect(), end, variables }
    }
}

pub struct Reference<'a> {
    document: &'a Document,
    inputs: Value,
    world: World<'a>,
    steps: Vec<(String, String, Value)>,
    tokens: u64,
    proposals: u32,
}

/// What a branch has for itself.
#[derive(Clone)]
struct State {
    path: String,
    variables: BTreeMap<String, Value>,
    cursors: BTreeMap<String, Vec<(Value, Value)>>,
    taken: BTreeMap<String, usize>,
    timers: BTreeMap<String, i64>,
    visits: BTreeMap<NodeId, u64>,
    since: u64,
    now: i64,
    caught: bool,
}

/// An error goes to a node, with where it was raised; the end of the run does not.
enum Stop {
    Error(EffectError, NodeId),
    End(Result<Value, (String, NodeId)>),
}

impl<'a> Reference<'a> {
    pub fn trace(document: &'a Document, inputs: Value, world: World<'a>) -> Trace {
        let mut walk = Self { document, inputs, world, steps: Vec::new(), tokens: 0, proposals: 0 };
        let mut state = State {
            path: String::new(),
            variables: BTreeMap::new(),
            cursors: BTreeMap::new(),
            taken: BTreeMap::new(),
            timers: BTreeMap::new(),
            visits: BTreeMap::new(),
            since: 0,
            now: run().started_at,
            caught: false,
        };
        let end = match walk.walk(&document.entry, None, &mut state) {
            Err(Stop::End(end)) => end,
            Err(Stop::Error(error, node)) => Err((error.code, node)),
            Ok(()) => unreachable!("the main branch has no join"),
        };
        Trace { steps: walk.steps, end, variables: state.variables }
    }

    /// Goes from a node to the end of the run, or of the branch.
    fn walk(&mut self, from: &NodeId, exit: Option<&NodeId>, state: &mut State) -> Result<(), Stop> {
        let mut at = from.clone();
        while Some(&at) != exit {
            let (error, raised) = match self.node(&at, state) {
                Ok(next) => {
                    at = next;
                    continue;
                }
                Err(Stop::Error(error, raised)) => (error, raised),
                Err(end @ Stop::End(_)) => return Err(end),
            };
            let catch = self.document.catch.as_ref().filter(|_| exit.is_none() && !state.caught);
            let target: &ErrorTarget = match (&self.document.nodes[&at].on_error, catch) {
                (Some(target), _) => target,
                (None, Some(target)) => {
                    state.caught = true;
                    target
                }
                (None, None) => return Err(Stop::Error(error, raised)),
            };
            if let Some(into) = &target.into {
                let bound = json!({
                    "code": error.code, "message": error.message, "node": raised.as_str(),
                    "retryable": error.retryable, "details": error.details.map(|details| details.to_json())
                });
                state.variables.insert(into.clone(), Value::from(bound));
            }
            at = target.to.clone();
        }
        Ok(())
    }

    fn node(&mut self, id: &NodeId, state: &mut State) -> Result<NodeId, Stop> {
        let limits = self.document.policy.limits;
        let limit = |code: &str| Err(Stop::End(Err((code.to_owned(), id.clone()))));
        let error = |error: EffectError| Err(Stop::Error(error, id.clone()));
        state.since += 1;
        if state.since > limits.max_steps {
            return limit("limit_steps");
        }
        *state.visits.entry(id.clone()).or_default() += 1;
        match &self.document.nodes[id].kind {
            NodeKind::Action(Action::Set { into, value, next }) => {
                let value = self.value(id, value, state)?;
                state.variables.insert(into.clone(), value);
                Ok(next.clone())
            }
            NodeKind::Action(Action::Each { over, cursor, next }) => {
                let elements = match self.value(id, over, state)? {
                    Value::List(items) => (0..).map(Value::Int).zip(items.iter().cloned()).collect(),
                    Value::Map(map) => {
                        map.iter().map(|(key, value)| (Value::String(key.clone()), value.clone())).collect()
                    }
                    other => {
                        let message = format!("a loop goes over a list or a map, not over a {}", other.type_name());
                        return error(EffectError::new("not_iterable", message));
                    }
                };
                state.cursors.insert(cursor.clone(), elements);
                state.taken.insert(cursor.clone(), 0);
                Ok(next.clone())
            }
            NodeKind::Action(Action::Iter { cursor, item, index, key, next, done }) => {
                let position = state.taken.get(cursor).copied().unwrap_or_default();
                let element = state.cursors.get(cursor).and_then(|elements| elements.get(position)).cloned();
                let Some((name, value)) = element else { return Ok(done.clone()) };
                state.taken.insert(cursor.clone(), position + 1);
                state.variables.insert(item.clone(), value);
                if let Some(index) = index {
                    state.variables.insert(index.clone(), Value::Int(i64::try_from(position).unwrap()));
                }
                if let Some(key) = key {
                    state.variables.insert(key.clone(), name);
                }
                Ok(next.clone())
            }
            NodeKind::Action(Action::Tool { tool, args, into, next, .. }) => {
                let args = self.values(id, args, state)?;
                let answer = self.ask(
                    id,
                    tool,
                    args,
                    json!({ "op": "tool", "tool": "", "effect": "read", "args": null }),
                    state,
                )?;
                bind(state, into.as_ref(), answer);
                Ok(next.clone())
            }
            NodeKind::Action(Action::Flow { flow, hash, inputs, into, wait, timeout_seconds, next }) => {
                let inputs = self.values(id, inputs, state)?;
                let until = timeout_seconds.filter(|_| *wait).map(|seconds| state.now + i64::from(seconds) * 1000);
                let seen = [("inputs", inputs), ("until", until.map_or(Value::Null, Value::Int))].into_iter().collect();
                let call = json!({ "op": "flow", "flow": flow, "hash": hash, "inputs": {}, "wait": wait });
                let answer = self.ask(id, "flow", seen, call, state)?;
                bind(state, into.as_ref(), answer);
                Ok(next.clone())
            }
            NodeKind::Action(Action::Sleep { due, next }) => {
                let due = self.due(id, due, state)?;
                self.ask(id, "sleep", Value::Int(due), json!({ "op": "sleep", "due": due }), state)?;
                Ok(next.clone())
            }
            NodeKind::Action(Action::Timer { name, due, next }) => {
                let due = self.due(id, due, state)?;
                self.ask(id, "timer", Value::Int(due), json!({ "op": "timer", "name": name, "due": due }), state)?;
                state.timers.insert(name.clone(), due);
                Ok(next.clone())
            }
            NodeKind::Action(Action::Await { what, into, timeout_seconds, on_timeout, next, .. }) => {
                let (seen, mut call) = match what {
                    Awaited::Signal(name) => (Value::from(name.as_str()), json!({ "signal": name })),
                    Awaited::Timer(name) => {
                        let Some(due) = state.timers.get(name).copied() else {
                            let message = format!("the timer `{name}` was not started on the way here");
                            return error(EffectError::new("no_timer", message));
                        };
                        (Value::Int(due), json!({ "timer": { "name": name, "due": due } }))
                    }
                    Awaited::Ask(ask) => {
                        let text = self.filled(id, &ask.text, state)?;
                        (Value::from(text), json!({ "ask": { "title": "", "text": "", "schema": {} } }))
                    }
                };
                call["op"] = json!("await");
                if let Some(seconds) = timeout_seconds {
                    call["until"] = json!(state.now + i64::from(*seconds) * 1000);
                }
                match (self.ask(id, "await", seen, call, state), on_timeout) {
                    (Err(Stop::Error(error, _)), Some(to)) if error.code == TIMEOUT => Ok(to.clone()),
                    (Err(stop), _) => Err(stop),
                    (Ok(answer), _) => {
                        bind(state, into.as_ref(), answer);
                        Ok(next.clone())
                    }
                }
            }
            NodeKind::Action(Action::Fork { branches, join }) => {
                self.fork(id, branches, join, state)?;
                Ok(join.clone())
            }
            NodeKind::Action(Action::Join { next, .. }) => Ok(next.clone()),
            NodeKind::LlmCall(call) => {
                if self.tokens >= limits.max_tokens {
                    return limit("limit_tokens");
                }
                let prompt = self.filled(id, &call.prompt, state)?;
                let request = json!({ "op": "llm", "prompt": "", "output": {} });
                let answer = self.ask(id, "llm", Value::from(prompt), request, state)?;
                self.tokens += answer.usage.as_ref().unwrap().tokens();
                bind(state, Some(&call.into), answer);
                Ok(call.next.clone())
            }
            NodeKind::Decision(Decision::If { when, then, otherwise }) => match self.value(id, when, state)? {
                Value::Bool(true) => Ok(then.clone()),
                Value::Bool(false) => Ok(otherwise.clone()),
                other => {
                    let message =
                        format!("a decision needs true or false, but its condition is a {}", other.type_name());
                    error(EffectError::new("not_boolean", message))
                }
            },
            NodeKind::Decision(Decision::Choice { on, cases, otherwise }) => {
                let value = self.value(id, on, state)?;
                let holds = |case: &&bloom_ir::document::Case| {
                    case.values.iter().any(|other| Value::from(other.clone()) == value)
                };
                match cases.iter().find(holds).map(|case| &case.to).or(otherwise.as_ref()) {
                    Some(to) => Ok(to.clone()),
                    None => error(
                        EffectError::new("no_case", "no case holds the value, and there is no default")
                            .with_details([("value", value)].into_iter().collect()),
                    ),
                }
            }
            NodeKind::Emit(emit) => {
                let value = self.value(id, &emit.value, state)?;
                if emit.kind == EmitKind::Proposal {
                    self.proposals += 1;
                    if self.proposals > limits.max_proposals {
                        return limit("limit_proposals");
                    }
                }
                self.steps.push((effect_id(id, state), "emitted".to_owned(), value));
                Ok(emit.next.clone())
            }
            NodeKind::Return(end) => {
                let value = self.value(id, &end.value, state)?;
                Err(Stop::End(match end.status {
                    ReturnStatus::Completed => Ok(value),
                    ReturnStatus::Failed => {
                        let code = value.get("code").and_then(Value::as_str).unwrap_or("failed");
                        Err((code.to_owned(), id.clone()))
                    }
                }))
            }
        }
    }

    /// Runs the branches one after another, each over a copy of the state.
    fn fork(&mut self, id: &NodeId, branches: &[Branch], join: &NodeId, state: &mut State) -> Result<(), Stop> {
        let mut ends = Vec::new();
        for (number, branch) in branches.iter().enumerate() {
            let path = format!("{}.{number}/", effect_id(id, state));
            let mut own = State { path, visits: BTreeMap::new(), ..state.clone() };
            match self.walk(&branch.entry, Some(join), &mut own) {
                Ok(()) => ends.push((own, None)),
                Err(Stop::Error(error, node)) => ends.push((own, Some(Stop::Error(error, node)))),
                Err(end @ Stop::End(_)) => return Err(end),
            }
        }
        state.now = ends.iter().map(|(own, _)| own.now).max().unwrap();
        state.since = ends.iter().map(|(own, _)| own.since).min().unwrap();
        if let Some(first) = ends.iter_mut().find_map(|(_, stop)| stop.take()) {
            return Err(first);
        }
        let started = state.timers.clone();
        for (branch, (own, _)) in branches.iter().zip(ends) {
            for name in &branch.writes {
                match own.variables.get(name) {
                    Some(value) => state.variables.insert(name.clone(), value.clone()),
                    None => state.variables.remove(name),
                };
            }
            state.timers.extend(own.timers.into_iter().filter(|(name, due)| started.get(name) != Some(due)));
        }
        Ok(())
    }

    fn due(&self, id: &NodeId, due: &Due, state: &State) -> Result<i64, Stop> {
        let fails = |error: EffectError| Err(Stop::Error(error, id.clone()));
        match due {
            Due::For(text) => {
                let value = self.value(id, text, state)?;
                match milliseconds(&value) {
                    Some(length) => Ok(state.now.saturating_add(length.max(0))),
                    None => fails(EffectError::new(
                        "not_duration",
                        format!("a duration is a number of milliseconds, not a {}", value.type_name()),
                    )),
                }
            }
            Due::Until(text) => {
                let value = self.value(id, text, state)?;
                let time = match &value {
                    Value::String(_) => self.value(id, &format!("date.parse({text})"), state).ok(),
                    _ => Some(value.clone()),
                };
                match time.as_ref().and_then(milliseconds) {
                    Some(time) => Ok(time),
                    None => fails(
                        EffectError::new("not_time", "a time is a number of Unix milliseconds or an RFC 3339 text")
                            .with_details([("value", value)].into_iter().collect()),
                    ),
                }
            }
        }
    }

    fn filled(&self, id: &NodeId, parts: &[TemplatePart], state: &State) -> Result<String, Stop> {
        let mut filled = String::new();
        for part in parts {
            filled += &match part {
                TemplatePart::Text(text) => text.clone(),
                TemplatePart::Expr(text) => match self.value(id, text, state)? {
                    Value::String(text) => text.to_string(),
                    other => other.to_json().to_string(),
                },
            };
        }
        Ok(filled)
    }

    fn values(&self, id: &NodeId, texts: &BTreeMap<String, String>, state: &State) -> Result<Value, Stop> {
        let values = texts.iter().map(|(name, text)| Ok((name.as_str(), self.value(id, text, state)?)));
        Ok(values.collect::<Result<Vec<_>, _>>()?.into_iter().collect())
    }

    /// Asks up to three times.
    fn ask(&mut self, node: &NodeId, what: &str, seen: Value, call: Json, state: &mut State) -> Result<Answer, Stop> {
        let id = EffectId::new(effect_id(node, state));
        self.steps.push((id.to_string(), what.to_owned(), seen));
        let call = serde_json::from_value(call).unwrap();
        let request = EffectRequest { id: id.clone(), node: node.clone(), visit: state.visits[node], call };
        let mut attempt = 1;
        let result = loop {
            match (self.world)(&request, attempt) {
                Err(error) if error.retryable && attempt < 3 => attempt += 1,
                result => break result,
            }
        };
        state.now = time_of(&id);
        state.since = 0;
        result.map_err(|error| Stop::Error(error, node.clone()))
    }

    fn value(&self, id: &NodeId, text: &str, state: &State) -> Result<Value, Stop> {
        let parsed = bloom_ir::expr::parse(text).unwrap();
        // What is not set is null, which only what comes after a `catch` can see.
        let mut slots = Vec::new();
        let compiled = expr::compile(&parsed, &mut |name| {
            slots.push(state.variables.get(name).cloned().unwrap_or_default());
            slots.len().checked_sub(1)?.try_into().ok().map(Slot)
        });
        let compiled = compiled.unwrap();
        let (flow, run) = (&self.document.flow, run());
        let run = RunVars {
            id: run.id.into(),
            flow: flow.id.as_str().into(),
            version: flow.version.as_str().into(),
            started_at: run.started_at,
            now: state.now,
        };
        let environment = Environment { variables: &slots, input: &self.inputs, run: &run, budget: Budget::default() };
        let value = Evaluator::default().evaluate(&compiled, &environment);
        value.map_err(|error| Stop::Error(error.into(), id.clone()))
    }
}

/// A fraction is cut off; what has more than 64 bits is no time.
fn milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Double(number) => format!("{:.0}", number.trunc()).parse().ok(),
        _ => None,
    }
}

fn effect_id(node: &NodeId, state: &State) -> String {
    format!("{}{node}#{}", state.path, state.visits[node])
}

fn bind(state: &mut State, into: Option<&String>, answer: Answer) {
    if let Some(into) = into {
        state.variables.insert(into.clone(), answer.value.normalized());
    }
}
