//! Managed projects: git repositories that the server has cloned to nodes.

use bloom_ir::Digest;
use serde::{Deserialize, Serialize};

use super::{NodeStatusId, ProjectId, WorkerId};

/// A git repository that is kept on nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedProject {
    /// Its id.
    pub id: ProjectId,
    /// What people and the control plane call it.
    pub name: String,
    /// Where it is cloned from.
    pub repo_url: String,
    /// Where on a node it goes, if that is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_path: Option<String>,
    /// Where it stands.
    pub status: CloneStatus,
    /// The node that has it first, which others are asked after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_node: Option<WorkerId>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Why the last thing that was tried failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl ManagedProject {
    /// What the control plane knows it by: the first 16 hex digits of the SHA-256 of its name.
    pub fn canonical_id(&self) -> String {
        canonical_id(&self.name)
    }
}

/// What the control plane knows a project of this name by.
pub fn canonical_id(name: &str) -> String {
    let mut hex = Digest::of(name.as_bytes()).hex();
    hex.truncate(16);
    hex
}

/// How a project is on one node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its id.
    pub id: NodeStatusId,
    /// Which project.
    pub project: ProjectId,
    /// On which node. It may have been removed since.
    pub node: WorkerId,
    /// Where it stands there.
    pub status: CloneStatus,
    /// When it was last brought there, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_at: Option<i64>,
    /// Why the last try failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Where it lies there, as the node's agent said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repo_path: Option<String>,
}

/// How far a project has come, as a whole or on a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloneStatus {
    /// Nothing was tried yet.
    Pending,
    /// An agent was asked.
    Cloning,
    /// It is there.
    Cloned,
    /// What was tried last failed.
    Failed,
    /// Agents were asked.
    Propagating,
    /// It is on all nodes that were there.
    Synced,
}

impl CloneStatus {
    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Cloning => "cloning",
            Self::Cloned => "cloned",
            Self::Failed => "failed",
            Self::Propagating => "propagating",
            Self::Synced => "synced",
        }
    }

    /// Whether the repository is there.
    pub fn is_there(self) -> bool {
        matches!(self, Self::Cloned | Self::Synced)
    }
}
