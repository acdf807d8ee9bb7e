//! Workers, tasks of clients, and what workers bring.

use std::sync::Arc;

use bloom_ir::Digest;
use bloom_runtime::dispatch::TaskError;
use bloom_runtime::record::{
    Capabilities, LeaseEnding, LeaseId, LeaseStatus, Task, TaskId, TaskStatus,
    Worker, WorkerId, WorkerStatus,
};
use bloom_runtime::store::{
    ArtifactFilter, GrantAsk, Kept, LeaseEnd, LeaseFilter, QueueFilter, Store, StoreError, TaskFilter,
};

use super::fixture::{answer, ask, attempted, end, error, kept, note, posted, submitted, with_tasks};

fn worker(id: &str) -> Worker {
    Worker {
        id: WorkerId::new(id),
        url: Some("http://127.0.0.1:8001".to_owned()),
        status: WorkerStatus::Online,
        capabilities: Capabilities { claude_cli: true, max_concurrency: 2, labels: vec!["rpi".to_owned()], provides: vec![] },
        last_heartbeat: Some(5),
        ip_addrs: vec!["10.0.0.2".to_owned()],
        obs_count: 3,
        db_sha: None,
        registered_at: 4,
        agent_version: None,
        os_info: Some("Alpine".to_owned()),
        install_method: None,
        is_sighted: false,
    }
}

async fn by_name(store: &dyn Store, lease: &str, task: &str, at: i64) -> Result<Task, StoreError> {
    let ask = GrantAsk { task: Some(TaskId::new(task)), provides: vec![], ..ask(lease, at) };
    store.grant(ask).await.map(|grant| grant.unwrap().task)
}

pub(super) async fn task_of_a_client_is_kept_and_granted(store: &Arc<dyn Store>) {
    store.create_task(posted("t1", 5), vec![note("task_created", 5)]).await.unwrap();
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "task_created");
    let again = store.create_task(posted("t1", 6), vec![]).await;
    assert!(matches!(again, Err(StoreError::Exists { kind: "task", .. })), "{again:?}");
    let scribe = submitted(store.as_ref(), "r1").await;
    let of_a_run = store.create_task(scribe.task("t2", "n1#1"), vec![]).await;
    assert!(matches!(of_a_run, Err(StoreError::Contradiction(_))), "{of_a_run:?}");

    let grant = store.grant(ask("l1", 7)).await.unwrap().unwrap();
    assert_eq!((grant.task.id.as_str(), grant.task.of.clone()), ("t1", None));
    let ending = LeaseEnd { retry_at: Some(900), ..end(&grant, LeaseEnding::Failed(error(true))) };
    let task = store.end_lease(ending.clone()).await.unwrap();
    assert_eq!((task.status, task.attempts, task.not_before), (TaskStatus::Queued, 1, Some(900)));
    assert_eq!(store.end_lease(ending).await.unwrap(), task, "it is told again");
    assert!(store.grant(ask("l2", 899)).await.unwrap().is_none());
    let grant = store.grant(ask("l2", 900)).await.unwrap().unwrap();
    let ended = store.end_lease(end(&grant, LeaseEnding::Completed(answer("так")))).await.unwrap();
    assert_eq!((ended.status, ended.resolved), (TaskStatus::Completed, false));
}

pub(super) async fn task_that_is_asked_for_by_name_is_granted(store: &Arc<dyn Store>) {
    let mut scribe = with_tasks(store.as_ref(), "r1", &[("t1", "n1#1"), ("t2", "n2#1")]).await;
    let grant = store.grant(ask("l1", 1)).await.unwrap().unwrap();
    let append = scribe.append([attempted("n1#1", 1000)]);
    store.end_lease(LeaseEnd { append: Some(append), ..end(&grant, LeaseEnding::Failed(error(true))) }).await.unwrap();
    let task = by_name(store.as_ref(), "l2", "t1", 2).await.unwrap();
    assert_eq!((task.status, task.attempts, task.not_before), (TaskStatus::Leased, 2, None), "though it is not due");
    let taken = by_name(store.as_ref(), "l3", "t1", 3).await;
    assert!(matches!(taken, Err(StoreError::Task(TaskError::NotQueued { .. }))), "{taken:?}");
    let unknown = by_name(store.as_ref(), "l3", "t9", 3).await;
    assert!(matches!(unknown, Err(StoreError::NotFound { kind: "task", .. })), "{unknown:?}");
}

