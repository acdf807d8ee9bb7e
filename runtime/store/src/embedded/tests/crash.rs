//! Power cuts: at every sync of a mixed workload and at places between, the disk loses what was not synced; what is left is opened.
//! It must be exactly what the store was after the last commit before the cut, or after the one that was under way: with all
//! that was acknowledged, and nothing that is half done.
//!
//! `scripts/crashes` runs many of these with seeds of its own.

mod callers;
mod disk;
mod faults;
mod wal;
mod whole;
mod work;

use std::hash::{DefaultHasher, Hasher as _};

use bloom_runtime::record::{
    Artifact, InboxId, Lease, LeaseId, ProposalId, ProposalStatus, QuestionId, QuestionStatus, Task, TaskStatus,
};

use self::disk::{Cut, Disk, Entry, Random, Tape, lose};
use self::work::Work;
use super::*;
use crate::conformance::fixture::{answer, ask, attempted, end, error, failed, kept, owner, posted, requested};

/// So many steps does a workload have.
const STEPS: usize = 40;
/// So many places between its syncs are cut.
const BETWEEN: usize = 40;

/// What somebody was told.
#[derive(Clone, Debug)]
enum Fact {
    Events { run: RunId, count: u64, head: Digest },
    Task(Box<Task>),
    Lease(Lease),
    Proposal(ProposalId, ProposalStatus),
    Question(QuestionId, QuestionStatus),
    Artifact(Artifact, LeaseId),
    Inbox(InboxId),
    Blob(Digest),
    Setting(String),
}

impl Fact {
    /// Whether the store still knows it, or what came of it since.
    async fn holds(&self, store: &RedbStore) -> Result<bool, StoreError> {
        Ok(match self {
            Self::Events { run, count, head } => {
                let last = store.history(run, *count, 1).await?.pop();
                last.is_some_and(|event| event.hash() == *head)
            }
            Self::Task(told) => store.task(&told.id).await?.is_some_and(|task| {
                let is_final = told.status == TaskStatus::Completed;
                task.epoch >= told.epoch
                    && task.resolved >= told.resolved
                    && (!is_final || (task.status, &task.answer) == (told.status, &told.answer))
            }),
            Self::Lease(told) => {
                let lease = store.lease(&told.id).await?;
                lease.is_some_and(|lease| {
                    (&lease.task, lease.epoch, lease.token) == (&told.task, told.epoch, told.token)
                })
            }
            Self::Proposal(id, told) => store.proposal(id).await?.is_some_and(|proposal| {
                let came = matches!(
                    (told, proposal.status),
                    (ProposalStatus::Approved, ProposalStatus::Applying | ProposalStatus::Applied)
                        | (ProposalStatus::Applying, ProposalStatus::Applied)
                );
                came || proposal.status == *told
            }),
            Self::Question(id, told) => {
                let question = store.question(id).await?;
                question.is_some_and(|question| *told == QuestionStatus::Open || question.status == *told)
            }
            Self::Artifact(told, lease) => {
                store.artifact(&told.id).await?.as_ref() == Some(told)
                    && store.task_result(lease).await?.is_some()
                    && store.blob(told.content).await?.is_some()
            }
            Self::Inbox(id) => store.inbox_entry(id).await?.is_some(),
            Self::Blob(digest) => store.blob(*digest).await?.is_some_and(|bytes| Digest::of(&bytes) == *digest),
            Self::Setting(name) => store.setting(name).await?.is_some(),
        })
    }
}

/// All rows of all tables, in a number.
fn content(database: &Guarded) -> Result<u64, StoreError> {
    guarded(|| {
        let rows = database.snapshot()?;
        let mut hasher = DefaultHasher::new();
        for (number, table) in Table::ALL.iter().enumerate() {
            hasher.write_usize(number);
            rows.ascend(*table, &Key::new().span(), |key, value| {
                hasher.write_usize(key.len());
                hasher.write(key);
                hasher.write(value);
                Ok(std::ops::ControlFlow::Continue(()))
            })?;
        }
        Ok(hasher.finish())
    })
}

/// Nothing contradicts itself, and what somebody was told is there.
async fn is_whole(store: &RedbStore, facts: &[Fact]) -> Result<(), String> {
    let verification = store.verify().await.map_err(|error| format!("it cannot be verified: {error}"))?;
    if verification.fault_count > 0 {
        return Err(format!("it contradicts itself: {}", verification.faults.join("; ")));
    }
    for fact in facts {
        match fact.holds(store).await {
            Ok(true) => {}
            Ok(false) => return Err(format!("this was acknowledged and is not there: {fact:?}")),
            Err(error) => return Err(format!("this was acknowledged and cannot be read: {fact:?}: {error}")),
        }
    }
    Ok(())
}

