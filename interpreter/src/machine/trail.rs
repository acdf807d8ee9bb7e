//! Which nodes were done after which: for pictures of a run.

use std::collections::BTreeMap;

use super::tree::FrameKey;
use crate::program::NodeIndex;

/// It grows with the program, not with the run.
#[derive(Clone, Debug, Default)]
pub(super) struct Trail {
    /// What each branch did last.
    last: BTreeMap<FrameKey, NodeIndex>,
    counts: BTreeMap<(Option<NodeIndex>, NodeIndex), u64>,
}

impl Trail {
    /// A branch comes to a node.
    pub(super) fn note(&mut self, key: FrameKey, node: NodeIndex) {
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
