//! What runs handed out, for tools to read.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::Payload;
use bloom_ir::Digest;
use bloom_ir::capability::ArtifactScope;
use bloom_ir::document::EmitKind;

use super::run::artifact;
use crate::record::{ContextId, RunId, RunRecord};
use crate::store::{RunFilter, Store, StoreError};
use crate::tool::{Artifact, Artifacts};

/// Runs and events that are read at once.
const PAGE: usize = 256;

/// Runs that are looked at before it is said that this is not known now.
const MOST_RUNS: usize = 10_000;

/// The artifacts that a run of a flow in a context may read, found in the histories of runs, newest first.
pub(super) struct HandedOut {
    pub(super) store: Arc<dyn Store>,
    /// The flow's id.
    pub(super) agent: String,
    pub(super) context: ContextId,
}

impl fmt::Debug for HandedOut {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { agent, context, .. } = self;
        formatter.debug_struct("HandedOut").field("agent", agent).field("context", context).finish_non_exhaustive()
    }
}

#[async_trait]
impl Artifacts for HandedOut {
    async fn find(
        &self,
        scope: ArtifactScope,
        name: &str,
        run: Option<&RunId>,
    ) -> Result<Option<Artifact>, EffectError> {
        let meant = |artifact: &Artifact| artifact.name == name;
        let Some(run) = run else { return self.search(scope, meant).await };
        let run = self.store.run(run).await.map_err(unavailable)?;
        match run.filter(|run| self.may_read(scope, run)) {
            Some(run) => self.of(&run.id, &meant).await.map_err(unavailable),
            None => Ok(None),
        }
    }

    async fn read(&self, scope: ArtifactScope, digest: Digest) -> Result<Option<Vec<u8>>, EffectError> {
        // Other things are kept under digests, too, so that there are such bytes says nothing.
        match self.search(scope, |artifact| artifact.digest == digest).await? {
            Some(_) => self.store.blob(digest).await.map_err(unavailable),
            None => Ok(None),
        }
    }
}

impl HandedOut {
    fn may_read(&self, scope: ArtifactScope, run: &RunRecord) -> bool {
        run.context == self.context && (scope == ArtifactScope::All || run.flow == self.agent)
    }

    async fn search(
        &self,
        scope: ArtifactScope,
        meant: impl Fn(&Artifact) -> bool + Send + Sync,
    ) -> Result<Option<Artifact>, EffectError> {
        let flow = (scope == ArtifactScope::Own).then(|| self.agent.clone());
        let mut filter = RunFilter { flow, limit: PAGE, ..RunFilter::default() };
        for _ in 0..MOST_RUNS / PAGE {
            let runs = self.store.runs(&filter).await.map_err(unavailable)?;
            for run in runs.iter().filter(|run| self.may_read(scope, run)) {
                if let Some(found) = self.of(&run.id, &meant).await.map_err(unavailable)? {
                    return Ok(Some(found));
                }
            }
            match runs.last() {
                Some(last) if runs.len() == PAGE => filter.before = Some(last.id.clone()),
                _ => return Ok(None),
            }
        }
        Err(EffectError::new(
            "unavailable",
            format!("it is not among the last {MOST_RUNS} runs, and no more are looked at"),
        ))
    }

    /// The last artifact of a run that is meant.
    async fn of(
        &self,
        run: &RunId,
        meant: &(impl Fn(&Artifact) -> bool + Sync),
    ) -> Result<Option<Artifact>, StoreError> {
        let (mut from, mut found) = (0, None);
        loop {
            let events = self.store.history(run, from, PAGE).await?;
            for event in &events {
                if let Some(Payload::Emitted { emission }) = &event.payload
                    && emission.kind == EmitKind::Artifact
                {
                    let digest = artifact(emission).1;
                    let artifact = Artifact { digest, name: emission.name.clone(), run: run.clone() };
                    if meant(&artifact) {
                        found = Some(artifact);
                    }
                }
            }
            from += events.len() as u64;
            if events.len() < PAGE {
                return Ok(found);
            }
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what a result is mapped with")]
fn unavailable(error: StoreError) -> EffectError {
    EffectError { retryable: true, ..EffectError::new("unavailable", format!("artifacts cannot be read: {error}")) }
}
