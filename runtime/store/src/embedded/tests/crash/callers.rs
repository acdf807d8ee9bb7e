//! A store without threads: whoever calls does everything.

use std::task::Poll;

use super::super::*;
use super::disk::Disk;

fn store() -> RedbStore {
    RedbStore::without_threads(Disk::default(), Disk::default()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn store_without_threads_conforms() {
    for (name, check) in CHECKS {
        println!("{name}");
        check(Arc::new(store())).await;
    }
}

#[tokio::test]
async fn store_without_threads_does_everything_before_a_call_is_pending() {
    let store = store();
    let put = futures::poll!(store.put_blob(b"kept".to_vec()));
    let Poll::Ready(Ok(digest)) = put else { panic!("{put:?}") };
    // With threads, what may read much goes to one of them.
    assert!(matches!(futures::poll!(store.flows()), Poll::Ready(Ok(_))));
    assert_eq!(store.blob(digest).await.unwrap().as_deref(), Some(&b"kept"[..]));
}

#[tokio::test]
async fn store_without_threads_is_there_when_it_is_opened_again() {
    let (storage, log) = (Disk::default(), Disk::default());
    let open = || RedbStore::without_threads(storage.clone(), log.clone()).unwrap();
    let digest = open().put_blob(b"kept".to_vec()).await.unwrap();
    assert!(open().blob(digest).await.unwrap().is_some());
}
