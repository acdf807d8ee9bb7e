//! Submissions over HTTP: each is on disk before it is answered.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use bloom_tests::latency::Latencies;
use bloom_tests::measure::raw_commits_per_second;
use bloom_tests::served::{Ask, Client};
use tokio::task::JoinSet;

use crate::Stage;

pub(crate) async fn table(bloom: &Path, time: Duration) -> anyhow::Result<()> {
    println!(
        "submitting, each on disk when answered      runs/s    p50 ms    p99 ms   raw 4 KiB append + fdatasync /s"
    );
    for clients in [1, 16, 64] {
        let stage = Stage::new(bloom).await?;
        // Before anybody else uses the disk.
        let raw = raw_commits_per_second(stage.folder.path(), Duration::from_secs(1))?;
        let row = measure(&stage, clients, time).await?;
        println!("  {:<36} {row} {raw:>10.0}", format!("by {clients} at a time"));
        stage.stop().await?;
    }
    println!();
    Ok(())
}

/// Submits runs of the flow that returns at once, as fast as so many clients can; gives runs a second, and percentiles.
pub(crate) async fn measure(stage: &Stage, clients: usize, time: Duration) -> anyhow::Result<String> {
    let started = Instant::now();
    let mut lanes = JoinSet::new();
    for _ in 0..clients {
        lanes.spawn(submit(Client::new(&stage.server.url)?, started + time));
    }
    let mut latencies = Latencies::default();
    while let Some(lane) = lanes.join_next().await {
        latencies.join(lane??);
    }
    let rate = latencies.count() as f64 / started.elapsed().as_secs_f64();
    Ok(format!("{rate:>10.0} {:>9.2} {:>9.2}", latencies.percentile(50), latencies.percentile(99)))
}

async fn submit(client: Client, until: Instant) -> anyhow::Result<Latencies> {
    let ask = Ask::post("/api/v1/flows/returning/runs", "{}");
    let mut latencies = Latencies::default();
    while Instant::now() < until {
        let began = Instant::now();
        let (status, body) = client.ask(&ask).await?;
        latencies.add(began.elapsed());
        // Some have ended by then.
        ensure!(matches!(status, 200 | 202), "{status}: {body}");
    }
    Ok(latencies)
}
