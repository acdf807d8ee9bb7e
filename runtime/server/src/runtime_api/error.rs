//! What clients of this group of routes are told when something cannot be done: `{"error": …}`, where `…` is a message, or
//! for a body that is not what it must be an object of `formErrors` and `fieldErrors`.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bloom_runtime::dispatch::TaskError;
use bloom_runtime::engine::EngineError;
use bloom_runtime::record::RunError;
use bloom_runtime::store::StoreError;
use serde_json::{Value, json};

use crate::error::{ApiError, Code};

/// A refusal.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    status: StatusCode,
    error: Value,
    /// For programs, where several refusals have the same status.
    code: Option<&'static str>,
}

impl Refused {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, error: Value::String(message.into()), code: None }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self { code: Some(code), ..Self::new(StatusCode::CONFLICT, message) }
    }

    /// A body whose members are not what they must be.
    pub(crate) fn fields(form: &[String], fields: &std::collections::BTreeMap<String, Vec<String>>) -> Self {
        let error = json!({ "formErrors": form, "fieldErrors": fields });
        Self { status: StatusCode::BAD_REQUEST, error, code: None }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut body = json!({ "error": self.error });
        if let Some(code) = self.code {
            body["code"] = code.into();
        }
        (self.status, axum::Json(body)).into_response()
    }
}

impl From<TaskError> for Refused {
    fn from(error: TaskError) -> Self {
        let message = error.to_string();
        match error {
            TaskError::Stale { .. } => Self::conflict("LEASE_STALE", message),
            TaskError::EffectResolved { .. } => Self::conflict("EFFECT_RESOLVED", message),
            TaskError::NotQueued { .. }
            | TaskError::NotDue { .. }
            | TaskError::NotHeld { .. }
            | TaskError::NotFailed { .. } => Self::new(StatusCode::CONFLICT, message),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Task(error) => error.into(),
            StoreError::Run(error @ (RunError::OutOfSequence { .. } | RunError::OtherHistory { .. })) => {
                Self::conflict("HISTORY_GAP", error.to_string())
            }
            StoreError::NotFound { kind, .. } => {
                let mut letters = kind.chars();
                let first = letters.next().map(|letter| letter.to_ascii_uppercase());
                Self::not_found(&first.into_iter().chain(letters).collect::<String>())
            }
            other => ApiError::from(other).into(),
        }
    }
}

impl From<EngineError> for Refused {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::NoWorker(_) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "No available worker with free capacity")
            }
            EngineError::ProofNeeded(_) => Self::conflict("LEASE_STALE", error.to_string()),
            EngineError::Unfollowed { .. } => {
                Self { code: Some("HISTORY_REFUSED"), ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, error.to_string()) }
            }
            EngineError::Over { .. } => Self::conflict("RUN_ENDED", error.to_string()),
            other => ApiError::from(other).into(),
        }
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Self {
        // Which of these it is decides what is to be done about it.
        let is_told =
            matches!(error.code, Code::EnrollUnknown | Code::EnrollUsed | Code::EnrollExpired | Code::ContextDenied);
        let code = is_told.then(|| error.code.name());
        let message = match error.code {
            Code::AuthRequired | Code::TokenExpired => "Unauthorized".to_owned(),
            Code::RateLimited => "Too many requests, please try again later".to_owned(),
            _ => error.message,
        };
        Self { code, ..Self::new(error.code.status(), message) }
    }
}

/// Gives the errors of what stands around the handlers the shape of this group, also where no route is.
pub(crate) async fn restate(request: Request, next: Next) -> Response {
    let is_here = is_of_group(request.uri().path());
    let mut response = next.run(request).await;
    if !is_here {
        return response;
    }
    match response.extensions_mut().remove::<ApiError>() {
        Some(error) => {
            let mut restated = Refused::from(error).into_response();
            // What says what would be taken stays.
            restated
                .headers_mut()
                .extend(response.headers_mut().remove(header::ALLOW).map(|allow| (header::ALLOW, allow)));
            restated
        }
        None => response,
    }
}

/// The paths under which errors have this shape.
pub(super) const GROUPS: [&str; 3] = ["/api/runtime", "/api/membridge", "/l"];

/// Whether a path is one of these, or below one.
pub(super) fn is_of_group(path: &str) -> bool {
    let below = |group: &&str| path.strip_prefix(*group).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    GROUPS.iter().any(below)
}
