//! The document: IR v0.1 as it is written, before anything about it is known to hold.
//!
//! These types *are* the wire format, on purpose: the JSON Schema in `schemas/` is generated from them.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Digest;

/// The text of an expression, in the language of [`crate::expr`].
pub type ExprText = String;

/// A JSON Schema (2020-12).
pub type Schema = serde_json::Value;

/// A node's id, as `n12`: a lower-case letter, then up to 63 of `a-z 0-9 _ -`. The compiler gives ids in preorder from the
/// entry, arms in their listed order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct NodeId(#[schemars(regex(pattern = r"^[a-z][a-z0-9_-]{0,63}$"))] Arc<str>);

impl NodeId {
    /// Takes the text as an id.
    pub fn new(id: impl Into<Arc<str>>) -> Self {
        Self(id.into())
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One program and everything that is signed with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "BLOOM IR 0.1")]
pub struct Document {
    /// The version of this format.
    pub ir: IrVersion,
    /// What the flow is called.
    pub flow: FlowInfo,
    /// The schema of the run's inputs.
    pub inputs: Schema,
    /// The schema of the run's result.
    pub outputs: Schema,
    /// What the flow may do.
    pub policy: Policy,
    /// The node that a run starts with.
    pub entry: NodeId,
    /// All nodes.
    pub nodes: BTreeMap<NodeId, Node>,
    /// Where an error goes that no node takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catch: Option<ErrorTarget>,
    /// Where the program came from; not part of the `program` hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Hashes and signatures; not part of any hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integrity: Option<Integrity>,
}

/// The version of the format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IrVersion {
    /// IR v0.1
    #[default]
    #[serde(rename = "0.1")]
    V0_1,
}

/// What the flow is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowInfo {
    /// A slug.
    #[schemars(regex(pattern = r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$"))]
    pub id: String,
    /// A semantic version; `0.0.0` is never registered by name.
    #[schemars(regex(pattern = r"^[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?$"))]
    pub version: String,
    /// For people.
    pub title: String,
    /// Whether the flow must be able to end.
    pub kind: FlowKind,
    /// The language of its texts.
    pub locale: Locale,
}

/// Whether the flow must be able to end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FlowKind {
    /// A `return` is reachable from every node.
    #[default]
    Procedure,
    /// A `return` or an `await` is reachable from every node.
    Machine,
}

/// A language of texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English
    #[default]
    En,
    /// Ukrainian
    Uk,
}

impl Locale {
    /// Its tag (BCP 47), as documents have it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Uk => "uk",
        }
    }

    /// The language of a tag.
    pub fn tagged(tag: &str) -> Option<Self> {
        [Self::En, Self::Uk].into_iter().find(|locale| locale.tag() == tag)
    }
}

/// What the flow may do. A submit or an envelope may only narrow it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The tools that it may call, by name.
    #[serde(default)]
    pub allowed_tools: BTreeMap<String, AllowedTool>,
    /// The proposal actions that it may emit, as `propose-summary`.
    #[serde(default)]
    pub safe_outputs: Vec<String>,
    /// Which capabilities its tools may have at all.
    #[serde(default)]
    pub sandbox: Sandbox,
    /// How much it may use.
    #[serde(default)]
    pub limits: Limits,
}

impl Policy {
    /// The components that it pins.
    pub fn pinned(&self) -> Vec<Digest> {
        self.allowed_tools.values().filter_map(|tool| tool.digest).collect()
    }
}

/// A tool that the flow may call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllowedTool {
    /// What a call does, as the tool's manifest said when the flow was compiled.
    pub effect: ToolEffect,
    /// The component that is meant; absent when the flow was compiled without its tools.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What it asked for, as `files:notes` or `http:api.example.org`.
    #[serde(default)]
    pub capabilities: Vec<String>,
}

/// What a tool call does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ToolEffect {
    /// It only reads: after a crash it is asked again.
    Read,
    /// It changes something outside: after a crash its outcome is unknown.
    Operational,
    /// It shapes a proposal and changes nothing.
    Propose,
}

/// Which capabilities the flow's tools may have at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// No network.
    #[default]
    Restricted,
    /// The hosts that the operator granted.
    Network,
    /// No tool runs; results come from a script or from recorded history.
    Rehearsal,
}

