//! Flows: published, listed, and run.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bloom_ir::document::Locale;
use bloom_ir::{Digest, Document, SigningKey, VerifiedIr, sign, validate, verify};
use bloom_runtime::compiler::{Called, Picture};
use bloom_runtime::engine::EngineError;
use bloom_runtime::record::{AuditNote, FlowRecord};
use semver::Version;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::responses::{Bodied, Common, Conflicting, Elsewhere, Named, Refusable, Sized};
use crate::app::App;
use crate::auth::{Holder, Identity};
use crate::error::{ApiError, Code};
use crate::extract::{self, Body, Path, Query};
use crate::view::{Flow, FlowDetail, FlowList, Published, Versions};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, publish))
        .routes(routes!(show))
        .routes(routes!(versions))
        .routes(routes!(ir))
        .routes(routes!(pseudocode))
        .routes(routes!(diagram))
        .routes(routes!(put_source, source))
}

/// A diagram or pseudocode in place of a signed document.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    /// The name of its file, as `greet.drakon`. With it, the body is a diagram or pseudocode, which only an owner who is logged in
    /// may publish: it is compiled here, and signed with the server's own key.
    name: Option<String>,
    /// What the flow is to be called; absent: as the file is.
    id: Option<String>,
    /// Its version; absent: `0.0.0`.
    version: Option<String>,
}

/// What is to be published.
pub(super) enum Sent {
    /// A diagram or pseudocode, by the name of its file.
    Diagram { name: String, called: Called },
    /// What should be a signed document: it is JSON.
    Document,
}

impl Sent {
    pub(super) fn of(source: Source, headers: &HeaderMap, bytes: &[u8]) -> Result<Self, ApiError> {
        let called = Called { id: source.id, version: source.version };
        if let Some(name) = source.name {
            return Ok(Self::Diagram { name, called });
        }
        if called.id.is_some() || called.version.is_some() {
            let message = "a document says itself what it is called; a diagram needs its file's name";
            return Err(ApiError::invalid("name", message));
        }
        if !is_json(headers) {
            let message = "this must be a signed IR document (application/json); for a diagram or pseudocode, give the name of its \
                           file as `name`, as an owner who is logged in";
            return Err(ApiError::new(Code::UnsupportedMediaType, message));
        }
        // What is no JSON at all is no document with errors.
        extract::parse::<serde::de::IgnoredAny>(bytes)?;
        Ok(Self::Document)
    }
}

/// Publish a flow: a signed IR document. A trusted author's signature is the decision that it may run. With `name`, a diagram or
/// pseudocode: that is the decision of the owner who is logged in.
#[utoipa::path(
    post, path = "/api/v1/flows", tag = "flows", params(Source),
    request_body(
        content((serde_json::Value = "application/json"), (Vec<u8> = "application/octet-stream")),
        description = "a signed IR document (JSON); with `name`, a diagram or pseudocode as its file holds it",
    ),
    responses(
        (status = 201, description = "published", body = Published),
        (status = 200, description = "this program is there already under this name and version", body = Published),
        Common, Conflicting, Bodied, Refusable, Elsewhere,
    )
)]
async fn publish(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    Query(source): Query<Source>,
    Body(bytes): Body,
) -> Result<(StatusCode, axum::Json<Published>), ApiError> {
    let sent = Sent::of(source, &headers, &bytes)?;
    let of_diagram = matches!(sent, Sent::Diagram { .. });
    let document = match sent {
        Sent::Diagram { name, called } => {
            holder.owner()?;
            compiled(&app, name, called, bytes.clone()).await?
        }
        Sent::Document => bytes.to_vec(),
    };
    let now = app.clock.now();
    let trust = app.trust.trusted();
    let ir = verify(&document, &trust, now)?;
    app.engine.admit(&ir).await?;
    let flow = &ir.document().flow;
    let record = FlowRecord {
        hash: ir.hash(),
        program: ir.program(),
        id: flow.id.clone(),
        version: flow.version.clone(),
        title: flow.title.clone(),
        stored_at: now,
    };
    // A hash does not cover signatures: those that are there stay.
    let known = app.store().flow_document(record.hash).await?;
    let document = match &known {
        Some(known) => ir.bytes_with_signatures_of(known, &trust),
        None => ir.bytes().to_vec(),
    };
    // Another source of the same program makes no other version.
    let is_there = known.is_some() || app.store().flow_version(&record.id, &record.version).await?.is_some();
    let status = if is_there { StatusCode::OK } else { StatusCode::CREATED };
    if known.as_ref() != Some(&document) {
        let name = format!("{}@{}", record.id, record.version);
        let mut detail = vec![("ir", bloom_ir::Value::from(record.hash.to_string()))];
        if of_diagram {
            detail.push(("source", bloom_ir::Value::from(Digest::of(&bytes).to_string())));
            // Kept before what is made of it, which refers to it.
            app.store().put_blob(bytes.to_vec()).await?;
        }
        let detail = detail.into_iter().collect();
        let note = AuditNote { detail, ..AuditNote::new(now, &by, "flow_published", ("flow", &name)) };
        app.tools.keep(&ir.document().policy.pinned()).await.map_err(EngineError::Tools)?;
        app.store().put_flow(record.clone(), document, vec![note]).await?;
        app.metrics().published();
    }
    tracing::Span::current().record("flow", record.id.as_str());
    Ok((status, axum::Json(Published::of(&record, &ir))))
}

