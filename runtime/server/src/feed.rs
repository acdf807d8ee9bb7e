//! Who watches all runs is told that something happened.
//!
//! What is recorded is read from the store by whoever watches; what is told here is that there is more, and what is told once
//! and may be missed.

use bloom_interpreter::effect::EffectId;
use bloom_runtime::engine::{Progress, Step};
use bloom_runtime::record::{ProposalId, RunId};
use tokio::sync::broadcast;

/// News that wait for one who watches; older ones are dropped.
const BACKLOG: usize = 256;

/// Tells those who watch all runs.
pub(crate) struct Feed(broadcast::Sender<Heard>);

/// What is told.
#[derive(Clone, Debug)]
pub(crate) enum Heard {
    /// More may be recorded.
    More,
    /// An effect of a run has its outcome.
    Step { run: RunId, effect: EffectId, node: String, is_failed: bool },
    /// A run proposes something.
    Proposed(ProposalId),
}

impl Default for Feed {
    fn default() -> Self {
        Self(broadcast::Sender::new(BACKLOG))
    }
}

impl Feed {
    /// Begins to watch.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Heard> {
        self.0.subscribe()
    }

    /// More may be recorded.
    pub(crate) fn more(&self) {
        self.tell(|| Heard::More);
    }

    /// Tells of what a run recorded.
    pub(crate) fn hear(&self, progress: &Progress) {
        self.tell(|| match &progress.step {
            Step::Settled { effect, error, .. } => Heard::Step {
                run: progress.run.clone(),
                effect: effect.effect.clone(),
                node: effect.node.to_string(),
                is_failed: error.is_some(),
            },
            Step::Emitted { proposal: Some(id), .. } => Heard::Proposed(id.clone()),
            _ => Heard::More,
        });
    }

    fn tell(&self, heard: impl FnOnce() -> Heard) {
        if self.0.receiver_count() > 0 {
            // Who watched may have gone meanwhile.
            let _ = self.0.send(heard());
        }
    }
}
