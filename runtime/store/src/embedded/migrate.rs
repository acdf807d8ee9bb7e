//! Files of older versions are brought to this one, in one transaction. The old file is kept beside.
//!
//! | version | has, beside what the one before has |
//! |---|---|
//! | 1 | flows, runs, tasks, leases, proposals, the audit log |
//! | 2 | waiting runs, questions |
//! | 3 | workers, tasks of clients, results, artifacts, settings; tasks and leases by status |
//! | 4 | an index of the runs that somebody has to drive |
//! | 5 | managed projects |
//! | 6 | where contents lie that are not in the file |
//! | 7 | how many events went into archives |
//! | 8 | a log beside it, while it is open |
//! | 9 | an index of what runs handed out |
//! | 10 | runs that wait until they may begin |
//! | 11 | what agents used on each day, from then on |
//! | 12 | runs of a flow by status, and how many there are |
//! | 13 | how many of them wait |
//! | 14 | an index of the documents of a flow |

use std::collections::BTreeMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use bloom_runtime::record::{Artifact, FlowRecord, Lease, RunId, RunRecord, Task};
use bloom_runtime::store::StoreError;
use redb::TableDefinition;

use super::guard::Guarded;
use super::key::Key;
use super::layer::Layer;
use super::memo::Memo;
use super::schema::{SCHEMA, SCHEMA_KEY, open_all};
use super::snapshot::Rows as _;
use super::stage::Stage;
use super::table::Table;
use super::verbs::{flow, history, task};
use super::{at, backend, row, rows};

/// Version 2's index of leases that nobody has ended.
const ACTIVE_LEASES: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("active_leases");

/// The index of the runs of a flow until version 10.
const RUNS_BY_FLOW: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("runs_by_flow");

/// Brings a file from version `from`, which is older, to this one.
pub(super) fn migrate(database: &Guarded, from: u32, path: Option<&Path>) -> Result<(), StoreError> {
    database.settle()?;
    if let Some(path) = path {
        keep(path, from)?;
    }
    let (below, mut rows, mut memo) = (database.snapshot()?, Layer::default(), Memo::default());
    let mut stage = Stage::new(&mut rows, &below, &mut memo);
    if from < 3 {
        leases(&mut stage)?;
        tasks(&mut stage)?;
    }
    if from < 4 {
        moving(&mut stage)?;
    }
    if from < 9 {
        handed_out(&mut stage)?;
    }
    if from < 12 {
        runs_by_flow(&mut stage)?;
    } else if from < 13 {
        run_counts(&mut stage)?;
    }
    if from < 14 {
        flows_by_id(&mut stage)?;
    }
    stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&SCHEMA));
    stage.keep()?;
    drop(below);
    database.write(&rows, |transaction| {
        open_all(transaction)?;
        transaction.delete_table(ACTIVE_LEASES).map_err(backend)?;
        transaction.delete_table(RUNS_BY_FLOW).map_err(backend)?;
        Ok(())
    })
}

/// Copies the file, on disk before anything is changed. What a crash left of an earlier copy is made anew: the file is
/// still the old one then.
fn keep(path: &Path, version: u32) -> Result<(), StoreError> {
    let mut copy = path.as_os_str().to_owned();
    copy.push(format!(".v{version}"));
    let copy = Path::new(&copy);
    let copied = fs::copy(path, copy).and_then(|_| fs::File::open(copy)?.sync_all());
    copied.map_err(|error| at(copy, &error))?;
    // After a power cut it is there only if its folder's entry is on disk, too.
    match path.parent() {
        Some(folder) => fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| at(folder, &error)),
        None => Ok(()),
    }
}

/// Leases say how long they live, and of which context they are, and are found by status.
fn leases(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    for mut old in all(stage, Table::Leases)? {
        let time = |name: &str| old.get(name).and_then(serde_json::Value::as_i64).unwrap_or_default();
        old["ttl_ms"] = time("expires_at").saturating_sub(time("started_at")).into();
        let mut lease: Lease = read(old)?;
        if let Some(row) = stage.get(Table::Tasks, lease.task.as_str().as_bytes())? {
            lease.context = Some(row::decode::<Task>(&row)?.context);
        }
        stage.put(Table::LeasesByStatus, task::lease_time_key(&lease), lease.id.as_str().into());
        stage.put(Table::Leases, lease.id.as_str().into(), row::encode(&lease));
    }
    Ok(())
}

/// Tasks are found by status.
fn tasks(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    for old in all(stage, Table::Tasks)? {
        let task: Task = read(old)?;
        stage.put(Table::TasksByStatus, task::task_time_key(&task), task.id.as_str().into());
    }
    Ok(())
}

/// Runs that somebody has to drive are found without the others.
fn moving(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    for old in all(stage, Table::Runs)? {
        let run: RunRecord = read(old)?;
        if history::is_moving(&run) {
            stage.put(Table::Moving, history::time_key(Key::new(), &run), run.id.as_str().into());
        }
    }
    Ok(())
}

/// What runs handed out is listed without their histories.
fn handed_out(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    let mut places = Vec::new();
    stage.ascend(Table::EventsByRun, &Key::new().span(), |key, number| {
        let (run, _) = Key::text_at(key).ok_or_else(|| StoreError::Damaged("an event is of no run".to_owned()))?;
        places.push((RunId::new(run), number.to_vec()));
        Ok(ControlFlow::Continue(()))
    })?;
    for (run, number) in places {
        let Some(row) = stage.get(Table::Events, &number)? else { continue };
        let event = row::decode_event(&row, |digest| stage.get(Table::Blobs, digest.as_bytes()))?;
        if let Some(artifact) = Artifact::handed_out(&run, &event) {
            let (table, place, row) = rows::handed_out(&artifact);
            stage.put(table, place, row);
        }
    }
    Ok(())
}

/// Runs of a flow are found by status, and counted.
fn runs_by_flow(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    for old in all(stage, Table::Runs)? {
        let (table, place, marks) = history::by_flow(&read(old)?);
        stage.put(table, place, marks);
    }
    Ok(())
}

/// Runs that wait are counted among the others.
fn run_counts(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    let mut counts: BTreeMap<Vec<u8>, history::Count> = BTreeMap::new();
    stage.ascend(Table::RunsByFlow, &Key::new().span(), |key, marks| {
        let (flow, status, _) = history::flow_and_status(key)?;
        let count = counts.entry(history::flow_key(&flow, status).build()).or_default();
        *count = count.and(history::Count::of(Some(marks))?);
        Ok(ControlFlow::Continue(()))
    })?;
    for (key, count) in counts {
        stage.put(Table::RunCounts, key, count.row());
    }
    Ok(())
}

/// Documents of a flow are found without the others.
fn flows_by_id(stage: &mut Stage<'_>) -> Result<(), StoreError> {
    for old in all(stage, Table::Flows)? {
        let flow: FlowRecord = read(old)?;
        stage.put(Table::FlowsById, flow::place(&flow), flow.hash.as_bytes().to_vec());
    }
    Ok(())
}

fn all(stage: &mut Stage<'_>, table: Table) -> Result<Vec<serde_json::Value>, StoreError> {
    let mut rows = Vec::new();
    stage.ascend(table, &Key::new().span(), |_, row| {
        rows.push(row::decode(row)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(rows)
}

fn read<T: serde::de::DeserializeOwned>(old: serde_json::Value) -> Result<T, StoreError> {
    serde_json::from_value(old).map_err(|error| StoreError::Damaged(format!("a row cannot be read: {error}")))
}