/// The document of a diagram or pseudocode, signed with the server's own key.
async fn compiled(app: &App, name: String, called: Called, bytes: Bytes) -> Result<Vec<u8>, ApiError> {
    let key = signing_key(app)?;
    let compiler = app.compiler.clone();
    let compiled = blocking(move || compiler.compile(&name, &bytes, called)).await?;
    match compiled.document {
        Some(document) => Ok(sign::seal(document, &[&key]).to_bytes()),
        None => Err(ApiError::compile_failed("this cannot be compiled", &compiled.diagnostics)),
    }
}

/// The key that diagrams are signed with here.
pub(super) fn signing_key(app: &App) -> Result<SigningKey, ApiError> {
    let message = "this server has no key to sign with; publish a signed document";
    app.config.signing_key.clone().ok_or_else(|| ApiError::new(Code::PolicyRefused, message))
}

fn is_json(headers: &HeaderMap) -> bool {
    extract::content_type(headers).is_none_or(|mime| mime == "application/json" || mime.ends_with("+json"))
}

/// All flows, each in its newest version.
#[utoipa::path(get, path = "/api/v1/flows", tag = "flows", responses((status = 200, body = FlowList), Common))]
async fn list(State(app): State<App>) -> Result<axum::Json<FlowList>, ApiError> {
    let flows = newest(&app).await?;
    Ok(axum::Json(FlowList { flows: flows.iter().map(Flow::of).collect() }))
}

/// All flows by id, each in its newest version.
pub(crate) async fn newest(app: &App) -> Result<Vec<FlowRecord>, ApiError> {
    let mut flows: BTreeMap<String, FlowRecord> = BTreeMap::new();
    for flow in app.store().flows().await? {
        match flows.entry(flow.id.clone()) {
            Entry::Vacant(place) => drop(place.insert(flow)),
            Entry::Occupied(mut other) if is_newer(&flow, other.get()) => drop(other.insert(flow)),
            Entry::Occupied(_) => {}
        }
    }
    Ok(flows.into_values().collect())
}

/// Whether a document stands before another of the same flow: by version (Semantic Versioning), then by when it came.
fn is_newer(flow: &FlowRecord, than: &FlowRecord) -> bool {
    rank(flow) > rank(than)
}

fn rank(flow: &FlowRecord) -> (Option<Version>, i64) {
    (Version::parse(&flow.version).ok(), flow.stored_at)
}

/// A flow in its newest version.
#[utoipa::path(get, path = "/api/v1/flows/{id}", tag = "flows", params(("id" = String, Path)), responses((status = 200, body = FlowDetail), Named, Refusable))]
async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<FlowDetail>, ApiError> {
    let (record, _, document) = find(&app, &id, None).await?;
    Ok(axum::Json(FlowDetail::of(&record, &document)))
}

