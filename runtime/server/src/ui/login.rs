//! The page where people log in and out: owners by their names, and whoever has the server's key with that. No script runs on a
//! page where secrets are typed.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};

use super::shell::{self, Section, Shell, Viewer};
use super::show::Time;
use crate::app::App;
use crate::auth::{self, Holder, KeySession};
use crate::error::{ApiError, Code};
use crate::operator::KeySessions;
use crate::routes::session;
use crate::view;
use crate::{origin, owner};

/// Where it is.
pub(crate) const PATH: &str = "/login";

/// The media type of what a browser sends of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// The styles and pictures that are served here, and forms that go to this server.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

pub(super) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show)).route("/logout", post(log_out))
}

/// The path of the page that leads to another one then.
pub(super) fn path_to(next: &str) -> String {
    let next = view::segment(next);
    format!("{PATH}?next={next}")
}

async fn show(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let next = form_urlencoded::parse(query).find(|(name, _)| name == "next").map(|(_, next)| next.into_owned());
    let visitor = Visitor::of(&request).going(next);
    let inside = match origin::cookie(request.headers()) {
        Some(token) => inside(&app, token).await,
        None => None,
    };
    visitor.page(&app, inside, None).await
}

/// A form can only post, so this is how a person logs out without a script.
async fn log_out(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    origin::from_own_page(&app, &request)?;
    if let Some(token) = origin::cookie(request.headers()) {
        session::end_of_token(&app, token).await?;
    }
    let cookie = origin::set_cookie("", 0, origin::is_encrypted(&app, &request));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, PATH.to_owned()), (header::SET_COOKIE, cookie)]).into_response())
}

/// As whom somebody is logged in.
enum Inside {
    Owner(String, Time),
    /// With the server's key.
    Key(Time),
}

async fn inside(app: &App, token: &str) -> Option<Inside> {
    if token.starts_with(KeySessions::PREFIX) {
        let KeySession(session) = auth::key_session(app, app.key.as_ref()?, token).await.ok()?;
        return Some(Inside::Key(Time(session.expires_at)));
    }
    match auth::in_session(app, token).await.ok()? {
        Holder::Owner(name, session) => Some(Inside::Owner(name.to_string(), Time(session.expires_at))),
        Holder::Operator | Holder::Worker(_) => None,
    }
}

/// Why a form was not enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    WrongPassword,
    WrongKey,
    TooMany,
    Elsewhere,
}

impl Trouble {
    /// What a person can do something about.
    pub(crate) fn of(error: &ApiError, by_key: bool) -> Option<Self> {
        match error.code {
            Code::AuthRequired if by_key => Some(Self::WrongKey),
            Code::AuthRequired => Some(Self::WrongPassword),
            Code::RateLimited => Some(Self::TooMany),
            Code::Forbidden => Some(Self::Elsewhere),
            _ => None,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::WrongPassword => "login-wrong",
            Self::WrongKey => "login-wrong-key",
            Self::TooMany => "login-too-many",
            Self::Elsewhere => "login-elsewhere",
        }
    }
}

/// Who is about to log in, and the page to lead to then.
pub(crate) struct Visitor {
    viewer: Viewer,
    next: String,
    name: String,
}

impl Visitor {
    /// As far as a request says it by itself.
    pub(crate) fn of(request: &Request) -> Self {
        Self { viewer: Viewer::of(request), next: String::from("/"), name: String::new() }
    }

    /// Leads to this page, if it is one of this server.
    pub(crate) fn going(self, next: Option<String>) -> Self {
        let next = next.filter(|next| origin::is_own_path(next)).unwrap_or(self.next);
        Self { next, ..self }
    }

    /// With this name in the form.
    pub(crate) fn called(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Where to go after logging in.
    pub(crate) fn next(&self) -> &str {
        &self.next
    }

    /// The page again, with what was wrong.
    pub(crate) async fn refused(self, app: &App, error: &ApiError, trouble: Trouble) -> Result<Response, ApiError> {
        let page = self.page(app, None, Some(trouble)).await?;
        Ok((error.code.status(), page).into_response())
    }

    async fn page(self, app: &App, inside: Option<Inside>, trouble: Option<Trouble>) -> Result<Response, ApiError> {
        let Self { mut viewer, next, name } = self;
        viewer.path = path_to(&next);
        // Nothing around the page says more than the page itself.
        viewer.holder = None;
        let owners = app.owners().read(app.store()).await;
        let page = shell::page(&LoginPage {
            shell: viewer.shell(Section::None),
            next,
            name,
            is_owner: matches!(inside, Some(Inside::Owner(..))),
            inside,
            has_owners: owners.is_ok_and(|owners| !owners.is_empty()),
            has_key: app.key.is_some(),
            longest: owner::HashedPassword::LONGEST,
            trouble: trouble.map(Trouble::text),
        })?;
        let mut response = page.into_response();
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        Ok(response)
    }
}

#[derive(askama::Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    next: String,
    name: String,
    inside: Option<Inside>,
    is_owner: bool,
    has_owners: bool,
    has_key: bool,
    /// Bytes of a password.
    longest: usize,
    trouble: Option<&'static str>,
}

impl LoginPage {
    /// Whether the form for the key is the one to fill in.
    fn asks_for_key(&self) -> bool {
        !self.has_owners || self.trouble == Some(Trouble::WrongKey.text())
    }
}
