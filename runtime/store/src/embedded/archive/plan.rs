//! Which runs may go: those that ended before a time, unless something that stays needs them.
//!
//! | a run stays while | since |
//! |---|---|
//! | it made a proposal that is not rejected, expired or applied | somebody may still decide on it, or apply it |
//! | it handed out an artifact | flows find artifacts by name in the histories of runs |
//! | somebody holds one of its tasks | the holder will report |
//! | a run that stays started it, was started or forked by it, or goes on in its place, or made a proposal that repeats one of its own, or the other way round | they name each other |

use std::collections::{BTreeMap, BTreeSet};

use bloom_interpreter::history::{Event, Payload};
use bloom_ir::Digest;
use bloom_ir::document::EmitKind;
use bloom_runtime::engine::artifact;
use bloom_runtime::record::{
    Artifact, FlowRecord, InboxEntry, InboxId, Lease, LeaseId, LeaseStatus, Proposal, ProposalStatus, RunId, RunRecord,
    TaskId,
};
use bloom_runtime::store::StoreError;

use super::super::export::{each_event, records};
use super::super::key::Key;
use super::super::snapshot::{Rows as _, Snapshot};
use super::super::table::Table;
use super::super::verbs::proposal;
use super::indexed;
use crate::transfer::TransferError;

/// What an archive would hold.
#[derive(Debug)]
pub struct ArchivePlan {
    /// In the order in which they are taken out: a run before the one that goes on in its place.
    pub(super) runs: Vec<Ended>,
    /// Runs that ended before the time, and stay.
    pub kept: Kept,
}

impl ArchivePlan {
    /// How many runs.
    pub fn runs(&self) -> u64 {
        self.runs.len() as u64
    }

    /// How many events they have.
    pub fn events(&self) -> u64 {
        self.runs.iter().map(|run| run.events).sum()
    }
}

/// How many runs stay though they ended long ago, each by the first reason that was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// With proposals that are not closed.
    pub proposals: u64,
    /// That handed out artifacts.
    pub artifacts: u64,
    /// Of which somebody holds a task.
    pub held: u64,
    /// That runs which stay name, or that name them.
    pub linked: u64,
}

/// A run that goes.
#[derive(Debug)]
pub(in super::super) struct Ended {
    pub(super) id: RunId,
    pub(super) ir: Digest,
    pub(super) head: Digest,
    pub(super) events: u64,
    pub(super) inbox: Vec<InboxId>,
    pub(super) leases: Vec<LeaseId>,
    /// Payloads that are kept beside the log for no event but those of this run and of runs that went before.
    pub(super) payloads: Vec<Digest>,
}

/// A run that ended long ago.
struct Candidate {
    created_at: i64,
    continues: Option<RunId>,
    continued_by: Option<RunId>,
    ended: Ended,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Reason {
    Proposal,
    Artifact,
    Held,
    Linked,
}

#[derive(Default)]
struct Survey {
    candidates: BTreeMap<RunId, Candidate>,
    /// Runs that name each other.
    links: Vec<(RunId, RunId)>,
    stays: BTreeMap<RunId, Reason>,
}

pub(in super::super) fn plan(rows: &Snapshot, before: i64) -> Result<ArchivePlan, TransferError> {
    let mut survey = Survey::default();
    survey.runs(rows, before)?;
    survey.proposals(rows)?;
    survey.spread(rows)?;
    survey.leases(rows)?;
    survey.inbox(rows)?;
    survey.events(rows)?;
    survey.spread(rows)?;
    let Survey { mut candidates, stays, .. } = survey;
    let mut kept = Kept::default();
    for (run, reason) in stays {
        candidates.remove(&run);
        *match reason {
            Reason::Proposal => &mut kept.proposals,
            Reason::Artifact => &mut kept.artifacts,
            Reason::Held => &mut kept.held,
            Reason::Linked => &mut kept.linked,
        } += 1;
    }
    let mut runs = ordered(candidates);
    payloads(rows, &mut runs)?;
    Ok(ArchivePlan { runs, kept })
}

impl Survey {
    fn stays(&mut self, run: &RunId, reason: Reason) {
        if self.candidates.contains_key(run) {
            self.stays.entry(run.clone()).or_insert(reason);
        }
    }

