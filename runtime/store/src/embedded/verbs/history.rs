//! Runs and their histories.

use std::ops::ControlFlow;

use bloom_interpreter::effect::EffectId;
use bloom_interpreter::history::{Chain, Event, Payload};
use bloom_ir::Value;
use bloom_runtime::dispatch::Proof;
use bloom_runtime::record::{
    Artifact, AuditNote, Charge, FlowRecord, InboxEntry, InboxId, Proposal, Question, RunId, RunRecord, RunStatus,
    Spending, Spent, Stretch, Task, day_of,
};
use bloom_runtime::store::{Append, StoreError, Submission};

use super::{
    Key, Rows, Stage, Table, flow, keep_blob, must_be_new, proposal, question, read, require, row, task, write_audit,
};
use crate::embedded::row::EventRow;
use crate::embedded::rows;

/// A submission whose rows are made and checked in themselves: on the caller's time, not on the writer's.
pub(in super::super) struct PreparedSubmission {
    flow: FlowRecord,
    document: Vec<u8>,
    run: PreparedRun,
}

/// A new run of a flow that is there.
pub(in super::super) struct PreparedRun {
    inbox: InboxEntry,
    run: RunRecord,
    first: PreparedAppend,
}

impl PreparedSubmission {
    pub(in super::super) fn new(submission: Submission) -> Result<Self, StoreError> {
        let Submission { flow, document, inbox, run, first } = submission;
        if (flow.hash, &flow.id, &flow.version) != (run.ir, &run.flow, &run.version) {
            return Err(StoreError::Contradiction("the run pins the flow that comes with it"));
        }
        Ok(Self { flow, document, run: PreparedRun::new(inbox, run, first)? })
    }

    pub(in super::super) fn bytes(&self) -> usize {
        self.run.bytes()
    }

    pub(in super::super) fn submit(self, stage: &mut Stage<'_>) -> Result<(), StoreError> {
        let Self { flow, document, run } = self;
        run.must_be_new(stage)?;
        flow::put(stage, &flow, document, Vec::new())?;
        run.submit(stage)
    }
}

impl PreparedRun {
    fn new(inbox: InboxEntry, run: RunRecord, first: Append) -> Result<Self, StoreError> {
        if first.run != run.id || run.inbox != inbox.id {
            return Err(StoreError::Contradiction("the inbox entry, the run and its events name each other"));
        }
        if first.expected != 0 || run.events != 0 || run.history_head != Chain::default().head() {
            return Err(StoreError::Contradiction("the history of a new run is empty"));
        }
        Ok(Self { inbox, run, first: PreparedAppend::new(first)? })
    }

    fn bytes(&self) -> usize {
        self.first.bytes()
    }

    fn must_be_new(&self, stage: &mut Stage<'_>) -> Result<(), StoreError> {
        match stage.get(Table::Runs, self.run.id.as_str().as_bytes())? {
            Some(_) => Err(StoreError::RunExists(self.run.id.clone())),
            None => Ok(()),
        }
    }

    fn submit(self, stage: &mut Stage<'_>) -> Result<(), StoreError> {
        self.must_be_new(stage)?;
        let Self { inbox, mut run, first } = self;
        must_be_new(stage, Table::Inbox, "inbox entry", inbox.id.as_str())?;
        stage.put(Table::Inbox, inbox.id.as_str().into(), row::encode(&inbox));

        (run.waiting, run.wake_at) = (false, None);
        stage.put_all(rows::run(&run));
        first.append(stage)
    }
}

/// An append whose rows are made and checked in themselves: on the caller's time, not on the writer's.
pub(in super::super) struct PreparedAppend {
    run: RunId,
    stretch: Stretch,
    at: Option<i64>,
    rows: Vec<EventRow>,
    handed_out: Vec<Artifact>,
    resolved: Vec<EffectId>,
    delayed: Vec<(EffectId, i64)>,
    status: RunStatus,
    spent: Spent,
    charge: Charge,
    tasks: Vec<Task>,
    waiting: bool,
    wake_at: Option<i64>,
    questions: Vec<Question>,
    inbox: Vec<InboxEntry>,
    proposals: Vec<Proposal>,
    audit: Vec<AuditNote>,
    next: Option<Box<PreparedRun>>,
    orphans: Vec<RunId>,
    held: Option<Proof>,
}

