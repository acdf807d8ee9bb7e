//! Prints what a server does whose store is full: of runs that sleep, and of runs that have ended. `scripts/full`.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table of figures for people")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bloom_tests::measure::{machine, memory, processor_time};
use bloom_tests::served::{Ask, Client, Place, Server};
use serde_json::{Value, json};
use tokio::task::JoinSet;

mod reading;

/// Runs that sleep.
const SLEEPING: usize = 100_000;

/// Runs that have ended.
const ENDED: usize = 1_000_000;

/// Clients that submit at a time.
const CLIENTS: usize = 64;

/// How long an idle server is watched.
const WATCHED: Duration = Duration::from_secs(10);

/// Longer than any measurement takes.
const HOURS: u64 = 48;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bloom: PathBuf = arguments.next().context("full BLOOM [SLEEPING [ENDED]]: BLOOM is the binary")?.into();
    let mut number = |usual| arguments.next().map_or(Ok(usual), |given| given.parse::<usize>());
    let sleeping = number(SLEEPING).context("SLEEPING is a number of runs")?;
    let ended = number(ENDED).context("ENDED is a number of runs")?;
    println!("{}\n", machine());
    asleep(&bloom, sleeping).await?;
    over(&bloom, ended).await
}

/// A place with the flows, and a server there.
struct Stage {
    place: Place,
    server: Server,
    client: Client,
    folder: tempfile::TempDir,
}

impl Stage {
    async fn new(bloom: &Path) -> anyhow::Result<Self> {
        // On the disk of the current folder: what is temporary may be in memory.
        let folder = tempfile::tempdir_in(".")?;
        let place = Place::new(bloom, folder.path())?;
        // The key that signs is trusted before the server reads whom it trusts.
        let mut signed = Vec::new();
        for flow in [sleeping(), returning("returning"), returning("other")] {
            signed.push(place.signed(&flow).await?);
        }
        let (server, client) = Self::serve(&place).await?;
        for document in signed {
            client.publish(document).await?;
        }
        Ok(Self { place, server, client, folder })
    }

    async fn serve(place: &Place) -> anyhow::Result<(Server, Client)> {
        // More than there are clients, but a bound: what is under way has to be known.
        let settings = [("BLOOM_LOG_FILTER", "warn"), ("BLOOM_LIMITS_RUNS_AT_ONCE", "1000")];
        let server = Server::start(place, "127.0.0.1:0", &settings).await?;
        let client = Client::new(&server.url)?;
        Ok((server, client))
    }

    fn process(&self) -> anyhow::Result<u32> {
        self.server.process.id().context("the server runs")
    }

    /// So many runs of a flow.
    async fn submit(&self, flow: &'static str, runs: usize) -> anyhow::Result<()> {
        let mut lanes = JoinSet::new();
        for lane in 0..CLIENTS {
            let client = Client::new(&self.server.url)?;
            let share = runs / CLIENTS + usize::from(lane < runs % CLIENTS);
            lanes.spawn(async move {
                let ask = Ask::post(format!("/api/v1/flows/{flow}/runs"), "{}");
                for _ in 0..share {
                    let (status, body) = client.ask(&ask).await?;
                    ensure!(matches!(status, 200 | 202), "{status}: {body}");
                }
                Ok(())
            });
        }
        while let Some(lane) = lanes.join_next().await {
            lane??;
        }
        Ok(())
    }

    /// How often the server has committed.
    async fn commits(&self) -> anyhow::Result<u64> {
        let told = self.client.text("/metrics").await?;
        let count = told.lines().find_map(|line| line.strip_prefix("bloom_commit_seconds_count "));
        Ok(count.context("the server counts its commits")?.parse()?)
    }

    /// Until nothing is done any more: what was driven has come to its rest.
    async fn rest(&self) -> anyhow::Result<()> {
        loop {
            let commits = self.commits().await?;
            // Being asked for that takes something, too.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let taken = processor_time(self.process()?)?;
            tokio::time::sleep(Duration::from_secs(2)).await;
            let is_idle = processor_time(self.process()?)?.saturating_sub(taken) < Duration::from_millis(20);
            if is_idle && self.commits().await? == commits {
                return Ok(());
            }
        }
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        self.server.process.stop().await?;
        Ok(self.folder.close()?)
    }
}

