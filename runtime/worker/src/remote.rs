//! A worker of a server that is elsewhere.

mod client;
mod flow;
mod report;
mod tools;
mod transport;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bloom_interpreter::effect::{EffectError, LlmRequest, NodeRef, Usage};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_runtime::record::ContextId;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::Error as _;
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument as _;

use self::client::Client;
pub use self::client::RemoteError;
use self::flow::{Envelope, Execution, Outcome};
pub use self::flow::{Flows, MakeStore};
use self::report::Notes;
pub use self::transport::Transport;
use crate::failure::NOT_LOGGED_IN;
use crate::in_process::{PROBE, ask, until_let_in};
use crate::trust::{Trust, is_exposed};

/// What a worker says of itself, and whom it works for.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The server, as `https://bloom.example.org`.
    pub server: String,
    /// Whose certificate it may have, where that is a URL with `https`.
    pub trust: Trust,
    /// The key that the server asks for.
    pub key: Option<SecretString>,
    /// Its name: who registers with the same name is the same worker.
    pub name: String,
    /// How many tasks it does at a time.
    pub slots: u32,
    /// What tasks may ask for as `label:NAME`.
    pub labels: Vec<String>,
    /// How often it says that it and what it holds are alive.
    pub heartbeat: Duration,
    /// How long it waits for work before it asks again.
    pub wait: Duration,
    /// The delay after the first failure to reach the server, which doubles with each further one,
    pub backoff: Duration,
    /// up to this.
    pub longest_backoff: Duration,
    /// After its provider let it in no more: the first delay after which it looks whether it does again.
    pub probe: Duration,
    /// When it is to stop, how long it goes on with what it holds before it gives that back.
    pub drain: Duration,
}

impl RemoteConfig {
    /// With the usual times.
    pub fn new(server: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            trust: Trust::usual(),
            key: None,
            name: name.into(),
            slots: 1,
            labels: Vec::new(),
            heartbeat: Duration::from_secs(10),
            wait: Duration::from_secs(25),
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
            probe: PROBE,
            drain: Duration::from_mins(1),
        }
    }

    /// Whether others on the way to the server could read the key.
    pub fn exposes_its_key(&self) -> bool {
        self.key.is_some() && self.server.parse().is_ok_and(|url| is_exposed(&url))
    }
}

/// Registers with a server, asks it for tasks, has an executor answer them, and brings back what it answered. A server that
/// restarts or cannot be reached for a while is waited for; an answer is not thrown away meanwhile.
///
/// Nothing is kept of a task once its result is with the server. The server fences it: if somebody else was given the task in
/// the meantime, the executor is stopped, and its answer refused.
pub struct RemoteWorker {
    config: Arc<RemoteConfig>,
    client: Client,
    executor: Option<Arc<dyn LlmExecutor>>,
    flows: Option<Arc<Flows>>,
    /// One for each task that is worked on. A result that is on its way needs none.
    slots: Arc<Semaphore>,
    /// Whether the executor's provider does not let it in for now: then it offers no answers.
    is_shut_out: Arc<AtomicBool>,
}

/// Something that the server granted.
#[derive(Debug, Deserialize)]
struct Granted {
    lease: GrantedLease,
    /// What, which is read by itself: a server of another version may ask for what this one does not know.
    #[serde(flatten)]
    work: Map<String, Value>,
}

/// What is to be done.
#[derive(Debug)]
enum Work {
    Question(Box<Question>),
    Run(Envelope),
}

impl Work {
    fn read(mut members: Map<String, Value>) -> Result<Self, serde_json::Error> {
        match members.remove("envelope").filter(|envelope| !envelope.is_null()) {
            Some(envelope) => serde_json::from_value(envelope).map(Self::Run),
            None if members.contains_key("task") => {
                serde_json::from_value(Value::Object(members)).map(|question| Self::Question(Box::new(question)))
            }
            None => Err(serde_json::Error::custom("neither a question nor a run")),
        }
    }
}

/// A question to an LLM.
#[derive(Debug, Deserialize)]
struct Question {
    task: GrantedTask,
    request: LlmRequest,
    idempotency_key: String,
    asked_by: NodeRef,
}

