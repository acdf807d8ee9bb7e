//! Execution contexts.

use std::fmt;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Value;
use serde::{Deserialize, Serialize};

use super::{Actor, AuditNote, ContextId, RunId};

/// What a run may see beside its inputs. An unknown id opens an empty context, which every agent may work in, and which no other
/// context may read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Its id.
    pub id: ContextId,
    /// The agents that work in it; empty: any.
    #[serde(default)]
    pub agents: Vec<String>,
    /// The agents that have their memory in it; empty: all that work in it.
    #[serde(default)]
    pub memory_bindings: Vec<String>,
    /// The zones that it belongs to.
    #[serde(default)]
    pub zones: Vec<String>,
    /// The contexts that may read it, by the owner's leave.
    #[serde(default)]
    pub delegations: Vec<ContextId>,
}

impl Context {
    /// The context that an unknown id opens.
    pub fn empty(id: ContextId) -> Self {
        Self { id, agents: vec![], memory_bindings: vec![], zones: vec![], delegations: vec![] }
    }

    /// Whether an agent may work in it.
    pub fn admits(&self, agent: &str) -> bool {
        self.agents.is_empty() || self.agents.iter().any(|own| own == agent)
    }

    /// Whether an agent that works in it has its memory there.
    pub fn remembers(&self, agent: &str) -> bool {
        self.memory_bindings.is_empty() || self.memory_bindings.iter().any(|own| own == agent)
    }

    /// Whether runs of a context may read what runs of this one handed out.
    pub fn is_open_to(&self, reader: &ContextId) -> bool {
        self.id == *reader || self.delegations.contains(reader)
    }

    /// Each name once, in their order: so the same context is written in one way.
    #[must_use]
    pub fn tidy(mut self) -> Self {
        for names in [&mut self.agents, &mut self.memory_bindings, &mut self.zones] {
            names.sort();
            names.dedup();
        }
        self.delegations.retain(|reader| *reader != self.id);
        self.delegations.sort();
        self.delegations.dedup();
        self
    }

    /// What stands in the audit log of what somebody did with it: how it is from then on.
    pub fn note(&self, at: i64, by: &Actor, action: &str) -> AuditNote {
        let texts = |names: &[String]| names.iter().map(|name| Value::from(name.as_str())).collect::<Value>();
        let readers: Value = self.delegations.iter().map(|reader| Value::from(reader.as_str())).collect();
        let detail = [
            ("agents", texts(&self.agents)),
            ("delegations", readers),
            ("memory_bindings", texts(&self.memory_bindings)),
        ];
        let note = AuditNote::new(at, by, action, ("context", self.id.as_str()));
        AuditNote { context_id: Some(self.id.to_string()), detail: detail.into_iter().collect(), ..note }
    }
}

/// What one context refuses to another, or to an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextDenied {
    /// The context that was asked for something.
    pub context: ContextId,
    /// For which agent.
    pub agent: String,
    /// What was asked for.
    pub what: Denied,
}

/// What was asked of a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// What a run of it handed out, by a run of another context.
    Artifact {
        /// The run that handed it out.
        run: RunId,
        /// The context that asks.
        reader: ContextId,
    },
    /// The agent's memory.
    Memory,
    /// To work in it.
    Work,
}

impl Denied {
    /// As it is written.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Artifact { .. } => "artifact",
            Self::Memory => "memory",
            Self::Work => "work",
        }
    }
}

impl ContextDenied {
    /// The error that a run has.
    pub fn to_effect_error(&self) -> EffectError {
        EffectError::new("context_denied", self.to_string())
    }

    /// Whether this is such an error.
    pub fn is_told_by(error: &EffectError) -> bool {
        error.code == "context_denied"
    }
}

impl fmt::Display for ContextDenied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { context, agent, what } = self;
        match what {
            Denied::Artifact { run, reader } => {
                write!(
                    formatter,
                    "run {run} is of the context `{context}`, which is not open to the context `{reader}`"
                )
            }
            Denied::Memory => write!(formatter, "the agent `{agent}` has no memory in the context `{context}`"),
            Denied::Work => write!(formatter, "the agent `{agent}` does not work in the context `{context}`"),
        }
    }
}

impl std::error::Error for ContextDenied {}
