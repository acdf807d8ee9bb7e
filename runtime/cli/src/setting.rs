//! With what a run was started, beside its flow and inputs: kept with its inbox entry, so that the run can go on, and
//! its proposals be applied, without being told again.

use std::path::{Path, PathBuf};

use bloom_ir::Value;
use bloom_runtime::record::{RunId, RunRecord};
use bloom_runtime::store::Store as _;
use serde::{Deserialize, Serialize};

use crate::engine;
use crate::session::Session;
use crate::store::Store;

/// The folders and the choice of who answers; paths are absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Setting {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) notes: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) context: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) flows: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tools: Option<PathBuf>,
    /// As `--llm` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) llm: Option<String>,
}

impl Setting {
    /// What this one says, and `other` where it is silent.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            notes: self.notes.or(other.notes),
            context: self.context.or(other.context),
            flows: self.flows.or(other.flows),
            memory: self.memory.or(other.memory),
            tools: self.tools.or(other.tools),
            llm: self.llm.or(other.llm),
        }
    }

    /// That of the operator's settings, for what nobody says otherwise.
    pub(crate) fn of_operator(session: &Session) -> anyhow::Result<Self> {
        let run = &session.config()?.settings.run;
        let absolute = |path: &Option<PathBuf>| path.as_deref().map(absolute);
        Ok(Self {
            notes: absolute(&run.notes),
            context: absolute(&run.context),
            flows: absolute(&run.flows),
            memory: absolute(&run.memory),
            tools: absolute(&run.tools),
            llm: run.llm.as_deref().map(crate::llm::absolute),
        })
    }

    /// For the inbox entry. A path that is not Unicode cannot be kept, and then nothing is.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).map(Value::from).unwrap_or_default()
    }

    /// That of a run; empty where none was kept.
    pub(crate) async fn of(run: &RunRecord, store: &Store<'_>) -> anyhow::Result<Self> {
        let entry = store.inner.inbox_entry(&run.inbox).await?;
        let kept = entry.and_then(|entry| entry.payload.get("setting").map(Value::to_json));
        Ok(kept.and_then(|kept| serde_json::from_value(kept).ok()).unwrap_or_default())
    }

    /// With what the run was started that made a proposal.
    pub(crate) async fn of_run(id: &RunId, store: &Store<'_>) -> anyhow::Result<Self> {
        match store.inner.run(id).await? {
            Some(run) => Self::of(&engine::first(&run, store).await?, store).await,
            None => Ok(Self::default()),
        }
    }
}

/// The path from the root on, without looking whether it is there.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