impl PreparedAppend {
    pub(in super::super) fn new(append: Append) -> Result<Self, StoreError> {
        let Append {
            run,
            expected,
            events,
            status,
            spent,
            charge,
            tasks,
            waiting,
            wake_at,
            questions,
            inbox,
            proposals,
            audit,
            next,
            orphans,
            held,
        } = append;
        let owners = tasks.iter().map(Task::run);
        let owners = owners.chain(proposals.iter().map(|proposal| Some(&proposal.run)));
        if owners.chain(questions.iter().map(|question| Some(&question.run))).any(|owner| owner != Some(&run)) {
            return Err(StoreError::Contradiction("tasks, questions and proposals are of the run that is appended to"));
        }
        let stretch = Stretch::check(&run, expected, &events)?;
        if stretch.continued_by() != next.as_ref().map(|next| &next.run.id)
            || next.as_ref().is_some_and(|next| next.run.continues.as_ref() != Some(&run))
        {
            return Err(StoreError::Contradiction("a run that ends as continued comes with the one that continues it"));
        }
        Ok(Self {
            stretch,
            at: events.last().map(|event| event.at),
            rows: events.iter().map(row::encode_event).collect(),
            handed_out: events.iter().filter_map(|event| Artifact::handed_out(&run, event)).collect(),
            resolved: events.iter().filter_map(|event| resolved(event)).collect(),
            delayed: events.iter().filter_map(|event| delayed(event)).collect(),
            run,
            status,
            spent,
            charge,
            tasks,
            waiting,
            wake_at,
            questions,
            inbox,
            proposals,
            audit,
            next: next.map(|next| PreparedRun::new(next.inbox, next.run, next.first).map(Box::new)).transpose()?,
            orphans,
            held,
        })
    }

    pub(in super::super) fn run(&self) -> &RunId {
        &self.run
    }

    pub(in super::super) fn bytes(&self) -> usize {
        let beside = |row: &EventRow| row.beside.as_ref().map_or(0, |(_, payload)| payload.len());
        let own: usize = self.rows.iter().map(|row| row.row.len() + beside(row)).sum();
        own + self.next.as_ref().map_or(0, |next| next.bytes())
    }

    pub(in super::super) fn append(self, stage: &mut Stage<'_>) -> Result<(), StoreError> {
        if let Some(proof) = &self.held {
            task::must_hold(stage, &self.run, proof)?;
        }
        let id = self.run.as_str();
        let mut run = stage.run(&self.run)?;
        let before = (run.status, run.events);
        let was_waiting = run.waiting;
        let was_moving = is_moving(&run);
        let woken_at = run.wake_at;
        run.extend(&self.stretch, self.status, self.spent)?;
        run.waiting = self.waiting && !run.status.is_terminal();
        run.wake_at = self.wake_at.filter(|_| !run.status.is_terminal());
        if woken_at != run.wake_at {
            let key = |at: i64| Key::new().signed(at).text(id).build();
            if let Some(at) = woken_at {
                stage.remove(Table::Wakes, key(at));
            }
            if let Some(at) = run.wake_at {
                stage.put(Table::Wakes, key(at), id.into());
            }
        }
        stage.put_run(&run);
        match (was_moving, is_moving(&run)) {
            (true, false) => stage.remove(Table::Moving, time_key(Key::new(), &run)),
            (false, true) => stage.put(Table::Moving, time_key(Key::new(), &run), id.into()),
            _ => {}
        }
        if (run.status, run.waiting) != (before.0, was_waiting) {
            let (table, place, marks) = by_flow(&run);
            stage.remove(table, time_key(flow_key(&run.flow, before.0), &run));
            stage.put(table, place, marks);
        }
        if run.status != before.0 {
            stage.remove(Table::RunsByStatus, time_key(status_key(before.0), &run));
            stage.put(Table::RunsByStatus, time_key(status_key(run.status), &run), id.into());
        }

        let last = stage.last(Table::Events)?.map_or(Ok(0), |(key, _)| row::number(&key))?;
        for ((row, seq), number) in self.rows.into_iter().zip(before.1 + 1..).zip(last + 1..) {
            if let Some((digest, payload)) = row.beside {
                keep_blob(stage, digest, payload)?;
            }
            stage.put(Table::Events, Key::new().number(number).build(), row.row);
            let index = Key::new().text(id).number(seq).build();
            stage.put(Table::EventsByRun, index, number.to_be_bytes().into());
        }

        for artifact in &self.handed_out {
            let (table, place, row) = rows::handed_out(artifact);
            stage.put(table, place, row);
        }

        let at = self.at.unwrap_or(run.updated_at);
        charge(stage, &run.flow, day_of(at), self.charge)?;
        for task in &self.tasks {
            task::create(stage, task)?;
        }
        for (effect, until) in self.delayed {
            task::delay(stage, &self.run, &effect, until)?;
        }
        for question in &self.questions {
            question::keep(stage, question)?;
        }
        for entry in &self.inbox {
            must_be_new(stage, Table::Inbox, "inbox entry", entry.id.as_str())?;
            stage.put(Table::Inbox, entry.id.as_str().into(), row::encode(entry));
        }
        for effect in self.resolved {
            task::resolve(stage, &self.run, &effect, at)?;
            question::resolve(stage, &self.run, &effect, at)?;
        }
        if run.status.is_terminal() {
            task::cancel_all(stage, &self.run, at)?;
            question::close_all(stage, &self.run, at)?;
        }
        for proposal in self.proposals {
            proposal::create(stage, proposal)?;
        }
        write_audit(stage, self.audit)?;
        if let Some(mut next) = self.next {
            next.run.orphaned = run.orphaned;
            next.submit(stage)?;
        }
        self.orphans.iter().try_for_each(|orphan| abandon(stage, orphan))
    }
}

