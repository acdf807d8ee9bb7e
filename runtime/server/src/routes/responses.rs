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
    /// Of every route behind the key that takes parameters.
    Common: BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, INTERNAL_SERVER_ERROR;
    /// Of a route that names something.
    Named: BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, TOO_MANY_REQUESTS, INTERNAL_SERVER_ERROR;
    /// Of a route that answers with a part of something, besides.
    Part: RANGE_NOT_SATISFIABLE;
    /// Of a route that changes something that it names.
    Changing: BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, REQUEST_TIMEOUT, CONFLICT, PAYLOAD_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE, UNPROCESSABLE_ENTITY, TOO_MANY_REQUESTS, INTERNAL_SERVER_ERROR, SERVICE_UNAVAILABLE;
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
