//! Compiling: from a diagram's bytes to a checked document.

use std::hint::black_box;

use bloom_compiler::{Options, SourceFile, compile};
use bloom_tests::diagram;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn questions_in_a_row(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compile");
    for count in [10, 100, 1_000] {
        let bytes = diagram::consecutive_ifs(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_with_input(BenchmarkId::new("questions in a row", count), &bytes, |bencher, bytes| {
            bencher.iter(|| black_box(compile(&SourceFile::new("bench.drakon", bytes), &Options::default())));
        });
    }
    group.finish();
}

criterion_group!(benches, questions_in_a_row);
criterion_main!(benches);
