//! The store of the data directory, and how people name what is in it.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use bloom_ir::VerifiedIr;
use bloom_runtime::clock::Clock as _;
use bloom_runtime::record::{
    Actor, FlowRecord, Proposal, ProposalError, ProposalId, Question, QuestionId, RunId, RunRecord,
};
use bloom_runtime::store::{ProposalFilter, QuestionFilter, RunFilter, Store as _, StoreError};
use bloom_store::RedbStore;
use serde::de::DeserializeOwned;

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;
use crate::place;
use crate::session::Session;

/// The store's file in the data directory.
const FILE: &str = "bloom.redb";

/// The newest run, in place of an id.
const LAST: &str = "last";

/// An open store.
pub(crate) struct Store<'a> {
    pub(crate) inner: Arc<RedbStore>,
    catalogue: &'a Catalogue,
}

impl<'a> Store<'a> {
    /// Opens the store of the data directory, and makes it where it is not there.
    pub(crate) fn open(session: &'a Session) -> anyhow::Result<Self> {
        let catalogue = &session.catalogue;
        let data = session.data.create(catalogue)?;
        // What is wrong with the settings is told where they matter more.
        let cache = session.config().map_or(RedbStore::CACHE, |config| {
            usize::try_from(config.settings.limits.store_cache_mib).unwrap_or(0).saturating_mul(1 << 20)
        });
        match RedbStore::open_with_cache(data, cache) {
            Ok(store) => {
                close_to_others(data)?;
                let place = session.config().ok().map(|config| place::of(&config.settings.artifacts, catalogue));
                let store = match place.transpose()?.flatten() {
                    Some(place) => store.with_place(place),
                    None => store,
                };
                Ok(Self { inner: Arc::new(store), catalogue })
            }
            Err(error) => Err(explained(error, catalogue)),
        }
    }

    /// A setting; what it is by default where nobody has set it.
    pub(crate) async fn setting<T: Default + DeserializeOwned>(&self, name: &str) -> anyhow::Result<T> {
        let kept = self.inner.setting(name).await?;
        Ok(kept.as_deref().map(serde_json::from_str).transpose()?.unwrap_or_default())
    }

    /// The run of an id, of an unambiguous beginning or end of one, or the `last` one.
    pub(crate) async fn run(&self, name: &str) -> anyhow::Result<RunRecord> {
        if let Some(run) = self.inner.run(&RunId::new(name)).await? {
            return Ok(run);
        }
        let runs = |limit| {
            let filter = RunFilter { limit, ..RunFilter::default() };
            async move { self.inner.runs(&filter).await }
        };
        if name == LAST {
            let runs = runs(1).await?;
            let none = || Explained::failed(text!(self.catalogue, "no-runs"));
            return Ok(runs.into_iter().next().ok_or_else(none)?);
        }
        one(
            runs(usize::MAX).await?,
            name,
            |run| run.id.as_str(),
            || text!(self.catalogue, "no-such-run", id = name),
            self.catalogue,
        )
    }

    /// Keeps a flow, so that others can call it.
    pub(crate) async fn keep(&self, ir: &VerifiedIr, session: &Session) -> anyhow::Result<()> {
        let flow = &ir.document().flow;
        let record = FlowRecord {
            hash: ir.hash(),
            program: ir.program(),
            id: flow.id.clone(),
            version: flow.version.clone(),
            title: flow.title.clone(),
            stored_at: session.clock.now(),
        };
        let bytes = match self.inner.flow_document(record.hash).await? {
            Some(_) => return Ok(()),
            None => ir.bytes().to_vec(),
        };
        let kept = crate::host::kept(session)?;
        let failed = || text!(self.catalogue, "cannot-write", path = kept.path().display().to_string());
        kept.keep_shipped(&ir.document().policy.pinned()).with_context(failed)?;
        let stored = record.audit_note(owner());
        Ok(self.inner.put_flow(record, bytes, vec![stored]).await?)
    }

    /// Keeps a diagram, for the pages that show its runs.
    pub(crate) async fn keep_source(&self, source: Option<Vec<u8>>) -> anyhow::Result<()> {
        if let Some(bytes) = source {
            self.inner.put_blob(bytes).await?;
        }
        Ok(())
    }

