//! What the operator sets.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use bloom_ir::SigningKey;
use ipnet::IpNet;
use secrecy::SecretString;

use crate::control_plane::ControlPlaneConfig;
use crate::tls::Tls;

/// Settings of a server.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether others are served without a key, too.
    pub insecure: bool,
    /// How others reach it, as `https://bloom.example.org`.
    pub public_url: Option<String>,
    /// The folder of a client that is served in place of the server's own pages, with its `index.html`.
    pub web: Option<PathBuf>,
    /// Networks whose `X-Forwarded-*` headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The largest body of a request, in bytes.
    pub max_body: usize,
    /// Connections at a time; further ones wait.
    pub max_connections: usize,
    /// With what it proves who it is; `None`: connections are not encrypted.
    pub tls: Option<Tls>,
    /// Requests a minute of each who shows a key; 0: not limited.
    pub requests_per_minute: u32,
    /// Requests a minute of each address to the existing routes under `/api/runtime` and `/api/membridge`, while there is no key;
    /// 0: not limited.
    pub open_requests_per_minute: u32,
    /// For reading a request, and for answering from the store.
    pub request_timeout: Duration,
    /// How long requests under way may take when the server stops.
    pub drain: Duration,
    /// What node agents are shown.
    pub agent_key: Option<SecretString>,
    /// Sessions hold as long as this is the same; `None`: they hold their time.
    pub session_secret: Option<SecretString>,
    /// Signs what owners publish as diagrams; `None`: they cannot.
    pub signing_key: Option<SigningKey>,
    /// Signs checkpoints of the audit log; `None`: there are none.
    pub audit_key: Option<SigningKey>,
    /// Whether tasks that clients post are pushed to node agents, as those of flows are.
    pub auto_dispatch: bool,
    /// A call that has a node agent do a task may take so much longer than the task.
    pub agent_margin: Duration,
    /// The control plane that knows nodes and their projects.
    pub control_plane: ControlPlaneConfig,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 5000)),
            insecure: false,
            public_url: None,
            web: None,
            trusted_proxies: vec![
                IpNet::from(IpAddr::from([127, 0, 0, 1])),
                IpNet::from(IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])),
            ],
            max_body: 8 << 20,
            max_connections: 16_384,
            tls: None,
            requests_per_minute: 0,
            open_requests_per_minute: 100,
            request_timeout: Duration::from_secs(30),
            drain: Duration::from_secs(10),
            agent_key: None,
            session_secret: None,
            signing_key: None,
            audit_key: None,
            auto_dispatch: false,
            agent_margin: Duration::from_secs(30),
            control_plane: ControlPlaneConfig::default(),
        }
    }
}

/// Why a server cannot be as it is set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// Whoever reaches it could do everything.
    #[error("listening on {listen} without a key would let everybody in")]
    OpenToAll {
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// It is no URL of a server.
    #[error("{url} is not the URL of a server, as https://bloom.example.org")]
    PublicUrl {
        /// What was set.
        url: String,
    },
    /// That of the control plane is none.
    #[error("{url} is not the URL of a control plane, as http://127.0.0.1:8000")]
    ControlPlaneUrl {
        /// What was set.
        url: String,
    },
}

impl ServerConfig {
    pub(crate) fn check(&self, has_key: bool) -> Result<(), ConfigError> {
        if !has_key && !self.insecure && !self.listen.ip().is_loopback() {
            return Err(ConfigError::OpenToAll { listen: self.listen });
        }
        match &self.public_url {
            Some(url) if self.public_host().is_none() => return Err(ConfigError::PublicUrl { url: url.clone() }),
            _ => {}
        }
        match &self.control_plane.url {
            Some(url) if host(url).is_none() => Err(ConfigError::ControlPlaneUrl { url: url.clone() }),
            _ => Ok(()),
        }
    }

    /// The host of the public URL, with its port where it has one.
    pub(crate) fn public_host(&self) -> Option<String> {
        host(self.public_url.as_deref()?)
    }

    /// How node agents reach it, where it listens at `bound`: with the port that it was given, if it asked for any. `None` where
    /// nothing was said of that, and the address does not tell.
    pub(crate) fn own_url(&self, bound: Option<SocketAddr>) -> Option<String> {
        if let Some(url) = &self.public_url {
            return Some(url.trim_end_matches('/').to_owned());
        }
        let at = bound.unwrap_or(self.listen);
        let is_told = !at.ip().is_unspecified() && at.port() != 0;
        is_told.then(|| format!("{}://{at}", if self.tls.is_some() { "https" } else { "http" }))
    }

    pub(crate) fn trusts(&self, peer: IpAddr) -> bool {
        self.trusted_proxies.iter().any(|network| network.contains(&peer.to_canonical()))
    }
}

/// The host of a server's URL, with its port where it has one.
fn host(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    uri.authority().filter(|_| is_web).map(|authority| authority.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_served_without_a_key() {
        let at =
            |listen: &str, insecure| ServerConfig { listen: listen.parse().unwrap(), insecure, ..Default::default() };
        assert_eq!(at("127.0.0.1:1", false).check(false), Ok(()));
        assert_eq!(at("[::1]:1", false).check(false), Ok(()));
        let open = at("0.0.0.0:1", false);
        assert_eq!(open.check(false), Err(ConfigError::OpenToAll { listen: open.listen }));
        assert_eq!(open.check(true), Ok(()));
        assert_eq!(at("0.0.0.0:1", true).check(false), Ok(()));
    }

    #[test]
    fn others_are_told_of_an_address_that_they_can_reach() {
        let at = |listen: &str, url: Option<&str>| {
            let public_url = url.map(str::to_owned);
            ServerConfig { listen: listen.parse().unwrap(), public_url, ..Default::default() }
        };
        assert_eq!(at("10.0.0.1:5000", None).own_url(None).as_deref(), Some("http://10.0.0.1:5000"));
        assert_eq!(at("[::1]:5000", None).own_url(None).as_deref(), Some("http://[::1]:5000"));
        let given = at("[::1]:0", None).own_url(Some("[::1]:4711".parse().unwrap()));
        assert_eq!(given.as_deref(), Some("http://[::1]:4711"));
        for nowhere in ["0.0.0.0:5000", "[::]:5000", "127.0.0.1:0"] {
            assert_eq!(at(nowhere, None).own_url(None), None, "{nowhere}");
            assert_eq!(at(nowhere, Some("https://x.org/")).own_url(None).as_deref(), Some("https://x.org"));
        }
    }

    #[test]
    fn the_public_url_is_one_of_a_server() {
        let with = |url: &str| ServerConfig { public_url: Some(url.to_owned()), ..Default::default() };
        assert_eq!(with("https://Bloom.example.org:8443/x").public_host().unwrap(), "bloom.example.org:8443");
        for url in ["bloom.example.org", "ftp://x.org", "", "https://"] {
            assert!(with(url).check(true).is_err(), "{url}");
        }
    }
}
