//! Execution contexts.

use serde::{Deserialize, Serialize};

use super::ContextId;

/// What a run may see beside its inputs. An unknown id opens an empty context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// Its id.
    pub id: ContextId,
    /// The agents that work in it.
    #[serde(default)]
    pub agents: Vec<String>,
    /// The memories that it may read.
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
}
