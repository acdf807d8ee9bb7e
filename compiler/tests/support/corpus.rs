//! The real diagrams of other authors, which lie beside the repository where they are at all.

use std::io::{BufRead, BufReader};

use serde_json::Value;

/// The records of `diagrams.jsonl.gz`; `None`, and said so, where there is no corpus.
pub fn diagrams() -> Option<impl Iterator<Item = Value>> {
    let path = super::root().join("../shared/corpus/diagrams.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        assert!(std::env::var_os("BLOOM_REQUIRE_CORPUS").is_none(), "there is no corpus");
        println!("skipped: there is no corpus");
        return None;
    };
    let lines = BufReader::new(flate2::read::GzDecoder::new(file)).lines();
    Some(lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()))
}