/// How much a run may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Active time of a run; waiting for a timer or a person does not count.
    #[schemars(range(min = 1))]
    pub timeout_seconds: u32,
    /// Time for one node.
    #[schemars(range(min = 1))]
    pub node_timeout_seconds: u32,
    /// Tokens of all LLM calls of a run together, in and out.
    pub max_tokens: u64,
    /// What all LLM calls of a run may cost together, in millionths of a US dollar; absent: whatever they cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_cost_micro_usd: Option<u64>,
    /// Nodes since the branch's last recorded result: stops endless loops, not long lives.
    #[schemars(range(min = 1))]
    pub max_steps: u64,
    /// Events in a history.
    #[schemars(range(min = 1))]
    pub max_events: u64,
    /// Proposals of a run.
    pub max_proposals: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout_seconds: 600,
            node_timeout_seconds: 120,
            max_tokens: 50_000,
            max_cost_micro_usd: None,
            max_steps: 100_000,
            max_events: 50_000,
            max_proposals: 10,
        }
    }
}

impl Limits {
    /// Of each limit the smaller one: who submits a run may take something away from what was signed, and add nothing.
    #[must_use]
    pub fn narrowed(self, other: Self) -> Self {
        Self {
            timeout_seconds: self.timeout_seconds.min(other.timeout_seconds),
            node_timeout_seconds: self.node_timeout_seconds.min(other.node_timeout_seconds),
            max_tokens: self.max_tokens.min(other.max_tokens),
            max_cost_micro_usd: self.max_cost_micro_usd.into_iter().chain(other.max_cost_micro_usd).min(),
            max_steps: self.max_steps.min(other.max_steps),
            max_events: self.max_events.min(other.max_events),
            max_proposals: self.max_proposals.min(other.max_proposals),
        }
    }
}

/// A node: one of five types, with what every type may carry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Node {
    /// What it does.
    #[serde(flatten)]
    pub kind: NodeKind,
    /// What its resolved arguments must satisfy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = ["object", "boolean"]))]
    pub input: Option<Schema>,
    /// What its result must satisfy; for an `llm_call` it is required, and is shown to the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("type" = ["object", "boolean"]))]
    pub output: Option<Schema>,
    /// Where its error goes; absent: to the document's `catch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_error: Option<ErrorTarget>,
}

/// Where an error goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ErrorTarget {
    /// The node that goes on.
    pub to: NodeId,
    /// The variable that gets `{code, message, node, retryable, details}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub into: Option<String>,
}

/// The five node types, and no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum NodeKind {
    /// One deterministic operation or one recorded effect.
    Action(Action),
    /// The only place where an LLM thinks.
    LlmCall(LlmCall),
    /// A choice over the state; pure.
    Decision(Decision),
    /// Hands something out of the run; never changes the state.
    Emit(Emit),
    /// Ends the run, or the child flow.
    Return(Return),
}

