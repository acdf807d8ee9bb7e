//! One request and its response, over one connection.

use std::error::Error as _;
use std::io;
use std::pin::pin;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::HOST;
use hyper_util::rt::TokioIo;

use super::FetchError;
use super::connect::Stream;
use super::request::{Prepared, Target};
use crate::Limits;
use crate::bindings::bloom::tool::http::{Header, Response};

/// The WIT package promises both.
const HEADER_BYTES: usize = 64 << 10;
const HEADER_FIELDS: usize = 100;

/// What is known of an exchange, also if it fails.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) status: Option<u16>,
    pub(super) received: usize,
}

pub(super) async fn exchange(
    stream: Box<dyn Stream>,
    prepared: &Prepared<'_>,
    at: &Target,
    limits: &Limits,
    seen: &mut Seen,
) -> Result<Response, FetchError> {
    let failed = |error: hyper::Error| failed(&error, prepared);
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEADER_BYTES).max_headers(HEADER_FIELDS);
    let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let request = request(prepared, at)?;
    let mut work = pin!(async {
        let response = sender.send_request(request).await.map_err(failed)?;
        read(response, prepared, at, limits, seen).await
    });
    let mut connection = pin!(connection);
    let mut is_over = false;
    loop {
        tokio::select! {
            biased;
            result = &mut work => return result,
            // What it read before it ended is still to be taken; what went wrong with it is told to `work`, too.
            _ = &mut connection, if !is_over => is_over = true,
        }
    }
}

type Outgoing = hyper::Request<Either<Full<Bytes>, Empty<Bytes>>>;

fn request(prepared: &Prepared<'_>, at: &Target) -> Result<Outgoing, FetchError> {
    let body = if prepared.has_body {
        Either::Left(Full::new(Bytes::from(prepared.body.clone())))
    } else {
        Either::Right(Empty::new())
    };
    let builder = hyper::Request::builder()
        .method(prepared.method.as_str())
        .uri(at.path_and_query())
        .header(HOST, at.authority());
    let request = builder.body(body);
    let mut request = request.map_err(|_| FetchError::Invalid("the URL cannot be asked for".into()))?;
    request.headers_mut().extend(prepared.headers.clone());
    Ok(request)
}

async fn read(
    response: hyper::Response<Incoming>,
    prepared: &Prepared<'_>,
    at: &Target,
    limits: &Limits,
    seen: &mut Seen,
) -> Result<Response, FetchError> {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    seen.status = Some(status);
    if !(200..=599).contains(&status) {
        return Err(FetchError::InvalidResponse { host: prepared.host(), reason: format!("its status is {status}") });
    }
    let fields: usize = head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    if fields > HEADER_BYTES {
        let reason = format!("its header has {fields} bytes, more than {HEADER_BYTES}");
        return Err(FetchError::InvalidResponse { host: prepared.host(), reason });
    }
    let limit = limits.http_response_bytes;
    let too_large = || FetchError::ResponseTooLarge { host: prepared.host(), limit };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| failed(&error, prepared))?.into_data() else { continue };
        seen.received = seen.received.saturating_add(data.len());
        if seen.received > limit {
            return Err(too_large());
        }
        bytes.extend_from_slice(&data);
    }
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| Header {
        name: name.as_str().to_owned(),
        value: text(value.as_bytes()),
    };
    let headers = head.headers.iter().map(header).collect();
    Ok(Response { status, url: at.as_str().to_owned(), headers, body: bytes })
}

fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect(), str::to_owned)
}

fn failed(error: &hyper::Error, prepared: &Prepared<'_>) -> FetchError {
    let (host, reason) = (prepared.host(), error.to_string());
    // A body that breaks the rules is an error of its own kind within an error of reading.
    let inner = error.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
    let is_broken = matches!(inner, Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData));
    if error.is_parse() || is_broken {
        FetchError::InvalidResponse { host, reason }
    } else {
        FetchError::Lost { host, reason }
    }
}
