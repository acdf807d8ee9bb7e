//! Runs that wait, and questions to people.

use std::slice;
use std::sync::Arc;

use bloom_ir::Value;
use bloom_runtime::record::{InboxEntry, InboxId, InboxStatus, QuestionId, QuestionStatus, RunId, RunStatus};
use bloom_runtime::store::{Append, QuestionFilter, Store, StoreError};

use super::fixture::{completed, failed, owner, submitted};

fn all(run: Option<&RunId>, open: bool) -> QuestionFilter {
    QuestionFilter { run: run.cloned(), open, limit: 10 }
}

pub(super) async fn waiting_runs_are_found_when_they_are_due(store: &Arc<dyn Store>) {
    for (run, at) in [("r1", 30), ("r2", 10), ("r3", 20)] {
        let mut scribe = submitted(store.as_ref(), run).await;
        store.append(Append { waiting: true, wake_at: Some(at), ..scribe.append([]) }).await.unwrap();
    }
    let due = |until, limit| async move { store.due_runs(until, limit).await.unwrap() };
    assert_eq!(due(20, 10).await, [(10, RunId::new("r2")), (20, RunId::new("r3"))]);
    assert_eq!(due(i64::MAX, 1).await, [(10, RunId::new("r2"))]);
    let run = store.run(&RunId::new("r1")).await.unwrap().unwrap();
    assert!(run.waiting && run.wake_at == Some(30));
}

pub(super) async fn run_that_moves_on_is_not_woken(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    for wake_at in [Some(10), Some(20), None, Some(30)] {
        store.append(Append { waiting: wake_at.is_some(), wake_at, ..scribe.append([]) }).await.unwrap();
        let due = store.due_runs(i64::MAX, 9).await.unwrap();
        assert_eq!(due, wake_at.map(|at| (at, scribe.run().clone())).into_iter().collect::<Vec<_>>());
    }
    store.append(Append { waiting: true, wake_at: Some(40), ..scribe.completion("done") }).await.unwrap();
    assert_eq!(store.due_runs(i64::MAX, 9).await.unwrap(), []);
    assert!(!store.run(scribe.run()).await.unwrap().unwrap().waiting);
}

pub(super) async fn runs_that_somebody_has_to_drive_are_found(store: &Arc<dyn Store>) {
    let moving = || async { store.moving_runs().await.unwrap() };
    let mut first = submitted(store.as_ref(), "r1").await;
    let mut second = submitted(store.as_ref(), "r2").await;
    let [one, other] = ["r1", "r2"].map(RunId::new);
    assert_eq!(moving().await, [one.clone(), other.clone()]);
    store.append(Append { waiting: true, wake_at: Some(9), ..first.append([]) }).await.unwrap();
    assert_eq!(moving().await, slice::from_ref(&other));
    store.append(Append { waiting: true, ..second.append([]) }).await.unwrap();
    assert_eq!(moving().await, []);
    store.append(first.append([])).await.unwrap();
    assert_eq!(moving().await, slice::from_ref(&one));
    store.append(first.completion("done")).await.unwrap();
    store.append(second.cancellation()).await.unwrap();
    assert_eq!(moving().await, []);
}

pub(super) async fn run_that_nobody_waits_for_any_more_is_to_be_driven(store: &Arc<dyn Store>) {
    let mut parent = submitted(store.as_ref(), "parent").await;
    let mut child = submitted(store.as_ref(), "child").await;
    store.append(Append { waiting: true, ..parent.append([]) }).await.unwrap();
    store.append(Append { waiting: true, wake_at: Some(9), ..child.append([]) }).await.unwrap();
    assert_eq!(store.moving_runs().await.unwrap(), []);
    let orphans = ["child", "never-started"].map(RunId::new).into();
    store.append(Append { orphans, ..parent.completion("done") }).await.unwrap();
    assert!(store.run(child.run()).await.unwrap().unwrap().orphaned);
    assert_eq!(store.moving_runs().await.unwrap(), slice::from_ref(child.run()));
    // Whatever else happens to it meanwhile.
    store.append(Append { waiting: true, ..child.append([]) }).await.unwrap();
    assert_eq!(store.moving_runs().await.unwrap(), slice::from_ref(child.run()));
    store.append(child.cancellation()).await.unwrap();
    assert_eq!(store.moving_runs().await.unwrap(), []);
}

