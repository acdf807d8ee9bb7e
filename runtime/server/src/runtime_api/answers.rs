//! What many of these routes may answer, for the description of the API.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde::Serialize;
use utoipa::openapi::{Content, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema as _, ToSchema};

use super::error::is_of_group;

/// Something cannot be done.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuntimeError {
    error: Reason,
    /// For programs, where several refusals have the same status: `LEASE_STALE`, `EFFECT_RESOLVED`, `RUN_ENDED`, `ENROLL_USED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
}

/// What is wrong.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "for the description")]
enum Reason {
    /// For people.
    Message(String),
    /// Of a body whose members are not what they must be.
    Fields(WrongFields),
}

/// What is wrong with a body.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct WrongFields {
    /// With the body as a whole.
    form_errors: Vec<String>,
    /// With its members, by name.
    field_errors: BTreeMap<String, Vec<String>>,
}

/// Whatever is asked, this may be the answer.
const ALWAYS: [StatusCode; 7] = [
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::REQUEST_TIMEOUT,
    StatusCode::TOO_MANY_REQUESTS,
    StatusCode::INTERNAL_SERVER_ERROR,
    StatusCode::SERVICE_UNAVAILABLE,
];

/// Where there is a body, this too.
const OF_BODIES: [StatusCode; 2] = [StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNSUPPORTED_MEDIA_TYPE];

/// Of what reads or keeps what tasks bring, which may lie elsewhere.
const ELSEWHERE: [&str; 5] = ["/complete", "/result", "/events", "/artifacts", "/artifacts/{digest}"];

/// Says of all operations of this group what any of them may answer, and which body refusals have.
pub(crate) fn complete(description: &mut OpenApi) {
    for (path, item) in &mut description.paths.paths {
        if !is_of_group(path) {
            continue;
        }
        let methods = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        for operation in methods.into_iter().flatten() {
            let answers = &mut operation.responses.responses;
            let is_elsewhere = ELSEWHERE.iter().any(|end| path.ends_with(end));
            let mut statuses = ALWAYS.to_vec();
            statuses.extend(OF_BODIES.into_iter().filter(|_| operation.request_body.is_some()));
            statuses.extend(is_elsewhere.then_some(StatusCode::BAD_GATEWAY));
            for status in statuses {
                answers.entry(status.as_str().to_owned()).or_insert_with(|| RefOr::T(refusal(status)));
            }
            for (status, answer) in answers {
                if let RefOr::T(answer) = answer
                    && answer.content.is_empty()
                    && status.as_str() >= "400"
                {
                    answer.content.insert("application/json".to_owned(), RefOr::T(content()));
                }
            }
        }
    }
    let mut schemas = vec![(RuntimeError::name().into_owned(), RuntimeError::schema())];
    RuntimeError::schemas(&mut schemas);
    description.components.get_or_insert_default().schemas.extend(schemas);
}

fn refusal(status: StatusCode) -> Response {
    ResponseBuilder::new().description(status.canonical_reason().unwrap_or_default()).build()
}

fn content() -> Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(RuntimeError::name()))).build()
}
