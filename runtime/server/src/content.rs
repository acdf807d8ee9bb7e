//! Contents that never change, whole or in part (RFC 9110, section 14).

use std::ops::Range;

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bloom_ir::Digest;

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

/// What a client asks of some bytes.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Range<usize>),
    /// There is nothing of it.
    Nothing,
}

impl Content {
    /// The answer to a request with these headers.
    pub(crate) fn answer(self, method: &Method, headers: &HeaderMap) -> Response {
        let tag = format!("\"{}\"", self.digest);
        let bytes = Bytes::from(self.bytes);
        let (status, range, body) = match wanted(method, headers, &tag, bytes.len()) {
            Wanted::All => (StatusCode::OK, None, bytes),
            Wanted::Part(part) => {
                let range = format!("bytes {}-{}/{}", part.start, part.end.saturating_sub(1), bytes.len());
                (StatusCode::PARTIAL_CONTENT, Some(range), bytes.slice(part))
            }
            Wanted::Nothing => {
                let length = bytes.len();
                let refused = ApiError::new(Code::RangeNotSatisfiable, format!("there are only {length} bytes"));
                let mut response = refused.into_response();
                set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
                return response;
            }
        };
        let mut response = (status, body).into_response();
        set(&mut response, header::CONTENT_TYPE, self.kind);
        set(&mut response, header::ACCEPT_RANGES, "bytes");
        set(&mut response, header::ETAG, &tag);
        if let Some(range) = range {
            set(&mut response, header::CONTENT_RANGE, &range);
        }
        response
    }
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
    fn nothing_has_no_part() {
        assert_eq!(part("bytes=0-", 0), Some(Wanted::Nothing));
        assert_eq!(part("bytes=-5", 0), Some(Wanted::Nothing));
    }
}