pub(super) async fn status_of_a_run_is_told_alone(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let status = || async { store.run_status(&RunId::new("r1")).await.unwrap() };
    assert_eq!(status().await, Some(store.run(scribe.run()).await.unwrap().unwrap().status));
    store.append(scribe.completion("done")).await.unwrap();
    assert_eq!(status().await, Some(RunStatus::Completed));
    assert_eq!(store.run_status(&RunId::new("r2")).await.unwrap(), None);
}

pub(super) async fn question_is_kept_and_answered(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let mut asked = scribe.question("q1", "n1#1");
    store.append(Append { questions: vec![asked.clone()], ..scribe.append([]) }).await.unwrap();
    assert_eq!(store.question(&asked.id).await.unwrap(), Some(asked.clone()));
    assert_eq!(store.questions(&all(None, true)).await.unwrap(), [asked.clone()]);
    let second = Append { questions: vec![scribe.question("q2", "n1#1")], ..scribe.clone().append([]) };
    assert!(matches!(store.append(second).await, Err(StoreError::Exists { .. })), "an effect asks once");

    asked.answer(Value::Bool(true), owner(), 9);
    let append = scribe.append([completed("n1#1", "true")]);
    store.append(Append { questions: vec![asked.clone()], ..append }).await.unwrap();
    assert_eq!(store.question(&asked.id).await.unwrap(), Some(asked.clone()));
    assert_eq!(store.questions(&all(None, true)).await.unwrap(), []);
    assert_eq!(store.questions(&all(None, false)).await.unwrap(), [asked.clone()]);
    assert_eq!(store.questions(&all(Some(scribe.run()), false)).await.unwrap(), [asked]);
}

pub(super) async fn outcome_of_the_effect_closes_its_question(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let asked = [scribe.question("q1", "n1#1"), scribe.question("q2", "n2#1")];
    store.append(Append { questions: asked.to_vec(), ..scribe.append([]) }).await.unwrap();
    store.append(scribe.append([failed("n1#1")])).await.unwrap();
    let status = |id: &'static str| async move { store.question(&QuestionId::new(id)).await.unwrap().unwrap().status };
    assert_eq!((status("q1").await, status("q2").await), (QuestionStatus::Closed, QuestionStatus::Open));
}

pub(super) async fn end_of_the_run_closes_its_questions(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let asked = scribe.question("q1", "n1#1");
    store.append(Append { questions: vec![asked], ..scribe.append([]) }).await.unwrap();
    store.append(scribe.cancellation()).await.unwrap();
    assert_eq!(store.questions(&all(None, true)).await.unwrap(), []);
    let closed = store.questions(&all(Some(scribe.run()), false)).await.unwrap();
    assert_eq!(closed[0].status, QuestionStatus::Closed);
}

pub(super) async fn signal_keeps_its_inbox_entry(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let entry = InboxEntry {
        id: InboxId::new("i1"),
        source: owner(),
        action: "signal".to_owned(),
        target: "r1/go".to_owned(),
        payload: Value::Int(1),
        status: InboxStatus::Processed,
        created_at: 1,
        correlation_id: "r1".to_owned(),
        approved_by: None,
    };
    store.append(Append { inbox: vec![entry.clone()], ..scribe.append([]) }).await.unwrap();
    assert_eq!(store.inbox_entry(&entry.id).await.unwrap(), Some(entry.clone()));
    let again = Append { inbox: vec![entry], ..scribe.clone().append([]) };
    assert!(matches!(store.append(again).await, Err(StoreError::Exists { .. })));
}
