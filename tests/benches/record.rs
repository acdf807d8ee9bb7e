//! Durable effects: flows of ten tool calls that do nothing, over a redb file.

#![expect(clippy::expect_used, reason = "a bench")]

use bloom_tests::program::{key, tool_chain};
use bloom_tests::world;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn runs_at_once(criterion: &mut Criterion) {
    const CALLS: u64 = 10;
    let ir = tool_chain(CALLS);
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let mut group = criterion.benchmark_group("record");
    group.sample_size(10);
    for at_once in [1, 64, 1_000] {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
        let engine = {
            let _entered = runtime.enter();
            world::engine(folder.path(), &key()).expect("the store opens")
        };
        group.throughput(Throughput::Elements(at_once * CALLS));
        group.bench_with_input(BenchmarkId::new("runs at once", at_once), &at_once, |bencher, &at_once| {
            bencher.iter(|| runtime.block_on(world::run_many(&engine, &ir, at_once, at_once)).expect("runs end"));
        });
    }
    group.finish();
}

criterion_group!(benches, runs_at_once);
criterion_main!(benches);
