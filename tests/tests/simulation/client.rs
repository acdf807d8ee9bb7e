//! Clients: they submit runs, send signals, cancel, fork, post tasks, and ask again until they are told.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Request};
use bloom_runtime::record::{RunId, TaskId};
use bloom_worker::Transport as _;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::flows::{FLOWS, Flow};
use crate::ledger::Acknowledged;
use crate::network::{KEY, Line, Network, SERVER};
use crate::sim::{Life, Sim};

/// A client gives up waiting for an answer after so long, and may ask again.
const PATIENCE: Duration = Duration::from_secs(35);

pub(crate) struct Client {
    sim: Arc<Sim>,
    line: Line,
    number: u64,
}

/// What was answered.
struct Answer {
    status: u16,
    body: Value,
}

impl Answer {
    fn is_done(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

impl Client {
    pub(crate) fn new(sim: &Arc<Sim>, network: &Arc<Network>, number: u64) -> Self {
        Self { sim: sim.clone(), line: network.line("client", &Life::default()), number }
    }

    /// Submits a run, and does to it what clients do.
    pub(crate) async fn submit(self) {
        let sim = &self.sim;
        sleep(sim.millis(0, 40_000)).await;
        let flow = &FLOWS[sim.index(FLOWS.len())];
        let leaves = flow.id == "whole" || flow.may_leave && sim.happens(300);
        let body = json!({ "inputs": {}, "dispatch": if leaves { "worker" } else { "server" } });
        let path = format!("/api/v1/flows/{}/runs", flow.id);
        let submitted = self.insist(&path, &body, Some("submitted")).await;
        let Some(run) = self.expected(&path, submitted, &[]) else { return };
        let run = run["run_id"].as_str().unwrap().to_owned();
        sim.ledger().acknowledge(Acknowledged::Run(RunId::new(&*run)));
        self.disturb(flow, &run).await;
    }

    async fn disturb(&self, flow: &Flow, run: &str) {
        let (sim, id) = (&self.sim, || RunId::new(run));
        if flow.waits && sim.happens(700) {
            sleep(sim.millis(0, 50_000)).await;
            let (path, value) = (format!("/api/v1/runs/{run}/signal/go"), i64::try_from(sim.id()).unwrap());
            let sent = self.insist(&path, &json!(value), Some("signalled")).await;
            if self.expected(&path, sent, &[409]).is_some() {
                sim.ledger().acknowledge(Acknowledged::Signal(id(), value));
            }
        }
        if sim.happens(150) {
            sleep(sim.millis(0, 20_000)).await;
            let path = format!("/api/v1/runs/{run}/cancel");
            let cancelled = self.insist(&path, &json!({ "reason": "enough" }), None).await;
            if self.expected(&path, cancelled, &[409]).is_some() {
                sim.ledger().acknowledge(Acknowledged::Cancelled(id()));
            }
        }
        if sim.happens(150) {
            sleep(sim.millis(0, 20_000)).await;
            let path = format!("/api/v1/runs/{run}/fork");
            let forked = self.insist(&path, &json!({ "at": 1 + sim.below(4) }), Some("forked")).await;
            // It may have fewer events.
            if let Some(forked) = self.expected(&path, forked, &[400, 409, 422]) {
                sim.ledger().acknowledge(Acknowledged::Run(RunId::new(forked["run_id"].as_str().unwrap())));
            }
        }
    }

    /// Posts a task, and has it tried again when it was given up.
    pub(crate) async fn post(self) {
        let sim = &self.sim;
        sleep(sim.millis(0, 40_000)).await;
        let path = "/api/runtime/llm-tasks";
        let body = json!({
            "context_id": "c1", "agent_slug": "client", "prompt": "?", "policy": { "timeout_sec": 20 }, "max_attempts": 2,
        });
        // Asked again, it would be another task.
        let Some(posted) = self.ask(path, &body, None).await else { return };
        let Some(task) = self.expected(path, posted, &[]) else { return };
        let task = task["id"].as_str().unwrap().to_owned();
        sim.ledger().acknowledge(Acknowledged::Task(TaskId::new(&*task)));
        sleep(sim.millis(10_000, 90_000)).await;
        let path = format!("{path}/{task}/requeue");
        let requeued = self.insist(&path, &json!({}), None).await;
        self.expected(&path, requeued, &[409]);
    }

    /// A person removes a worker.
    pub(crate) async fn remove(self, worker: String) {
        let path = format!("/api/runtime/workers/{worker}");
        let _ = self.send(Method::DELETE, &path, Vec::new(), None).await;
    }

    /// What was answered, if it was done; it may be refused with these.
    fn expected(&self, path: &str, answer: Answer, refusals: &[u16]) -> Option<Value> {
        if answer.is_done() {
            return Some(answer.body);
        }
        if !refusals.contains(&answer.status) {
            self.sim.fail(format!("a client is refused at {path}: {} {}", answer.status, answer.body));
        }
        None
    }

    /// Asks until there is an answer. What is asked has a key, so that asking again is harmless, or is harmless anyway.
    async fn insist(&self, path: &str, body: &Value, key: Option<&str>) -> Answer {
        let mut delay = Duration::from_millis(500);
        loop {
            if let Some(answer) = self.ask(path, body, key).await
                && !matches!(answer.status, 408 | 429)
                && answer.body["error"]["code"] != "CONCURRENT_MODIFICATION"
            {
                return answer;
            }
            sleep(delay).await;
            delay = (delay * 2).min(Duration::from_secs(5));
        }
    }

    async fn ask(&self, path: &str, body: &Value, key: Option<&str>) -> Option<Answer> {
        self.send(Method::POST, path, body.to_string().into_bytes(), key).await
    }

    /// `None` where nothing came, or something that the server does not say.
    async fn send(&self, method: Method, path: &str, body: Vec<u8>, key: Option<&str>) -> Option<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{SERVER}{path}"))
            .header("x-runtime-api-key", KEY)
            .header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", format!("{key} {}", self.number));
        }
        let response = self.line.send(request.body(body).unwrap(), PATIENCE).await.ok()?;
        let status = response.status().as_u16();
        let body: Value = serde_json::from_slice(response.body()).ok()?;
        Some(Answer { status, body })
    }
}
