//! Files of older versions. `version2.jsonl` holds the rows of a file that version 2 wrote: a run with tasks in every status,
//! one of them held, and a cancelled run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use bloom_ir::document::EmitKind;
use bloom_runtime::record::{
    Charge, LeaseEnding, LeaseId, LeaseStatus, ProposalId, RunId, RunStatus, TaskId, TaskStatus, day_of,
};
use bloom_runtime::store::{ArtifactFilter, LeaseFilter, RunFilter, TaskFilter};
use redb::{ReadableDatabase as _, TableDefinition, TableHandle as _};

use super::*;
use crate::conformance::fixture::{answer, ask, emitted, end};
use crate::embedded::rows;
use crate::embedded::verbs::history;

const VERSION_2: &str = include_str!("version2.jsonl");

/// Writes a file as the rows say, with the tables that version 2 had.
fn version_2(folder: &Path) -> std::path::PathBuf {
    let path = folder.join(RedbStore::FILE);
    let database = Database::create(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    let open = |name: &str| {
        transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(name)).unwrap();
    };
    ["wakes", "questions", "questions_by_time", "open_questions", "questions_by_effect", "contexts"]
        .into_iter()
        .for_each(open);
    for line in VERSION_2.lines() {
        let row: BTreeMap<String, String> = serde_json::from_str(line).unwrap();
        let bytes = |hex: &str| -> Vec<u8> {
            (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
        };
        let value = row.get("value").map_or_else(|| bytes(&row["hex"]), |text| text.clone().into_bytes());
        let mut name = String::new();
        for letter in row["table"].chars() {
            let gap = if letter.is_uppercase() && !name.is_empty() { "_" } else { "" };
            write!(name, "{gap}{}", letter.to_lowercase()).unwrap();
        }
        let mut table = transaction.open_table(TableDefinition::<&[u8], &[u8]>::new(&name)).unwrap();
        table.insert(bytes(&row["key"]).as_slice(), value.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    path
}

#[tokio::test]
async fn file_of_the_second_version_is_brought_up_to_date() {
    let folder = tempfile::tempdir().unwrap();
    let path = version_2(folder.path());
    let store = RedbStore::open(folder.path()).unwrap();
    let kept = Guarded::once(Database::open(folder.path().join("bloom.redb.v2")).unwrap()).unwrap();
    assert_eq!(version(&kept).unwrap(), Some(2), "the old file is kept");
    drop(kept);

    // What was there is there.
    assert_eq!(verify_audit(&store, None).await.unwrap().fault, None);
    let runs = ["r1", "r2"].map(RunId::new);
    let run = store.run(&runs[0]).await.unwrap().unwrap();
    assert_eq!((run.status, run.tokens), (RunStatus::Running, 9));
    assert_eq!(store.history(&runs[0], 1, 99).await.unwrap().len() as u64, run.events);
    assert_eq!(store.run(&runs[1]).await.unwrap().unwrap().status, RunStatus::Cancelled);
    assert!(store.proposal(&ProposalId::new("p1")).await.unwrap().is_some());
    let of_run: Vec<_> = store.tasks(&runs[0]).await.unwrap().into_iter().map(|task| (task.id, task.status)).collect();
    let expected = [
        ("t1", TaskStatus::Completed),
        ("t2", TaskStatus::Queued),
        ("t3", TaskStatus::Failed),
        ("t4", TaskStatus::Dead),
        ("t5", TaskStatus::Leased),
        ("t6", TaskStatus::Queued),
    ];
    assert_eq!(of_run, expected.map(|(id, status)| (TaskId::new(id), status)));

    // What is new finds it.
    let of_flow = |status| RunFilter { flow: Some(run.flow.clone()), status, limit: 9, ..RunFilter::default() };
    for (status, ids) in
        [(None, &["r2", "r1"][..]), (Some(RunStatus::Cancelled), &["r2"]), (Some(RunStatus::Failed), &[])]
    {
        let found = store.runs(&of_flow(status)).await.unwrap();
        assert_eq!(found.iter().map(|run| run.id.as_str()).collect::<Vec<_>>(), ids);
        assert_eq!(store.count_runs(&of_flow(status), u64::MAX).await.unwrap(), ids.len() as u64);
    }
    assert_eq!(store.moving_runs().await.unwrap(), runs[..1]);
    let of = store.task(&TaskId::new("t5")).await.unwrap().unwrap().of.unwrap();
    assert_eq!((of.run.as_str(), of.effect.as_str()), ("r1", "n5#1"));
    let tasks = |status| {
        let filter = TaskFilter { status: Some(status), limit: 99, ..TaskFilter::default() };
        let store = &store;
        async move {
            store.list_tasks(&filter).await.unwrap().into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!(tasks(TaskStatus::Completed).await, ["t1"]);
    assert_eq!(tasks(TaskStatus::Queued).await, ["t6", "t2"]);
    assert_eq!(tasks(TaskStatus::Failed).await, ["t3", "t7"]);
    assert_eq!(tasks(TaskStatus::Dead).await, ["t4"]);
    assert_eq!(tasks(TaskStatus::Leased).await, ["t5"]);
    let all = store.list_leases(&LeaseFilter { limit: 99, ..LeaseFilter::default() }).await.unwrap();
    assert_eq!(all.len(), 8);
    let context = store.task(&TaskId::new("t5")).await.unwrap().unwrap().context;
    assert!(all.iter().all(|lease| lease.ttl_ms == 300_000 && lease.context.as_ref() == Some(&context)), "{all:?}");

    // Who held a task then may end it now.
    let [held] = <[_; 1]>::try_from(store.active_leases().await.unwrap()).unwrap();
    assert_eq!((held.task.as_str(), held.status), ("t5", LeaseStatus::Active));
    let task = store.task(&held.task).await.unwrap().unwrap();
    let grant = bloom_runtime::store::Grant { lease: held, task };
    store.end_lease(end(&grant, LeaseEnding::Completed(answer("так")))).await.unwrap();
    let next = store.grant(ask("l100", run.updated_at + 10_000)).await.unwrap().unwrap();
    assert_eq!((next.task.id.as_str(), next.task.attempts), ("t2", 2));
    assert!(store.lease(&LeaseId::new("l100")).await.unwrap().is_some());
    drop(store);

    // It is done once, and nothing of the old index is left.
    std::fs::remove_file(folder.path().join("bloom.redb.v2")).unwrap();
    drop(RedbStore::open(folder.path()).unwrap());
    assert!(!folder.path().join("bloom.redb.v2").exists());
    let database = Database::open(&path).unwrap();
    let names: Vec<_> =
        database.begin_read().unwrap().list_tables().unwrap().map(|table| table.name().to_owned()).collect();
    for old in ["active_leases", "runs_by_flow"] {
        assert!(!names.contains(&old.to_owned()), "{names:?}");
    }
}

#[tokio::test]
async fn what_runs_handed_out_before_is_listed_then() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    store.append(scribe.append([emitted(EmitKind::Artifact, "report", "x".repeat(100_000).as_str())])).await.unwrap();
    let filter = ArtifactFilter { task: None, limit: 9 };
    let listed = store.artifacts(&filter).await.unwrap();
    assert_eq!(listed.len(), 1);
    tamper(&store, |stage| {
        let (table, place, _) = rows::handed_out(&listed[0]);
        stage.remove(table, place);
        stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&8_u32));
    });
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap();
    assert_eq!(store.artifacts(&filter).await.unwrap(), listed);
    assert_eq!(store.verify().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn file_that_knows_no_turns_is_brought_up_to_date_and_not_opened_by_its_version_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&9_u32)));
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap();
    let run = store.run(scribe.run()).await.unwrap().unwrap();
    assert_eq!((run.turn, run.started_at()), (None, Some(run.created_at)), "it began when it was made");
    store.append(scribe.completion("done")).await.unwrap();
    assert_eq!(store.verify().await.unwrap().faults, [""; 0]);
    drop(store);
    let path = folder.path().join(RedbStore::FILE);
    assert_eq!(version(&Guarded::once(Database::open(path).unwrap()).unwrap()).unwrap(), Some(SCHEMA));
    assert!(folder.path().join("bloom.redb.v9").exists(), "the old file is kept");
}

