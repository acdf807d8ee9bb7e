//! A worker of a server that is elsewhere.

mod client;

use std::sync::Arc;
use std::time::Duration;

use bloom_interpreter::effect::{Answer, EffectError, LlmRequest, NodeRef};
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use self::client::Client;
pub use self::client::RemoteError;
use crate::in_process::ask;

/// What a worker says of itself, and whom it works for.
#[derive(Clone, Debug)]
pub struct RemoteConfig {
    /// The server, as `http://127.0.0.1:5000`.
    pub server: String,
    /// The key that the server asks for.
    pub key: Option<String>,
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
}

impl RemoteConfig {
    /// With the usual times.
    pub fn new(server: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            server: server.into(),
            key: None,
            name: name.into(),
            slots: 1,
            labels: Vec::new(),
            heartbeat: Duration::from_secs(10),
            wait: Duration::from_secs(25),
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(30),
        }
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
    executor: Arc<dyn LlmExecutor>,
}

/// A task that the server granted.
#[derive(Debug, Deserialize)]
struct Granted {
    lease: GrantedLease,
    task: GrantedTask,
    request: LlmRequest,
    idempotency_key: String,
    asked_by: NodeRef,
}

#[derive(Debug, Deserialize)]
struct GrantedLease {
    id: String,
    epoch: u64,
}

#[derive(Debug, Deserialize)]
struct GrantedTask {
    id: String,
    attempts: u32,
    policy: GrantedPolicy,
}

#[derive(Debug, Deserialize)]
struct GrantedPolicy {
    timeout_sec: u32,
}

impl RemoteWorker {
    /// Makes a worker that is not registered yet.
    pub fn new(config: RemoteConfig, executor: Arc<dyn LlmExecutor>) -> Result<Self, RemoteError> {
        let client = Client::new(&config.server, config.key.as_deref())?;
        Ok(Self { config: Arc::new(config), client, executor })
    }

    /// Works until `stop`; then gives back what it has not finished. A server that refuses it ends it with an error. A future
    /// that is dropped leaves its leases to be expired.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), RemoteError> {
        let stopping = watch::Sender::new(false);
        let mut tasks = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        let ended = tokio::select! {
            () = &mut stop => Ok(()),
            error = self.pull(&mut tasks, &stopping) => Err(error),
        };
        stopping.send_replace(true);
        while tasks.join_next().await.is_some() {}
        ended
    }

    /// Registers, and asks for tasks; ends with what the server refuses it for.
    async fn pull(&self, tasks: &mut JoinSet<()>, stopping: &watch::Sender<bool>) -> RemoteError {
        let mut delay = self.config.backoff;
        let mut is_registered = false;
        loop {
            if !is_registered {
                match self.register().await {
                    Ok(()) => (is_registered, delay) = (true, self.config.backoff),
                    Err(error) if error.is_passing() => {
                        tracing::warn!(server = self.config.server, %error, "the server cannot be reached");
                        self.pause(&mut delay).await;
                        continue;
                    }
                    Err(error) => return error,
                }
            }
            while tasks.try_join_next().is_some() {}
            let free = usize::try_from(self.config.slots).unwrap_or(usize::MAX).saturating_sub(tasks.len());
            let outcome =
                if free == 0 { self.beat_while_full(tasks).await } else { self.ask_for(free, tasks, stopping).await };
            match outcome {
                Ok(()) => delay = self.config.backoff,
                // It was removed, or the server has lost it.
                Err(RemoteError::Refused { status: 404, .. }) => is_registered = false,
                Err(error) if error.is_passing() => {
                    tracing::warn!(server = self.config.server, %error, "the server cannot be reached");
                    self.pause(&mut delay).await;
                    // After a restart the server does not know how it is.
                    is_registered = false;
                }
                Err(error) => return error,
            }
        }
    }

    async fn register(&self) -> Result<(), RemoteError> {
        let RemoteConfig { name, slots, labels, .. } = self.config.as_ref();
        let provides = [self.executor.provides()];
        let body = json!({
            "name": name,
            "capabilities": {
                "claude_cli": provides.contains(&"llm.claude_cli"), "max_concurrency": slots,
                "labels": labels, "provides": provides,
            },
            "agent_version": env!("CARGO_PKG_VERSION"),
            "os_info": std::env::consts::OS,
        });
        self.client.post("workers", &body).await?;
        tracing::info!(worker = name, server = self.config.server, "registered");
        Ok(())
    }

    /// With all slots taken nothing is asked for, but the server hears that the worker is there.
    async fn beat_while_full(&self, tasks: &mut JoinSet<()>) -> Result<(), RemoteError> {
        tokio::select! {
            _ = tasks.join_next() => Ok(()),
            () = tokio::time::sleep(self.config.heartbeat) => {
                let path = format!("workers/{}/heartbeat", client::segment(&self.config.name));
                self.client.post(&path, &json!({})).await.map(drop)
            }
        }
    }

    async fn ask_for(
        &self,
        free: usize,
        tasks: &mut JoinSet<()>,
        stopping: &watch::Sender<bool>,
    ) -> Result<(), RemoteError> {
        let body = json!({
            "worker_id": self.config.name, "free_slots": free.min(32), "wait_seconds": self.config.wait.as_secs().min(30),
        });
        // Not given up when another slot becomes free: what the server grants meanwhile must arrive.
        let patience = self.config.wait.saturating_add(client::PATIENCE);
        let Some(granted) = self.client.post_within("leases", &body, patience).await? else { return Ok(()) };
        let granted: Vec<Granted> =
            serde_json::from_value(granted).map_err(|error| RemoteError::Answer(error.to_string()))?;
        for grant in granted {
            let holder = Holder {
                client: self.client.clone(),
                config: self.config.clone(),
                executor: self.executor.clone(),
                stopping: stopping.subscribe(),
            };
            tasks.spawn(holder.perform(grant));
        }
        Ok(())
    }

    async fn pause(&self, delay: &mut Duration) {
        tokio::time::sleep(*delay).await;
        *delay = delay.saturating_mul(2).min(self.config.longest_backoff);
    }
}