pub(super) async fn lease_is_found_by_its_token(store: &Arc<dyn Store>) {
    store.create_task(posted("t1", 5), vec![]).await.unwrap();
    let token = Digest::of(b"secret");
    let grant = store.grant(GrantAsk { token: Some(token), ..ask("l1", 7) }).await.unwrap().unwrap();
    assert_eq!(store.lease_by_token(token).await.unwrap(), Some(grant.lease.clone()));
    assert_eq!(store.lease_by_token(Digest::of(b"guess")).await.unwrap(), None);
    let expired = store.end_lease(end(&grant, LeaseEnding::Expired)).await.unwrap();
    assert_eq!(expired.status, TaskStatus::Queued);
    let lease = store.lease_by_token(token).await.unwrap().unwrap();
    assert_eq!((lease.status, lease.ended_at), (LeaseStatus::Expired, Some(8)), "late work is still known by it");
}

pub(super) async fn result_and_artifact_are_kept_with_the_end(store: &Arc<dyn Store>) {
    for n in 1..=2 {
        store.create_task(posted(&format!("t{n}"), n), vec![]).await.unwrap();
    }
    let mut all = Vec::new();
    for n in 1..=2 {
        let grant = store.grant(ask(&format!("l{n}"), 7)).await.unwrap().unwrap();
        let kept = kept(&format!("a{n}"), &grant, 10 + n, &format!("відповідь {n}"));
        let ending = end(&grant, LeaseEnding::Completed(answer("так")));
        let mixed = Kept { content: b"else".to_vec(), ..kept.clone() };
        let refused = store.end_lease(LeaseEnd { kept: Some(mixed), ..ending.clone() }).await;
        assert!(matches!(refused, Err(StoreError::Contradiction(_))), "{refused:?}");
        let ending = LeaseEnd { kept: Some(kept.clone()), ..ending };
        store.end_lease(ending.clone()).await.unwrap();
        store.end_lease(ending).await.unwrap();
        assert_eq!(store.task_result(&grant.lease.id).await.unwrap(), Some(kept.result));
        assert_eq!(store.artifact(&kept.artifact.id).await.unwrap().as_ref(), Some(&kept.artifact));
        assert_eq!(store.blob(kept.artifact.content).await.unwrap(), Some(kept.content));
        all.push(kept.artifact);
    }
    let listed = |task: Option<&str>, limit| {
        let filter = ArtifactFilter { task: task.map(TaskId::new), limit };
        async move { store.artifacts(&filter).await.unwrap() }
    };
    assert_eq!(listed(None, 9).await, [all[1].clone(), all[0].clone()], "newest first");
    assert_eq!(listed(None, 1).await, [all[1].clone()]);
    assert_eq!(listed(Some("t1"), 9).await, [all[0].clone()]);
    assert_eq!(listed(Some("t"), 9).await, []);
    assert_eq!(store.task_result(&LeaseId::new("l9")).await.unwrap(), None);
}

