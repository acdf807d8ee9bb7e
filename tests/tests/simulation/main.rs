//! A server, workers, clients and the network between them, with their clocks, in one thread and with a time that passes when nobody
//! has anything to do: what happens follows from a seed, and happens again with it. The engine, the store, the routes and the
//! workers are those that ship; the disk loses what was not synced, and the network what it carries.
//!
//! `scripts/simulate [COUNT [SEED]]` plays as many schedules as one wants, and shows again what a seed gave.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

mod client;
mod disk;
mod faults;
mod flows;
mod ledger;
mod network;
mod panics;
mod schedule;
mod server;
mod sim;
mod store;
mod work;
mod worker;

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::{env, fs};

use self::schedule::{Broken, Played, play};

/// So many schedules are among the tests, which are not optimised; `.ci/run` plays thousands.
const COUNT: u64 = 120;

fn asked(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// The trace up to the fault, and how it is seen again.
fn told(seed: u64, played: &Played) -> String {
    let fault = played.fault.as_deref().unwrap_or("there is no fault");
    format!("{}\nseed {seed}: {fault}\nagain: scripts/simulate 1 {seed}", played.trace.join("\n"))
}

#[test]
fn whatever_happens_nothing_is_lost_or_done_twice_and_everything_ends() {
    let (count, first) = (asked("BLOOM_SIMULATIONS"), asked("BLOOM_SIMULATION_SEED").unwrap_or(1));
    // Beside other tests it takes one core.
    let threads = if count.is_some() { thread::available_parallelism().map_or(1, NonZero::get) } else { 1 };
    let (count, next) = (count.unwrap_or(COUNT), AtomicU64::new(0));
    let failed = thread::scope(|scope| {
        let playing = || {
            loop {
                let seed = first + next.fetch_add(1, Ordering::SeqCst);
                if seed >= first + count {
                    return None;
                }
                let played = play(seed, None);
                if count == 1 && played.fault.is_none() {
                    println!("{}", told(seed, &played));
                }
                if played.fault.is_some() {
                    next.store(count, Ordering::SeqCst);
                    return Some((seed, played));
                }
            }
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(playing)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).min_by_key(|(seed, _)| *seed)
    });
    if let Some((seed, played)) = failed {
        panic!("{}", told(seed, &played));
    }
    println!("{count} schedules from seed {first} on: nothing lost, nothing done twice, everything ended");
}

#[test]
fn a_seed_gives_the_same_trace_every_time() {
    for seed in 1..=8 {
        let (one, other) = (play(seed, None), play(seed, None));
        let differs = one.trace.iter().zip(&other.trace).position(|(one, other)| one != other);
        if let Some(line) = differs {
            let from = line.saturating_sub(20);
            panic!("seed {seed}:\n{}\nand then\n{}", one.trace[from..=line].join("\n"), other.trace[line]);
        }
        assert_eq!((one.hash, one.trace.len()), (other.hash, other.trace.len()), "seed {seed}");
    }
    assert_ne!(play(1, None).hash, play(2, None).hash);
}

/// What tokio draws cannot be seeded.
#[test]
fn what_is_looked_at_first_is_said_and_not_drawn() {
    fn look(folder: &Path, unsaid: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                look(&path, unsaid);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let places = source.split("select! {").skip(1);
                unsaid.extend(
                    places.filter(|rest| !rest.trim_start().starts_with("biased;")).map(|_| path.display().to_string()),
                );
            }
        }
    }
    let runtime = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("runtime");
    let mut unsaid = Vec::new();
    for package in ["src", "store/src", "wasm/src", "worker/src", "server/src"] {
        look(&runtime.join(package), &mut unsaid);
    }
    assert!(unsaid.is_empty(), "a select! without `biased;` in {unsaid:?}");
}

#[test]
fn broken_rules_are_found() {
    for (broken, says) in [(Broken::StaleLeases, "was accepted, and"), (Broken::Syncs, ""), (Broken::Histories, "")] {
        let found = (1..=400_u64).find_map(|seed| {
            let fault = play(seed, Some(broken)).fault.filter(|fault| fault.contains(says));
            fault.map(|fault| format!("seed {seed}: {fault}"))
        });
        println!("{broken:?}: {}", found.unwrap_or_else(|| panic!("{broken:?} is not found")));
    }
}
