//! Tasks, leases and workers, from the engine down to the store, beside a simple reference of them: through any order of
//! events, with crashes in between. `PROPTEST_CASES=100000 cargo nextest run -p bloom-worker --test dispatch` takes long.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod reference;
mod steps;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use self::steps::{Ending, Step};
use self::world::World;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let ending = prop_oneof![
        5 => any::<bool>().prop_map(Ending::Complete),
        3 => any::<bool>().prop_map(|retryable| Ending::Fail { retryable }),
        1 => Just(Ending::Quota),
        2 => Just(Ending::Release),
    ];
    // Mostly one of the last.
    let recent = prop_oneof![4 => 0..3_u8, 1 => any::<u8>()];
    let epoch_off = prop_oneof![8 => Just(0), 1 => -1..=1_i64];
    let step = prop_oneof![
        6 => (0..3_i32, 0..2_u8).prop_map(|(priority, context)| Step::Post { priority, context }),
        2 => Just(Step::Submit),
        1 => any::<u8>().prop_map(Step::CancelRun),
        4 => (0..4_u8).prop_map(Step::Register),
        2 => (0..4_u8).prop_map(Step::Hear),
        1 => (0..4_u8).prop_map(Step::Drain),
        1 => (0..4_u8).prop_map(Step::Remove),
        7 => (0..4_u8, 1..4_usize).prop_map(|(worker, slots)| Step::Pull { worker, slots }),
        5 => (recent.clone(), prop::option::of(0..4_u8)).prop_map(|(task, worker)| Step::Lease { task, worker }),
        5 => (recent.clone(), epoch_off.clone()).prop_map(|(lease, epoch_off)| Step::Heartbeat { lease, epoch_off }),
        12 => (recent.clone(), epoch_off, ending)
            .prop_map(|(lease, epoch_off, ending)| Step::End { lease, epoch_off, ending }),
        3 => recent.prop_map(Step::Requeue),
        5 => prop::sample::select(vec![1, 2_000, 59_999, 60_000, 200_000, 300_001]).prop_map(Step::Pass),
        4 => Just(Step::Reap),
        2 => Just(Step::Lapse),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// Through how many cases: in a check of a change few.
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(96)
}

fn follow(cases: u32, on_disk: bool) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4000, ..Config::default() };
    TestRunner::new(config)
        .run(&steps(), |steps| {
            runtime.block_on(async {
                let mut world = World::new(on_disk).await;
                for step in &steps {
                    world.take(step).await;
                    world.compare(step).await;
                }
                world.finish().await;
            });
            Ok(())
        })
        .unwrap();
}

#[test]
fn the_engine_follows_the_reference() {
    follow(cases(), false);
}

#[test]
fn the_engine_follows_the_reference_when_the_store_is_opened_anew() {
    follow((cases() / 50).max(6), true);
}
