//! What a node asks of the world, filled in.

use std::sync::Arc;

use bloom_ir::Value;

use super::frame::Frame;
use super::step::{Core, Fault};
use crate::effect::{
    AwaitRequest, AwaitedThing, EffectCall, EffectError, FlowRequest, Question, SleepRequest, TimerRequest,
};
use crate::expr::{Program as Expression, time_from_text};
use crate::limit::{Limit, weight_within};
use crate::program::{Ask, Awaited, Due, Node, TemplatePart};

impl Core {
    /// The call of a node, checked against the node's `input` and against what can be recorded.
    pub(super) fn call(&mut self, frame: &Frame, node: &Node, ask: &Ask) -> Result<EffectCall, Fault> {
        let (call, given) = match ask {
            Ask::Tool { request, args } => {
                let args = self.named(frame, args)?;
                let mut request = request.clone();
                request.args = args.clone();
                (EffectCall::Tool(request), args)
            }
            Ask::Llm { request, prompt, system, memory } => {
                self.may_ask().map_err(Fault::limit)?;
                let mut request = request.clone();
                request.prompt = self.filled(frame, prompt)?;
                request.system = system.as_deref().map(|parts| self.filled(frame, parts)).transpose()?;
                request.memory = memory.iter().map(|part| self.value(frame, part)).collect::<Result<_, _>>()?;
                let given = [
                    ("prompt", Value::from(request.prompt.as_str())),
                    ("system", request.system.as_deref().map_or(Value::Null, Value::from)),
                    ("memory", request.memory.iter().cloned().collect()),
                ];
                (EffectCall::Llm(request), given.into_iter().collect())
            }
            Ask::Flow { flow, hash, wait, seconds, inputs } => {
                let inputs = self.named(frame, inputs)?;
                let until = seconds.filter(|_| *wait).map(|seconds| after(frame, seconds));
                let request =
                    FlowRequest { flow: flow.clone(), hash: *hash, inputs: inputs.clone(), wait: *wait, until };
                (EffectCall::Flow(request), inputs)
            }
            Ask::Sleep { due } => {
                let due = self.due(frame, due)?;
                (EffectCall::Sleep(SleepRequest { due }), Value::Int(due))
            }
            Ask::Timer { name, due } => {
                let due = self.due(frame, due)?;
                (EffectCall::Timer(TimerRequest { name: name.to_string(), due }), Value::Int(due))
            }
            Ask::Await { what, schema, seconds, .. } => {
                let (what, given) = self.awaited(frame, what)?;
                let until = seconds.map(|seconds| after(frame, seconds));
                (EffectCall::Await(AwaitRequest { what, schema: schema.clone(), until }), given)
            }
        };
        weight_within(Limit::Event, &given).map_err(Fault::limit)?;
        if let Some(input) = node.checks.as_ref().and_then(|checks| checks.input.as_ref()) {
            input.check(&given).map_err(Fault::error)?;
        }
        Ok(call)
    }

    /// Whether an LLM may be asked once more.
    fn may_ask(&self) -> Result<(), EffectError> {
        let (tokens, cost) = (self.limits.max_tokens, self.limits.max_cost_micro_usd);
        if self.tokens >= tokens {
            return Err(Limit::Tokens.exceeded(tokens, self.tokens));
        }
        match cost.filter(|limit| self.cost >= *limit) {
            Some(limit) => Err(Limit::Cost.exceeded(limit, self.cost)),
            None => Ok(()),
        }
    }

    fn awaited(&mut self, frame: &Frame, what: &Awaited) -> Result<(AwaitedThing, Value), Fault> {
        Ok(match what {
            Awaited::Signal(name) => (AwaitedThing::Signal(name.clone()), Value::from(name.as_str())),
            Awaited::Timer(name) => {
                let missing = || {
                    let message = format!("the timer `{name}` was not started on the way here");
                    Fault::error(EffectError::new("no_timer", message))
                };
                let due = *frame.timers.get(name).ok_or_else(missing)?;
                (AwaitedThing::Timer(TimerRequest { name: name.to_string(), due }), Value::from(&**name))
            }
            Awaited::Ask { title, text, schema, assignee } => {
                let (title, text) = (self.filled(frame, title)?, self.filled(frame, text)?);
                let given = [("title", Value::from(title.as_str())), ("text", Value::from(text.as_str()))];
                let question = Question { title, text, schema: schema.clone(), assignee: assignee.clone() };
                (AwaitedThing::Ask(question), given.into_iter().collect())
            }
        })
    }

    fn named(&mut self, frame: &Frame, parts: &[(Arc<str>, Expression)]) -> Result<Value, Fault> {
        let members = parts.iter().map(|(name, part)| Ok((name.clone(), self.value(frame, part)?)));
        Ok(members.collect::<Result<Vec<_>, Fault>>()?.into_iter().collect())
    }

    /// A template's text: texts as they are, other values as compact JSON.
    fn filled(&mut self, frame: &Frame, parts: &[TemplatePart]) -> Result<String, Fault> {
        let mut text = String::new();
        for part in parts {
            match part {
                TemplatePart::Text(literal) => text.push_str(literal),
                TemplatePart::Expr(expr) => match self.value(frame, expr)? {
                    Value::String(value) => text.push_str(&value),
                    other => {
                        weight_within(Limit::Event, &other).map_err(Fault::limit)?;
                        text.push_str(&String::from_utf8_lossy(&other.to_bytes()));
                    }
                },
            }
        }
        Ok(text)
    }

    /// The absolute time of a `for`, which counts from the latest result that the branch has consumed, or of an `until`.
    fn due(&mut self, frame: &Frame, due: &Due) -> Result<i64, Fault> {
        match due {
            Due::For(expr) => {
                let value = self.value(frame, expr)?;
                let length = milliseconds(&value).ok_or_else(|| {
                    let message = format!("a duration is a number of milliseconds, not a {}", value.type_name());
                    Fault::error(EffectError::new("not_duration", message))
                })?;
                Ok(frame.run.now.saturating_add(length.max(0)))
            }
            Due::Until(expr) => {
                let value = self.value(frame, expr)?;
                let due = match &value {
                    Value::String(text) => time_from_text(text),
                    other => milliseconds(other),
                };
                due.ok_or_else(|| {
                    let message = "a time is a number of Unix milliseconds or an RFC 3339 text";
                    let error = EffectError::new("not_time", message);
                    Fault::error(error.with_details([("value", value)].into_iter().collect()))
                })
            }
        }
    }
}

/// Whole milliseconds; a fraction is cut off.
fn milliseconds(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        // A normal double that is a whole number is beyond the range of times.
        Value::Double(number) => match Value::number(number.trunc())? {
            Value::Int(number) => Some(number),
            _ => None,
        },
        _ => None,
    }
}

fn after(frame: &Frame, seconds: u32) -> i64 {
    frame.run.now.saturating_add(i64::from(seconds).saturating_mul(1000))
}
