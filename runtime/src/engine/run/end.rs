//! How runs end.

use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::Payload;
use bloom_ir::Value;
use bloom_ir::document::NodeId;

use crate::record::{RunId, RunStatus};

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// As drawn.
    Completed {
        /// Its result.
        result: Value,
    },
    /// With an error that nothing took, or by its own decision.
    Failed {
        /// Why.
        error: EffectError,
        /// Where, if at a node.
        node: Option<NodeId>,
    },
    /// It was stopped.
    Cancelled {
        /// By whom and why.
        reason: String,
    },
    /// Its history was long enough: another run goes on in its place.
    Continued {
        /// That run.
        run: RunId,
    },
}

impl RunEnd {
    /// What an event says of the end, if it is one.
    pub(in crate::engine) fn of_payload(payload: &Payload) -> Option<Self> {
        match payload.clone() {
            Payload::RunCompleted { result, .. } => Some(Self::Completed { result }),
            Payload::RunFailed { error, node, .. } => Some(Self::Failed { error, node }),
            Payload::RunCancelled { reason } => Some(Self::Cancelled { reason }),
            Payload::RunContinued { run, .. } => Some(Self::Continued { run: RunId::new(run) }),
            _ => None,
        }
    }

    /// The run's status.
    pub fn status(&self) -> RunStatus {
        match self {
            Self::Completed { .. } => RunStatus::Completed,
            Self::Failed { .. } => RunStatus::Failed,
            Self::Cancelled { .. } => RunStatus::Cancelled,
            Self::Continued { .. } => RunStatus::Continued,
        }
    }

    /// The status as it is written.
    pub fn status_name(&self) -> &'static str {
        match self {
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Cancelled { .. } => "cancelled",
            Self::Continued { .. } => "continued",
        }
    }
}
