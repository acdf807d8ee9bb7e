//! A soak: a server and workers are killed at random moments, again and again, while clients submit runs. In the end everything
//! that was accepted has come to its end, once.

mod check;
mod client;
mod stand_in;

use std::fmt;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use self::client::{Following, Submitted};
use self::stand_in::StandIn;
use crate::served::{Ask, Client, Place, Process, Server};

/// What is to be done.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The binary.
    pub bloom: PathBuf,
    /// Where it works: an empty folder, or one whose data directory has compiled tools.
    pub folder: PathBuf,
    /// How many moments there are at which something is killed.
    pub kills: u32,
    /// What chance follows from: who is killed when. What the processes do meanwhile does not follow from it.
    pub seed: u64,
}

/// What was done, and found to be right.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// How often the server was killed.
    pub server_kills: u32,
    /// How often a worker was.
    pub worker_kills: u32,
    /// Runs that were submitted; all are completed.
    pub runs: usize,
    /// Of these, those that workers executed as a whole.
    pub dispatched: usize,
    /// Answers that are recorded.
    pub answers: usize,
    /// How often the LLM was asked once more, because nobody brought what it answered.
    pub asked_again: usize,
    /// Entries of the audit log.
    pub audited: usize,
    /// How long it took.
    pub took: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server_kills, worker_kills, runs, dispatched, answers, asked_again, audited, took } = self;
        writeln!(formatter, "killed in {took:.0?}: the server {server_kills} times, workers {worker_kills} times")?;
        writeln!(formatter, "runs: {runs}, each completed, once; {dispatched} of them executed by workers as a whole")?;
        writeln!(formatter, "answers: {answers} recorded, none lost; {asked_again} times a question was asked again")?;
        write!(formatter, "audit log: {audited} entries, a whole chain; all histories replay")
    }
}

/// So many clients each have a run under way.
const CLIENTS: usize = 12;

/// After the last kill, everything ends within this time.
const END: Duration = Duration::from_mins(5);

/// Leases are short, and lost attempts are not what is looked at.
const SETTINGS: [(&str, &str); 4] = [
    ("BLOOM_TASKS_LEASE_TTL_SECONDS", "1"),
    ("BLOOM_TASKS_REAP_EVERY_SECONDS", "1"),
    ("BLOOM_LIMITS_ATTEMPTS", "1000"),
    ("BLOOM_LOG_FILTER", "warn"),
];

/// Does what is planned. An error says what was not as it must be; the folder then holds the logs and the store.
pub async fn run(plan: &Plan) -> anyhow::Result<Report> {
    let started = Instant::now();
    let place = Place::new(&plan.bloom, &plan.folder)?;
    let mut chance = fastrand::Rng::with_seed(plan.seed);
    let ir = place.signed(&flow()).await?;
    let mut troupe = Troupe::start(&place).await?;
    let asking = Client::new(&troupe.server.url)?;
    asking.publish(ir).await?;

    let following = Following::new(asking.clone());
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(following.clone().submit_and_follow());
    }
    let mut report = Report::default();
    let mut checkpoints = Vec::new();
    tokio::select! {
        disturbed = troupe.disturb(plan.kills, &mut chance, &mut report, &mut checkpoints) => disturbed?,
        // They end when they are told to, or at what must not be.
        ended = clients.join_next() => match ended {
            Some(ended) => {
                ended??;
                bail!("a client ended early")
            }
            None => bail!("there are no clients"),
        },
    }
    following.stop();
    let submitted: Vec<Submitted> = match timeout(END, all(clients)).await {
        Ok(submitted) => submitted?,
        Err(_) => bail!("runs that do not end: {}", pending(&asking).await?),
    };
    report.runs = submitted.len();
    check::online(&asking, &submitted).await?;
    troupe.stop().await?;
    check::offline(&place, &submitted, &checkpoints, &mut report).await?;
    report.took = started.elapsed();
    Ok(report)
}

/// What all clients submitted.
async fn all(mut clients: JoinSet<anyhow::Result<Vec<Submitted>>>) -> anyhow::Result<Vec<Submitted>> {
    let mut submitted = Vec::new();
    while let Some(ended) = clients.join_next().await {
        submitted.extend(ended??);
    }
    Ok(submitted)
}

async fn pending(asking: &Client) -> anyhow::Result<Value> {
    asking.expect(&Ask::get("/api/v1/runs?status=running&limit=3"), 200).await
}

