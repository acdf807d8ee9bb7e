//! What runs handed out, for tools to read.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::Payload;
use bloom_ir::Digest;
use bloom_ir::capability::ArtifactScope;
use bloom_ir::document::EmitKind;

use super::context::{Fences, of_run};
use super::run::artifact;
use crate::record::{ContextDenied, ContextId, Denied, RunId, RunRecord};
use crate::store::{RunFilter, Store, StoreError};
use crate::tool::{Artifact, Artifacts};

/// Runs and events that are read at once.
const PAGE: usize = 256;

/// Runs that are looked at before it is said that this is not known now.
const MOST_RUNS: usize = 10_000;

/// The artifacts that a run of a flow in a context may read, found in the histories of runs, newest first. By a name alone, those of
/// its own context are found; by run and by digest also those of contexts that are open to its own, so that what another context
/// hands out never stands before what its own does.
pub(super) struct HandedOut {
    pub(super) store: Arc<dyn Store>,
    pub(super) fences: Fences,
    /// Who reads.
    pub(super) run: RunId,
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
        let Some(run) = run else { return self.search(scope, Reach::Own, meant).await };
        let run = self.store.run(run).await.map_err(unavailable)?;
        let Some(run) = run.filter(|run| self.is_of(scope, run)) else { return Ok(None) };
        if !self.fences.is_open(&run.context, &self.context).await.map_err(unavailable)? {
            return Err(self.denied(run).await);
        }
        self.of(&run.id, &meant).await.map_err(unavailable)
    }

    async fn read(&self, scope: ArtifactScope, digest: Digest) -> Result<Option<Vec<u8>>, EffectError> {
        // Other things are kept under digests, too, so that there are such bytes says nothing.
        match self.search(scope, Reach::Open, |artifact| artifact.digest == digest).await? {
            Some(_) => self.store.blob(digest).await.map_err(unavailable),
            None => Ok(None),
        }
    }
}

/// In which contexts artifacts are looked for.
#[derive(Clone, Copy)]
enum Reach {
    /// In the reader's own.
    Own,
    /// In those that are open to it, too.
    Open,
}

impl HandedOut {
    fn is_of(&self, scope: ArtifactScope, run: &RunRecord) -> bool {
        scope == ArtifactScope::All || run.flow == self.agent
    }

    /// What the reader is told of a run whose context is not open to it.
    async fn denied(&self, run: RunRecord) -> EffectError {
        let what = Denied::Artifact { run: run.id, reader: self.context.clone() };
        let denied = ContextDenied { context: run.context, agent: self.agent.clone(), what };
        match self.fences.refuse(denied, &of_run(&self.run), Some((&self.run, &self.context))).await {
            Ok(denied) => denied.to_effect_error(),
            Err(error) => unavailable(error),
        }
    }

    async fn search(
        &self,
        scope: ArtifactScope,
        reach: Reach,
        meant: impl Fn(&Artifact) -> bool + Send + Sync,
    ) -> Result<Option<Artifact>, EffectError> {
        let flow = (scope == ArtifactScope::Own).then(|| self.agent.clone());
        let mut filter = RunFilter { flow, limit: PAGE, ..RunFilter::default() };
        // Each context is asked once.
        let mut open = BTreeMap::from([(self.context.clone(), true)]);
        for _ in 0..MOST_RUNS / PAGE {
            let runs = self.store.runs(&filter).await.map_err(unavailable)?;
            for run in runs.iter().filter(|run| self.is_of(scope, run)) {
                let is_open = match (open.get(&run.context), reach) {
                    (Some(is_open), _) => *is_open,
                    (None, Reach::Own) => false,
                    (None, Reach::Open) => {
                        let is_open = self.fences.is_open(&run.context, &self.context).await.map_err(unavailable)?;
                        open.insert(run.context.clone(), is_open);
                        is_open
                    }
                };
                if is_open && let Some(found) = self.of(&run.id, &meant).await.map_err(unavailable)? {
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
pub(super) fn unavailable(error: StoreError) -> EffectError {
    EffectError { retryable: true, ..EffectError::new("unavailable", format!("artifacts cannot be read: {error}")) }
}
