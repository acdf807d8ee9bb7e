//! Proposals.

use std::sync::Arc;

use bloom_ir::Value;
use bloom_runtime::record::{Proposal, ProposalError, ProposalId, ProposalStatus, Verdict};
use bloom_runtime::store::{Append, ApplyStep, Decision, ProposalFilter, Store, StoreError};

use super::fixture::{Scribe, failed, owner, submitted};

async fn propose(store: &dyn Store, scribe: &mut Scribe, proposals: &[(&str, &str, &str)]) {
    let append = scribe.append([failed("n1#1")]);
    let proposals = proposals.iter().map(|(id, emission, content)| scribe.proposal(id, emission, content)).collect();
    store.append(Append { proposals, ..append }).await.unwrap();
}

async fn get(store: &dyn Store, id: &str) -> Proposal {
    store.proposal(&ProposalId::new(id)).await.unwrap().unwrap()
}

async fn originals(store: &dyn Store, ids: &[&str]) -> Vec<Option<String>> {
    let mut originals = Vec::new();
    for id in ids {
        originals.push(get(store, id).await.duplicate_of.map(|of| of.to_string()));
    }
    originals
}

fn decision(id: &str, verdict: Verdict) -> Decision {
    Decision { proposal: ProposalId::new(id), verdict, by: owner(), at: 77, note: Some("добре".to_owned()) }
}

fn step(id: &str, to: ProposalStatus) -> ApplyStep {
    ApplyStep { proposal: ProposalId::new(id), to, at: 88, result: Some(Value::from("rev 2")), by: owner() }
}

pub(super) async fn emission_makes_one_proposal(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut scribe, &[("p1", "n1#1", "a")]).await;
    let first = get(store.as_ref(), "p1").await;
    assert_eq!(first, Proposal { created_at: first.created_at, ..scribe.proposal("p1", "n1#1", "a") });
    // The same emission again: after a crash, say. Another run's emission of that name is another one.
    propose(store.as_ref(), &mut scribe, &[("p2", "n1#1", "b")]).await;
    propose(store.as_ref(), &mut submitted(store.as_ref(), "r2").await, &[("p3", "n1#1", "c")]).await;
    assert_eq!(store.proposal(&ProposalId::new("p2")).await.unwrap(), None);
    assert_eq!(get(store.as_ref(), "p1").await, first);
    get(store.as_ref(), "p3").await;
    // An id is used once.
    let append = Append { proposals: vec![scribe.proposal("p1", "n9#1", "z")], ..scribe.append([]) };
    assert!(matches!(store.append(append).await, Err(StoreError::Exists { kind: "proposal", .. })));
}

pub(super) async fn same_content_while_pending_is_a_duplicate(store: &Arc<dyn Store>) {
    let mut first = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut first, &[("p1", "n1#1", "a"), ("p2", "n1#2", "b")]).await;
    let mut second = submitted(store.as_ref(), "r2").await;
    let forged = Proposal { duplicate_of: Some(ProposalId::new("p2")), ..second.proposal("p5", "n1#3", "c") };
    let other_target = Proposal { target: "notes/b.md".to_owned(), ..second.proposal("p6", "n1#4", "a") };
    propose(store.as_ref(), &mut second, &[("p3", "n1#1", "a"), ("p4", "n1#2", "a")]).await;
    let append = Append { proposals: vec![forged, other_target], ..second.append([]) };
    store.append(append).await.unwrap();
    assert_eq!(
        originals(store.as_ref(), &["p1", "p2", "p3", "p4", "p5", "p6"]).await,
        [None, None, Some("p1".to_owned()), Some("p1".to_owned()), None, None]
    );
}

pub(super) async fn duplicates_in_one_append_are_seen(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut scribe, &[("p1", "n1#1", "a"), ("p2", "n1#2", "a"), ("p3", "n1#1", "b")]).await;
    assert_eq!(originals(store.as_ref(), &["p1", "p2"]).await, [None, Some("p1".to_owned())]);
    assert_eq!(store.proposal(&ProposalId::new("p3")).await.unwrap(), None);
}

