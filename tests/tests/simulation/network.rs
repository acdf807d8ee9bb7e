//! A network that loses, delays, doubles and reorders what it carries, and on whose way others answer.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, Uri};
use bloom_worker::{RemoteError, Transport};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tower::ServiceExt as _;

use crate::sim::{Life, Sim};

/// The server's key.
pub(crate) const KEY: &str = "the key of the simulation";

/// Where the server is.
pub(crate) const SERVER: &str = "http://server:5000";

pub(crate) struct Network {
    sim: Arc<Sim>,
    server: Mutex<Option<(Router, Life)>>,
    /// Who is parted from the server.
    parted: Mutex<BTreeSet<String>>,
    /// Whether what a stale lease shows is changed to what the newest one would, so that the server cannot see it: a rule that is
    /// broken on purpose.
    forges: bool,
}

type Answered = Result<Response<Vec<u8>>, RemoteError>;

impl Network {
    pub(crate) fn new(sim: &Arc<Sim>, forges: bool) -> Arc<Self> {
        Arc::new(Self { sim: sim.clone(), server: Mutex::default(), parted: Mutex::default(), forges })
    }

    /// The server listens from now on, as long as it lives.
    pub(crate) fn serve(&self, router: Router, life: Life) {
        *self.server.lock().unwrap() = Some((router, life));
    }

    /// Somebody and the server do not reach each other, or do again.
    pub(crate) fn part(&self, name: &str, parted: bool) {
        let mut all = self.parted.lock().unwrap();
        if parted {
            all.insert(name.to_owned())
        } else {
            all.remove(name)
        };
    }

    pub(crate) fn heal(&self) {
        self.parted.lock().unwrap().clear();
    }

    /// Somebody who sends requests.
    pub(crate) fn line(self: &Arc<Self>, name: &str, life: &Life) -> Line {
        Line { network: self.clone(), name: name.into(), life: life.clone() }
    }

    fn serving(&self) -> Option<(Router, Life)> {
        self.server.lock().unwrap().clone().filter(|(_, life)| !life.is_over())
    }

    /// Whether a message does not arrive.
    fn loses(&self, name: &str) -> bool {
        let lost = self.sim.faults.lock().unwrap().lost;
        self.parted.lock().unwrap().contains(name) || self.sim.happens(lost)
    }

    fn latency(&self) -> Duration {
        let late = self.sim.faults.lock().unwrap().late;
        if self.sim.happens(late) { self.sim.millis(100, 30_000) } else { self.sim.millis(1, 30) }
    }
}

/// The way of one machine, or of one client, to the server.
#[derive(Clone)]
pub(crate) struct Line {
    network: Arc<Network>,
    name: Arc<str>,
    life: Life,
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({})", self.name)
    }
}

#[async_trait]
impl Transport for Line {
    async fn send(&self, request: Request<Vec<u8>>, patience: Duration) -> Answered {
        self.life.edge().await;
        let (network, sim) = (&self.network, &self.network.sim);
        let (number, faults) = (sim.id(), sim.faults());
        let path = request.uri().path_and_query().map_or("", |path| path.as_str());
        sim.note(format_args!("{} sends {number}: {} {path}", self.name, request.method()));
        let (answer, mut answered) = mpsc::channel(2);
        if sim.happens(faults.foreign) {
            let way = self.clone();
            tokio::spawn(async move {
                sleep(way.network.latency()).await;
                let _ = answer.send(Ok(foreign(way.network.sim.happens(300)))).await;
            });
        } else {
            let copies = if sim.happens(faults.doubled) { 2 } else { 1 };
            for _ in 0..copies {
                let message = Message { number, way: self.clone(), answer: answer.clone() };
                tokio::spawn(message.carry(request.clone()));
            }
        }
        let waited = timeout(patience, async {
            match answered.recv().await {
                Some(answer) => answer,
                // Nothing comes, and nobody says so.
                None => std::future::pending().await,
            }
        });
        let came = waited.await.unwrap_or_else(|_| Err(RemoteError::Unreachable("nothing came in time".to_owned())));
        self.life.edge().await;
        match &came {
            Ok(response) => network.sim.note(format_args!("{} hears {number}: {}", self.name, response.status())),
            Err(error) => network.sim.note(format_args!("{} hears {number}: {error}", self.name)),
        }
        came
    }
}

