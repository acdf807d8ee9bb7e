//! One node.

use bloom_ir::Value;
use bloom_ir::document::ReturnStatus;

use super::{End, Machine};
use crate::contract::Contract;
use crate::effect::{EffectCall, EffectError, EffectRequest, Emission};
use crate::expr::{Budget, Environment, Program as Expression};
use crate::limit::{Limit, weight};
use crate::program::{Ask, Inner, Node, NodeIndex, Op, TemplatePart};

/// Where a node leads.
pub(super) enum Move {
    To(NodeIndex),
    Ask(Box<EffectRequest>),
    End(End),
}

/// What stops a node.
pub(super) struct Fault {
    // Boxed, because it is the rare case of what every node returns.
    pub(super) error: Box<EffectError>,
    /// Whether it is the end of the run; else `on_error` or `catch` takes it.
    pub(super) ends_run: bool,
}

impl Fault {
    pub(super) fn error(error: EffectError) -> Self {
        Self { error: Box::new(error), ends_run: false }
    }

    pub(super) fn limit(error: EffectError) -> Self {
        Self { error: Box::new(error), ends_run: true }
    }
}

impl Machine {
    /// Does the current node. An emission is the only thing that it leaves behind when it fails afterwards, and nothing
    /// fails afterwards.
    pub(super) fn step(&mut self, program: &Inner, emitted: &mut Vec<Emission>) -> Result<Move, Fault> {
        let limit = program.limits.max_steps;
        let steps = self.frame.steps.saturating_add(1);
        if steps > limit {
            return Err(Fault::limit(Limit::Steps.exceeded(limit, steps)));
        }
        self.frame.steps = steps;
        let at = self.frame.node;
        let visits = &mut self.frame.visits[at.0 as usize];
        *visits = visits.saturating_add(1);

        let node = program.node(at);
        match &node.op {
            Op::Set { into, value, next } => {
                let value = self.checked(node, value)?;
                self.frame.bind(*into, value, self.inputs_weight)?;
                Ok(Move::To(*next))
            }
            Op::If { when, then, otherwise } => match self.checked(node, when)? {
                Value::Bool(true) => Ok(Move::To(*then)),
                Value::Bool(false) => Ok(Move::To(*otherwise)),
                other => {
                    let message =
                        format!("a decision needs true or false, but its condition is a {}", other.type_name());
                    Err(Fault::error(EffectError::new("not_boolean", message)))
                }
            },
            Op::Choice { on, cases, otherwise } => {
                let value = self.checked(node, on)?;
                let case = cases.iter().find(|(values, _)| values.contains(&value)).map(|(_, to)| *to);
                case.or(*otherwise).map(Move::To).ok_or_else(|| {
                    let error = EffectError::new("no_case", "no case holds the value, and there is no default");
                    Fault::error(error.with_details([("value", value)].into_iter().collect()))
                })
            }
            Op::Each { over, cursor, next } => {
                let over = self.checked(node, over)?;
                if self.frame.open_cursor(*cursor, &over, self.inputs_weight)? {
                    return Ok(Move::To(*next));
                }
                let message = format!("a loop goes over a list or a map, not over a {}", over.type_name());
                Err(Fault::error(EffectError::new("not_iterable", message)))
            }
            Op::Iter { cursor, item, index, key, next, done } => {
                let Some(element) = self.frame.next_element(*cursor) else { return Ok(Move::To(*done)) };
                check(node, &element.value)?;
                self.frame.bind(*item, element.value, self.inputs_weight)?;
                if let Some(index) = *index {
                    self.frame.bind(index, Value::Int(element.position), self.inputs_weight)?;
                }
                if let Some(key) = *key {
                    self.frame.bind(key, element.key, self.inputs_weight)?;
                }
                Ok(Move::To(*next))
            }
            Op::Emit { kind, name, action, value, next } => {
                let value = self.handed_out(node, value)?;
                self.count_emission(program, *kind)?;
                emitted.push(Emission {
                    id: self.frame.id(program),
                    node: program.id(at).clone(),
                    kind: *kind,
                    name: name.to_string(),
                    action: action.as_deref().map(str::to_owned),
                    value,
                });
                Ok(Move::To(*next))
            }
            Op::Ask { ask, .. } => {
                let call = self.call(program, node, ask)?;
                let request = EffectRequest {
                    id: self.frame.id(program),
                    node: program.id(at).clone(),
                    visit: self.frame.visits[at.0 as usize],
                    call,
                };
                Ok(Move::Ask(Box::new(request)))
            }
            Op::Return { status, value } => {
                let value = self.handed_out(node, value)?;
                match status {
                    ReturnStatus::Completed => {
                        program.outputs.check(&value).map_err(Fault::error)?;
                        Ok(Move::End(End::Completed { result: value }))
                    }
                    ReturnStatus::Failed => {
                        let error = failure(&value);
                        Ok(Move::End(End::Failed { error, node: Some(program.id(at).clone()) }))
                    }
                }
            }
        }
    }

