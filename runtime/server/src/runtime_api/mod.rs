//! The routes under `/api/runtime`: tasks, leases, workers, for operators, workers and node agents. Paths, names, types and
//! statuses are a contract with clients that exist.

mod agent;
mod answers;
mod bodies;
mod enroll;
mod error;
mod flow;
mod form;
mod install;
mod lease;
mod membridge;
mod merge;
mod project;
mod reads;
mod state;
mod task;
mod view;
mod worker;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) use self::agent::serve as push;
pub(crate) use self::answers::complete as describe;
pub(crate) use self::enroll::{node_of, shown as enroll_token};
pub(crate) use self::error::restate;
pub(crate) use self::membridge::{Trials, masked};
pub(crate) use self::merge::serve as merge;
pub(crate) use self::project::recover;
use crate::app::App;

/// Routes that answer from the store, and need the key.
pub(crate) fn quick() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(task::list, task::create))
        .routes(routes!(task::show))
        .routes(routes!(task::lease))
        .routes(routes!(task::heartbeat))
        .routes(routes!(task::complete))
        .routes(routes!(task::requeue))
        .routes(routes!(worker::list, worker::register))
        .routes(routes!(worker::show, worker::remove))
        .routes(routes!(worker::heartbeat))
        .routes(routes!(lease::list))
        .routes(routes!(lease::heartbeat))
        .routes(routes!(lease::release))
        .routes(routes!(lease::result))
        .routes(routes!(project::list, project::create))
        .routes(routes!(project::show, project::remove))
        .routes(routes!(project::node_status))
        .routes(routes!(membridge::config, membridge::set_config))
        .routes(routes!(install::script))
        .routes(routes!(flow::ir))
        .routes(routes!(flow::history, flow::add))
        .routes(routes!(reads::component))
        .routes(routes!(reads::find))
        .routes(routes!(reads::artifact))
        .routes(routes!(reads::memory))
        .routes(routes!(state::runs))
        .routes(routes!(state::artifacts))
        .routes(routes!(state::audit))
        .routes(routes!(state::stats))
}

/// Routes that take their time, and need the key.
pub(crate) fn unhurried() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(lease::pull))
        .routes(routes!(agent::dispatch))
        .routes(routes!(agent::health))
        .routes(routes!(agent::update))
        .routes(routes!(agent::restart))
        .routes(routes!(agent::uninstall))
        .routes(routes!(project::clone))
        .routes(routes!(project::propagate))
        .routes(routes!(project::sync_memory))
        .routes(routes!(membridge::health))
        .routes(routes!(membridge::projects))
        .routes(routes!(membridge::leadership))
        .routes(routes!(membridge::nodes))
        .routes(routes!(membridge::promote))
}

/// Routes that need no key: of the server's state, and those that are shown a secret of their own, of a lease or for a node.
pub(crate) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(state::health))
        .routes(routes!(membridge::test))
        .routes(routes!(enroll::exchange))
        .routes(routes!(lease::beat_by_token))
        .routes(routes!(lease::complete_by_token))
}
