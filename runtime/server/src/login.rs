//! The page where owners log in and out. It needs no script, and nothing from elsewhere.

use std::fmt::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bloom_ir::Digest;

use crate::app::App;
use crate::auth::{self, Holder};
use crate::error::{ApiError, Code};
use crate::page::{self, escaped};
use crate::routes::session;
use crate::{origin, owner};

/// Where it is.
pub(crate) const PATH: &str = "/login";

/// The media type of what a browser sends of a form.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

const STYLE: &str = "form{max-width:22rem}label{display:block;margin:.8rem 0 .2rem}input{font:inherit;box-sizing:border-box;\
width:100%;padding:.45rem .6rem;border:1px solid #8793a3;border-radius:6px;color:inherit;background:transparent}\
button{font:inherit;margin-top:1.2rem;padding:.45rem 1.2rem;border:0;border-radius:6px;color:#fff;background:#1f5fbf}\
input:focus-visible,button:focus-visible,a:focus-visible{outline:3px solid #6ea3f5;outline-offset:2px}\
[role=alert]{border-left:4px solid #c62f2f;padding:.4rem .8rem;max-width:36rem}";

pub(crate) fn routes() -> Router<App> {
    Router::new().route(PATH, get(show)).route("/logout", post(log_out))
}

async fn show(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    let holder = match origin::cookie(request.headers()) {
        Some(token) => auth::in_session(&app, token).await.ok(),
        None => None,
    };
    let language = Language::of(request.headers());
    Ok(page(&app, language, holder.as_ref(), None).await.into_response())
}

/// A form can only post, so this is how a person logs out without a script.
async fn log_out(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    origin::from_own_page(&app, &request)?;
    if let Some(token) = origin::cookie(request.headers())
        && let Ok(Holder::Owner(_, session)) = auth::in_session(&app, token).await
    {
        session::end(&app, &session).await?;
    }
    let cookie = origin::set_cookie("", 0, origin::is_encrypted(&app, &request));
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, PATH.to_owned()), (header::SET_COOKIE, cookie)]).into_response())
}

/// The language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Ukrainian,
}

impl Language {
    /// The one that the browser's person likes better (RFC 9110 §12.5.4); English where nothing is said.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let weight = |wanted: &str| {
            accepted
                .split(',')
                .filter_map(|part| {
                    let mut part = part.split(';').map(str::trim);
                    let language = part.next()?.split('-').next()?;
                    let weight = part.find_map(|each| each.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse().ok())?;
                    language.eq_ignore_ascii_case(wanted).then_some(weight)
                })
                .fold(0.0_f32, f32::max)
        };
        if weight("uk") > weight("en") { Self::Ukrainian } else { Self::English }
    }

    fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::Ukrainian => &UKRAINIAN,
        }
    }
}

struct Words {
    tag: &'static str,
    title: &'static str,
    name: &'static str,
    password: &'static str,
    log_in: &'static str,
    log_out: &'static str,
    logged_in_as: &'static str,
    until: &'static str,
    nobody: &'static str,
    wrong: &'static str,
    too_many: &'static str,
    elsewhere: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    title: "Log in",
    name: "Name",
    password: "Password",
    log_in: "Log in",
    log_out: "Log out",
    logged_in_as: "You are logged in as",
    until: "until",
    nobody: "Nobody can log in yet: whoever operates this server sets a password with",
    wrong: "The name or the password is wrong.",
    too_many: "Too many wrong attempts. Try again in a minute.",
    elsewhere: "The browser did not say that this page sent the form, so it was not taken. Open this page by the server's own \
                address, and try again.",
};

const UKRAINIAN: Words = Words {
    tag: "uk",
    title: "Вхід",
    name: "Ім'я",
    password: "Пароль",
    log_in: "Увійти",
    log_out: "Вийти",
    logged_in_as: "Ви увійшли як",
    until: "до",
    nobody: "Увійти ще ніхто не може: той, хто керує сервером, задає пароль командою",
    wrong: "Ім'я або пароль неправильні.",
    too_many: "Забагато невдалих спроб. Спробуйте ще раз за хвилину.",
    elsewhere: "Браузер не підтвердив, що форму надіслала ця сторінка, тому її не прийнято. Відкрийте сторінку за власною \
                адресою сервера та спробуйте ще раз.",
};

