//! Tools: the components that flows may call here, what each may do, and who calls it.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_ir::document::{Policy, ToolEffect};
use bloom_runtime::tool::InstalledTool;
use serde::Deserialize;

use super::shell::{self, Html, Section, Shell, Viewer};
use super::show;
use super::texts::text;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::{Path, Query};
use crate::metrics::Calls;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/tools", get(list)).route("/tools/{name}", get(detail))
}

/// So many of the newest flows are looked at for what they call: each is read for that.
const FLOWS: usize = 500;

/// The part of a document that says what it calls.
#[derive(Deserialize)]
struct Calling {
    policy: Policy,
}

/// A flow that may call a tool.
struct Caller {
    id: String,
    version: String,
    /// The component that it pins, in short and whole; none where it was compiled without its tools.
    pins: Option<(String, String)>,
    /// Whether that is the component that is shown.
    is_this: bool,
    capabilities: Vec<String>,
    /// Why it may not call it here.
    refused: Option<String>,
}

/// A tool in a list.
struct Row {
    name: String,
    version: String,
    digest: String,
    effect: &'static str,
    description: String,
    capabilities: Vec<String>,
    completed: String,
    failed: String,
    traps: String,
}

impl Row {
    fn of(app: &App, tool: &InstalledTool) -> Self {
        let Calls { completed, failed, traps } = app.metrics().calls(&tool.manifest.name);
        Self {
            name: tool.manifest.name.clone(),
            version: tool.manifest.version.clone(),
            digest: tool.digest.to_string(),
            effect: effect(tool.manifest.effect),
            description: tool.manifest.description.clone(),
            capabilities: tool.manifest.capabilities.clone(),
            completed: show::number(completed),
            failed: show::number(failed),
            traps: show::number(traps),
        }
    }
}

fn effect(effect: ToolEffect) -> &'static str {
    match effect {
        ToolEffect::Read => "read",
        ToolEffect::Operational => "operational",
        ToolEffect::Propose => "propose",
    }
}

#[derive(askama::Template)]
#[template(path = "tools.html")]
struct Tools {
    shell: Shell,
    tools: Vec<Row>,
}

async fn list(State(app): State<App>, viewer: Viewer) -> Result<Html, ApiError> {
    let tools = app.tools.installed();
    shell::page(&Tools {
        shell: viewer.shell(Section::Tools),
        tools: tools.iter().map(|tool| Row::of(&app, tool)).collect(),
    })
}

/// Which component of a name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Which {
    digest: String,
}

/// What a tool asks for.
struct Asked {
    capability: String,
    /// Why it is not granted, where it is not.
    refused: Option<String>,
    /// The flows that are signed for it.
    flows: Vec<String>,
}

#[derive(askama::Template)]
#[template(path = "tool.html")]
struct Detail {
    shell: Shell,
    tool: Row,
    params: Vec<String>,
    also_called: Vec<String>,
    failures: BTreeMap<String, String>,
    input: String,
    output: String,
    asked: Vec<Asked>,
    /// What a call may use: a text, and how much.
    limits: Vec<(&'static str, String)>,
    /// Components of this name, with their versions.
    others: Vec<(String, String)>,
    callers: Vec<Caller>,
    /// Whether there are flows that were not looked at.
    is_partial: Option<String>,
}

async fn detail(
    State(app): State<App>,
    viewer: Viewer,
    Path(name): Path<String>,
    Query(which): Query<Which>,
) -> Result<Html, ApiError> {
    let unknown = || ApiError::not_found("tool", &name);
    let installed = app.tools.installed();
    let tool = if which.digest.is_empty() {
        app.tools.describe(&name, None).map_err(|_| unknown())?
    } else {
        let found =
            installed.iter().find(|tool| tool.digest.to_string() == which.digest && tool.manifest.is_called(&name));
        found.cloned().ok_or_else(unknown)?
    };
    let (callers, is_partial) = callers(&app, &tool).await?;
    let asked = tool.manifest.capabilities.iter().map(|capability| Asked {
        refused: granted(&app, &tool, capability).err(),
        flows: callers
            .iter()
            .filter(|caller| caller.capabilities.contains(capability))
            .map(|caller| format!("{} {}", caller.id, caller.version))
            .collect(),
        capability: capability.clone(),
    });
    let pretty = |schema: &_| serde_json::to_string_pretty(schema).unwrap_or_default();
    shell::page(&Detail {
        asked: asked.collect(),
        tool: Row::of(&app, &tool),
        params: tool.manifest.params.clone(),
        also_called: tool.manifest.also_called.clone(),
        failures: tool.manifest.failures.clone(),
        input: pretty(&tool.manifest.input),
        output: pretty(&tool.manifest.output),
        limits: limits(&app),
        others: installed
            .iter()
            .filter(|other| other.manifest.name == tool.manifest.name && other.digest != tool.digest)
            .map(|other| (other.manifest.version.clone(), other.digest.to_string()))
            .collect(),
        callers,
        is_partial: is_partial.then(|| text!(viewer.texts, "tool-flows-partial", count = FLOWS)),
        shell: viewer.shell(Section::Tools),
    })
}

/// Whether the operator grants a tool one of the things that it asks for; else why not.
fn granted(app: &App, tool: &InstalledTool, capability: &str) -> Result<(), String> {
    let asked = vec![capability.to_owned()];
    let mut alone = tool.clone();
    alone.manifest.capabilities.clone_from(&asked);
    // Whoever calls: memory is that of each agent, so any name will do.
    app.tools.may_call(&alone, &tool.manifest.name, &asked).map_err(|error| error.message)
}

/// The flows that may call a tool, newest first, and whether there are others that were not looked at.
async fn callers(app: &App, tool: &InstalledTool) -> Result<(Vec<Caller>, bool), ApiError> {
    let flows = app.store().flows().await?;
    let is_partial = flows.len() > FLOWS;
    let mut callers = Vec::new();
    for flow in flows.into_iter().take(FLOWS) {
        let Some(document) = app.store().flow_document(flow.hash).await? else { continue };
        let Ok(Calling { policy }) = serde_json::from_slice(&document) else { continue };
        for (called, allowed) in policy.allowed_tools {
            if !tool.manifest.is_called(&called) {
                continue;
            }
            let is_this = allowed.digest == Some(tool.digest);
            let may = app.tools.may_call(tool, &flow.id, &allowed.capabilities);
            callers.push(Caller {
                id: flow.id.clone(),
                version: flow.version.clone(),
                pins: allowed.digest.map(|digest| (show::short(&digest.to_string()), digest.to_string())),
                is_this,
                refused: may.err().filter(|_| is_this).map(|error| error.message),
                capabilities: allowed.capabilities,
            });
        }
    }
    Ok((callers, is_partial))
}

/// What a call may use: the id of a text, and how much.
fn limits(app: &App) -> Vec<(&'static str, String)> {
    let Some(limits) = app.tools.limits() else { return Vec::new() };
    vec![
        ("tool-limit-fuel", show::number(limits.fuel)),
        ("tool-limit-memory", show::bytes(limits.memory_bytes)),
        ("tool-limit-input", show::bytes(limits.input_bytes)),
        ("tool-limit-output", show::bytes(limits.output_bytes)),
        ("tool-limit-requests", show::number(limits.http_requests)),
        ("tool-limit-at-once", show::number(limits.at_once)),
    ]
}