#[tokio::test]
async fn file_that_knows_no_spending_counts_it_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&10_u32)));
    drop(store);
    let path = folder.path().join(RedbStore::FILE);
    let database = Database::open(&path).unwrap();
    let transaction = database.begin_write().unwrap();
    transaction.delete_table(TableDefinition::<&[u8], &[u8]>::new("spending")).unwrap();
    transaction.commit().unwrap();
    drop(database);

    let store = RedbStore::open(folder.path()).unwrap();
    let day = day_of(store.run(scribe.run()).await.unwrap().unwrap().updated_at);
    assert_eq!(store.spending(day).await.unwrap(), []);
    let charge = Charge { calls: 1, tokens: 9, cost_micro_usd: 3 };
    store.append(Append { charge, ..scribe.append([]) }).await.unwrap();
    let [spent] = <[_; 1]>::try_from(store.spending(day).await.unwrap()).unwrap();
    assert_eq!((spent.day, spent.charge), (day, charge));
    assert_eq!(store.verify().await.unwrap().faults, [""; 0]);
    drop(store);
    assert_eq!(version(&Guarded::once(Database::open(path).unwrap()).unwrap()).unwrap(), Some(SCHEMA));
    assert!(folder.path().join("bloom.redb.v10").exists(), "the old file is kept");
}

