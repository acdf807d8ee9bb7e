//! A whole run that a server granted: executed by an engine of its own, whose history the server keeps.
//!
//! The signature and the hash of the program are checked against this worker's own trust list before anything runs. Each
//! addition to the history goes to the server first, and the next node runs when the server has it: another worker can go on
//! from there. The engine's own store is in memory and gone with the run.

use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_interpreter::history::{Sealed, read_lines, write_lines};
use bloom_ir::{Digest, Pinned, VerifiedIr, verify_pinned};
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::engine::{Adopt, Engine, EngineConfig, EngineError, Journal, Parts, RunEnd};
use bloom_runtime::llm::LlmExecutor;
use bloom_runtime::record::{Actor, ContextId, RunId};
use bloom_runtime::signers::Signers;
use bloom_runtime::store::{Store, StoreError};
use bloom_runtime::tool::{InstalledTool, ToolHost};
use serde::Deserialize;

use super::client::{self, Client, RemoteError};
use super::report::Notes;
use super::tools::{Leased, LeasedTools, here};
use super::{GrantedLease, RemoteConfig};
use crate::in_process::InProcessWorker;

/// Makes a store that keeps nothing.
pub type MakeStore = Box<dyn Fn() -> io::Result<Arc<dyn Store>> + Send + Sync>;

/// What a worker needs to execute whole runs.
pub struct Flows {
    /// Where tools run. The worker offers those that are installed and may be called.
    pub tools: Arc<dyn ToolHost>,
    /// Whose signatures count.
    pub trust: Arc<dyn Signers>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn Ids>,
    /// Makes a store in memory for each run.
    pub store: MakeStore,
    /// Settings.
    pub config: EngineConfig,
}

impl Flows {
    /// What it provides: the tools that are installed and granted all that they ask for.
    pub(super) fn provides(&self) -> Vec<String> {
        let is_granted = |tool: &InstalledTool| {
            let (tool, asked) = here(tool, &tool.manifest.capabilities);
            // Whose agent's it is makes a difference for folders that are read elsewhere only.
            self.tools.may_call(&tool, "agent", &asked).is_ok()
        };
        let tools = self.tools.installed().into_iter().filter(is_granted);
        let tools = tools.map(|tool| format!("tool.{}", tool.manifest.name.replace('-', "_")));
        std::iter::once("ir:0.1".to_owned()).chain(tools).collect()
    }
}

/// The part of a Task Envelope that a run needs beside its history.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    pub(super) task_id: String,
    pub(super) run_id: String,
    context_id: String,
    ir_hash: Digest,
}

/// Executes one run.
pub(super) struct Execution {
    pub(super) client: Client,
    pub(super) config: Arc<RemoteConfig>,
    pub(super) flows: Arc<Flows>,
    pub(super) executor: Option<Arc<dyn LlmExecutor>>,
    pub(super) notes: Arc<Notes>,
}

/// What came of a run.
pub(super) enum Outcome {
    /// Its history has its end.
    Ended(RunEnd),
    /// It cannot go on here.
    Failed(EffectError),
    /// It is somebody else's, or over.
    Lost,
}

impl Execution {
    pub(super) async fn perform(&self, lease: &GrantedLease, envelope: &Envelope) -> Outcome {
        let journal = Arc::new(RemoteJournal {
            client: self.client.clone(),
            config: self.config.clone(),
            path: format!("leases/{}/events?epoch={}", client::segment(&lease.id), lease.epoch),
            run: RunId::new(envelope.run_id.as_str()),
            refusal: OnceLock::new(),
        });
        let error = match self.execute(lease, envelope, journal.clone()).await {
            Ok(end) => return Outcome::Ended(end),
            Err(error) => error,
        };
        match journal.refusal.get() {
            Some((404 | 409, _)) => Outcome::Lost,
            None | Some((401 | 403, _)) => Outcome::Failed(error),
            // It would be the same another time.
            Some((_, told)) => Outcome::Failed(EffectError::new("result_refused", told)),
        }
    }

