//! Contents that never change: whole, in part, or not at all where a client has them (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bloom_ir::Digest;
use serde::de::IgnoredAny;

use crate::error::{ApiError, Code};

pub(crate) const TEXT: &str = "text/plain; charset=utf-8";
pub(crate) const JSON: &str = "application/json";
pub(crate) const BYTES: &str = "application/octet-stream";

/// Bytes that stand under their digest.
pub(crate) struct Content {
    pub(crate) bytes: Vec<u8>,
    pub(crate) digest: Digest,
    /// Their media type.
    pub(crate) kind: &'static str,
}

/// What is known of bytes before they are read.
pub(crate) struct Outline {
    pub(crate) length: usize,
    pub(crate) digest: Digest,
    /// Their media type.
    pub(crate) kind: &'static str,
}

/// What a client asks of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    All,
    Part(Range<usize>),
    /// There is nothing of it.
    Nothing,
    /// The client has it already.
    Known,
}

impl Content {
    /// The answer to a request with these headers.
    pub(crate) fn answer(self, method: &Method, headers: &HeaderMap) -> Response {
        let bytes = Bytes::from(self.bytes);
        let outline = Outline { length: bytes.len(), digest: self.digest, kind: self.kind };
        let wanted = outline.wanted(method, headers);
        let read = match &wanted {
            Wanted::All => bytes,
            Wanted::Part(part) => bytes.slice(part.clone()),
            Wanted::Nothing | Wanted::Known => Bytes::new(),
        };
        outline.answer(&wanted, read)
    }
}

impl Outline {
    /// What a request with these headers asks for.
    pub(crate) fn wanted(&self, method: &Method, headers: &HeaderMap) -> Wanted {
        // It comes before ranges (section 13.2.2).
        if is_known(headers, &self.tag()) { Wanted::Known } else { wanted(method, headers, &self.tag(), self.length) }
    }

    /// The answer to that, with the bytes that are wanted.
    pub(crate) fn answer(&self, wanted: &Wanted, read: Bytes) -> Response {
        let length = self.length;
        let (status, range) = match wanted {
            Wanted::All => (StatusCode::OK, None),
            Wanted::Part(part) => {
                let range = format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1));
                (StatusCode::PARTIAL_CONTENT, Some(range))
            }
            Wanted::Nothing => {
                let refused = ApiError::new(Code::RangeNotSatisfiable, format!("there are only {length} bytes"));
                let mut response = refused.into_response();
                set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
                return response;
            }
            Wanted::Known => {
                let mut response = StatusCode::NOT_MODIFIED.into_response();
                set(&mut response, header::ETAG, &self.tag());
                return response;
            }
        };
        let mut response = (status, read).into_response();
        set(&mut response, header::CONTENT_TYPE, self.kind);
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        set(&mut response, header::ETAG, &self.tag());
        if let Some(range) = range {
            set(&mut response, header::CONTENT_RANGE, &range);
        }
        response
    }

    fn tag(&self) -> String {
        format!("\"{}\"", self.digest)
    }
}

/// The media type of what workers bring, which is text; of a flow's questions it is the answer, an object.
pub(crate) fn kind(bytes: &[u8]) -> &'static str {
    let is_structured = matches!(bytes.first(), Some(b'{' | b'['));
    match std::str::from_utf8(bytes) {
        Ok(text) if is_structured && serde_json::from_str::<IgnoredAny>(text).is_ok() => JSON,
        Ok(_) => TEXT,
        Err(_) => BYTES,
    }
}

/// The media type of that name, if it is one of ours.
pub(crate) fn known_kind(name: &str) -> Option<&'static str> {
    [TEXT, JSON, BYTES].into_iter().find(|kind| *kind == name)
}

/// Whether the client has it already: `If-None-Match`, which compares weakly (section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = given.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    // Digests, numbers and media types are texts that a header takes.
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A server may take several ranges, and one that it does not understand, for none (section 14.2).
fn wanted(method: &Method, headers: &HeaderMap, tag: &str, length: usize) -> Wanted {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    // Whoever has a part of something else takes all.
    let is_current = headers.get(header::IF_RANGE).is_none() || text(header::IF_RANGE) == Some(tag);
    let mut ranges = headers.get_all(header::RANGE).iter();
    let is_one = ranges.next().is_some() && ranges.next().is_none();
    if !is_one || !is_current || method != Method::GET {
        return Wanted::All;
    }
    text(header::RANGE).and_then(|range| part(range, length)).unwrap_or(Wanted::All)
}

/// The one range of bytes that a text names.
fn part(text: &str, length: usize) -> Option<Wanted> {
    let (unit, range) = text.split_once('=')?;
    let (first, last) = range.trim_matches([' ', '\t']).split_once('-')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let number = |digits: &str| {
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        // One that is too large for this machine is behind the end of everything.
        is_number.then(|| digits.parse().unwrap_or(usize::MAX))
    };
    let (start, end) = match (first, last) {
        ("", suffix) => (length.saturating_sub(number(suffix)?), length),
        (first, "") => (number(first)?, length),
        (first, last) => (number(first)?, number(last)?.saturating_add(1)),
    };
    if !first.is_empty() && !last.is_empty() && end <= start {
        return None;
    }
    let end = end.min(length);
    Some(if start < end { Wanted::Part(start..end) } else { Wanted::Nothing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_understood() {
        let part = |text: &str| part(text, 10);
        for (text, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=2-5", 2..6),
            ("Bytes= 2-5 ", 2..6),
            ("bytes=4-", 4..10),
            ("bytes=9-99", 9..10),
            ("bytes=0-99999999999999999999999", 0..10),
            ("bytes=-3", 7..10),
            ("bytes=-99", 0..10),
        ] {
            assert_eq!(part(text), Some(Wanted::Part(range)), "{text}");
        }
        for text in ["bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999-"] {
            assert_eq!(part(text), Some(Wanted::Nothing), "{text}");
        }
        for text in
            ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=a-b", "bytes=+1-2", "items=0-1", "bytes=0-1,3-4"]
        {
            assert_eq!(part(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_worker_brought_has_the_type_of_what_it_is() {
        assert_eq!(kind(br#"{"text": "hello"}"#), JSON);
        assert_eq!(kind(b"[1, 2]"), JSON);
        for text in ["", "12", "hello", "{not json", "[x] done", "\"quoted\""] {
            assert_eq!(kind(text.as_bytes()), TEXT, "{text}");
        }
        assert_eq!(kind(&[0xff, 0xfe]), BYTES);
    }

    #[test]
    fn nothing_has_no_part() {
        assert_eq!(part("bytes=0-", 0), Some(Wanted::Nothing));
        assert_eq!(part("bytes=-5", 0), Some(Wanted::Nothing));
    }
}
