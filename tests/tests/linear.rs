//! What large runs take grows as they do: twice the size takes no more than about twice the memory, through the engine, the
//! store, replay, and snapshots. Nothing is timed here; allocations are counted.

#![allow(clippy::unwrap_used, clippy::panic, clippy::cast_precision_loss, clippy::print_stdout, reason = "tests")]

use bloom_tests::allocation::{Counting, Taken};
use bloom_tests::scale::{SHAPES, Shape, lives};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A part of the promised size, so that a debug build is done in some seconds.
const PART: usize = 5;

/// How much more twice as much may take.
const MOST: f64 = 2.3;

/// Of the growth beyond it, so much is noise: bytes, and allocations.
const NOISE: [u64; 2] = [64 << 10, 500];

fn taken(shape: &Shape, size: usize, runtime: &tokio::runtime::Runtime) -> Vec<(&'static str, Taken)> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    lives(shape, size, runtime, folder.path()).unwrap()
}

/// One test for all shapes: the allocator counts for all threads together.
#[test]
fn twice_the_size_takes_about_twice_the_memory() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for shape in SHAPES {
        // What is made once is made.
        taken(shape, 10, &runtime);
        let size = shape.size / PART;
        let (half, whole) = (taken(shape, size / 2, &runtime), taken(shape, size, &runtime));
        for ((part, half), (_, whole)) in half.into_iter().zip(whole) {
            for (of, half, whole, noise) in [
                ("bytes", half.bytes, whole.bytes, NOISE[0]),
                ("allocations", half.allocations, whole.allocations, NOISE[1]),
                ("bytes held", half.peak, whole.peak, NOISE[0]),
            ] {
                let ratio = whole as f64 / half.max(1) as f64;
                println!("{size} {}, {part}: {whole} {of}, {ratio:.2} times that of half as many", shape.name);
                assert!(
                    whole.saturating_sub(noise) as f64 <= MOST * half as f64,
                    "{size} {}, {part}: {whole} {of}, but {half} for half as many",
                    shape.name
                );
            }
        }
    }
}
