//! What must be so after a soak.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use super::Report;
use super::client::Submitted;
use super::stand_in::Asked;
use crate::served::{Ask, Client, Place};

/// Tokens that the stand-in charges for an answer, in and out.
const TOKENS: u64 = 15;

/// Questions of a run.
const QUESTIONS: u64 = 2;

/// As the server shows it: what was submitted is there, once, and completed; what a client saw of a history is still in it.
pub(super) async fn online(asking: &Client, submitted: &[Submitted]) -> anyhow::Result<()> {
    let ids: BTreeSet<&str> = submitted.iter().map(|run| run.id.as_str()).collect();
    ensure!(ids.len() == submitted.len(), "{} submissions became {} runs", submitted.len(), ids.len());
    let total = asking.expect(&Ask::get("/api/v1/runs?limit=1"), 200).await?["total"].clone();
    ensure!(total == submitted.len(), "{} submissions became {total} runs", submitted.len());
    for run in submitted {
        let shown = asking.expect(&Ask::get(format!("/api/v1/runs/{}", run.id)), 200).await?;
        let history = Ask::get(format!("/api/v1/runs/{}/history?limit=1000", run.id));
        let history = asking.expect(&history, 200).await?;
        ended(run, &shown, &history).with_context(|| format!("{shown}"))?;
    }
    Ok(())
}

/// Whether a run ended as it must, and its history has what was seen of it.
fn ended(run: &Submitted, shown: &Value, history: &Value) -> anyhow::Result<()> {
    ensure!(shown["status"] == "completed", "it is not completed");
    ensure!(shown["result"] == run.result, "it returned {}", run.result);
    ensure!(shown["inputs"]["number"] == run.number, "it is another number's than {}", run.number);
    ensure!(shown["proposals_created"].as_array().is_some_and(|made| made.len() == 1), "it proposed not once");
    ensure!(shown["tokens"] == TOKENS * QUESTIONS, "it was not billed once");
    let events = history["events"].as_array().context("a history has events")?;
    ensure!(shown["events"] == events.len(), "{} events are there", events.len());
    let count = |kind: &str| events.iter().filter(|event| event["type"] == kind).count();
    ensure!((count("emitted"), count("run.completed")) == (1, 1), "its history does something twice: {history}");
    let outcomes: Vec<&Value> = events.iter().filter(|event| event["type"] == "effect.completed").collect();
    let effects: BTreeSet<String> = outcomes.iter().map(|event| event["payload"]["effect"].to_string()).collect();
    ensure!(outcomes.len() == 2 && effects.len() == 2, "its effects have not one outcome each: {history}");
    for (outcome, name) in outcomes.into_iter().zip(["first", "second"]) {
        let answer = &outcome["payload"]["answer"]["value"]["text"];
        ensure!(shown["result"][name] == *answer, "{answer} is recorded");
    }
    for seen in &run.seen {
        let number = usize::try_from(seen.events)?;
        let head = events.get(number).map_or(&shown["history_head"], |next| &next["prev"]);
        ensure!(number <= events.len() && *head == seen.head, "event {number} is another one now");
    }
    Ok(())
}

/// As what is left shows it, with nobody at work: the LLM was asked once for what is recorded, and again only when a lease was
/// lost; the audit log is a chain, and has all that the server signed before it was killed; all histories replay.
pub(super) async fn offline(
    place: &Place,
    submitted: &[Submitted],
    checkpoints: &[Value],
    report: &mut Report,
) -> anyhow::Result<()> {
    let log = place.told(&["audit".as_ref(), "export".as_ref()]).await?;
    let audited = Audited::read(&log)?;
    let asked = Asked::read(place)?;
    for run in submitted {
        let what = || format!("run {}, number {}: {}", run.id, run.number, run.result);
        asked_as_needed(run, &asked, &audited).with_context(what)?;
    }
    report.dispatched = submitted.iter().filter(|run| run.to_worker).count();
    report.answers = submitted.len() * 2;
    report.asked_again = asked.values().map(|asked| asked.times() - 1).sum();
    report.audited = audited.entries;

    for ids in submitted.chunks(100) {
        let ids = ids.iter().map(|run| OsStr::new(&run.id));
        let arguments: Vec<&OsStr> = [OsStr::new("replay")].into_iter().chain(ids).collect();
        place.told(&arguments).await.context("a history does not replay")?;
    }
    place.told(&["audit".as_ref(), "verify".as_ref()]).await?;
    let file = place.path("checkpoint.json");
    for checkpoint in checkpoints {
        fs::write(&file, checkpoint.to_string())?;
        let arguments: [&OsStr; 4] = ["audit".as_ref(), "verify".as_ref(), "--checkpoint".as_ref(), file.as_ref()];
        place.told(&arguments).await.context("the audit log lost what was signed")?;
    }
    Ok(())
}

/// Whether the LLM was asked as often as somebody was told to ask, and what it answered was kept.
fn asked_as_needed(run: &Submitted, asked: &BTreeMap<(u64, u64), Asked>, audited: &Audited) -> anyhow::Result<()> {
    let of = |question| asked.get(&(run.number, question)).context("a question was never asked");
    let (first, second) = (of(1)?, of(2)?);
    let answer = |name: &str| run.result[name].as_str().context("it has two answers");
    let (one, two) = (answer("first")?, answer("second")?);
    ensure!(first.has_answer(one) && second.has_answer(two), "it has an answer that nobody gave");
    ensure!(second.is_always_after(one), "an answer was lost after the next question had been asked");
    let leases = audited.leases.get(&run.id).copied().unwrap_or_default();
    // A lease is one question, or the whole run.
    let times = if run.to_worker { first.times().max(second.times()) } else { first.times() + second.times() };
    ensure!(times <= leases, "asked {} and {} times, by {leases} leases", first.times(), second.times());
    let ends = (audited.started.get(&run.id).copied(), audited.completed.get(&run.id).copied());
    ensure!(ends == (Some(1), Some(1)), "it was started and completed {ends:?} times");
    Ok(())
}

/// What the audit log says of runs, by their ids: how often each was leased, started and completed.
#[derive(Default)]
struct Audited {
    entries: usize,
    leases: BTreeMap<String, usize>,
    started: BTreeMap<String, usize>,
    completed: BTreeMap<String, usize>,
}

impl Audited {
    fn read(log: &[u8]) -> anyhow::Result<Self> {
        let mut audited = Self::default();
        for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let entry: Value = serde_json::from_slice(line)?;
            audited.entries += 1;
            let of = match entry["action"].as_str() {
                Some("task_leased") => &mut audited.leases,
                Some("run_started") => &mut audited.started,
                Some("run_completed") => &mut audited.completed,
                Some(_) => continue,
                None => bail!("an entry without an action: {entry}"),
            };
            let run = entry["job_id"].as_str().context("it is of a run")?;
            *of.entry(run.to_owned()).or_default() += 1;
        }
        Ok(audited)
    }
}
