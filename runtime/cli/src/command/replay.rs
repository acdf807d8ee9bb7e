//! `bloom replay`: whether recorded runs follow from their IR, or what they would have done by another one.

mod compare;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_interpreter::history::{Event, pinned, read_lines};
use bloom_interpreter::program::Program;
use bloom_interpreter::replay::{Divergence, LinkFault, ReplayReport, Verdict, What, replay};
use bloom_ir::{Digest, Pinned, VerifiedIr, validate, verify_pinned};
use bloom_runtime::engine::check_links;
use bloom_runtime::record::{RunRecord, RunStatus};
use bloom_runtime::store::{RunFilter, Store as _};
use clap::Args;
use serde_json::json;

use crate::catalogue::{Catalogue, text};
use crate::failure::{Exit, Explained};
use crate::flow::{self, CompileArgs, Found};
use crate::host::ToolArgs;
use crate::keyring::Keyring;
use crate::output::{Out, cut, one_line};
use crate::refusal;
use crate::session::{Form, Session};
use crate::store::Store;

/// How many runs of a flow are compared where nobody says.
const LAST: usize = 20;

#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[arg(value_name = "RUN", required_unless_present_any = ["ir", "file"], conflicts_with = "file")]
    runs: Vec<String>,
    #[arg(long, value_name = "FLOW")]
    ir: Option<String>,
    #[arg(long, visible_alias = "history", value_name = "FILE", requires = "ir")]
    file: Vec<PathBuf>,
    #[arg(long, value_name = "N", requires = "ir", conflicts_with_all = ["file", "until"])]
    last: Option<usize>,
    #[arg(long, value_name = "N")]
    until: Option<u64>,
    #[command(flatten)]
    tools: ToolArgs,
    #[command(flatten)]
    options: CompileArgs,
}

/// What is replayed.
pub(super) struct Recording {
    name: String,
    /// What the run pins, where that is known.
    pub(super) ir: Option<VerifiedIr>,
    pub(super) events: Vec<Event>,
    /// What the store says is the hash of the last event.
    head: Option<Digest>,
    /// What is wrong between it and the runs that it continues or that continue it.
    link: Option<Verdict>,
    status: Option<RunStatus>,
}

impl Replay {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let Some(name) = &self.ir else {
            let store = Store::open(session)?;
            let mut exit = Exit::Completed;
            for name in &self.runs {
                let recording = stored(store.run(name).await?, &store, session).await?;
                let ir = recording.ir.clone().ok_or_else(|| missing(recording.events.first(), session))?;
                if self.prove(&recording, &ir, session, out)? != Exit::Completed {
                    exit = Exit::Failed;
                }
            }
            return Ok(exit);
        };
        let keyring = Keyring::of(session)?;
        let tools = tokio::task::block_in_place(|| self.tools.host(session))?;
        let found = flow::find(name, &self.options, &tools, &keyring, session)?;
        let (other, recordings) = if self.file.is_empty() {
            let store = Store::open(session)?;
            let other = document(found, Some(&store), session).await?;
            (other.clone(), self.recorded(&other, &store, session).await?)
        } else {
            let other = document(found, None, session).await?;
            (other, self.file.iter().map(|file| exported(file, session)).collect::<Result<_, _>>()?)
        };
        if let [recording] = &recordings[..]
            && self.last.is_none()
            && (self.until.is_some() || pinned(&recording.events) == Some(other.hash()))
        {
            return self.prove(recording, &other, session, out);
        }
        compare::compare(&recordings, &other, session, out)
    }

    /// The runs that were named, or the last ones of a flow.
    async fn recorded(
        &self,
        other: &VerifiedIr,
        store: &Store<'_>,
        session: &Session,
    ) -> anyhow::Result<Vec<Recording>> {
        let limit = self.last.unwrap_or(LAST);
        let of_flow = |flow: String| async move {
            let filter = RunFilter { flow: Some(flow), limit, ..RunFilter::default() };
            store.inner.runs(&filter).await
        };
        let mut records = Vec::new();
        for name in &self.runs {
            // A run by its id, else the runs of a flow.
            let runs = of_flow(name.clone()).await?;
            if runs.is_empty() { records.push(store.run(name).await?) } else { records.extend(runs) }
        }
        if self.runs.is_empty() {
            let flow = &other.document().flow.id;
            records = of_flow(flow.clone()).await?;
            if records.is_empty() {
                let message = text!(session.catalogue, "what-if-no-runs", flow = flow);
                let hint = text!(session.catalogue, "what-if-no-runs-hint");
                return Err(Explained::failed(message).hint(hint).into());
            }
        }
        let mut recordings = Vec::new();
        for record in records {
            recordings.push(stored(record, store, session).await?);
        }
        Ok(recordings)
    }

    /// Replays a history with the program that it pins.
    fn prove(&self, recording: &Recording, ir: &VerifiedIr, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let program = Program::load(ir)?;
        let mut report = replay(&program, &recording.events, self.until);
        if let (Some(link), None, true) = (&recording.link, self.until, report.verdict.agrees()) {
            report.verdict = link.clone();
        }
        let divergence = match &report.verdict {
            Verdict::Diverged(divergence) => Some(&**divergence),
            _ => None,
        };
        let cut_off = cut_off(recording, &report, self.until);
        let agrees = report.verdict.agrees() && cut_off.is_none();
        match session.form() {
            Form::Json => out.json(&json!({
                "run": recording.name,
                "agrees": agrees,
                "events": recording.events.len(),
                "agreed": report.agreed,
                "verdict": report.verdict.to_string(),
                "divergence": divergence,
                "position": self.until.is_some().then_some(&report.position),
            }))?,
            Form::Text => {
                tell(recording, &report, divergence, session, out)?;
                if let (Some(_), Some(position)) = (self.until, &report.position) {
                    writeln!(out, "{}", serde_json::to_string_pretty(position)?)?;
                }
                if let Some(head) = cut_off {
                    writeln!(out, "{}", text!(session.catalogue, "replay-cut-off", head = head.to_string()))?;
                }
            }
        }
        Ok(if agrees { Exit::Completed } else { Exit::Failed })
    }
}

