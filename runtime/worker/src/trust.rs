//! Whom a client believes to be the server that it names.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::Url;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::{CertificateError, ClientConfig, RootCertStore};

/// Whose certificates are believed.
#[derive(Clone)]
pub struct Trust(ClientConfig);

/// Why certificates cannot be trusted.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// It is no PEM text (RFC 7468).
    #[error("it is no PEM text: {0}")]
    Pem(#[source] pem::Error),
    /// There is no certificate in it.
    #[error("there is no certificate in it")]
    None,
    /// One of them is broken, or of a kind that is not known.
    #[error("a certificate in it cannot be used: {0}")]
    Unfit(#[source] rustls::Error),
}

impl Trust {
    /// The certification authorities that Mozilla trusts.
    pub fn usual() -> Self {
        Self::of(usual_roots())
    }

    /// Those, and the certificates in a PEM text: authorities, or what a server shows itself.
    pub fn beside_usual(pem: &[u8]) -> Result<Self, TrustError> {
        let mut roots = usual_roots();
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(TrustError::Pem)?).map_err(TrustError::Unfit)?;
        }
        if roots.len() == before {
            return Err(TrustError::None);
        }
        Ok(Self::of(roots))
    }

    fn of(roots: RootCertStore) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        #[expect(clippy::expect_used, reason = "it fails for a provider without cipher suites only")]
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring has cipher suites of TLS 1.2 and 1.3");
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Self(config)
    }

    /// What makes clients that believe nobody else. They go straight to the server that they are given, and follow no redirect, so
    /// that what they show to one server is shown to no other.
    #[expect(clippy::disallowed_methods, reason = "here it is given its provider")]
    pub fn client(&self) -> reqwest::ClientBuilder {
        reqwest::Client::builder()
            .tls_backend_preconfigured(self.0.clone())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Trust")
    }
}

fn usual_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

/// Whether others on the way can read what is sent to a server: it is not encrypted, and leaves this machine.
pub fn is_exposed(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    let name = host.trim_end_matches('.');
    // RFC 6761, section 6.3.
    let is_local = name == "localhost"
        || name.ends_with(".localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
    server.scheme() != "https" && !is_local
}

/// Why a client and a server that is there do not come together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsFault {
    /// Nobody who is trusted vouches for its certificate, or not for this day or use.
    #[error("the server's certificate is not trusted: {0}")]
    Untrusted(String),
    /// Its certificate is that of another name.
    #[error("the server's certificate is for another name: {0}")]
    WrongName(String),
    /// It answers, but not with TLS.
    #[error("the server does not speak TLS")]
    NotSpoken,
    /// It answers plain HTTP with something else, as servers do that want TLS.
    #[error("the server does not answer with HTTP; it may want TLS")]
    Wanted,
    /// The two agree on nothing, or one of them asks for what the other has not.
    #[error("TLS failed: {0}")]
    Failed(String),
}

impl TlsFault {
    /// The one that made a request fail, if one did.
    pub fn of(error: &reqwest::Error) -> Option<Self> {
        if let Some(fault) = find::<rustls::Error>(error) {
            return Some(match fault {
                rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                ) => Self::WrongName(fault.to_string()),
                rustls::Error::InvalidCertificate(_) => Self::Untrusted(fault.to_string()),
                rustls::Error::InvalidMessage(_) => Self::NotSpoken,
                _ => Self::Failed(fault.to_string()),
            });
        }
        let is_plain = error.url().is_some_and(|url| url.scheme() == "http");
        (is_plain && find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse)).then_some(Self::Wanted)
    }
}

/// The error of a type among an error and its causes.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The source of an `io::Error` is that of the error in it, which it passes over.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = inner.map(|inner| inner as &(dyn Error + 'static)).or_else(|| error.source());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../../fixtures/keys/tls.test.pem");
    const KEY: &[u8] = include_bytes!("../../../fixtures/keys/tls.test.key.pem");

    #[test]
    fn only_certificates_are_trusted() {
        assert!(Trust::beside_usual(CERTIFICATE).is_ok());
        assert!(matches!(Trust::beside_usual(b""), Err(TrustError::None)));
        assert!(matches!(Trust::beside_usual(KEY), Err(TrustError::None)));
        let pem = |inner: &str| format!("-----BEGIN CERTIFICATE-----\n{inner}\n-----END CERTIFICATE-----\n");
        assert!(matches!(Trust::beside_usual(pem("!").as_bytes()), Err(TrustError::Pem(_))));
        assert!(matches!(Trust::beside_usual(pem("AAAA").as_bytes()), Err(TrustError::Unfit(_))));
    }

    #[test]
    fn what_is_not_encrypted_and_leaves_the_machine_is_exposed() {
        let is_exposed = |url: &str| is_exposed(&url.parse().unwrap());
        for url in ["http://10.0.0.2:5000", "http://0.0.0.0", "http://[2001:db8::1]", "http://bloom.example.org"] {
            assert!(is_exposed(url), "{url}");
        }
        for url in ["http://localhost.example.org", "http://127.0.0.1.example.org", "http://notlocalhost"] {
            assert!(is_exposed(url), "{url} only looks like this machine");
        }
        for url in [
            "http://127.0.0.1:5000",
            "http://127.9.9.9",
            "http://[::1]:5000",
            "http://LOCALHOST",
            "http://a.localhost.",
        ] {
            assert!(!is_exposed(url), "{url}");
        }
        assert!(!is_exposed("http://[::ffff:127.0.0.1]"));
        assert!(!is_exposed("https://10.0.0.2"));
    }

    #[test]
    fn what_is_wrong_is_found_under_everything_that_wraps_it() {
        let wrapped = io::Error::other(io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError));
        assert_eq!(find::<rustls::Error>(&wrapped), Some(&rustls::Error::DecryptError));
        assert!(find::<rustls::Error>(&io::Error::other("something else")).is_none());
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let there = url.clone();
        let serving = tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            let mut line = String::new();
            while stream.read_line(&mut line).await.unwrap() > 2 {
                line.clear();
            }
            let head = format!("HTTP/1.1 307 Temporary Redirect\r\nlocation: {there}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await.unwrap();
            listener
        });
        let client = Trust::usual().client().build().unwrap();
        let answer = client.get(&url).header("x-runtime-api-key", "s3cret").send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.url().as_str()), (307, url.as_str()));
        drop(serving.await.unwrap());
    }
}
