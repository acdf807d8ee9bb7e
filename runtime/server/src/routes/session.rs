//! Sessions of owners: opened with a name and a password, looked at, and ended.

use std::net::IpAddr;

use axum::Extension;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::flows::blocking;
use super::responses::{Bodied, Common, Named};
use crate::app::App;
use crate::auth::{self, Holder, Identity};
use crate::error::{ApiError, Code};
use crate::extract::{Body, Json, content_type};
use crate::owner::{self, HashedPassword, OwnerName, Owners, SESSION, Session};
use crate::view::time;
use crate::{login, origin};

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

/// Log in. JSON is answered with a token, to be shown as a bearer token; a form gets a cookie that holds it, and is led back to
/// `/login`. A session lasts 24 hours.
#[utoipa::path(
    post, path = "/api/v1/session", tag = "session", security(()),
    request_body(content((Login = "application/json"), (Login = "application/x-www-form-urlencoded"))),
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
    let language = login::Language::of(request.headers());
    match opened_by_form(&app, request).await {
        Ok(response) => response,
        Err(error) => match login::Trouble::of(&error) {
            Some(trouble) => {
                (error.code.status(), login::page(&app, language, None, Some(trouble)).await).into_response()
            }
            None => error.into_response(),
        },
    }
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
    auth::may_log_in(app, &request)?;
    // Else a page from elsewhere could have a person work in a session that is not the person's own.
    origin::from_own_page(app, &request)?;
    let (address, is_encrypted) = (origin::client(app, &request), origin::is_encrypted(app, &request));
    let Body(bytes) = Body::from_request(request, app).await?;
    let field = |wanted: &str| {
        let mut pairs = form_urlencoded::parse(&bytes);
        pairs.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let login = Login { name: field("name"), password: field("password") };
    let (token, ..) = log_in(app, login, address).await?;
    let cookie = origin::set_cookie(&token, SESSION.as_secs(), is_encrypted);
    // To the pages of the client, where there is one.
    let next = if app.config.web.is_some() { "/" } else { login::PATH };
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, next.to_owned()), (header::SET_COOKIE, cookie)]).into_response())
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
    /// The name, in a session.
    owner: Option<String>,
    opened_at: Option<String>,
    expires_at: Option<String>,
}

/// Who I am.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = Who), Common))]
async fn show(
    Extension(Identity(actor)): Extension<Identity>,
    Extension(holder): Extension<Holder>,
) -> axum::Json<Who> {
    let (owner, session) = match holder {
        Holder::Owner(name, session) => (Some(name.to_string()), Some(session)),
        Holder::Operator | Holder::Worker(_) => (None, None),
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
    request: Request,
) -> Result<Response, ApiError> {
    let Holder::Owner(_, session) = holder else {
        return Err(ApiError::new(Code::NotFound, "no session was shown, so none can be ended"));
    };
    end(&app, &session).await?;
    let cookie = origin::set_cookie("", 0, origin::is_encrypted(&app, &request));
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie)]).into_response())
}

/// Ends a session. One that has just ended otherwise is no error.
pub(crate) async fn end(app: &App, session: &Session) -> Result<(), ApiError> {
    let (hash, at) = (session.hash, app.clock.now());
    let ended = app.owners().change(app.store(), move |owners| {
        let gone = || ApiError::new(Code::AuthRequired, "this session is not known; log in again");
        owners.close(hash, at).map(|note| ((), note)).ok_or_else(gone)
    });
    match ended.await {
        Err(error) if error.code == Code::AuthRequired => Ok(()),
        ended => ended,
    }
}
