//! An engine over a store, beside the reference.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError, LlmRequest};
use bloom_ir::{Digest, Document, SigningKey, TrustList, Value, VerifiedIr};
use bloom_runtime::clock::{Clock, Ids};
use bloom_runtime::dispatch::{Proof, TaskError};
use bloom_runtime::engine::{Engine, EngineConfig, EngineError, NewTask, Parts, Registration, Submit};
use bloom_runtime::record::{
    Actor, Capabilities, ContextId, LeaseEnding, LeaseId, LeaseStatus, RunId, TaskId, TaskStatus, WorkerId,
    WorkerStatus,
};
use bloom_runtime::store::{Grant, Store, StoreError, verify_audit};
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use bloom_store::RedbStore;
use serde_json::json;

use crate::reference::{Lease, PROFILES, PUSHED_TTL, QUOTA, Reference, Task, Verdict, Worker};
use crate::steps::{Ending, Step};

#[derive(Default)]
struct Still(AtomicI64);

impl Clock for Still {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[derive(Default)]
struct Counter(AtomicUsize);

impl Ids for Counter {
    fn fresh(&self) -> String {
        format!("id-{:06}", self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// There are no tools.
struct NoTools;

#[async_trait]
impl ToolHost for NoTools {
    fn describe(&self, name: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        Err(EffectError::new("unknown_tool", format!("no tool `{name}`")))
    }

    fn may_call(&self, _: &InstalledTool, _: &str, _: &[String]) -> Result<(), EffectError> {
        Ok(())
    }

    fn installed(&self) -> Vec<InstalledTool> {
        Vec::new()
    }

    async fn call(&self, _: ToolCall) -> Result<Value, EffectError> {
        Err(EffectError::new("unknown_tool", "no tools"))
    }
}

pub(crate) struct World {
    folder: Option<tempfile::TempDir>,
    store: Option<Arc<RedbStore>>,
    engine: Option<Arc<Engine>>,
    clock: Arc<Still>,
    ids: Arc<Counter>,
    reference: Reference,
    tasks: Vec<TaskId>,
    leases: Vec<LeaseId>,
    runs: Vec<RunId>,
}

const START: i64 = 1_700_000_000_000;

impl World {
    pub(crate) async fn new(on_disk: bool) -> Self {
        let mut world = Self {
            folder: on_disk.then(|| tempfile::tempdir().unwrap()),
            store: None,
            engine: None,
            clock: Arc::default(),
            ids: Arc::default(),
            reference: Reference { now: START, ..Reference::default() },
            tasks: Vec::new(),
            leases: Vec::new(),
            runs: Vec::new(),
        };
        world.clock.0.store(START, Ordering::SeqCst);
        world.start().await;
        world
    }

    /// A server starts over what the store has.
    async fn start(&mut self) {
        self.engine = None;
        if let Some(folder) = &self.folder {
            self.store = None;
            self.store = Some(Arc::new(RedbStore::open(folder.path()).unwrap()));
        }
        let store = self.store.get_or_insert_with(|| Arc::new(RedbStore::in_memory().unwrap())).clone();
        let engine = Engine::new(Parts {
            store,
            tools: Arc::new(NoTools),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
            trust: Arc::new(TrustList::of("own", key().public())),
            observer: Arc::new(()),
            config: EngineConfig { awaits_workers: true, ..EngineConfig::default() },
        });
        engine.restore_fleet().await.unwrap();
        self.engine = Some(Arc::new(engine));
    }

    fn engine(&self) -> Arc<Engine> {
        self.engine.clone().unwrap()
    }

    pub(crate) async fn take(&mut self, step: &Step) {
        let engine = self.engine();
        match step {
            Step::Post { priority, context } => self.post(*priority, *context).await,
            Step::Submit => self.submit().await,
            Step::CancelRun(run) => {
                if let Some(run) = pick(*run, self.runs.len()) {
                    let cancelled = engine.cancel(&self.runs[run], &owner(), "enough").await;
                    assert_eq!(cancelled.is_ok(), self.reference.cancel_run(run), "{cancelled:?}");
                }
            }
            Step::Register(worker) => self.register(usize::from(*worker)).await,
            Step::Hear(worker) => {
                let index = usize::from(*worker);
                let known = self.reference.workers.get_mut(&index);
                assert_eq!(engine.hear_of_worker(&name(index)), known.is_some());
                if let Some(known) = known {
                    known.heard_at = self.reference.now;
                }
            }
            Step::Drain(worker) => {
                let index = usize::from(*worker);
                engine.drain_worker(&name(index));
                if let Some(worker) = self.reference.workers.get_mut(&index) {
                    worker.is_draining = true;
                }
            }
            Step::Remove(worker) => {
                let index = usize::from(*worker);
                let removed = engine.remove_worker(&name(index), &owner()).await;
                let is_held = self.reference.active(index) > 0;
                assert_eq!(removed.is_ok(), self.reference.remove(index) || is_held, "{removed:?}");
            }
            Step::Pull { worker, slots } => self.pull(usize::from(*worker), *slots).await,
            Step::Lease { task, worker } => self.lease(*task, worker.map(usize::from)).await,
            Step::Heartbeat { lease, epoch_off } => {
                let Some(index) = pick(*lease, self.leases.len()) else { return };
                let epoch = self.reference.leases[index].epoch.saturating_add_signed(*epoch_off);
                let beaten = engine.heartbeat(Proof { lease: self.leases[index].clone(), epoch }).await;
                let expected = self.reference.heartbeat(index, epoch);
                assert_eq!(beaten.is_ok(), expected == Verdict::Changed, "{beaten:?}");
            }
            Step::End { lease, epoch_off, ending } => self.end(*lease, *epoch_off, *ending).await,
            Step::Requeue(task) => {
                let Some(task) = pick(*task, self.tasks.len()) else { return };
                let requeued = engine.requeue(&self.tasks[task], &owner()).await;
                assert_eq!(requeued.is_ok(), self.reference.requeue(task), "{requeued:?}");
            }
            Step::Pass(time) => self.pass(*time),
            Step::Reap => self.reap(&engine).await,
            Step::Lapse => {
                self.pass(PUSHED_TTL + 1);
                self.reap(&engine).await;
            }
            Step::Crash => {
                drop(engine);
                self.reference.crash();
                self.start().await;
            }
        }
    }

    fn pass(&mut self, time: i64) {
        self.reference.now += time;
        self.clock.0.store(self.reference.now, Ordering::SeqCst);
    }

    async fn reap(&mut self, engine: &Engine) {
        let over = self.reference.reap();
        assert_eq!(engine.reap().await.unwrap(), over.len());
        for (lease, _) in over.into_iter().filter(|(_, is_heard_of)| *is_heard_of) {
            self.learn_delay(self.reference.leases[lease].task).await;
        }
    }

    async fn post(&mut self, priority: i32, context: u8) {
        let new = NewTask {
            context: ContextId::new(format!("c{context}")),
            agent_slug: "agent".to_owned(),
            request: LlmRequest {
                prompt: "How many?".to_owned(),
                system: None,
                memory: Vec::new(),
                model: None,
                max_tokens: None,
                session: None,
                output: json!({}),
                timeout_seconds: None,
                retry: None,
            },
            timeout_seconds: 600,
            priority,
            max_attempts: 2,
        };
        let task = self.engine().post_task(new, &owner()).await.unwrap();
        self.add(task.id, None, context, priority, 2);
    }

    async fn submit(&mut self) {
        let submit = Submit {
            ir: VerifiedIr::signed(asks(), &key()).unwrap(),
            inputs: json!({}).into(),
            by: owner(),
            context: ContextId::new("c0"),
            setting: Value::Null,
            limits: None,
            budget: None,
            is_awaited: false,
        };
        let run = self.engine().submit(submit).await.unwrap();
        let [task] = <[_; 1]>::try_from(self.store().tasks(&run).await.unwrap()).unwrap();
        self.add(task.id, Some(self.runs.len()), 0, 0, 3);
        self.runs.push(run);
    }

    fn add(&mut self, id: TaskId, run: Option<usize>, context: u8, priority: i32, max_attempts: u32) {
        self.tasks.push(id);
        self.reference.tasks.push(Task {
            run,
            context,
            priority,
            created_at: self.reference.now,
            status: TaskStatus::Queued,
            attempts: 0,
            max_attempts,
            epoch: 0,
            lease: None,
            not_before: 0,
            answer: None,
            resolved: false,
        });
    }

    async fn register(&mut self, index: usize) {
        let profile = PROFILES[index];
        let (claude_cli, provides) = match profile.provider {
            _ if profile.is_pushed_to => (true, vec![]),
            Some(provider) => (false, vec![provider.to_owned()]),
            None => (false, vec!["flow.ir".to_owned()]),
        };
        let slots = u32::try_from(profile.slots).unwrap();
        let capabilities = Capabilities { claude_cli, max_concurrency: slots, labels: vec![], provides };
        let registration = Registration {
            url: profile.is_pushed_to.then(|| "http://127.0.0.1:8001".to_owned()),
            capabilities: Some(capabilities),
            ..Registration::default()
        };
        let (_, is_new) = self.engine().admit_worker(&name(index), registration, &owner()).await.unwrap();
        let now = self.reference.now;
        let worker = Worker { heard_at: now, registered_at: now, is_draining: false };
        assert_eq!(is_new, self.reference.workers.insert(index, worker).is_none());
    }

    async fn pull(&mut self, index: usize, slots: usize) {
        let pulled = self.engine().pull(&name(index), None, slots, std::future::ready(())).await;
        let now = self.reference.now;
        let Some(worker) = self.reference.workers.get_mut(&index) else {
            assert!(matches!(pulled, Err(EngineError::Store(StoreError::NotFound { kind: "worker", .. }))));
            return;
        };
        worker.heard_at = now;
        let mut pulled = pulled.unwrap().into_iter();
        for _ in 0..slots {
            let Some(task) = self.reference.next_of_queue(index) else { break };
            self.granted(&pulled.next().expect("the worker gets less than it should"), task, index, false);
        }
        assert!(pulled.next().is_none(), "the worker gets more than it should");
    }

    async fn lease(&mut self, task: u8, worker: Option<usize>) {
        let Some(task) = pick(task, self.tasks.len()) else { return };
        let named = worker.map(name);
        let leased = self.engine().lease_task(&self.tasks[task], named.as_ref(), None, None).await;
        if self.reference.tasks[task].status != TaskStatus::Queued {
            let refused = matches!(leased, Err(EngineError::Store(StoreError::Task(TaskError::NotQueued { .. }))));
            assert!(refused, "{leased:?}");
            return;
        }
        let chosen = match worker {
            Some(worker) => Some(worker).filter(|worker| self.reference.can_lease(*worker)),
            None => self.reference.choose(task),
        };
        match chosen {
            Some(worker) => self.granted(&leased.unwrap(), task, worker, true),
            None => assert!(matches!(leased, Err(EngineError::NoWorker(_))), "{leased:?}"),
        }
    }

    fn granted(&mut self, grant: &Grant, task: usize, worker: usize, is_named: bool) {
        assert_eq!((&grant.task.id, &grant.lease.worker), (&self.tasks[task], &name(worker)));
        assert_eq!(grant.lease.epoch, self.reference.grant(task, worker, is_named));
        self.leases.push(grant.lease.id.clone());
    }

    async fn end(&mut self, lease: u8, epoch_off: i64, ending: Ending) {
        let Some(index) = pick(lease, self.leases.len()) else { return };
        let epoch = self.reference.leases[index].epoch.saturating_add_signed(epoch_off);
        let how = match ending {
            Ending::Complete(yes) => LeaseEnding::Completed(Answer { value: i64::from(yes).into(), usage: None }),
            Ending::Fail { retryable } => {
                LeaseEnding::Failed(EffectError { retryable, ..EffectError::new("slow", "too slow") })
            }
            Ending::Quota => {
                let details = [("resets_at", Value::Int(self.reference.now + QUOTA))].into_iter().collect();
                LeaseEnding::Failed(EffectError::new("quota", "enough").with_details(details))
            }
            Ending::Release => LeaseEnding::GivenBack,
        };
        let ended = self.engine().end_lease(&self.leases[index], epoch, how).await;
        let expected = self.reference.end(index, epoch, ending);
        match &ended {
            Ok(_) => assert!(expected != Verdict::Stale, "{ended:?} where {expected:?} is due"),
            Err(EngineError::Store(StoreError::Task(TaskError::Stale { .. }))) => {
                assert_eq!(expected, Verdict::Stale);
            }
            Err(error) => panic!("{error} where {expected:?} is due"),
        }
        if matches!(ending, Ending::Fail { .. }) && expected == Verdict::Changed {
            self.learn_delay(self.reference.leases[index].task).await;
        }
    }

    /// An attempt failed. Chance has its part in the delay.
    async fn learn_delay(&mut self, task: usize) {
        let stored = self.store().task(&self.tasks[task]).await.unwrap().unwrap();
        let task = &mut self.reference.tasks[task];
        if let Some(not_before) = stored.not_before {
            let base = [1000, 2000][usize::try_from(task.attempts).unwrap().saturating_sub(1).min(1)];
            let delay = not_before - self.reference.now;
            assert!((base..=base * 5 / 4).contains(&delay), "a delay of {delay} ms");
            task.not_before = not_before;
        } else {
            assert_ne!(task.status, TaskStatus::Queued);
        }
    }

    fn store(&self) -> Arc<RedbStore> {
        self.store.clone().unwrap()
    }

    /// The engine and the store say what the reference says.
    pub(crate) async fn compare(&self, step: &Step) {
        let (engine, store) = (self.engine(), self.store());
        for (id, expected) in self.tasks.iter().zip(&self.reference.tasks) {
            let task = engine.current_task(store.task(id).await.unwrap().unwrap());
            let lease = expected.lease.map(|lease| &self.reference.leases[lease]);
            let status = match (expected.status, lease) {
                (TaskStatus::Leased, Some(Lease { has_beaten: true, .. })) => TaskStatus::Running,
                (status, _) => status,
            };
            assert_eq!(
                (task.status, task.attempts, task.epoch, &task.lease, task.resolved),
                (
                    status,
                    expected.attempts,
                    expected.epoch,
                    &expected.lease.map(|lease| self.leases[lease].clone()),
                    expected.resolved
                ),
                "task {id} after {step:?}"
            );
            let answer = expected.answer.map(|yes| Value::Int(i64::from(yes)));
            assert_eq!(task.answer.map(|answer| answer.value), answer, "task {id} after {step:?}");
        }
        let mut active = BTreeSet::new();
        for (id, expected) in self.leases.iter().zip(&self.reference.leases) {
            let lease = engine.current_lease(store.lease(id).await.unwrap().unwrap());
            assert_eq!((lease.status, lease.epoch), (expected.status, expected.epoch), "lease {id} after {step:?}");
            if expected.status == LeaseStatus::Active {
                assert_eq!(lease.expires_at, expected.expires_at, "lease {id} after {step:?}");
                active.insert(id.clone());
            }
        }
        let listed: BTreeSet<_> = store.active_leases().await.unwrap().into_iter().map(|lease| lease.id).collect();
        assert_eq!(listed, active, "after {step:?}");
        let seats = engine.workers();
        let known: Vec<_> = self.reference.workers.keys().map(|index| name(*index)).collect();
        assert_eq!(seats.iter().map(|seat| seat.worker.id.clone()).collect::<Vec<_>>(), known, "after {step:?}");
        for (seat, index) in seats.iter().zip(self.reference.workers.keys()) {
            let status = if self.reference.is_online(*index) { WorkerStatus::Online } else { WorkerStatus::Offline };
            let held = usize::try_from(seat.active_leases).unwrap();
            assert_eq!(
                (seat.status, held),
                (status, self.reference.active(*index)),
                "{} after {step:?}",
                seat.worker.id
            );
        }
        for (index, run) in self.runs.iter().enumerate() {
            let run = store.run(run).await.unwrap().unwrap();
            assert_eq!(run.status.is_terminal(), self.reference.ended_runs.contains(&index), "after {step:?}");
        }
    }

    pub(crate) async fn finish(self) {
        assert_eq!(verify_audit(self.store().as_ref(), None).await.unwrap().fault, None);
    }
}

fn pick(number: u8, count: usize) -> Option<usize> {
    usize::from(number).checked_rem(count).map(|back| count - 1 - back)
}

fn name(worker: usize) -> WorkerId {
    WorkerId::new(format!("w{worker}"))
}

fn owner() -> Actor {
    Actor("owner".to_owned())
}

fn key() -> SigningKey {
    SigningKey::from_seed(&[7; 32])
}

/// A flow that asks an LLM for a number, and gives all attempts together more time than passes here: what comes of a node whose
/// time is over has tests of its own.
fn asks() -> Document {
    serde_json::from_value(json!({
        "ir": "0.1",
        "flow": { "id": "asks", "version": "0.0.0", "title": "Test", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {},
        "policy": { "allowed_tools": {}, "safe_outputs": [], "limits": { "node_timeout_seconds": 86_400 } },
        "entry": "n1",
        "nodes": {
            "n1": { "type": "llm_call", "prompt": [{ "text": "How many?" }], "into": "n", "output": { "type": "integer" }, "timeout_seconds": 120, "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "v['n']" },
        },
        "source": { "kind": "drakon", "name": "t.drakon", "sha256": "0".repeat(64), "map": { "n1": { "item": "12", "first": true, "text": "Read" } } },
    }))
    .unwrap()
}