pub(super) async fn tasks_and_leases_are_listed_newest_first(store: &Arc<dyn Store>) {
    for n in 1..=5 {
        store.create_task(posted(&format!("t{n}"), n), vec![]).await.unwrap();
    }
    let mut ends = Vec::new();
    for (n, ending) in [LeaseEnding::Completed(answer("так")), LeaseEnding::Failed(error(false)), LeaseEnding::Expired]
        .into_iter()
        .enumerate()
    {
        let grant = store.grant(ask(&format!("l{n}"), 10 + i64::try_from(n).unwrap())).await.unwrap().unwrap();
        ends.push(store.end_lease(end(&grant, ending)).await.unwrap().id.to_string());
    }
    assert_eq!(ends, ["t1", "t2", "t3"]);
    // The third is queued again, and is the oldest.
    let all = QueueFilter { due: 20, posted: true, able: vec![posted("t", 0).requires], limit: 9 };
    let queued = |filter: QueueFilter| async move {
        let tasks = store.queue(&filter).await.unwrap();
        tasks.into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(queued(all.clone()).await, ["t3", "t4", "t5"]);
    assert_eq!(queued(QueueFilter { limit: 1, ..all.clone() }).await, ["t3"]);
    assert!(queued(QueueFilter { posted: false, ..all.clone() }).await.is_empty(), "no run asks for them");
    assert!(queued(QueueFilter { able: vec![], ..all.clone() }).await.is_empty(), "nobody can do them");
    let other = vec!["other".to_owned()];
    assert_eq!(queued(QueueFilter { able: vec![other, posted("t", 0).requires], ..all }).await.len(), 3);
    store.grant(ask("l3", 13)).await.unwrap().unwrap();

    let tasks = |status, limit| {
        let filter = TaskFilter { status, limit, ..TaskFilter::default() };
        async move { store.list_tasks(&filter).await.unwrap().into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>() }
    };
    assert_eq!(tasks(None, 9).await, ["t5", "t4", "t3", "t2", "t1"]);
    assert_eq!(tasks(None, 2).await, ["t5", "t4"]);
    assert_eq!(tasks(Some(TaskStatus::Queued), 9).await, ["t5", "t4"]);
    assert_eq!(tasks(Some(TaskStatus::Leased), 9).await, ["t3"]);
    assert_eq!(tasks(Some(TaskStatus::Completed), 9).await, ["t1"]);
    assert_eq!(tasks(Some(TaskStatus::Failed), 9).await, ["t2"]);
    assert!(tasks(Some(TaskStatus::Dead), 9).await.is_empty());
    let leases = |status, limit| {
        let filter = LeaseFilter { status, limit, ..LeaseFilter::default() };
        async move { store.list_leases(&filter).await.unwrap().into_iter().map(|lease| lease.id.to_string()).collect::<Vec<_>>() }
    };
    assert_eq!(leases(None, 3).await, ["l3", "l2", "l1"]);
    assert_eq!(leases(Some(LeaseStatus::Active), 9).await, ["l3"]);
    assert_eq!(leases(Some(LeaseStatus::Expired), 9).await, ["l2"]);
    assert_eq!(leases(Some(LeaseStatus::Failed), 9).await, ["l1"]);
    assert_eq!(leases(Some(LeaseStatus::Released), 9).await, ["l0"]);
    let older_tasks = |status, before: &str| {
        let filter = TaskFilter { status, before: Some(TaskId::new(before)), limit: 2, ..TaskFilter::default() };
        async move { store.list_tasks(&filter).await.map(|tasks| tasks.into_iter().map(|task| task.id.to_string()).collect::<Vec<_>>()) }
    };
    assert_eq!(older_tasks(None, "t4").await.unwrap(), ["t3", "t2"]);
    assert_eq!(older_tasks(None, "t1").await.unwrap(), [""; 0]);
    assert_eq!(older_tasks(Some(TaskStatus::Queued), "t5").await.unwrap(), ["t4"]);
    assert_eq!(older_tasks(Some(TaskStatus::Completed), "t5").await.unwrap(), ["t1"], "whatever the status of the other is");
    assert!(matches!(older_tasks(None, "t9").await, Err(StoreError::NotFound { kind: "task", .. })));
    let older_leases = |status, before: &str| {
        let filter = LeaseFilter { status, before: Some(LeaseId::new(before)), limit: 2 };
        async move { store.list_leases(&filter).await.map(|leases| leases.into_iter().map(|lease| lease.id.to_string()).collect::<Vec<_>>()) }
    };
    assert_eq!(older_leases(None, "l3").await.unwrap(), ["l2", "l1"]);
    assert_eq!(older_leases(Some(LeaseStatus::Released), "l2").await.unwrap(), ["l0"]);
    assert!(matches!(older_leases(None, "l9").await, Err(StoreError::NotFound { kind: "lease", .. })));

    let counts = store.work_counts().await.unwrap();
    let tasks = [(TaskStatus::Queued, 2), (TaskStatus::Leased, 1), (TaskStatus::Completed, 1), (TaskStatus::Failed, 1)];
    assert_eq!(counts.tasks, tasks.into());
    let leases = [LeaseStatus::Active, LeaseStatus::Released, LeaseStatus::Expired, LeaseStatus::Failed];
    assert_eq!(counts.leases, leases.map(|status| (status, 1)).into());
    assert_eq!(counts.oldest_queued, Some(4), "of t4 and t5");
}

pub(super) async fn worker_is_kept(store: &Arc<dyn Store>) {
    assert_eq!(store.workers().await.unwrap(), []);
    store.put_worker(worker("w2"), vec![note("worker_registered", 3)]).await.unwrap();
    store.put_worker(worker("w1"), vec![]).await.unwrap();
    let changed = Worker { status: WorkerStatus::Syncing, ..worker("w2") };
    store.put_worker(changed.clone(), vec![]).await.unwrap();
    assert_eq!(store.workers().await.unwrap(), [worker("w1"), changed.clone()]);
    assert_eq!(store.worker(&changed.id).await.unwrap(), Some(changed));
    assert_eq!(store.worker(&WorkerId::new("w3")).await.unwrap(), None);
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "worker_registered");
}

