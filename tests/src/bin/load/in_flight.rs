//! A thousand runs in flight that each ask an LLM once, and eight workers that take 50 ms for an answer.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_ir::Value;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_tests::latency::Latencies;
use bloom_tests::served::{Ask, Client};
use bloom_worker::{RemoteConfig, RemoteWorker};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::Stage;

const RUNS: usize = 1_000;
const WORKERS: usize = 8;
const THINKING: Duration = Duration::from_millis(50);

/// No answer comes as late as this.
const PATIENCE: Duration = Duration::from_mins(1);

/// A run is looked at so often.
const LOOKING: Duration = Duration::from_millis(5);

/// Thinks for a while, and says to whoever submits the next run how long it did: timers wake later than they are set.
struct Thinker(mpsc::UnboundedSender<Duration>);

#[async_trait]
impl LlmExecutor for Thinker {
    fn provides(&self) -> &'static str {
        "llm.command"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        let began = Instant::now();
        sleep(THINKING).await;
        // At the end nobody listens any more.
        let _ = self.0.send(began.elapsed());
        Ok(Answer { value: [("text", Value::from("hello"))].into_iter().collect(), usage: None })
    }
}

pub(crate) async fn table(bloom: &Path, time: Duration) -> anyhow::Result<()> {
    let stage = Stage::new(bloom).await?;
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(submit(&stage.client).await?);
    }
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut workers = JoinSet::new();
    for number in 1..=WORKERS {
        let config = RemoteConfig::new(&stage.server.url, format!("w{number}"));
        let worker = RemoteWorker::new(config, Some(Arc::new(Thinker(answered.clone()))))?;
        workers.spawn(async move { worker.run(std::future::pending(), std::future::pending()).await });
    }
    // All of them work.
    for _ in 0..WORKERS {
        answer(&mut answers).await?;
        runs.push(submit(&stage.client).await?);
    }
    let (started, mut done, mut thought) = (Instant::now(), 0_u32, Duration::ZERO);
    let looking = tokio::spawn(look(stage.client.clone(), runs, started + time));
    let mut made = JoinSet::new();
    while started.elapsed() < time {
        thought += answer(&mut answers).await?;
        done += 1;
        // In its place another one is in flight; nobody waits for its submission.
        let client = stage.client.clone();
        made.spawn(async move { submit(&client).await });
    }
    let rate = f64::from(done) / started.elapsed().as_secs_f64();
    while let Some(made) = made.join_next().await {
        made??;
    }
    let mut looked = looking.await??;
    if let Some(ended) = workers.try_join_next() {
        bail!("a worker ended: {:?}", ended?);
    }
    let thought = thought / done.max(1);
    let capacity = WORKERS as f64 / thought.as_secs_f64();
    println!("{RUNS} runs in flight, {WORKERS} workers, {:.1} ms a question", thought.as_secs_f64() * 1000.0);
    println!("  {:<36} {rate:>10.1}   of {capacity:.0}, {:.1} %", "runs a second", rate / capacity * 100.0);
    let (half, most) = (looked.percentile(50), looked.percentile(99));
    println!("  {:<36} {half:>10.2} {most:>9.2}   {} times", "GET runs/{id}, p50 and p99 in ms", looked.count());
    println!("  {:<36} {:>10.0}\n", "server, VmHWM in MiB", stage.memory("VmHWM")?);
    workers.shutdown().await;
    stage.stop().await
}

async fn submit(client: &Client) -> anyhow::Result<String> {
    let run = client.expect(&Ask::post("/api/v1/flows/asking/runs", "{}"), 202).await?;
    Ok(run["run_id"].as_str().context("a run has an id")?.to_owned())
}

async fn answer(answers: &mut mpsc::UnboundedReceiver<Duration>) -> anyhow::Result<Duration> {
    timeout(PATIENCE, answers.recv()).await.context("no worker answers")?.context("the workers have ended")
}

/// Looks at one run after the other.
async fn look(client: Client, runs: Vec<String>, until: Instant) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::default();
    for run in runs.iter().cycle() {
        if Instant::now() >= until {
            break;
        }
        let ask = Ask::get(format!("/api/v1/runs/{run}"));
        let began = Instant::now();
        client.expect(&ask, 200).await?;
        latencies.add(began.elapsed());
        sleep(LOOKING).await;
    }
    Ok(latencies)
}