    /// The document of a flow by `id@version`, by hash, or by an unambiguous beginning of a hash.
    pub(crate) async fn flow(&self, name: &str) -> anyhow::Result<Option<Vec<u8>>> {
        let hash = if let Some((id, version)) = name.split_once('@') {
            let known = self.inner.flow_version(id, version).await?;
            known.and_then(|known| known.documents.last().copied())
        } else {
            let hex = name.strip_prefix("sha256:").unwrap_or(name);
            let flows = self.inner.flows().await?;
            let mut found = flows.iter().filter(|flow| hex.len() >= 8 && flow.hash.hex().starts_with(hex));
            found.next().filter(|_| found.next().is_none()).map(|flow| flow.hash)
        };
        Ok(match hash {
            Some(hash) => self.inner.flow_document(hash).await?,
            None => None,
        })
    }

    /// The question of an id, or of an unambiguous beginning or end of one.
    pub(crate) async fn question(&self, name: &str) -> anyhow::Result<Question> {
        if let Some(question) = self.inner.question(&QuestionId::new(name)).await? {
            return Ok(question);
        }
        let all = self.inner.questions(&QuestionFilter { limit: usize::MAX, ..QuestionFilter::default() }).await?;
        let missing = || text!(self.catalogue, "no-such-question", id = name);
        one(all, name, |question| question.id.as_str(), missing, self.catalogue)
    }

    /// The proposal of an id, or of an unambiguous beginning or end of one.
    pub(crate) async fn proposal(&self, name: &str) -> anyhow::Result<Proposal> {
        if let Some(proposal) = self.inner.proposal(&ProposalId::new(name)).await? {
            return Ok(proposal);
        }
        let all = self.inner.proposals(&ProposalFilter { limit: usize::MAX, ..ProposalFilter::default() }).await?;
        let missing = || text!(self.catalogue, "no-such-proposal", id = name);
        one(all, name, |proposal| proposal.id.as_str(), missing, self.catalogue)
    }
}

/// The histories hold prompts and notes: the store is for its owner also where its directory is not.
fn close_to_others(data: &Path) -> anyhow::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let file = data.join(FILE);
        if std::fs::metadata(&file)?.permissions().mode() & 0o077 != 0 {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}

/// The person at this machine.
pub(crate) fn owner() -> Actor {
    Actor(String::from("owner"))
}

/// The only one that a part of an id names.
fn one<T>(
    all: Vec<T>,
    name: &str,
    id: impl Fn(&T) -> &str,
    missing: impl Fn() -> String,
    catalogue: &Catalogue,
) -> anyhow::Result<T> {
    let named = |record: &T| !name.is_empty() && (id(record).starts_with(name) || id(record).ends_with(name));
    let mut found: Vec<T> = all.into_iter().filter(named).collect();
    match (found.len(), found.pop()) {
        (1, Some(record)) => Ok(record),
        (0, _) | (_, None) => Err(Explained::failed(missing()).into()),
        (count, _) => Err(Explained::failed(text!(catalogue, "ambiguous", id = name, count = count))
            .hint(text!(catalogue, "ambiguous-hint"))
            .into()),
    }
}

/// An error of the store, in the person's language where it is about what the person asked.
pub(crate) fn explained(error: StoreError, catalogue: &Catalogue) -> anyhow::Error {
    let message = match &error {
        StoreError::Locked { path, holder } => {
            return Explained::failed(text!(catalogue, "store-locked", path = path, holder = holder))
                .hint(text!(catalogue, "store-locked-hint"))
                .into();
        }
        StoreError::Backend(_) => {
            return match error.disk() {
                Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge) => {
                    let full =
                        Explained::failed(text!(catalogue, "store-full")).hint(text!(catalogue, "store-full-hint"));
                    anyhow::Error::new(error).context(full)
                }
                Some(ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied) => {
                    let explained = Explained::failed(text!(catalogue, "store-read-only"));
                    anyhow::Error::new(error).context(explained.hint(text!(catalogue, "store-read-only-hint")))
                }
                _ => anyhow::Error::new(error).context(text!(catalogue, "store-failed")),
            };
        }
        StoreError::Damaged(what) => {
            return Explained::failed(text!(catalogue, "store-damaged", what = what))
                .hint(text!(catalogue, "store-damaged-hint"))
                .into();
        }
        StoreError::TooNew { path, found, supported } => {
            text!(catalogue, "store-too-new", path = path, found = *found, supported = *supported)
        }
        StoreError::FlowConflict(conflict) => {
            let (id, version) = (&conflict.id, &conflict.version);
            return Explained::refused(text!(catalogue, "flow-conflict", id = id, version = version))
                .hint(text!(catalogue, "flow-conflict-hint"))
                .into();
        }
        StoreError::Proposal(ProposalError::Duplicate { id, of }) => {
            text!(catalogue, "proposal-duplicate", id = id.as_str(), of = of.as_str())
        }
        StoreError::Proposal(ProposalError::Expired { id, at }) => {
            text!(catalogue, "proposal-expired", id = id.as_str(), at = crate::clock::local(*at))
        }
        StoreError::Proposal(ProposalError::Status { id, from, .. }) => {
            text!(catalogue, "proposal-decided", id = id.as_str(), status = words::proposal(*from, catalogue))
        }
        StoreError::Unavailable(what) => {
            return Explained::failed(text!(catalogue, "store-unavailable", what = what))
                .hint(text!(catalogue, "artifacts-hint"))
                .into();
        }
        _ => return anyhow::Error::new(error).context(text!(catalogue, "store-failed")),
    };
    Explained::failed(message).into()
}