    fn goes(&self, run: &RunId) -> bool {
        self.candidates.contains_key(run) && !self.stays.contains_key(run)
    }

    fn runs(&mut self, rows: &Snapshot, before: i64) -> Result<(), TransferError> {
        records(rows, Table::Runs, |run: RunRecord| {
            let parent = run.parent.as_ref().map(|parent| &parent.run);
            let origin = run.origin.as_ref().map(|origin| &origin.run);
            let named = [parent, origin, run.continues.as_ref(), run.continued_by.as_ref()];
            self.links.extend(named.into_iter().flatten().map(|other| (run.id.clone(), other.clone())));
            if run.status.is_terminal() && run.updated_at < before {
                let ended = Ended {
                    id: run.id.clone(),
                    ir: run.ir,
                    head: run.history_head,
                    events: run.events,
                    inbox: vec![run.inbox],
                    leases: vec![],
                    payloads: vec![],
                };
                let (continues, continued_by) = (run.continues, run.continued_by);
                let candidate = Candidate { created_at: run.created_at, continues, continued_by, ended };
                self.candidates.insert(run.id, candidate);
            }
            Ok(())
        })
    }

    fn proposals(&mut self, rows: &Snapshot) -> Result<(), TransferError> {
        records(rows, Table::Proposals, |made: Proposal| {
            let is_closed = match made.status {
                ProposalStatus::Rejected | ProposalStatus::Expired | ProposalStatus::Applied => true,
                ProposalStatus::Pending
                | ProposalStatus::AutoApproved
                | ProposalStatus::Approved
                | ProposalStatus::Applying
                | ProposalStatus::Failed => false,
            };
            if !is_closed {
                self.stays(&made.run, Reason::Proposal);
            }
            if let Some(original) = &made.duplicate_of
                && let Some(original) = proposal::proposal(rows, original)?
            {
                self.links.push((made.run, original.run));
            }
            Ok(())
        })
    }

    /// What runs that stay name stays, and what names them.
    fn spread(&mut self, rows: &Snapshot) -> Result<(), TransferError> {
        let mut neighbours: BTreeMap<&RunId, Vec<&RunId>> = BTreeMap::new();
        let mut found: Vec<&RunId> = Vec::new();
        for (one, other) in &self.links {
            for (one, other) in [(one, other), (other, one)] {
                if !self.candidates.contains_key(other) {
                    continue;
                }
                if self.candidates.contains_key(one) {
                    neighbours.entry(one).or_default().push(other);
                } else if rows.get(Table::Runs, one.as_str().as_bytes())?.is_some() {
                    found.push(other);
                }
            }
        }
        let stays = &mut self.stays;
        for run in found {
            stays.entry(run.clone()).or_insert(Reason::Linked);
        }
        let mut open: Vec<RunId> = stays.keys().cloned().collect();
        while let Some(run) = open.pop() {
            for other in neighbours.get(&run).into_iter().flatten() {
                if !stays.contains_key(*other) {
                    stays.insert((*other).clone(), Reason::Linked);
                    open.push((*other).clone());
                }
            }
        }
        Ok(())
    }

    fn leases(&mut self, rows: &Snapshot) -> Result<(), TransferError> {
        let mut runs: BTreeMap<TaskId, RunId> = BTreeMap::new();
        for run in self.candidates.keys().filter(|run| self.goes(run)) {
            let span = Key::new().text(run.as_str()).span();
            let tasks = indexed(rows, Table::TasksByEffect, &span)?;
            runs.extend(tasks.into_iter().map(|task| (TaskId::new(task), run.clone())));
        }
        if runs.is_empty() {
            return Ok(());
        }
        records(rows, Table::Leases, |lease: Lease| {
            let Some(run) = runs.get(&lease.task) else { return Ok(()) };
            if lease.status == LeaseStatus::Active {
                self.stays(run, Reason::Held);
            }
            if let Some(candidate) = self.candidates.get_mut(run) {
                candidate.ended.leases.push(lease.id);
            }
            Ok(())
        })
    }

