//! Pure nodes per second: a loop of a decision and two assignments.

#![expect(clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use bloom_interpreter::{Machine, RunInfo};
use bloom_ir::Value;
use bloom_tests::program::{NODES_PER_ROUND, counting_loop, load};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

fn pure_nodes(criterion: &mut Criterion) {
    const ROUNDS: u64 = 10_000;
    let program = load(&counting_loop(ROUNDS));
    let mut group = criterion.benchmark_group("interpret");
    group.throughput(Throughput::Elements(ROUNDS * NODES_PER_ROUND));
    group.bench_function("pure nodes", |bencher| {
        bencher.iter(|| {
            let run = RunInfo { id: "bench".into(), started_at: 0 };
            let mut machine = Machine::start(&program, run, Value::empty_map()).expect("it takes no inputs");
            black_box(machine.advance())
        });
    });
    group.finish();
}

criterion_group!(benches, pure_nodes);
criterion_main!(benches);