/// In what an event differs, in words.
fn part(what: What, catalogue: &Catalogue) -> String {
    match what {
        What::Start => text!(catalogue, "differs-start"),
        What::Kind => text!(catalogue, "differs-kind"),
        What::Request => text!(catalogue, "differs-request"),
        What::Emission => text!(catalogue, "differs-emission"),
        What::End => text!(catalogue, "differs-end"),
        What::State => text!(catalogue, "differs-state"),
    }
}

/// In what two histories do not continue each other, in words.
fn broken_link(fault: LinkFault, catalogue: &Catalogue) -> String {
    match fault {
        LinkFault::NotNamed => text!(catalogue, "link-not-named"),
        LinkFault::OtherHead => text!(catalogue, "link-other-head"),
        LinkFault::Diverged => text!(catalogue, "link-diverged"),
        LinkFault::OtherState => text!(catalogue, "link-other-state"),
    }
}

pub(super) async fn stored(run: RunRecord, store: &Store<'_>, session: &Session) -> anyhow::Result<Recording> {
    let ir = match store.inner.flow_document(run.ir).await? {
        Some(bytes) => Some(verified(&run.ir.to_string(), &bytes, run.ir, session)?),
        None => None,
    };
    let events = store.inner.history(&run.id, 1, usize::MAX).await?;
    let link = match &ir {
        Some(ir) => check_links(store.inner.as_ref(), &run, &Program::load(ir)?).await?,
        None => None,
    };
    let (name, head, status) = (run.id.to_string(), Some(run.history_head), Some(run.status));
    Ok(Recording { name, ir, events, head, link, status })
}

pub(super) fn missing(first: Option<&Event>, session: &Session) -> Explained {
    let ir = first.and_then(|event| pinned(std::slice::from_ref(event))).map(|ir| ir.to_string()).unwrap_or_default();
    Explained::failed(text!(session.catalogue, "no-such-flow", flow = ir))
}

pub(super) fn exported(history: &Path, session: &Session) -> anyhow::Result<Recording> {
    let name = history.display().to_string();
    let text = fs::read_to_string(history).with_context(|| text!(session.catalogue, "cannot-read", path = &name))?;
    let events = read_lines(&text).with_context(|| text!(session.catalogue, "replay-bad-history", path = &name))?;
    if events.is_empty() {
        return Err(Explained::failed(text!(session.catalogue, "replay-empty", path = &name)).into());
    }
    Ok(Recording { name, ir: None, events, head: None, link: None, status: None })
}

