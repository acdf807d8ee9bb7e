//! What many routes may answer, for the description of the API.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, PartialSchema as _, ToSchema};

use crate::view::ErrorBody;

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident: $($status:ident),*;)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                refusals(&[$(StatusCode::$status),*])
            }
        }
    )*};
}

answers! {
    /// Of every route behind the key.
    Common: BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, INTERNAL_SERVER_ERROR,
        SERVICE_UNAVAILABLE;
    /// Of one that names something: the same, and that there is no such thing.
    Named: BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, INTERNAL_SERVER_ERROR,
        SERVICE_UNAVAILABLE;
    /// Of a route that answers with a part of something, besides.
    Part: RANGE_NOT_SATISFIABLE;
    /// Of a route that takes a body, besides.
    Sized: PAYLOAD_TOO_LARGE;
    /// Of a route that takes a body of a certain type, besides.
    Bodied: PAYLOAD_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE;
    /// Of a route that changes what may stand where it cannot be changed so, besides.
    Conflicting: CONFLICT;
    /// Of a route that reads documents, or holds what was sent against a schema, besides.
    Refusable: UNPROCESSABLE_ENTITY;
    /// Of a route that reads or keeps what may lie elsewhere, besides.
    Elsewhere: BAD_GATEWAY;
}

fn refusals(statuses: &[StatusCode]) -> BTreeMap<String, RefOr<Response>> {
    let content = || ContentBuilder::new().schema(Some(Ref::from_schema_name(ErrorBody::name()))).build();
    let refusal = |status: &StatusCode| {
        let description = status.canonical_reason().unwrap_or_default();
        let response = ResponseBuilder::new().description(description).content("application/json", content()).build();
        (status.as_str().to_owned(), RefOr::T(response))
    };
    statuses.iter().map(refusal).collect()
}

/// The schema of the bodies of errors.
pub(crate) fn schemas() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut schemas = vec![(ErrorBody::name().into_owned(), ErrorBody::schema())];
    ErrorBody::schemas(&mut schemas);
    schemas
}
