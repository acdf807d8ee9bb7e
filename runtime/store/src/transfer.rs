//! The records of a store as JSON Lines: what `export` writes and `import` reads, and archives of ended runs.
//!
//! A line is `{"kind":…,"v":…,"record":…}`: what kind of record it is, the version of that kind's format, and the record. The
//! first is a `header`; the last is an `end` with the number of lines between them and the SHA-256 of all bytes before it, so
//! that a file that was cut short or changed is told from a whole one. It may be compressed with gzip (RFC 1952).
//!
//! What follows from records (indexes, queues) is not written: a store makes it anew.

mod error;
mod lines;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bloom_interpreter::history::Event;
use bloom_ir::Digest;
use bloom_runtime::record::{
    Artifact, AuditEntry, Context, FlowRecord, FlowVersion, InboxEntry, Lease, ManagedProject, NodeStatus, Proposal,
    Question, RunRecord, Spending, Task, TaskResult, Worker,
};
use serde::{Deserialize, Serialize};

pub use self::error::TransferError;
pub(crate) use self::lines::{LineReader, LineWriter};
use crate::place::Placed;

/// The version of all formats of lines that this program writes, and the highest that it reads.
const VERSION: u32 = 1;

/// What is in a file of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// Everything that a store held.
    #[serde(rename = "bloom-export")]
    Export,
    /// Runs that have ended, and what belongs to them.
    #[serde(rename = "bloom-archive")]
    Archive,
}

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) format: Format,
    /// Unix milliseconds.
    pub(crate) made_at: i64,
    /// The version of the program that wrote it.
    pub(crate) engine: String,
}

/// The last line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct End {
    records: u64,
    sha256: Digest,
}

/// What a whole file of lines holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contents {
    /// How many records.
    pub records: u64,
    /// How many runs of these.
    pub runs: u64,
    /// How many events.
    pub events: u64,
    /// The SHA-256 of the lines before the last one, as that says.
    pub digest: Digest,
}

macro_rules! records {
    ($($(#[$doc:meta])* $kind:ident($record:ty) $name:literal)*) => {
        /// A record of a store, as a line holds it.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum Record { $($(#[$doc])* $kind($record)),* }

        impl Record {
            pub(crate) fn kind(&self) -> &'static str {
                match self { $(Self::$kind(_) => $name),* }
            }

            fn to_line(&self) -> Vec<u8> {
                match self { $(Self::$kind(record) => lines::line($name, record)),* }
            }

            /// `None` where no kind has this name.
            fn read(kind: &str, line: &[u8]) -> Option<Result<Self, serde_json::Error>> {
                match kind {
                    $($name => Some(lines::record(line).map(Self::$kind)),)*
                    _ => None,
                }
            }
        }
    };
}

records! {
    Flow(StoredFlow) "flow"
    FlowVersion(NamedVersion) "flow_version"
    Context(Context) "context"
    Setting(Setting) "setting"
    Worker(Worker) "worker"
    Project(ManagedProject) "project"
    NodeStatus(NodeStatus) "node_status"
    Spending(Spending) "spending"
    Inbox(InboxEntry) "inbox"
    /// The events that follow are its history.
    Run(RunRecord) "run"
    Event(Event) "event"
    Task(Task) "task"
    Lease(Lease) "lease"
    Result(TaskResult) "result"
    Artifact(Artifact) "artifact"
    Question(Question) "question"
    Proposal(Proposal) "proposal"
    /// Of what no event holds itself.
    Blob(Blob) "blob"
    Placed(PlacedBlob) "placed"
    Audit(AuditEntry) "audit"
}

/// A signed IR document, with what a store knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredFlow {
    pub(crate) flow: FlowRecord,
    pub(crate) document: Bytes,
}

/// What stands behind `id@version`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NamedVersion {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) of: FlowVersion,
}

/// A setting that was made while a server ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// Bytes under their digest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) content: Bytes,
}

/// Bytes in a place outside of the store, which are not in the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct PlacedBlob {
    pub(crate) digest: Digest,
    pub(crate) placed: Placed,
}

/// Bytes, so that text stays what a person can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bytes {
    Text(String),
    Base64(String),
}

impl Bytes {
    pub(crate) fn of(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(BASE64.encode(error.as_bytes())),
        }
    }

    /// `None` where it is no base64.
    pub(crate) fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Text(text) => Some(text.into_bytes()),
            Self::Base64(text) => BASE64.decode(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests;