#[derive(Debug, Deserialize)]
struct GrantedLease {
    id: String,
    epoch: u64,
    ttl_seconds: u64,
}

/// Heartbeats of a lease are no closer than this.
const SHORTEST_BEAT: Duration = Duration::from_millis(100);

#[derive(Debug, Deserialize)]
struct GrantedTask {
    id: String,
    #[serde(default)]
    context_id: String,
    attempts: u32,
    policy: GrantedPolicy,
}

#[derive(Debug, Deserialize)]
struct GrantedPolicy {
    timeout_sec: u32,
}

impl RemoteWorker {
    /// Makes a worker that is not registered yet. Without an executor it answers no question.
    pub fn new(config: RemoteConfig, executor: Option<Arc<dyn LlmExecutor>>) -> Result<Self, RemoteError> {
        let client = Client::new(&config.server, config.key.as_ref(), &config.trust)?;
        Ok(Self::of(config, client, executor))
    }

    /// The same over something else than a network; then [`RemoteConfig::trust`] is for that to keep to.
    pub fn over(
        transport: Arc<dyn Transport>,
        config: RemoteConfig,
        executor: Option<Arc<dyn LlmExecutor>>,
    ) -> Result<Self, RemoteError> {
        let client = Client::over(transport, &config.server, config.key.as_ref())?;
        Ok(Self::of(config, client, executor))
    }

    fn of(config: RemoteConfig, client: Client, executor: Option<Arc<dyn LlmExecutor>>) -> Self {
        let slots = Arc::new(Semaphore::new(places(config.slots)));
        Self { config: Arc::new(config), client, executor, flows: None, slots, is_shut_out: Arc::default() }
    }

    /// The same worker, which executes whole runs, too.
    #[must_use]
    pub fn with_flows(self, flows: Flows) -> Self {
        Self { flows: Some(Arc::new(flows)), ..self }
    }

    /// Works until `stop`; then takes nothing more, ends what it holds, and gives back what is not done after
    /// [`RemoteConfig::drain`], or when `hurry` comes. A server that refuses it ends it with an error. A future that is dropped
    /// leaves its leases to be expired.
    pub async fn run(self, stop: impl Future<Output = ()>, hurry: impl Future<Output = ()>) -> Result<(), RemoteError> {
        let (draining, stopping) = (watch::Sender::new(false), watch::Sender::new(false));
        let mut tasks = JoinSet::new();
        let ended = tokio::select! {
            biased;
            ended = self.pull(&mut tasks, &draining, &stopping) => ended,
            () = async { stop.await; draining.send_replace(true); std::future::pending().await } => Ok(()),
        };
        if ended.is_ok() {
            tracing::info!(tasks = tasks.len(), "draining");
            // What was paid for is brought to its end.
            tokio::select! {
                biased;
                () = async { while tasks.join_next().await.is_some() {} } => {}
                () = hurry => {}
                () = tokio::time::sleep(self.config.drain) => {}
            }
        }
        stopping.send_replace(true);
        while tasks.join_next().await.is_some() {}
        ended
    }

