//! Proposals.

use std::ops::ControlFlow;

use bloom_runtime::record::{Actor, Proposal, ProposalId, ProposalStatus};
use bloom_runtime::store::{ApplyStep, Decision, StoreError};

use super::{Key, Rows, Stage, Table, must_be_new, read, require, row, write_audit};

/// Keeps a proposal of a run, unless the run has emitted it before.
pub(super) fn create(stage: &mut Stage<'_>, mut proposal: Proposal) -> Result<(), StoreError> {
    let emission = Key::new().text(proposal.run.as_str()).text(&proposal.emission).build();
    if stage.get(Table::ProposalsByEmission, &emission)?.is_some() {
        return Ok(());
    }
    must_be_new(stage, Table::Proposals, "proposal", proposal.id.as_str())?;
    let id = proposal.id.clone();
    proposal.duplicate_of = None;
    if proposal.status == ProposalStatus::Pending {
        let content = content_key(&proposal);
        if let Some(original) = stage.get(Table::PendingContents, &content)? {
            let original = row::id(&original)?;
            stage.put(Table::Duplicates, duplicate_key(original, id.as_str()), id.as_str().into());
            proposal.duplicate_of = Some(ProposalId::new(original));
        } else {
            stage.put(Table::PendingContents, content, id.as_str().into());
        }
    }
    stage.put(Table::ProposalsByEmission, emission, id.as_str().into());
    stage.put(Table::ProposalsByTime, time_key(Key::new(), &proposal), id.as_str().into());
    put(stage, None, &proposal);
    Ok(())
}

pub(in super::super) fn decide(stage: &mut Stage<'_>, decision: Decision) -> Result<Proposal, StoreError> {
    let Decision { proposal: id, verdict, by, at, note } = decision;
    let before: Proposal = require(stage, Table::Proposals, "proposal", id.as_str())?;
    let mut proposal = before.clone();
    proposal.decide(verdict, by.clone(), at, note)?;
    put(stage, Some(&before), &proposal);
    // From now on the same content is a new proposal.
    stage.remove(Table::PendingContents, content_key(&proposal));

    let mut audit = vec![proposal.audit_note(by.clone(), at)];
    for id in duplicates(stage, &id)? {
        let before: Proposal = require(stage, Table::Proposals, "proposal", &id)?;
        let mut duplicate = before.clone();
        duplicate.follow(&proposal, by.clone(), at)?;
        put(stage, Some(&before), &duplicate);
        audit.push(duplicate.audit_note(by.clone(), at));
    }
    write_audit(stage, audit)?;
    Ok(proposal)
}

/// Ends the pending ones that are overdue.
pub(in super::super) fn expire(stage: &mut Stage<'_>, at: i64, by: &Actor) -> Result<Vec<Proposal>, StoreError> {
    let mut overdue = Vec::new();
    for id in pending(stage)? {
        let before: Proposal = require(stage, Table::Proposals, "proposal", &id)?;
        if !before.is_overdue(at) {
            continue;
        }
        let mut proposal = before.clone();
        proposal.expire(at)?;
        put(stage, Some(&before), &proposal);
        match &before.duplicate_of {
            Some(original) => stage.remove(Table::Duplicates, duplicate_key(original.as_str(), &id)),
            None => inherit(stage, &proposal)?,
        }
        overdue.push(proposal);
    }
    let notes = overdue.iter().map(|proposal| proposal.audit_note(by.clone(), at)).collect();
    write_audit(stage, notes)?;
    Ok(overdue)
}

/// The first duplicate of one that expired stands in its place, and the others repeat that one.
fn inherit(stage: &mut Stage<'_>, expired: &Proposal) -> Result<(), StoreError> {
    stage.remove(Table::PendingContents, content_key(expired));
    let mut heir: Option<ProposalId> = None;
    for id in duplicates(stage, &expired.id)? {
        stage.remove(Table::Duplicates, duplicate_key(expired.id.as_str(), &id));
        let before: Proposal = require(stage, Table::Proposals, "proposal", &id)?;
        let mut duplicate = before.clone();
        duplicate.duplicate_of.clone_from(&heir);
        if let Some(heir) = &heir {
            stage.put(Table::Duplicates, duplicate_key(heir.as_str(), &id), id.clone().into());
        } else {
            stage.put(Table::PendingContents, content_key(&duplicate), id.clone().into());
            heir = Some(duplicate.id.clone());
        }
        put(stage, Some(&before), &duplicate);
    }
    Ok(())
}

/// The pending ones, oldest first.
fn pending(rows: &impl Rows) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::ProposalsByStatus, &status_key(ProposalStatus::Pending).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

/// When the first of the pending ones is overdue.
pub(in super::super) fn next_expiry(rows: &impl Rows) -> Result<Option<i64>, StoreError> {
    let mut next: Option<i64> = None;
    for id in pending(rows)? {
        let proposal: Proposal = require(rows, Table::Proposals, "proposal", &id)?;
        next = next.into_iter().chain([proposal.expires_at]).min();
    }
    Ok(next)
}

pub(in super::super) fn step(stage: &mut Stage<'_>, step: ApplyStep) -> Result<Proposal, StoreError> {
    let before: Proposal = require(stage, Table::Proposals, "proposal", step.proposal.as_str())?;
    let mut proposal = before.clone();
    proposal.step(step.to, step.at, step.result)?;
    put(stage, Some(&before), &proposal);
    write_audit(stage, vec![proposal.audit_note(step.by, step.at)])?;
    Ok(proposal)
}

pub(in super::super) fn proposal(rows: &impl Rows, id: &ProposalId) -> Result<Option<Proposal>, StoreError> {
    read(rows, Table::Proposals, id.as_str())
}

fn duplicates(rows: &impl Rows, original: &ProposalId) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(Table::Duplicates, &Key::new().text(original.as_str()).span(), |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

fn put(stage: &mut Stage<'_>, before: Option<&Proposal>, proposal: &Proposal) {
    if let Some(before) = before {
        stage.remove(Table::ProposalsByStatus, time_key(status_key(before.status), before));
    }
    let id = || proposal.id.as_str().into();
    stage.put(Table::ProposalsByStatus, time_key(status_key(proposal.status), proposal), id());
    stage.put(Table::Proposals, id(), row::encode(proposal));
}

pub(in super::super) fn status_key(status: ProposalStatus) -> Key {
    Key::new().text(status.name())
}

/// The place of a proposal among others: by time, then by id.
pub(in super::super) fn time_key(under: Key, proposal: &Proposal) -> Vec<u8> {
    under.signed(proposal.created_at).text(proposal.id.as_str()).build()
}

pub(in super::super) fn content_key(proposal: &Proposal) -> Vec<u8> {
    Key::new()
        .text(&proposal.agent)
        .text(&proposal.action)
        .text(&proposal.target)
        .bytes(proposal.fingerprint.as_bytes())
        .build()
}

pub(in super::super) fn duplicate_key(original: &str, duplicate: &str) -> Vec<u8> {
    Key::new().text(original).text(duplicate).build()
}
