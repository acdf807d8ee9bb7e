//! Runs come back from an archive. All of it is read and compared with the store before anything is written; then whole runs are put
//! back in commits, each with its entry in the audit log. What is there already is left as it is, so it may be done again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use bloom_interpreter::history::Chain;
use bloom_ir::Digest;
use bloom_runtime::record::{Actor, LeaseId, RunId, RunRecord, TaskId};
use bloom_runtime::store::StoreError;

use super::archive::{indexed, last_event, note};
use super::import::Cursor;
use super::key::Key;
use super::layer::Layer;
use super::memo::Memo;
use super::snapshot::{Rows, Snapshot};
use super::stage::Stage;
use super::table::Table;
use super::verbs::{self, flow, history};
use super::verify::verify_run;
use crate::transfer::{Contents, Format, LineReader, Record, StoredFlow, TransferError};

/// So many runs at most are put back in one commit,
const BATCH_RUNS: usize = 128;
/// with about so many records.
const BATCH_RECORDS: usize = 20_000;

/// A run with all that belongs to it.
#[derive(Debug)]
pub(super) struct Group {
    /// The line of the run's record.
    line: u64,
    run: RunRecord,
    rest: Vec<Record>,
}

impl Group {
    pub(super) fn run(&self) -> &RunRecord {
        &self.run
    }

    pub(super) fn changed(&self, what: &str) -> TransferError {
        TransferError::Changed { line: self.line, what: format!("run {}: {what}", self.run.id) }
    }

    /// The run has ended, its history is whole, and the rest is its own.
    pub(super) fn check(&self) -> Result<(), TransferError> {
        let mut chain = Chain::default();
        let (mut tasks, mut leases): (BTreeSet<&TaskId>, BTreeSet<&LeaseId>) = Default::default();
        let mut has_inbox = false;
        for record in &self.rest {
            let id = &self.run.id;
            let is_own = match record {
                Record::Event(event) => {
                    chain.accept(event).map_err(|error| self.changed(&error.to_string()))?;
                    true
                }
                Record::Inbox(entry) => {
                    has_inbox |= entry.id == self.run.inbox;
                    entry.id == self.run.inbox || entry.correlation_id == id.as_str()
                }
                Record::Task(task) => tasks.insert(&task.id) && task.run() == Some(id) && !task.is_open(),
                Record::Lease(lease) => leases.insert(&lease.id) && tasks.contains(&lease.task),
                Record::Result(result) => leases.contains(&result.lease) && tasks.contains(&result.task),
                Record::Question(question) => question.run == *id,
                Record::Proposal(proposal) => proposal.run == *id,
                _ => false,
            };
            if !is_own {
                return Err(self.changed(&format!("a record ({}) among its own is not", record.kind())));
            }
        }
        if (chain.seq(), chain.head()) != (self.run.events, self.run.history_head) || !self.run.status.is_terminal() {
            return Err(self.changed("its history does not end as its record says"));
        }
        if has_inbox { Ok(()) } else { Err(self.changed("what asked for it is not there")) }
    }

