//! What a client is told when something cannot be done.
//!
//! Handlers give an [`ApiError`]; the body is written by the layer around all routes ([`crate::request`]), which knows the
//! request's correlation id and the shape of the group of routes that was asked.

use std::io;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bloom_ir::{Diagnostic, VerifyError};
use bloom_runtime::apply::ApplyError;
use bloom_runtime::engine::EngineError;
use bloom_runtime::record::{ProposalError, RunError};
use bloom_runtime::store::StoreError;
use serde_json::{Value, json};

/// A refusal, or a failure of the server.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) code: Code,
    /// For people.
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $written:literal $status:ident)*) => {
        /// What went wrong, for programs. Each has one status.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// As it is written.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$name => $written,)* }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$name => StatusCode::$status,)* }
            }
        }
    };
}

codes! {
    /// A parameter, a header or a member of the body is not what it must be.
    ValidationFailed = "VALIDATION_FAILED" BAD_REQUEST
    /// The body is no JSON.
    InvalidJson = "INVALID_JSON" BAD_REQUEST
    /// No key, or another one.
    AuthRequired = "AUTH_REQUIRED" UNAUTHORIZED
    /// The session is over.
    TokenExpired = "TOKEN_EXPIRED" UNAUTHORIZED
    /// There is no such token for a node.
    EnrollUnknown = "ENROLL_UNKNOWN" UNAUTHORIZED
    /// The token for a node was used before.
    EnrollUsed = "ENROLL_USED" GONE
    /// The time of the token for a node is over.
    EnrollExpired = "ENROLL_EXPIRED" GONE
    /// Not from there, or not with this identity.
    Forbidden = "FORBIDDEN" FORBIDDEN
    /// A context refuses what is asked of it.
    ContextDenied = "CONTEXT_DENIED" FORBIDDEN
    /// There is no such thing.
    NotFound = "NOT_FOUND" NOT_FOUND
    /// There is such a path, but not with this method.
    MethodNotAllowed = "METHOD_NOT_ALLOWED" METHOD_NOT_ALLOWED
    /// The request did not come in time.
    RequestTimeout = "REQUEST_TIMEOUT" REQUEST_TIMEOUT
    /// It stands where this cannot be done.
    InvalidTransition = "INVALID_TRANSITION" CONFLICT
    /// Somebody else changed it at the same time.
    ConcurrentModification = "CONCURRENT_MODIFICATION" CONFLICT
    /// The same key was used for another request.
    DuplicateEntry = "DUPLICATE_ENTRY" CONFLICT
    /// Another program stands under this name and version.
    FlowConflict = "FLOW_CONFLICT" CONFLICT
    /// The run has ended.
    RunEnded = "RUN_ENDED" CONFLICT
    /// By the other program the run would not have come to where it is to be forked.
    ForkDiffers = "FORK_DIFFERS" CONFLICT
    /// The body is too large.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE" PAYLOAD_TOO_LARGE
    /// The body is of a type that is not read here.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" UNSUPPORTED_MEDIA_TYPE
    /// Of what is there, no part was asked for.
    RangeNotSatisfiable = "RANGE_NOT_SATISFIABLE" RANGE_NOT_SATISFIABLE
    /// The diagram or the document has errors.
    CompileFailed = "COMPILE_FAILED" UNPROCESSABLE_ENTITY
    /// Nobody who is trusted signed it, or it was changed.
    Untrusted = "UNTRUSTED" UNPROCESSABLE_ENTITY
    /// The flow asks for what it may not have here.
    PolicyRefused = "POLICY_REFUSED" UNPROCESSABLE_ENTITY
    /// What was sent is JSON, but not what is asked for.
    SchemaMismatch = "SCHEMA_MISMATCH" UNPROCESSABLE_ENTITY
    /// Too much at once; later it may do.
    RateLimited = "RATE_LIMITED" TOO_MANY_REQUESTS
    /// The server failed.
    Internal = "INTERNAL_ERROR" INTERNAL_SERVER_ERROR
    /// What lies elsewhere cannot be had, or put there, for now.
    Upstream = "UPSTREAM_UNAVAILABLE" BAD_GATEWAY
    /// Not now; the run can go on later.
    Unavailable = "UNAVAILABLE" SERVICE_UNAVAILABLE
}

