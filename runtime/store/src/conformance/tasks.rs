//! Tasks and leases.

use std::collections::BTreeSet;
use std::sync::Arc;

use bloom_runtime::dispatch::{Command, Granting, Proof, TaskError, decide};
use bloom_runtime::record::{
    LeaseEnding, LeaseId, LeaseStatus, RunError, RunStatus, Spent, Task, TaskId, TaskStatus, WorkerId,
};
use bloom_runtime::store::{Append, Grant, GrantAsk, LeaseEnd, QueueFilter, Store, StoreError};

use super::fixture::{
    Scribe, answer, ask, attempted, completed, end, error, failed, note, posted, requested, submitted, with_tasks,
};

async fn granted(store: &dyn Store, lease: &str, at: i64) -> Grant {
    store.grant(ask(lease, at)).await.unwrap().unwrap()
}

async fn ended(store: &dyn Store, grant: &Grant, ending: LeaseEnding) -> Task {
    store.end_lease(end(grant, ending)).await.unwrap()
}

fn is_stale(result: &Result<Task, StoreError>) -> bool {
    matches!(result, Err(StoreError::Task(TaskError::Stale { .. })))
}

pub(super) async fn best_task_is_granted_first(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let tasks = [("t1", "n1#1", 0, 5), ("t2", "n2#1", 7, 9), ("t3", "n3#1", 7, 8), ("t4", "n4#1", -3, 1)];
    let mut append = scribe.append(tasks.map(|(_, effect, ..)| requested(effect)));
    append.tasks = tasks
        .iter()
        .map(|(id, effect, priority, at)| Task { priority: *priority, created_at: *at, ..scribe.task(id, effect) })
        .collect();
    store.append(append).await.unwrap();
    let mut order = Vec::new();
    for n in 0..4 {
        let grant = granted(store.as_ref(), &format!("l{n}"), 10).await;
        assert_eq!((grant.task.status, grant.task.attempts, grant.task.epoch), (TaskStatus::Leased, 1, 1));
        assert_eq!(store.task(&grant.task.id).await.unwrap().as_ref(), Some(&grant.task));
        assert_eq!(store.lease(&grant.lease.id).await.unwrap().as_ref(), Some(&grant.lease));
        assert_eq!((grant.lease.started_at, grant.lease.expires_at), (10, 300_010));
        order.push(grant.task.id.to_string());
    }
    assert_eq!(order, ["t3", "t2", "t1", "t4"]);
    assert!(store.grant(ask("l9", 10)).await.unwrap().is_none());
    assert_eq!(store.active_leases().await.unwrap().len(), 4);
}

pub(super) async fn worker_gets_only_what_it_can_do(store: &Arc<dyn Store>) {
    let mut scribe = submitted(store.as_ref(), "r1").await;
    let mut append = scribe.append([requested("n1#1")]);
    let requires = vec!["llm.claude_cli".to_owned(), "gpu".to_owned()];
    append.tasks = vec![Task { requires: requires.clone(), ..scribe.task("t1", "n1#1") }];
    store.append(append).await.unwrap();
    for provides in [vec![], vec!["gpu".to_owned()]] {
        assert!(store.grant(GrantAsk { provides, ..ask("l1", 1) }).await.unwrap().is_none());
    }
    let grant = store.grant(GrantAsk { provides: requires, ..ask("l1", 1) }).await.unwrap();
    assert_eq!(grant.unwrap().task.id, TaskId::new("t1"));
}

pub(super) async fn worker_of_a_run_gets_only_its_tasks(store: &Arc<dyn Store>) {
    for n in 1..=3 {
        store.create_task(Task { priority: 1, ..posted(&format!("p{n}"), n) }, vec![]).await.unwrap();
    }
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let able = vec![posted("p", 0).requires];
    let queue = store.queue(&QueueFilter { due: i64::MAX, posted: false, able, limit: 1 }).await.unwrap();
    assert_eq!(queue[0].id, TaskId::new("t1"), "however many clients posted before it");
    let second = with_tasks(store.as_ref(), "r2", &[("t3", "n1#1"), ("t2", "n2#1")]).await;
    let ask = |lease| GrantAsk { run: Some(second.run().clone()), ..ask(lease, 1) };
    for (lease, task) in [("l1", "t2"), ("l2", "t3")] {
        assert_eq!(store.grant(ask(lease)).await.unwrap().unwrap().task.id, TaskId::new(task));
    }
    assert!(store.grant(ask("l3")).await.unwrap().is_none());
}