    fn value(&mut self, expr: &Expression) -> Result<Value, Fault> {
        let environment = Environment {
            variables: &self.frame.variables,
            input: &self.inputs,
            run: &self.frame.run,
            budget: Budget::default(),
        };
        self.evaluator.evaluate(expr, &environment).map_err(|error| Fault::error(error.into()))
    }

    /// The value of a pure node, which is what it was given and what it gives.
    fn checked(&mut self, node: &Node, expr: &Expression) -> Result<Value, Fault> {
        let value = self.value(expr)?;
        check(node, &value)?;
        Ok(value)
    }

    /// A value that leaves the run: it must not be too large or too deep to be recorded.
    fn handed_out(&mut self, node: &Node, expr: &Expression) -> Result<Value, Fault> {
        let value = self.checked(node, expr)?;
        weight(&value).map_err(Fault::limit)?;
        Ok(value)
    }

    fn call(&mut self, program: &Inner, node: &Node, ask: &Ask) -> Result<EffectCall, Fault> {
        let (call, given) = match ask {
            Ask::Tool { request, args } => {
                let args: Value = args
                    .iter()
                    .map(|(name, arg)| Ok((name.clone(), self.value(arg)?)))
                    .collect::<Result<Vec<_>, Fault>>()?
                    .into_iter()
                    .collect();
                let mut request = request.clone();
                request.args = args.clone();
                (EffectCall::Tool(request), args)
            }
            Ask::Llm { request, prompt, system, memory } => {
                let limit = program.limits.max_tokens;
                if self.tokens >= limit {
                    return Err(Fault::limit(Limit::Tokens.exceeded(limit, self.tokens)));
                }
                let mut request = request.clone();
                request.prompt = self.filled(prompt)?;
                request.system = system.as_deref().map(|parts| self.filled(parts)).transpose()?;
                request.memory = memory.iter().map(|part| self.value(part)).collect::<Result<_, _>>()?;
                let given = [
                    ("prompt", Value::from(request.prompt.as_str())),
                    ("system", request.system.as_deref().map_or(Value::Null, Value::from)),
                    ("memory", request.memory.iter().cloned().collect()),
                ];
                (EffectCall::Llm(request), given.into_iter().collect())
            }
        };
        weight(&given).map_err(Fault::limit)?;
        if let Some(input) = node.checks.as_ref().and_then(|checks| checks.input.as_ref()) {
            input.check(&given).map_err(Fault::error)?;
        }
        Ok(call)
    }

    /// A template's text: texts as they are, other values as compact JSON.
    fn filled(&mut self, parts: &[TemplatePart]) -> Result<String, Fault> {
        let mut text = String::new();
        for part in parts {
            match part {
                TemplatePart::Text(literal) => text.push_str(literal),
                TemplatePart::Expr(expr) => match self.value(expr)? {
                    Value::String(value) => text.push_str(&value),
                    other => {
                        weight(&other).map_err(Fault::limit)?;
                        text.push_str(&String::from_utf8_lossy(&other.to_bytes()));
                    }
                },
            }
        }
        Ok(text)
    }
}

fn check(node: &Node, value: &Value) -> Result<(), Fault> {
    let Some(checks) = &node.checks else { return Ok(()) };
    let contracts: [Option<&Contract>; 2] = [checks.input.as_ref(), checks.output.as_ref()];
    contracts.into_iter().flatten().try_for_each(|contract| contract.check(value)).map_err(Fault::error)
}

/// What a `return` with status `failed` says: a message, or a map with `message` and `code`.
fn failure(value: &Value) -> EffectError {
    let code = value.get("code").and_then(Value::as_str).unwrap_or("failed");
    let message = value.as_str().or_else(|| value.get("message").and_then(Value::as_str));
    match message {
        Some(message) => EffectError::new(code, message).with_details(match value {
            Value::Map(_) => value.clone(),
            _ => Value::Null,
        }),
        None => EffectError::new(code, "the flow ended as failed").with_details(value.clone()),
    }
}
