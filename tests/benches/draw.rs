//! Drawing: from a diagram's bytes to its SVG.
//!
//! Each group is a curve: where time is linear, the number of elements a second is the same at every size.

use std::hint::black_box;

use bloom_compiler::{DrawOptions, SourceFile, draw};
use bloom_tests::diagram::SHAPES;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn curves(criterion: &mut Criterion) {
    for shape in SHAPES {
        let mut group = criterion.benchmark_group(format!("draw {}", shape.name));
        group.sample_size(10);
        for size in shape.sizes {
            let bytes = (shape.draw)(*size);
            group.throughput(Throughput::Elements(*size as u64));
            group.bench_with_input(BenchmarkId::from_parameter(size), &bytes, |bencher, bytes| {
                bencher.iter(|| black_box(draw(&SourceFile::new("bench.drakon", bytes), &DrawOptions::default())));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, curves);
criterion_main!(benches);
