//! Replay of a history of ten thousand events: each part of it, from the store to the verdict.

#![expect(clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use bloom_interpreter::history::{Chain, read_lines, write_lines};
use bloom_interpreter::replay::{Verdict, replay};
use bloom_interpreter::{Program, replay::rebuild};
use bloom_ir::Value;
use bloom_runtime::store::Store as _;
use bloom_store::RedbStore;
use bloom_tests::program::key;
use bloom_tests::scale::{calls, submission};
use bloom_tests::world;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const EVENTS: usize = 10_000;

fn parts(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("threads can be had");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
    // The first and the last event are the run's own.
    let ir = calls(EVENTS / 2 - 1);
    let run = runtime.block_on(async {
        let engine = world::engine(folder.path(), &key()).expect("the store opens");
        let run = engine.submit(submission(&ir, Value::empty_map())).await.expect("it is taken");
        engine.drive(&run).await.expect("it ends");
        run
    });
    let store = RedbStore::open(folder.path()).expect("the store opens");
    let load = || runtime.block_on(store.history(&run, 1, usize::MAX)).expect("it is there");
    let events = load();
    assert_eq!(events.len(), EVENTS);
    let program = Program::load(&ir).expect("it can be executed");
    let text = write_lines(&events);

    let mut group = criterion.benchmark_group("replay");
    group.sample_size(20);
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("load from the store", |bencher| bencher.iter(|| black_box(load())));
    group.bench_function("read lines", |bencher| bencher.iter(|| black_box(read_lines(&text).expect("they are read"))));
    group.bench_function("verify the chain", |bencher| {
        bencher.iter(|| Chain::verify(&events).expect("it is whole"));
    });
    group.bench_function("replay", |bencher| {
        bencher.iter(|| assert_eq!(replay(&program, &events, None).verdict, Verdict::Same));
    });
    group.bench_function("rebuild", |bencher| {
        bencher.iter(|| black_box(rebuild(&program, &events[..EVENTS - 1]).expect("it goes on")));
    });
    group.bench_function("load and replay", |bencher| {
        bencher.iter(|| assert_eq!(replay(&program, &load(), None).verdict, Verdict::Same));
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
