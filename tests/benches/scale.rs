//! Large runs, of some sizes each: run, replayed, suspended and restored. Where time is linear, the number of elements a
//! second is the same at every size.

#![expect(clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use bloom_tests::scale::{SHAPES, run, snapshot};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn curves(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    for shape in SHAPES {
        let mut group = criterion.benchmark_group(format!("scale {}", shape.name));
        group.sample_size(10);
        for size in [shape.size / 4, shape.size / 2, shape.size] {
            group.throughput(Throughput::Elements(size as u64));
            let (flows, inputs) = ((shape.flows)(size), (shape.inputs)(size));
            let folder =
                || tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
            group.bench_with_input(BenchmarkId::new("run", size), &size, |bencher, _| {
                bencher.iter_batched_ref(
                    folder,
                    |folder| runtime.block_on(run(&flows, inputs.clone(), folder.path())).expect("it ends"),
                    criterion::BatchSize::PerIteration,
                );
            });
            let folder = folder();
            let ran = runtime.block_on(run(&flows, inputs, folder.path())).expect("it ends");
            group.bench_with_input(BenchmarkId::new("replay", size), &size, |bencher, _| {
                bencher.iter(|| runtime.block_on(ran.replay()).expect("it replays"));
            });
            let machines = runtime.block_on(ran.suspended()).expect("they are rebuilt");
            group.bench_with_input(BenchmarkId::new("snapshot", size), &size, |bencher, _| {
                bencher.iter(|| black_box(snapshot(&machines)));
            });
            let written = snapshot(&machines);
            group.bench_with_input(BenchmarkId::new("restore", size), &size, |bencher, _| {
                bencher.iter(|| black_box(ran.restore(&written).expect("they are read")));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, curves);
criterion_main!(benches);
