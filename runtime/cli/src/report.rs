//! What people read of a run: its end, and its proposals.

use std::collections::BTreeSet;
use std::io::{self, Write};

use bloom_interpreter::history::Payload;
use bloom_ir::document::NodeId;
use bloom_ir::{Document, Value, validate};
use bloom_runtime::record::{Proposal, ProposalStatus, RunRecord, RunStatus};
use bloom_runtime::store::Store as _;

use crate::catalogue::{Catalogue, text};
use crate::narrator::Icons;
use crate::output::{Table, cut, one_line};
use crate::run_error;
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

/// Where a run failed: the node, and the icons to find it among.
pub(crate) struct Failing {
    node: NodeId,
    icons: Icons,
}

impl Failing {
    /// `None` when the run did not fail, or when it did at no node: it was the engine that ended it.
    pub(crate) async fn of(run: &RunRecord, store: &Store<'_>) -> anyhow::Result<Option<Self>> {
        if run.status != RunStatus::Failed {
            return Ok(None);
        }
        let last = store.inner.history(&run.id, run.events, 1).await?.pop().and_then(|event| event.payload);
        let Some(Payload::RunFailed { node: Some(node), .. }) = last else { return Ok(None) };
        Ok(Some(Self { node, icons: icons(store, run).await? }))
    }

    /// `at icon 7: notes ← read-notes(folder)`.
    fn text(&self, catalogue: &Catalogue) -> Option<String> {
        let icon = self.icons.icon(&self.node)?;
        let text = cut(&one_line(&icon.text), WIDTH);
        let place = self.icons.place(icon, catalogue);
        Some(if text.is_empty() { place } else { format!("{place}: {text}") })
    }
}

/// A run's error for programs: with the node and the icon where it happened.
pub(crate) fn error(run: &RunRecord, at: Option<&Failing>) -> serde_json::Value {
    let mut error = serde_json::to_value(&run.error).unwrap_or_default();
    if let (Some(members), Some(at)) = (error.as_object_mut(), at) {
        members.insert("node".into(), at.node.as_str().into());
        if let Some(icon) = at.icons.icon(&at.node) {
            members.insert("item".into(), icon.item.as_str().into());
            members.insert("icon".into(), icon.text.as_str().into());
        }
    }
    error
}

/// How the run ended and where, or that it has not.
pub(crate) fn end(
    out: &mut impl Write,
    run: &RunRecord,
    at: Option<&Failing>,
    catalogue: &Catalogue,
) -> io::Result<()> {
    let (good, bad) = (anstyle::AnsiColor::Green.on_default().bold(), anstyle::AnsiColor::Red.on_default().bold());
    match (run.status, &run.error) {
        (RunStatus::Completed, _) => writeln!(out, "{good}{}{good:#}", text!(catalogue, "event-completed"))?,
        (RunStatus::Failed, Some(error)) => {
            writeln!(out, "{bad}{}{bad:#} {}", text!(catalogue, "run-failed"), run_error::explained(error, catalogue))?;
            if let Some(place) = at.and_then(|at| at.text(catalogue)) {
                writeln!(out, "  {place}")?;
            }
            if let Some(advice) = run_error::advice(error, catalogue) {
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
    let short = Short::among(proposals.iter().map(|proposal| proposal.id.as_str()));
    for proposal in proposals {
        let status = match &proposal.duplicate_of {
            Some(of) if proposal.status == ProposalStatus::Pending => {
                text!(catalogue, "repeats", id = short.of(of.as_str()))
            }
            _ => words::proposal(proposal.status, catalogue),
        };
        table.row([short.of(proposal.id.as_str()), proposal.action.clone(), proposal.target.clone(), status]);
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

/// Ids for people: their ends, which are random, and long enough to tell those of a table apart. Every command takes them.
pub(crate) struct Short(usize);

impl Short {
    /// As short as these ids allow.
    pub(crate) fn among<'a>(ids: impl Iterator<Item = &'a str>) -> Self {
        let ids: BTreeSet<&str> = ids.collect();
        let is_enough =
            |length: &usize| ids.iter().map(|id| tail(id, *length)).collect::<BTreeSet<_>>().len() == ids.len();
        Self((8..64).find(is_enough).unwrap_or(usize::MAX))
    }

    pub(crate) fn of(&self, id: &str) -> String {
        tail(id, self.0).to_owned()
    }
}

fn tail(id: &str, length: usize) -> &str {
    id.get(id.len().saturating_sub(length)..).unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ids_tell_the_ids_of_a_table_apart() {
        let ids = ["01a1-aaaa-00001234abcd", "01a1-aaaa-00101234abcd", "x"];
        let short = Short::among(ids.into_iter());
        assert_eq!(
            ids.map(|id| short.of(id)),
            ["001234abcd", "101234abcd", "x"].map(|id| id[id.len().saturating_sub(10)..].to_owned())
        );
        assert_eq!(Short::among(["01a1-0000-12345678"].into_iter()).of("01a1-0000-12345678"), "12345678");
    }
}