/// The flow that is meant, whatever runs are pinned to: comparing the two is the replay's business.
pub(super) async fn document(found: Found, store: Option<&Store<'_>>, session: &Session) -> anyhow::Result<VerifiedIr> {
    let (name, bytes) = match found {
        Found::Document { name, flow, .. } => (name, flow.bytes),
        Found::Stored(name) => {
            let kept = match store {
                Some(store) => store.flow(&name).await?,
                None => None,
            };
            let missing = || {
                Explained::usage(text!(session.catalogue, "no-such-flow", flow = &name))
                    .hint(text!(session.catalogue, "no-such-flow-hint"))
            };
            let bytes = kept.ok_or_else(missing)?;
            (name, bytes)
        }
    };
    let hash = validate::read(&bytes).map(|document| document.hashed().hash);
    verified(&name, &bytes, hash.unwrap_or_else(|_| Digest::of(&bytes)), session)
}

fn verified(name: &str, bytes: &[u8], hash: Digest, session: &Session) -> anyhow::Result<VerifiedIr> {
    let trust = Keyring::of(session)?.trust_list()?;
    verify_pinned(bytes, &hash, &trust, Pinned::Replay)
        .map_err(|error| refusal::of_document(name, &error, session).into())
}

/// The head that the store knows, where the events that are there do not lead to it.
fn cut_off(recording: &Recording, report: &ReplayReport, until: Option<u64>) -> Option<Digest> {
    let head = recording.head.filter(|_| until.is_none() && report.verdict.agrees())?;
    let last = recording.events.last().map(Event::hash);
    (last != Some(head)).then_some(head)
}

fn tell(
    recording: &Recording,
    report: &ReplayReport,
    divergence: Option<&Divergence>,
    session: &Session,
    out: &mut Out,
) -> anyhow::Result<()> {
    let catalogue = &session.catalogue;
    let name = &recording.name;
    let verdict = match &report.verdict {
        Verdict::Same => text!(catalogue, "replay-same", run = name, count = report.agreed),
        Verdict::Unfinished => text!(catalogue, "replay-unfinished", run = name, count = report.agreed),
        Verdict::Stopped => text!(catalogue, "replay-stopped", run = name, count = report.agreed),
        Verdict::Broken(error) => text!(catalogue, "replay-broken", run = name, reason = error.to_string()),
        Verdict::OtherProgram { recorded, given } => {
            text!(catalogue, "replay-other", run = name, recorded = recorded.to_string(), given = given.to_string())
        }
        Verdict::Misplaced { seq, .. } => text!(catalogue, "replay-misplaced", run = name, seq = *seq),
        Verdict::Erased { seq } => text!(catalogue, "replay-erased", run = name, seq = *seq),
        Verdict::Unlinked { run: other, fault } => {
            text!(catalogue, "replay-unlinked", run = name, other = other, reason = broken_link(*fault, catalogue))
        }
        Verdict::Diverged(_) => text!(catalogue, "replay-diverged", run = name),
    };
    writeln!(out, "{verdict}")?;
    let Some(divergence) = divergence else { return Ok(()) };
    let path = if divergence.path.is_empty() { "/" } else { &divergence.path };
    writeln!(
        out,
        "  {}",
        text!(catalogue, "replay-at", seq = divergence.seq, what = part(divergence.what, catalogue), path = path)
    )?;
    if let Some(place) = &divergence.place {
        let icon = cut(place.text.as_deref().unwrap_or_default(), 80);
        writeln!(out, "  {}", text!(catalogue, "replay-icon", item = &place.item, text = icon))?;
    }
    writeln!(
        out,
        "  {} {}",
        text!(catalogue, "replay-recorded"),
        cut(&one_line(&divergence.recorded.to_string()), 200)
    )?;
    writeln!(
        out,
        "  {} {}",
        text!(catalogue, "replay-replayed"),
        cut(&one_line(&divergence.replayed.to_string()), 200)
    )?;
    Ok(())
}
