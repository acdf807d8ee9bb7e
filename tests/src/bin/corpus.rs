//! Compiles and rehearses every diagram of a file of reference traces: `corpus FILE.jsonl[.gz]`.

#![expect(clippy::print_stdout, reason = "a table for people")]

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use bloom_tests::corpus::{self, Tally};
use flate2::read::GzDecoder;

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = std::env::args().skip(1);
    let (Some(path), None) = (arguments.next(), arguments.next()) else {
        println!("usage: corpus FILE.jsonl[.gz]");
        return Ok(ExitCode::from(2));
    };
    let file = File::open(&path).with_context(|| format!("{path} cannot be read"))?;
    let text: Box<dyn BufRead> = if Path::new(&path).extension().is_some_and(|extension| extension == "gz") {
        Box::new(BufReader::new(GzDecoder::new(file)))
    } else {
        Box::new(BufReader::new(file))
    };
    let tally = corpus::tally(text).with_context(|| path)?;
    show(&tally);
    Ok(if tally.different.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(tally: &Tally) {
    let diagrams = tally.compiled.saturating_add(tally.refused());
    println!("diagrams                {diagrams:>8}");
    let total = tally.total.as_secs_f64();
    println!("compile time, total     {:>8.1} ms", total * 1e3);
    let count = u32::try_from(diagrams).unwrap_or(u32::MAX);
    println!("compile time, mean      {:>8.1} µs", total * 1e6 / f64::from(count.max(1)));
    println!("compile time, worst     {:>8.1} ms  {}", tally.worst.0.as_secs_f64() * 1e3, tally.worst.1);
    if !tally.refused.is_empty() {
        println!("\nrefused by code");
        for (code, ids) in &tally.refused {
            println!("  {code}  {:>5}  {}", ids.len(), ids.join(" "));
        }
    }
    if !tally.different.is_empty() {
        println!("\ndifferent");
        for (id, told) in &tally.different {
            println!("  {id}: {told}");
        }
    }
    println!();
    println!("compiled: {}", tally.compiled);
    println!("refused: {}", tally.refused());
    println!("equal: {}", tally.equal);
    println!("different: {}", tally.different.len());
}
