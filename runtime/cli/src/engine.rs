//! The engine of a command that does something to a run that is there.

use std::sync::Arc;
use std::time::Duration;

use bloom_ir::document::{Action, NodeKind};
use bloom_ir::{Digest, Document, validate};
use bloom_runtime::engine::{
    Admission, Allowance, Budget, Budgets, Engine, EngineConfig, EngineError, Observer, Parts, Refusal, Share,
};
use bloom_runtime::record::RunRecord;
use bloom_runtime::store::Store as _;
use bloom_wasm::WasmHost;

use crate::catalogue::text;
use crate::clock::TimeOrderedIds;
use crate::config::{self, Settings};
use crate::failure::Explained;
use crate::keyring::Keyring;
use crate::llm::Choice;
use crate::session::Session;
use crate::setting::Setting;
use crate::store::{self, Store};
use crate::{granting, output, refusal};

/// An engine over the store, with these tools. `by_person` is whether a person answers what LLMs would be asked.
pub(crate) fn over(
    store: &Store<'_>,
    tools: Arc<WasmHost>,
    observer: Arc<dyn Observer>,
    by_person: bool,
    session: &Session,
) -> anyhow::Result<Engine> {
    Ok(Engine::new(Parts {
        store: store.inner.clone(),
        tools,
        clock: Arc::new(session.clock),
        ids: Arc::new(TimeOrderedIds),
        trust: Arc::new(Keyring::of(session)?.trust_list()?),
        observer,
        config: EngineConfig { llm_by_person: by_person, ..config(session)? },
    }))
}

/// What the operator set.
pub(crate) fn config(session: &Session) -> anyhow::Result<EngineConfig> {
    let Settings { limits, tasks, .. } = &session.config()?.settings;
    Ok(EngineConfig {
        tool_timeout: Duration::from_secs(limits.tool_timeout_seconds.into()),
        attempts: limits.attempts,
        lease_ttl: Duration::from_secs(tasks.lease_ttl_seconds.max(1).into()),
        reap_every: Duration::from_secs(tasks.reap_every_seconds.max(1).into()),
        max_depth: limits.flow_depth,
        budgets: budgets(session)?,
        proposal_ttl: Duration::from_hours(limits.proposal_ttl_hours.into()),
        ..EngineConfig::default()
    })
}

/// How many runs a server has under way.
pub(crate) fn admission(session: &Session) -> anyhow::Result<Admission> {
    let Settings { limits, agents, .. } = &session.config()?.settings;
    let any = |most: u32| Some(most).filter(|most| *most > 0);
    let share = |runs: Option<u32>, queued: Option<u32>| Share {
        at_once: any(runs.unwrap_or(limits.runs_of_agent)),
        queued: Some(queued.unwrap_or(limits.runs_queued)),
    };
    Ok(Admission {
        at_once: any(limits.runs_at_once),
        each_agent: share(None, None),
        agents: agents.iter().map(|(name, agent)| (name.clone(), share(agent.runs, agent.runs_queued))).collect(),
    })
}

/// What runs may use beside what is signed with their flows.
fn budgets(session: &Session) -> anyhow::Result<Budgets> {
    let Settings { budgets, agents, .. } = &session.config()?.settings;
    let profile = |given: &config::Budget| Budget {
        run: Allowance { calls: given.calls, tokens: given.max_tokens, cost_micro_usd: given.max_cost_micro_usd },
        timeout_seconds: given.timeout_seconds,
        day: Allowance { calls: given.day_calls, tokens: given.day_tokens, cost_micro_usd: given.day_cost_micro_usd },
    };
    let named = agents.iter().filter_map(|(agent, of)| Some((agent.clone(), of.budget.clone()?)));
    let budgets = Budgets {
        profiles: budgets.iter().map(|(name, given)| (name.clone(), profile(given))).collect(),
        agents: named.collect(),
    };
    for (agent, name) in &budgets.agents {
        if let Err(unknown) = budgets.choose(Some(name), agent) {
            let (catalogue, known) = (&session.catalogue, unknown.known.join(", "));
            let hint = text!(catalogue, "budget-unknown-hint", names = known);
            let message = text!(catalogue, "budget-unknown", agent = agent, name = name);
            return Err(Explained::usage(message).hint(hint).into());
        }
    }
    Ok(budgets)
}

/// An engine with what a run was started with.
pub(crate) async fn of_run(run: &RunRecord, store: &Store<'_>, session: &Session) -> anyhow::Result<Engine> {
    let setting = Setting::of(&first(run, store).await?, store).await?;
    let tools = Arc::new(tokio::task::block_in_place(|| setting.host(session))?);
    // A run that goes on here asks the next question as it asked the one before.
    let by_person = Choice::parse(setting.llm.as_deref(), &session.catalogue)?.is_human();
    over(store, tools, Arc::new(()), by_person, session)
}

/// The run that a person started: above a run that a run started, before one that went on in its place.
pub(crate) async fn first(run: &RunRecord, store: &Store<'_>) -> anyhow::Result<RunRecord> {
    let mut run = run.clone();
    while let Some(from) = run.parent.as_ref().map(|parent| &parent.run).or(run.continues.as_ref())
        && let Some(before) = store.inner.run(from).await?
    {
        run = before;
    }
    Ok(run)
}