    /// Whether its results are those that the artifacts of its tasks, which never leave a store, were made of.
    fn has_results_of(&self, rows: &Snapshot) -> Result<bool, StoreError> {
        let mut told: BTreeMap<&TaskId, Vec<&str>> = BTreeMap::new();
        for record in &self.rest {
            match record {
                Record::Task(task) => {
                    told.entry(&task.id).or_default();
                }
                Record::Result(result) => told.entry(&result.task).or_default().push(result.artifact.as_str()),
                _ => {}
            }
        }
        for (task, mut told) in told {
            let mut made = indexed(rows, Table::ArtifactsByTask, &Key::new().text(task.as_str()).span())?;
            told.sort_unstable();
            made.sort_unstable();
            if told != made {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What an archive consists of: flows first, then runs.
pub(super) enum Item {
    Flow(Box<StoredFlow>),
    Run(Box<Group>),
}

/// Reads an archive.
pub(super) struct Groups<'a> {
    lines: LineReader<'a>,
    /// The run that the last group ended before.
    next: Option<(u64, RunRecord)>,
}

impl<'a> Groups<'a> {
    pub(super) fn open(input: impl Read + Send + 'a) -> Result<Self, TransferError> {
        Ok(Self { lines: LineReader::open(input, Format::Archive)?, next: None })
    }

    pub(super) fn contents(&self) -> Option<Contents> {
        self.lines.contents()
    }

    pub(super) fn read(&mut self) -> Result<Option<Item>, TransferError> {
        let (line, run) = match self.next.take() {
            Some(next) => next,
            None => match self.lines.read()? {
                None => return Ok(None),
                Some(Record::Flow(flow)) => return Ok(Some(Item::Flow(Box::new(flow)))),
                Some(Record::Run(run)) => (self.lines.line(), run),
                Some(other) => {
                    let what = format!("a record ({}) of no run", other.kind());
                    return Err(TransferError::Changed { line: self.lines.line(), what });
                }
            },
        };
        let mut rest = Vec::new();
        while let Some(record) = self.lines.read()? {
            if let Record::Run(run) = record {
                self.next = Some((self.lines.line(), run));
                break;
            }
            rest.push(record);
        }
        Ok(Some(Item::Run(Box::new(Group { line, run, rest }))))
    }
}

/// What an archive holds, beside what the store has.
pub(super) struct Survey {
    pub(super) contents: Contents,
    /// How many of its runs are there already.
    pub(super) there: u64,
}

/// Reads all of an archive: it must be whole, and the store must have nothing else in the place of what it holds.
pub(super) fn survey(rows: &Snapshot, input: impl Read + Send) -> Result<Survey, TransferError> {
    let mut groups = Groups::open(input)?;
    let (mut flows, mut runs, mut continued) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut known = 0;
    while let Some(item) = groups.read()? {
        match item {
            Item::Flow(stored) => drop(flows.insert(stored.flow.hash)),
            Item::Run(group) => {
                group.check()?;
                if !runs.insert(group.run.id.clone()) {
                    return Err(group.changed("it is there twice"));
                }
                if let Some(next) = &group.run.continued_by {
                    continued.push((group.run.id.clone(), next.clone()));
                }
                match there(rows, &group)? {
                    Some(true) => known += 1,
                    Some(false) => return Err(TransferError::OtherRun(group.run.id)),
                    None => fits(rows, &group, &flows)?,
                }
            }
        }
    }
    for (run, next) in continued {
        if !runs.contains(&next) && history::run(rows, &next)?.is_none() {
            let what = format!("the run {next}, which goes on in its place, is not there");
            return Err(TransferError::Unfit { run, what });
        }
    }
    let contents = groups.contents().ok_or(TransferError::Truncated { line: 0 })?;
    Ok(Survey { contents, there: known })
}

/// Whether the store has a run of this id, and whether it is this one.
fn there(rows: &impl Rows, group: &Group) -> Result<Option<bool>, StoreError> {
    let run = &group.run;
    let found = history::run(rows, &run.id)?;
    Ok(found.map(|found| (found.events, found.history_head) == (run.events, run.history_head)))
}

/// A run that is not there can be put there, with all that belongs to it: nothing has the place of any of it, and verifying the store
/// would find no fault in it.
fn fits(rows: &Snapshot, group: &Group, flows: &BTreeSet<Digest>) -> Result<(), TransferError> {
    let unfit = |what: String| TransferError::Unfit { run: group.run.id.clone(), what };
    if !flows.contains(&group.run.ir) && rows.get(Table::FlowDocuments, group.run.ir.as_bytes())?.is_none() {
        return Err(unfit(format!("the flow {} is not there", group.run.ir)));
    }
    let (mut layer, mut memo) = (Layer::default(), Memo::default());
    let mut stage = Stage::new(&mut layer, rows, &mut memo);
    let mut cursor = Cursor::after(last_event(&stage)?);
    for record in [Record::Run(group.run.clone())].into_iter().chain(group.rest.iter().cloned()) {
        if let Record::Result(result) = &record
            && rows.get(Table::Artifacts, result.artifact.as_str().as_bytes())?.is_none()
        {
            return Err(unfit(format!("the artifact {} is not there", result.artifact)));
        }
        let entries = cursor.rows(record).map_err(|what| group.changed(what))?;
        if let Some(table) = stage.put_new(entries)? {
            return Err(unfit(format!("{table:?} has something else in the place of one of its records")));
        }
    }
    if let Some(fault) = verify_run(&stage, &group.run, &group.rest)?.first() {
        return Err(group.changed(fault));
    }
    if !group.has_results_of(rows)? {
        return Err(group.changed("the store has artifacts of other results of its tasks"));
    }
    Ok(())
}

/// Reads so many items as are put back in one commit.
pub(super) fn batch(groups: &mut Groups<'_>) -> Result<Vec<Item>, TransferError> {
    let (mut items, mut records) = (Vec::new(), 0);
    while items.len() < BATCH_RUNS && records < BATCH_RECORDS {
        let Some(item) = groups.read()? else { break };
        if let Item::Run(group) = &item {
            records += group.rest.len();
        }
        items.push(item);
    }
    Ok(items)
}

/// Puts back what is not there; says how many runs.
pub(super) fn put_back(
    stage: &mut Stage<'_>,
    items: Vec<Item>,
    archive: &Contents,
    now: i64,
    by: &Actor,
) -> Result<u64, StoreError> {
    let mut cursor = Cursor::after(last_event(stage)?);
    let mut restored: Vec<RunId> = Vec::new();
    for item in items {
        match item {
            Item::Flow(stored) => {
                let StoredFlow { flow: record, document } = *stored;
                // What is there may have more signatures.
                if stage.get(Table::FlowDocuments, record.hash.as_bytes())?.is_none() {
                    let document = document.bytes().ok_or_else(|| damaged("its document is no base64"))?;
                    flow::put(stage, &record, document, Vec::new())?;
                }
            }
            Item::Run(group) => {
                match there(stage, &group)? {
                    Some(true) => continue,
                    Some(false) => return Err(StoreError::RunExists(group.run.id)),
                    None => {}
                }
                restored.push(group.run.id.clone());
                for record in [Record::Run(group.run)].into_iter().chain(group.rest) {
                    // The survey looked at one run at a time.
                    if stage.put_new(cursor.rows(record).map_err(damaged)?)?.is_some() {
                        return Err(StoreError::Contradiction("two runs of the archive have the same record"));
                    }
                }
            }
        }
    }
    if !restored.is_empty() {
        let runs = restored.iter().map(RunId::as_str);
        verbs::write_audit(stage, vec![note("runs_restored", archive, runs, now, by)])?;
    }
    Ok(restored.len() as u64)
}

fn damaged(what: &str) -> StoreError {
    StoreError::Damaged(what.to_owned())
}
