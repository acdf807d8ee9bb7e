//! What all pages share: who looks, in which language and theme, and what stands around the page's own part.

use askama::Template;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use bloom_ir::document::Locale;

use super::assets;
use super::language;
use super::login;
use super::texts::Texts;
use crate::app::App;
use crate::auth::{Holder, KeySession};
use crate::error::ApiError;
use crate::origin::cookie_named;

/// The cookie of the language that was chosen.
pub(super) const LANGUAGE: &str = "bloom_lang";

/// The cookie of the theme that was chosen.
pub(super) const THEME: &str = "bloom_theme";

/// What a page may load and do: what is served here, and nothing that stands in the page itself.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Light or dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Theme {
    /// As the browser's person likes it.
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark].into_iter().find(|theme| theme.name() == name)
    }
}

/// Where in the navigation a page stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    /// Nowhere.
    None,
    Overview,
    Runs,
    Questions,
    Proposals,
    Flows,
    Workers,
    Nodes,
    Tasks,
    Leases,
    Tools,
    Audit,
    Settings,
}

/// The navigation: a section, its path, and the id of its name.
const SECTIONS: &[(Section, &str, &str)] = &[
    (Section::Overview, "/", "nav-overview"),
    (Section::Runs, "/runs", "nav-runs"),
    (Section::Questions, "/questions", "nav-questions"),
    (Section::Proposals, "/proposals", "nav-proposals"),
    (Section::Flows, "/flows", "nav-flows"),
    (Section::Workers, "/workers", "nav-workers"),
    (Section::Nodes, "/nodes", "nav-nodes"),
    (Section::Tasks, "/tasks", "nav-tasks"),
    (Section::Leases, "/leases", "nav-leases"),
    (Section::Tools, "/tools", "nav-tools"),
    (Section::Audit, "/audit", "nav-audit"),
    (Section::Settings, "/settings", "nav-settings"),
];

/// Who looks at a page. Handlers take it from the request.
#[derive(Clone, Debug)]
pub(super) struct Viewer {
    pub(super) texts: &'static Texts,
    pub(super) theme: Theme,
    /// Where the page is, with what stands after the question mark.
    pub(super) path: String,
    /// As whom this person is known; `None` before that is known.
    pub(super) holder: Option<Holder>,
    /// Whether the server's key opened the session that is shown.
    pub(super) is_by_key: bool,
}

impl Viewer {
    /// Who looks, as far as the request says it by itself.
    pub(super) fn of(request: &Request) -> Self {
        Self::told_by(request.headers(), request.uri(), request.extensions())
    }

    fn told_by(headers: &HeaderMap, uri: &Uri, extensions: &Extensions) -> Self {
        let theme = cookie_named(headers, THEME).and_then(Theme::named).unwrap_or(Theme::Auto);
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        let is_by_key = extensions.get::<KeySession>().is_some();
        Self { texts: Texts::of(chosen(headers)), theme, path, holder: extensions.get().cloned(), is_by_key }
    }

    /// What stands around a page.
    pub(super) fn shell(&self, section: Section) -> Shell {
        let owner = match &self.holder {
            Some(Holder::Owner(name, _)) => Some(name.as_str().to_owned()),
            _ => None,
        };
        Shell {
            texts: self.texts,
            theme: self.theme,
            section,
            owner,
            is_inside: self.holder.is_some(),
            is_by_key: self.is_by_key,
            path: self.path.clone(),
        }
    }
}

impl FromRequestParts<App> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(Self::told_by(&parts.headers, &parts.uri, &parts.extensions))
    }
}

/// The language that was chosen, else the one that the browser's person likes better.
fn chosen(headers: &HeaderMap) -> Locale {
    cookie_named(headers, LANGUAGE).and_then(Locale::tagged).unwrap_or_else(|| language::preferred(headers))
}

/// What stands around the part of a page that is its own. Templates have it as `shell`.
pub(super) struct Shell {
    pub(super) texts: &'static Texts,
    pub(super) theme: Theme,
    pub(super) section: Section,
    /// The owner who is logged in.
    pub(super) owner: Option<String>,
    /// Whether it is known who looks, so that there are other pages to go to.
    pub(super) is_inside: bool,
    /// Whether the server's key opened the session.
    pub(super) is_by_key: bool,
    /// The page itself, to come back to.
    pub(super) path: String,
}

impl Shell {
    /// A text without variables.
    pub(super) fn t(&self, id: &str) -> String {
        self.texts.get(id)
    }

    /// The text of one of several names: `status` and `failed` for `status-failed`.
    pub(super) fn named(&self, kind: &str, name: &str) -> String {
        self.texts.get(&format!("{kind}-{name}"))
    }

    /// Where to log in, and to come back from to this page.
    pub(super) fn log_in_path(&self) -> String {
        login::path_to(&self.path)
    }

    /// The language of the page, as browsers name it.
    pub(super) fn language(&self) -> &'static str {
        self.texts.locale().tag()
    }

    /// Where a file of `assets/` is.
    #[expect(clippy::unused_self, reason = "templates reach it by the shell")]
    pub(super) fn asset(&self, name: &str) -> String {
        assets::path(name)
    }

    pub(super) fn sections(&self) -> impl Iterator<Item = (&'static str, String, bool)> {
        SECTIONS.iter().map(|(section, path, name)| (*path, self.t(name), *section == self.section))
    }

    pub(super) fn themes(&self) -> impl Iterator<Item = (&'static str, String, bool)> {
        let themes = [(Theme::Auto, "theme-auto"), (Theme::Light, "theme-light"), (Theme::Dark, "theme-dark")];
        themes.into_iter().map(|(theme, name)| (theme.name(), self.t(name), theme == self.theme))
    }
}

/// A page that was written.
pub(super) struct Html(String);

/// Writes a page.
pub(super) fn page(template: &impl Template) -> Result<Html, ApiError> {
    template.render().map(Html).map_err(|error| ApiError::internal(&error))
}

impl IntoResponse for Html {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, HeaderValue); 4] = [
            (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            // With none at all, browsers would keep from this server, too, that its own page sent a form.
            (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (header::VARY, HeaderValue::from_static("accept-language, cookie")),
        ];
        (headers, self.0).into_response()
    }
}
