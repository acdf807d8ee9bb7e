//! What a run asks of the world, and what the world answers.

use std::fmt;
use std::sync::Arc;

use bloom_ir::document::{EmitKind, NodeId, OnUnknown, Retry, Schema, Session, ToolEffect};
use bloom_ir::{Digest, Value};
use serde::{Deserialize, Serialize};

/// An effect's id within its run, derived and never drawn: the path of enclosing forks (node, visit, branch), then node
/// and visit within that branch, as `n7#3` or `n2#1.0/n7#3`. `run id / effect id` is the idempotency key outside.
/// Emissions have such ids too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(Arc<str>);

impl EffectId {
    /// Takes the text as an id.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// An effect that a run needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectRequest {
    /// Its id.
    pub id: EffectId,
    /// The node that asks.
    pub node: NodeId,
    /// How often that node was entered in this branch, from 1.
    pub visit: u64,
    /// What is asked.
    pub call: EffectCall,
}

/// Who asks: what scripted answers are matched by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeRef {
    /// The node.
    pub node: NodeId,
    /// How often it was entered in its branch, from 1.
    pub visit: u64,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "op")]
pub enum EffectCall {
    /// A tool is called.
    Tool(ToolRequest),
    /// An LLM is asked.
    Llm(LlmRequest),
    /// Another flow is run.
    Flow(FlowRequest),
    /// The run waits for a time.
    Sleep(SleepRequest),
    /// A timer is started: its answer comes at once, and a later `await` names it.
    Timer(TimerRequest),
    /// The run waits for a signal, a timer or a person.
    Await(AwaitRequest),
}

impl EffectCall {
    /// When the run goes on by itself, in Unix milliseconds: a sleep ends, an awaited timer fires, or the time is over that
    /// was given to an `await` or to another flow.
    pub fn due(&self) -> Option<i64> {
        match self {
            Self::Tool(_) | Self::Llm(_) | Self::Timer(_) => None,
            Self::Sleep(sleep) => Some(sleep.due),
            Self::Flow(flow) => flow.until,
            Self::Await(wait) => match &wait.what {
                AwaitedThing::Timer(timer) => Some(wait.until.map_or(timer.due, |until| until.min(timer.due))),
                AwaitedThing::Signal { .. } | AwaitedThing::Ask(_) => wait.until,
            },
        }
    }
}

/// A call of a tool, its arguments resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolRequest {
    /// The tool's name.
    pub tool: String,
    /// What a call does, by the policy: it decides when the request is recorded.
    pub effect: ToolEffect,
    /// The component that the IR pins, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// The arguments: a map.
    pub args: Value,
    /// The node's own time limit for an attempt, else the driver's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// The node's own retry policy, else the driver's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// What happens after a crash that left an operational request without a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
}

impl ToolRequest {
    /// The first text among the arguments, in the order of their names: shortly, for people, what the call is about.
    pub fn first_text(&self) -> Option<&str> {
        match &self.args {
            Value::Map(args) => args.values().find_map(Value::as_str),
            _ => None,
        }
    }
}

/// A question to an LLM, its templates filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LlmRequest {
    /// The user prompt.
    pub prompt: String,
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// What is appended to the system prompt as memory context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<Value>,
    /// The model, in the executor's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u64>,
    /// Whether the executor keeps a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// What the answer must satisfy.
    pub output: Schema,
    /// The node's own time limit for an attempt, else the driver's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// The node's own retry policy, else the driver's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
}

/// A run of another flow.
///
/// Where the run waits for it, the answer is its result, and its failure is an error; else the answer is the id of the run
/// that was started.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowRequest {
    /// The flow's id, for people.
    pub flow: String,
    /// The IR that is meant.
    pub hash: Digest,
    /// Its inputs: a map.
    pub inputs: Value,
    /// Whether the run waits for it.
    pub wait: bool,
    /// When the time is over that it was given, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// A wait for a time. Its answer is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SleepRequest {
    /// When it ends, in Unix milliseconds; in the past, it ends at once.
    pub due: i64,
}

/// A timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimerRequest {
    /// Its name.
    pub name: String,
    /// When it fires, in Unix milliseconds.
    pub due: i64,
}

