//! A store as a whole, after it was used for this and that: exported and imported, archived and restored, copied and compacted; and the
//! power is cut in the middle.

use std::collections::BTreeMap;

use super::*;
use crate::embedded::archive;
use crate::embedded::transfer::compact;
use crate::transfer::{Contents, TransferError};

/// Everything that the workload did ended before.
const LATER: i64 = 1_000_000_000;

/// A store that a workload has filled.
async fn used(store: &RedbStore, disk: &Disk, seed: u64) {
    let mut work = Work::new(store, disk, seed, "");
    for _ in 0..5 * STEPS {
        work.step().await.unwrap();
    }
}

/// All rows, but for what differs between stores of the same content: numbers of events, the audit log.
fn records(store: &RedbStore) -> BTreeMap<(Table, Vec<u8>), Vec<u8>> {
    let mut found = BTreeMap::new();
    let rows = store.database.snapshot().unwrap();
    for table in Table::ALL {
        if matches!(table, Table::Meta | Table::Events | Table::EventsByRun | Table::Audit) {
            continue;
        }
        rows.ascend(*table, &Key::new().span(), |key, value| {
            found.insert((*table, key.to_vec()), value.to_vec());
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
    }
    found
}

/// The histories of all runs.
async fn histories(store: &RedbStore) -> BTreeMap<RunId, Vec<Event>> {
    let runs = store.runs(&RunFilter { limit: usize::MAX, ..RunFilter::default() }).await.unwrap();
    let mut found = BTreeMap::new();
    for run in runs {
        let events = store.history(&run.id, 1, usize::MAX).await.unwrap();
        found.insert(run.id, events);
    }
    found
}

/// The lines of an export, without those that tell of the export itself.
fn lines(export: &[u8]) -> Vec<&str> {
    let mut lines: Vec<&str> = str::from_utf8(export).unwrap().lines().collect();
    lines.remove(0);
    lines.pop();
    lines
}

fn exported(store: &RedbStore) -> (Vec<u8>, Contents) {
    let mut lines = Vec::new();
    let contents = store.export(&mut lines, 7).unwrap();
    (lines, contents)
}

#[tokio::test]
async fn imported_store_is_the_one_that_was_exported() {
    for seed in 1..4 {
        let disk = Disk::default();
        let store = disk.open().unwrap();
        used(&store, &disk, seed).await;
        let (export, contents) = exported(&store);
        let folder = tempfile::tempdir().unwrap();
        let imported = RedbStore::import(folder.path(), export.as_slice(), 9, &owner()).unwrap();
        assert_eq!(imported, contents);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "only the file itself is left");

        let again = RedbStore::open(folder.path()).unwrap();
        is_whole(&again, &[]).await.unwrap();
        assert_eq!(records(&again), records(&store));
        assert_eq!(histories(&again).await, histories(&store).await);
        let last = again.audit_head().await.unwrap().unwrap();
        assert_eq!((last.note.action.as_str(), last.note.entity_id), ("store_imported", contents.digest.to_string()));
        let (second, _) = exported(&again);
        let (mut found, due) = (lines(&second), lines(&export));
        assert!(found.pop().unwrap().contains("store_imported"));
        assert_eq!(found, due);
        // It goes on.
        let mut work = Work::new(&again, &disk, seed + 100, "more-").in_trouble();
        for _ in 0..STEPS {
            work.step().await.unwrap();
        }
        is_whole(&again, &[]).await.unwrap();
    }
}

#[tokio::test]
async fn import_is_refused_as_a_whole() {
    let disk = Disk::default();
    let store = disk.open().unwrap();
    used(&store, &disk, 5).await;
    let (export, _) = exported(&store);
    let text = String::from_utf8(export.clone()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let import = |lines: &[u8]| RedbStore::import(folder.path(), lines, 9, &owner());

    assert!(matches!(import(&export[..export.len() / 2]), Err(TransferError::Truncated { .. })));
    let changed = text.replacen("archivist", "archivest", 1);
    assert!(matches!(import(changed.as_bytes()), Err(TransferError::Changed { .. })));
    assert!(matches!(import(b"{}\n"), Err(TransferError::Foreign)));

    // Lines that are whole, and do not fit together: written by somebody who knew how.
    let without = |kind: &str| {
        let mut lines = crate::transfer::LineReader::open(export.as_slice(), crate::Format::Export).unwrap();
        let mut fewer = crate::transfer::LineWriter::new(Vec::new(), crate::Format::Export, 7).unwrap();
        let mut is_gone = false;
        while let Some(record) = lines.read().unwrap() {
            if record.kind() != kind || std::mem::replace(&mut is_gone, true) {
                fewer.write(&record).unwrap();
            }
        }
        assert!(is_gone, "there is no {kind}");
        fewer.finish().unwrap().0
    };
    for kind in ["flow", "inbox", "run", "event", "lease", "artifact", "audit"] {
        let read = import(&without(kind));
        let due = matches!(read, Err(TransferError::Contradiction { .. } | TransferError::Changed { .. }));
        assert!(due, "{kind}: {read:?}");
    }

    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half of a store is left");
    let (whole, _) = exported(&RedbStore::open(folder.path()).unwrap());
    assert!(lines(&whole).is_empty(), "the store is as empty as it was");

    RedbStore::import(folder.path(), export.as_slice(), 9, &owner()).unwrap();
    assert!(matches!(import(&export), Err(TransferError::NotEmpty)));
    let open = RedbStore::open(folder.path()).unwrap();
    assert!(matches!(import(&export), Err(TransferError::Store(StoreError::Locked { .. }))));
    drop(open);
}

#[tokio::test]
async fn archived_runs_are_gone_until_they_are_restored() {
    let folder = tempfile::tempdir().unwrap();
    let mut archived = 0;
    for seed in 1..6 {
        let disk = Disk::default();
        let store = disk.open().unwrap();
        used(&store, &disk, seed).await;
        let (before, told) = (records(&store), histories(&store).await);
        let file = folder.path().join(format!("архів {seed}.gz"));
        let plan = store.archivable(LATER).await.unwrap();
        let (runs, events) = (plan.runs(), plan.events());
        let contents = store.archive(plan, &file, 11, &owner()).await.unwrap();
        assert_eq!((contents.runs, contents.events), (runs, events));
        is_whole(&store, &[]).await.unwrap();
        let left = histories(&store).await;
        assert_eq!(left.len() as u64, told.len() as u64 - runs);
        assert!(left.iter().all(|(run, events)| told[run] == *events));
        assert_eq!(store.archivable(LATER).await.unwrap().runs(), 0, "what goes goes at once");
        assert_eq!(verify_audit(&store, None).await.unwrap().fault, None);

        // It goes on, and is opened again.
        let mut work = Work::new(&store, &disk, seed + 100, "more-");
        for _ in 0..20 {
            work.step().await.unwrap();
        }
        drop(store);
        let store = disk.open().unwrap();
        is_whole(&store, &[]).await.unwrap();

        for (restored, there) in [(runs, 0), (0, runs)] {
            let found = store.restore(&file, 12, &owner()).await.unwrap();
            assert_eq!((found.restored, found.there, found.contents), (restored, there, contents));
            is_whole(&store, &[]).await.unwrap();
        }
        let again = histories(&store).await;
        assert!(told.iter().all(|(run, events)| again[run] == *events));
        let after = records(&store);
        for (place, row) in &before {
            // What the work since may have moved on.
            let is_final = matches!(place.0, Table::RunInputs | Table::Blobs | Table::Inbox | Table::Artifacts);
            assert!(!is_final || after.get(place) == Some(row), "{:?} has lost a row", place.0);
        }
        drop(store);
        disk.open().unwrap();
        archived += runs;
    }
    assert!(archived > 10, "{archived} runs were archived");
}

#[tokio::test]
async fn nothing_leaves_the_store_when_the_file_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let store = disk.open().unwrap();
    used(&store, &disk, 2).await;
    let before = content(&store.database).unwrap();
    let there = folder.path().join("there");
    fs::write(&there, "нотатка").unwrap();
    for path in [there.clone(), folder.path().join("nowhere/archive.gz")] {
        let plan = store.archivable(LATER).await.unwrap();
        assert!(plan.runs() > 0);
        store.archive(plan, &path, 11, &owner()).await.unwrap_err();
        assert_eq!(content(&store.database).unwrap(), before);
    }
    assert_eq!(fs::read_to_string(&there).unwrap(), "нотатка");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no half of an archive is left");
}

/// The rows, but for numbers of events and the audit log, of a store that a cut left.
fn left_by(cut: &Cut<'_>, random: &mut Random) -> Result<RedbStore, String> {
    let disk = Disk::with(lose(cut.synced, cut.pending, random));
    disk.open().map_err(|error| format!("it cannot be opened: {error}"))
}

/// Does something with a store that was used, and cuts the power wherever it syncs, and between.
async fn cut_while<D: Future<Output = ()>>(
    seed: u64,
    store: RedbStore,
    disk: &Disk,
    does: impl FnOnce(RedbStore) -> D,
    mut survives: impl AsyncFnMut(RedbStore) -> Result<(), String>,
) -> usize {
    disk.record();
    does(store).await;
    let tape = disk.tape();
    let mut random = Random(seed);
    let mut places: Vec<usize> = tape.syncs().collect();
    places.extend((0..10).map(|_| random.below(tape.entries.len())));
    places.sort_unstable();
    let count = places.len();
    let mut stores = Vec::new();
    tape.cut(0, places, |place, cut| {
        stores.push((place, left_by(cut, &mut random).map_err(|what| format!("cut before {place}: {what}"))?));
        Ok::<_, String>(())
    })
    .unwrap();
    for (place, store) in stores {
        is_whole(&store, &[]).await.unwrap();
        survives(store).await.unwrap_or_else(|what| panic!("seed {seed}, cut before {place}: {what}"));
    }
    count
}

#[tokio::test]
async fn power_cut_while_runs_leave_or_return_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    for seed in [3, 4] {
        let disk = Disk::default();
        let store = disk.open().unwrap();
        used(&store, &disk, seed).await;
        let (before, told) = (records(&store), histories(&store).await);
        let file = folder.path().join(format!("{seed}.gz"));
        let back = async |store: RedbStore| {
            store.restore(&file, 12, &owner()).await.map_err(|error| error.to_string())?;
            is_whole(&store, &[]).await?;
            let same = records(&store) == before && histories(&store).await == told;
            if same { Ok(()) } else { Err("it is not what it was".to_owned()) }
        };
        let leave = async |store: RedbStore| {
            let plan = store.archivable(LATER).await.unwrap();
            let staged = crate::staged::Staged::new(&file).unwrap();
            let (plan, contents) = store.write_archive(plan, staged, 11).await.unwrap();
            // As small commits as there can be.
            for ended in archive::batches(plan).into_iter().flatten() {
                let take_out = move |stage: &mut Stage<'_>| archive::take_out(stage, &[ended], &contents, 11, &owner());
                store.writer.perform(0, take_out).await.unwrap();
            }
        };
        let cuts = cut_while(seed, store, &disk, leave, back).await;
        assert!(cuts > 10, "{cuts} cuts");

        let store = disk.open().unwrap();
        let restore = async |store: RedbStore| {
            store.restore(&file, 12, &owner()).await.unwrap();
        };
        cut_while(seed, store, &disk, restore, back).await;
    }
}

#[tokio::test]
async fn power_cut_while_the_file_is_compacted_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let store = disk.open().unwrap();
    used(&store, &disk, 6).await;
    let plan = store.archivable(LATER).await.unwrap();
    store.archive(plan, &folder.path().join("archive.gz"), 11, &owner()).await.unwrap();
    let before = content(&store.database).unwrap();
    let size = disk.len().unwrap();
    let shrink = async |store: RedbStore| {
        drop(store);
        compact(&mut Database::builder().create_with_backend(disk.clone()).unwrap()).unwrap();
    };
    let same = async |store: RedbStore| match content(&store.database) {
        Ok(found) if found == before => Ok(()),
        found => Err(format!("it is not what it was: {found:?}")),
    };
    let cuts = cut_while(6, store, &disk, shrink, same).await;
    assert!(cuts > 10, "{cuts} cuts");
    assert!(disk.len().unwrap() < size, "it is as large as before");
    is_whole(&disk.open().unwrap(), &[]).await.unwrap();
}
