//! `bloom replay`: whether a recorded run follows from its IR.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_interpreter::history::{Chain, Event, Payload, read_lines};
use bloom_interpreter::program::Program;
use bloom_interpreter::replay::{Divergence, LinkFault, ReplayReport, Verdict, What, replay};
use bloom_ir::{Digest, Pinned, VerifiedIr, validate, verify_pinned};
use bloom_runtime::engine::check_links;
use bloom_runtime::store::Store as _;
use clap::Args;
use serde_json::json;

use crate::catalogue::{Catalogue, text};
use crate::failure::{Exit, Explained};
use crate::flow::FlowFile;
use crate::keyring::Keyring;
use crate::output::{Out, cut, one_line};
use crate::refusal;
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Replay {
    #[arg(value_name = "RUN", required_unless_present = "history", conflicts_with = "history")]
    run: Option<String>,
    #[arg(long, value_name = "FILE")]
    ir: Option<PathBuf>,
    #[arg(long, value_name = "FILE", requires = "ir")]
    history: Option<PathBuf>,
    #[arg(long, value_name = "N")]
    until: Option<u64>,
}

/// What is replayed.
struct Recording {
    name: String,
    ir: VerifiedIr,
    events: Vec<Event>,
    /// What the store says is the hash of the last event.
    head: Option<Digest>,
    /// What is wrong between it and the runs that it continues or that continue it.
    link: Option<Verdict>,
}

impl Replay {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let recording = match (&self.run, &self.history) {
            (Some(run), _) => stored(run, self.ir.as_deref(), session).await?,
            (None, Some(history)) => {
                let ir = self.ir.as_deref().unwrap_or(Path::new(""));
                offline(ir, history, session)?
            }
            // The arguments ask for one of the two.
            (None, None) => return Ok(Exit::Usage),
        };
        let program = Program::load(&recording.ir)?;
        let mut report = replay(&program, &recording.events, self.until);
        if let (Some(link), None, true) = (&recording.link, self.until, report.verdict.agrees()) {
            report.verdict = link.clone();
        }
        let elsewhere = first_difference(&program, &recording.events, &report);
        let cut_off = cut_off(&recording, &report, self.until);
        match session.form() {
            Form::Json => out.json(&json!({
                "run": recording.name,
                "agrees": report.verdict.agrees() && cut_off.is_none(),
                "events": recording.events.len(),
                "agreed": report.agreed,
                "verdict": report.verdict.to_string(),
                "divergence": elsewhere,
                "position": self.until.is_some().then_some(&report.position),
            }))?,
            Form::Text => {
                tell(&recording, &report, elsewhere.as_ref(), session, out)?;
                if let (Some(_), Some(position)) = (self.until, &report.position) {
                    writeln!(out, "{}", serde_json::to_string_pretty(position)?)?;
                }
                if let Some(head) = cut_off {
                    writeln!(out, "{}", text!(session.catalogue, "replay-cut-off", head = head.to_string()))?;
                }
            }
        }
        Ok(if report.verdict.agrees() && cut_off.is_none() { Exit::Completed } else { Exit::Failed })
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

async fn stored(run: &str, ir: Option<&Path>, session: &Session) -> anyhow::Result<Recording> {
    let store = Store::open(session)?;
    let run = store.run(run).await?;
    let ir = if let Some(path) = ir {
        named_ir(path, session)?
    } else {
        let missing = || Explained::failed(text!(session.catalogue, "no-such-flow", flow = run.ir.to_string()));
        let bytes = store.inner.flow_document(run.ir).await?.ok_or_else(missing)?;
        pinned(&run.ir.to_string(), &bytes, run.ir, session)?
    };
    let events = store.inner.history(&run.id, 1, usize::MAX).await?;
    let link =
        if ir.hash() == run.ir { check_links(store.inner.as_ref(), &run, &Program::load(&ir)?).await? } else { None };
    Ok(Recording { name: run.id.to_string(), ir, events, head: Some(run.history_head), link })
}

fn offline(ir: &Path, history: &Path, session: &Session) -> anyhow::Result<Recording> {
    let name = history.display().to_string();
    let text = fs::read_to_string(history).with_context(|| text!(session.catalogue, "cannot-read", path = &name))?;
    let events = read_lines(&text).with_context(|| text!(session.catalogue, "replay-bad-history", path = &name))?;
    if events.is_empty() {
        return Err(Explained::failed(text!(session.catalogue, "replay-empty", path = &name)).into());
    }
    Ok(Recording { name, ir: named_ir(ir, session)?, events, head: None, link: None })
}

/// A document as it is, whatever the run was pinned to: comparing the two is the replay's business.
fn named_ir(path: &Path, session: &Session) -> anyhow::Result<VerifiedIr> {
    let file = FlowFile::read(path, session)?;
    let hash = validate::read(&file.bytes).map(|document| document.hashed().hash);
    pinned(&file.name, &file.bytes, hash.unwrap_or_else(|_| Digest::of(&file.bytes)), session)
}

fn pinned(name: &str, bytes: &[u8], hash: Digest, session: &Session) -> anyhow::Result<VerifiedIr> {
    let trust = Keyring::of(session)?.trust_list()?;
    verify_pinned(bytes, &hash, &trust, Pinned::Replay)
        .map_err(|error| refusal::of_document(name, &error, session).into())
}

/// Where the program goes another way. For another IR than the run's own, that is found as if the run had been started
/// with it, so that the answer is an icon and not only two hashes.
fn first_difference(program: &Program, events: &[Event], report: &ReplayReport) -> Option<Divergence> {
    match &report.verdict {
        Verdict::Diverged(divergence) => Some((**divergence).clone()),
        Verdict::OtherProgram { given, .. } => {
            let mut chain = Chain::default();
            let started_with = events.iter().map(|event| {
                let payload = match event.payload.clone()? {
                    Payload::RunStarted(started) => Payload::RunStarted(bloom_interpreter::history::Started {
                        ir: *given,
                        flow: program.flow().id.clone(),
                        version: program.flow().version.clone(),
                        ..started
                    }),
                    other => other,
                };
                Some(chain.next(event.at, payload))
            });
            let events = started_with.collect::<Option<Vec<Event>>>()?;
            match replay(program, &events, None).verdict {
                Verdict::Diverged(divergence) => Some(*divergence),
                _ => None,
            }
        }
        _ => None,
    }
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