/// Who holds one task.
struct Holder {
    client: Client,
    config: Arc<RemoteConfig>,
    executor: Arc<dyn LlmExecutor>,
    stopping: watch::Receiver<bool>,
}

impl Holder {
    async fn perform(mut self, grant: Granted) {
        let Granted { lease, task, request, idempotency_key, asked_by } = grant;
        let question = LlmTask {
            idempotency_key,
            asked_by,
            request,
            timeout_ms: u64::from(task.policy.timeout_sec).saturating_mul(1000),
            attempt: task.attempts,
        };
        let executor = self.executor.clone();
        let answer = {
            let mut stopping = self.stopping.clone();
            tokio::select! {
                answer = ask(executor.as_ref(), question) => Some(answer),
                () = self.beat(&lease) => None,
                () = async { drop(stopping.wait_for(|stops| *stops).await) } => {
                    let path = format!("leases/{}/release", client::segment(&lease.id));
                    // If the server does not hear of it, it notices that nobody is heard of.
                    if let Err(error) = self.client.post(&path, &json!({ "epoch": lease.epoch })).await {
                        tracing::warn!(task = task.id, %error, "a task was not given back");
                    }
                    return;
                }
            }
        };
        if let Some(answer) = answer {
            self.bring(&lease, &task, answer).await;
        } else {
            tracing::info!(task = task.id, "the task is no longer this worker's");
        }
    }

    /// Says that the lease's holder is alive; ends when it is not its holder any more.
    async fn beat(&self, lease: &GrantedLease) {
        let path = format!("leases/{}/heartbeat", client::segment(&lease.id));
        let mut ticks = tokio::time::interval(self.config.heartbeat);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let beaten = self.client.post(&path, &json!({ "epoch": lease.epoch })).await;
            if matches!(beaten, Err(RemoteError::Refused { status: 404 | 409, .. })) {
                return;
            }
        }
    }

    /// Brings the answer, as often as it takes: it was paid for. The server takes it late, too, while nobody else works.
    async fn bring(&mut self, lease: &GrantedLease, task: &GrantedTask, answer: Result<Answer, EffectError>) {
        let body = match answer {
            Ok(answer) => json!({ "epoch": lease.epoch, "status": "success", "answer": answer }),
            Err(error) => {
                let status = if error.code == "timeout" { "timeout" } else { "failed" };
                json!({ "epoch": lease.epoch, "status": status, "error": error })
            }
        };
        let path = format!("leases/{}/result", client::segment(&lease.id));
        let mut delay = self.config.backoff;
        let mut given_up = None;
        loop {
            match self.client.post(&path, &body).await {
                Ok(_) => return,
                Err(error) if error.is_passing() => {
                    tracing::warn!(task = task.id, %error, "a result was not brought yet");
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
                Err(error) => return tracing::warn!(task = task.id, %error, "a result was refused"),
            }
        }
    }
}
