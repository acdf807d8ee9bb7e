//! One node.

use bloom_ir::Value;
use bloom_ir::document::{EmitKind, Limits, ReturnStatus};

use super::frame::Frame;
use super::{End, RunInfo};
use crate::contract::Contract;
use crate::effect::{EffectError, EffectRequest, Emission};
use crate::expr::{Budget, Environment, Evaluator, Program as Expression};
use crate::limit::{Limit, weight_within};
use crate::program::{Inner, Node, NodeIndex, Op};

/// Where a node leads.
pub(super) enum Move {
    To(NodeIndex),
    Ask(Box<EffectRequest>),
    /// To the branches of the fork that this node is.
    Fork,
    End(End),
}

/// What stops a node.
pub(super) struct Fault {
    // Boxed, because it is the rare case of what every node returns.
    pub(super) error: Box<EffectError>,
    /// Whether it is the end of the run; else `on_error` or `catch` takes it.
    pub(super) ends_run: bool,
    /// Where it was raised, if not at the node that the frame is at: in a branch of the fork that this node is.
    pub(super) at: Option<NodeIndex>,
}

impl Fault {
    pub(super) fn error(error: EffectError) -> Self {
        Self { error: Box::new(error), ends_run: false, at: None }
    }

    pub(super) fn limit(error: EffectError) -> Self {
        Self { error: Box::new(error), ends_run: true, at: None }
    }
}

/// What all branches of a run share.
#[derive(Clone, Debug)]
pub(super) struct Core {
    pub(super) run: RunInfo,
    pub(super) inputs: Value,
    /// What the inputs count for in the state.
    pub(super) inputs_weight: u64,
    pub(super) evaluator: Evaluator,
    /// Those of the program, or less.
    pub(super) limits: Limits,
    pub(super) tokens: u64,
    /// In millionths of a US dollar, as far as the providers say.
    pub(super) cost: u64,
    pub(super) proposals: u64,
}

impl Core {
    /// Does the node that a frame is at. An emission is the only thing that it leaves behind when it fails afterwards, and
    /// nothing fails afterwards.
    pub(super) fn step(
        &mut self,
        program: &Inner,
        frame: &mut Frame,
        emitted: &mut Vec<Emission>,
    ) -> Result<Move, Fault> {
        let limit = self.limits.max_steps;
        let steps = frame.steps.saturating_add(1);
        if steps > limit {
            return Err(Fault::limit(Limit::Steps.exceeded(limit, steps)));
        }
        frame.steps = steps;
        let at = frame.node;
        let node = program.node(at);
        let visits = &mut frame.visits[node.local as usize];
        *visits = visits.saturating_add(1);

        match &node.op {
            Op::Set { into, value, next } => {
                let value = self.checked(frame, node, value)?;
                frame.bind(*into, value, self.inputs_weight)?;
                Ok(Move::To(*next))
            }
            Op::If { when, then, otherwise } => match self.checked(frame, node, when)? {
                Value::Bool(true) => Ok(Move::To(*then)),
                Value::Bool(false) => Ok(Move::To(*otherwise)),
                other => {
                    let message =
                        format!("a decision needs true or false, but its condition is a {}", other.type_name());
                    Err(Fault::error(EffectError::new("not_boolean", message)))
                }
            },
            Op::Choice { on, cases, otherwise } => {
                let value = self.checked(frame, node, on)?;
                let case = cases.iter().find(|(values, _)| values.contains(&value)).map(|(_, to)| *to);
                case.or(*otherwise).map(Move::To).ok_or_else(|| {
                    let error = EffectError::new("no_case", "no case holds the value, and there is no default");
                    Fault::error(error.with_details([("value", value)].into_iter().collect()))
                })
            }
            Op::Each { over, cursor, next } => {
                let over = self.checked(frame, node, over)?;
                if frame.open_cursor(*cursor, &over, self.inputs_weight)? {
                    return Ok(Move::To(*next));
                }
                let message = format!("a loop goes over a list or a map, not over a {}", over.type_name());
                Err(Fault::error(EffectError::new("not_iterable", message)))
            }
            Op::Iter { cursor, item, index, key, next, done } => {
                let Some(element) = frame.next_element(*cursor) else { return Ok(Move::To(*done)) };
                check(node, &element.value)?;
                frame.bind(*item, element.value, self.inputs_weight)?;
                if let Some(index) = *index {
                    frame.bind(index, Value::Int(element.position), self.inputs_weight)?;
                }
                if let Some(key) = *key {
                    frame.bind(key, element.key, self.inputs_weight)?;
                }
                Ok(Move::To(*next))
            }
            Op::Emit { kind, name, action, value, next } => {
                let value = self.handed_out(frame, node, value, Limit::Event)?;
                self.count_emission(*kind)?;
                emitted.push(Emission {
                    id: frame.id(program),
                    node: program.id(at).clone(),
                    kind: *kind,
                    name: name.to_string(),
                    action: action.as_deref().map(str::to_owned),
                    value,
                });
                Ok(Move::To(*next))
            }
            Op::Ask { ask, .. } => {
                let call = self.call(frame, node, ask)?;
                let (id, visit) = (frame.id(program), frame.visit(program));
                let request = EffectRequest { id, node: program.id(at).clone(), visit, call };
                Ok(Move::Ask(Box::new(request)))
            }
            Op::Fork { .. } => Ok(Move::Fork),
            Op::Join { next } => Ok(Move::To(*next)),
            Op::Return { status, value } => {
                let value = self.handed_out(frame, node, value, Limit::Result)?;
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

    pub(super) fn value(&mut self, frame: &Frame, expr: &Expression) -> Result<Value, Fault> {
        let environment = Environment {
            variables: &frame.variables,
            input: &self.inputs,
            run: &frame.run,
            budget: Budget::default(),
        };
        self.evaluator.evaluate(expr, &environment).map_err(|error| Fault::error(error.into()))
    }

    /// The value of a pure node, which is what it was given and what it gives.
    fn checked(&mut self, frame: &Frame, node: &Node, expr: &Expression) -> Result<Value, Fault> {
        let value = self.value(frame, expr)?;
        check(node, &value)?;
        Ok(value)
    }

    /// A value that leaves the run: it must not be too large or too deep to be recorded.
    fn handed_out(&mut self, frame: &Frame, node: &Node, expr: &Expression, limit: Limit) -> Result<Value, Fault> {
        let value = self.checked(frame, node, expr)?;
        weight_within(limit, &value).map_err(Fault::limit)?;
        Ok(value)
    }

    /// Counts what is handed out against the run's limits.
    fn count_emission(&mut self, kind: EmitKind) -> Result<(), Fault> {
        if kind == EmitKind::Proposal {
            let limit = u64::from(self.limits.max_proposals);
            let count = self.proposals.saturating_add(1);
            if count > limit {
                return Err(Fault::limit(Limit::Proposals.exceeded(limit, count)));
            }
            self.proposals = count;
        }
        Ok(())
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
