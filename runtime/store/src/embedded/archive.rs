//! Runs that ended long ago go to a file, and out of the store.
//!
//! The file is written, on disk, and read again before anything is taken out. What is taken out goes in commits of whole runs, each
//! with its entry in the audit log: a crash leaves every run in the store, in the file, or in both.

mod plan;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Seek as _};
use std::ops::ControlFlow;

use bloom_ir::Value;
use bloom_runtime::record::{Actor, AuditNote, RunRecord, Task};
use bloom_runtime::store::StoreError;
use flate2::Compression;
use flate2::write::GzEncoder;
use rustix::fs::{Advice, fadvise};

use super::export;
use super::import::Cursor;
use super::key::{Key, Span};
use super::restore::{Groups, Item};
use super::row;
use super::schema::{GAPS_KEY, gaps};
use super::snapshot::{Rows, Snapshot};
use super::stage::Stage;
use super::table::Table;
use super::verbs::{self, history, proposal, question, task};
use crate::staged::Staged;
use crate::transfer::{Contents, Format, LineWriter, Record, TransferError};

use self::plan::Ended;
pub(super) use self::plan::plan;
pub use self::plan::{ArchivePlan, Kept};

/// So many runs at most are taken out in one commit,
const BATCH_RUNS: usize = 128;
/// with about so many events.
const BATCH_EVENTS: u64 = 20_000;

/// Writes the file and reads it again; it has no name yet.
pub(super) fn write(
    rows: &Snapshot,
    plan: &ArchivePlan,
    staged: Staged,
    now: i64,
) -> Result<(Staged, Contents), TransferError> {
    let file = staged.file().try_clone().map_err(TransferError::Write)?;
    let encoder = GzEncoder::new(BufWriter::with_capacity(1 << 16, file), Compression::default());
    let mut lines = LineWriter::new(encoder, Format::Archive, now)?;
    let mut flows = BTreeSet::new();
    for ended in &plan.runs {
        if flows.insert(ended.ir) {
            let flow = rows.get(Table::Flows, ended.ir.as_bytes())?.ok_or_else(|| gone("flow", ended.ir))?;
            lines.write(&export::stored_flow(rows, row::decode(&flow)?)?)?;
        }
    }
    // The last that is taken out is the first to be put back.
    for ended in plan.runs.iter().rev() {
        let run = unchanged(rows, ended)?;
        lines.write(&Record::Run(run))?;
        export::each_event(rows, &ended.id, |event, _| lines.write(&Record::Event(event)))?;
        for record in belongings(rows, ended)? {
            lines.write(&record)?;
        }
    }
    let (encoder, contents) = lines.finish()?;
    let written = encoder.finish().and_then(|buffer| buffer.into_inner().map_err(std::io::IntoInnerError::into_error));
    let file = written.map_err(TransferError::Write)?;
    staged.sync()?;
    check(file, plan, contents)?;
    Ok((staged, contents))
}

/// Reads an archive again, from the disk as far as the system lets it: everything must be there.
fn check(mut file: File, plan: &ArchivePlan, contents: Contents) -> Result<(), TransferError> {
    let _ = fadvise(&file, 0, None, Advice::DontNeed);
    file.rewind().map_err(TransferError::Read)?;
    let mut due = plan.runs.iter().rev();
    let mut groups = Groups::open(file)?;
    while let Some(item) = groups.read()? {
        let Item::Run(group) = item else { continue };
        group.check()?;
        let is_due = due.next().is_some_and(|ended| {
            let run = group.run();
            (&run.id, run.history_head, run.events) == (&ended.id, ended.head, ended.events)
        });
        if !is_due {
            return Err(group.changed("it is not the run that was written"));
        }
    }
    match groups.contents() {
        Some(found) if found == contents && due.next().is_none() => Ok(()),
        _ => Err(TransferError::Truncated { line: contents.records }),
    }
}

/// The runs of each commit in which they are taken out.
pub(super) fn batches(plan: ArchivePlan) -> Vec<Vec<Ended>> {
    let mut batches: Vec<Vec<Ended>> = Vec::new();
    let mut events = 0;
    for ended in plan.runs {
        events += ended.events;
        match batches.last_mut() {
            Some(batch) if batch.len() < BATCH_RUNS && events <= BATCH_EVENTS => batch.push(ended),
            _ => {
                events = ended.events;
                batches.push(vec![ended]);
            }
        }
    }
    batches
}