/// Adds to what an agent used in a day.
fn charge(stage: &mut Stage<'_>, agent: &str, day: i64, more: Charge) -> Result<(), StoreError> {
    if more == Charge::default() {
        return Ok(());
    }
    let key = spending_key(day).text(agent).build();
    let known = stage.get(Table::Spending, &key)?.map(|row| row::decode::<Spending>(&row)).transpose()?;
    let charge = known.map_or(more, |known| known.charge.plus(more));
    stage.put(Table::Spending, key, row::encode(&Spending { agent: agent.to_owned(), day, charge }));
    Ok(())
}

pub(in super::super) fn spending_key(day: i64) -> Key {
    Key::new().signed(day)
}

/// What was used on a day, by agent.
pub(in super::super) fn spending(rows: &impl Rows, day: i64) -> Result<Vec<Spending>, StoreError> {
    let mut found = Vec::new();
    rows.ascend(Table::Spending, &spending_key(day).span(), |_, row| {
        found.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Nobody waits any more for a run, or for the one that goes on in its place: somebody has to end it.
fn abandon(stage: &mut Stage<'_>, orphan: &RunId) -> Result<(), StoreError> {
    let mut found: Option<RunRecord> = read(stage, Table::Runs, orphan.as_str())?;
    while let Some(next) = found.as_ref().and_then(|run| run.continued_by.clone()) {
        found = read(stage, Table::Runs, next.as_str())?;
    }
    let Some(mut run) = found.filter(|run| !run.status.is_terminal()) else { return Ok(()) };
    run.orphaned = true;
    stage.put(Table::Runs, run.id.as_str().into(), row::encode(&run));
    stage.put(Table::Moving, time_key(Key::new(), &run), run.id.as_str().into());
    Ok(())
}

/// The effect that has its outcome by this event.
fn resolved(event: &Event) -> Option<EffectId> {
    match &event.payload {
        Some(Payload::EffectCompleted { effect, .. } | Payload::EffectFailed { effect, .. }) => Some(effect.clone()),
        _ => None,
    }
}

/// The effect whose attempt failed by this event, and the end of the delay before the next one.
fn delayed(event: &Event) -> Option<(EffectId, i64)> {
    match &event.payload {
        Some(Payload::EffectAttempted { effect, delay_ms, .. }) => {
            Some((effect.clone(), event.at.saturating_add_unsigned(*delay_ms)))
        }
        _ => None,
    }
}

pub(in super::super) fn run(rows: &impl Rows, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
    let Some(mut run) = read::<RunRecord>(rows, Table::Runs, id.as_str())? else { return Ok(None) };
    run.inputs = require::<Value>(rows, Table::RunInputs, "inputs of run", id.as_str())?;
    Ok(Some(run))
}

pub(in super::super) fn status(rows: &impl Rows, id: &RunId) -> Result<Option<RunStatus>, StoreError> {
    Ok(read::<RunRecord>(rows, Table::Runs, id.as_str())?.map(|run| run.status))
}

/// Whether somebody has to drive it.
pub(in super::super) fn is_moving(run: &RunRecord) -> bool {
    (!run.waiting || run.orphaned) && !run.dispatched && run.status == RunStatus::Running
}

pub(in super::super) fn moving(rows: &impl Rows) -> Result<Vec<RunId>, StoreError> {
    let mut found = Vec::new();
    rows.ascend(Table::Moving, &Key::new().span(), |_, id| {
        found.push(RunId::new(row::id(id)?));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

/// Runs that go on by themselves until a time.
pub(in super::super) fn due(rows: &impl Rows, until: i64, limit: usize) -> Result<Vec<(i64, RunId)>, StoreError> {
    let mut found = Vec::new();
    rows.ascend(Table::Wakes, &Key::new().span(), |key, id| {
        let at = Key::signed_at(key).ok_or_else(|| StoreError::Damaged("a wake has no time".to_owned()))?;
        if at > until || found.len() == limit {
            return Ok(ControlFlow::Break(()));
        }
        found.push((at, RunId::new(row::id(id)?)));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(found)
}

pub(in super::super) fn inbox_entry(rows: &impl Rows, id: &InboxId) -> Result<Option<InboxEntry>, StoreError> {
    read(rows, Table::Inbox, id.as_str())
}

pub(in super::super) fn status_key(status: RunStatus) -> Key {
    Key::new().number(status_number(status))
}

/// Every status, at its number.
pub(in super::super) const STATUSES: [RunStatus; 7] = [
    RunStatus::Requested,
    RunStatus::Queued,
    RunStatus::Running,
    RunStatus::Completed,
    RunStatus::Failed,
    RunStatus::Cancelled,
    RunStatus::Continued,
];

fn status_number(status: RunStatus) -> u64 {
    match status {
        RunStatus::Requested => 0,
        RunStatus::Queued => 1,
        RunStatus::Running => 2,
        RunStatus::Completed => 3,
        RunStatus::Failed => 4,
        RunStatus::Cancelled => 5,
        RunStatus::Continued => 6,
    }
}

/// What has to be known of many runs at once, as a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Marks {
    /// Whether another run waits for it.
    pub(in super::super) awaited: bool,
    /// Whether it does nothing but wait.
    pub(in super::super) waiting: bool,
}

impl Marks {
    fn of(run: &RunRecord) -> Self {
        Self { awaited: run.parent.as_ref().is_some_and(|parent| parent.waits), waiting: run.waiting }
    }

    fn row(self) -> Vec<u8> {
        vec![u8::from(self.awaited) | u8::from(self.waiting) << 1]
    }

    pub(in super::super) fn read(row: &[u8]) -> Result<Self, StoreError> {
        match row {
            [marks @ 0..4] => Ok(Self { awaited: marks & 1 != 0, waiting: marks & 2 != 0 }),
            _ => Err(StoreError::Damaged("the marks of a run cannot be read".to_owned())),
        }
    }
}

/// How many runs of a flow have a status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Count {
    pub(in super::super) runs: u64,
    /// Those that do nothing but wait.
    pub(in super::super) waiting: u64,
}

impl Count {
    /// The one run that has these marks, or none.
    pub(in super::super) fn of(marks: Option<&[u8]>) -> Result<Self, StoreError> {
        let marks = marks.map(Marks::read).transpose()?;
        Ok(marks.map_or_else(Self::default, |marks| Self { runs: 1, waiting: marks.waiting.into() }))
    }

    pub(in super::super) fn and(self, other: Self) -> Self {
        Self { runs: self.runs.saturating_add(other.runs), waiting: self.waiting.saturating_add(other.waiting) }
    }

    pub(in super::super) fn without(self, other: Self) -> Self {
        Self { runs: self.runs.saturating_sub(other.runs), waiting: self.waiting.saturating_sub(other.waiting) }
    }

    pub(in super::super) fn row(self) -> Vec<u8> {
        [self.runs.to_be_bytes(), self.waiting.to_be_bytes()].concat()
    }

    pub(in super::super) fn read(row: &[u8]) -> Result<Self, StoreError> {
        match row.split_at_checked(size_of::<u64>()) {
            Some((runs, waiting)) => Ok(Self { runs: row::number(runs)?, waiting: row::number(waiting)? }),
            None => Err(StoreError::Damaged("a count of runs cannot be read".to_owned())),
        }
    }
}

/// The row by which a run is found among those of its flow and status.
pub(in super::super) fn by_flow(run: &RunRecord) -> rows::Entry {
    (Table::RunsByFlow, time_key(flow_key(&run.flow, run.status), run), Marks::of(run).row())
}

/// What the keys of runs of a flow and a status begin with.
pub(in super::super) fn flow_key(flow: &str, status: RunStatus) -> Key {
    Key::new().text(flow).number(status_number(status))
}

/// Reads what [`flow_key`] wrote, and gives what follows it.
pub(in super::super) fn flow_and_status(key: &[u8]) -> Result<(String, RunStatus, &[u8]), StoreError> {
    let found = Key::text_at(key).and_then(|(flow, rest)| {
        let (number, rest) = rest.split_first_chunk()?;
        let status = STATUSES.get(usize::try_from(u64::from_be_bytes(*number)).ok()?)?;
        Some((flow, *status, rest))
    });
    found.ok_or_else(|| StoreError::Damaged("a run is of no flow and status".to_owned()))
}

/// The place of a run among others: by time, then by id.
pub(in super::super) fn time_key(under: Key, run: &RunRecord) -> Vec<u8> {
    under.signed(run.created_at).text(run.id.as_str()).build()
}
