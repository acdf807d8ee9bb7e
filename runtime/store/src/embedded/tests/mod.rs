//! The file under the store: what is on disk when, who has it open, what is damaged.

mod crash;
mod disk;
mod migrate;
mod process;
mod whole;

use std::sync::Arc;

use bloom_ir::Digest;
use bloom_runtime::record::AuditFaultKind;
use bloom_runtime::store::{Append, Store, StoreError, verify_audit};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::{Builder, Runtime};

use super::key::Key;
use super::layer::Layer;
use super::memo::Memo;
use super::schema::{SCHEMA, SCHEMA_KEY, version};
use super::stage::Stage;
use super::table::Table;
use super::*;
use crate::conformance::CHECKS;
use crate::conformance::fixture::{Scribe, completed, note, submitted};
use crate::conformance::model::{Ending, Step, follow};

/// In the first the writer's thread commits, in the second the caller's as long as it is alone.
fn runtimes() -> [Runtime; 2] {
    let alone = Builder::new_current_thread().enable_time().build().unwrap();
    let shared = Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    [alone, shared]
}

#[tokio::test(flavor = "multi_thread")]
async fn file_conforms() {
    for (name, check) in CHECKS {
        println!("{name}");
        check(Arc::new(RedbStore::in_memory().unwrap())).await;
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![
        4 => any::<(bool, bool)>().prop_map(|(answer, appended)| Ending::Complete { answer, appended }),
        2 => any::<bool>().prop_map(|retryable| Ending::Fail { retryable }),
        3 => Just(Ending::Expire),
        1 => Just(Ending::GiveBack),
    ];
    let step = prop_oneof![
        8 => proptest::option::weighted(0.3, any::<u8>()).prop_map(|run| Step::Grant { run }),
        10 => (any::<u8>(), prop_oneof![6 => Just(0), 1 => 1..3_u8], ending)
            .prop_map(|(lease, epoch_off, ending)| Step::End { lease, epoch_off, ending }),
        3 => any::<u8>().prop_map(|task| Step::Requeue { task }),
        1 => any::<u8>().prop_map(|task| Step::Resolve { task }),
        1 => any::<u8>().prop_map(|run| Step::Cancel { run }),
    ];
    prop::collection::vec(step, 1..40)
}

#[test]
fn tasks_follow_the_model() {
    let runtime = Builder::new_current_thread().build().unwrap();
    TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() })
        .run(&steps(), |steps| {
            runtime.block_on(follow(&RedbStore::in_memory().unwrap(), &steps));
            Ok(())
        })
        .unwrap();
}

#[test]
fn caller_that_is_alone_commits_on_its_own_thread_and_others_share_commits() {
    for (runtime, threads) in runtimes().into_iter().zip([&["store-writer"][..], &["caller", "store-writer"]]) {
        let store = Arc::new(RedbStore::in_memory().unwrap());
        let seen: Arc<std::sync::Mutex<Vec<(String, usize)>>> = Arc::default();
        let noted = seen.clone();
        store.watch_commits(move |verbs, _| {
            let thread = std::thread::current();
            noted.lock().unwrap().push((thread.name().unwrap_or_default().to_owned(), verbs));
        });
        let put = |n: u32| {
            let store = store.clone();
            async move { store.put_blob(n.to_be_bytes().to_vec()).await.unwrap() }
        };
        let caller = std::thread::Builder::new().name("caller".to_owned());
        std::thread::scope(|scope| {
            let alone = caller.spawn_scoped(scope, || runtime.block_on(put(0))).unwrap();
            alone.join().unwrap();
            assert_eq!(seen.lock().unwrap().as_slice(), [(threads[0].to_owned(), 1)]);
        });
        let many: Vec<_> = (1..=200).map(|n| runtime.spawn(put(n))).collect();
        for put in many {
            runtime.block_on(put).unwrap();
        }
        let seen = seen.lock().unwrap();
        assert_eq!(seen.iter().map(|(_, verbs)| verbs).sum::<usize>(), 201, "each is committed once: {seen:?}");
        let kept = (0..=200_u32).map(|n| store.blob(Digest::of(&n.to_be_bytes())));
        assert!(kept.map(|blob| runtime.block_on(blob).unwrap()).all(|blob| blob.is_some()));
    }
}