/// A wait for something that comes from outside.
///
/// Its answer is the signal's payload, the person's answer, or null for a timer. Its error has the code [`TIMEOUT`] when
/// the time given was over first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AwaitRequest {
    /// For what.
    #[serde(flatten)]
    pub what: AwaitedThing,
    /// What the answer must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
    /// When the time is over that was given, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<i64>,
}

/// What an `await` waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwaitedThing {
    /// The oldest signal of this name that nobody has taken.
    Signal(String),
    /// A timer that was started before.
    Timer(TimerRequest),
    /// A person.
    Ask(Question),
}

/// A question to a person, its templates filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// One line.
    pub title: String,
    /// The question itself.
    pub text: String,
    /// What the answer must satisfy.
    pub schema: Schema,
    /// Who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

/// The code of an error that says that the time was over which an effect was given.
pub const TIMEOUT: &str = "timeout";

/// The recorded answer to an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The value, or the error.
    pub result: Result<Answer, EffectError>,
    /// When it was recorded, in Unix milliseconds: what `run.now` becomes.
    pub at: i64,
}

/// A value and what it cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The value.
    pub value: Value,
    /// What it cost; of an LLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
}

/// What an LLM call cost. It is recorded, because a run's token limit counts it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens in.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
    /// In millionths of a US dollar, where the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_micro_usd: Option<u64>,
    /// The model that answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The prompt's digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<Digest>,
    /// The conversation that it was part of, in the executor's terms, where the node asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// From dispatch to answer, in milliseconds.
    #[serde(default)]
    pub latency_ms: u64,
}

impl Usage {
    /// Tokens in and out.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

/// Why an effect failed, or a pure node: what `on_error` and `catch` get.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct EffectError {
    /// A stable code in `snake_case`, as `timeout`, `invalid_output`, `quota`.
    pub code: String,
    /// For people.
    pub message: String,
    /// Whether another attempt could succeed.
    #[serde(default)]
    pub retryable: bool,
    /// More, by code; null is the same as none.
    #[serde(default, skip_serializing_if = "is_absent")]
    pub details: Option<Value>,
    /// What the attempt cost all the same; of an LLM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Box<Usage>>,
}

/// A null that was written would be read back as none, and the bytes would differ.
#[expect(clippy::ref_option, reason = "the signature that serde asks for")]
fn is_absent(details: &Option<Value>) -> bool {
    matches!(details, None | Some(Value::Null))
}

impl EffectError {
    /// An error that another attempt would not cure.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), retryable: false, details: None, usage: None }
    }

    /// Adds details; null is none.
    #[must_use]
    pub fn with_details(mut self, details: Value) -> Self {
        self.details = (details != Value::Null).then_some(details);
        self
    }

    /// The value that `on_error` and `catch` bind: `{code, message, node, retryable, details}`, all five always there.
    pub fn to_value(&self, node: &NodeId) -> Value {
        [
            ("code", Value::from(self.code.as_str())),
            ("message", Value::from(self.message.as_str())),
            ("node", Value::from(node.as_str())),
            ("retryable", Value::from(self.retryable)),
            ("details", self.details.clone().unwrap_or_default()),
        ]
        .into_iter()
        .collect()
    }
}

impl EffectRequest {
    /// Whether the request is recorded before it is performed. A `read` or `propose` tool's request is recorded together
    /// with its result, because asking again after a crash is harmless, and a timer's, because it is answered at once; all
    /// else leaves a trace outside.
    pub fn recorded_first(&self) -> bool {
        match &self.call {
            EffectCall::Tool(call) => call.effect == ToolEffect::Operational,
            EffectCall::Timer(_) => false,
            EffectCall::Llm(_) | EffectCall::Flow(_) | EffectCall::Sleep(_) | EffectCall::Await(_) => true,
        }
    }
}

/// What a run hands out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Emission {
    /// Its id.
    pub id: EffectId,
    /// The node.
    pub node: NodeId,
    /// What it is.
    pub kind: EmitKind,
    /// Its name.
    pub name: String,
    /// Of a proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What is handed out.
    pub value: Value,
}
