//! What people read of a run: its end, and its proposals.

use std::io::{self, Write};

use bloom_ir::{Document, Value, validate};
use bloom_runtime::record::{Proposal, ProposalStatus, RunRecord, RunStatus};
use bloom_runtime::store::Store as _;

use crate::catalogue::{Catalogue, text};
use crate::limits;
use crate::narrator::Icons;
use crate::output::{Table, one_line, plain};
use crate::store::{Store, words};

/// Longer values are cut in text; `--json` has them whole.
const WIDTH: usize = 100;

/// The document that a run is pinned to.
pub(crate) async fn document(store: &Store<'_>, run: &RunRecord) -> anyhow::Result<Option<Document>> {
    let bytes = store.inner.flow_document(run.ir).await?;
    Ok(bytes.and_then(|bytes| validate::read(&bytes).ok()))
}

/// The icons of the flow that a run is pinned to.
pub(crate) async fn icons(store: &Store<'_>, run: &RunRecord) -> anyhow::Result<Icons> {
    Ok(document(store, run).await?.map(|document| Icons::of(&document)).unwrap_or_default())
}

/// How the run ended, or that it has not.
pub(crate) fn end(out: &mut impl Write, run: &RunRecord, catalogue: &Catalogue) -> io::Result<()> {
    let (good, bad) = (anstyle::AnsiColor::Green.on_default().bold(), anstyle::AnsiColor::Red.on_default().bold());
    match (run.status, &run.error) {
        (RunStatus::Completed, _) => writeln!(out, "{good}{}{good:#}", text!(catalogue, "event-completed"))?,
        (RunStatus::Failed, Some(error)) => {
            writeln!(
                out,
                "{bad}{}{bad:#} {}",
                text!(catalogue, "run-failed"),
                failure(&error.code, &error.message, catalogue)
            )?;
            if let Some(advice) = limits::advice(&error.code, catalogue) {
                writeln!(out, "  {} {advice}", text!(catalogue, "hint"))?;
            }
        }
        (status, _) => writeln!(out, "{}", words::run(status, catalogue))?,
    }
    if let Some(result) = run.result.as_ref().filter(|result| !is_empty(result)) {
        writeln!(out, "{} {}", text!(catalogue, "run-result"), compact(result))?;
    }
    Ok(())
}

/// A run's error: what its code means, where the catalogue knows it, and what was found.
fn failure(code: &str, message: &str, catalogue: &Catalogue) -> String {
    let meaning = catalogue.find(&format!("code-{}", code.replace('_', "-")), &fluent_bundle::FluentArgs::new());
    match meaning {
        Some(meaning) => format!("{meaning} ({code}): {}", plain(message)),
        None => format!("{}: {}", plain(code), plain(message)),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Map(map) => map.is_empty(),
        _ => false,
    }
}

/// The proposals of a run, in a table.
pub(crate) fn proposals(out: &mut impl Write, proposals: &[Proposal], catalogue: &Catalogue) -> io::Result<()> {
    let mut table = Table::with_head([
        text!(catalogue, "column-proposal"),
        text!(catalogue, "column-action"),
        text!(catalogue, "column-target"),
        text!(catalogue, "column-status"),
    ]);
    for proposal in proposals {
        let status = match &proposal.duplicate_of {
            Some(of) if proposal.status == ProposalStatus::Pending => text!(catalogue, "repeats", id = of.as_str()),
            _ => words::proposal(proposal.status, catalogue),
        };
        table.row([proposal.id.to_string(), proposal.action.clone(), proposal.target.clone(), status]);
    }
    if proposals.is_empty() {
        return writeln!(out, "{}", text!(catalogue, "no-proposals"));
    }
    table.write(out)
}

/// A value as JSON on one line, cut where it is long.
pub(crate) fn compact(value: &Value) -> String {
    let text = serde_json::to_string(value).unwrap_or_default();
    cut(&one_line(&text), WIDTH)
}

/// The beginning of a text.
pub(crate) fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