/// Changes rows behind the store's back.
fn tamper(store: &RedbStore, change: impl FnOnce(&mut Stage<'_>)) {
    let _paused = store.writer.pause();
    let (below, mut rows) = (store.database.snapshot().unwrap(), Layer::default());
    let mut memo = Memo::default();
    let mut stage = Stage::new(&mut rows, &below, &mut memo);
    change(&mut stage);
    stage.keep().unwrap();
    drop(below);
    store.database.commit(rows).unwrap();
}

#[tokio::test]
async fn only_large_payloads_stand_beside_the_log() {
    let store = RedbStore::in_memory().unwrap();
    let mut scribe = submitted(&store, "r1").await;
    let [small, large] = [10_000, 100_000].map(|size| "x".repeat(size));
    let append = scribe.append([completed("n1#1", &small), completed("n1#2", &large)]);
    store.append(append.clone()).await.unwrap();
    let events = &append.events;
    let beside = store.blob(events[1].payload_sha256).await.unwrap().unwrap();
    assert_eq!(Digest::of(&beside), events[1].payload_sha256);
    assert_eq!(store.blob(events[0].payload_sha256).await.unwrap(), None);

    tamper(&store, |stage| stage.remove(Table::Blobs, events[1].payload_sha256.as_bytes().to_vec()));
    let lost = store.history(scribe.run(), 3, 1).await.unwrap_err();
    assert!(matches!(lost, StoreError::Damaged(_)), "{lost}");
}

async fn with_log(entries: i64) -> RedbStore {
    let store = RedbStore::in_memory().unwrap();
    let mut scribe = submitted(&store, "r1").await;
    let audit = (1..=entries).map(|n| note("noted", n)).collect();
    store.append(Append { audit, ..scribe.append([]) }).await.unwrap();
    store
}

fn entry_key(seq: u64) -> Vec<u8> {
    Key::new().number(seq).build()
}

#[tokio::test]
async fn changed_audit_entry_is_found() {
    let store = with_log(2500).await;
    let whole = verify_audit(&store, None).await.unwrap();
    assert_eq!((whole.entries, whole.fault), (2500, None));

    let mut entry = store.audit(1234..=1234).await.unwrap().remove(0);
    entry.note.actor.0 = "somebody else".to_owned();
    tamper(&store, |stage| stage.put(Table::Audit, entry_key(1234), row::encode(&entry)));
    let check = verify_audit(&store, None).await.unwrap();
    assert_eq!(
        (check.entries, check.fault.unwrap().to_string().as_str()),
        (1233, "audit entry 1234: it was changed: its hash does not fit")
    );
}

#[tokio::test]
async fn removed_audit_entry_is_found() {
    let store = with_log(1500).await;
    tamper(&store, |stage| (1001..1500).for_each(|seq| stage.remove(Table::Audit, entry_key(seq))));
    let fault = verify_audit(&store, None).await.unwrap().fault.unwrap();
    assert_eq!((fault.seq, fault.kind), (1001, AuditFaultKind::Sequence { found: 1500 }));

    let store = with_log(2500).await;
    tamper(&store, |stage| (1001..2500).for_each(|seq| stage.remove(Table::Audit, entry_key(seq))));
    let fault = verify_audit(&store, None).await.unwrap().fault.unwrap();
    assert_eq!((fault.seq, fault.kind), (1001, AuditFaultKind::Missing));
}

#[tokio::test]
async fn unreadable_audit_entry_is_found() {
    for seq in [3, 10] {
        let store = with_log(10).await;
        tamper(&store, |stage| stage.put(Table::Audit, entry_key(seq), b"\x01{".to_vec()));
        let check = verify_audit(&store, None).await.unwrap();
        let fault = check.fault.unwrap();
        assert_eq!((check.entries, fault.seq), (seq - 1, seq));
        assert!(matches!(fault.kind, AuditFaultKind::Unreadable(_)), "{fault}");
    }
}

#[tokio::test]
async fn row_of_an_unknown_format_is_told() {
    let store = RedbStore::in_memory().unwrap();
    let scribe: Scribe = submitted(&store, "r1").await;
    tamper(&store, |stage| stage.put(Table::Runs, b"r1".to_vec(), b"\x09abc".to_vec()));
    let error = store.run(scribe.run()).await.unwrap_err();
    assert!(error.to_string().contains("no known format"), "{error}");
}