/// Runs that sleep: what they cost while nothing happens, and how soon a server serves after a crash with them.
async fn asleep(bloom: &Path, runs: usize) -> anyhow::Result<()> {
    let mut stage = Stage::new(bloom).await?;
    let empty = memory(stage.process()?, "VmRSS")?;
    stage.submit("sleeping", runs).await?;
    stage.rest().await?;
    println!("{runs} runs that sleep");
    let resident = memory(stage.process()?, "VmRSS")?;
    println!("  {:<56} {resident:>8.0} MiB", "memory of the server that took them");
    stage.server.process.kill().await?;

    let began = Instant::now();
    (stage.server, stage.client) = Stage::serve(&stage.place).await?;
    let listening = began.elapsed();
    let list = stage.client.expect(&Ask::get("/api/v1/runs?limit=1"), 200).await?;
    let first = began.elapsed();
    ensure!(list["total"] == json!(runs), "the server has {} of {runs} runs", list["total"]);
    let submission = Ask::post("/api/v1/flows/returning/runs?wait=60", "{}");
    stage.client.expect(&submission, 200).await?;
    let accepted = began.elapsed();
    for (what, took) in
        [("listens", listening), ("has answered a request", first), ("has run a submitted flow", accepted)]
    {
        println!("  {:<56} {:>8.0} ms", format!("after kill -9: {what} after"), took.as_secs_f64() * 1e3);
    }

    stage.rest().await?;
    let commits = stage.commits().await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let taken = processor_time(stage.process()?)?;
    tokio::time::sleep(WATCHED).await;
    let busy = processor_time(stage.process()?)?.saturating_sub(taken).as_secs_f64() / WATCHED.as_secs_f64();
    println!("  {:<56} {:>8}", "idle: commits in ten seconds", stage.commits().await? - commits);
    println!("  {:<56} {:>8.2} %", "idle: of one processor", busy * 100.0);
    let resident = memory(stage.process()?, "VmRSS")?;
    println!("  {:<56} {resident:>8.0} MiB (an empty store: {empty:.0})\n", "idle: memory");
    stage.stop().await
}

/// Runs that have ended: what it takes to list them and to open one.
async fn over(bloom: &Path, runs: usize) -> anyhow::Result<()> {
    let stage = Stage::new(bloom).await?;
    // Of a flow with few runs, and of a status with few, the newest are far back.
    stage.submit("other", 10).await?;
    stage.submit("sleeping", 10).await?;
    let began = Instant::now();
    stage.submit("returning", runs).await?;
    println!("{runs} runs that have ended, submitted in {:.0} s", began.elapsed().as_secs_f64());
    stage.rest().await?;
    let size = std::fs::metadata(stage.place.path("data").join("bloom.redb"))?.len();
    println!(
        "  {:<56} {:>8.0} MiB, {:.0} bytes a run",
        "the store",
        size as f64 / 1_048_576.0,
        size as f64 / runs as f64
    );
    reading::table(&stage.client).await?;
    stage.stop().await
}

/// A flow that sleeps for longer than anything is measured.
fn sleeping() -> Value {
    let nodes = json!({
        "n1": { "type": "action", "op": "sleep", "for": (HOURS * 3_600_000).to_string(), "next": "n2" },
        "n2": { "type": "return", "status": "completed", "value": "1" },
    });
    flow("sleeping", &nodes)
}

/// A flow that returns at once.
fn returning(id: &str) -> Value {
    flow(id, &json!({ "n1": { "type": "return", "status": "completed", "value": "1" } }))
}

fn flow(id: &str, nodes: &Value) -> Value {
    json!({
        "ir": "0.1",
        "flow": { "id": id, "version": "0.0.0", "title": id, "kind": "procedure", "locale": "en" },
        "inputs": { "type": "object" }, "outputs": {}, "policy": {}, "entry": "n1", "nodes": nodes,
    })
}
