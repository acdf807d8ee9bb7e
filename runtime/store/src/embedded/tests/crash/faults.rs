//! A disk that fails, and is mended: what the store says, what is left, and that it goes on by itself.

use std::io::ErrorKind;
use std::task::{Context, Waker};

use super::disk::Fault;
use super::*;

/// A store that finds its file again on the same disk, with what a real one may have lost.
fn store_on(disk: &Disk, cache: usize, seed: u64) -> RedbStore {
    let open = move |disk: &Disk| Database::builder().set_cache_size(cache).create_with_backend(disk.clone());
    let (database, wal) = (open(disk).unwrap(), disk.wal());
    let (disk, random) = (disk.clone(), std::sync::Mutex::new(Random(seed)));
    let again = move || {
        disk.forget(&mut random.lock().unwrap());
        open(&disk).map_err(failure::backend)
    };
    RedbStore::start(Guarded::new(database, wal, again).unwrap(), None, None).unwrap()
}

/// The kind of error, or what else is wrong.
fn kind(error: &StoreError) -> Result<ErrorKind, String> {
    error.disk().ok_or_else(|| format!("the disk failed, and this is said: {error:?}"))
}

/// One workload, with a fault that begins after so many operations; it ends by itself, or when the disk is mended.
async fn goes_on(fault: Fault, after: usize, stays: bool, seed: u64) -> Result<bool, String> {
    let disk = Disk::default();
    // Where reading fails, nothing is kept in memory that could be read.
    let cache = if fault == Fault::Read { 0 } else { 1 << 20 };
    let store = store_on(&disk, cache, seed);
    disk.record();
    let mut work = Work::new(&store, &disk, seed, "").in_trouble();
    for _ in 0..5 {
        work.step().await.map_err(|error| format!("before anything is wrong: {error}"))?;
    }
    disk.fail(fault, after, stays);
    let mut said = None;
    for round in 0..20 {
        // The file grows in large steps.
        let grown = match fault {
            Fault::Length if round < 2 => store.put_blob(vec![round; 3 << 20]).await.map(drop),
            _ => Ok(()),
        };
        let Err(error) = grown.and(work.step().await) else { continue };
        said.get_or_insert(error);
        work.forget();
    }
    let has_failed = disk.failed() > 0;
    if let Some(error) = &said {
        let due = match fault {
            Fault::Full => ErrorKind::StorageFull,
            Fault::ReadOnly => ErrorKind::ReadOnlyFilesystem,
            Fault::Read | Fault::Write | Fault::Length | Fault::Sync => std::io::Error::from_raw_os_error(5).kind(),
        };
        if kind(error)? != due {
            return Err(format!("{error:?} is said"));
        }
    } else if has_failed && stays && fault != Fault::Length {
        return Err("the disk failed, and nobody was told".to_owned());
    }
    if fault == Fault::Full && stays {
        // Who has its answer does not wait for what the writer does afterwards.
        let _ = store.note(Vec::new()).await;
        // What has room is there to be read.
        store
            .runs(&RunFilter { limit: 100, ..RunFilter::default() })
            .await
            .map_err(|error| format!("reading: {error}"))?;
    }
    disk.mend();
    // The writer rests after a failure, and not for long.
    let rested = async {
        while store.note(vec![note("mended", 1)]).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    let rested = tokio::time::timeout(std::time::Duration::from_mins(1), rested).await;
    rested.map_err(|_| "the disk is mended, and the store does not go on".to_owned())?;
    for _ in 0..10 {
        work.step().await.map_err(|error| format!("the disk is mended, and this is said: {error:?}"))?;
    }
    let facts: Vec<Fact> = disk
        .tape()
        .entries
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Acknowledged(fact) => Some(*fact),
            _ => None,
        })
        .collect();
    is_whole(&store, &facts).await?;
    drop(store);
    disk.forget(&mut Random(seed));
    is_whole(&store_on(&disk, cache, seed), &facts).await?;
    Ok(has_failed)
}

fn trials(faults: &[Fault], stays: bool) {
    for (runtime, fault) in runtimes().iter().flat_map(|runtime| faults.iter().map(move |fault| (runtime, fault))) {
        let mut failed = 0;
        // A file seldom grows.
        let most = if *fault == Fault::Length { 2 } else { 8 };
        for trial in 0..most {
            let after = if *fault == Fault::Length { trial } else { trial * trial * 2 };
            match runtime.block_on(goes_on(*fault, after, stays, trial as u64)) {
                Ok(has_failed) => failed += usize::from(has_failed),
                Err(what) => panic!("{fault:?} after {after}, staying {stays}: {what}"),
            }
        }
        assert!(failed > 0, "{fault:?} never happened");
    }
}

#[test]
fn failure_that_passes_costs_only_what_met_it() {
    trials(&[Fault::Write, Fault::Sync, Fault::Read, Fault::Length], false);
}

#[test]
fn full_disk_is_told_and_readable_and_the_store_goes_on_when_there_is_room() {
    trials(&[Fault::Full], true);
}

#[test]
fn disk_that_takes_nothing_is_told_and_the_store_goes_on_when_it_does() {
    trials(&[Fault::ReadOnly, Fault::Write, Fault::Sync], true);
}

/// What came before is on the disk, and nobody who reads it has to know that the file is opened again.
#[test]
fn who_reads_waits_until_the_file_is_opened_again() {
    for runtime in runtimes() {
        let disk = Disk::default();
        let store = store_on(&disk, 0, 1);
        runtime.block_on(store.put_setting("mode", "old".to_owned(), Vec::new())).unwrap();
        let committing = store.writer.pause();
        disk.fail(Fault::Read, 0, true);
        store.database.reopen(&failure::backend("the disk fails")).unwrap_err();
        disk.mend();
        let mut little = store.setting("mode");
        let mut much = store.flows();
        runtime.block_on(async {
            let nobody = &mut Context::from_waker(Waker::noop());
            for _ in 0..100 {
                assert!(little.as_mut().poll(nobody).is_pending());
                assert!(much.as_mut().poll(nobody).is_pending());
                tokio::task::yield_now().await;
            }
        });
        drop(committing);
        assert_eq!(runtime.block_on(little).unwrap().as_deref(), Some("old"));
        assert_eq!(runtime.block_on(much).unwrap(), []);
    }
}
