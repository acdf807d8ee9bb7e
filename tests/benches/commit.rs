//! Commits of the store: events that are added to runs, of one caller and of many at a time, beside what the disk does in the same run
//! with as many bytes in one file.

#![expect(clippy::expect_used, reason = "a bench")]

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bloom_interpreter::effect::{Answer, EffectId};
use bloom_interpreter::history::{Chain, Payload};
use bloom_ir::Value;
use bloom_runtime::record::{RunId, RunStatus};
use bloom_runtime::store::{Append, Store};
use bloom_tests::program::{key, tool_chain};
use bloom_tests::scale::submission;
use bloom_tests::world;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

fn commits(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("threads can be had");
    for (name, bytes) in [("small", 100), ("large", 64 << 10)] {
        let mut group = criterion.benchmark_group(format!("commit {name}"));
        group.sample_size(10);
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
        group.throughput(Throughput::Elements(1));
        group.bench_function("write and fdatasync", |bencher| {
            bencher.iter_custom(|times| raw(folder.path(), bytes, times));
        });
        for callers in [1, 16, 64] {
            group.throughput(Throughput::Elements(callers));
            group.bench_function(BenchmarkId::new("callers", callers), |bencher| {
                let folder =
                    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("the target folder can be written");
                let (store, mut runs) = runtime.block_on(running(folder.path(), callers));
                bencher.iter_custom(|times| runtime.block_on(append(&store, &mut runs, bytes, times)));
            });
        }
        group.finish();
    }
}

/// So many bytes behind each other in a file that has its place on the disk, each on disk before the next.
fn raw(folder: &Path, bytes: usize, times: u64) -> Duration {
    const ROOM: usize = 8 << 20;
    let file = File::create(folder.join("raw")).expect("the folder can be written");
    file.write_all_at(&vec![0; ROOM], 0).and_then(|()| file.sync_all()).expect("there is room");
    let record = vec![0x5a; bytes];
    let (start, mut at) = (Instant::now(), 0);
    for _ in 0..times {
        file.write_all_at(&record, at as u64).and_then(|()| file.sync_data()).expect("there is room");
        at = (at + bytes) % (ROOM - bytes);
    }
    start.elapsed()
}

/// A run that waits for its next event.
struct Running {
    id: RunId,
    chain: Chain,
}

/// A store with so many runs that have begun.
async fn running(folder: &Path, runs: u64) -> (Arc<dyn Store>, Vec<Running>) {
    let engine = world::engine(folder, &key()).expect("the store opens");
    let store = engine.store().clone();
    let ir = tool_chain(1);
    let mut begun = Vec::new();
    for _ in 0..runs {
        let id = engine.submit(submission(&ir, Value::empty_map())).await.expect("it is taken");
        let history = store.history(&id, 1, usize::MAX).await.expect("it is there");
        begun.push(Running { id, chain: Chain::verify(&history).expect("it is whole") });
    }
    (store, begun)
}

/// Has each run get so many events of so many bytes, one after the other, all runs at a time.
async fn append(store: &Arc<dyn Store>, runs: &mut Vec<Running>, bytes: usize, times: u64) -> Duration {
    let start = Instant::now();
    let mut callers = JoinSet::new();
    for mut run in runs.drain(..) {
        let store = store.clone();
        callers.spawn(async move {
            for _ in 0..times {
                let append = run.next(bytes);
                store.append(append).await.expect("it is kept");
            }
            run
        });
    }
    *runs = callers.join_all().await;
    start.elapsed()
}

impl Running {
    fn next(&mut self, bytes: usize) -> Append {
        let expected = self.chain.seq();
        let answer = Answer { value: "x".repeat(bytes).into(), usage: None };
        let payload = Payload::EffectCompleted { effect: EffectId::new(format!("n1#{expected}")), attempt: 1, answer };
        Append::of(self.id.clone(), expected, vec![self.chain.seal(1, payload)], RunStatus::Running)
    }
}

criterion_group!(benches, commits);
criterion_main!(benches);