/// The versions of a flow, newest first.
#[utoipa::path(get, path = "/api/v1/flows/{id}/versions", tag = "flows", params(("id" = String, Path)), responses((status = 200, body = Versions), Named))]
async fn versions(State(app): State<App>, Path(id): Path<String>) -> Result<axum::Json<Versions>, ApiError> {
    let flows = of_id(&app, &id).await?;
    Ok(axum::Json(Versions { versions: flows.iter().map(Flow::of).collect(), id }))
}

/// The signed IR document of a version.
#[utoipa::path(
    get, path = "/api/v1/flows/{id}/versions/{version}/ir", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path, description = "a version, or a hash")),
    responses((status = 200, description = "as it was published", body = serde_json::Value), Named, Refusable)
)]
async fn ir(State(app): State<App>, Path((id, version)): Path<(String, String)>) -> Result<Response, ApiError> {
    let (_, bytes, _) = find(&app, &id, Some(&version)).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bytes).into_response())
}

/// The language of pseudocode.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Language {
    /// `uk` or `en`; absent: the flow's own.
    #[param(inline)]
    lang: Option<Locale_>,
}

#[derive(Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Locale_ {
    Uk,
    En,
}

/// The diagram of a version as pseudocode.
#[utoipa::path(
    get, path = "/api/v1/flows/{id}/versions/{version}/pseudocode", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path, description = "a version, or a hash"), Language),
    responses((status = 200, description = "Markdown", body = String, content_type = "text/markdown"), Named, Refusable, Elsewhere)
)]
async fn pseudocode(
    State(app): State<App>,
    Path((id, version)): Path<(String, String)>,
    Query(language): Query<Language>,
) -> Result<Response, ApiError> {
    let (name, bytes, document) = diagram_of(&app, &id, &version).await?;
    let locale = match language.lang {
        Some(Locale_::Uk) => Locale::Uk,
        Some(Locale_::En) => Locale::En,
        None => document.flow.locale,
    };
    let compiler = app.compiler.clone();
    let text = blocking(move || compiler.pseudocode(&name, &bytes, locale)).await?;
    let text = text.map_err(|found| ApiError::compile_failed("the diagram has no pseudocode", &found))?;
    Ok(([(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], text).into_response())
}

/// The diagram of a version as a picture.
#[utoipa::path(
    get, path = "/api/v1/flows/{id}/versions/{version}/diagram.svg", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path, description = "a version, or a hash")),
    responses((status = 200, description = "SVG", body = String, content_type = "image/svg+xml"), Named, Refusable, Elsewhere)
)]
async fn diagram(State(app): State<App>, Path((id, version)): Path<(String, String)>) -> Result<Response, ApiError> {
    let (name, bytes, _) = diagram_of(&app, &id, &version).await?;
    let compiler = app.compiler.clone();
    let svg = blocking(move || compiler.draw(&name, &bytes, &Picture::default())).await?;
    let svg = svg.map_err(|found| ApiError::compile_failed("the diagram cannot be drawn", &found))?;
    Ok(([(header::CONTENT_TYPE, "image/svg+xml")], svg).into_response())
}

