//! The HTTP server: flows and runs for clients, with the engine in the same process.
//!
//! [`Server`] is put together from [`Parts`] and serves a listener until it is told to stop; [`Server::router`] is the same
//! without a network, for tests. What a client is told of errors is made in [`error`] and nowhere else, and the description
//! of the API ([`openapi`]) is made from the handlers.
//!
//! What it is not: it holds no rule of runs, tasks or storage, reads no settings, knows no compiler (one is handed in), and
//! makes no time, chance or ids.
//!
//! Invariants:
//! - Nothing is answered that is not on disk, but for what is marked as transient.
//! - Whatever a client sends, the answer is no 5xx, and no handler panics.
//! - Without a key nobody but this machine is served, and no page of a browser from elsewhere.
//! - What a browser adds to requests by itself changes nothing for a page of another origin.
//!
//! ```no_run
//! # async fn example(parts: bloom_server::Parts) -> Result<(), Box<dyn std::error::Error>> {
//! let server = bloom_server::Server::new(parts)?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:5000").await?;
//! server.serve(listener, async { std::future::pending().await }).await?;
//! # Ok(())
//! # }
//! ```

mod app;
mod auth;
mod config;
mod content;
mod control_plane;
mod error;
mod extract;
mod feed;
mod followed;
mod hub;
mod kept;
mod listener;
mod metrics;
pub mod openapi;
mod operator;
mod origin;
mod outbound;
mod owner;
mod page;
mod rate;
mod recent;
mod request;
mod routes;
mod runtime_api;
mod tls;
mod toolbox;
mod ui;
mod view;
mod web;

use axum::Router;
use tokio::net::TcpListener;

use crate::app::App;
pub use crate::app::{Appliers, Parts};
pub use crate::config::{ConfigError, ServerConfig};
pub use crate::control_plane::ControlPlaneConfig;
pub use crate::hub::Hub;
pub use crate::owner::{BadOwnerName, HashedPassword, Owner, OwnerName, Owners, PasswordError, SESSION, Session};
pub use crate::tls::{Tls, TlsError};
pub use crate::toolbox::{NotAdded, Toolbox};

/// A server that is ready to serve.
#[derive(Clone)]
pub struct Server {
    app: App,
}

impl Server {
    /// Puts a server together, if its settings can be kept.
    pub fn new(parts: Parts) -> Result<Self, ConfigError> {
        parts.config.check(parts.key.is_some())?;
        Ok(Self { app: App::new(parts) })
    }

    /// All routes, with everything that stands before them.
    pub fn router(&self) -> Router {
        routes::all(&self.app)
    }

    /// Serves until `stop`; then takes no new connection, and ends when the requests that are under way have their answers,
    /// at the latest after [`ServerConfig::drain`].
    ///
    /// Before, it takes over the workers, the leases and the queued runs of the server that was there before; meanwhile, it ends
    /// leases whose time is over, pushes tasks to node agents, and asks the control plane for workers.
    pub async fn serve(self, listener: TcpListener, stop: impl Future<Output = ()>) -> std::io::Result<()> {
        self.app.listens_at(listener.local_addr()?);
        self.serve_by(listener::serve(&self.app, self.router(), listener, stop)).await
    }

    /// The same, where requests come to [`Server::router`] by something else than a listener: as long as `serving` lasts, which
    /// begins when they may come.
    pub async fn serve_by(&self, serving: impl Future<Output = std::io::Result<()>>) -> std::io::Result<()> {
        let engine = &self.app.engine;
        engine.restore_fleet().await.map_err(std::io::Error::other)?;
        engine.restore_turns().await.map_err(std::io::Error::other)?;
        runtime_api::recover(&self.app).await.map_err(std::io::Error::other)?;
        tokio::select! {
            biased;
            served = serving => served,
            () = engine.reap_until(std::future::pending()) => Ok(()),
            () = runtime_api::push(self.app.clone()) => Ok(()),
            () = runtime_api::merge(self.app.clone()) => Ok(()),
            () = self.app.metrics().clone().attribute(self.app.clone()) => Ok(()),
        }
    }
}
