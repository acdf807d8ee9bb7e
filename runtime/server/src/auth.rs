//! Who asks, and whether they may.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::record::Actor;
use secrecy::ExposeSecret as _;
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::listener::Peer;

/// The header of the key.
pub(crate) const KEY: &str = "x-runtime-api-key";

/// Who asks. Handlers take it from the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Identity(pub(crate) Actor);

/// Lets in who may come in: the layer before all routes but those of the server's state.
pub(crate) async fn require(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match admit(&app, &request) {
        Ok(identity) => {
            request.extensions_mut().insert(identity);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    }
}

fn admit(app: &App, request: &Request) -> Result<Identity, ApiError> {
    let headers = request.headers();
    let operator = Identity(Actor(String::from("operator")));
    let Some(key) = &app.key else {
        local_only(app, request)?;
        not_from_elsewhere(request.method(), headers)?;
        return Ok(operator);
    };
    let shown = shown_key(headers).ok_or_else(|| ApiError::new(Code::AuthRequired, "a key is required"))?;
    // The lengths may differ in time; what the bytes are may not.
    if bool::from(shown.as_bytes().ct_eq(key.expose_secret().as_bytes())) {
        Ok(operator)
    } else {
        Err(ApiError::new(Code::AuthRequired, "this key is not known"))
    }
}

/// The key that is shown, in its own header or as a bearer token.
fn shown_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(own) = headers.get(KEY) {
        return own.to_str().ok();
    }
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose request it is: the peer's, or what a proxy that is trusted says of it.
pub(crate) fn client(app: &App, request: &Request) -> Option<IpAddr> {
    let ConnectInfo(Peer(peer)) = request.extensions().get::<ConnectInfo<Peer>>()?;
    let mut client = peer.as_ref()?.ip().to_canonical();
    let forwarded = request.headers().get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = forwarded.flat_map(|value| value.split(',')).collect();
    // Each proxy adds whom it heard from at the end.
    for address in forwarded.iter().rev() {
        if !app.config.trusts(client) {
            break;
        }
        client = address.trim().parse::<IpAddr>().ok()?.to_canonical();
    }
    Some(client)
}

/// Without a key, whoever reaches this machine's own address is let in. A name that leads here from elsewhere must not be
/// enough (a page may rebind its name to this address), nor a proxy that stands before.
fn local_only(app: &App, request: &Request) -> Result<(), ApiError> {
    if app.config.insecure {
        return Ok(());
    }
    let refused = |message: &str| Err(ApiError::new(Code::Forbidden, message));
    let forwarded = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "forwarded"];
    if forwarded.iter().any(|name| request.headers().contains_key(*name)) {
        return refused("a request from elsewhere is not served while there is no key");
    }
    if let Some(ConnectInfo(Peer(Some(peer)))) = request.extensions().get::<ConnectInfo<Peer>>()
        && !peer.ip().to_canonical().is_loopback()
    {
        return refused("others are not served while there is no key");
    }
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_ascii_lowercase);
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase()));
    match host {
        Some(host) if !is_local(&host) && app.config.public_host().as_ref() != Some(&host) => {
            refused("this server is not known by that name; set server.public_url, or a key")
        }
        _ => Ok(()),
    }
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// A page of another origin must not change anything where no key has to be shown.
fn not_from_elsewhere(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let site = text("sec-fetch-site");
    let is_own = match (site, text("origin"), text("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host))
        }
        (None, Some(_), None) => false,
        // No browser.
        (None, None, _) => true,
    };
    if is_own { Ok(()) } else { Err(ApiError::new(Code::Forbidden, "a page from elsewhere may not do this")) }
}
