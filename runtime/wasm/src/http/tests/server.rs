//! A server that says what a test wants it to say.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What it does with a request that it has read.
#[derive(Clone)]
pub(super) enum Answer {
    /// These bytes, then it closes the connection.
    Bytes(Vec<u8>),
    /// These bytes, then nothing more, and the connection stays.
    Hang(Vec<u8>),
    /// These bytes for ever.
    Flood(Vec<u8>),
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// What it was sent.
    pub(super) requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers the first request with the first answer, and so on; the last stays.
    pub(super) async fn start(answers: Vec<Answer>) -> Self {
        Self::serve(answers, None).await
    }

    /// With the certificate of a name.
    pub(super) async fn with_tls(name: &str, answers: Vec<Answer>) -> Self {
        let file = |kind: &str| tls(&format!("{name}.{kind}"));
        let chain = CertificateDer::pem_file_iter(file("pem")).unwrap().collect::<Result<_, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_file(file("key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Self::serve(answers, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn serve(answers: Vec<Answer>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        tokio::spawn(async move {
            for n in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                let answer = answers[usize::min(n, answers.len() - 1)].clone();
                tokio::spawn(talk(stream, tls.clone(), answer, Arc::clone(&seen)));
            }
        });
        Self { address, requests }
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn talk(stream: TcpStream, tls: Option<TlsAcceptor>, answer: Answer, seen: Arc<Mutex<Vec<String>>>) {
    match tls {
        None => speak(stream, answer, &seen).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                speak(stream, answer, &seen).await;
            }
        }
    }
}

async fn speak(mut stream: impl AsyncRead + AsyncWrite + Unpin, answer: Answer, seen: &Mutex<Vec<String>>) {
    let Some(request) = read(&mut stream).await else { return };
    seen.lock().unwrap().push(request);
    // The other side may have gone, which is what some tests are about.
    match answer {
        Answer::Bytes(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Answer::Hang(bytes) => {
            let _ = stream.write_all(&bytes).await;
            let _ = stream.flush().await;
            std::future::pending::<()>().await;
        }
        Answer::Flood(bytes) => while stream.write_all(&bytes).await.is_ok() {},
    }
}

/// A request's head, and as much of its body as `content-length` says.
async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return Some(text);
            }
        }
        let mut part = [0; 4096];
        match stream.read(&mut part).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => bytes.extend_from_slice(&part[..n]),
        }
    }
}

/// A file with a certificate or a key; `make.sh` made them.
pub(super) fn tls(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/http/tests/tls")).join(name)
}