/// The run itself, or the last of those that went on in its place.
pub(crate) async fn newest(mut run: RunRecord, store: &Store<'_>) -> anyhow::Result<RunRecord> {
    while let Some(next) = &run.continued_by {
        run = store.run(next.as_str()).await?;
    }
    Ok(run)
}

/// The documents of the flows that a flow calls, and of those that they call, as far as the store has them.
pub(crate) async fn called(document: &Document, store: &Store<'_>) -> anyhow::Result<Vec<Document>> {
    let hashes = |document: &Document| -> Vec<Digest> {
        let nodes = document.nodes.values();
        nodes
            .filter_map(|node| match &node.kind {
                NodeKind::Action(Action::Flow { hash, .. }) => Some(*hash),
                _ => None,
            })
            .collect()
    };
    let (mut found, mut known, mut rest) = (Vec::new(), Vec::new(), hashes(document));
    while let Some(hash) = rest.pop() {
        if known.contains(&hash) {
            continue;
        }
        known.push(hash);
        let bytes = store.inner.flow_document(hash).await?;
        if let Some(document) = bytes.and_then(|bytes| validate::read(&bytes).ok()) {
            rest.extend(hashes(&document));
            found.push(document);
        }
    }
    Ok(found)
}

/// Why the engine did not do what was asked, in the person's language.
pub(crate) fn explained(error: EngineError, session: &Session) -> anyhow::Error {
    let catalogue = &session.catalogue;
    match error {
        EngineError::Store(error) => store::explained(error, catalogue),
        EngineError::Untrusted(error) => refusal::of_document(&text!(catalogue, "run-flow"), &error, session).into(),
        EngineError::Refused(ref refusals) => {
            let is_missing = refusals.iter().any(|refusal| matches!(refusal, Refusal::MissingFlow { .. }));
            let missing = || is_missing.then(|| text!(catalogue, "run-refused-missing-hint"));
            let explained = Explained::refused(text!(catalogue, "run-refused"));
            let explained = match granting::hint(refusals, catalogue).or_else(missing) {
                Some(hint) => explained.hint(hint),
                None => explained,
            };
            anyhow::Error::new(error).context(explained)
        }
        EngineError::Context(denied) => {
            let id = denied.context.to_string();
            let explained = Explained::refused(text!(catalogue, "context-shut", id = &id, agent = &denied.agent));
            anyhow::Error::new(denied).context(explained.hint(text!(catalogue, "context-shut-hint", id = id)))
        }
        EngineError::Inputs(error) => {
            anyhow::Error::new(error).context(Explained::usage(text!(catalogue, "inputs-do-not-fit")))
        }
        EngineError::Halted { run, error } => {
            let hint = text!(catalogue, "run-can-resume", run = run.as_str());
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "run-waits")).hint(hint))
        }
        EngineError::Interrupted { ref run, .. } => {
            let hint = text!(catalogue, "run-can-resume", run = run.as_str());
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "run-stopped")).hint(hint))
        }
        EngineError::Over { run, end } => {
            let status = store::words::run(end.status(), catalogue);
            Explained::failed(text!(catalogue, "run-over", run = run.as_str(), status = status)).into()
        }
        EngineError::NotBegun(run) => Explained::failed(text!(catalogue, "run-not-begun", run = run.as_str())).into(),
        EngineError::ForkPoint { run, at, most } => {
            let message = text!(catalogue, "fork-point", run = run.as_str(), at = at);
            Explained::usage(message).hint(text!(catalogue, "fork-point-hint", most = most)).into()
        }
        EngineError::ForkDiffers { ref run, at, .. } => {
            let message = text!(catalogue, "fork-differs", run = run.as_str(), at = at);
            let hint = text!(catalogue, "fork-differs-hint", run = run.as_str());
            anyhow::Error::new(error).context(Explained::failed(message).hint(hint))
        }
        EngineError::NoSuchSignal { name, awaited, .. } if awaited.is_empty() => {
            Explained::failed(text!(catalogue, "signal-none", name = name)).into()
        }
        EngineError::NoSuchSignal { name, awaited, .. } => {
            let hint = text!(catalogue, "signal-unknown-hint", names = awaited.join(", "));
            Explained::failed(text!(catalogue, "signal-unknown", name = name)).hint(hint).into()
        }
        EngineError::Payload { problems } => {
            let problems: Vec<_> = problems.iter().map(|problem| output::plain(problem).into_owned()).collect();
            Explained::usage(text!(catalogue, "payload-does-not-fit", problems = problems.join("; "))).into()
        }
        EngineError::PayloadTooLarge { bytes, most } => {
            Explained::usage(text!(catalogue, "payload-too-large", bytes = bytes, most = most)).into()
        }
        EngineError::TooManySignals { .. } => {
            anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "signals-too-many")))
        }
        EngineError::QuestionClosed { question, status } => {
            let status = store::words::question(status, catalogue);
            let question = question.as_str();
            Explained::failed(text!(catalogue, "question-closed", id = question, status = status)).into()
        }
        error => anyhow::Error::new(error).context(Explained::failed(text!(catalogue, "run-not-possible"))),
    }
}
