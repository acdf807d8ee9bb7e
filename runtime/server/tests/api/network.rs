//! What only a connection shows.

use std::sync::Arc;

use bloom_server::{ServerConfig, Tls, TlsError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::world::{Setup, World};

const CERTIFICATE: &[u8] = include_bytes!("../../../../fixtures/keys/tls.test.pem");
const KEY: &[u8] = include_bytes!("../../../../fixtures/keys/tls.test.key.pem");

/// Who trusts the certificate of the tests, and nobody else.
fn connector() -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn a_server_with_a_certificate_speaks_tls_and_nothing_else() {
    let config = ServerConfig { tls: Some(Tls::from_pem(CERTIFICATE, KEY).unwrap()), ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(world.server.clone().serve(listener, std::future::pending()));
    let ask = format!("GET /api/v1/runs HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");

    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = connector().connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("strict-transport-security: max-age="), "{answer}");

    let mut plain = TcpStream::connect(address).await.unwrap();
    plain.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // The connection may be reset.
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"), "{answer:?}");
    serving.abort();
    world.end().await;
}

#[test]
fn what_is_no_certificate_is_refused() {
    assert!(matches!(Tls::from_pem(b"", KEY), Err(TlsError::None)));
    assert!(matches!(Tls::from_pem(CERTIFICATE, b""), Err(TlsError::Key(_))));
    let broken = b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    assert!(matches!(Tls::from_pem(broken, KEY), Err(TlsError::Certificate(_))));
    assert_eq!(format!("{:?}", Tls::from_pem(CERTIFICATE, KEY).unwrap()), "Tls");
}

#[tokio::test]
async fn without_a_key_the_existing_routes_take_so_many_requests_of_an_address() {
    let config = ServerConfig { open_requests_per_minute: 2, ..ServerConfig::default() };
    let world = World::with(Setup { config, ..Setup::default() });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(world.server.clone().serve(listener, std::future::pending()));
    let client = bloom_worker::Trust::usual().client().build().unwrap();
    let status = async |path: &str| client.get(format!("{url}{path}")).send().await.unwrap().status().as_u16();
    let mut asked = 0;
    while asked < 2000 && status("/api/runtime/stats").await == 200 {
        asked += 1;
    }
    assert!((2..2000).contains(&asked), "{asked}");
    assert_eq!(client.post(format!("{url}/api/runtime/llm-tasks")).send().await.unwrap().status().as_u16(), 429);
    for path in ["/api/v1/runs", "/healthz", "/metrics", "/api/runtime/health"] {
        assert_eq!(status(path).await, 200, "{path} is not of that contract");
    }
    let pulled = client.post(format!("{url}/api/runtime/leases")).body(r#"{"worker_id":"none"}"#);
    let pulled = pulled.header("content-type", "application/json").send().await.unwrap();
    assert_eq!(pulled.status().as_u16(), 404, "a worker that asks for work is not counted");
    serving.abort();
    world.end().await;
}

/// The status of what is answered to a head with these lines more.
async fn of_head(address: std::net::SocketAddr, lines: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{lines}\r\n");
    // The connection may be reset once it is answered, which may be before all of this was sent.
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(world.server.clone().serve(listener, std::future::pending()));
    assert!(of_head(address, "x-a: 1\r\n").await.starts_with("HTTP/1.1 200 "));
    let many = (0..70).map(|n| format!("x-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let long = format!("x-long: {}\r\n", "a".repeat(256 << 10));
    for lines in [many, long] {
        let status = of_head(address, &lines).await;
        assert!(status.starts_with("HTTP/1.1 431 "), "{status}");
    }
    serving.abort();
    world.end().await;
}
