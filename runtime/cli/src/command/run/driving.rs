//! A run is driven, and what it comes to is told: what `bloom run` and `bloom fork` have in common.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bloom_ir::Document;
use bloom_runtime::engine::{Asked, Driven, Engine, EngineError, Fork, Submit, Wait};
use bloom_runtime::record::{RunId, RunRecord, RunStatus};
use bloom_runtime::store::{ProposalFilter, QuestionFilter, Store as _};
use bloom_wasm::WasmHost;
use bloom_worker::InProcessWorker;
use clap::Args;
use serde_json::json;

use super::progress::{Manner, Reporter};
use crate::catalogue::text;
use crate::clock;
use crate::engine;
use crate::failure::Exit;
use crate::host::{RootArgs, ToolArgs};
use crate::limits;
use crate::llm::{self, Choice};
use crate::output::{self, Out, one_line};
use crate::report::{self, Failing};
use crate::session::{Form, Session};
use crate::setting::Setting;
use crate::signal::Interrupts;
use crate::store::{Store, words};

/// With what a run is driven, and how that is told.
#[derive(Args, Debug)]
pub(crate) struct DriveArgs {
    #[arg(long, value_name = "LLM")]
    llm: Option<String>,
    #[command(flatten)]
    tools: ToolArgs,
    #[command(flatten)]
    roots: RootArgs,
    #[arg(long)]
    wait: bool,
    #[arg(long, value_enum, default_value = "auto", value_name = "MANNER")]
    progress: Manner,
}

/// What is to be driven.
pub(crate) enum Task {
    New(Submit),
    Resumed(RunId),
    Forked(Fork),
}

/// All that is needed for it.
pub(crate) struct Ready<'a> {
    pub(crate) task: Task,
    /// The flow's, if it is known.
    pub(crate) document: Option<Document>,
    pub(crate) store: Store<'a>,
    pub(crate) tools: Arc<WasmHost>,
    pub(crate) setting: Setting,
}

impl DriveArgs {
    /// With what the operator set, and nothing else.
    pub(crate) fn waiting(wait: bool) -> Self {
        let (tools, roots) = (ToolArgs::default(), RootArgs::default());
        Self { llm: None, tools, roots, wait, progress: Manner::Auto }
    }

    /// Whether its end is waited for.
    pub(crate) fn waits(&self) -> bool {
        self.wait
    }

    /// With what the person wants to run it.
    pub(crate) fn setting(&self) -> Setting {
        Setting { llm: self.llm.as_deref().map(llm::absolute), ..self.roots.setting(&self.tools) }
    }

    /// Drives it as far as it goes, and tells what came of it.
    pub(crate) async fn drive(&self, ready: Ready<'_>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let Ready { task, document, store, tools, setting } = ready;
        let form = session.form_by_terminal();
        let choice = Choice::parse(setting.llm.as_deref(), &session.catalogue)?;
        let mut executor = None;
        if let Some(document) = document {
            let called = engine::called(&document, &store).await?;
            for document in std::iter::once(&document).chain(&called) {
                if executor.is_none() {
                    executor = choice.executor(document, session).await?;
                }
            }
        }
        let reporter = Arc::new(Reporter::new(self.progress, form, &session.catalogue));
        let engine = Arc::new(engine::over(&store, tools, reporter.clone(), choice.is_human(), session)?);
        let id = match task {
            Task::Resumed(id) => id,
            Task::New(submit) => engine.submit(submit).await.map_err(|error| engine::explained(error, session))?,
            Task::Forked(fork) => engine.fork(fork).await.map_err(|error| engine::explained(error, session))?,
        };
        reporter.note(&text!(session.catalogue, "run-id", run = id.as_str()));
        let mut interrupts = Interrupts::listen()?;
        let worker = executor.and_then(|(executor, line)| {
            reporter.note(&line);
            Some(InProcessWorker::start(engine.clone(), executor?, 1, Some(id.clone())))
        });
        let driven = tokio::select! {
            driven = drive(&engine, &id, self.wait) => Ok(driven),
            signal = interrupts.next() => Err(signal),
        };
        if let Some(worker) = worker {
            worker.stop().await;
        }
        reporter.finish();
        match driven {
            Ok(Ok(Driven::Ended(_))) => conclude(&id, &store, form, session, out).await,
            Ok(Ok(Driven::Waits(waits))) => tell_waits(&id, &waits, &store, form, session, out).await,
            Ok(Err(error)) => Err(engine::explained(error, session)),
            Err(signal) => {
                let message = text!(session.catalogue, "run-interrupted", run = id.as_str());
                writeln!(output::stderr(), "{message}")?;
                Ok(Exit::Interrupted(signal))
            }
        }
    }
}

/// Times that are to come within this are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

