//! Who asks, and whether they may.

use std::net::IpAddr;

use axum::extract::{ConnectInfo, FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::record::{Actor, LeaseId, WorkerId, WorkerKeys};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::listener::Peer;
use crate::routes::worker_keys;

/// The header of the key.
pub(crate) const KEY: &str = "x-runtime-api-key";

/// Who asks. Handlers take it from the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Identity(pub(crate) Actor);

/// Whom the caller may act for.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// Everybody.
    Operator,
    /// A worker, and nobody else.
    Worker(WorkerId),
}

impl Holder {
    /// Refuses what is another worker's.
    pub(crate) fn act_for(&self, worker: &WorkerId) -> Result<(), ApiError> {
        match self {
            Self::Worker(own) if own != worker => Err(ApiError::new(Code::Forbidden, "this key is another worker's")),
            _ => Ok(()),
        }
    }

    /// The same of a lease, which may be nobody's.
    pub(crate) async fn hold(&self, app: &App, lease: &LeaseId) -> Result<(), ApiError> {
        match app.store().lease(lease).await? {
            Some(lease) => self.act_for(&lease.worker),
            None => Ok(()),
        }
    }
}

/// Lets in who may come in: the layer before all routes but those of the server's state.
pub(crate) async fn require(State(app): State<App>, request: Request, next: Next) -> Response {
    match admit(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

async fn admit(app: &App, request: Request) -> Result<Request, ApiError> {
    let (address, shown) = (client(app, &request), shown_key(request.headers()).map(str::to_owned));
    let holder = if let Some(key) = &app.key {
        by_key(app, key, address, shown).await?
    } else {
        without_key(app, &request)?;
        // Who shows the key of a worker is that worker, whether it has to or not.
        let worker = match shown.filter(|shown| shown.starts_with(WorkerKeys::PREFIX)) {
            Some(shown) => worker_of(app, &shown).await?,
            None => None,
        };
        worker.map_or(Holder::Operator, Holder::Worker)
    };
    let name = match &holder {
        Holder::Operator => String::from("operator"),
        Holder::Worker(worker) => format!("worker:{worker}"),
    };
    if app.key.is_some() {
        app.rates().identity(&name)?;
    }
    let mut request = match &holder {
        Holder::Operator => request,
        Holder::Worker(worker) => within_reach(app, worker, &holder, request).await?,
    };
    request.extensions_mut().insert(Identity(Actor(name)));
    request.extensions_mut().insert(holder);
    Ok(request)
}

/// Who shows which key.
async fn by_key(
    app: &App,
    key: &SecretString,
    address: Option<IpAddr>,
    shown: Option<String>,
) -> Result<Holder, ApiError> {
    if let Some(address) = address {
        app.rates().listened_to(address)?;
    }
    let shown = shown.ok_or_else(|| ApiError::new(Code::AuthRequired, "a key is required"))?;
    if let Some(holder) = known(app, key, &shown).await? {
        return Ok(holder);
    }
    if let Some(address) = address {
        app.rates().failed(address);
    }
    Err(ApiError::new(Code::AuthRequired, "this key is not known"))
}

/// Whether a request is taken where nobody has to show a key.
fn without_key(app: &App, request: &Request) -> Result<(), ApiError> {
    local_only(app, request)?;
    not_from_elsewhere(request.method(), request.headers())?;
    match client(app, request) {
        Some(address) if is_limited(request) => app.rates().open(address),
        _ => Ok(()),
    }
}

/// Whose key is shown.
async fn known(app: &App, key: &SecretString, shown: &str) -> Result<Option<Holder>, ApiError> {
    // The lengths may differ in time; what the bytes are may not.
    if bool::from(shown.as_bytes().ct_eq(key.expose_secret().as_bytes())) {
        return Ok(Some(Holder::Operator));
    }
    if !shown.starts_with(WorkerKeys::PREFIX) {
        return Ok(None);
    }
    Ok(worker_of(app, shown).await?.map(Holder::Worker))
}

/// Found by the hash of what is shown, so how long that takes tells nothing of any secret.
async fn worker_of(app: &App, shown: &str) -> Result<Option<WorkerId>, ApiError> {
    Ok(worker_keys::kept(app).await?.find(shown).map(|key| key.worker.clone()))
}

/// The routes of the existing contract: those that workers of this server call by themselves are not among them.
fn is_limited(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_own = route.starts_with("/api/runtime/leases") && request.method() != Method::GET
        || route == "/api/runtime/workers/{id}/heartbeat";
    !is_own && (route.starts_with("/api/runtime/") || route.starts_with("/api/membridge/"))
}

/// What the key of a worker reaches. Of whom the rest of a request speaks, its handler asks [`Holder::act_for`].
async fn within_reach(app: &App, own: &WorkerId, holder: &Holder, request: Request) -> Result<Request, ApiError> {
    let (mut parts, body) = request.into_parts();
    let id = RawPathParams::from_request_parts(&mut parts, &())
        .await
        .ok()
        .and_then(|params| params.iter().find(|(name, _)| *name == "id").map(|(_, id)| id.to_owned()));
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_read = parts.method == Method::GET;
    match (route.strip_prefix("/api/runtime/").unwrap_or_default(), id) {
        ("workers" | "leases", _) if !is_read => {}
        ("llm-tasks/{id}/heartbeat" | "llm-tasks/{id}/complete", _) => {}
        ("workers/{id}/heartbeat", Some(id)) => holder.act_for(&WorkerId::new(id))?,
        ("workers/{id}", Some(id)) if is_read && id == own.as_str() => {}
        (route, Some(id)) if route.starts_with("leases/{id}/") => holder.hold(app, &LeaseId::new(id)).await?,
        _ => return Err(ApiError::new(Code::Forbidden, "the key of a worker does not reach this")),
    }
    Ok(Request::from_parts(parts, body))
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
