//! What handlers take from a request; what is wrong with it is told in one way.

use axum::RequestPartsExt as _;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::error::{ApiError, Code};

/// Parameters of the path.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send + 'static> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let path = parts.extract::<axum::extract::Path<T>>().await;
        path.map(|axum::extract::Path(value)| Self(value)).map_err(|error| ApiError::invalid("path", error.body_text()))
    }
}

/// Parameters after the question mark.
pub(crate) struct Query<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|error| ApiError::invalid("query", error.body_text()))
    }
}

/// A body of JSON. An absent one is `{}`.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let is_json =
            content_type(request.headers()).is_none_or(|mime| mime == "application/json" || mime.ends_with("+json"));
        let Body(bytes) = Body::from_request(request, state).await?;
        if !is_json && !bytes.is_empty() {
            return Err(ApiError::new(Code::UnsupportedMediaType, "the body must be application/json"));
        }
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        parse(bytes).map(Self)
    }
}

/// Reads JSON, and tells the member that is wrong.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = json!({ "line": error.line(), "column": error.column() });
        let code = match error.classify() {
            serde_json::error::Category::Data => Code::ValidationFailed,
            _ => Code::InvalidJson,
        };
        ApiError::new(code, error.to_string()).with(place)
    })
}

/// A body of bytes, as large as it may be.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(error)) if error.status() == Code::PayloadTooLarge.status() => {
                Err(ApiError::new(Code::PayloadTooLarge, "the body is larger than this server takes"))
            }
            Err(error) => Err(ApiError::invalid("body", error.body_text())),
        }
    }
}

/// The media type of the body, in small letters, without parameters.
pub(crate) fn content_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

/// Whether the client wants this media type, and named it before `other` or without it.
pub(crate) fn prefers(headers: &HeaderMap, wanted: &str, other: &str) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let place =
        |mime: &str| accept.split(',').position(|part| part.split(';').next().is_some_and(|part| part.trim() == mime));
    match (place(wanted), place(other)) {
        (Some(wanted), Some(other)) => wanted < other,
        (wanted, _) => wanted.is_some(),
    }
}
