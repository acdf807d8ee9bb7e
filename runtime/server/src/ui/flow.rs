//! A flow in one of its versions: what it is, what it may do, what it takes, and where it is started.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use bloom_ir::document::{Document, FlowKind, Locale, SourceKind};
use bloom_ir::{Digest, VerifiedIr};
use bloom_runtime::compiler::Picture;
use bloom_runtime::engine::{Budgets, EngineError};
use bloom_runtime::record::{FlowRecord, RunStatus};
use bloom_runtime::store::RunFilter;

use super::flows::counted;
use super::form::{self, Fields};
use super::policy::Policy;
use super::schema::{self, Row};
use super::shell::{self, Html, Section, Shell, Viewer};
use super::show::Time;
use super::trust::Trust;
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Path;
use crate::routes::flows;

pub(super) fn routes() -> Router<App> {
    Router::new().route("/flows/{id}", get(newest)).route("/flows/{id}/versions/{version}", get(version))
}

/// So many of the newest failed runs are looked at for what they failed with.
const FAILED: usize = 50;

/// A larger document is downloaded and not shown.
const MOST_SHOWN: usize = 512 << 10;

/// A version beside the one that is shown.
struct Version {
    number: String,
    hash: String,
    published: Time,
    is_shown: bool,
}

/// What a flow was made of.
struct Source {
    name: String,
    is_diagram: bool,
    sha256: String,
    /// What it is; absent where it is not kept.
    kept: Option<Kept>,
}

struct Kept {
    picture: Option<String>,
    /// Of pseudocode the source itself, else the diagram in both languages.
    texts: Vec<(&'static str, String)>,
}

#[derive(askama::Template)]
#[template(path = "flow.html")]
struct Flow {
    shell: Shell,
    id: String,
    title: String,
    version: String,
    hash: String,
    program: String,
    published: Time,
    is_machine: bool,
    /// Whether it is the newest version.
    is_newest: bool,
    trust: Trust,
    /// Why it may not run here though it is trusted.
    problems: Vec<String>,
    runs: Vec<(&'static str, String)>,
    /// What its runs failed with lately: the code, how often, and the newest of them.
    failures: Vec<(String, usize, String)>,
    start: Fields,
    budgets: Vec<String>,
    inputs: (Vec<Row>, bool),
    outputs: (Vec<Row>, bool),
    policy: Policy,
    source: Option<Source>,
    /// The document, where it is not too large to be shown.
    ir: Option<String>,
    versions: Vec<Version>,
}

impl Flow {
    /// Whether a run of it can be started.
    fn may_run(&self) -> bool {
        self.trust.refused.is_none() && self.problems.is_empty()
    }
}

async fn newest(State(app): State<App>, viewer: Viewer, Path(id): Path<String>) -> Result<Html, ApiError> {
    page(&app, &viewer, &id, None).await
}

async fn version(
    State(app): State<App>,
    viewer: Viewer,
    Path((id, version)): Path<(String, String)>,
) -> Result<Html, ApiError> {
    page(&app, &viewer, &id, Some(&version)).await
}

async fn page(app: &App, viewer: &Viewer, id: &str, version: Option<&str>) -> Result<Html, ApiError> {
    let (record, bytes, document) = flows::find(app, id, version).await?;
    let versions = flows::of_id(app, id).await?;
    let trust = Trust::of(app, &bytes);
    let problems = match &trust.ir {
        Some(ir) => problems(app, ir).await?,
        None => Vec::new(),
    };
    let texts = viewer.texts;
    let source = source(app, &document, texts.locale()).await?;
    let mut budgets: Vec<String> = app.engine.config().budgets.profiles.keys().cloned().collect();
    if !budgets.iter().any(|name| name == Budgets::STANDARD) {
        budgets.insert(0, Budgets::STANDARD.to_owned());
    }
    let ir = (bytes.len() <= MOST_SHOWN).then(|| serde_json::from_slice(&bytes).ok()).flatten();
    let ir = ir.and_then(|ir: serde_json::Value| serde_json::to_string_pretty(&ir).ok());
    let FlowRecord { id, version, title, hash, program, stored_at } = record;
    shell::page(&Flow {
        shell: viewer.shell(Section::Flows),
        is_newest: versions.first().is_some_and(|newest| newest.hash == hash),
        runs: counted(app, &id).await?,
        failures: failures(app, &id).await?,
        start: form::fields(&document.inputs, "inputs", "input", texts),
        budgets,
        inputs: schema::table(&document.inputs, texts),
        outputs: schema::table(&document.outputs, texts),
        policy: Policy::of(app, &document, texts),
        is_machine: document.flow.kind == FlowKind::Machine,
        source,
        ir,
        versions: versions.iter().map(|other| other_version(other, hash)).collect(),
        id,
        title,
        version,
        hash: hash.to_string(),
        program: program.to_string(),
        published: Time(stored_at),
        trust,
        problems,
    })
}

fn other_version(flow: &FlowRecord, shown: Digest) -> Version {
    Version {
        number: flow.version.clone(),
        hash: flow.hash.to_string(),
        published: Time(flow.stored_at),
        is_shown: flow.hash == shown,
    }
}

/// What stands against running it here.
async fn problems(app: &App, ir: &VerifiedIr) -> Result<Vec<String>, ApiError> {
    match app.engine.admit(ir).await {
        Ok(()) => Ok(Vec::new()),
        Err(EngineError::Refused(refusals)) => Ok(refusals.iter().map(ToString::to_string).collect()),
        Err(error) => Err(error.into()),
    }
}

async fn failures(app: &App, flow: &str) -> Result<Vec<(String, usize, String)>, ApiError> {
    let filter = RunFilter {
        flow: Some(flow.to_owned()),
        status: Some(RunStatus::Failed),
        limit: FAILED,
        ..RunFilter::default()
    };
    let mut codes: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for run in app.store().runs(&filter).await? {
        let code = run.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
        // The newest comes first.
        codes.entry(code).or_insert_with(|| (0, run.id.to_string())).0 += 1;
    }
    let mut codes: Vec<_> = codes.into_iter().map(|(code, (count, run))| (code, count, run)).collect();
    codes.sort_by_key(|(_, count, _)| std::cmp::Reverse(*count));
    Ok(codes)
}

async fn source(app: &App, document: &Document, locale: Locale) -> Result<Option<Source>, ApiError> {
    let Some(source) = document.source.clone() else { return Ok(None) };
    let digest: Option<Digest> = format!("sha256:{}", source.sha256).parse().ok();
    let bytes = match digest {
        Some(digest) => app.store().blob(digest).await?,
        None => None,
    };
    let (name, is_diagram) = (source.name.clone(), source.kind == SourceKind::Drakon);
    let kept = match bytes {
        Some(bytes) => {
            let compiler = app.compiler.clone();
            let work = move || {
                if !is_diagram {
                    return Kept { picture: None, texts: vec![("", String::from_utf8_lossy(&bytes).into_owned())] };
                }
                let picture = Picture { locale: Some(locale), is_part: true, marks: None };
                let in_words = |locale: Locale| Some((locale.tag(), compiler.pseudocode(&name, &bytes, locale).ok()?));
                let texts = [Locale::Uk, Locale::En].map(in_words);
                Kept {
                    picture: compiler.draw(&name, &bytes, &picture).ok(),
                    texts: texts.into_iter().flatten().collect(),
                }
            };
            Some(flows::blocking(work).await?)
        }
        None => None,
    };
    Ok(Some(Source { name: source.name, is_diagram, sha256: source.sha256, kept }))
}
