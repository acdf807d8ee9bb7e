//! What one step of each kind takes: what a run with more of them takes beyond one with fewer, divided by how many more there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use async_trait::async_trait;
use bloom_interpreter::effect::{Answer, EffectError};
use bloom_ir::{Value, VerifiedIr};
use bloom_runtime::engine::EngineConfig;
use bloom_runtime::llm::{LlmExecutor, LlmTask};
use bloom_store::RedbStore;
use bloom_tests::allocation::measured;
use bloom_tests::program::{NODES_PER_ROUND, counting_loop, key};
use bloom_tests::scale::{asking, calls, emitting, submission};
use bloom_tests::world;
use bloom_worker::InProcessWorker;

/// A kind of step.
struct Kind {
    name: &'static str,
    /// A flow with so many rounds.
    flow: fn(usize) -> VerifiedIr,
    /// Steps of this kind in a round.
    steps: u64,
    rounds: usize,
}

const KINDS: [Kind; 4] = [
    Kind { name: "pure node", flow: |rounds| counting_loop(rounds as u64), steps: NODES_PER_ROUND, rounds: 100_000 },
    Kind { name: "call of a tool, and three pure nodes", flow: calls, steps: 1, rounds: 1_000 },
    Kind { name: "artifact of 100 bytes, and two pure nodes", flow: emitting, steps: 1, rounds: 1_000 },
    Kind { name: "question to an LLM, and two pure nodes", flow: asking, steps: 1, rounds: 500 },
];

pub(crate) fn table() -> anyhow::Result<()> {
    println!("costs of one step                               CPU µs     wall µs   allocations   bytes   commits");
    for kind in KINDS {
        // What is made once is made.
        taken(&(kind.flow)(10))?;
        let (few, many) = (taken(&(kind.flow)(kind.rounds))?, taken(&(kind.flow)(kind.rounds * 2))?);
        let steps = kind.rounds as f64 * kind.steps as f64;
        let each = |of: fn(&Took) -> f64| (of(&many) - of(&few)) / steps;
        println!(
            "  {:<42} {:>9.2} {:>11.2} {:>13.2} {:>7.0} {:>9.2}",
            kind.name,
            each(|took| took.cpu) * 1e6,
            each(|took| took.wall) * 1e6,
            each(|took| took.allocations),
            each(|took| took.bytes),
            each(|took| took.commits)
        );
    }
    println!();
    Ok(())
}

struct Took {
    /// Seconds.
    cpu: f64,
    wall: f64,
    allocations: f64,
    bytes: f64,
    commits: f64,
}

/// What a run takes from its submission to its end, on disk.
#[tokio::main]
async fn taken(ir: &VerifiedIr) -> anyhow::Result<Took> {
    let folder = tempfile::tempdir_in(".")?;
    let store = RedbStore::open(folder.path())?;
    let commits = Arc::new(AtomicU64::new(0));
    let counted = commits.clone();
    store.watch_commits(move |_, _| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let engine = world::engine_over(Arc::new(store), &key(), EngineConfig::default());
    let worker = InProcessWorker::start(engine.clone(), Arc::new(Polite), 1, None);
    let before = commits.load(Ordering::Relaxed);
    let start = Instant::now();
    let (ended, taken) = tokio::task::block_in_place(|| {
        measured(|| {
            tokio::runtime::Handle::current().block_on(async {
                let run = engine.submit(submission(ir, Value::empty_map())).await?;
                engine.drive(&run).await?;
                anyhow::Ok(())
            })
        })
    });
    ended?;
    let wall = start.elapsed().as_secs_f64();
    worker.stop().await;
    Ok(Took {
        cpu: taken.cpu.as_secs_f64(),
        wall,
        allocations: taken.allocations as f64,
        bytes: taken.bytes as f64,
        commits: (commits.load(Ordering::Relaxed) - before) as f64,
    })
}

/// Answers at once.
struct Polite;

#[async_trait]
impl LlmExecutor for Polite {
    fn provides(&self) -> &'static str {
        "llm.polite"
    }

    async fn answer(&self, _: LlmTask) -> Result<Answer, EffectError> {
        Ok(Answer { value: "yes".into(), usage: None })
    }
}