pub(super) async fn lease_id_is_used_once(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1")]).await;
    granted(store.as_ref(), "l1", 1).await;
    let again = store.grant(ask("l1", 2)).await;
    assert!(matches!(again, Err(StoreError::Exists { kind: "lease", .. })), "{again:?}");
}

pub(super) async fn effect_has_one_task(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let again = store.append(scribe.asking(&[("t2", "n1#1")])).await;
    assert!(matches!(again, Err(StoreError::Exists { kind: "task of effect", .. })), "{again:?}");
    with_tasks(store.as_ref(), "r2", &[("t2", "n1#1")]).await;
}

pub(super) async fn completion_appends_in_the_same_commit(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let completion = LeaseEnd {
        append: Some(Append { spent: Spent { tokens: 9, cost_micro_usd: 0 }, ..scribe.append([completed("n1#1", "так")]) }),
        audit: vec![note("task_completed", 3)],
        ..end(&grant, LeaseEnding::Completed(answer("так")))
    };
    let task = store.end_lease(completion).await.unwrap();
    assert_eq!((task.status, task.answer.clone(), task.resolved), (TaskStatus::Completed, Some(answer("так")), true));
    assert_eq!(store.task(&task.id).await.unwrap(), Some(task));
    let (lease, task) = store.leased(&grant.lease.id).await.unwrap().unwrap();
    assert_eq!((lease.status, task.status), (LeaseStatus::Released, TaskStatus::Completed));
    assert_eq!(store.active_leases().await.unwrap(), []);
    let run = store.run(scribe.run()).await.unwrap().unwrap();
    assert_eq!((run.events, run.tokens, run.history_head), (3, 9, scribe.head()));
    assert_eq!(store.audit_head().await.unwrap().unwrap().note, note("task_completed", 3));
}

pub(super) async fn holder_that_lost_its_lease_appends_nothing(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let first = granted(store.as_ref(), "l1", 1).await;
    let held = |grant: &Grant| Some(Proof { lease: grant.lease.id.clone(), epoch: grant.lease.epoch });
    let own = Append { held: held(&first), ..scribe.append([requested("n2#1")]) };
    store.append(own).await.unwrap();
    let stale = |refused: &Result<(), StoreError>| matches!(refused, Err(StoreError::Task(TaskError::Stale { .. })));

    store.end_lease(end(&first, LeaseEnding::GivenBack)).await.unwrap();
    let next = scribe.append([requested("n3#1")]);
    let refused = store.append(Append { held: held(&first), ..next.clone() }).await;
    assert!(stale(&refused), "nobody holds it: {refused:?}");
    let second = granted(store.as_ref(), "l2", 2).await;
    let refused = store.append(Append { held: held(&first), ..next.clone() }).await;
    assert!(stale(&refused), "another one holds it: {refused:?}");
    let wrong = Proof { epoch: first.lease.epoch, ..held(&second).unwrap() };
    let refused = store.append(Append { held: Some(wrong), ..next.clone() }).await;
    assert!(stale(&refused), "{refused:?}");
    let events = store.run(scribe.run()).await.unwrap().unwrap().events;
    store.append(Append { held: held(&second), ..next }).await.unwrap();
    assert_eq!(store.run(scribe.run()).await.unwrap().unwrap().events, events + 1);

    let mut other = submitted(store.as_ref(), "r2").await;
    let foreign = store.append(Append { held: held(&second), ..other.append([requested("n1#1")]) }).await;
    assert!(matches!(foreign, Err(StoreError::Contradiction(_))), "{foreign:?}");
}