async fn drive(engine: &Engine, run: &RunId, wait: bool) -> Result<Driven, EngineError> {
    if wait {
        return engine.drive(run).await.map(Driven::Ended);
    }
    engine.drive_until_it_waits(run, PATIENCE).await
}

/// Tells what the run waits for, and how it goes on.
async fn tell_waits(
    id: &RunId,
    waits: &[Wait],
    store: &Store<'_>,
    form: Form,
    session: &Session,
    out: &mut Out,
) -> anyhow::Result<Exit> {
    let catalogue = &session.catalogue;
    let run = engine::newest(store.run(id.as_str()).await?, store).await?;
    let mut told = Vec::new();
    for wait in waits.iter().filter(|wait| !matches!(wait.effect.asks, Asked::Flow(_))) {
        let filter = QuestionFilter { run: Some(wait.run.clone()), open: true, limit: usize::MAX };
        let questions = store.inner.questions(&filter).await?;
        told.push((wait, questions.into_iter().find(|question| question.effect == wait.effect.effect)));
    }
    if form == Form::Json {
        let waits: Vec<_> = told
            .iter()
            .map(|(wait, question)| {
                let (kind, name) = match &wait.effect.asks {
                    Asked::Signal(name) => ("signal", Some(name)),
                    Asked::Person(title) => ("question", Some(title)),
                    Asked::Fired(name) => ("timer", Some(name)),
                    _ => ("sleep", None),
                };
                let question = question.as_ref().map(|question| &question.id);
                json!({
                    "run": wait.run, "node": wait.effect.node, "for": kind, "name": name, "until": wait.due,
                    "question": question,
                })
            })
            .collect();
        out.json(&json!({
            "run": run.id, "status": "waiting", "result": null, "error": null, "waits": waits, "proposals": [],
            "tokens": run.tokens, "cost_micro_usd": run.cost_micro_usd,
        }))?;
        return Ok(Exit::Waiting);
    }
    for (wait, question) in told {
        let until = wait.due.map(clock::local).unwrap_or_default();
        let line = match (&wait.effect.asks, question) {
            (Asked::Signal(name), _) => {
                text!(catalogue, "waits-signal", name = name, run = wait.run.as_str())
            }
            (Asked::Person(title), question) => {
                let id = question.map(|question| question.id.to_string()).unwrap_or_default();
                text!(catalogue, "waits-question", title = one_line(title), id = id)
            }
            _ => text!(catalogue, "waits-time", time = until.as_str()),
        };
        writeln!(out, "{line}")?;
        if wait.due.is_some() && matches!(wait.effect.asks, Asked::Signal(_) | Asked::Person(_)) {
            writeln!(out, "  {}", text!(catalogue, "waits-until", time = until))?;
        }
    }
    writeln!(out, "{}", text!(catalogue, "run-can-resume", run = run.id.as_str()))?;
    Ok(Exit::Waiting)
}

/// Tells how the run ended and what it proposes.
pub(super) async fn conclude(
    id: &RunId,
    store: &Store<'_>,
    form: Form,
    session: &Session,
    out: &mut Out,
) -> anyhow::Result<Exit> {
    let run = engine::newest(store.run(id.as_str()).await?, store).await?;
    let filter = ProposalFilter { run: Some(run.id.clone()), status: None, limit: usize::MAX };
    let mut proposals = store.inner.proposals(&filter).await?;
    proposals.reverse();
    let at = Failing::of(&run, store).await?;
    let exit = if run.status == RunStatus::Completed { Exit::Completed } else { Exit::Failed };
    if form == Form::Json {
        out.json(&json!({
            "run": run.id,
            "status": run.status,
            "result": run.result,
            "error": report::error(&run, at.as_ref()),
            "proposals": proposals,
            "tokens": run.tokens,
            "cost_micro_usd": run.cost_micro_usd,
        }))?;
        return Ok(exit);
    }
    let catalogue = &session.catalogue;
    report::end(out, &run, at.as_ref(), catalogue)?;
    let limits = report::document(store, &run).await?.map(|document| document.policy.limits);
    writeln!(out, "{}", limits::used(&run, limits, catalogue))?;
    if !proposals.is_empty() {
        writeln!(out)?;
        report::proposals(out, &proposals, catalogue)?;
        writeln!(out, "\n{}", text!(catalogue, "run-next-proposals"))?;
    }
    writeln!(out, "{}", text!(catalogue, "run-next-replay", run = run.id.as_str()))?;
    Ok(exit)
}

/// There is nothing to go on with.
pub(super) fn over(run: &RunRecord, session: &Session) -> String {
    let (id, status) = (run.id.as_str(), words::run(run.status, &session.catalogue));
    text!(session.catalogue, "run-over", run = id, status = status)
}