/// Asks twice, the second time with the first answer, and proposes.
fn flow() -> Value {
    let ask = |question: Value, into: &str, next: &str| {
        json!({
            "type": "llm_call", "prompt": question, "into": into, "next": next,
            "output": { "type": "object", "properties": { "text": { "type": "string" } }, "required": ["text"] },
        })
    };
    let (run, number) = (json!({ "text": "run " }), json!({ "expr": "input.number" }));
    let first = json!([run, number, { "text": " question 1 after nothing" }]);
    let second = json!([run, number, { "text": " question 2 after " }, { "expr": "v['first'].text" }]);
    json!({
        "ir": "0.1",
        "flow": { "id": "soak", "version": "0.0.0", "title": "Soak", "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object", "properties": { "number": { "type": "integer" } }, "required": ["number"] },
        "outputs": {}, "policy": { "safe_outputs": ["propose-summary"] }, "entry": "n1",
        "nodes": {
            "n1": ask(first, "first", "n2"),
            "n2": ask(second, "second", "n3"),
            "n3": { "type": "emit", "kind": "proposal", "name": "summary", "action": "propose-summary", "next": "n4",
                    "value": "{'content': v['second'].text, 'target': {'path': 'notes/a'}}" },
            "n4": { "type": "return", "status": "completed",
                    "value": "{'first': v['first'].text, 'second': v['second'].text}" },
        },
    })
}

/// Who is killed.
#[derive(Clone, Copy)]
enum Victim {
    Server,
    Worker(usize),
    All,
}

/// Everybody once, the server twice, in an order of chance: a short soak kills each of them, too.
const VICTIMS: [Victim; 5] = [Victim::Server, Victim::Worker(0), Victim::Worker(1), Victim::Server, Victim::All];

const WORKERS: [&str; 2] = ["w1", "w2"];

/// The processes.
struct Troupe<'a> {
    place: &'a Place,
    stand_in: StandIn,
    listen: String,
    server: Server,
    workers: Vec<Process>,
}

impl<'a> Troupe<'a> {
    async fn start(place: &'a Place) -> anyhow::Result<Self> {
        let stand_in = StandIn::new(place)?;
        let listen = format!("127.0.0.1:{}", free_port()?);
        let server = Server::start(place, &listen, &SETTINGS).await?;
        let mut troupe = Self { place, stand_in, listen, server, workers: Vec::new() };
        for name in WORKERS {
            let worker = troupe.worker(name).await?;
            troupe.workers.push(worker);
        }
        Ok(troupe)
    }

    async fn worker(&self, name: &str) -> anyhow::Result<Process> {
        Process::worker(self.place, &self.server.url, name, &self.stand_in.llm(), &SETTINGS).await
    }

    /// Kills so often, and starts again who was killed. Before the server is, it signs where its audit log stands.
    async fn disturb(
        &mut self,
        kills: u32,
        chance: &mut fastrand::Rng,
        report: &mut Report,
        checkpoints: &mut Vec<Value>,
    ) -> anyhow::Result<()> {
        let mut victims = Vec::new();
        for _ in 0..kills {
            if victims.is_empty() {
                victims.extend(VICTIMS);
                chance.shuffle(&mut victims);
            }
            // Some pauses are long enough for a lease to expire.
            let pause = if chance.u32(..6) == 0 { 3000 } else { chance.u64(50..1000) };
            sleep(Duration::from_millis(pause)).await;
            let victim = victims.pop().unwrap_or(Victim::Server);
            if matches!(victim, Victim::Server | Victim::All) {
                let asking = Client::new(&self.server.url)?;
                checkpoints.push(asking.expect(&Ask::get("/api/v1/audit/checkpoint"), 200).await?);
                report.server_kills += 1;
            }
            let pause = Duration::from_millis(chance.u64(..300));
            report.worker_kills += match victim {
                Victim::Server => 0,
                Victim::Worker(_) => 1,
                Victim::All => 2,
            };
            self.kill(victim, pause).await?;
        }
        self.check()
    }

    /// Kills, and starts again a while later.
    async fn kill(&mut self, victim: Victim, pause: Duration) -> anyhow::Result<()> {
        self.check()?;
        let workers: &[usize] = match &victim {
            Victim::Server => &[],
            Victim::Worker(one) => std::slice::from_ref(one),
            Victim::All => &[0, 1],
        };
        let has_server = matches!(victim, Victim::Server | Victim::All);
        if has_server {
            self.server.process.kill().await?;
        }
        for number in workers {
            self.workers[*number].kill().await?;
        }
        sleep(pause).await;
        if has_server {
            self.server = Server::start(self.place, &self.listen, &SETTINGS).await?;
        }
        for number in workers {
            self.workers[*number] = self.worker(WORKERS[*number]).await?;
        }
        Ok(())
    }

    fn check(&mut self) -> anyhow::Result<()> {
        self.server.process.check()?;
        self.workers.iter_mut().try_for_each(Process::check)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        for worker in &mut self.workers {
            worker.stop().await?;
        }
        self.server.process.stop().await
    }
}

/// A port for a server that is started on it again and again: not one of those that the system gives to connections, which one
/// of them could take while nobody listens. It does not follow from the seed: another soak may be under way.
fn free_port() -> anyhow::Result<u16> {
    let mut ports = std::iter::repeat_with(|| fastrand::u16(20_000..32_000)).take(100);
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).context("no port is free")
}