#[tokio::test]
async fn file_that_does_not_know_how_many_runs_wait_counts_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    submitted(&store, "r2").await;
    store.append(Append { waiting: true, ..scribe.append([]) }).await.unwrap();
    let run = store.run(scribe.run()).await.unwrap().unwrap();
    tamper(&store, |stage| {
        let place = history::flow_key(&run.flow, run.status).build();
        stage.put(Table::RunCounts, place, 2_u64.to_be_bytes().into());
        stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&12_u32));
    });
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap();
    let [count] = <[_; 1]>::try_from(store.standing_counts().await.unwrap()).unwrap();
    assert_eq!((count.flow, count.status, count.runs, count.waiting), (run.flow, run.status, 2, 1));
    assert_eq!(store.verify().await.unwrap().faults, [""; 0]);
}

#[tokio::test]
async fn file_of_the_first_version_gets_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    let mut scribe = submitted(&store, "r1").await;
    tamper(&store, |stage| stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&1_u32)));
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap();
    store.append(Append { waiting: true, wake_at: Some(5), ..scribe.append([]) }).await.unwrap();
    assert_eq!(store.due_runs(9, 9).await.unwrap(), [(5, scribe.run().clone())]);
    drop(store);
    assert!(RedbStore::open(folder.path()).is_ok());
}

#[tokio::test]
async fn file_that_does_not_find_the_documents_of_a_flow_learns_to() {
    let folder = tempfile::tempdir().unwrap();
    let store = RedbStore::open(folder.path()).unwrap();
    submitted(&store, "r1").await;
    let [flow] = <[_; 1]>::try_from(store.flows().await.unwrap()).unwrap();
    tamper(&store, |stage| {
        stage.remove(Table::FlowsById, verbs::flow::place(&flow));
        stage.put(Table::Meta, SCHEMA_KEY.to_vec(), row::encode(&13_u32));
    });
    assert_eq!(store.flows_of(&flow.id).await.unwrap(), []);
    drop(store);
    let store = RedbStore::open(folder.path()).unwrap();
    assert_eq!(store.flows_of(&flow.id).await.unwrap(), [flow]);
    assert_eq!(store.verify().await.unwrap().faults, [""; 0]);
}
