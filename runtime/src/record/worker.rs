//! Workers: who takes tasks.

use serde::{Deserialize, Serialize};

use super::WorkerId;

/// A worker that has registered.
///
/// One that *pulls* asks for tasks and says what it provides. One that is *pushed to* has a URL, and provides nothing in
/// particular beside the Claude CLI: tasks are sent to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Its id, which is the name that it registered with.
    pub id: WorkerId,
    /// Where its agent listens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it said of itself. Whether it is there is known by its heartbeats.
    pub status: WorkerStatus,
    /// What it can do.
    pub capabilities: Capabilities,
    /// When it was heard of, as of the last time that it registered, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat: Option<i64>,
    /// Its addresses.
    #[serde(default)]
    pub ip_addrs: Vec<String>,
    /// How many observations its memory holds, as the control plane says.
    #[serde(default)]
    pub obs_count: u64,
    /// The hash of its memory, as the control plane says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_sha: Option<String>,
    /// Unix milliseconds.
    pub registered_at: i64,
    /// The version of its agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_version: Option<String>,
    /// Its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_info: Option<String>,
    /// How its agent was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install_method: Option<String>,
    /// All that is known of it is what a control plane says, which stands until it registers itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_sighted: bool,
}

impl Worker {
    /// One of which nothing else is known.
    pub fn new(id: WorkerId, registered_at: i64) -> Self {
        Self {
            id,
            url: None,
            status: WorkerStatus::Online,
            capabilities: Capabilities::default(),
            last_heartbeat: None,
            ip_addrs: Vec::new(),
            obs_count: 0,
            db_sha: None,
            registered_at,
            agent_version: None,
            os_info: None,
            install_method: None,
            is_sighted: false,
        }
    }

    /// Whether tasks are sent to it, because it does not ask for them.
    pub fn is_pushed_to(&self) -> bool {
        self.url.is_some() && self.capabilities.provides.is_empty()
    }
}

/// What a worker can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Whether it has the Claude CLI.
    pub claude_cli: bool,
    /// How many tasks it does at a time.
    pub max_concurrency: u32,
    /// What its operator calls it: a task may ask for that as `label:NAME`.
    pub labels: Vec<String>,
    /// What it provides, as `llm.claude_cli`, `flow.ir`.
    pub provides: Vec<String>,
}

impl Default for Capabilities {
    fn default() -> Self {
        Self { claude_cli: false, max_concurrency: 1, labels: Vec::new(), provides: Vec::new() }
    }
}

impl Capabilities {
    /// All that a task may ask of such a worker: what it provides, what follows from that, and its labels.
    pub fn all(&self) -> Vec<String> {
        let mut all = self.provides.clone();
        if self.claude_cli {
            all.push("llm.claude_cli".to_owned());
        }
        if all.iter().any(|provided| provided.starts_with("llm.")) {
            all.push("llm".to_owned());
        }
        all.extend(self.labels.iter().map(|label| format!("label:{label}")));
        all.sort();
        all.dedup();
        all
    }
}

/// How a worker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerStatus {
    /// It is there.
    Online,
    /// It is not.
    Offline,
    /// It is there, and busy with its memory.
    Syncing,
    /// It is there, and something is wrong with it.
    Error,
    /// It was never heard of.
    Unknown,
}

impl WorkerStatus {
    /// All that there are.
    pub const ALL: [Self; 5] = [Self::Online, Self::Offline, Self::Syncing, Self::Error, Self::Unknown];

    /// Its name, as records and answers have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Offline => "offline",
            Self::Syncing => "syncing",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}
