//! Which nodes were done, and which after which: for who shows or compares what a run did.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tree::FrameKey;
use crate::program::NodeIndex;

/// A node that was done, in the branch of this path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) branch: Arc<str>,
    pub(crate) node: NodeIndex,
}

/// The counts grow with the program, not with the run; the log is to be taken away.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// What each branch did last.
    last: BTreeMap<FrameKey, NodeIndex>,
    counts: BTreeMap<(Option<NodeIndex>, NodeIndex), u64>,
    log: Option<Vec<Done>>,
}

impl Trail {
    /// With a log of each node.
    pub(super) fn with_log() -> Self {
        Self { log: Some(Vec::new()), ..Self::default() }
    }

    /// What was done since this was last asked.
    pub(super) fn take_log(&mut self) -> Vec<Done> {
        self.log.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// A branch comes to a node.
    pub(super) fn note(&mut self, key: FrameKey, branch: &Arc<str>, node: NodeIndex) {
        if let Some(log) = &mut self.log {
            log.push(Done { branch: branch.clone(), node });
            return;
        }
        let last = self.last.insert(key, node);
        let count = self.counts.entry((last, node)).or_default();
        *count = count.saturating_add(1);
    }

    /// A branch begins at a fork.
    pub(super) fn begin(&mut self, key: FrameKey, fork: NodeIndex) {
        self.last.insert(key, fork);
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (Option<NodeIndex>, NodeIndex, u64)> {
        self.counts.iter().map(|((from, to), count)| (*from, *to, *count))
    }
}
