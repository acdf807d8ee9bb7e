//! The audit log.

use std::sync::Arc;

use bloom_ir::Digest;
use bloom_runtime::record::{ProposalId, RunId, Verdict};
use bloom_runtime::store::{Append, Decision, Store, verify_audit};

use super::fixture::{Scribe, ask, failed, note, owner, submitted};

async fn actions(store: &dyn Store) -> Vec<String> {
    store.audit(1..=u64::MAX).await.unwrap().into_iter().map(|entry| entry.note.action).collect()
}

async fn verified(store: &dyn Store, entries: u64) {
    let check = verify_audit(store, None).await.unwrap();
    assert_eq!((check.entries, check.fault), (entries, None));
    let head = store.audit_head().await.unwrap();
    assert_eq!(check.head, head.map_or(Digest::of(b""), |head| head.hash));
}

pub(super) async fn notes_are_chained_in_order(store: &Arc<dyn Store>) {
    verified(store.as_ref(), 0).await;
    let mut scribe = Scribe::new("r1");
    let mut submission = scribe.submission();
    submission.first.audit = vec![note("run_started", 1)];
    store.submit(submission).await.unwrap();
    let audit = vec![note("run_completed", 2), note("run_archived", 3)];
    store.append(Append { audit, ..scribe.completion("done") }).await.unwrap();
    assert_eq!(actions(store.as_ref()).await, ["run_started", "run_completed", "run_archived"]);
    verified(store.as_ref(), 3).await;
}

pub(super) async fn refused_verb_writes_no_note(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let append = Append { audit: vec![note("once", 1)], ..scribe.append([failed("n1#1")]) };
    store.append(append.clone()).await.unwrap();
    store.append(append).await.unwrap_err();
    assert_eq!(actions(store.as_ref()).await, ["once"]);
}

pub(super) async fn grants_and_decisions_write_notes(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let mut append = scribe.asking(&[("t1", "n1#1")]);
    append.proposals = vec![scribe.proposal("p1", "n2#1", "a"), scribe.proposal("p2", "n2#2", "a")];
    store.append(append).await.unwrap();
    store.grant(ask("l1", 5)).await.unwrap().unwrap();
    let decision = Decision {
        proposal: ProposalId::new("p1"),
        verdict: Verdict::Approve,
        by: owner(),
        at: 6,
        note: None,
    };
    store.decide(decision).await.unwrap();
    assert_eq!(actions(store.as_ref()).await, ["task_leased", "proposal_approved", "proposal_rejected"]);
    let leased = store.audit(1..=1).await.unwrap().remove(0).note;
    assert_eq!((leased.actor.0.as_str(), leased.entity_id.as_str(), leased.epoch), ("worker:w1", "t1", Some(1)));
    assert_eq!((leased.job_id.as_deref(), leased.at), (Some("r1"), 5));
    verified(store.as_ref(), 3).await;
}

pub(super) async fn log_of_racing_verbs_verifies(store: &Arc<dyn Store>) {
    let racers: Vec<_> = (0..100)
        .map(|n| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut scribe = Scribe::new(&format!("r{}", n % 60));
                let mut submission = scribe.submission();
                submission.first.audit = vec![note("run_started", n), note("run_noted", n)];
                store.submit(submission).await.is_ok()
            })
        })
        .collect();
    let mut won = 0;
    for racer in racers {
        won += u64::from(racer.await.unwrap());
    }
    assert_eq!(won, 60);
    verified(store.as_ref(), 120).await;
    // Notes of one verb stand together.
    let times: Vec<_> = store.audit(1..=120).await.unwrap().iter().map(|entry| entry.note.at).collect();
    assert!(times.as_chunks::<2>().0.iter().all(|[first, second]| first == second));
    assert!(store.run(&RunId::new("r59")).await.unwrap().is_some());
}

pub(super) async fn range_of_entries_is_read(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let audit = (1..=9).map(|n| note("noted", n)).collect();
    store.append(Append { audit, ..scribe.append([]) }).await.unwrap();
    let range = async |range| -> Vec<u64> { store.audit(range).await.unwrap().iter().map(|entry| entry.seq).collect() };
    assert_eq!(range(3..=5).await, [3, 4, 5]);
    assert_eq!(range(0..=1).await, [1]);
    assert_eq!(range(9..=u64::MAX).await, [9]);
    assert_eq!(range(10..=20).await, [0; 0]);
    #[expect(clippy::reversed_empty_ranges, reason = "a range that holds nothing")]
    let none = range(5..=3).await;
    assert_eq!(none, [0; 0]);
}
