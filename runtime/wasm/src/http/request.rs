//! What a tool wants to send, checked.

use bloom_ir::capability::{HttpMethod, host_and_port};
use fluent_uri::{Uri, UriRef};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::{Access, FetchError};
use crate::Limits;
use crate::bindings::bloom::tool::http::{Request, Response};
use crate::grant::{HttpGrant, Scheme};

/// The WIT package promises it.
const MOST_REDIRECTS: u8 = 10;

/// The fields that the host sets, because they say where a message goes or where it ends (RFC 9110, RFC 9112).
const RESERVED: [&str; 10] = [
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "http2-settings",
];

/// Whether a header field, named in lower case, is the host's to set.
pub(crate) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name) || name.starts_with("proxy-")
}

/// A request that may be sent.
pub(super) struct Prepared<'a> {
    pub(super) grant: &'a HttpGrant,
    pub(super) method: HttpMethod,
    pub(super) target: Target,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    pub(super) has_body: bool,
    pub(super) redirects: u8,
}

/// Where on its host a request goes.
#[derive(Clone, Debug)]
pub(super) struct Target(Uri<String>);

impl<'a> Prepared<'a> {
    pub(super) fn new(request: &Request, access: &'a Access, limits: &Limits) -> Result<Self, FetchError> {
        let invalid = |message: String| FetchError::Invalid(message);
        let method: HttpMethod = request.method.parse().map_err(|error| invalid(format!("{error}")))?;
        let (target, place) = Target::parse(&request.url)?;
        let grant = access.grants.iter().find(|grant| place == Place::of(grant) && grant.methods.contains(&method));
        let grant = grant.ok_or_else(|| FetchError::NotGranted { what: format!("`{method} {place}`") })?;
        if request.redirects > MOST_REDIRECTS {
            return Err(invalid(format!("{} redirects are more than {MOST_REDIRECTS}", request.redirects)));
        }
        let fields: usize = request.headers.iter().map(|header| header.name.len() + header.value.len()).sum();
        let body = request.body.clone().unwrap_or_default();
        let size = fields.saturating_add(request.url.len()).saturating_add(body.len());
        if size > limits.http_request_bytes {
            return Err(FetchError::TooLarge { host: place.to_string(), size, limit: limits.http_request_bytes });
        }
        let headers = headers(request, grant, access)?;
        let has_body = request.body.is_some();
        Ok(Self { grant, method, target, headers, body, has_body, redirects: request.redirects })
    }

    /// For people.
    pub(super) fn host(&self) -> String {
        let HttpGrant { host, port, .. } = self.grant;
        if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
    }
}

/// The tool's header fields and those that the operator configured.
fn headers(request: &Request, grant: &HttpGrant, access: &Access) -> Result<HeaderMap, FetchError> {
    let invalid = |message: String| FetchError::Invalid(message);
    let mut headers = HeaderMap::new();
    for header in &request.headers {
        let shown: String = header.name.chars().take(64).collect();
        let name = HeaderName::from_bytes(header.name.as_bytes())
            .map_err(|_| invalid(format!("{shown:?} is no name of a header field")))?;
        if is_reserved(name.as_str()) {
            return Err(invalid(format!("the header field `{name}` is set by the host alone")));
        }
        if grant.headers.contains_key(name.as_str()) {
            return Err(invalid(format!("the header field `{name}` is set by the operator")));
        }
        let value = HeaderValue::from_str(&header.value)
            .map_err(|_| invalid(format!("the header field `{name}` has characters that a header cannot have")))?;
        headers.try_append(name, value).map_err(|_| invalid("there are too many header fields".into()))?;
    }
    for (name, template) in &grant.headers {
        let missing = || FetchError::NotGranted { what: format!("the header field `{name}`") };
        let value = template.fill(&access.settings).ok_or_else(missing)?;
        // The value is a secret: it is not quoted.
        let wrong = || invalid(format!("the operator's value for the header field `{name}` cannot be in a header"));
        let mut value = HeaderValue::from_str(&value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?, value);
    }
    let own = concat!("bloom/", env!("CARGO_PKG_VERSION"));
    headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(own));
    Ok(headers)
}

/// A scheme, a host and a port.
#[derive(PartialEq, Eq)]
struct Place {
    scheme: Scheme,
    host: String,
    port: u16,
}

impl Place {
    fn of(grant: &HttpGrant) -> Self {
        Self { scheme: grant.scheme, host: grant.host.clone(), port: grant.port }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { scheme, host, port } = self;
        write!(formatter, "{}://", scheme.as_str())?;
        let (left, right) = if host.contains(':') { ("[", "]") } else { ("", "") };
        write!(formatter, "{left}{host}{right}")?;
        if *port == scheme.port() { Ok(()) } else { write!(formatter, ":{port}") }
    }
}

impl Target {
    fn parse(url: &str) -> Result<(Self, Place), FetchError> {
        // Not quoted: there may be a secret in it.
        let invalid = |message: &str| FetchError::Invalid(format!("the URL {message}"));
        let uri = Uri::parse(url.to_owned()).map_err(|_| invalid("is none by RFC 3986"))?;
        let scheme = match uri.scheme().as_str().to_ascii_lowercase().as_str() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            _ => return Err(invalid("starts with neither `https` nor `http`")),
        };
        let authority = uri.authority().ok_or_else(|| invalid("names no host"))?;
        if authority.has_userinfo() {
            return Err(invalid("holds a user or a password"));
        }
        if uri.has_fragment() {
            return Err(invalid("holds a fragment"));
        }
        let place = authority.as_str().to_ascii_lowercase();
        let (host, port) = host_and_port(place.strip_suffix(':').unwrap_or(&place))
            .map_err(|error| FetchError::Invalid(error.to_string()))?;
        Ok((Self(uri), Place { scheme, host, port: port.unwrap_or(scheme.port()) }))
    }

    /// As a request's first line has it.
    pub(super) fn path_and_query(&self) -> String {
        let path = match self.0.path().as_str() {
            "" => "/",
            path => path,
        };
        self.0.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{}", query.as_str()))
    }

    /// As the `host` field has it.
    pub(super) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    pub(super) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Where a response redirects to, if it does: on the same host, or an error.
    pub(super) fn redirected(&self, response: &Response, grant: &HttpGrant) -> Option<Result<Self, FetchError>> {
        if !matches!(response.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let location = response.headers.iter().find(|header| header.name == "location")?;
        Some(self.join(&location.value, grant))
    }

    fn join(&self, location: &str, grant: &HttpGrant) -> Result<Self, FetchError> {
        let refused = |reason: String| FetchError::Redirected { host: grant.host.clone(), reason };
        let nowhere = || refused("it leads to no URL".into());
        let location = UriRef::parse(location).map_err(|_| nowhere())?;
        let location = location.strip_fragment();
        let joined = location.resolve_against(&self.0.borrow()).map_err(|_| nowhere())?;
        let (target, place) = Self::parse(joined.as_str()).map_err(|_| nowhere())?;
        if place == Place::of(grant) { Ok(target) } else { Err(refused(format!("it leads to {place}"))) }
    }
}
