//! What stands before all pages: who does not say who it is, is led to where that is said; what goes wrong is told as a page.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::login;
use super::shell::{self, Shell, Viewer};
use crate::app::App;
use crate::auth;
use crate::error::{ApiError, Code};

/// Lets in who may see pages.
pub(super) async fn require(State(app): State<App>, request: Request, next: Next) -> Response {
    let viewer = Viewer::of(&request);
    match auth::admit(&app, request).await {
        Ok(request) => {
            let viewer = Viewer::of(&request);
            told(&viewer, next.run(request).await)
        }
        Err(error) if matches!(error.code, Code::AuthRequired | Code::TokenExpired) => {
            (StatusCode::SEE_OTHER, [(header::LOCATION, login::path_to(&viewer.path))]).into_response()
        }
        Err(error) => told(&viewer, error.into_response()),
    }
}

/// A refusal, or a failure, as a page.
fn told(viewer: &Viewer, mut response: Response) -> Response {
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    let status = error.code.status();
    let page = ErrorPage { shell: viewer.shell(shell::Section::None), error, status: status.as_u16() };
    (status, shell::page(&page)).into_response()
}

#[derive(askama::Template)]
#[template(path = "error.html")]
struct ErrorPage {
    shell: Shell,
    error: ApiError,
    status: u16,
}

impl ErrorPage {
    /// What a person can make of it, by the code of the error; else that something went wrong.
    fn explained(&self) -> String {
        let texts = self.shell.texts;
        let id = format!("error-{}", self.error.code.name().to_ascii_lowercase().replace('_', "-"));
        texts.find(&id).unwrap_or_else(|| texts.get("error-other"))
    }
}