pub(super) async fn duplicates_follow_the_decision(store: &Arc<dyn Store>) {
    for (run, verdict, said) in [("a", Verdict::Approve, "approved"), ("b", Verdict::Reject, "rejected")] {
        let mut scribe = submitted(store.as_ref(), run).await;
        let [p1, p2, p3, p4] = ["1", "2", "3", "4"].map(|n| format!("{run}{n}"));
        let same = [(p1.as_str(), "n1#1", run), (&p2, "n1#2", run), (&p3, "n1#3", run), (&p4, "n1#4", "other")];
        propose(store.as_ref(), &mut scribe, &same).await;
        let decided = store.decide(decision(&p1, verdict)).await.unwrap();
        assert_eq!(decided.status.name(), said);
        assert_eq!(decided.approval.as_ref().unwrap().note.as_deref(), Some("добре"));
        assert_eq!(decided, get(store.as_ref(), &p1).await);
        for duplicate in [&p2, &p3] {
            let duplicate = get(store.as_ref(), duplicate).await;
            assert_eq!((duplicate.status, duplicate.updated_at), (ProposalStatus::Rejected, 77));
            let note = duplicate.approval.unwrap().note.unwrap();
            assert_eq!(note, format!("duplicate of {p1}, which was {said}"));
        }
        assert_eq!(get(store.as_ref(), &p4).await.status, ProposalStatus::Pending);
    }
}

pub(super) async fn duplicate_is_not_decided_on(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut scribe, &[("p1", "n1#1", "a"), ("p2", "n1#2", "a")]).await;
    let refused = store.decide(decision("p2", Verdict::Reject)).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Proposal(ProposalError::Duplicate { of, .. }) if of.as_str() == "p1"));
    store.decide(decision("p1", Verdict::Reject)).await.unwrap();
    for id in ["p1", "p2"] {
        let refused = store.decide(decision(id, Verdict::Approve)).await;
        assert!(matches!(refused, Err(StoreError::Proposal(ProposalError::Status { .. }))), "{refused:?}");
    }
    let unknown = store.decide(decision("p9", Verdict::Approve)).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { kind: "proposal", .. })), "{unknown:?}");
}

pub(super) async fn decided_content_may_be_proposed_again(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut scribe, &[("p1", "n1#1", "a")]).await;
    store.decide(decision("p1", Verdict::Reject)).await.unwrap();
    propose(store.as_ref(), &mut scribe, &[("p2", "n1#2", "a"), ("p3", "n1#3", "a")]).await;
    assert_eq!(originals(store.as_ref(), &["p2", "p3"]).await, [None, Some("p2".to_owned())]);
}

pub(super) async fn decided_proposal_moves_through_applying(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut scribe, &[("p1", "n1#1", "a")]).await;
    let early = store.move_proposal(step("p1", ProposalStatus::Applying)).await;
    assert!(matches!(early, Err(StoreError::Proposal(ProposalError::Status { .. }))), "{early:?}");
    store.decide(decision("p1", Verdict::Approve)).await.unwrap();
    for to in [ProposalStatus::Applying, ProposalStatus::Applied] {
        let moved = store.move_proposal(step("p1", to)).await.unwrap();
        assert_eq!((moved.status, moved.updated_at), (to, 88));
        assert_eq!(get(store.as_ref(), "p1").await, moved);
    }
    let filter = |status| ProposalFilter { run: None, status: Some(status), limit: 9 };
    assert_eq!(store.proposals(&filter(ProposalStatus::Applied)).await.unwrap().len(), 1);
    assert_eq!(store.proposals(&filter(ProposalStatus::Approved)).await.unwrap(), []);
    let back = store.move_proposal(step("p1", ProposalStatus::Applying)).await;
    assert!(matches!(back, Err(StoreError::Proposal(ProposalError::Status { .. }))), "{back:?}");
}

