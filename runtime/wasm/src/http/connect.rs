//! From a grant to a connection.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::{ClientError, FetchError};
use crate::grant::{HttpGrant, Scheme};

/// How many addresses of a name are tried.
const TRIED: usize = 4;

/// Knows the addresses of names.
#[async_trait]
pub(super) trait Resolve: Send + Sync {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operator's names, else those of the system.
pub(super) struct Names(BTreeMap<String, Vec<IpAddr>>);

impl Names {
    pub(super) fn new(hosts: BTreeMap<String, Vec<IpAddr>>) -> Self {
        // As grants have them.
        Self(hosts.into_iter().map(|(name, addresses)| (name.to_ascii_lowercase(), addresses)).collect())
    }
}

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        if let Some(addresses) = self.0.get(name) {
            return Ok(addresses.clone());
        }
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// A stream that HTTP is spoken over.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

pub(super) struct Connector {
    names: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl Connector {
    pub(super) fn new(ca: Option<&Path>, names: Arc<dyn Resolve>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(file) = ca {
            let wrong = |error: &dyn std::fmt::Display| {
                ClientError::Certificates(format!("the certificates in {}: {error}", file.display()))
            };
            let mut any = false;
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
                roots.add(certificate.map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
                any = true;
            }
            if !any {
                return Err(wrong(&"there is none"));
            }
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { names, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection to an address of the host that may be connected to.
    pub(super) async fn connect(&self, to: &HttpGrant) -> Result<Box<dyn Stream>, FetchError> {
        let stream = self.dial(to).await?;
        if to.scheme == Scheme::Http {
            return Ok(Box::new(stream));
        }
        let failed = |reason: String| FetchError::Tls { host: to.host.clone(), reason };
        let name = ServerName::try_from(to.host.clone()).map_err(|error| failed(error.to_string()))?;
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) if error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>) => {
                Err(failed(error.to_string()))
            }
            Err(error) => Err(FetchError::NotConnected { host: to.host.clone(), reason: error.to_string() }),
        }
    }

    async fn dial(&self, to: &HttpGrant) -> Result<TcpStream, FetchError> {
        let mut reason = String::new();
        for address in self.addresses(to).await?.into_iter().take(TRIED) {
            match TcpStream::connect(SocketAddr::new(address, to.port)).await {
                Ok(stream) => {
                    // A small request waits for nobody; without it, it is only slower.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Err(error) => reason = error.to_string(),
            }
        }
        Err(FetchError::NotConnected { host: to.host.clone(), reason })
    }

    /// Those of the host's addresses that may be connected to.
    async fn addresses(&self, to: &HttpGrant) -> Result<Vec<IpAddr>, FetchError> {
        if let Ok(address) = to.host.parse() {
            return Ok(vec![address]);
        }
        let not_resolved = |reason: String| FetchError::NotResolved { host: to.host.clone(), reason };
        let found = self.names.resolve(&to.host).await.map_err(|error| not_resolved(error.to_string()))?;
        if found.is_empty() {
            return Err(not_resolved("it has no address".into()));
        }
        let (allowed, refused): (Vec<IpAddr>, Vec<IpAddr>) =
            found.into_iter().partition(|address| is_public(*address) || to.allows_address(*address));
        if allowed.is_empty() {
            let refused: Vec<String> = refused.iter().take(TRIED).map(ToString::to_string).collect();
            return Err(FetchError::AddressRefused { host: to.host.clone(), addresses: refused.join(", ") });
        }
        Ok(allowed)
    }
}
