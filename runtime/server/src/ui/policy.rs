//! What a signed policy lets a flow do, in words.

use bloom_ir::capability::{ArtifactScope, Capability};
use bloom_ir::document::{Document, Limits, NodeKind, Sandbox, ToolEffect};
use bloom_runtime::engine::{Allowance, Budgets};

use super::show;
use super::texts::{Texts, text};
use crate::app::App;

/// A policy for people.
pub(super) struct Policy {
    pub(super) tools: Vec<Tool>,
    /// The actions of the proposals that it may make.
    pub(super) proposes: Vec<String>,
    pub(super) sandbox: String,
    /// What of its memory it reads and may propose to change.
    pub(super) memory: Vec<String>,
    /// What a run may use: what, and how much.
    pub(super) limits: Vec<Limit>,
    /// The budget profile of its runs, and what it allows.
    pub(super) budget: (String, Vec<String>),
}

/// A tool that it may call.
pub(super) struct Tool {
    pub(super) name: String,
    pub(super) effect: String,
    /// The component that is meant.
    pub(super) pinned: Option<String>,
    /// What it may use: in words, and as it is written.
    pub(super) uses: Vec<(String, String)>,
    /// Why it cannot be called here; absent: it can.
    pub(super) missing: Option<String>,
}

/// A limit that a run may have less of.
pub(super) struct Limit {
    /// Its name in the API.
    pub(super) name: &'static str,
    pub(super) told: String,
    /// As a number; absent: there is none.
    pub(super) most: Option<u64>,
    /// With its unit.
    pub(super) shown: String,
}

impl Policy {
    pub(super) fn of(app: &App, document: &Document, texts: &Texts) -> Self {
        let policy = &document.policy;
        let sandbox = match policy.sandbox {
            Sandbox::Restricted => texts.get("sandbox-restricted"),
            Sandbox::Network => texts.get("sandbox-network"),
            Sandbox::Rehearsal => texts.get("sandbox-rehearsal"),
        };
        Self {
            tools: tools(app, document, texts),
            proposes: policy.safe_outputs.clone(),
            sandbox,
            memory: memory(document, texts),
            limits: limits(&policy.limits, texts),
            budget: budget(&app.engine.config().budgets, &document.flow.id, texts),
        }
    }
}

fn tools(app: &App, document: &Document, texts: &Texts) -> Vec<Tool> {
    let agent = &document.flow.id;
    let tools = document.policy.allowed_tools.iter().map(|(name, allowed)| {
        let here = app.tools.describe(name, allowed.digest);
        let here = here.and_then(|tool| app.tools.may_call(&tool, agent, &allowed.capabilities));
        let effect = match allowed.effect {
            ToolEffect::Read => texts.get("effect-read"),
            ToolEffect::Operational => texts.get("effect-operational"),
            ToolEffect::Propose => texts.get("effect-propose"),
        };
        Tool {
            name: name.clone(),
            effect,
            pinned: allowed.digest.map(|digest| digest.to_string()),
            uses: allowed.capabilities.iter().map(|written| (used(written, texts), written.clone())).collect(),
            missing: here.err().map(|error| error.message),
        }
    });
    tools.collect()
}

/// A capability in words.
fn used(written: &str, texts: &Texts) -> String {
    match written.parse() {
        Ok(Capability::Files(root)) if root == "memory" => texts.get("use-memory"),
        Ok(Capability::Files(root)) => text!(texts, "use-files", name = root),
        Ok(Capability::Config(key)) => text!(texts, "use-config", name = key),
        Ok(Capability::Artifacts(ArtifactScope::Own)) => texts.get("use-artifacts-own"),
        Ok(Capability::Artifacts(ArtifactScope::All)) => texts.get("use-artifacts-all"),
        Ok(Capability::Http(asks)) => match asks.host {
            Some(host) => text!(texts, "use-http", name = host),
            None => texts.get("use-http-any"),
        },
        Ok(Capability::Unknown(_)) | Err(_) => texts.get("use-unknown"),
    }
}

fn memory(document: &Document, texts: &Texts) -> Vec<String> {
    let policy = &document.policy;
    let mut told = Vec::new();
    let reads = |written: &String| matches!(written.parse(), Ok(Capability::Files(root)) if root == "memory");
    if policy.allowed_tools.values().flat_map(|tool| &tool.capabilities).any(reads) {
        told.push(texts.get("memory-read"));
    }
    let calls = document.nodes.values().filter_map(|node| match &node.kind {
        NodeKind::LlmCall(call) => Some(call),
        _ => None,
    });
    match calls.filter(|call| !call.memory.is_empty()).count() {
        0 => {}
        count => told.push(text!(texts, "memory-shown", count = count)),
    }
    if policy.safe_outputs.iter().any(|action| action == "memory-update") {
        told.push(texts.get("memory-proposed"));
    }
    if told.is_empty() {
        told.push(texts.get("memory-none"));
    }
    told
}

fn limits(limits: &Limits, texts: &Texts) -> Vec<Limit> {
    let seconds = |seconds: u32| show::duration(texts, i64::from(seconds) * 1_000);
    let limit = |name, told: &str, most: u64, shown| Limit { name, told: texts.get(told), most: Some(most), shown };
    let counted = |name, told: &str, most: u64| limit(name, told, most, show::number(most));
    let cost = limits.max_cost_micro_usd;
    vec![
        limit("timeout_seconds", "limit-time", limits.timeout_seconds.into(), seconds(limits.timeout_seconds)),
        limit(
            "node_timeout_seconds",
            "limit-node-time",
            limits.node_timeout_seconds.into(),
            seconds(limits.node_timeout_seconds),
        ),
        counted("max_tokens", "limit-tokens", limits.max_tokens),
        Limit {
            name: "max_cost_micro_usd",
            told: texts.get("limit-cost"),
            most: cost,
            shown: cost.map_or_else(|| texts.get("limit-none"), show::money),
        },
        counted("max_steps", "limit-steps", limits.max_steps),
        counted("max_events", "limit-events", limits.max_events),
        counted("max_proposals", "limit-proposals", limits.max_proposals.into()),
    ]
}

/// The profile of a flow whose runs name none, and what it allows.
fn budget(budgets: &Budgets, flow: &str, texts: &Texts) -> (String, Vec<String>) {
    let name = budgets.choose(None, flow).ok().flatten().unwrap_or_else(|| Budgets::STANDARD.to_owned());
    let Some(budget) = budgets.profiles.get(&name) else { return (name, vec![texts.get("budget-none")]) };
    let mut told = Vec::new();
    let run = allowance(&budget.run, texts);
    told.extend((!run.is_empty()).then(|| text!(texts, "budget-run", what = run)));
    let day = allowance(&budget.day, texts);
    told.extend((!day.is_empty()).then(|| text!(texts, "budget-day", what = day)));
    let time = budget.timeout_seconds.map(|seconds| show::duration(texts, i64::from(seconds) * 1_000));
    told.extend(time.map(|time| text!(texts, "budget-time", what = time)));
    if told.is_empty() {
        told.push(texts.get("budget-none"));
    }
    (name, told)
}

/// What a run or a day may use, in words.
pub(super) fn allowance(allowance: &Allowance, texts: &Texts) -> String {
    let parts = [
        allowance.calls.map(|calls| text!(texts, "budget-calls", count = calls)),
        allowance.tokens.map(|tokens| text!(texts, "budget-tokens", count = tokens)),
        allowance.cost_micro_usd.map(show::money),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
