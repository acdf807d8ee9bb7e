//! Connections: how many, how slow they may be, and how they end.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::app::App;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) Option<SocketAddr>);

impl Connected<Self> for Peer {
    fn connect_info(peer: Self) -> Self {
        peer
    }
}

/// A request's head is read within this time, or the connection ends.
const HEAD_TIMEOUT: Duration = Duration::from_secs(15);

/// A head is refused when so much of it was read and it has not ended, which is a few times that at most: hyper looks after each read.
/// No more headers are in it than these.
const MAX_HEAD: usize = 32 << 10;
const MAX_HEADERS: usize = 64;

/// After an error that is not the connection's own, as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn serve(
    app: &App,
    router: Router,
    listener: TcpListener,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = Arc::new(Semaphore::new(app.config.max_connections));
    let graceful = GracefulShutdown::new();
    let acceptor = app.config.tls.as_ref().map(|tls| TlsAcceptor::from(tls.0.clone()));
    let mut stop = pin!(stop);
    loop {
        let permit = tokio::select! {
            biased;
            () = &mut stop => break,
            permit = connections.clone().acquire_owned() => permit,
        };
        let (stream, peer) = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be taken for now");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let (router, watcher, tls) = (router.clone(), graceful.watcher(), acceptor.clone());
        tokio::spawn(async move {
            // Answers are small and somebody waits for each.
            let _ = stream.set_nodelay(true);
            // What a connection ends with is its client's business.
            let _ = match tls {
                None => watcher.watch(connection(stream, peer, router)).await,
                Some(tls) => match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                    Ok(Ok(stream)) => watcher.watch(connection(stream, peer, router)).await,
                    Ok(Err(_)) | Err(_) => Ok(()),
                },
            };
            drop(permit);
        });
    }
    drop(listener);
    app.stop();
    if tokio::time::timeout(app.config.drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered before the server stopped");
    }
    Ok(())
}

fn connection<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    peer: SocketAddr,
    router: Router,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request: Request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(Peer(Some(peer))));
        router.clone().oneshot(request)
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
