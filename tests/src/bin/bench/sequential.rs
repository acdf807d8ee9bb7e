//! One run whose effects follow each other, beside what they would take if there were nothing but the disk and the calls.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use bloom_tests::measure::raw_commits_per_second;
use bloom_tests::served::{Ask, Client};

use crate::bloom::Stage;

const EFFECTS: usize = 1_000;

/// So often it is run; the median counts.
const RUNS: usize = 9;

/// Measures, and prints two lines.
pub(crate) async fn table(bloom: &Path) -> anyhow::Result<()> {
    let stage = Stage::start(bloom, EFFECTS, Path::new(".")).await?;
    let call = stage.seconds_of_a_call().await?;
    let (of, mut took, mut bounds) = (stage.contestant()?, Vec::new(), Vec::new());
    let client = Client::new(&of.url)?;
    for _ in 0..RUNS {
        // The disk is not as quick at one moment as at the next.
        let sync = 1.0 / raw_commits_per_second(&of.folder, Duration::from_millis(300))?;
        bounds.push(EFFECTS as f64 * (sync + call));
        let began = Instant::now();
        let run = client.expect(&Ask::post("/api/v1/flows/steps/runs?wait=30", "{}"), 200).await?;
        ensure!((of.is_done)(&run), "{run}");
        took.push(began.elapsed().as_secs_f64());
    }
    stage.stop().await?;
    let ratios = took.iter().zip(&bounds).map(|(took, bound)| took / bound).collect();
    let (took, bound, ratio) = (median(took)?, median(bounds)?, median(ratios)?);
    println!(
        "\nOne run of {EFFECTS} such steps: {:.0} ms, and {EFFECTS} times an fdatasync and a bare call of the",
        took * 1e3
    );
    println!("tool ({:.0} µs): {:.0} ms; {ratio:.2} times that (medians of {RUNS}).\n", call * 1e6, bound * 1e3);
    Ok(())
}

fn median(mut of: Vec<f64>) -> anyhow::Result<f64> {
    of.sort_by(f64::total_cmp);
    of.get(of.len() / 2).copied().context("something was measured")
}