    /// Registers, and asks for tasks, until it is to drain; or ends with what the server refuses it for.
    async fn pull(
        &self,
        tasks: &mut JoinSet<()>,
        draining: &watch::Sender<bool>,
        stopping: &watch::Sender<bool>,
    ) -> Result<(), RemoteError> {
        let mut delay = self.config.backoff;
        let (mut is_registered, mut is_known) = (false, false);
        let mut drains = draining.subscribe();
        let mut probing = JoinSet::new();
        while !*drains.borrow_and_update() {
            if probing.try_join_next().is_some() {
                self.is_shut_out.store(false, Ordering::SeqCst);
                // It says again what it has, and is let in by the server, too.
                is_registered = false;
            } else if let Some(executor) = self.executor.clone().filter(|_| self.is_shut_out())
                && probing.is_empty()
            {
                let delay = self.config.probe;
                probing.spawn(async move { until_let_in(executor.as_ref(), delay).await });
            }
            let outcome = if is_registered {
                while tasks.try_join_next().is_some() {}
                let room = places(self.config.slots).saturating_mul(2).saturating_sub(tasks.len());
                // Where results do not arrive, nothing more is begun than as many again.
                let free = self.slots.available_permits().min(room);
                if room == 0 {
                    self.beat_until(async { drop(tasks.join_next().await) }, &mut drains).await
                } else if free == 0 {
                    self.beat_until(async { drop(self.slots.acquire().await) }, &mut drains).await
                } else {
                    self.ask_for(free, tasks, &mut drains, stopping).await
                }
            } else {
                self.register().await.inspect(|()| (is_registered, is_known) = (true, true))
            };
            match outcome {
                Ok(()) => delay = self.config.backoff,
                // It was removed, or the server has lost it.
                Err(RemoteError::Refused { status: 404, .. }) if is_registered => is_registered = false,
                // It never was the server that is meant: somebody must look.
                Err(error @ RemoteError::Tls(_)) if !is_known => return Err(error),
                Err(error) if error.is_passing() || is_known && error.is_passing_once_known() => {
                    tracing::warn!(server = self.config.server, %error, "the server cannot be reached");
                    // After a restart the server does not know how it is.
                    is_registered = false;
                    if *drains.borrow() {
                        break;
                    }
                    tokio::select! {
                        biased;
                        _ = drains.changed() => {}
                        () = tokio::time::sleep(delay) => {}
                    }
                    delay = delay.saturating_mul(2).min(self.config.longest_backoff);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_shut_out(&self) -> bool {
        self.is_shut_out.load(Ordering::SeqCst)
    }

    /// What it has now.
    fn provides(&self) -> Vec<String> {
        let answers = self.executor.iter().filter(|_| !self.is_shut_out());
        let mut provides: Vec<String> = answers.map(|executor| executor.provides().to_owned()).collect();
        provides.extend(self.flows.iter().flat_map(|flows| flows.provides()));
        provides
    }

    /// What it says of itself.
    fn advertisement(&self) -> Value {
        let RemoteConfig { name, slots, labels, .. } = self.config.as_ref();
        let provides = self.provides();
        json!({
            "name": name,
            "capabilities": {
                "claude_cli": provides.iter().any(|one| one == "llm.claude_cli"), "max_concurrency": slots,
                "labels": labels, "provides": provides,
            },
            "agent_version": env!("CARGO_PKG_VERSION"),
            "os_info": std::env::consts::OS,
        })
    }

    async fn register(&self) -> Result<(), RemoteError> {
        self.client.post("workers", &self.advertisement()).await?;
        let name = &self.config.name;
        tracing::info!(worker = name, server = self.config.server, "registered");
        Ok(())
    }

    /// With all slots taken nothing is asked for, but the server hears that the worker is there.
    async fn beat_until(
        &self,
        is_free: impl Future<Output = ()>,
        drains: &mut watch::Receiver<bool>,
    ) -> Result<(), RemoteError> {
        tokio::select! {
            biased;
            () = is_free => Ok(()),
            _ = drains.changed() => self.beat(true).await,
            () = tokio::time::sleep(self.config.heartbeat) => self.beat(false).await,
        }
    }

    /// Says that it is there, and whether it takes anything more.
    async fn beat(&self, drains: bool) -> Result<(), RemoteError> {
        let path = format!("workers/{}/heartbeat", client::segment(&self.config.name));
        self.client.post(&path, &json!({ "drains": drains })).await.map(drop)
    }

    async fn ask_for(
        &self,
        free: usize,
        tasks: &mut JoinSet<()>,
        drains: &mut watch::Receiver<bool>,
        stopping: &watch::Sender<bool>,
    ) -> Result<(), RemoteError> {
        let body = json!({
            "worker_id": self.config.name, "free_slots": free.min(32), "wait_seconds": self.config.wait.as_secs().min(30),
            "provides": self.provides(),
        });
        // Not given up when another slot becomes free: what the server grants meanwhile must arrive.
        let patience = self.config.wait.saturating_add(client::PATIENCE);
        let mut asking = pin!(self.client.post_within("leases", &body, patience));
        let granted = tokio::select! {
            biased;
            granted = &mut asking => granted?,
            _ = drains.changed() => {
                // Then the server answers at once.
                self.beat(true).await?;
                asking.await?
            }
        };
        let Some(granted) = granted else { return Ok(()) };
        let granted: Vec<Granted> =
            serde_json::from_value(granted).map_err(|error| RemoteError::Answer(error.to_string()))?;
        for grant in granted {
            let holder = Holder {
                client: self.client.clone(),
                config: self.config.clone(),
                executor: self.executor.clone(),
                flows: self.flows.clone(),
                slot: self.slots.clone().try_acquire_owned().ok(),
                is_shut_out: self.is_shut_out.clone(),
                stopping: stopping.subscribe(),
            };
            if *drains.borrow() {
                tasks.spawn(async move { holder.give_back(&grant.lease).await });
            } else {
                tasks.spawn(holder.perform(grant));
            }
        }
        Ok(())
    }
}

/// Who holds one task.
struct Holder {
    client: Client,
    config: Arc<RemoteConfig>,
    executor: Option<Arc<dyn LlmExecutor>>,
    flows: Option<Arc<Flows>>,
    slot: Option<OwnedSemaphorePermit>,
    is_shut_out: Arc<AtomicBool>,
    stopping: watch::Receiver<bool>,
}

impl Holder {
    async fn perform(self, grant: Granted) {
        let Granted { lease, work } = grant;
        let id = work.get("task").and_then(|task| task.get("id")).and_then(Value::as_str).map(str::to_owned);
        let work = Work::read(work);
        let span = tracing::info_span!(
            "task",
            task = id,
            worker = self.config.name,
            lease = lease.id,
            run = tracing::field::Empty,
            node = tracing::field::Empty,
            attempt = tracing::field::Empty,
        );
        match &work {
            Ok(Work::Question(question)) => {
                span.record("node", tracing::field::display(&question.asked_by.node));
                span.record("attempt", question.task.attempts);
            }
            Ok(Work::Run(envelope)) => {
                span.record("run", &envelope.run_id);
            }
            Err(_) => {}
        }
        self.perform_within(lease, id, work).instrument(span).await;
    }

    async fn perform_within(mut self, lease: GrantedLease, id: Option<String>, work: Result<Work, serde_json::Error>) {
        match (work, self.executor.clone(), self.flows.clone()) {
            (Ok(Work::Question(question)), Some(executor), _) => self.answer(&lease, *question, executor).await,
            (Ok(Work::Run(envelope)), executor, Some(flows)) => {
                let (client, config) = (self.client.clone(), self.config.clone());
                let notes = Arc::new(Notes::new(&envelope, &config.name, flows.clock.clone()));
                self.execute(&lease, envelope, Execution { client, config, flows, executor, notes }).await;
            }
            // It did not say that it could do that.
            (Ok(_), ..) => self.give_back(&lease).await,
            // Given back, it would come again at once.
            (Err(error), ..) => {
                let error = EffectError::new("worker_error", format!("the task is not understood: {error}"));
                let error = EffectError { retryable: true, ..error };
                self.bring(&lease, &id.unwrap_or_default(), failure(&lease, &error)).await;
            }
        }
    }

    async fn answer(&mut self, lease: &GrantedLease, question: Question, executor: Arc<dyn LlmExecutor>) {
        let Question { task, request, idempotency_key, asked_by } = question;
        let at = asked_by.clone();
        let question = LlmTask {
            idempotency_key,
            asked_by,
            context: ContextId::new(task.context_id),
            request,
            timeout_ms: u64::from(task.policy.timeout_sec).saturating_mul(1000),
            attempt: task.attempts,
        };
        match self.hold(lease, ask(executor.as_ref(), question)).await {
            Some(Ok(answer)) => {
                self.note_answer(&task.id, &at, answer.usage.as_ref());
                let body = json!({ "epoch": lease.epoch, "status": "success", "answer": answer });
                self.bring(lease, &task.id, body).await;
            }
            Some(Err(error)) => {
                self.note_login(&error);
                self.note_answer(&task.id, &at, error.usage.as_deref());
                self.bring(lease, &task.id, failure(lease, &error)).await;
            }
            None => {}
        }
    }

    async fn execute(&mut self, lease: &GrantedLease, envelope: Envelope, execution: Execution) {
        match self.hold(lease, Box::pin(execution.perform(lease, &envelope))).await {
            Some(Outcome::Ended(end)) => {
                self.bring(lease, &envelope.task_id, execution.notes.ended(lease.epoch, &end)).await;
            }
            Some(Outcome::Failed(error)) => {
                self.note_login(&error);
                self.bring(lease, &envelope.task_id, execution.notes.failed(lease.epoch, &error)).await;
            }
            Some(Outcome::Lost) => tracing::info!(lease = lease.id, "the run is no longer this worker's"),
            None => {}
        }
    }

    /// A failure of the login is the worker's own.
    fn note_login(&self, error: &EffectError) {
        self.is_shut_out.fetch_or(error.code == NOT_LOGGED_IN, Ordering::SeqCst);
    }

    /// One entry of the Execution Protocol's log.
    fn note_answer(&self, task: &str, node: &NodeRef, usage: Option<&Usage>) {
        let (worker, node) = (self.config.name.as_str(), node.node.as_str());
        let (ms, tokens) = (usage.map(|usage| usage.latency_ms), usage.map(Usage::tokens));
        tracing::info!(
            task_id = task,
            worker_id = worker,
            phase = "llm_call",
            node_id = node,
            ms,
            tokens,
            "a question was answered"
        );
    }

    /// What comes of some work, unless the lease is lost meanwhile, or the worker is to stop: then it is given back.
    async fn hold<T>(&self, lease: &GrantedLease, work: impl Future<Output = T>) -> Option<T> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            biased;
            // What is there is brought, and a lease that is lost is not given back.
            done = work => return Some(done),
            () = self.beat(lease) => tracing::info!(lease = lease.id, "the task is no longer this worker's"),
            () = async { drop(stopping.wait_for(|stops| *stops).await) } => self.give_back(lease).await,
        }
        None
    }

    async fn give_back(&self, lease: &GrantedLease) {
        let path = format!("leases/{}/release", client::segment(&lease.id));
        // If the server does not hear of it, it notices that nobody is heard of.
        if let Err(error) = self.client.post(&path, &json!({ "epoch": lease.epoch })).await {
            tracing::warn!(lease = lease.id, %error, "a task was not given back");
        }
    }

    /// Says that the lease's holder is alive; ends when it is not its holder any more.
    async fn beat(&self, lease: &GrantedLease) {
        let path = format!("leases/{}/heartbeat", client::segment(&lease.id));
        // A lease that lives shortly is beaten for more often.
        let often = (Duration::from_secs(lease.ttl_seconds) / 3).max(SHORTEST_BEAT);
        let mut ticks = tokio::time::interval(self.config.heartbeat.min(often));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let beaten = self.client.post(&path, &json!({ "epoch": lease.epoch })).await;
            if matches!(beaten, Err(RemoteError::Refused { status: 404 | 409, .. })) {
                return;
            }
        }
    }

    /// Brings what came of a task, as often as it takes: it was paid for. The server takes it late, too, while nobody else
    /// works. Where the server will not have it, it is told so in its place, as it would be the same another time. Meanwhile
    /// something else may be done.
    async fn bring(&mut self, lease: &GrantedLease, task: &str, mut body: Value) {
        self.slot = None;
        let path = format!("leases/{}/result", client::segment(&lease.id));
        let mut delay = self.config.backoff;
        let (mut given_up, mut is_refused) = (None, false);
        loop {
            match self.client.post(&path, &body).await {
                Ok(_) => return,
                Err(error) if error.is_passing_once_known() => {
                    tracing::warn!(task, %error, "a result was not brought yet");
                    // One that stops tries for a little while longer.
                    if *self.stopping.borrow() {
                        let until = *given_up.get_or_insert_with(|| Instant::now() + client::PATIENCE);
                        if Instant::now() >= until {
                            return;
                        }
                    }
                    tokio::time::sleep(delay).await;
                    delay = delay.saturating_mul(2).min(self.config.longest_backoff);
                }
                Err(error) => {
                    tracing::warn!(task, %error, "a result was refused");
                    let is_lost = matches!(error, RemoteError::Refused { status: 401 | 403 | 404 | 409, .. });
                    if is_lost || is_refused {
                        return;
                    }
                    is_refused = true;
                    body = failure(lease, &EffectError::new("result_refused", error.to_string()));
                }
            }
        }
    }
}

fn places(slots: u32) -> usize {
    usize::try_from(slots).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS)
}