    /// Signals have entries of their own, beside the one that asked for the run.
    fn inbox(&mut self, rows: &Snapshot) -> Result<(), TransferError> {
        records(rows, Table::Inbox, |entry: InboxEntry| {
            if entry.action == "signal"
                && let Some(candidate) = self.candidates.get_mut(&RunId::new(entry.correlation_id))
                && !candidate.ended.inbox.contains(&entry.id)
            {
                candidate.ended.inbox.push(entry.id);
            }
            Ok(())
        })
    }

    fn events(&mut self, rows: &Snapshot) -> Result<(), TransferError> {
        let runs: Vec<RunId> = self.candidates.keys().filter(|run| self.goes(run)).cloned().collect();
        for run in runs {
            let (mut has_artifact, mut payloads) = (false, BTreeSet::new());
            each_event(rows, &run, |event, beside| {
                has_artifact |= handed_out(&event).is_some();
                payloads.extend(beside);
                Ok(())
            })?;
            if has_artifact {
                self.stays(&run, Reason::Artifact);
            } else if let Some(candidate) = self.candidates.get_mut(&run) {
                candidate.ended.payloads = payloads.into_iter().collect();
            }
        }
        Ok(())
    }
}

/// The digest of the artifact that an event tells of.
fn handed_out(event: &Event) -> Option<Digest> {
    match &event.payload {
        Some(Payload::Emitted { emission }) if emission.kind == EmitKind::Artifact => Some(artifact(emission).1),
        _ => None,
    }
}

/// By age, and each before the one that goes on in its place: where only some of them are gone, no run names one that is.
fn ordered(mut candidates: BTreeMap<RunId, Candidate>) -> Vec<Ended> {
    let mut heads: Vec<(bool, i64, RunId)> = candidates
        .iter()
        .map(|(id, run)| {
            let is_later = run.continues.as_ref().is_some_and(|before| candidates.contains_key(before));
            (is_later, run.created_at, id.clone())
        })
        .collect();
    heads.sort();
    let mut runs = Vec::new();
    for (_, _, id) in heads {
        let mut next = Some(id);
        while let Some(Candidate { continued_by, ended, .. }) = next.and_then(|id| candidates.remove(&id)) {
            runs.push(ended);
            next = continued_by;
        }
    }
    runs
}

/// Leaves with each run the payloads that nothing needs when it is gone, and all before it.
fn payloads(rows: &Snapshot, runs: &mut [Ended]) -> Result<(), TransferError> {
    let mut last: BTreeMap<Digest, usize> = BTreeMap::new();
    for (place, run) in runs.iter_mut().enumerate() {
        last.extend(std::mem::take(&mut run.payloads).into_iter().map(|digest| (digest, place)));
    }
    if last.is_empty() {
        return Ok(());
    }
    let going: BTreeSet<RunId> = runs.iter().map(|run| run.id.clone()).collect();
    records(rows, Table::Runs, |run: RunRecord| {
        if going.contains(&run.id) {
            return Ok(());
        }
        each_event(rows, &run.id, |event, beside| {
            for digest in beside.into_iter().chain(handed_out(&event)) {
                last.remove(&digest);
            }
            Ok(())
        })
    })?;
    records(rows, Table::Artifacts, |artifact: Artifact| {
        last.remove(&artifact.content);
        Ok(())
    })?;
    records(rows, Table::Flows, |flow: FlowRecord| {
        if let Some(source) = source(rows, &flow)? {
            last.remove(&source);
        }
        Ok(())
    })?;
    for (digest, place) in last {
        if let Some(run) = runs.get_mut(place) {
            run.payloads.push(digest);
        }
    }
    Ok(())
}

/// The digest of the file that a flow was made from.
fn source(rows: &Snapshot, flow: &FlowRecord) -> Result<Option<Digest>, StoreError> {
    let document = rows.get(Table::FlowDocuments, flow.hash.as_bytes())?.unwrap_or_default();
    let document: Option<serde_json::Value> = serde_json::from_slice(&document).ok();
    let source = document.as_ref().and_then(|document| document["source"]["sha256"].as_str());
    Ok(source.and_then(|hex| format!("sha256:{hex}").parse().ok()))
}
