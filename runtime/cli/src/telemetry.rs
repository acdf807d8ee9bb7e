//! Spans for a collector of OpenTelemetry (OTLP over HTTP, as protobuf): what was asked, and what runs, effects, tasks and commits
//! took. Only in a build with the feature `otlp`.
//!
//! Whoever ends a span puts it into a queue and goes on; where the queue is full, it is dropped. A thread sends what is there.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bloom_worker::Trust;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use reqwest::Url;
use tokio::runtime::Runtime;
use tracing::{Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter};
use tracing_subscriber::registry::LookupSpan;

use crate::catalogue::Catalogue;
use crate::trust;

/// One request to the collector,
const REQUEST: Duration = Duration::from_secs(5);
/// and the last ones, when `bloom` ends.
const FAREWELL: Duration = Duration::from_secs(5);

/// Sends spans until it is dropped.
pub(crate) struct Telemetry(SdkTracerProvider);

impl Drop for Telemetry {
    fn drop(&mut self) {
        // A collector that is away keeps nobody from ending.
        let _ = self.0.shutdown_with_timeout(FAREWELL);
    }
}

/// What sends the spans of this program, and of none of its libraries, to a collector.
pub(crate) fn start<S>(
    endpoint: &Url,
    ca: Option<&Path>,
    catalogue: &Catalogue,
) -> anyhow::Result<(Box<dyn Layer<S> + Send + Sync>, Telemetry)>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(Sender::new(&trust::read(ca, "telemetry.ca", catalogue)?)?)
        .with_protocol(Protocol::HttpBinary)
        // The variable names what all signals have in common (OpenTelemetry, "OTLP exporter").
        .with_endpoint(format!("{}/v1/traces", endpoint.as_str().trim_end_matches('/')))
        .with_timeout(REQUEST)
        .build()?;
    let resource = Resource::builder().with_service_name("bloom").build();
    let provider = SdkTracerProvider::builder().with_resource(resource).with_batch_exporter(exporter).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bloom"));
    let ours = FilterFn::new(|metadata| {
        // Spans of single effects and commits are more than logs want.
        let level = if metadata.is_span() { Level::DEBUG } else { Level::INFO };
        metadata.target().starts_with("bloom") && *metadata.level() <= level
    });
    let ours = ours.with_max_level_hint(LevelFilter::DEBUG);
    Ok((layer.with_filter(ours).boxed(), Telemetry(provider)))
}

/// Sends on a thread of its own: the exporter's has nothing that asynchronous requests need.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Option<Runtime>,
    /// Whether the last request failed: it is told once.
    fails: AtomicBool,
}

impl Sender {
    fn new(trust: &Trust) -> anyhow::Result<Self> {
        let client = trust.client().timeout(REQUEST).build()?;
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).thread_name("telemetry").enable_all().build()?;
        Ok(Self { client, runtime: Some(runtime), fails: AtomicBool::new(false) })
    }
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let runtime = self.runtime.as_ref().ok_or("the sender has ended")?;
        let sent = runtime.spawn(async move {
            let mut answer = client.execute(request).await?;
            let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
            Ok::<_, reqwest::Error>((status, headers, answer.bytes().await?))
        });
        // The URL may hold a secret.
        let sent = sent.await?.map_err(|error| anyhow::Error::new(error.without_url()));
        let failure = match &sent {
            Ok((status, ..)) if status.is_success() => None,
            Ok((status, ..)) => Some(status.to_string()),
            Err(error) => Some(format!("{error:#}")),
        };
        let failed = self.fails.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(error) if !failed => tracing::warn!(error, "spans cannot be sent for now"),
            None if failed => tracing::info!("spans are sent again"),
            _ => {}
        }
        let (status, headers, body) = sent?;
        let mut response = Response::builder().status(status).body(body)?;
        *response.headers_mut() = headers;
        Ok(response)
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // It may be dropped where waiting is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