pub(crate) mod words {
    //! The states of records in words.

    use bloom_runtime::record::{ProposalStatus, QuestionStatus, RunRecord, RunStatus, TaskStatus};

    use crate::catalogue::{Catalogue, text};

    pub(crate) fn run(status: RunStatus, catalogue: &Catalogue) -> String {
        match status {
            RunStatus::Requested => text!(catalogue, "status-requested"),
            RunStatus::Queued => text!(catalogue, "status-queued"),
            RunStatus::Running => text!(catalogue, "status-running"),
            RunStatus::Completed => text!(catalogue, "status-completed"),
            RunStatus::Failed => text!(catalogue, "status-failed"),
            RunStatus::Cancelled => text!(catalogue, "status-cancelled"),
            RunStatus::Continued => text!(catalogue, "status-continued"),
        }
    }

    /// Where a run stands: also whether it waits, which is no status of its own.
    pub(crate) fn standing(run: &RunRecord, catalogue: &Catalogue) -> String {
        if run.waiting { text!(catalogue, "status-waiting") } else { self::run(run.status, catalogue) }
    }

    /// The same of a run that a server tells of.
    pub(crate) fn of_server(run: &serde_json::Value, catalogue: &Catalogue) -> String {
        if run["waiting"] == true {
            return text!(catalogue, "status-waiting");
        }
        let status = serde_json::from_value(run["status"].clone());
        status.map_or_else(|_| run["status"].to_string(), |status| self::run(status, catalogue))
    }

    pub(crate) fn question(status: QuestionStatus, catalogue: &Catalogue) -> String {
        match status {
            QuestionStatus::Open => text!(catalogue, "status-open"),
            QuestionStatus::Answered => text!(catalogue, "status-answered"),
            QuestionStatus::Closed => text!(catalogue, "status-closed"),
        }
    }

    pub(crate) fn task(status: TaskStatus, catalogue: &Catalogue) -> String {
        match status {
            TaskStatus::Queued => text!(catalogue, "status-queued"),
            TaskStatus::Leased => text!(catalogue, "status-leased"),
            TaskStatus::Running => text!(catalogue, "status-running"),
            TaskStatus::Completed => text!(catalogue, "status-completed"),
            TaskStatus::Failed => text!(catalogue, "status-failed"),
            TaskStatus::Dead => text!(catalogue, "status-dead"),
        }
    }

    pub(crate) fn proposal(status: ProposalStatus, catalogue: &Catalogue) -> String {
        match status {
            ProposalStatus::Pending => text!(catalogue, "status-pending"),
            ProposalStatus::AutoApproved => text!(catalogue, "status-auto-approved"),
            ProposalStatus::Approved => text!(catalogue, "status-approved"),
            ProposalStatus::Rejected => text!(catalogue, "status-rejected"),
            ProposalStatus::Expired => text!(catalogue, "status-expired"),
            ProposalStatus::Applying => text!(catalogue, "status-applying"),
            ProposalStatus::Applied => text!(catalogue, "status-applied"),
            ProposalStatus::Failed => text!(catalogue, "status-proposal-failed"),
        }
    }
}
