//! Clients, who do not give up: whatever happens to the server, they ask again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::sleep;

use crate::served::{Ask, Client};

/// A run that was accepted, and has ended.
pub(super) struct Submitted {
    /// What it was given.
    pub(super) number: u64,
    pub(super) id: String,
    /// Whether a worker was to execute it as a whole.
    pub(super) to_worker: bool,
    /// How far its history was whenever somebody looked.
    pub(super) seen: Vec<Seen>,
    /// What it returned.
    pub(super) result: Value,
}

/// What a client was shown of a history, and what must be in it for ever.
#[derive(PartialEq)]
pub(super) struct Seen {
    /// So many events,
    pub(super) events: u64,
    /// the last of which has this hash.
    pub(super) head: String,
}

/// What clients have in common.
#[derive(Clone)]
pub(super) struct Following {
    asking: Client,
    numbers: Arc<AtomicU64>,
    is_over: watch::Sender<bool>,
}

/// A server that was killed is there again within this time.
const AWAY: Duration = Duration::from_mins(2);

impl Following {
    pub(super) fn new(asking: Client) -> Self {
        Self { asking, numbers: Arc::default(), is_over: watch::Sender::new(false) }
    }

    /// No further run is submitted.
    pub(super) fn stop(&self) {
        self.is_over.send_replace(true);
    }

    /// Submits runs and follows each to its end, one after the other.
    pub(super) async fn submit_and_follow(self) -> anyhow::Result<Vec<Submitted>> {
        let mut submitted = Vec::new();
        while !*self.is_over.borrow() {
            let number = self.numbers.fetch_add(1, Ordering::Relaxed);
            let mut run = self.submit(number).await?;
            self.follow(&mut run).await.with_context(|| format!("run {}, number {number}", run.id))?;
            submitted.push(run);
        }
        Ok(submitted)
    }

    /// Every third run is for a worker.
    async fn submit(&self, number: u64) -> anyhow::Result<Submitted> {
        let to_worker = number.is_multiple_of(3);
        let dispatch = if to_worker { "worker" } else { "server" };
        let body = json!({ "inputs": { "number": number }, "dispatch": dispatch });
        let ask = Ask::post("/api/v1/flows/soak/runs", body.to_string()).once(format!("soak {number}"));
        let run = self.answered(&ask).await?;
        let id = run["run_id"].as_str().context("a run has an id")?.to_owned();
        // Also one whose answer has come may be asked for again.
        if number.is_multiple_of(4) {
            let again = self.answered(&ask).await?;
            ensure!(again["run_id"] == id.as_str(), "number {number} is the runs {id} and {}", again["run_id"]);
        }
        Ok(Submitted { number, id, to_worker, seen: Vec::new(), result: Value::Null })
    }

    /// Looks at it until it has ended.
    async fn follow(&self, run: &mut Submitted) -> anyhow::Result<()> {
        let ask = Ask::get(format!("/api/v1/runs/{}", run.id));
        loop {
            let shown = self.answered(&ask).await?;
            let events = shown["events"].as_u64().context("a run has a number of events")?;
            let head = shown["history_head"].as_str().context("a history has a head")?.to_owned();
            let seen = Seen { events, head };
            if run.seen.last() != Some(&seen) {
                run.seen.push(seen);
            }
            if !matches!(shown["status"].as_str(), Some("requested" | "queued" | "running")) {
                run.result = shown["result"].clone();
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The body of an answer, of a server that may be away for a while.
    async fn answered(&self, ask: &Ask) -> anyhow::Result<Value> {
        let until = Instant::now() + AWAY;
        loop {
            match self.asking.ask(ask).await {
                Ok((200 | 202, body)) => return Ok(body),
                // The same request is under way: what answered it was killed, or is just about to.
                Ok((409, body)) if body["error"]["code"] == "CONCURRENT_MODIFICATION" => {}
                Ok((status, body)) => anyhow::bail!("{}: {status}: {body}", ask.path),
                Err(error) if Instant::now() >= until => return Err(error).context("the server does not answer"),
                Err(_) => {}
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
