//! Prints what durable steps cost from outside, beside Restate and what the disk allows, in one table: `scripts/bench`.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table of figures for people")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bloom_tests::latency::Latencies;
use bloom_tests::measure::{machine, memory, processor_time, raw_commits_per_second};
use bloom_tests::served::{Ask, Client};
use tokio::task::JoinSet;

mod bloom;
mod restate;
mod sequential;

/// Durable steps of each flow.
const STEPS: usize = 10;

/// How long each measurement takes where nothing is said.
const SECONDS: u64 = 10;

/// Before each measurement, the same work is done this long and not counted.
const WARMING: Duration = Duration::from_secs(2);

/// A file system that is in memory, on Linux: what is done there takes processors, and no disk.
const MEMORY: &str = "/dev/shm";

/// Clients at a time, each with a connection of its own and one flow at a time.
const CLIENTS: [usize; 3] = [1, 16, 64];

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let bloom: PathBuf = arguments.next().context("bench BLOOM [SECONDS]: BLOOM is the binary")?.into();
    let seconds = arguments.next().map_or(Ok(SECONDS), |given| given.parse()).context("SECONDS is a number")?;
    let time = Duration::from_secs(seconds.max(1));
    println!("{}\n", machine());
    println!(
        "Flows of {STEPS} steps that do nothing, one after the other, each on disk before the next; asked for over HTTP,"
    );
    println!(
        "and waited for. One client has one flow at a time. Memory in MiB: before the load, and the most under it.\n"
    );
    println!(
        "{:<9} {:>7} {:>8} {:>8} {:>8} {:>11} {:>10} {:>9} {:>9} {:>16}",
        "",
        "clients",
        "flows/s",
        "p50 ms",
        "p99 ms",
        "CPU µs/flow",
        "CPUs busy",
        "idle MiB",
        "load MiB",
        "raw fdatasync/s"
    );
    let (mut ours, mut bounds) = (Vec::new(), Vec::new());
    for clients in CLIENTS {
        ours.push(bloom::measured("bloom", &bloom, Path::new("."), clients, time).await?);
        if Path::new(MEMORY).is_dir() {
            bounds.push(bloom::measured("in memory", &bloom, Path::new(MEMORY), clients, time).await?);
        }
    }
    for (ours, bound) in ours.iter().zip(&bounds) {
        println!("{:>2} clients: in memory {:.2} times as many flows a second", ours.clients, bound.rate / ours.rate);
    }
    let theirs = match restate::Installed::find() {
        Err(missing) => {
            println!("\nRestate was not measured: {missing}");
            return sequential::table(&bloom).await;
        }
        Ok(installed) => {
            let mut theirs = Vec::new();
            for clients in CLIENTS {
                let stage = restate::Stage::start(&installed).await?;
                theirs.push(Row::measure(&stage.contestant()?, clients, time).await?);
                stage.stop().await?;
            }
            theirs
        }
    };
    sequential::table(&bloom).await?;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        println!("{:>2} clients: {:.1} times Restate's flows a second", ours.clients, ours.rate / theirs.rate);
    }
    Ok(())
}

/// Something that runs the flow when it is asked.
struct Contestant {
    name: &'static str,
    url: String,
    ask: Ask,
    /// Whether an answer says that the flow is done.
    is_done: fn(&serde_json::Value) -> bool,
    /// Its processes: memory and processor time are of all of them.
    processes: Vec<u32>,
    /// Where it writes.
    folder: PathBuf,
}

struct Row {
    clients: usize,
    /// Flows a second.
    rate: f64,
}

impl Row {
    /// Measures, and prints the row.
    async fn measure(of: &Contestant, clients: usize, time: Duration) -> anyhow::Result<Self> {
        let raw = raw_commits_per_second(&of.folder, Duration::from_secs(1))?;
        let idle = of.memory("VmRSS")?;
        of.load(clients, WARMING).await?;
        let before = of.processor_time()?;
        let started = Instant::now();
        let mut latencies = of.load(clients, time).await?;
        let took = started.elapsed().as_secs_f64();
        let busy = of.processor_time()?.saturating_sub(before).as_secs_f64();
        let (flows, loaded) = (latencies.count() as f64, of.memory("VmHWM")?);
        println!(
            "{:<9} {clients:>7} {:>8.0} {:>8.2} {:>8.2} {:>11.0} {:>10.2} {idle:>9.0} {loaded:>9.0} {raw:>16.0}",
            of.name,
            flows / took,
            latencies.percentile(50),
            latencies.percentile(99),
            busy * 1e6 / flows,
            busy / took,
        );
        Ok(Self { clients, rate: flows / took })
    }
}

impl Contestant {
    /// So many clients ask it for this long.
    async fn load(&self, clients: usize, time: Duration) -> anyhow::Result<Latencies> {
        let until = Instant::now() + time;
        let mut lanes = JoinSet::new();
        for _ in 0..clients {
            let (client, ask, is_done) = (Client::new(&self.url)?, self.ask.clone(), self.is_done);
            lanes.spawn(async move {
                let mut latencies = Latencies::default();
                while Instant::now() < until {
                    let began = Instant::now();
                    let (status, body) = client.ask(&ask).await?;
                    latencies.add(began.elapsed());
                    ensure!(status == 200 && is_done(&body), "{status}: {body}");
                }
                Ok(latencies)
            });
        }
        let mut all = Latencies::default();
        while let Some(lane) = lanes.join_next().await {
            all.join(lane??);
        }
        Ok(all)
    }

    fn memory(&self, which: &str) -> anyhow::Result<f64> {
        self.processes.iter().try_fold(0.0, |sum, process| Ok(sum + memory(*process, which)?))
    }

    fn processor_time(&self) -> anyhow::Result<Duration> {
        self.processes.iter().try_fold(Duration::ZERO, |sum, process| Ok(sum + processor_time(*process)?))
    }
}