pub(super) async fn completion_with_an_append_out_of_sequence_changes_nothing(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let before = (store.task(&grant.task.id).await.unwrap(), store.audit_head().await.unwrap());
    let late = scribe.clone().append([completed("n1#1", "так")]);
    store.append(scribe.append([failed("n2#1")])).await.unwrap();
    let completion = LeaseEnd { append: Some(late), ..end(&grant, LeaseEnding::Completed(answer("так"))) };
    let refused = store.end_lease(completion).await;
    assert!(matches!(refused, Err(StoreError::Run(RunError::OutOfSequence { .. }))), "{refused:?}");
    assert_eq!((store.task(&grant.task.id).await.unwrap(), store.audit_head().await.unwrap()), before);
    assert_eq!(store.lease(&grant.lease.id).await.unwrap(), Some(grant.lease.clone()));

    let foreign = LeaseEnd {
        append: Some(submitted(store.as_ref(), "r2").await.append([completed("n1#1", "так")])),
        ..end(&grant, LeaseEnding::Completed(answer("так")))
    };
    assert!(matches!(store.end_lease(foreign).await, Err(StoreError::Contradiction(_))));
}

pub(super) async fn repeated_completion_gives_the_stored_task(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let completion = LeaseEnd {
        append: Some(scribe.append([completed("n1#1", "так")])),
        audit: vec![note("task_completed", 3)],
        ..end(&grant, LeaseEnding::Completed(answer("так")))
    };
    let first = store.end_lease(completion.clone()).await.unwrap();
    // The run goes on, and then the holder tells again because it did not hear the answer.
    store.append(scribe.completion("done")).await.unwrap();
    let second = store.end_lease(LeaseEnd { at: 999, ..completion }).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(store.run(scribe.run()).await.unwrap().unwrap().events, 4);
    assert_eq!(store.audit_head().await.unwrap().unwrap().seq, 2);
}

pub(super) async fn other_answer_after_completion_is_stale(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let task = ended(store.as_ref(), &grant, LeaseEnding::Completed(answer("так"))).await;
    for ending in [
        LeaseEnding::Completed(answer("ні")),
        LeaseEnding::Failed(error(true)),
        LeaseEnding::Expired,
        LeaseEnding::GivenBack,
    ] {
        assert!(is_stale(&store.end_lease(end(&grant, ending)).await));
    }
    assert_eq!(store.task(&task.id).await.unwrap(), Some(task));
}

pub(super) async fn failure_is_retried_until_the_task_is_dead(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let mut ends = Vec::new();
    for n in 1..=3 {
        let grant = granted(store.as_ref(), &format!("l{n}"), n).await;
        let ending = if n == 2 { LeaseEnding::Expired } else { LeaseEnding::Failed(error(true)) };
        let task = ended(store.as_ref(), &grant, ending).await;
        let lease = store.lease(&grant.lease.id).await.unwrap().unwrap();
        ends.push((task.status, task.attempts, task.epoch, lease.status));
    }
    assert_eq!(
        ends,
        [
            (TaskStatus::Queued, 1, 1, LeaseStatus::Failed),
            (TaskStatus::Queued, 2, 2, LeaseStatus::Expired),
            (TaskStatus::Dead, 3, 3, LeaseStatus::Failed),
        ]
    );
    assert!(store.grant(ask("l9", 9)).await.unwrap().is_none());
}

pub(super) async fn failure_that_is_not_retryable_is_final(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let task = ended(store.as_ref(), &grant, LeaseEnding::Failed(error(false))).await;
    assert_eq!((task.status, task.error), (TaskStatus::Failed, Some(error(false))));
    assert!(store.grant(ask("l2", 9)).await.unwrap().is_none());
}

pub(super) async fn attempt_given_back_does_not_count(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    for n in 1..=5 {
        let grant = granted(store.as_ref(), &format!("l{n}"), 1).await;
        assert_eq!((grant.task.attempts, grant.task.epoch), (1, n));
        let task = ended(store.as_ref(), &grant, LeaseEnding::GivenBack).await;
        assert_eq!((task.status, task.attempts), (TaskStatus::Queued, 0));
        assert!(is_stale(&store.end_lease(end(&grant, LeaseEnding::Completed(answer("так")))).await));
    }
}

pub(super) async fn late_completion_is_accepted_while_nobody_else_works(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    ended(store.as_ref(), &grant, LeaseEnding::Expired).await;
    // Only work that was done is taken late.
    assert!(is_stale(&store.end_lease(end(&grant, LeaseEnding::Failed(error(false)))).await));
    assert!(is_stale(&store.end_lease(end(&grant, LeaseEnding::Expired)).await));
    let late = LeaseEnd {
        append: Some(scribe.append([completed("n1#1", "так")])),
        ..end(&grant, LeaseEnding::Completed(answer("так")))
    };
    let task = store.end_lease(late.clone()).await.unwrap();
    assert_eq!((task.status, task.error.clone()), (TaskStatus::Completed, None));
    assert_eq!(store.lease(&grant.lease.id).await.unwrap().unwrap().status, LeaseStatus::Released);
    assert_eq!(store.end_lease(late).await.unwrap(), task);
    assert!(store.grant(ask("l2", 9)).await.unwrap().is_none());
}

