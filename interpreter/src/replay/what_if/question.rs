//! What is compared of a request: what is asked, of whom, with which arguments. Limits, retries and the tool's digest are
//! not among it: they change how an answer is had, not which one it is.

use serde_json::{Value as Json, json};

use crate::effect::{AwaitedThing, EffectCall};

/// What is asked, as JSON.
pub(super) fn question(call: &EffectCall) -> Json {
    match call {
        EffectCall::Tool(call) => json!({ "op": "tool", "tool": call.tool, "args": call.args }),
        EffectCall::Llm(call) => json!({
            "op": "llm", "model": call.model, "prompt": call.prompt, "system": call.system, "memory": call.memory,
            "output": call.output, "session": call.session,
        }),
        EffectCall::Flow(call) => {
            json!({ "op": "flow", "flow": call.flow, "hash": call.hash, "inputs": call.inputs, "wait": call.wait })
        }
        EffectCall::Sleep(call) => json!({ "op": "sleep", "due": call.due }),
        EffectCall::Timer(call) => json!({ "op": "timer", "name": call.name, "due": call.due }),
        EffectCall::Await(call) => match &call.what {
            AwaitedThing::Signal(name) => json!({ "op": "await", "signal": name }),
            AwaitedThing::Timer(timer) => json!({ "op": "await", "timer": timer.name, "due": timer.due }),
            AwaitedThing::Ask(asked) => {
                json!({ "op": "await", "title": asked.title, "text": asked.text, "schema": asked.schema })
            }
        },
    }
}

/// Whether both ask the same one: the same tool, any LLM, the same flow.
pub(super) fn is_same_target(one: &EffectCall, other: &EffectCall) -> bool {
    match (one, other) {
        (EffectCall::Tool(one), EffectCall::Tool(other)) => one.tool == other.tool,
        (EffectCall::Flow(one), EffectCall::Flow(other)) => one.flow == other.flow,
        (EffectCall::Timer(one), EffectCall::Timer(other)) => one.name == other.name,
        (EffectCall::Await(one), EffectCall::Await(other)) => match (&one.what, &other.what) {
            (AwaitedThing::Signal(one), AwaitedThing::Signal(other)) => one == other,
            (AwaitedThing::Timer(one), AwaitedThing::Timer(other)) => one.name == other.name,
            (AwaitedThing::Ask(_), AwaitedThing::Ask(_)) => true,
            _ => false,
        },
        (EffectCall::Llm(_), EffectCall::Llm(_)) | (EffectCall::Sleep(_), EffectCall::Sleep(_)) => true,
        _ => false,
    }
}
