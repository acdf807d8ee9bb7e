//! `bloom rehearse`: walks a flow with the answers of an oracle, and says what no walk came to.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_compiler::{DrawOptions, draw};
use bloom_interpreter::rehearse::{Bounds, Coverage, HashOracle, rehearse};
use bloom_ir::document::{Decision, Document, NodeKind};
use clap::Args;
use serde_json::json;

use crate::catalogue::{Catalogue, text};
use crate::command::render;
use crate::durable;
use crate::failure::{Exit, Explained};
use crate::flow::{CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::output::{Out, one_line, plain};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Rehearse {
    #[arg(value_name = "FLOW")]
    file: PathBuf,
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: Option<u32>,
    #[arg(long, value_name = "SEED", default_value = "1")]
    oracle: String,
    #[arg(long, conflicts_with = "output")]
    trace: bool,
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    tools: ToolArgs,
}

/// Rehearsals where nothing else is said: enough to take each way of a diagram of usual size.
const RUNS: u32 = 100;

impl Rehearse {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let host = self.tools.host(session)?;
        let mut options = self.options.options(&host, session)?;
        options.prose = self.options.prose.rehearsed();
        let document = file.document(&options, session)?;
        let runs = self.runs.unwrap_or(if self.trace { 1 } else { RUNS });
        let mut coverage = Coverage::default();
        for run in 0..runs {
            let rehearsal = rehearse(&document, &mut HashOracle::new(self.seed(run)), Bounds::default());
            if self.trace {
                for event in &rehearsal.events {
                    out.json(event)?;
                }
            }
            coverage.add(&document, &rehearsal);
        }
        if let Some(path) = &self.output {
            picture(path, &file, &document, &coverage, session)?;
        }
        if !self.trace {
            match session.form() {
                Form::Json => out.json(&report(&document, &coverage))?,
                Form::Text => tell(out, &document, &coverage, &session.catalogue)?,
            }
        }
        Ok(Exit::Completed)
    }

    /// The seed that was given, and from the second rehearsal on the numbers after it.
    fn seed(&self, run: u32) -> String {
        match self.oracle.parse::<u64>() {
            _ if run == 0 => self.oracle.clone(),
            Ok(first) => first.saturating_add(u64::from(run)).to_string(),
            Err(_) => format!("{}-{run}", self.oracle),
        }
    }
}

/// Draws the diagram with what the rehearsals came to.
fn picture(
    path: &Path,
    file: &FlowFile,
    document: &Document,
    coverage: &Coverage,
    session: &Session,
) -> anyhow::Result<()> {
    let overlay = render::of_coverage(document, coverage);
    let options = DrawOptions { overlay: Some(overlay), ..DrawOptions::default() };
    let Some(svg) = draw(&file.source(), &options).svg else {
        return Err(Explained::failed(text!(session.catalogue, "render-failed", name = &file.name)).into());
    };
    let shown = path.display().to_string();
    durable::write_named(path, svg.as_bytes()).with_context(|| text!(session.catalogue, "cannot-write", path = &shown))
}

fn report(document: &Document, coverage: &Coverage) -> serde_json::Value {
    let missed = coverage.missed(document);
    let ways = missed.ways.iter().map(|(item, way)| json!({ "item": item, "way": way })).collect::<Vec<_>>();
    json!({
        "rehearsals": coverage.rehearsals,
        "cut": coverage.cut,
        "icons": coverage.icons,
        "never_reached": missed.icons,
        "never_taken": ways,
        "endless": coverage.endless,
    })
}

fn tell(out: &mut Out, document: &Document, coverage: &Coverage, catalogue: &Catalogue) -> std::io::Result<()> {
    let missed = coverage.missed(document);
    let names = Names::of(document, catalogue);
    let reached = coverage.icons.len();
    let all = reached.saturating_add(missed.icons.len());
    let runs = coverage.rehearsals;
    writeln!(out, "{}", text!(catalogue, "rehearsed", runs = runs, reached = reached, all = all))?;
    if !missed.icons.is_empty() {
        writeln!(out, "\n{}", text!(catalogue, "rehearsed-never-reached"))?;
        for item in &missed.icons {
            writeln!(out, "  {}", names.icon(item))?;
        }
    }
    if !missed.ways.is_empty() {
        writeln!(out, "\n{}", text!(catalogue, "rehearsed-never-taken"))?;
        for (item, arm) in &missed.ways {
            writeln!(out, "  {}: {}", names.icon(item), plain(&way(document, item, arm, catalogue)))?;
        }
    }
    if coverage.cut > 0 {
        writeln!(out, "\n{}", text!(catalogue, "rehearsed-endless", count = coverage.cut))?;
        for (item, count) in &coverage.endless {
            writeln!(out, "  {} × {count}", names.icon(item))?;
        }
    }
    if missed.is_empty() && coverage.cut == 0 {
        writeln!(out, "{}", text!(catalogue, "rehearsed-all"))?;
    }
    Ok(())
}

/// What people call icons.
struct Names<'a> {
    texts: BTreeMap<&'a str, &'a str>,
    icon: String,
}

impl<'a> Names<'a> {
    fn of(document: &'a Document, catalogue: &Catalogue) -> Self {
        let spots = document.source.iter().flat_map(|source| source.map.values());
        let texts = spots.filter_map(|spot| Some((spot.item.as_str(), spot.text.as_deref()?))).collect();
        Self { texts, icon: text!(catalogue, "rehearsed-icon") }
    }

    fn icon(&self, item: &str) -> String {
        match self.texts.get(item) {
            Some(text) => format!("“{}” ({} {})", plain(&one_line(text)), self.icon, plain(item)),
            None => format!("{} {}", self.icon, plain(item)),
        }
    }
}

/// A way out of an icon that decides.
fn way(document: &Document, item: &str, way: &str, catalogue: &Catalogue) -> String {
    let icon = document.source.as_ref().and_then(|source| source.icons.get(item)).map_or("", String::as_str);
    match (way, icon) {
        ("then" | "next", "loopbegin") | ("next", _) => text!(catalogue, "rehearsed-again"),
        ("else" | "done", "loopbegin") | ("done", _) => text!(catalogue, "rehearsed-no-more"),
        ("then", _) => text!(catalogue, "rehearsed-yes"),
        ("else", "question" | "") => text!(catalogue, "rehearsed-no"),
        ("else", _) => text!(catalogue, "rehearsed-other"),
        _ => case(document, item, way).unwrap_or_else(|| way.to_owned()),
    }
}

/// The values of a case.
fn case(document: &Document, item: &str, way: &str) -> Option<String> {
    let position: usize = way.strip_prefix("case:")?.parse().ok()?;
    let source = document.source.as_ref()?;
    let choices = source.map.iter().filter(|(_, spot)| spot.item == item);
    choices.filter_map(|(node, _)| document.nodes.get(node)).find_map(|node| match &node.kind {
        NodeKind::Decision(Decision::Choice { cases, .. }) => {
            let values = cases.get(position)?.values.iter().map(serde_json::Value::to_string);
            Some(values.collect::<Vec<_>>().join(", "))
        }
        _ => None,
    })
}