/// An action, by its `op`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Action {
    /// Binds the value of an expression. Pure.
    Set {
        /// The variable.
        into: String,
        /// Its value.
        value: ExprText,
        /// The node that follows.
        next: NodeId,
    },
    /// Evaluates `over` once and stores that snapshot with position 0 under `cursor`, replacing what was there. Pure.
    Each {
        /// A list, or a map, which goes in key order.
        over: ExprText,
        /// The cursor's name, in a namespace of its own.
        cursor: String,
        /// The node that follows.
        next: NodeId,
    },
    /// Binds the next element of a cursor and goes to `next`, or to `done` when there is none. Pure.
    Iter {
        /// The cursor.
        cursor: String,
        /// The variable that gets the element (of a map: the value).
        item: String,
        /// The variable that gets the position, from 0.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        index: Option<String>,
        /// The variable that gets the key of a map's element (of a list: the position).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<String>,
        /// The body.
        next: NodeId,
        /// Where it goes when exhausted.
        done: NodeId,
    },
    /// Calls a tool. An effect.
    Tool {
        /// The tool's name.
        tool: String,
        /// Its arguments, by the names of the manifest's input schema.
        #[serde(default)]
        args: BTreeMap<String, ExprText>,
        /// The variable that gets the result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        /// How often it is tried.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry: Option<Retry>,
        /// The time limit of one attempt.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1))]
        timeout_seconds: Option<u32>,
        /// What happens after a crash that left a request without a result; for operational tools.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_unknown: Option<OnUnknown>,
        /// The node that follows.
        next: NodeId,
    },
    /// Runs another flow. An effect.
    Flow {
        /// Its id, for people.
        flow: String,
        /// The IR that is meant.
        hash: Digest,
        /// Its inputs.
        #[serde(default)]
        inputs: BTreeMap<String, ExprText>,
        /// The variable that gets its result.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        /// Whether the run waits for it.
        #[serde(default = "yes")]
        wait: bool,
        /// The time limit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1))]
        timeout_seconds: Option<u32>,
        /// The node that follows.
        next: NodeId,
    },
    /// Waits for a time. An effect; the absolute due time is recorded once.
    Sleep {
        /// When it ends.
        #[serde(flatten)]
        due: Due,
        /// The node that follows.
        next: NodeId,
    },
    /// Starts a timer that a later `await` may name. An effect.
    Timer {
        /// The timer's name.
        name: String,
        /// When it fires.
        #[serde(flatten)]
        due: Due,
        /// The node that follows.
        next: NodeId,
    },
    /// Waits for a signal, a timer or a person. An effect.
    Await {
        /// What it waits for.
        #[serde(flatten)]
        what: Awaited,
        /// What the payload must satisfy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("type" = ["object", "boolean"]))]
        schema: Option<Schema>,
        /// The variable that gets the payload.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        into: Option<String>,
        /// How long it waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1))]
        timeout_seconds: Option<u32>,
        /// Where it goes when that time is over; absent: an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on_timeout: Option<NodeId>,
        /// The node that follows.
        next: NodeId,
    },
    /// Starts branches side by side over copies of the state.
    Fork {
        /// The branches, in their order.
        #[schemars(length(min = 1))]
        branches: Vec<Branch>,
        /// The node where they meet.
        join: NodeId,
    },
    /// Where the branches of a fork meet.
    Join {
        /// The fork.
        fork: NodeId,
        /// The node that follows.
        next: NodeId,
    },
}

fn yes() -> bool {
    true
}

/// When a sleep ends or a timer fires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Due {
    /// Milliseconds from when it is reached.
    For(ExprText),
    /// Unix milliseconds, or an RFC 3339 text.
    Until(ExprText),
}

/// What an `await` waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Awaited {
    /// A signal by name.
    Signal(String),
    /// A timer by name.
    Timer(String),
    /// A person's answer.
    Ask(Ask),
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// One line.
    pub title: Vec<TemplatePart>,
    /// The question itself.
    pub text: Vec<TemplatePart>,
    /// What the answer must satisfy.
    pub schema: Schema,
    /// Who is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

/// A branch of a fork.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Branch {
    /// For people.
    pub name: String,
    /// Its first node.
    pub entry: NodeId,
    /// The variables that it sets and that are used after the join.
    #[serde(default)]
    pub writes: Vec<String>,
}

/// How often an effect is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// All attempts together, 1 to 10.
    #[schemars(range(min = 1, max = 10))]
    pub attempts: u32,
    /// Milliseconds before the second, third, … attempt; the last one repeats.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backoff_ms: Vec<u64>,
    /// Error codes after which it is not tried again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_retryable: Vec<String>,
}

/// What happens after a crash that left an operational request without a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknown {
    /// The error `outcome_unknown`.
    #[default]
    Fail,
    /// It is asked again: the tool honours the idempotency key.
    Retry,
    /// A person decides.
    Ask,
}

/// A part of a prompt: literal text, or an expression whose value is put in its place (text as it is, all else as JSON).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TemplatePart {
    /// Literal text.
    Text(String),
    /// An expression.
    Expr(ExprText),
}

/// A call of an LLM: delegated to a worker through a lease; its answer is JSON that satisfies the node's `output`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LlmCall {
    /// The user prompt.
    #[schemars(length(min = 1))]
    pub prompt: Vec<TemplatePart>,
    /// The system prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<Vec<TemplatePart>>,
    /// What is appended to the system prompt as memory context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<ExprText>,
    /// The model, in the executor's terms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Tokens of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_tokens: Option<u64>,
    /// Whether the executor keeps a conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// The variable that gets the answer.
    pub into: String,
    /// How often it is tried; the leased task's `max_attempts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// The time limit of one attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub timeout_seconds: Option<u32>,
    /// The node that follows.
    pub next: NodeId,
}