impl ApiError {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None }
    }

    /// Of a parameter or a member of the body.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Self::new(Code::ValidationFailed, message).with(json!({ "field": field }))
    }

    pub(crate) fn not_found(kind: &str, id: impl std::fmt::Display) -> Self {
        Self::new(Code::NotFound, format!("there is no {kind} {id}"))
    }

    pub(crate) fn compile_failed(message: &str, diagnostics: &[Diagnostic]) -> Self {
        Self::new(Code::CompileFailed, message).with(json!({ "diagnostics": diagnostics }))
    }

    #[must_use]
    pub(crate) fn with(mut self, details: Value) -> Self {
        self.details = Some(details);
        self
    }

    /// A failure of the server: what happened goes to the log, and not to the client.
    pub(crate) fn internal(error: &dyn std::error::Error) -> Self {
        let mut told = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            told = format!("{told}: {cause}");
            source = cause.source();
        }
        tracing::error!(error = told, "a request failed");
        Self::new(Code::Internal, "the server could not do it; its log says why")
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let message = error.to_string();
        match error {
            StoreError::NotFound { .. } => Self::new(Code::NotFound, message),
            StoreError::FlowConflict(conflict) => {
                Self::new(Code::FlowConflict, message).with(json!({ "program": conflict.known }))
            }
            StoreError::RunExists(_) | StoreError::Exists { .. } => Self::new(Code::DuplicateEntry, message),
            StoreError::Run(RunError::Ended { .. }) => Self::new(Code::RunEnded, message),
            StoreError::Run(RunError::OutOfSequence { .. } | RunError::OtherHistory { .. }) => {
                Self::new(Code::ConcurrentModification, message)
            }
            StoreError::Proposal(ProposalError::Duplicate { .. } | ProposalError::Expired { .. }) => {
                Self::new(Code::InvalidTransition, message)
            }
            StoreError::Proposal(ProposalError::Status { from, to, .. }) => Self::new(
                Code::InvalidTransition,
                format!("Cannot transition from '{}' to '{}'", from.name(), to.name()),
            ),
            StoreError::Unavailable(_) => {
                tracing::warn!(error = message, "a request cannot be served for now");
                Self::new(Code::Upstream, "artifacts cannot be read or kept for now; the log says why")
            }
            StoreError::Backend(_) | StoreError::Closed => {
                let kind = error.disk();
                tracing::error!(%error, "the store failed");
                Self::new(Code::Unavailable, out_of_order(kind))
            }
            other => Self::internal(&other),
        }
    }
}

/// Why nothing can be stored for now, as far as a client may know.
fn out_of_order(kind: Option<io::ErrorKind>) -> &'static str {
    match kind {
        Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge) => {
            "the server's disk is full: what was asked for may not be recorded"
        }
        Some(io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied) => {
            "the server's disk cannot be written: what was asked for may not be recorded"
        }
        _ => "the server's store fails for now: what was asked for may not be recorded",
    }
}

impl From<EngineError> for ApiError {
    fn from(error: EngineError) -> Self {
        let message = error.to_string();
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::Refused(refusals) => {
                let problems: Vec<String> = refusals.iter().map(ToString::to_string).collect();
                Self::new(Code::PolicyRefused, message).with(json!({ "problems": problems }))
            }
            EngineError::Context(denied) => Self::new(Code::ContextDenied, message)
                .with(json!({ "context": denied.context, "agent": denied.agent, "asked_for": denied.what.name() })),
            EngineError::Untrusted(error) => error.into(),
            EngineError::Load(_) => Self::new(Code::CompileFailed, message),
            EngineError::Inputs(error) => {
                let mut details = json!({ "code": error.code });
                if let Some(more) = error.details {
                    details["details"] = more.to_json();
                }
                Self::new(Code::SchemaMismatch, message).with(details)
            }
            EngineError::Over { end, .. } => Self::new(Code::RunEnded, message).with(json!({ "status": end.status() })),
            EngineError::NoSuchSignal { awaited, .. } => {
                Self::new(Code::NotFound, message).with(json!({ "awaited": awaited }))
            }
            EngineError::Payload { problems } => {
                Self::new(Code::SchemaMismatch, message).with(json!({ "problems": problems }))
            }
            EngineError::QueueFull(full) => Self::new(Code::RateLimited, message).with(json!({
                "agent": full.agent, "under_way": full.under_way, "queued": full.queued,
            })),
            EngineError::NoSuchBudget(unknown) => Self::new(Code::PolicyRefused, message).with(json!({
                "field": "limits.cost_policy", "value": unknown.name, "allowed": unknown.known,
            })),
            EngineError::NotBegun(_) => Self::new(Code::InvalidTransition, message).with(json!({ "status": "queued" })),
            EngineError::PayloadTooLarge { .. } => Self::new(Code::PayloadTooLarge, message),
            EngineError::TooManySignals { .. } => Self::new(Code::RateLimited, message),
            EngineError::ForkPoint { at, most, .. } => {
                Self::new(Code::ValidationFailed, message).with(json!({ "field": "at", "value": at, "most": most }))
            }
            EngineError::ForkDiffers { verdict, .. } => {
                Self::new(Code::ForkDiffers, message).with(json!({ "verdict": verdict.to_string() }))
            }
            EngineError::QuestionClosed { status, .. } => {
                Self::new(Code::InvalidTransition, message).with(json!({ "status": status }))
            }
            EngineError::NoSuchEffect { .. } => Self::new(Code::InvalidTransition, message),
            EngineError::Halted { .. } | EngineError::Interrupted { .. } => Self::new(Code::Unavailable, message),
            other => Self::internal(&other),
        }
    }
}

impl From<VerifyError> for ApiError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Malformed(diagnostics) => Self::compile_failed("the document has errors", &diagnostics),
            other => Self::new(Code::Untrusted, other.to_string()),
        }
    }
}

impl From<ApplyError> for ApiError {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Store(error) => error.into(),
            lost @ ApplyError::Interrupted(_) => Self::internal(&lost),
        }
    }
}
