//! What clients see: the shapes of the API, made from records.
//!
//! Times are texts (ISO 8601, UTC), as the gateway's contract has them; names are `snake_case`.

mod flow;
mod proposal;
mod run;
mod tool;

pub(crate) use flow::{Checked, Flow, FlowDetail, FlowList, Found, Named, Published, Signer, Versions};
pub(crate) use proposal::{Batch, BatchError, Decided, Proposal, ProposalList};
pub(crate) use run::{
    Counted, Envelope, History, Question, Questions, ReplayReport, Run, RunArtifact, RunArtifacts, RunList, Steps,
    Total, Trace, WhatIfReport,
};
pub(crate) use tool::{AuditPage, AuditProof, Compiling, Tool, ToolList, entries as audit_entries};

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;

/// What stands in the body of an error.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ErrorBody {
    error: ErrorPart,
    /// What the client named in `X-Correlation-Id`, else the request's own id.
    correlation_id: String,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorPart {
    /// What went wrong, for programs.
    #[schema(example = "NOT_FOUND")]
    pub(crate) code: String,
    /// For people.
    pub(crate) message: String,
    /// More, by code: `field`, `problems`, `diagnostics`, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<serde_json::Value>,
}

impl ErrorPart {
    pub(crate) fn of(error: ApiError) -> Self {
        Self { code: error.code.name().to_owned(), message: error.message, details: error.details }
    }
}

/// A time of the store (Unix milliseconds) as clients read it: ISO 8601 in UTC, always with milliseconds, so that such texts
/// stand in the order of their times. What is beyond the years that can be written is the last moment of them, or the first.
pub(crate) fn time(at: i64) -> String {
    let furthest = if at < 0 { Timestamp::MIN } else { Timestamp::MAX };
    format!("{:.3}", Timestamp::from_millisecond(at).unwrap_or(furthest))
}

const DAY: i64 = 24 * 60 * 60 * 1000;

/// The beginning of a span of time that a client wrote, in Unix milliseconds: ISO 8601, or a date, which is its midnight
/// (UTC).
pub(crate) fn time_from(field: &str, given: Option<String>) -> Result<Option<i64>, ApiError> {
    written_time(field, given, 0)
}

/// The end of such a span: a date is the midnight after it.
pub(crate) fn time_to(field: &str, given: Option<String>) -> Result<Option<i64>, ApiError> {
    written_time(field, given, DAY)
}

fn written_time(field: &str, given: Option<String>, of_date: i64) -> Result<Option<i64>, ApiError> {
    let Some(text) = given else { return Ok(None) };
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(Some(time.as_millisecond()));
    }
    let date = text.parse::<jiff::civil::Date>().ok().filter(|_| !text.contains(['T', 't', ' ']));
    let midnight = date.and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok());
    match midnight {
        Some(midnight) => Ok(Some(midnight.timestamp().as_millisecond().saturating_add(of_date))),
        None => Err(ApiError::invalid(field, "it must be a time in ISO 8601, or a date")),
    }
}

/// A text as one part of a path, or as a value in a query (RFC 3986 §2.3).
pub(crate) fn segment(text: &str) -> String {
    text.bytes().fold(String::new(), |mut path, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            path.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(path, "%{byte:02X}");
        }
        path
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_part_of_a_path_holds_nothing_that_ends_it() {
        assert_eq!(super::segment("a/b?c#d e.ї"), "a%2Fb%3Fc%23d%20e.%D1%97");
    }

    #[test]
    fn times_are_in_order_as_texts() {
        let times: Vec<String> = [0, 10, 15, 20, 999, 1000, 1001, 1_700_000_000_500, i64::MAX].map(super::time).into();
        assert!(times.is_sorted(), "{times:?}");
        assert_eq!(times[1], "1970-01-01T00:00:00.010Z");
        for far in [i64::MIN, i64::MAX] {
            assert!(super::time(far).parse::<super::Timestamp>().is_ok(), "{}", super::time(far));
        }
    }
}
