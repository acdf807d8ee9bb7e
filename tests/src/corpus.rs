//! Diagrams with reference traces, one a line of JSON: compiled, rehearsed, and held against the traces.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bloom_compiler::{Options, Prose, SourceFile, compile};
use bloom_interpreter::rehearse::{Bounds, HashOracle, rehearse};
use bloom_ir::diagnostic::Severity;
use serde::Deserialize;
use serde_json::Value;

/// A diagram of the corpus.
#[derive(Debug, Deserialize)]
pub struct Record {
    /// Its name.
    pub id: String,
    /// The text of the file.
    pub diagram: String,
    /// What walks through it must tell.
    pub traces: Vec<Trace>,
}

/// A walk through a diagram with the answers of one seed.
#[derive(Debug, Deserialize)]
pub struct Trace {
    /// The oracle's seed.
    pub seed: Value,
    /// Whether the walk was cut off.
    pub cut: bool,
    /// What happened.
    pub events: Vec<Value>,
}

/// What became of a corpus.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many diagrams compiled.
    pub compiled: usize,
    /// The diagrams that did not, by the code of the first error.
    pub refused: BTreeMap<&'static str, Vec<String>>,
    /// How many of those that compiled have all their traces.
    pub equal: usize,
    /// Those that have not: the diagram and where it first differs.
    pub different: Vec<(String, String)>,
    /// How long compiling took in all.
    pub total: Duration,
    /// How long the slowest took, and which it was.
    pub worst: (Duration, String),
}

/// Every text is prose, so that the graph alone is tested.
pub fn options() -> Options {
    Options { opaque: true, prose: Prose::Llm, ..Options::default() }
}

/// Compiles and rehearses every diagram of a JSON Lines text.
///
/// # Errors
///
/// When the text cannot be read.
pub fn tally(text: impl BufRead) -> anyhow::Result<Tally> {
    let options = options();
    let mut tally = Tally::default();
    for (number, line) in text.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let record: Record =
            serde_json::from_str(&line).with_context(|| format!("line {} is no diagram", number.saturating_add(1)))?;
        tally.add(&record, &options)?;
    }
    Ok(tally)
}

impl Tally {
    fn add(&mut self, record: &Record, options: &Options) -> anyhow::Result<()> {
        let start = Instant::now();
        let compilation = compile(&SourceFile::new("corpus.drakon", record.diagram.as_bytes()), options);
        let took = start.elapsed();
        self.total = self.total.saturating_add(took);
        if took > self.worst.0 {
            self.worst = (took, record.id.clone());
        }
        let Some(document) = compilation.document else {
            let error = compilation.diagnostics.iter().find(|found| found.severity == Severity::Error);
            let code = error.map_or("none", |error| error.code.0);
            self.refused.entry(code).or_default().push(record.id.clone());
            return Ok(());
        };
        self.compiled = self.compiled.saturating_add(1);
        for trace in &record.traces {
            let seed = trace.seed.as_str().map_or_else(|| trace.seed.to_string(), str::to_owned);
            let rehearsal = rehearse(&document, &mut HashOracle::new(seed), Bounds::default());
            let events = rehearsal.events.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
            if events != trace.events {
                let at = events.iter().zip(&trace.events).take_while(|(ours, theirs)| ours == theirs).count();
                let show = |events: &[Value]| events.get(at).map_or("the end".to_owned(), Value::to_string);
                let told =
                    format!("seed {}, event {at}: {} instead of {}", trace.seed, show(&events), show(&trace.events));
                self.different.push((record.id.clone(), told));
                return Ok(());
            }
        }
        self.equal = self.equal.saturating_add(1);
        Ok(())
    }

    /// How many diagrams did not compile.
    pub fn refused(&self) -> usize {
        self.refused.values().map(Vec::len).sum()
    }
}
