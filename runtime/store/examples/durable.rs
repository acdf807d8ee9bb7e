//! How many durable effects a second, beside what the disk can do.
//!
//! An effect is an append of two events (`effect.requested`, `effect.completed`) to a run's history, acknowledged when it
//! is on disk; each client works on a run of its own. Beside it stands the rate of raw 4 KiB appends, each with its
//! `fdatasync`, measured just before on the same disk. Build it in release:
//!
//! ```text
//! cargo run --release -p bloom-store --features test-support --example durable [FOLDER]
//! ```
//!
//! `FOLDER` should lie on the disk in question; without it, the system's folder for temporary files is used.
#![allow(clippy::print_stdout, reason = "a table for people")]

use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bloom_runtime::store::{Store, StoreError};
use bloom_store::RedbStore;
use bloom_store::conformance::fixture::{Scribe, completed, requested};

const SPAN: Duration = Duration::from_secs(3);
const PAGE: [u8; 4096] = [7; 4096];

fn main() -> Result<(), Box<dyn Error>> {
    let parent = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(parent)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    println!("| runs at once | effects/s | p50 | p99 | raw fdatasync/s | p50 | p99 |");
    println!("|---|---|---|---|---|---|---|");
    for clients in [1, 64, 1000] {
        let raw = raw(&folder.path().join("raw"))?;
        let effects = runtime.block_on(effects(&folder.path().join(clients.to_string()), clients))?;
        println!("| {clients} | {} | {} |", row(effects), row(raw));
    }
    Ok(())
}

/// Appends a page and waits until it is on disk, again and again; gives the time that each took.
fn raw(path: &Path) -> Result<Vec<Duration>, std::io::Error> {
    let mut file = File::create(path)?;
    let mut times = Vec::new();
    let start = Instant::now();
    while start.elapsed() < SPAN {
        let before = Instant::now();
        file.write_all(&PAGE)?;
        file.sync_data()?;
        times.push(before.elapsed());
    }
    Ok(times)
}

async fn effects(folder: &Path, clients: usize) -> Result<Vec<Duration>, StoreError> {
    let store = Arc::new(RedbStore::open(folder)?);
    let mut scribes = Vec::new();
    for client in 0..clients {
        let mut scribe = Scribe::new(&format!("0199a3f0-7c1e-7000-8000-{client:012}"));
        store.submit(scribe.submission()).await?;
        scribes.push(scribe);
    }
    let start = Instant::now();
    let clients: Vec<_> = scribes
        .into_iter()
        .map(|mut scribe| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let mut times = Vec::new();
                while start.elapsed() < SPAN {
                    let before = Instant::now();
                    let effect = format!("n7#{}", times.len());
                    let answer = "Коротко: нотатка про яблука.";
                    store.append(scribe.append([requested(&effect), completed(&effect, answer)])).await?;
                    times.push(before.elapsed());
                }
                Ok::<_, StoreError>(times)
            })
        })
        .collect();
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await.map_err(|error| StoreError::Backend(error.into()))??);
    }
    Ok(times)
}

/// Rate, median, 99th percentile.
fn row(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let rate = times.len() as u64 / SPAN.as_secs();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied().unwrap_or_default();
    format!("{rate} | {:.1?} | {:.1?}", at(50), at(99))
}