pub(super) async fn removed_worker_holds_nothing(store: &Arc<dyn Store>) {
    for n in 1..=3 {
        store.create_task(posted(&format!("t{n}"), n), vec![]).await.unwrap();
    }
    store.put_worker(worker("w1"), vec![]).await.unwrap();
    let held = store.grant(ask("l1", 5)).await.unwrap().unwrap();
    let done = store.grant(ask("l2", 5)).await.unwrap().unwrap();
    store.end_lease(end(&done, LeaseEnding::Completed(answer("так")))).await.unwrap();
    store.grant(GrantAsk { worker: WorkerId::new("w2"), ..ask("l3", 5) }).await.unwrap().unwrap();

    let revoked = store.remove_worker(&WorkerId::new("w1"), 8, vec![note("worker_removed", 8)]).await.unwrap();
    let [task] = revoked.as_slice() else { panic!("{revoked:?}") };
    assert_eq!((task.id.as_str(), task.status, task.attempts, task.epoch), ("t1", TaskStatus::Queued, 0, 1));
    assert_eq!(store.lease(&held.lease.id).await.unwrap().unwrap().status, LeaseStatus::Released);
    let late = store.end_lease(end(&held, LeaseEnding::Completed(answer("так")))).await;
    assert!(matches!(late, Err(StoreError::Task(TaskError::Stale { .. }))), "{late:?}");
    assert_eq!(store.worker(&WorkerId::new("w1")).await.unwrap(), None);
    assert_eq!(store.audit_head().await.unwrap().unwrap().note.action, "worker_removed");
    let again = store.remove_worker(&WorkerId::new("w1"), 9, vec![]).await;
    assert!(matches!(again, Err(StoreError::NotFound { kind: "worker", .. })), "{again:?}");
    assert_eq!(store.remove_worker(&WorkerId::new("w2"), 9, vec![]).await.unwrap().len(), 1, "one that is not kept");
}

pub(super) async fn setting_is_kept(store: &Arc<dyn Store>) {
    assert_eq!(store.setting("url").await.unwrap(), None);
    for value in ["http://a", "http://б"] {
        store.put_setting("url", value.to_owned(), vec![note("config_updated", 1)]).await.unwrap();
        assert_eq!(store.setting("url").await.unwrap().as_deref(), Some(value));
    }
    store.note(vec![note("connection_test", 2)]).await.unwrap();
    let head = store.audit_head().await.unwrap().unwrap();
    assert_eq!((head.seq, head.note.action.as_str()), (3, "connection_test"));
}