/// Takes runs out of the store that an archive holds, with all that belongs to them.
pub(super) fn take_out(
    stage: &mut Stage<'_>,
    batch: &[Ended],
    archive: &Contents,
    now: i64,
    by: &Actor,
) -> Result<(), StoreError> {
    let before = last_event(stage)?;
    let mut removed = 0;
    for ended in batch {
        let run = unchanged(stage, ended)?;
        for record in belongings(stage, ended)?.into_iter().chain([Record::Run(run)]) {
            let rows = Cursor::default().rows(record).map_err(|what| StoreError::Damaged(what.to_owned()))?;
            for (table, key, _) in rows {
                stage.remove(table, key);
            }
        }
        let mut numbers = Vec::new();
        stage.ascend(Table::EventsByRun, &Key::new().text(ended.id.as_str()).span(), |key, number| {
            numbers.push((key.to_vec(), number.to_vec()));
            Ok(ControlFlow::Continue(()))
        })?;
        removed += numbers.len() as u64;
        for (key, number) in numbers {
            stage.remove(Table::EventsByRun, key);
            stage.remove(Table::Events, number);
        }
        for digest in &ended.payloads {
            stage.remove(Table::Blobs, digest.as_bytes().to_vec());
        }
    }
    // Of the numbers that no event has any more, those after the last event are given again.
    let left = gaps(stage)? + removed - (before - last_event(stage)?);
    stage.put(Table::Meta, GAPS_KEY.to_vec(), row::encode(&left));
    let runs = batch.iter().map(|ended| ended.id.as_str());
    verbs::write_audit(stage, vec![note("runs_archived", archive, runs, now, by)])
}

/// What the audit log says of runs that left for an archive, or came back from it.
pub(super) fn note<'a>(
    action: &str,
    archive: &Contents,
    runs: impl Iterator<Item = &'a str>,
    now: i64,
    by: &Actor,
) -> AuditNote {
    let digest = archive.digest.to_string();
    let detail = [("runs", runs.map(Value::from).collect::<Value>())].into_iter().collect();
    AuditNote { detail, ..AuditNote::new(now, by, action, ("archive", &digest)) }
}

/// The number of the last event of the store.
pub(super) fn last_event(rows: &impl Rows) -> Result<u64, StoreError> {
    rows.last(Table::Events)?.map_or(Ok(0), |(key, _)| row::number(&key))
}

/// A run, as it was when it was looked at.
fn unchanged(rows: &impl Rows, ended: &Ended) -> Result<RunRecord, StoreError> {
    let run = history::run(rows, &ended.id)?;
    let same = |run: &RunRecord| (run.history_head, run.events) == (ended.head, ended.events);
    run.filter(same).ok_or_else(|| gone("run", &ended.id))
}

/// What belongs to a run beside its history, in the order in which it is written.
fn belongings(rows: &impl Rows, ended: &Ended) -> Result<Vec<Record>, StoreError> {
    let mut found = Vec::new();
    for id in &ended.inbox {
        found.push(Record::Inbox(history::inbox_entry(rows, id)?.ok_or_else(|| gone("inbox entry", id))?));
    }
    let tasks: Vec<Task> = task::of_run(rows, &ended.id)?;
    found.extend(tasks.into_iter().map(Record::Task));
    for id in &ended.leases {
        found.push(Record::Lease(task::lease(rows, id)?.ok_or_else(|| gone("lease", id))?));
        found.extend(task::result(rows, id)?.map(Record::Result));
    }
    let span = || Key::new().text(ended.id.as_str()).span();
    for id in indexed(rows, Table::QuestionsByEffect, &span())? {
        let id = bloom_runtime::record::QuestionId::new(id);
        found.push(Record::Question(question::question(rows, &id)?.ok_or_else(|| gone("question", &id))?));
    }
    for id in indexed(rows, Table::ProposalsByEmission, &span())? {
        let id = bloom_runtime::record::ProposalId::new(id);
        found.push(Record::Proposal(proposal::proposal(rows, &id)?.ok_or_else(|| gone("proposal", &id))?));
    }
    Ok(found)
}

/// The ids that rows of an index point to.
pub(super) fn indexed(rows: &impl Rows, index: Table, span: &Span) -> Result<Vec<String>, StoreError> {
    let mut ids = Vec::new();
    rows.ascend(index, span, |_, id| {
        ids.push(row::id(id)?.to_owned());
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(ids)
}

fn gone(kind: &'static str, id: impl std::fmt::Display) -> StoreError {
    StoreError::NotFound { kind, id: id.to_string() }
}
