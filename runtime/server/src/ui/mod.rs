//! The operator's pages: what stands in the store, drawn and told for people.
//!
//! Each page is written by the server from a template in `templates/`, and can be read without a script. The modules in
//! `assets/` add what a script is for: a page that follows what happens, and buttons that ask the API and tell what it said.
//! What a page does, it does by the routes of the API, so there is one way to change anything.
//!
//! Invariants:
//! - Nothing of a page is made before it is known who asks ([`gate`]).
//! - A text that others wrote is written by a template, which escapes it, and never by a script as markup.
//! - All texts for people stand in `messages/`, in both languages.

mod assets;
mod audit;
mod codes;
mod diff;
mod flow;
mod flows;
mod form;
mod gate;
pub(crate) mod language;
pub(crate) mod login;
mod overview;
mod place;
mod policy;
mod preferences;
mod proposal_content;
mod proposals;
mod questions;
mod run;
mod runs;
mod schema;
mod settings;
mod shell;
mod show;
mod texts;
mod trust;

use axum::{Router, middleware};

use crate::app::App;
use crate::request;

/// The pages. Where a client that was built elsewhere stands in their place, there is the one to log in alone.
pub(crate) fn routes(app: &App) -> Router<App> {
    let hurry = middleware::from_fn_with_state(app.clone(), request::hurry);
    let to_all = assets::routes().merge(preferences::routes()).merge(login::routes().layer(hurry));
    if app.config.web.is_some() {
        return to_all;
    }
    let pages = Router::new()
        .merge(overview::routes())
        .merge(runs::routes())
        .merge(questions::routes())
        .merge(proposals::routes())
        .merge(audit::routes())
        .merge(settings::routes())
        .merge(run::routes())
        .merge(flows::routes())
        .merge(flow::routes())
        .merge(codes::routes());
    let pages = pages.layer(middleware::from_fn_with_state(app.clone(), request::hurry));
    let pages = pages.layer(middleware::from_fn_with_state(app.clone(), gate::require));
    pages.merge(to_all)
}