/// Why the form was not enough.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Trouble {
    Wrong,
    TooMany,
    Elsewhere,
}

impl Trouble {
    /// What a person can do something about.
    pub(crate) fn of(error: &ApiError) -> Option<Self> {
        match error.code {
            Code::AuthRequired => Some(Self::Wrong),
            Code::RateLimited => Some(Self::TooMany),
            Code::Forbidden => Some(Self::Elsewhere),
            _ => None,
        }
    }
}

/// Only the styles that stand in the page, and forms that go to this server.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = STANDARD.encode(Digest::of(format!("{}{STYLE}", page::STYLE).as_bytes()).as_bytes());
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).unwrap_or_else(|_| unreachable!("base64 may stand in a header"))
});

type Page = ([(HeaderName, HeaderValue); 4], String);

/// The page: for who is logged in a way out, for others the form.
pub(crate) async fn page(app: &App, language: Language, holder: Option<&Holder>, trouble: Option<Trouble>) -> Page {
    let words = language.words();
    let mut page = format!(
        "<!doctype html><html lang={}><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>BLOOM Runtime: {}</title><style>{}{STYLE}</style><h1>BLOOM Runtime</h1>",
        words.tag,
        words.title,
        page::STYLE
    );
    let told = match trouble {
        None => None,
        Some(Trouble::Wrong) => Some(words.wrong),
        Some(Trouble::TooMany) => Some(words.too_many),
        Some(Trouble::Elsewhere) => Some(words.elsewhere),
    };
    // Writing to a text cannot fail.
    if let Some(told) = told {
        let _ = write!(page, "<p role=alert>{told}</p>");
    }
    if let Some(Holder::Owner(name, session)) = holder {
        let (name, until) = (escaped(name.as_str()), crate::view::time(session.expires_at));
        let _ = write!(
            page,
            "<p>{} <strong>{name}</strong> ({} <time>{until}</time>).</p>\
             <form method=post action=/logout><button>{}</button></form>",
            words.logged_in_as, words.until, words.log_out
        );
    } else {
        let owners = app.owners().read(app.store()).await;
        if owners.is_ok_and(|owners| owners.is_empty()) {
            let _ = write!(page, "<p>{} <code>bloom owner set {}</code></p>", words.nobody, words.name.to_uppercase());
        }
        let longest = owner::HashedPassword::LONGEST;
        let _ = write!(
            page,
            "<form method=post action=/api/v1/session><label for=name>{}</label>\
             <input id=name name=name autocomplete=username maxlength=64 required autofocus>\
             <label for=password>{}</label><input id=password name=password type=password \
             autocomplete=current-password maxlength={longest} required><button>{}</button></form>",
            words.name, words.password, words.log_in
        );
    }
    page.push_str("</html>\n");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, POLICY.clone()),
        // With none at all, browsers would keep from this server, too, that its own page sent the form.
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::VARY, HeaderValue::from_static("accept-language, cookie")),
    ];
    (headers, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_one_that_is_liked_better() {
        let of = |text: &str| {
            let value = HeaderValue::from_str(text).unwrap();
            Language::of(&HeaderMap::from_iter([(header::ACCEPT_LANGUAGE, value)]))
        };
        assert_eq!(of("uk-UA,uk;q=0.9,en;q=0.8"), Language::Ukrainian);
        assert_eq!(of("en-GB, uk;q=0.5"), Language::English);
        assert_eq!(of("de, UK;q=0.1"), Language::Ukrainian);
        assert_eq!(of("de"), Language::English);
        assert_eq!(of("uk;q=x, ;;,"), Language::English);
        assert_eq!(Language::of(&HeaderMap::new()), Language::English);
    }
}
