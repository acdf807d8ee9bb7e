//! Who asks, and whether they may.

use std::net::IpAddr;

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::record::{Actor, LeaseId, WorkerId, WorkerKeys};
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::operator::{self, KeySessions};
use crate::origin;
use crate::owner::{self, Found, OwnerName, Owners, Session};
use crate::runtime_api;

/// The header of the key.
pub(crate) const KEY: &str = "x-runtime-api-key";

/// Who asks. Handlers take it from the request's extensions.
#[derive(Clone, Debug)]
pub(crate) struct Identity(pub(crate) Actor);

/// Whom the caller may act for.
#[derive(Clone, Debug)]
pub(crate) enum Holder {
    /// Everybody: who has the server's key.
    Operator,
    /// Everybody, as a person with a name.
    Owner(OwnerName, Session),
    /// A worker, and nobody else.
    Worker(WorkerId),
}

impl Holder {
    /// As whom the caller stands in the audit log and in decisions.
    fn actor(&self) -> Actor {
        match self {
            Self::Operator => Actor(String::from("operator")),
            Self::Owner(name, _) => name.actor(),
            Self::Worker(worker) => Actor(format!("worker:{worker}")),
        }
    }

    /// The person, for what a key alone does not reach.
    pub(crate) fn owner(&self) -> Result<&OwnerName, ApiError> {
        match self {
            Self::Owner(name, _) => Ok(name),
            Self::Operator | Self::Worker(_) => {
                let message =
                    "only an owner who is logged in may do this, as it is a person's decision; a key is not enough";
                Err(ApiError::new(Code::Forbidden, message))
            }
        }
    }

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

/// The session that the server's key opened, where that is shown in place of the key. It stands in a request's extensions, too.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeySession(pub(crate) Session);

/// Lets in who may come in: the layer before all routes but those of the server's state.
pub(crate) async fn require(State(app): State<App>, request: Request, next: Next) -> Response {
    match admit(&app, request).await {
        Ok(request) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Lets a request in, and says who asks.
pub(crate) async fn admit(app: &App, request: Request) -> Result<Request, ApiError> {
    if let Some(token) = runtime_api::enroll_token(&request) {
        // Whatever else is shown: the script is for this node.
        may_log_in(app, &request)?;
        let address = origin::client(app, &request);
        let holder = Holder::Worker(runtime_api::node_of(app, address, &token).await?);
        return Ok(admitted(request, holder));
    }
    let shown = Shown::of(request.headers());
    let (holder, key_session) = if let Some(key) = &app.key {
        let (holder, key_session) = with_key(app, key, origin::client(app, &request), shown.as_ref()).await?;
        app.rates().identity(&holder.actor().0)?;
        (holder, key_session)
    } else {
        without_key(app, &request)?;
        (known_by_name(app, shown.as_ref()).await?, None)
    };
    let is_in_session = matches!(holder, Holder::Owner(..)) || key_session.is_some();
    if matches!(shown, Some(Shown::Cookie(_))) && is_in_session {
        origin::from_own_page(app, &request)?;
    }
    let mut request = match &holder {
        Holder::Operator | Holder::Owner(..) => request,
        Holder::Worker(worker) => within_reach(app, worker, &holder, request).await?,
    };
    if let Some(session) = key_session {
        request.extensions_mut().insert(session);
    }
    Ok(admitted(request, holder))
}

/// A request that is let in, with who asks.
fn admitted(mut request: Request, holder: Holder) -> Request {
    request.extensions_mut().insert(Identity(holder.actor()));
    request.extensions_mut().insert(holder);
    request
}

/// What is shown to be let in.
enum Shown {
    /// A key or the token of a session, in a header of its own or as a bearer token.
    Header(String),
    /// The token of a session, which a browser adds to every request.
    Cookie(String),
}

impl Shown {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let cookie = || origin::cookie(headers).map(|token| Self::Cookie(token.to_owned()));
        shown_key(headers).map(|key| Self::Header(key.to_owned())).or_else(cookie)
    }
}

/// Who shows what, where a key is required.
async fn with_key(
    app: &App,
    key: &SecretString,
    address: Option<IpAddr>,
    shown: Option<&Shown>,
) -> Result<(Holder, Option<KeySession>), ApiError> {
    // Keys of workers are too long to be guessed. A worker must not be shut out by who guesses from the same address.
    let is_of_worker = |shown: &str| shown.starts_with(WorkerKeys::PREFIX);
    let is_guess =
        !matches!(shown, Some(Shown::Header(shown)) if is_of_worker(shown)) || is_of_worker(key.expose_secret());
    let address = address.filter(|_| is_guess);
    if let Some(address) = address {
        app.rates().listened_to(address)?;
    }
    let token = match shown {
        None => return Err(ApiError::new(Code::AuthRequired, "a key is required")),
        Some(Shown::Cookie(token)) if token.starts_with(KeySessions::PREFIX) => {
            let session = key_session(app, key, token).await?;
            return Ok((Holder::Operator, Some(session)));
        }
        Some(Shown::Cookie(token)) => token,
        Some(Shown::Header(token)) if token.starts_with(Owners::PREFIX) => token,
        Some(Shown::Header(shown)) => {
            if let Some(holder) = known(app, key, shown).await? {
                return Ok((holder, None));
            }
            if let Some(address) = address {
                app.rates().failed(address);
            }
            return Err(ApiError::new(Code::AuthRequired, "this key is not known"));
        }
    };
    // Tokens are too long to be guessed. A page that goes on asking with an old one must not keep its person from logging in.
    Ok((in_session(app, token).await?, None))
}

/// Who is known where nobody has to be: who shows the key of a worker, or a session's token, is that worker or that person.
async fn known_by_name(app: &App, shown: Option<&Shown>) -> Result<Holder, ApiError> {
    match shown {
        Some(Shown::Header(token)) if token.starts_with(Owners::PREFIX) => in_session(app, token).await,
        Some(Shown::Header(key)) if key.starts_with(WorkerKeys::PREFIX) => {
            Ok(worker_of(app, key).await?.map_or(Holder::Operator, Holder::Worker))
        }
        // A browser shows cookies that another server of the same host set, too.
        Some(Shown::Cookie(token)) => in_session(app, token).await.or(Ok(Holder::Operator)),
        Some(Shown::Header(_)) | None => Ok(Holder::Operator),
    }
}

/// Whether a request is taken where nobody has to show a key.
pub(crate) fn without_key(app: &App, request: &Request) -> Result<(), ApiError> {
    origin::local_only(app, request)?;
    origin::not_from_elsewhere(app, request)?;
    match origin::client(app, request) {
        Some(address) if is_limited(request) => app.rates().open(address),
        _ => Ok(()),
    }
}

/// Whether a request is taken of somebody who is about to log in.
pub(crate) fn may_log_in(app: &App, request: &Request) -> Result<(), ApiError> {
    if app.key.is_none() {
        origin::local_only(app, request)?;
    }
    origin::not_from_elsewhere(app, request)?;
    origin::client(app, request).map_or(Ok(()), |address| app.rates().listened_to(address))
}

/// Whether that is the server's key. The lengths may differ in time; what the bytes are may not.
pub(crate) fn is_key(key: &SecretString, shown: &str) -> bool {
    shown.as_bytes().ct_eq(key.expose_secret().as_bytes()).into()
}

/// Whose key is shown.
async fn known(app: &App, key: &SecretString, shown: &str) -> Result<Option<Holder>, ApiError> {
    if is_key(key, shown) {
        return Ok(Some(Holder::Operator));
    }
    if !shown.starts_with(WorkerKeys::PREFIX) {
        return Ok(None);
    }
    Ok(worker_of(app, shown).await?.map(Holder::Worker))
}

/// Found by the hash of what is shown, so how long that takes tells nothing of any secret.
async fn worker_of(app: &App, shown: &str) -> Result<Option<WorkerId>, ApiError> {
    Ok(app.worker_keys().read(app.store()).await?.find(shown).map(|key| key.worker.clone()))
}

/// Whose session it is.
pub(crate) async fn in_session(app: &App, token: &str) -> Result<Holder, ApiError> {
    let hash = owner::hashed(token, app.config.session_secret.as_ref());
    match app.owners().read(app.store()).await?.find(hash, app.clock.now()) {
        Found::Open(name, session) => Ok(Holder::Owner(name, session)),
        Found::Expired => Err(ApiError::new(Code::TokenExpired, "the session is over; log in again")),
        Found::Unknown => Err(ApiError::new(Code::AuthRequired, "this session is not known; log in again")),
    }
}

/// The session of this token, which the server's key opened.
pub(crate) async fn key_session(app: &App, key: &SecretString, token: &str) -> Result<KeySession, ApiError> {
    let hash = operator::hashed(token, key, app.config.session_secret.as_ref());
    match app.key_sessions().read(app.store()).await?.find(hash) {
        Some(session) if session.expires_at > app.clock.now() => Ok(KeySession(session)),
        Some(_) => Err(ApiError::new(Code::TokenExpired, "the session is over; log in again")),
        None => Err(ApiError::new(Code::AuthRequired, "this session is not known; log in again")),
    }
}

/// The routes of the existing contract: those that workers of this server call by themselves are not among them.
fn is_limited(request: &Request) -> bool {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_own = route.starts_with("/api/runtime/leases") && !request.method().is_safe()
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
    let is_read = parts.method.is_safe();
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
