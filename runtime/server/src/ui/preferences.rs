//! The language and the theme of the pages, which a browser keeps.

use axum::Router;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use bloom_ir::document::Locale;

use super::shell::{LANGUAGE, THEME, Theme};
use crate::app::App;
use crate::error::ApiError;
use crate::extract::Body;
use crate::{origin, web};

/// A year, in seconds.
const YEAR: u64 = 365 * 24 * 60 * 60;

pub(super) fn routes() -> Router<App> {
    // What is no form is the client's that was built elsewhere, where there is one.
    Router::new().route("/preferences", post(prefer).get(web::serve))
}

/// Takes a form: `lang` (`en`, `uk`), `theme` (`auto`, `light`, `dark`), each where it is to be changed, and `next`, the page to
/// go back to.
async fn prefer(State(app): State<App>, request: Request) -> Result<Response, ApiError> {
    origin::not_from_elsewhere(&app, &request)?;
    let is_encrypted = origin::is_encrypted(&app, &request);
    let Body(bytes) = Body::from_request(request, &app).await?;
    let (mut headers, mut next) = (HeaderMap::new(), String::from("/"));
    for (name, value) in form_urlencoded::parse(&bytes) {
        let cookie = match (&*name, &*value) {
            ("lang", tag) if Locale::tagged(tag).is_some() => {
                origin::set_cookie_named(LANGUAGE, &value, YEAR, is_encrypted)
            }
            ("theme", theme) if Theme::named(theme).is_some() => {
                origin::set_cookie_named(THEME, theme, YEAR, is_encrypted)
            }
            ("next", path) if origin::is_own_path(path) => {
                path.clone_into(&mut next);
                continue;
            }
            _ => continue,
        };
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            headers.append(header::SET_COOKIE, cookie);
        }
    }
    Ok((StatusCode::SEE_OTHER, headers, [(header::LOCATION, next)]).into_response())
}
