//! Many clients that follow runs, and others that submit.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bloom_tests::served::{Ask, Client};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::{Stage, submitting};

/// Runs that are followed.
const RUNS: usize = 100;

/// Those that submit.
const CLIENTS: usize = 16;

/// Connections that are made at a time.
const AT_ONCE: usize = 32;

/// All streams are open within this time.
const OPENING: Duration = Duration::from_mins(2);

pub(crate) async fn table(bloom: &Path, time: Duration, streams: usize) -> anyhow::Result<()> {
    println!("{CLIENTS} clients submit                             runs/s    p50 ms    p99 ms   server, VmRSS in MiB");
    let stage = Stage::new(bloom).await?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        // Nobody answers: they wait, and are followed.
        let run = stage.client.expect(&Ask::post("/api/v1/flows/asking/runs", "{}"), 202).await?;
        runs.push(run["run_id"].as_str().context("a run has an id")?.to_owned());
    }
    let row = submitting::measure(&stage, CLIENTS, time).await?;
    println!("  {:<36} {row} {:>10.0}", "without streams", stage.memory("VmRSS")?);
    let mut open = timeout(OPENING, follow(&stage.client, &runs, streams)).await.context("streams do not open")??;
    let row = submitting::measure(&stage, CLIENTS, time).await?;
    println!("  {:<36} {row} {:>10.0}", format!("with {streams} open streams of events"), stage.memory("VmRSS")?);
    ensure!(open.try_join_next().is_none(), "a stream ended before its run did");
    open.shutdown().await;
    stage.stop().await
}

/// Opens streams, and reads what comes.
async fn follow(client: &Client, runs: &[String], streams: usize) -> anyhow::Result<JoinSet<()>> {
    let (mut opening, gate) = (JoinSet::new(), Arc::new(Semaphore::new(AT_ONCE)));
    for run in runs.iter().cycle().take(streams) {
        let (client, run, gate) = (client.clone(), run.clone(), gate.clone());
        opening.spawn(async move {
            let _permit = gate.acquire().await?;
            let mut stream = client.events(&run).await?;
            stream.chunk().await?.context("a stream begins with what is recorded")?;
            anyhow::Ok(stream)
        });
    }
    let mut open = JoinSet::new();
    while let Some(stream) = opening.join_next().await {
        let mut stream = stream??;
        open.spawn(async move { while let Ok(Some(_)) = stream.chunk().await {} });
    }
    Ok(open)
}
