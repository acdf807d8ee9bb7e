//! The operator's pages: what stands in the store, drawn and told for people.
//!
//! Each page is written by the server from a template in `templates/`, and can be read without a script. The modules in
//! `assets/` add what a script is for: a page that follows what happens, and buttons that ask the API and tell what it said.
//! What a page does, it does by the routes of the API, so there is one way to change anything.
//!
//! What `assets/bloom.js` reads in a page:
//! - `<time datetime>`: told in the viewer's zone; UTC stays in its title.
//! - `<section id data-live>`: replaced by the same section of the page as the server writes it now, when something happened.
//!   `data-live="/path"` listens there, else to everything that happens; with `data-every` it is looked at every few seconds, too, for
//!   what time alone changes. Nothing is replaced while it holds the focus or an open dialog.
//! - `<form data-api="METHOD /path">`: sent as JSON; `{name}` in the path is what the field of that name holds. A field `a.b` becomes a
//!   member `b` of `a`. On a field: `data-json`: what stands in it is JSON; `data-any`: JSON or text; `data-lines`: a list with each
//!   line; `data-time`: a time in the viewer's zone; `data-object`: an object, also if no field is in it; `data-omit-empty`,
//!   `data-null-empty`: left out, or null, when empty; `data-own`: not sent; `data-whole`: its value is all that is sent, as with
//!   `data-of` on the form the member of that name.
//! - Then the page goes to `data-then` (`{run_id}` is taken from the answer), or is fetched anew. `data-ask` names a dialog that asks
//!   first. `data-key` sends an `Idempotency-Key`. `data-show` names what is shown instead, which may be a dialog: each `data-member`
//!   in it gets that member of the answer, or of the form, as text; `*` all of them; behind `data-before`, as a part of an address.
//! - `<button data-copy="ID">`: copies the text of an element.
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
mod leases;
pub(crate) mod login;
mod nodes;
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
mod tasks;
mod texts;
mod tools;
mod trust;
mod workers;

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
        .merge(workers::routes())
        .merge(nodes::routes())
        .merge(tasks::routes())
        .merge(leases::routes())
        .merge(tools::routes())
        .merge(flows::routes())
        .merge(flow::routes())
        .merge(codes::routes());
    let pages = pages.layer(middleware::from_fn_with_state(app.clone(), request::hurry));
    let pages = pages.layer(middleware::from_fn_with_state(app.clone(), gate::require));
    pages.merge(to_all)
}