/// Whether the executor keeps a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Session {
    /// One per worker and execution context, for 24 hours.
    Context,
}

/// A choice over the state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Decision {
    /// Two ways.
    If {
        /// A Boolean.
        when: ExprText,
        /// Where it goes when true.
        then: NodeId,
        /// Where it goes when false.
        #[serde(rename = "else")]
        otherwise: NodeId,
    },
    /// Many ways: the first case that holds the value.
    Choice {
        /// The value.
        on: ExprText,
        /// The cases, in their order.
        #[schemars(length(min = 1))]
        cases: Vec<Case>,
        /// Where it goes when no case holds the value; absent: the error `no_case`.
        #[serde(default, rename = "else", skip_serializing_if = "Option::is_none")]
        otherwise: Option<NodeId>,
    },
}

/// A case of a choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// JSON literals.
    #[schemars(length(min = 1))]
    pub values: Vec<serde_json::Value>,
    /// Where it goes.
    pub to: NodeId,
}

/// Hands something out of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Emit {
    /// What it is.
    pub kind: EmitKind,
    /// Its name.
    pub name: String,
    /// For a proposal: a literal of the policy's `safe_outputs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What is handed out.
    pub value: ExprText,
    /// The node that follows.
    pub next: NodeId,
}

/// What is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EmitKind {
    /// A document that is kept.
    Artifact,
    /// A change of knowledge, for a person to decide on.
    Proposal,
    /// Something others may react to.
    Event,
    /// A line for the operator.
    Log,
}

/// Ends the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Return {
    /// How it ended.
    pub status: ReturnStatus,
    /// Its result; of a failed one the error's message, or a map with `message` and `code`.
    pub value: ExprText,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReturnStatus {
    /// As drawn.
    Completed,
    /// By its own decision.
    Failed,
}

/// Where the program came from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What was compiled.
    pub kind: SourceKind,
    /// The file's name, without its folder.
    pub name: String,
    /// Lower-case hex SHA-256 of the file.
    #[schemars(regex(pattern = r"^[0-9a-f]{64}$"))]
    pub sha256: String,
    /// The icons passed without a node before the `entry` and before the handler of errors (`catch`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub via: BTreeMap<String, Vec<String>>,
    /// Where each node stands.
    #[serde(default)]
    pub map: BTreeMap<NodeId, SourceSpot>,
    /// The type of each icon that a run can pass: `action`, `question`, `branch`, …
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub icons: BTreeMap<String, String>,
}

/// What was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// A diagram.
    Drakon,
    /// Pseudocode.
    Pseudocode,
}

/// Where a node stands in its source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceSpot {
    /// The icon; in pseudocode the line.
    pub item: String,
    /// The statement within the icon, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<u32>,
    /// Set on the first node of an icon.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
    /// What people read in the icon, shortened; on the first node of an icon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// For each way out (`next`, `then`, `else`, `done`, `case:N`, `to`, …) the icons passed without a node.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub via: BTreeMap<String, Vec<String>>,
    /// Of a select: its case icons, in order; of a parallel: the icons that its paths begin with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cases: Vec<String>,
}

/// Hashes and signatures of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Integrity {
    /// Of the document without `integrity`: what is signed, and what a run pins.
    pub hash: Digest,
    /// Of the document without `integrity` and `source`: equal programs have equal ones.
    pub program: Digest,
    /// Who vouches for it.
    #[serde(default)]
    pub signatures: Vec<Signature>,
}

/// An Ed25519 signature (RFC 8032) over the DSSE pre-authentication encoding of the canonical bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Always `ed25519`.
    pub alg: SignatureAlgorithm,
    /// A hint: the first 16 hex digits of the SHA-256 of the raw public key.
    #[schemars(regex(pattern = r"^[0-9a-f]{16}$"))]
    pub key_id: String,
    /// Standard base64 of the 64 bytes.
    pub value: String,
}

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureAlgorithm {
    /// RFC 8032
    Ed25519,
}
