//! Replay of a history of ten thousand events, and of one five times as long.

use std::time::Duration;

use bloom_interpreter::Program;
use bloom_interpreter::history::Chain;
use bloom_interpreter::replay::{Verdict, replay};
use bloom_ir::Value;
use bloom_tests::program::key;
use bloom_tests::scale::{calls, submission};
use bloom_tests::{allocation, world};

pub(crate) fn table() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    println!("replaying                         events   load ms   chain ms  replay ms   (CPU)");
    for events in [10_000, 20_000, 40_000] {
        let folder = tempfile::tempdir_in(".")?;
        let ir = calls(events / 2 - 1);
        let program = Program::load(&ir)?;
        let engine = world::engine(folder.path(), &key())?;
        let run = runtime.block_on(async {
            let run = engine.submit(submission(&ir, Value::empty_map())).await?;
            engine.drive(&run).await?;
            anyhow::Ok(run)
        })?;
        let load = || runtime.block_on(engine.store().history(&run, 1, usize::MAX));
        let recorded = load()?;
        anyhow::ensure!(recorded.len() == events, "{} events", recorded.len());
        let mut outcome = Ok(());
        let loading = each(|| outcome = load().map(drop));
        outcome?;
        let chaining = each(|| drop(std::hint::black_box(Chain::verify(&recorded))));
        let mut verdict = Verdict::Same;
        let replaying = each(|| verdict = replay(&program, &recorded, None).verdict);
        anyhow::ensure!(verdict == Verdict::Same, "{verdict}");
        println!("  {:<30} {events:>7} {loading:>9.1} {chaining:>10.1} {replaying:>10.1}", "calls in a loop");
    }
    println!();
    Ok(())
}

/// Milliseconds of processors, on average over some.
fn each(mut work: impl FnMut()) -> f64 {
    const TIMES: u32 = 5;
    let ((), taken) = allocation::measured(|| (0..TIMES).for_each(|_| work()));
    (taken.cpu / TIMES).max(Duration::ZERO).as_secs_f64() * 1e3
}