pub(super) async fn newer_grant_makes_a_lease_stale(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let old = granted(store.as_ref(), "l1", 1).await;
    ended(store.as_ref(), &old, LeaseEnding::Expired).await;
    let new = granted(store.as_ref(), "l2", 2).await;
    let refused = store.end_lease(end(&old, LeaseEnding::Completed(answer("так")))).await.unwrap_err();
    assert_eq!(refused.to_string(), "lease l1 with epoch 1 is stale: the task is Leased at epoch 2");
    // Nor with the epoch of the other.
    let mixed = LeaseEnd { epoch: new.lease.epoch, ..end(&old, LeaseEnding::Completed(answer("так"))) };
    assert!(is_stale(&store.end_lease(mixed).await));
    let mixed = LeaseEnd { epoch: old.lease.epoch, ..end(&new, LeaseEnding::Completed(answer("так"))) };
    assert!(is_stale(&store.end_lease(mixed).await));
    assert_eq!(store.task(&new.task.id).await.unwrap(), Some(new.task.clone()));
    ended(store.as_ref(), &new, LeaseEnding::Completed(answer("так"))).await;
}

pub(super) async fn end_of_the_run_cancels_its_tasks(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1"), ("t3", "n3#1")]).await;
    with_tasks(store.as_ref(), "r2", &[("t4", "n1#1")]).await;
    let ask_for_run = |lease| GrantAsk { run: Some(scribe.run().clone()), ..ask(lease, 1) };
    let done = store.grant(ask_for_run("l1")).await.unwrap().unwrap();
    let done = ended(store.as_ref(), &done, LeaseEnding::Completed(answer("так"))).await;
    let held = store.grant(ask_for_run("l2")).await.unwrap().unwrap();
    store.append(scribe.cancellation()).await.unwrap();

    let tasks = store.tasks(scribe.run()).await.unwrap();
    assert_eq!(tasks[0], Task { resolved: true, ..done });
    for (task, epoch) in tasks[1..].iter().zip([2, 1]) {
        assert_eq!((task.status, task.epoch, task.resolved), (TaskStatus::Failed, epoch, true));
        assert!(!task.error.as_ref().unwrap().retryable);
    }
    assert_eq!(store.lease(&held.lease.id).await.unwrap().unwrap().status, LeaseStatus::Released);
    assert_eq!(store.active_leases().await.unwrap(), []);
    assert!(is_stale(&store.end_lease(end(&held, LeaseEnding::Completed(answer("так")))).await));
    assert_eq!(granted(store.as_ref(), "l3", 2).await.task.id, TaskId::new("t4"));
    assert!(store.grant(ask("l4", 2)).await.unwrap().is_none());
}

pub(super) async fn outcome_of_the_effect_closes_its_task(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1")]).await;
    let held = granted(store.as_ref(), "l1", 1).await;
    store.append(scribe.append([failed("n1#1")])).await.unwrap();
    let task = store.task(&held.task.id).await.unwrap().unwrap();
    assert_eq!((task.status, task.epoch, task.resolved), (TaskStatus::Failed, 2, true));
    assert_eq!(store.lease(&held.lease.id).await.unwrap().unwrap().status, LeaseStatus::Released);
    assert_eq!(granted(store.as_ref(), "l2", 2).await.task.id, TaskId::new("t2"));
}

pub(super) async fn dead_task_is_revived_by_a_requeue(store: &Arc<dyn Store>) {
    with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let id = TaskId::new("t1");
    let early = store.requeue(&id, 1, vec![]).await;
    assert!(matches!(early, Err(StoreError::Task(TaskError::NotFailed { .. }))), "{early:?}");
    for n in 1..=3 {
        let grant = granted(store.as_ref(), &format!("l{n}"), n).await;
        ended(store.as_ref(), &grant, LeaseEnding::Expired).await;
    }
    let task = store.requeue(&id, 50, vec![note("task_requeued", 50)]).await.unwrap();
    assert_eq!((task.status, task.attempts, task.epoch, task.updated_at), (TaskStatus::Queued, 0, 3, 50));
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "task_requeued");
    assert_eq!(granted(store.as_ref(), "l4", 60).await.task.epoch, 4);
}

