//! How long diagrams take from bytes to a checked document: `speed [CORPUS.jsonl.gz]`, a line `NAME MICROSECONDS` each.
//! `scripts/side-by-side` puts it beside other compilers.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used, reason = "measures for people")]

use std::hint::black_box;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::{Duration, Instant};

use bloom_compiler::{Options, Prose, SourceFile, compile};
use serde_json::{Map, json};

fn main() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/diagrams");
    let mut files: Vec<_> = std::fs::read_dir(fixtures).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "drakon"));
    files.sort();
    println!("fixtures {:.1}", mean(&files.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>()));
    if let Some(corpus) = std::env::args().nth(1) {
        let lines = BufReader::new(flate2::read::GzDecoder::new(std::fs::File::open(corpus).unwrap())).lines();
        let record = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap();
        let diagrams = lines.map(|line| record(line.unwrap())["diagram"].as_str().unwrap().as_bytes().to_vec());
        println!("corpus {:.1}", mean(&diagrams.collect::<Vec<_>>()));
    }
    for count in (1..=26).chain([100, 1_000, 10_000]) {
        println!("ifs-{count} {:.1}", mean(&[questions(count)]));
    }
}

/// Microseconds for a diagram, on average; all are compiled over and over for half a second at least.
fn mean(diagrams: &[Vec<u8>]) -> f64 {
    // Every text is prose, as for a compiler that does not read what is written in icons.
    let options = Options { opaque: true, prose: Prose::Llm, ..Options::default() };
    let start = Instant::now();
    let mut compiled = 0_u32;
    while compiled == 0 || start.elapsed() < Duration::from_millis(500) {
        for bytes in diagrams {
            black_box(compile(&SourceFile::new("speed.drakon", bytes), &options));
            compiled = compiled.saturating_add(1);
        }
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(compiled)
}

/// Questions in a row, each with an action on its right arm that joins the way down.
fn questions(count: usize) -> Vec<u8> {
    let mut items = Map::new();
    for index in 0..count {
        let below = if index + 1 == count { "end".to_owned() } else { format!("q{}", index + 1) };
        let action = format!("a{index}");
        items.insert(
            format!("q{index}"),
            json!({ "type": "question", "content": "q", "flag1": 1, "one": below, "two": action }),
        );
        items.insert(action, json!({ "type": "action", "content": "a", "one": below }));
    }
    items.insert("start".to_owned(), json!({ "type": "branch", "branchId": 0, "one": "q0" }));
    items.insert("end".to_owned(), json!({ "type": "end" }));
    json!({ "type": "drakon", "items": items }).to_string().into_bytes()
}