fn failure(lease: &GrantedLease, error: &EffectError) -> Value {
    let status = if error.code == "timeout" { "timeout" } else { "failed" };
    json!({ "epoch": lease.epoch, "status": status, "error": error })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use async_trait::async_trait;
    use bloom_interpreter::effect::Answer;
    use hyper::header::HeaderValue;
    use hyper::{Request, Response};

    use super::*;

    /// A server that has tasks for whoever asks, and never says that it has a result.
    #[derive(Debug, Default)]
    struct Stuck(AtomicUsize);

    #[async_trait]
    impl Transport for Stuck {
        async fn send(&self, request: Request<Vec<u8>>, _: Duration) -> Result<Response<Vec<u8>>, RemoteError> {
            let path = request.uri().path();
            if path.ends_with("/result") {
                return std::future::pending().await;
            }
            let number = self.0.fetch_add(1, Ordering::SeqCst);
            let task = json!({
                "lease": { "id": format!("l{number}"), "epoch": 1, "ttl_seconds": 30 },
                "task": { "id": format!("t{number}"), "attempts": 1, "policy": { "timeout_sec": 9 } },
                "request": { "prompt": "Say hello", "output": { "type": "string" } },
                "idempotency_key": "k", "asked_by": { "node": "n1", "visit": 1 },
            });
            let told = if path.ends_with("/leases") { json!([task]) } else { json!({}) };
            let mut response = Response::new(told.to_string().into_bytes());
            response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
            Ok(response)
        }
    }

    /// Answers at once, and counts.
    #[derive(Default)]
    struct Quick(AtomicUsize);

    #[async_trait]
    impl LlmExecutor for Quick {
        fn provides(&self) -> &'static str {
            "llm.command"
        }

        async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
            self.0.fetch_add(1, Ordering::SeqCst);
            Ok(Answer { value: "hello".into(), usage: None })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_a_result_is_on_its_way_something_else_is_done_but_not_without_end() {
        let (server, quick) = (Arc::new(Stuck::default()), Arc::new(Quick::default()));
        let config = RemoteConfig { slots: 2, ..RemoteConfig::new("http://127.0.0.1:5000", "w1") };
        let worker = RemoteWorker::over(server, config, Some(quick.clone())).unwrap();
        let worked = worker.run(std::future::pending(), std::future::pending());
        tokio::time::timeout(Duration::from_mins(5), worked).await.unwrap_err();
        assert_eq!(quick.0.load(Ordering::SeqCst), 4);
    }

    #[test]
    fn worker_says_of_itself_what_the_schema_has() {
        let schema =
            serde_json::from_str(include_str!("../../../schemas/worker-advertisement-0.1.schema.json")).unwrap();
        let schema = bloom_ir::schema::CompiledSchema::compile(&schema).unwrap();
        let config =
            RemoteConfig { labels: vec!["gpu".to_owned()], ..RemoteConfig::new("http://127.0.0.1:5000", "w1") };
        let told = RemoteWorker::new(config, None).unwrap().advertisement();
        assert_eq!(schema.validate(&told.clone().into()), Ok(()));
        let mut wrong = told;
        wrong["capabilities"]["max_concurrency"] = json!(0);
        assert!(schema.validate(&wrong.into()).is_err());
    }
}
