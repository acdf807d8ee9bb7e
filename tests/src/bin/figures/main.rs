//! Prints what is claimed about speed, measured here and now, beside what the disk allows: `./figures`.

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a table of figures for people")]

use std::time::{Duration, Instant};

use bloom_compiler::{Options, SourceFile, compile};
use bloom_interpreter::{Machine, RunInfo};
use bloom_ir::Value;
use bloom_tests::allocation::Counting;
use bloom_tests::program::{NODES_PER_ROUND, counting_loop, key, load, tool_chain};
use bloom_tests::{diagram, measure, world};

mod costs;
mod replaying;
mod scale;
mod sleepers;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Measures something, and prints it.
type Table = fn() -> anyhow::Result<()>;

/// All tables, or those that are named.
const TABLES: [(&str, Table); 7] = [
    ("compiling", compiling),
    ("interpreting", interpreting),
    ("costs", costs::table),
    ("recording", recording),
    ("replaying", replaying::table),
    ("scale", scale::table),
    ("sleepers", sleepers::table),
];

fn main() -> anyhow::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    match wanted.as_slice() {
        // What the table of sleepers starts.
        [part, folder] if part == "fill" => return sleepers::fill(folder.as_ref()),
        [part, folder] if part == "tend" => return sleepers::tend(folder.as_ref()),
        _ => {}
    }
    if let Some(unknown) = wanted.iter().find(|name| TABLES.iter().all(|(table, _)| table != name)) {
        anyhow::bail!("there is no table `{unknown}`: {}", TABLES.map(|(name, _)| name).join(", "));
    }
    TABLES
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|other| other == name))
        .try_for_each(|(_, print)| print())
}

/// How long a diagram takes from its bytes to a checked document.
fn compiling() -> anyhow::Result<()> {
    println!("compiling                         icons       µs    µs/icon");
    let ifs = [10, 100, 1_000].map(|count| (format!("{count} questions in a row"), diagram::consecutive_ifs(count)));
    let straight = [10_000].map(|count| (format!("{count} actions in a row"), diagram::straight(count)));
    for (name, bytes) in ifs.into_iter().chain(straight) {
        let icons =
            serde_json::from_slice::<serde_json::Value>(&bytes)?["items"].as_object().map_or(0, serde_json::Map::len);
        let file = SourceFile::new("figures.drakon", &bytes);
        let compiled = compile(&file, &Options::default());
        anyhow::ensure!(compiled.document.is_some(), "{name}: {:?}", compiled.diagnostics);
        let seconds = measure::seconds_each(Duration::from_secs(1), || {
            std::hint::black_box(compile(&file, &Options::default()));
        });
        println!("  {name:<30} {icons:>7} {:>8.0} {:>10.2}", seconds * 1e6, seconds * 1e6 / icons as f64);
    }
    println!();
    Ok(())
}

/// How many pure nodes a second one core enters.
fn interpreting() -> anyhow::Result<()> {
    const ROUNDS: u64 = 100_000;
    let program = load(&counting_loop(ROUNDS));
    let run = || RunInfo { id: "figures".into(), started_at: 0 };
    let mut machine = Machine::start(&program, run(), Value::empty_map())?;
    machine.advance();
    let seconds = measure::seconds_each(Duration::from_secs(2), || {
        if let Ok(mut machine) = Machine::start(&program, run(), Value::empty_map()) {
            std::hint::black_box(machine.advance());
        }
    });
    println!(
        "interpreting, one core            {:.2} million pure nodes a second\n",
        (ROUNDS * NODES_PER_ROUND) as f64 / seconds / 1e6
    );
    Ok(())
}

/// How many effects a second become durable, and how many single commits the disk takes in the same minute.
#[tokio::main]
async fn recording() -> anyhow::Result<()> {
    const CALLS: u64 = 10;
    let ir = tool_chain(CALLS);
    println!("recording                     effects/s   runs/s   raw 4 KiB append + fdatasync /s");
    for (at_once, runs) in [(1, 200), (64, 3_000), (1_000, 5_000)] {
        let folder = tempfile::tempdir_in(".")?;
        let raw = measure::raw_commits_per_second(folder.path(), Duration::from_secs(1))?;
        let engine = world::engine(folder.path(), &key())?;
        let start = Instant::now();
        world::run_many(&engine, &ir, runs, at_once).await?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "  {:<26} {:>10.0} {:>8.0} {raw:>10.0}",
            format!("{at_once} runs at once"),
            (runs * CALLS) as f64 / seconds,
            runs as f64 / seconds
        );
    }
    Ok(())
}