/// Opens what a cut left, and looks for what must be there.
async fn survives(cut: &Cut<'_>, random: &mut Random) -> Result<(), String> {
    let disk = Disk::with(lose(cut.synced, cut.pending, random));
    disk.record();
    let opened = |disk: &Disk| disk.open().map_err(|error| format!("it cannot be opened: {error}"));
    let store = opened(&disk)?;
    let found = content(&store.database).map_err(|error| format!("it cannot be read: {error}"))?;
    if !cut.allowed.contains(&Some(found)) {
        return Err("it is neither what it was nor what it was about to be".to_owned());
    }
    is_whole(&store, cut.facts).await?;

    // The power is cut again while it is opened.
    let opening = disk.tape();
    let place = random.below(opening.entries.len() + 1);
    opening.cut(found, [place], |_, again| {
        let disk = Disk::with(lose(again.synced, again.pending, random));
        let store = opened(&disk).map_err(|error| format!("after a second cut, {error}"))?;
        match content(&store.database) {
            Ok(content) if content == found => Ok(()),
            _ => Err("after a second cut it is not what it was".to_owned()),
        }
    })?;

    // It goes on.
    let mut work = Work::new(&store, &disk, random.next(), "after-");
    for _ in 0..3 {
        work.step().await.map_err(|error| format!("it does not go on: {error}"))?;
    }
    let told = disk.tape().entries.into_iter();
    let told: Vec<Fact> = told
        .filter_map(|entry| match entry {
            Entry::Acknowledged(fact) => Some(*fact),
            _ => None,
        })
        .collect();
    is_whole(&store, &told).await
}

/// Works on a disk that is recorded; gives what was there before the first thing that was done, too.
async fn recorded(seed: u64, lies: bool) -> (u64, Tape) {
    // What is lost while the file is made is nobody's.
    let disk = Disk::default();
    drop(disk.open().unwrap());
    disk.record();
    let store = disk.open().unwrap();
    let first = content(&store.database).unwrap();
    if lies {
        disk.lie();
    }
    let (noted, database) = (disk.clone(), Arc::clone(&store.database));
    store.watch_commits(move |_, _| noted.note(Entry::Committed(content(&database).unwrap())));
    let mut work = Work::new(&store, &disk, seed, "");
    for _ in 0..STEPS {
        work.step().await.unwrap();
    }
    drop(store);
    (first, disk.tape())
}

/// Lets a workload crash wherever it syncs, and between; says how often.
fn crash(seed: u64, most: usize, lies: bool) -> Result<usize, String> {
    // The writer's thread commits here: who puts several together holds the disk's sync until all wait.
    let runtime = Builder::new_current_thread().build().unwrap();
    let (first, tape) = runtime.block_on(recorded(seed, lies));
    let mut random = Random(seed);
    let mut places: Vec<usize> = tape.syncs().collect();
    places.extend((0..BETWEEN).map(|_| random.below(tape.entries.len())));
    // Not always the same ones, where there are more than enough.
    while places.len() > most {
        places.swap_remove(random.below(places.len()));
    }
    places.sort_unstable();
    let count = places.len();
    tape.cut(first, places, |place, cut| {
        let survived = runtime.block_on(survives(cut, &mut random));
        survived.map_err(|what| format!("seed {seed}, cut before entry {place}: {what}"))
    })?;
    Ok(count)
}

/// So many, beginning with this seed: `BLOOM_CRASHES=10000 BLOOM_CRASH_SEED=7`, as `scripts/crashes` sets them.
fn asked_for() -> Option<(usize, u64)> {
    let count = std::env::var("BLOOM_CRASHES").ok()?.parse().expect("BLOOM_CRASHES is a number");
    let seed = std::env::var("BLOOM_CRASH_SEED").map(|seed| seed.parse().expect("BLOOM_CRASH_SEED is a number"));
    Some((count, seed.unwrap_or(1)))
}

#[test]
fn what_was_acknowledged_survives_a_power_cut_and_nothing_is_half_done() {
    let (count, mut seed) = asked_for().unwrap_or((200, 1));
    let mut crashed = 0;
    while crashed < count {
        match crash(seed, count - crashed, false) {
            Ok(more) => crashed += more,
            Err(what) => panic!("{what}\nagain: scripts/crashes {count} {seed}"),
        }
        println!("{crashed} crashes, up to seed {seed}");
        seed += 1;
    }
}

#[test]
fn disk_that_lies_about_syncs_is_found_out() {
    let found = crash(1, 200, true).unwrap_err();
    assert!(found.contains("seed 1"), "{found}");
}

/// Verbs that lose a part of what they write, row by row: that they do is seen.
#[tokio::test]
async fn row_that_is_missing_is_found_out() {
    let disk = Disk::default();
    let store = disk.open().unwrap();
    let mut work = Work::new(&store, &disk, 3, "");
    for _ in 0..3 * STEPS {
        work.step().await.unwrap();
    }
    is_whole(&store, &[]).await.unwrap();
    let mut found = 0;
    for table in Table::ALL {
        // Nothing else tells of these.
        if matches!(
            table,
            Table::Meta | Table::Contexts | Table::Settings | Table::Workers | Table::NodeStatuses | Table::Spending
        ) {
            continue;
        }
        let mut taken = None;
        let rows = store.database.snapshot().unwrap();
        rows.ascend(*table, &Key::new().span(), |key, value| {
            taken = Some((key.to_vec(), value.to_vec()));
            Ok(std::ops::ControlFlow::Break(()))
        })
        .unwrap();
        drop(rows);
        let Some((key, value)) = taken else { continue };
        tamper(&store, |stage| stage.remove(*table, key.clone()));
        let verification = store.verify().await.unwrap();
        // Bytes of which nobody speaks may come and go.
        assert!(
            verification.fault_count > 0 || *table == Table::Blobs,
            "a row of {table:?} is gone, and nobody says so"
        );
        tamper(&store, |stage| stage.put(*table, key, value));
        found += 1;
    }
    is_whole(&store, &[]).await.unwrap();
    assert!(found > 30, "the workload leaves {found} tables with rows");
}
