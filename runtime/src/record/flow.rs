//! Flows: signed IR documents by hash, and by `id@version`.

use bloom_ir::Digest;
use serde::{Deserialize, Serialize};

/// A signed IR document that the store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowRecord {
    /// Its hash: what runs pin.
    pub hash: Digest,
    /// The hash of its program.
    pub program: Digest,
    /// The flow's id.
    pub id: String,
    /// The flow's version; `0.0.0` is never registered by name.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Unix milliseconds.
    pub stored_at: i64,
}

/// A registered version of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowVersion {
    /// The program behind the name: another one under it is a conflict.
    pub program: Digest,
    /// The documents of that program, first come first.
    pub documents: Vec<Digest>,
}
