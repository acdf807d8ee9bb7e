//! Ten thousand sleeping runs: what a process holds that looks after them.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bloom_ir::Value;
use bloom_tests::allocation::{Footprint, cpu_time};
use bloom_tests::program::key;
use bloom_tests::scale::{sleeping, submission};
use bloom_tests::world;

const RUNS: usize = 10_000;

/// Each is a process of its own, so that it holds nothing of what another one did.
pub(crate) fn table() -> anyhow::Result<()> {
    println!("{RUNS} sleeping runs                                MiB   own MiB  threads");
    let folder = tempfile::tempdir_in(".")?;
    for part in ["fill", "tend"] {
        let program = std::env::current_exe().context("this program's file")?;
        let status = Command::new(program).arg(part).arg(folder.path()).status()?;
        anyhow::ensure!(status.success(), "{part}: {status}");
    }
    println!();
    Ok(())
}

/// Submits the runs and looks after them until all sleep.
#[tokio::main]
pub(crate) async fn fill(folder: &Path) -> anyhow::Result<()> {
    say("a process that only starts", None);
    let engine = world::engine(folder, &key())?;
    let ir = sleeping();
    let stop = async {
        for number in 0..RUNS {
            let day = 86_400_000 + i64::try_from(number).unwrap_or_default();
            let inputs = [("ms", Value::Int(day))].into_iter().collect();
            if let Err(error) = engine.submit(submission(&ir, inputs)).await {
                return Err(error.into());
            }
        }
        say("  all submitted", None);
        all_sleep(engine.as_ref()).await
    };
    let mut stopped = Ok(());
    Box::pin(engine.tend(async { stopped = stop.await })).await?;
    stopped?;
    say("  all asleep", None);
    Ok(())
}

/// Another process looks after them.
#[tokio::main]
pub(crate) async fn tend(folder: &Path) -> anyhow::Result<()> {
    let since = Instant::now();
    let engine = world::engine(folder, &key())?;
    say("the next process, with the store open", Some(since));
    let since = Instant::now();
    let cpu = cpu_time();
    let mut told = Ok(());
    Box::pin(engine.tend(async { told = all_sleep(engine.as_ref()).await })).await?;
    told?;
    say("  looking after them", Some(since));
    let started = cpu_time();
    Box::pin(engine.tend(tokio::time::sleep(Duration::from_secs(5)))).await?;
    say("  five seconds later", None);
    let idle = cpu_time().saturating_sub(started);
    println!("  CPU: {:?} to take them up, {idle:?} in five seconds", started.saturating_sub(cpu));
    Ok(())
}

async fn all_sleep(engine: &bloom_runtime::engine::Engine) -> anyhow::Result<()> {
    while engine.store().due_runs(i64::MAX, RUNS).await?.len() < RUNS {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

fn say(what: &str, since: Option<Instant>) {
    let took = since.map_or_else(String::new, |since| format!("  after {:.0?}", since.elapsed()));
    println!("  {what:<44}{}{took}", Footprint::now());
}
