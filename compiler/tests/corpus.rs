//! Real diagrams of other authors: their shape must be understood, whatever is written in their icons.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::missing_panics_doc,
    reason = "tests"
)]

mod support;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};

use bloom_compiler::{Options, SourceFile, compile};
use bloom_ir::diagnostic::Severity;

/// Errors of the shape: those of texts, and of icons that are not supported yet, do not count.
fn is_shape(code: &str) -> bool {
    ("D001"..="D034").contains(&code) && !["D017", "D033"].contains(&code)
}

#[test]
fn the_shape_of_real_diagrams_is_understood() {
    let path = support::root().join("../shared/corpus/diagrams.jsonl.gz");
    let Ok(file) = std::fs::File::open(&path) else {
        assert!(std::env::var_os("BLOOM_REQUIRE_CORPUS").is_none(), "there is no corpus");
        println!("skipped: there is no corpus");
        return;
    };
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut refused: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let (mut all, mut sound, mut compiled) = (0, 0, 0);
    for line in BufReader::new(flate2::read::GzDecoder::new(file)).lines() {
        let record: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        let (id, diagram) = (record["id"].as_str().unwrap(), record["diagram"].as_str().unwrap());
        let compilation = compile(&SourceFile::new("corpus.drakon", diagram.as_bytes()), &Options::default());
        all += 1;
        compiled += usize::from(compilation.document.is_some());
        let mut codes: Vec<&str> = compilation
            .diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity == Severity::Error)
            .map(|diagnostic| diagnostic.code.0)
            .collect();
        codes.sort_unstable();
        codes.dedup();
        for code in &codes {
            *counts.entry(code).or_default() += 1;
        }
        match codes.iter().find(|code| is_shape(code)) {
            Some(code) => refused.entry(code).or_default().push(id.to_owned()),
            None => sound += 1,
        }
    }
    println!("diagrams: {all}, of a sound shape: {sound}, compiled as they are: {compiled}");
    println!("diagrams by error: {counts:?}");
    println!("refused for their shape: {refused:#?}");
    assert!(sound * 100 >= all * 99, "{sound} of {all}");
}