/// What a proxy says, or the page of a network that wants a login.
fn foreign(is_page: bool) -> Response<Vec<u8>> {
    let mut response = Response::new(b"<html>the way is closed</html>".to_vec());
    *response.status_mut() = if is_page { StatusCode::OK } else { StatusCode::BAD_GATEWAY };
    response.headers_mut().insert("content-type", "text/html".parse().unwrap());
    response
}

/// One copy of a request on its way.
struct Message {
    number: u64,
    way: Line,
    answer: mpsc::Sender<Answered>,
}

impl Message {
    async fn carry(self, request: Request<Vec<u8>>) {
        let Line { network, name, .. } = &self.way;
        let sim = &network.sim;
        sleep(network.latency()).await;
        if network.loses(name) {
            return self.lost("the request").await;
        }
        let Some((router, life)) = network.serving() else {
            sleep(network.latency()).await;
            let _ = self.answer.send(Err(RemoteError::Unreachable("nobody listens".to_owned()))).await;
            return;
        };
        sim.note(format_args!("server gets {}", self.number));
        // Who hung up is noticed, unless the machine, or the way to it, is gone.
        let hung_up = async {
            self.answer.closed().await;
            sleep(network.latency()).await;
            if sim.happens(300) || network.loses(name) {
                std::future::pending::<()>().await;
            }
        };
        let answered = tokio::select! {
            biased;
            () = life.ended() => return self.lost("the server").await,
            answered = serve(network, router, request) => answered,
            () = hung_up => return sim.note(format_args!("server gives up {}", self.number)),
        };
        if life.is_over() {
            return self.lost("the server").await;
        }
        sim.note(format_args!("server answers {}: {}", self.number, answered.status()));
        sleep(network.latency()).await;
        if network.loses(name) || life.is_over() {
            return self.lost("the answer").await;
        }
        // Nobody may wait any more, or the other copy was quicker.
        let _ = self.answer.send(Ok(answered)).await;
    }

    /// Who waits may notice that the connection is gone.
    async fn lost(&self, what: &str) {
        let sim = &self.way.network.sim;
        sim.note(format_args!("lost: {what} of {}", self.number));
        if sim.happens(500) {
            sleep(self.way.network.latency()).await;
            let _ = self.answer.send(Err(RemoteError::Unreachable("the connection is gone".to_owned()))).await;
        }
    }
}

/// Has the server answer, and holds what it says against the rules.
async fn serve(network: &Network, router: Router, mut request: Request<Vec<u8>>) -> Response<Vec<u8>> {
    let sim = &network.sim;
    let said: Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let changes = request.method() != Method::GET;
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let presented = sim.ledger().presented(request.uri().path()).filter(|_| changes);
    if network.forges
        && let Some(presented) = &presented
        && let Some((lease, epoch)) = &presented.newer
    {
        let path = format!("/api/runtime/leases/{lease}/{}?epoch={epoch}", presented.verb);
        *request.uri_mut() = path.parse().unwrap();
        if said.is_object() {
            let mut forged = said.clone();
            forged["epoch"] = json!(epoch);
            *request.body_mut() = forged.to_string().into_bytes();
        }
    } else {
        *request.uri_mut() = path.parse::<Uri>().unwrap();
    }
    let response = router.oneshot(request.map(Body::from)).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes().to_vec();
    if head.status.is_server_error() {
        let told = String::from_utf8_lossy(&body);
        sim.fail(format!("the server answers {path} with {}: {told}", head.status));
    }
    if let Some(presented) = &presented
        && head.status.is_success()
    {
        sim.ledger().accepted(sim, presented, &said);
    }
    Response::from_parts(head, body)
}
