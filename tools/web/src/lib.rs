//! Requests as flows make them: their parts as JSON values, and what came back as JSON again.

use std::collections::BTreeMap;

use bloom_tool::http::{Request, Response};
use bloom_tool::{Failure, OrFail as _};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The host takes 1 MiB of a tool; this leaves room for what stands around a body.
const MOST_BYTES: usize = 900_000;

/// Values of a flow by name, for a query or for header fields.
pub type Fields = Map<String, Value>;

/// What a flow says of the response.
#[derive(Debug, Default, Deserialize)]
pub struct Expect {
    /// How the body is read.
    #[serde(default)]
    pub format: Format,
    /// Whether a status from 400 on is an answer like any other.
    #[serde(default)]
    pub any_status: bool,
}

/// How a body is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// JSON where the server says so, else text, else base64.
    #[default]
    Auto,
    /// JSON.
    Json,
    /// UTF-8.
    Text,
    /// Base64 by RFC 4648.
    Base64,
}

/// What came back.
#[derive(Debug, PartialEq, Serialize)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The URL that answered.
    pub url: String,
    /// The header fields by their names in lower case; without cookies, which are secrets.
    pub headers: BTreeMap<String, String>,
    /// How the body was read.
    pub format: Format,
    /// The body.
    pub body: Value,
}

/// Adds what a flow gave to a request: the query and header fields.
pub fn with(mut request: Request, query: &Fields, headers: &Fields) -> Result<Request, Failure> {
    request.url = ascii(&request.url);
    // A fragment is for whoever asks, not for the server.
    if let Some(at) = request.url.find('#') {
        request.url.truncate(at);
    }
    for (name, value) in query {
        match value {
            // A list is the same parameter several times.
            Value::Array(items) => {
                for item in items {
                    request = request.query([(name.as_str(), text_of("query", name, item)?)]);
                }
            }
            Value::Null => {}
            value => request = request.query([(name.as_str(), text_of("query", name, value)?)]),
        }
    }
    for (name, value) in headers.iter().filter(|(_, value)| !value.is_null()) {
        request = request.header(name.to_ascii_lowercase(), text_of("headers", name, value)?);
    }
    Ok(request)
}

/// Sends it, and reads what comes back.
pub fn ask(request: &Request, expect: &Expect) -> Result<Answer, Failure> {
    let response = request.send()?;
    let response = if expect.any_status { response } else { checked(response)? };
    answer(response, expect.format)
}

/// A failure for a status from 400 on, with the beginning of what the server says about it.
fn checked(response: Response) -> Result<Response, Failure> {
    if response.status < 400 {
        return Ok(response);
    }
    let said: String = String::from_utf8_lossy(&response.body).split_whitespace().collect::<Vec<_>>().join(" ");
    let failure = response.error_for_status();
    failure.map_err(|failure| match said.chars().take(300).collect::<String>() {
        said if said.is_empty() => failure,
        said => Failure { message: format!("{}: {said}", failure.message), ..failure },
    })
}

fn answer(response: Response, format: Format) -> Result<Answer, Failure> {
    let is_json = response.header("content-type").is_some_and(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        kind == "application/json" || kind.ends_with("+json")
    });
    let (format, body) = match format {
        Format::Auto if is_json && let Ok(body) = serde_json::from_slice(&response.body) => (Format::Json, body),
        Format::Auto => match std::str::from_utf8(&response.body) {
            Ok(text) => (Format::Text, text.into()),
            Err(_) => (Format::Base64, base64(&response.body).into()),
        },
        Format::Json => (format, response.json()?),
        Format::Text => (format, response.text()?.into()),
        Format::Base64 => (format, base64(&response.body).into()),
    };
    let mut headers: BTreeMap<String, String> = BTreeMap::new();
    for header in response.headers.into_iter().filter(|header| !header.name.eq_ignore_ascii_case("set-cookie")) {
        let known = headers.entry(header.name.to_ascii_lowercase()).or_default();
        if !known.is_empty() {
            known.push_str(", ");
        }
        known.push_str(&header.value);
    }
    let answer = Answer { status: response.status, url: response.url, headers, format, body };
    let size = serde_json::to_vec(&answer).or_fail("invalid_output")?.len();
    if size > MOST_BYTES {
        let message =
            format!("what the server sent is {size} bytes as JSON, more than the {MOST_BYTES} that a flow takes");
        return Err(Failure::new("body_too_large", message));
    }
    Ok(answer)
}

/// A text, a number or a truth value as text.
fn text_of(what: &str, name: &str, value: &Value) -> Result<String, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(Failure::new("invalid_input", format!("`{name}` in `{what}` is neither a text nor a number"))),
    }
}

/// A URL as people write it, with what is not ASCII, and spaces, percent-encoded (RFC 3987, section 3.1). A host's name
/// stays as it is.
fn ascii(url: &str) -> String {
    let path = url.find("://").map(|at| at + 3).and_then(|at| Some(at + url[at..].find(['/', '?', '#'])?));
    let (server, rest) = url.trim().split_at(path.unwrap_or(url.trim().len()).min(url.trim().len()));
    let mut encoded = server.to_owned();
    for byte in rest.bytes() {
        if byte.is_ascii_graphic() {
            encoded.push(byte.into());
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|nibble| char::from(b"0123456789ABCDEF"[usize::from(nibble)])));
        }
    }
    encoded
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for index in 0..4 {
            let six = (bits >> (18 - 6 * index)) & 63;
            text.push(if index <= group.len() { char::from(LETTERS[six as usize]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