/// Keep the file that a version was compiled from: the document names its SHA-256, so it can be no other.
#[utoipa::path(
    put, path = "/api/v1/flows/{id}/versions/{version}/source", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path, description = "a version, or a hash")),
    request_body(content = Vec<u8>, description = "the file, byte for byte", content_type = "application/octet-stream"),
    responses((status = 204, description = "kept"), Named, Sized, Refusable, Elsewhere)
)]
async fn put_source(
    State(app): State<App>,
    Extension(Identity(by)): Extension<Identity>,
    Path((id, version)): Path<(String, String)>,
    Body(bytes): Body,
) -> Result<StatusCode, ApiError> {
    let (record, _, document) = find(&app, &id, Some(&version)).await?;
    let stated = document.source.as_ref().map(|source| source.sha256.as_str());
    let given = Digest::of(&bytes);
    if stated != Some(given.hex().as_str()) {
        let message = format!("the document was not made from this file, whose SHA-256 is {}", given.hex());
        return Err(ApiError::new(Code::SchemaMismatch, message));
    }
    if app.store().blob(given).await?.is_none() {
        app.store().put_blob(bytes.to_vec()).await?;
        let name = format!("{}@{}", record.id, record.version);
        let note = AuditNote::new(app.clock.now(), &by, "flow_source_kept", ("flow", &name));
        let detail = [("source", bloom_ir::Value::from(given.to_string()))].into_iter().collect();
        app.store().note(vec![AuditNote { detail, ..note }]).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The file that a version was compiled from, where it is kept.
#[utoipa::path(
    get, path = "/api/v1/flows/{id}/versions/{version}/source", tag = "flows",
    params(("id" = String, Path), ("version" = String, Path, description = "a version, or a hash")),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), Named, Refusable, Elsewhere)
)]
async fn source(State(app): State<App>, Path((id, version)): Path<(String, String)>) -> Result<Response, ApiError> {
    let (_, bytes, _) = diagram_of(&app, &id, &version).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], bytes).into_response())
}

async fn diagram_of(app: &App, id: &str, version: &str) -> Result<(String, Vec<u8>, Document), ApiError> {
    let (_, _, document) = find(app, id, Some(version)).await?;
    let missing = || ApiError::not_found("source of", format!("{id}@{version}"));
    let source = document.source.clone().ok_or_else(missing)?;
    let digest: Digest = format!("sha256:{}", source.sha256).parse().map_err(|_| missing())?;
    let bytes = app.store().blob(digest).await?.ok_or_else(missing)?;
    Ok((source.name, bytes, document))
}

/// The documents of a flow, the newest version first; none is an error.
pub(crate) async fn of_id(app: &App, id: &str) -> Result<Vec<FlowRecord>, ApiError> {
    let mut flows = app.store().flow_versions(id).await?;
    if flows.is_empty() {
        flows = app.store().flows_of(id).await?;
    }
    // Of several documents of one version the last that came is the first.
    flows.reverse();
    flows.sort_by_cached_key(|flow| Reverse(rank(flow)));
    if flows.is_empty() { Err(ApiError::not_found("flow", id)) } else { Ok(flows) }
}

/// A document of a flow: of a version, of a hash, or the newest.
pub(crate) async fn find(
    app: &App,
    id: &str,
    version: Option<&str>,
) -> Result<(FlowRecord, Vec<u8>, Document), ApiError> {
    let (record, bytes) = located(app, id, version).await?;
    let document =
        validate::read(&bytes).map_err(|found| ApiError::compile_failed("the document has errors", &found))?;
    Ok((record, bytes, document))
}

async fn located(app: &App, id: &str, version: Option<&str>) -> Result<(FlowRecord, Vec<u8>), ApiError> {
    let missing = || ApiError::not_found("flow", format!("{id}@{}", version.unwrap_or("latest")));
    let registered = app.store().flow_versions(id).await?.into_iter();
    let hash: Option<Digest> = version.and_then(|version| version.parse().ok());
    let is_it = |flow: &FlowRecord| match (hash, version) {
        (Some(hash), _) => flow.hash == hash,
        (None, Some(version)) => flow.version == version,
        (None, None) => true,
    };
    // Of several documents of one version the last that came.
    let record = match registered.filter(is_it).max_by_key(rank) {
        Some(record) => Some(record),
        None if version.is_none() => app.store().flow_draft(id).await?,
        None => app.store().flows_of(id).await?.into_iter().rev().find(is_it),
    };
    let record = record.ok_or_else(missing)?;
    let bytes = app.store().flow_document(record.hash).await?.ok_or_else(missing)?;
    Ok((record, bytes))
}

/// A version of a flow that may run.
pub(super) async fn verified(app: &App, id: &str, version: Option<&str>) -> Result<VerifiedIr, ApiError> {
    let (_, bytes) = located(app, id, version).await?;
    Ok(app.engine.verified(&bytes)?)
}

/// Does what takes its time where that holds nobody up.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| ApiError::internal(&error))
}
