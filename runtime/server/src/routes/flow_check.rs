//! What would become of a flow if it were published.

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bloom_ir::diagnostic::{Place, Severity};
use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Document, PublicKey, VerifiedIr, VerifyError, sign, validate, verify};
use bloom_runtime::compiler::{Called, Marks, Picture};
use bloom_runtime::record::FlowConflict;
use bloom_runtime::store::StoreError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows::{self, Sent, Source};
use super::responses::{Bodied, Common};
use crate::app::App;
use crate::auth::Holder;
use crate::error::{ApiError, Code};
use crate::extract::{Body, Query};
use crate::ui::language;
use crate::view::{Checked, ErrorPart, Found, Named, Signer};

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(check))
}

/// Check a flow without publishing it: what `POST /api/v1/flows` with the same parameters and body would do, what was found, and
/// the diagram with what has errors marked. Messages are English, or Ukrainian where `Accept-Language` prefers it.
#[utoipa::path(
    post, path = "/api/v1/check", tag = "flows", params(Source, ("Accept-Language" = Option<String>, Header)),
    request_body(
        content((serde_json::Value = "application/json"), (Vec<u8> = "application/octet-stream")),
        description = "a signed IR document (JSON); with `name`, a diagram or pseudocode as its file holds it",
    ),
    responses((status = 200, description = "what was found", body = Checked), Common, Bodied)
)]
async fn check(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    headers: HeaderMap,
    Query(source): Query<Source>,
    Body(bytes): Body,
) -> Result<Response, ApiError> {
    let locale = language::preferred(&headers);
    let looked = match Sent::of(source, &headers, &bytes)? {
        Sent::Diagram { name, called } => of_diagram(&app, &holder, locale, name, called, bytes).await?,
        Sent::Document => of_document(&app, &bytes).await?,
    };
    let mut newest = None;
    if let Some(document) = &looked.document {
        newest = match flows::of_id(&app, &document.flow.id).await {
            Ok(flows) => flows.first().map(|flow| flow.version.clone()),
            Err(error) if error.code == Code::NotFound => None,
            Err(error) => return Err(error),
        };
    }
    let trust = app.trust.trusted();
    let checked = Checked {
        flow: looked.document.as_ref().map(Named::of),
        known: looked.is_known,
        newest,
        signers: looked.signers.iter().map(|key| Signer::of(key, &trust)).collect(),
        refused: looked.refused.map(ErrorPart::of),
        diagnostics: looked.found.iter().map(|found| Found::of(found, locale)).collect(),
        picture: looked.picture,
    };
    let language = [(header::CONTENT_LANGUAGE, locale.tag()), (header::VARY, "accept-language")];
    Ok((language.map(|(name, value)| (name, HeaderValue::from_static(value))), axum::Json(checked)).into_response())
}

/// What was seen of a flow.
#[derive(Default)]
struct Looked {
    /// Absent where it has errors.
    document: Option<Document>,
    is_known: bool,
    signers: Vec<PublicKey>,
    refused: Option<ApiError>,
    found: Vec<Diagnostic>,
    picture: Option<String>,
}

impl Looked {
    /// It would be refused with this; a failure of the server is no answer.
    fn refuse(&mut self, error: ApiError) -> Result<(), ApiError> {
        if error.code.status().is_server_error() {
            return Err(error);
        }
        self.refused = Some(error);
        Ok(())
    }

    /// What stands against a document that may be trusted.
    async fn stand(&mut self, app: &App, ir: &VerifiedIr) -> Result<(), ApiError> {
        self.signers = ir.signers().to_vec();
        self.found
            .extend(ir.warnings().iter().filter(|warning| !self.found.contains(warning)).cloned().collect::<Vec<_>>());
        match known(app, ir).await {
            Ok(is_known) => self.is_known = is_known,
            Err(error) => self.refuse(error)?,
        }
        match app.engine.admit(ir).await {
            Ok(()) => Ok(()),
            Err(error) => self.refuse(error.into()),
        }
    }
}

/// Whether this program is there under its name; another one is a conflict.
async fn known(app: &App, ir: &VerifiedIr) -> Result<bool, ApiError> {
    let flow = &ir.document().flow;
    let Some(version) = app.store().flow_version(&flow.id, &flow.version).await? else { return Ok(false) };
    if version.program == ir.program() {
        return Ok(true);
    }
    let conflict = FlowConflict { id: flow.id.clone(), version: flow.version.clone(), known: version.program };
    Err(StoreError::FlowConflict(conflict).into())
}

fn malformed() -> ApiError {
    ApiError::new(Code::CompileFailed, "this cannot be compiled")
}

async fn of_diagram(
    app: &App,
    holder: &Holder,
    locale: Locale,
    name: String,
    called: Called,
    bytes: Bytes,
) -> Result<Looked, ApiError> {
    let compiler = app.compiler.clone();
    let work = move || {
        let compiled = compiler.compile(&name, &bytes, called);
        let errors = compiled.diagnostics.iter().filter(|found| found.severity == Severity::Error);
        let failed: BTreeSet<String> = errors.filter_map(|error| icon(&error.place).map(str::to_owned)).collect();
        let marks = Some(Marks { failed, ..Marks::default() });
        let picture = Picture { locale: Some(locale), is_part: true, marks };
        (compiled, compiler.draw(&name, &bytes, &picture).ok())
    };
    let (compiled, picture) = flows::blocking(work).await?;
    let mut looked = Looked { found: compiled.diagnostics, picture, ..Looked::default() };
    let Some(document) = compiled.document else {
        looked.refused = Some(malformed());
        return Ok(looked);
    };
    match flows::signing_key(app) {
        Ok(key) => {
            let signed = sign::seal(document.clone(), &[&key]).to_bytes();
            match verify(&signed, &app.trust.trusted(), app.clock.now()) {
                Ok(ir) => looked.stand(app, &ir).await?,
                Err(error) => looked.refused = Some(error.into()),
            }
            // It is the server that would sign, whoever else is trusted.
            looked.signers = vec![key.public()];
        }
        Err(error) => looked.refused = Some(error),
    }
    // What a person can do about it stands before what the server's own settings forbid.
    if let Err(error) = holder.owner() {
        looked.refused = Some(error);
    }
    looked.document = Some(document);
    Ok(looked)
}

/// The icon of a place.
fn icon(place: &Place) -> Option<&str> {
    match place {
        Place::Item { id, .. } => Some(id),
        Place::Node { item, .. } => item.as_deref(),
        Place::File | Place::Line { .. } => None,
    }
}

async fn of_document(app: &App, bytes: &[u8]) -> Result<Looked, ApiError> {
    let mut looked = Looked::default();
    match verify(bytes, &app.trust.trusted(), app.clock.now()) {
        Ok(ir) => {
            looked.stand(app, &ir).await?;
            looked.document = Some(ir.document().clone());
        }
        Err(VerifyError::Malformed(found)) => {
            looked.found = found;
            looked.refused = Some(malformed());
        }
        Err(error) => {
            looked.document = validate::read(bytes).ok();
            looked.refused = Some(error.into());
        }
    }
    Ok(looked)
}
