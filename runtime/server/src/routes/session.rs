//! Sessions of owners: opened with a name and a password, looked at, and ended.

use std::net::IpAddr;

use axum::Extension;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bloom_runtime::record::AuditNote;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows::blocking;
use super::responses::{Bodied, Common, Named};
use crate::app::App;
use crate::auth::{self, Holder, Identity, KeySession};
use crate::error::{ApiError, Code};
use crate::extract::{Body, Json, content_type};
use crate::operator::{self, KeySessions};
use crate::origin;
use crate::owner::{self, HashedPassword, OwnerName, Owners, SESSION, Session};
use crate::ui::login::{self, Visitor};
use crate::view::time;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(show, close))
}

/// For those who have nothing to show yet.
pub(super) fn open_to_all() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(open))
}

/// Who logs in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    /// As `bloom owner set` was told.
    #[schema(example = "Олена")]
    name: String,
    #[schema(format = Password)]
    password: String,
}

/// A session that was opened.
#[derive(Serialize, ToSchema)]
struct Opened {
    owner: String,
    /// To be shown as `Authorization: Bearer`. It is told now and never again.
    token: String,
    expires_at: String,
}

/// Who logs in by a form: an owner with `name` and `password`, or who has the server's key with `key`.
#[derive(Default, ToSchema)]
struct LoginForm {
    /// As `bloom owner set` was told.
    #[schema(example = "Олена", required = false)]
    name: String,
    #[schema(format = Password, required = false)]
    password: String,
    /// The server's key. The session reaches what it reaches, under no name.
    #[schema(format = Password)]
    key: Option<String>,
    /// The page to be led to: a path of this server.
    #[schema(example = "/proposals")]
    next: Option<String>,
}

impl LoginForm {
    fn read(bytes: &[u8]) -> Self {
        let mut form = Self::default();
        for (name, value) in form_urlencoded::parse(bytes) {
            match &*name {
                "name" => form.name = value.into_owned(),
                "password" => form.password = value.into_owned(),
                "key" => form.key = Some(value.into_owned()),
                "next" => form.next = Some(value.into_owned()),
                _ => {}
            }
        }
        form
    }
}

/// Log in. JSON is answered with a token, to be shown as a bearer token; a form gets a cookie that holds it, and is led to the
/// page that it names in `next`. A form may show the server's key in place of a name and a password. A session lasts 24 hours.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", security(()),
    request_body(content((Login = "application/json"), (LoginForm = "application/x-www-form-urlencoded"))),
    // A later one stands over an earlier one.
    responses(
        Common, Bodied,
        (status = 201, description = "logged in", body = Opened),
        (status = 303, description = "a form: logged in"),
        (status = 401, description = "Unauthorized", content(
            (crate::view::ErrorBody = "application/json"), (String = "text/html"))),
        (status = 403, description = "Forbidden", content(
            (crate::view::ErrorBody = "application/json"), (String = "text/html"))),
        (status = 429, description = "Too Many Requests", content(
            (crate::view::ErrorBody = "application/json"), (String = "text/html"))),
    )
)]
async fn open(State(app): State<App>, request: Request) -> Response {
    if content_type(request.headers()).as_deref() != Some(login::FORM) {
        return opened_by_json(&app, request).await.unwrap_or_else(ApiError::into_response);
    }
    opened_by_form(&app, request).await.unwrap_or_else(ApiError::into_response)
}

async fn opened_by_json(app: &App, request: Request) -> Result<Response, ApiError> {
    auth::may_log_in(app, &request)?;
    let address = origin::client(app, &request);
    let Json(login) = Json::<Login>::from_request(request, app).await?;
    let (token, name, session) = log_in(app, login, address).await?;
    let opened = Opened { owner: name.to_string(), token, expires_at: time(session.expires_at) };
    Ok((StatusCode::CREATED, axum::Json(opened)).into_response())
}

async fn opened_by_form(app: &App, request: Request) -> Result<Response, ApiError> {
    let visitor = Visitor::of(&request);
    // Else a page from elsewhere could have a person work in a session that is not the person's own.
    let allowed = auth::may_log_in(app, &request).and_then(|()| origin::from_own_page(app, &request));
    let (address, is_encrypted) = (origin::client(app, &request), origin::is_encrypted(app, &request));
    let Body(bytes) = Body::from_request(request, app).await?;
    let LoginForm { name, password, key, next } = LoginForm::read(&bytes);
    let visitor = visitor.going(next).called(&name);
    let by_key = key.is_some();
    let opened = match (allowed, key) {
        (Err(error), _) => Err(error),
        (Ok(()), Some(key)) => let_in(app, &SecretString::from(key), address).await,
        (Ok(()), None) => log_in(app, Login { name, password }, address).await.map(|(token, ..)| token),
    };
    match opened {
        Ok(token) => {
            let cookie = origin::set_cookie(&token, SESSION.as_secs(), is_encrypted);
            let headers = [(header::LOCATION, visitor.next().to_owned()), (header::SET_COOKIE, cookie)];
            Ok((StatusCode::SEE_OTHER, headers).into_response())
        }
        Err(error) => match login::Trouble::of(&error, by_key) {
            Some(trouble) => visitor.refused(app, &error, trouble).await,
            None => Err(error),
        },
    }
}

/// Opens a session of somebody who has the server's key, and gives its token.
async fn let_in(app: &App, shown: &SecretString, address: Option<IpAddr>) -> Result<String, ApiError> {
    let known = app.key.as_ref().filter(|key| auth::is_key(key, shown.expose_secret()));
    let Some(key) = known else {
        if let Some(address) = address {
            app.rates().failed(address);
        }
        tracing::warn!("somebody showed a wrong key");
        return Err(ApiError::new(Code::AuthRequired, "this key is not known"));
    };
    let (token, at) = (format!("{}{}", KeySessions::PREFIX, app.ids.secret()), app.clock.now());
    let hash = operator::hashed(&token, key, app.config.session_secret.as_ref());
    app.key_sessions().change(app.store(), move |sessions| Ok(sessions.open(hash, at))).await?;
    Ok(token)
}

