//! From the bytes of a signed document to a program that can be run: reading, verifying, and preparing it. Where time is linear, the
//! number of nodes a second is the same at every size.

#![expect(clippy::expect_used, reason = "a bench")]

use std::hint::black_box;

use bloom_interpreter::Program;
use bloom_ir::{TrustList, validate, verify};
use bloom_tests::program::{key, tool_chain};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn parts(criterion: &mut Criterion) {
    let trust = TrustList::of("bench", key().public());
    let mut group = criterion.benchmark_group("load");
    for nodes in [10_u64, 100, 1_000, 10_000] {
        let ir = tool_chain(nodes);
        let bytes = ir.bytes().to_vec();
        group.throughput(Throughput::Elements(nodes));
        group.bench_with_input(BenchmarkId::new("read", nodes), &bytes, |bencher, bytes| {
            bencher.iter(|| black_box(validate::read(bytes).expect("it is a document")));
        });
        // With reading it, its checks, its hash and its signature.
        group.bench_with_input(BenchmarkId::new("verify", nodes), &bytes, |bencher, bytes| {
            bencher.iter(|| black_box(verify(bytes, &trust, 0).expect("it is trusted")));
        });
        group.bench_with_input(BenchmarkId::new("prepare", nodes), &ir, |bencher, ir| {
            bencher.iter(|| black_box(Program::load(ir).expect("it can be executed")));
        });
    }
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