pub(super) async fn proposals_are_listed_newest_first(store: &Arc<dyn Store>) {
    let mut first = submitted(store.as_ref(), "r1").await;
    propose(store.as_ref(), &mut first, &[("p2", "n9#1", "a"), ("p1", "n8#1", "b")]).await;
    propose(store.as_ref(), &mut first, &[("p4", "n7#1", "c")]).await;
    let mut second = submitted(store.as_ref(), "r2").await;
    second.append([]);
    propose(store.as_ref(), &mut second, &[("p3", "n9#1", "d")]).await;
    store.decide(decision("p1", Verdict::Reject)).await.unwrap();
    let list = async |run: Option<&Scribe>, status, limit| {
        let filter = ProposalFilter { run: run.map(|scribe| scribe.run().clone()), status, limit };
        let proposals = store.proposals(&filter).await.unwrap();
        proposals.iter().map(|proposal| proposal.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(None, None, 9).await, ["p4", "p3", "p2", "p1"]);
    assert_eq!(list(None, None, 2).await, ["p4", "p3"]);
    assert_eq!(list(Some(&first), None, 9).await, ["p4", "p2", "p1"]);
    assert_eq!(list(Some(&first), None, 1).await, ["p4"]);
    assert_eq!(list(Some(&first), Some(ProposalStatus::Pending), 9).await, ["p4", "p2"]);
    assert_eq!(list(None, Some(ProposalStatus::Rejected), 9).await, ["p1"]);
    assert_eq!(list(None, Some(ProposalStatus::Pending), 2).await, ["p4", "p3"]);
}

pub(super) async fn overdue_proposals_expire_and_their_duplicates_inherit(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let fresh = |proposal: Proposal| Proposal { expires_at: proposal.expires_at + 1_000, ..proposal };
    let append = scribe.append([failed("n1#1")]);
    let first = scribe.proposal("p1", "n1#1", "a");
    let due = first.expires_at;
    let proposals = vec![
        first,
        scribe.proposal("p2", "n1#2", "a"),
        fresh(scribe.proposal("p3", "n1#3", "a")),
        fresh(scribe.proposal("p4", "n1#4", "a")),
        fresh(scribe.proposal("p5", "n1#5", "b")),
    ];
    store.append(Append { proposals, ..append }).await.unwrap();
    assert_eq!(store.next_expiry().await.unwrap(), Some(due));
    assert_eq!(store.expire_proposals(due - 1, &owner()).await.unwrap(), []);
    let late = store.decide(Decision { at: due, ..decision("p1", Verdict::Approve) }).await.unwrap_err();
    assert!(matches!(late, StoreError::Proposal(ProposalError::Expired { at, .. }) if at == due), "{late}");
    assert_eq!(get(store.as_ref(), "p1").await.status, ProposalStatus::Pending);

    let expired = store.expire_proposals(due, &owner()).await.unwrap();
    let ids: Vec<&str> = expired.iter().map(|proposal| proposal.id.as_str()).collect();
    assert_eq!(ids, ["p1", "p2"]);
    assert!(expired.iter().all(|proposal| proposal.status == ProposalStatus::Expired && proposal.updated_at == due));
    assert_eq!(originals(store.as_ref(), &["p3", "p4", "p5"]).await, [None, Some("p3".to_owned()), None]);
    assert_eq!(store.next_expiry().await.unwrap(), Some(due + 1_000));
    assert_eq!(store.expire_proposals(due, &owner()).await.unwrap(), []);
    let audit = store.audit(1..=u64::MAX).await.unwrap();
    assert_eq!(audit.iter().filter(|entry| entry.note.action == "proposal_expired").count(), 2);
    // The heir is decided on, and the other follows it.
    store.decide(Decision { at: due, ..decision("p3", Verdict::Reject) }).await.unwrap();
    assert_eq!(get(store.as_ref(), "p4").await.status, ProposalStatus::Rejected);
}