/// Opens a session of an owner who gives the right password.
async fn log_in(app: &App, login: Login, address: Option<IpAddr>) -> Result<(String, OwnerName, Session), ApiError> {
    // Held until the hash is made, also where whoever asked has gone.
    let hashing = app.hashing().clone().acquire_owned().await.map_err(|error| ApiError::internal(&error))?;
    // Of many guesses at a time, those that waited come too late.
    if let Some(address) = address {
        app.rates().listened_to(address)?;
    }
    let wrong = || {
        if let Some(address) = address {
            app.rates().failed(address);
        }
        tracing::warn!("somebody could not log in");
        ApiError::new(Code::AuthRequired, "the name or the password is wrong")
    };
    let owners = app.owners().read(app.store()).await?;
    let name = login.name.parse::<OwnerName>().ok();
    let known = name.and_then(|name| owners.password(&name).cloned().map(|password| (name, password)));
    let expected = known.as_ref().map_or_else(HashedPassword::nobodys, |(_, password)| password.clone());
    let password = SecretString::from(login.password);
    let is_right = blocking(move || {
        let _hashing = hashing;
        expected.is_of(&password)
    });
    let is_right = is_right.await?;
    let Some((name, password)) = known.filter(|_| is_right) else { return Err(wrong()) };
    let (token, at) = (format!("{}{}", Owners::PREFIX, app.ids.secret()), app.clock.now());
    let (hash, of) = (owner::hashed(&token, app.config.session_secret.as_ref()), name.clone());
    let opened = app.owners().change(app.store(), move |owners| {
        // The password may have been changed meanwhile.
        let gone = || ApiError::new(Code::AuthRequired, "the password was just changed; log in again");
        owners.open(&of, &password, hash, at).ok_or_else(gone)
    });
    Ok((token, name, opened.await?))
}

/// Who asks.
#[derive(Serialize, ToSchema)]
struct Who {
    /// As it stands in the audit log: `operator` with the server's key, or where no key is needed; `owner:` and a name.
    #[schema(example = "owner:Олена")]
    identity: String,
    /// The name, in a session of an owner.
    owner: Option<String>,
    opened_at: Option<String>,
    expires_at: Option<String>,
}

/// Who I am.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = Who), Common))]
async fn show(
    Extension(Identity(actor)): Extension<Identity>,
    Extension(holder): Extension<Holder>,
    by_key: Option<Extension<KeySession>>,
) -> axum::Json<Who> {
    let (owner, session) = match holder {
        Holder::Owner(name, session) => (Some(name.to_string()), Some(session)),
        Holder::Operator | Holder::Worker(_) => (None, by_key.map(|Extension(KeySession(session))| session)),
    };
    axum::Json(Who {
        identity: actor.to_string(),
        owner,
        opened_at: session.map(|session| time(session.opened_at)),
        expires_at: session.map(|session| time(session.expires_at)),
    })
}

/// Log out: the session that is shown ends.
#[utoipa::path(
    delete, path = "/api/v1/session", tag = "session",
    responses((status = 204, description = "ended"), Named)
)]
async fn close(
    State(app): State<App>,
    Extension(holder): Extension<Holder>,
    by_key: Option<Extension<KeySession>>,
    request: Request,
) -> Result<Response, ApiError> {
    match (holder, by_key) {
        (Holder::Owner(_, session), _) => end(&app, &session).await?,
        (_, Some(Extension(KeySession(session)))) => end_by_key(&app, &session).await?,
        _ => return Err(ApiError::new(Code::NotFound, "no session was shown, so none can be ended")),
    }
    let cookie = origin::set_cookie("", 0, origin::is_encrypted(&app, &request));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Ends the session of a token, whoever has it. One that is over already is no error.
pub(crate) async fn end_of_token(app: &App, token: &str) -> Result<(), ApiError> {
    if token.starts_with(KeySessions::PREFIX) {
        let Some(key) = &app.key else { return Ok(()) };
        return match auth::key_session(app, key, token).await {
            Ok(KeySession(session)) => end_by_key(app, &session).await,
            Err(_) => Ok(()),
        };
    }
    match auth::in_session(app, token).await {
        Ok(Holder::Owner(_, session)) => end(app, &session).await,
        Ok(Holder::Operator | Holder::Worker(_)) | Err(_) => Ok(()),
    }
}

/// Ends a session of an owner.
async fn end(app: &App, session: &Session) -> Result<(), ApiError> {
    let (hash, at) = (session.hash, app.clock.now());
    unless_gone(app.owners().change(app.store(), move |owners| ended(owners.close(hash, at))).await)
}

/// Ends a session that the server's key opened.
async fn end_by_key(app: &App, session: &Session) -> Result<(), ApiError> {
    let (hash, at) = (session.hash, app.clock.now());
    unless_gone(app.key_sessions().change(app.store(), move |sessions| ended(sessions.close(hash, at))).await)
}

fn ended(note: Option<AuditNote>) -> Result<((), AuditNote), ApiError> {
    let gone = || ApiError::new(Code::AuthRequired, "this session is not known; log in again");
    note.map(|note| ((), note)).ok_or_else(gone)
}

/// One that has just ended otherwise is no error.
fn unless_gone(ended: Result<(), ApiError>) -> Result<(), ApiError> {
    match ended {
        Err(error) if error.code == Code::AuthRequired => Ok(()),
        ended => ended,
    }
}