pub(super) async fn requeue_of_a_resolved_effect_is_refused(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1")]).await;
    let grant = granted(store.as_ref(), "l1", 1).await;
    let failure = LeaseEnd {
        append: Some(Append { status: RunStatus::Running, ..scribe.append([failed("n1#1")]) }),
        ..end(&grant, LeaseEnding::Failed(error(false)))
    };
    let task = store.end_lease(failure).await.unwrap();
    assert_eq!((task.status, task.error), (TaskStatus::Failed, Some(error(false))));
    let refused = store.requeue(&task.id, 9, vec![]).await;
    assert!(matches!(refused, Err(StoreError::Task(TaskError::EffectResolved { .. }))), "{refused:?}");
}

pub(super) async fn racing_workers_get_different_tasks(store: &Arc<dyn Store>) {
    let mut scribe: Scribe = submitted(store.as_ref(), "r1").await;
    let names: Vec<(String, String)> = (0..40).map(|n| (format!("t{n}"), format!("n{n}#1"))).collect();
    let names: Vec<(&str, &str)> = names.iter().map(|(task, effect)| (task.as_str(), effect.as_str())).collect();
    store.append(scribe.asking(&names)).await.unwrap();
    let workers: Vec<_> = (0..60)
        .map(|n| {
            let store = Arc::clone(store);
            tokio::spawn(async move { store.grant(ask(&format!("l{n}"), 1)).await.unwrap() })
        })
        .collect();
    let mut tasks = BTreeSet::new();
    let mut empty_handed = 0;
    for worker in workers {
        match worker.await.unwrap() {
            Some(grant) => assert!(tasks.insert(grant.task.id), "granted twice"),
            None => empty_handed += 1,
        }
    }
    assert_eq!((tasks.len(), empty_handed), (40, 20));
    assert_eq!(store.active_leases().await.unwrap().len(), 40);
}

pub(super) async fn delayed_task_is_not_granted_before_it_is_due(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1")]).await;
    let (provides, run) = (ask("", 0).provides, scribe.run().clone());
    assert_eq!(store.next_due(&provides, None).await.unwrap(), None);
    let first = granted(store.as_ref(), "l1", 1).await;
    let append = scribe.append([attempted("n1#1", 1000)]);
    let due = append.events[0].at + 1000;
    let failure = LeaseEnd { append: Some(append), ..end(&first, LeaseEnding::Failed(error(true))) };
    let delayed = store.end_lease(failure).await.unwrap();
    assert_eq!((delayed.status, delayed.not_before), (TaskStatus::Queued, Some(due)));
    let (lease, worker) = (LeaseId::new("l"), WorkerId::new("w"));
    let granting = Granting { lease, worker, ttl_ms: 1, token: None, by_name: false };
    let refused = decide(&delayed, None, &Command::Grant(granting), due - 1);
    assert_eq!(refused, Err(TaskError::NotDue { task: delayed.id.clone(), due }));

    let of_run = |lease, at| GrantAsk { run: Some(run.clone()), ..ask(lease, at) };
    assert_eq!(granted(store.as_ref(), "l2", due - 1).await.task.id, TaskId::new("t2"), "others go on meanwhile");
    assert!(store.grant(ask("l3", due - 1)).await.unwrap().is_none());
    assert!(store.grant(of_run("l3", due - 1)).await.unwrap().is_none());
    for of in [None, Some(&run)] {
        assert_eq!(store.next_due(&provides, of).await.unwrap(), Some(due));
        assert_eq!(store.next_due(&[], of).await.unwrap(), None);
    }
    assert_eq!(store.next_due(&provides, Some(Scribe::new("r2").run())).await.unwrap(), None);

    let again = store.grant(of_run("l3", due)).await.unwrap().unwrap();
    assert_eq!((again.task.id, again.task.attempts, again.task.not_before), (delayed.id, 2, None));
    assert_eq!(store.next_due(&provides, None).await.unwrap(), None);
}