    async fn execute(
        &self,
        lease: &GrantedLease,
        envelope: &Envelope,
        journal: Arc<RemoteJournal>,
    ) -> Result<RunEnd, EffectError> {
        let Flows { tools, trust, clock, ids, store, config } = self.flows.as_ref();
        let ir = self.verified(lease, envelope).await?;
        let leased = Leased::new(self.client.clone(), self.config.clone(), lease);
        let tools = LeasedTools::new(tools.clone(), leased);
        tools.complete(&ir).await?;
        let path = format!("leases/{}/events?epoch={}", client::segment(&lease.id), lease.epoch);
        let text = String::from_utf8(self.fetch(&path).await?).map_err(|error| unreadable(&error))?;
        let history = read_lines(&text).map_err(|error| unreadable(&error))?;
        let engine = Engine::new(Parts {
            store: store().map_err(|error| failed("worker_error", error.to_string()))?,
            tools: Arc::new(tools),
            clock: clock.clone(),
            ids: ids.clone(),
            trust: trust.clone(),
            observer: self.notes.clone(),
            config: config.clone(),
        });
        let engine = Arc::new(engine.with_journal(journal));
        let by = Actor(format!("worker:{}", self.config.name));
        let context = ContextId::new(envelope.context_id.as_str());
        let run = engine.adopt(Adopt { ir, history, context, by }).await.map_err(of_engine)?;
        if run.as_str() != envelope.run_id {
            return Err(failed("worker_error", format!("the history is that of run {run}")));
        }
        let thinking = self.executor.clone();
        let thinking = thinking.map(|executor| InProcessWorker::start(engine.clone(), executor, 1, None));
        let end = engine.drive(&run).await;
        if let Some(thinking) = thinking {
            thinking.stop().await;
        }
        end.map_err(of_engine)
    }

    /// The program, if this worker trusts who signed it.
    async fn verified(&self, lease: &GrantedLease, envelope: &Envelope) -> Result<VerifiedIr, EffectError> {
        let path = format!("leases/{}/ir?epoch={}", client::segment(&lease.id), lease.epoch);
        let document = self.fetch(&path).await?;
        verify_pinned(&document, &envelope.ir_hash, &self.flows.trust.trusted(), Pinned::Resume)
            .map_err(|error| failed("untrusted_flow", format!("worker {}: {error}", self.config.name)))
    }

    async fn fetch(&self, path: &str) -> Result<Vec<u8>, EffectError> {
        let mut delay = self.config.backoff;
        loop {
            match self.client.get(path).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) if error.is_passing_once_known() => wait(&mut delay, &self.config).await,
                Err(error) => return Err(failed("worker_error", error.to_string())),
            }
        }
    }
}

/// Hands the history to the server.
struct RemoteJournal {
    client: Client,
    config: Arc<RemoteConfig>,
    path: String,
    run: RunId,
    /// The status with which the server would not have it, and what it said.
    refusal: OnceLock<(u16, String)>,
}

#[async_trait]
impl Journal for RemoteJournal {
    async fn record(&self, run: &RunId, events: &[Sealed]) -> Result<(), StoreError> {
        if *run != self.run {
            return Err(StoreError::Contradiction("a worker executes the run that it was granted, and no other"));
        }
        let lines = write_lines(events);
        let mut delay = self.config.backoff;
        loop {
            // Telling it again is harmless, so that an answer that was lost costs nothing.
            match self.client.post_lines(&self.path, lines.clone()).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_passing_once_known() => {
                    tracing::warn!(%run, %error, "a history was not brought yet");
                    wait(&mut delay, &self.config).await;
                }
                Err(error) => {
                    if let RemoteError::Refused { status, .. } = &error {
                        // The first one says why.
                        let _ = self.refusal.set((*status, error.to_string()));
                    }
                    return Err(StoreError::Backend(Box::new(error)));
                }
            }
        }
    }
}

pub(super) async fn wait(delay: &mut Duration, config: &RemoteConfig) {
    tokio::time::sleep(*delay).await;
    *delay = delay.saturating_mul(2).min(config.longest_backoff);
}

fn failed(code: &str, message: String) -> EffectError {
    EffectError { retryable: true, ..EffectError::new(code, message) }
}

fn unreadable(error: &dyn std::error::Error) -> EffectError {
    failed("worker_error", format!("the history cannot be read: {error}"))
}

fn of_engine(error: EngineError) -> EffectError {
    match error {
        // What its provider ran into is not the run's fault, and the server stops grants to who shares it.
        EngineError::Halted { error, .. } => error,
        EngineError::Refused(_) => failed("refused_flow", error.to_string()),
        EngineError::Untrusted(_) => failed("untrusted_flow", error.to_string()),
        error => {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            failed("worker_error", format!("{error}{cause}"))
        }
    }
}
