//! What is counted, for Prometheus: `/metrics`.
//!
//! What happens is counted when it does; what is there is looked up when somebody asks. Labels come from the operator's own
//! flows, tools, models and workers, never from a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bloom_runtime::dispatch::Seat;
use bloom_runtime::engine::{Asked, Progress, RunEnd, Step};
use bloom_runtime::record::{FlowRecord, LeaseStatus, RunId, RunStatus, TaskStatus, WorkerStatus};
use bloom_runtime::store::{StandingCount, StoreError};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use tokio::sync::mpsc;

use crate::app::App;
use crate::recent::{LastHour, Recent};

type Seconds = Gauge<f64, AtomicU64>;

macro_rules! labels {
    ($($name:ident { $($label:ident: $kind:ty),* })*) => {$(
        #[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
        struct $name { $($label: $kind),* }
    )*};
}

labels! {
    OfStatus { status: &'static str }
    OfRun { flow: String, status: &'static str }
    OfEffect { kind: &'static str, name: String, outcome: &'static str }
    OfTool { tool: String }
    OfModel { model: String }
    OfTokens { model: String, direction: &'static str }
    OfWorker { worker: String }
    OfRequest { method: &'static str, route: String, status: u16 }
    OfRoute { route: String }
    OfBuild { version: &'static str }
}

/// From a millisecond to about a minute.
fn short() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 17))
}

/// From ten milliseconds to about three hours: LLMs and people take their time.
fn long() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.5, 16))
}

/// All that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    runs: Family<OfRun, Gauge>,
    labels: Mutex<Labels>,
    runs_ended: Family<OfRun, Counter>,
    runs_started: Counter,
    tasks: Family<OfStatus, Gauge>,
    oldest: Seconds,
    leases: Family<OfStatus, Gauge>,
    workers: Family<OfStatus, Gauge>,
    heartbeats: Family<OfWorker, Seconds>,
    effects: Family<OfEffect, Histogram>,
    /// How many effects there were, which a histogram does not tell.
    outcomes: Family<OfEffect, Counter>,
    retries: Family<OfEffect, Counter>,
    traps: Family<OfTool, Counter>,
    tokens: Family<OfTokens, Counter>,
    cost: Family<OfModel, Counter<f64, AtomicU64>>,
    commit_verbs: Histogram,
    commit_seconds: Histogram,
    requests: Family<OfRequest, Counter>,
    request_seconds: Family<OfRoute, Histogram>,
    audit: Gauge,
    uptime: Seconds,
    recent: Mutex<Recent>,
    /// Runs that ended, whose flow is looked up where that holds nobody up.
    ended: (mpsc::Sender<(RunId, &'static str)>, Mutex<Option<Ended>>),
}

/// How often a tool was called, without attempts after which another followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Calls {
    pub(crate) completed: u64,
    pub(crate) failed: u64,
    /// Attempts that trapped.
    pub(crate) traps: u64,
}

/// Runs that ended.
type Ended = mpsc::Receiver<(RunId, &'static str)>;

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("bloom");
        let (tasks, leases, workers) = (Family::default(), Family::default(), Family::default());
        let runs = Family::default();
        let (runs_ended, runs_started, oldest) = (Family::default(), Counter::default(), Seconds::default());
        let heartbeats = Family::default();
        let effects = Family::<OfEffect, Histogram>::new_with_constructor(long);
        let (retries, traps, tokens, cost) =
            (Family::default(), Family::default(), Family::default(), Family::default());
        let commit_verbs = Histogram::new(exponential_buckets(1.0, 2.0, 9));
        let commit_seconds = Histogram::new(exponential_buckets(0.000_1, 2.0, 16));
        let requests = Family::default();
        let request_seconds = Family::<OfRoute, Histogram>::new_with_constructor(short);
        let (audit, uptime) = (Gauge::default(), Seconds::default());
        let build = Family::<OfBuild, Gauge>::default();
        build.get_or_create(&OfBuild { version: env!("CARGO_PKG_VERSION") }).set(1);

        let seconds = || Unit::Seconds;
        let told = "Runs that have not ended, by flow and where they stand";
        registry.register("runs", told, Family::clone(&runs));
        registry.register("runs_started", "Runs that were accepted since the start", Counter::clone(&runs_started));
        registry.register("runs_ended", "Runs that ended since the start", Family::clone(&runs_ended));
        registry.register("tasks", "Tasks for workers", Family::clone(&tasks));
        let told = "How long the oldest task in the queue waits";
        registry.register_with_unit("queue_oldest_age", told, seconds(), Gauge::clone(&oldest));
        registry.register("leases", "Leases", Family::clone(&leases));
        registry.register("workers", "Workers", Family::clone(&workers));
        let told = "Since a worker was heard of";
        registry.register_with_unit("worker_heartbeat_age", told, seconds(), Family::clone(&heartbeats));
        let told = "How long effects took, with all attempts: tools, LLMs, flows, waits";
        registry.register_with_unit("effect", told, seconds(), Family::clone(&effects));
        registry.register("effect_attempts_failed", "Attempts after which another follows", Family::clone(&retries));
        registry.register("tool_traps", "Calls of tools that trapped", Family::clone(&traps));
        registry.register("llm_tokens", "Tokens of LLM calls", Family::clone(&tokens));
        let told = "What LLM calls cost, in US dollars, as far as the providers say";
        registry.register("llm_cost_usd", told, Family::clone(&cost));
        registry.register("commit_verbs", "Writes that were committed together", Histogram::clone(&commit_verbs));
        registry.register_with_unit("commit", "How long commits took", seconds(), Histogram::clone(&commit_seconds));
        registry.register("http_requests", "Requests that were answered", Family::clone(&requests));
        let told = "Until the head of an answer";
        registry.register_with_unit("http_request", told, seconds(), Family::clone(&request_seconds));
        registry.register("audit_entries", "Entries of the audit log", Gauge::clone(&audit));
        registry.register_with_unit("uptime", "How long the server is there", seconds(), Gauge::clone(&uptime));
        registry.register("build_info", "The version of the server", build);
        let (told, ended) = mpsc::channel(BEHIND);
        Self {
            registry,
            runs,
            labels: Mutex::default(),
            runs_ended,
            runs_started,
            tasks,
            oldest,
            leases,
            workers,
            heartbeats,
            effects,
            outcomes: Family::default(),
            retries,
            traps,
            tokens,
            cost,
            commit_verbs,
            commit_seconds,
            requests,
            request_seconds,
            audit,
            uptime,
            recent: Mutex::default(),
            ended: (told, Mutex::new(Some(ended))),
        }
    }
}

impl Metrics {
    /// A commit with so many writes that took so long.
    pub(crate) fn committed(&self, verbs: usize, took: Duration) {
        self.commit_verbs.observe(f64::from(u32::try_from(verbs).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// A request that was answered.
    pub(crate) fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        // What fits no route has no name of its own: whoever asks could make one.
        let route = if route.is_empty() { "none" } else { route };
        let method = if route == "none" { "ANY" } else { known(method) };
        let request = OfRequest { method, route: route.to_owned(), status };
        self.requests.get_or_create(&request).inc();
        self.request_seconds.get_or_create(&OfRoute { route: route.to_owned() }).observe(took.as_secs_f64());
    }

    /// Counts runs that end by their flow: for ever.
    pub(crate) async fn attribute(self: Arc<Self>, app: App) {
        let taken = self.ended.1.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut ended) = taken else { return std::future::pending().await };
        while let Some((run, status)) = ended.recv().await {
            if let Ok(Some(run)) = app.store().run(&run).await {
                if let Some(began) = run.started_at() {
                    self.recent().note(run.updated_at, run.updated_at.saturating_sub(began));
                }
                self.runs_ended.get_or_create(&OfRun { flow: run.flow, status }).inc();
            }
        }
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The runs that ended in the hour before a time in Unix milliseconds, as far as this server was there.
    pub(crate) fn last_hour(&self, now: i64) -> LastHour {
        self.recent().before(now)
    }

    /// How often a tool was called since the server is there, by how that ended.
    pub(crate) fn calls(&self, tool: &str) -> Calls {
        let of = |outcome| {
            let effect = OfEffect { kind: "tool", name: tool.to_owned(), outcome };
            self.outcomes.get(&effect).map_or(0, |count| count.get())
        };
        let traps = self.traps.get(&OfTool { tool: tool.to_owned() }).map_or(0, |count| count.get());
        Calls { completed: of("completed"), failed: of("failed"), traps }
    }

    /// Everything as text, as Prometheus reads it.
    pub(crate) async fn text(&self, app: &App) -> Result<String, StoreError> {
        self.look(app).await?;
        let mut text = String::new();
        // Writing to a text does not fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        Ok(text)
    }

    /// Looks up what is there.
    async fn look(&self, app: &App) -> Result<(), StoreError> {
        let (store, now) = (app.store(), app.clock.now());
        let standing = store.standing_counts().await?;
        if self.labels().are_behind(&standing) {
            let flows = store.flows().await?;
            self.labels().learn(flows, &standing);
        }
        for ((flow, status), count) in by_flow(&self.labels().of, standing) {
            self.runs.get_or_create(&OfRun { flow, status }).set(signed(count));
        }

        let counts = store.work_counts().await?;
        for status in TaskStatus::STORED {
            let count = counts.tasks.get(&status).copied().unwrap_or_default();
            self.tasks.get_or_create(&OfStatus { status: status.name() }).set(signed(count));
        }
        for status in LeaseStatus::ALL {
            let count = counts.leases.get(&status).copied().unwrap_or_default();
            self.leases.get_or_create(&OfStatus { status: status.name() }).set(signed(count));
        }
        self.oldest.set(seconds(now.saturating_sub(counts.oldest_queued.unwrap_or(now))));
        self.see(&app.engine.workers(), now);
        self.audit.set(signed(store.audit_head().await?.map_or(0, |head| head.seq)));
        self.uptime.set(app.uptime().as_secs_f64());
        Ok(())
    }

    /// Flows may be there that were not.
    pub(crate) fn published(&self) {
        self.labels().known = None;
    }

    fn labels(&self) -> MutexGuard<'_, Labels> {
        self.labels.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, seats: &[Seat], now: i64) {
        self.heartbeats.clear();
        for seat in seats {
            if let Some(heard) = seat.last_heartbeat {
                let worker = OfWorker { worker: seat.worker.id.to_string() };
                self.heartbeats.get_or_create(&worker).set(seconds(now.saturating_sub(heard)));
            }
        }
        for status in WorkerStatus::ALL {
            let count = seats.iter().filter(|seat| seat.status == status).count();
            self.workers.get_or_create(&OfStatus { status: status.name() }).set(signed(count as u64));
        }
    }
}

/// So many flows at most have a label of their own among the runs that have not ended: those that were published first, so that
/// none ever loses it. Runs of all others are those of the flow without a name.
const FLOWS: usize = 100;

/// The flows that have a label of their own, which are looked up when there are others than before.
#[derive(Default)]
struct Labels {
    of: BTreeSet<String>,
    /// All flows that were there, and those of runs; none: they have to be looked up.
    known: Option<BTreeSet<String>>,
}

impl Labels {
    fn are_behind(&self, standing: &[StandingCount]) -> bool {
        self.of.len() < FLOWS
            && self.known.as_ref().is_none_or(|known| standing.iter().any(|count| !known.contains(&count.flow)))
    }

    fn learn(&mut self, flows: Vec<FlowRecord>, standing: &[StandingCount]) {
        let ids = flows.iter().map(|flow| &flow.id).chain(standing.iter().map(|count| &count.flow));
        self.known = Some(ids.cloned().collect());
        self.of = labelled(flows);
    }
}

/// Those that come first.
fn labelled(mut flows: Vec<FlowRecord>) -> BTreeSet<String> {
    flows.retain(FlowRecord::is_registered);
    flows.sort_by(|a, b| (a.stored_at, &a.id).cmp(&(b.stored_at, &b.id)));
    let mut ids = BTreeSet::new();
    for flow in flows {
        if ids.len() == FLOWS {
            break;
        }
        ids.insert(flow.id);
    }
    ids
}

/// How many runs of each flow stand where, with those places where none does.
fn by_flow(flows: &BTreeSet<String>, standing: Vec<StandingCount>) -> BTreeMap<(String, &'static str), u64> {
    let each = flows.iter().map(String::as_str).chain([""]);
    let mut counts: BTreeMap<_, u64> =
        each.flat_map(|flow| STANDING.map(|status| ((flow.to_owned(), status), 0))).collect();
    for count in standing {
        let status = match count.status {
            RunStatus::Requested => "requested",
            RunStatus::Queued => "queued",
            _ => "running",
        };
        let flow = if flows.contains(&count.flow) { count.flow } else { String::new() };
        let waiting = if status == "running" { count.waiting } else { 0 };
        for (status, runs) in [(status, count.runs.saturating_sub(waiting)), ("waiting", waiting)] {
            *counts.entry((flow.clone(), status)).or_default() += runs;
        }
    }
    counts
}

/// Where runs stand that have not ended.
const STANDING: [&str; 4] = ["requested", "queued", "running", "waiting"];

/// So many runs that ended wait to be counted.
const BEHIND: usize = 65_536;

/// The methods of RFC 9110 and RFC 5789. Whoever asks can make others.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"];

fn known(method: &str) -> &'static str {
    METHODS.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn seconds(ms: i64) -> f64 {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default()).as_secs_f64()
}

/// What an effect is called: of what there could be any number, only the kind.
fn named(asked: &Asked) -> (&'static str, String) {
    match asked {
        Asked::Tool(name) => ("tool", name.clone()),
        Asked::Llm(model) => ("llm", model.clone().unwrap_or_else(|| String::from("default"))),
        Asked::Flow(flow) => ("flow", flow.clone()),
        Asked::Sleep => ("sleep", String::new()),
        Asked::Timer(_) | Asked::Fired(_) => ("timer", String::new()),
        Asked::Signal(_) => ("signal", String::new()),
        Asked::Person(_) => ("person", String::new()),
    }
}

impl Metrics {
    /// Something happened in a run.
    pub(crate) fn observe(&self, progress: &Progress) {
        match &progress.step {
            Step::Started => {
                self.runs_started.inc();
            }
            Step::AttemptFailed { effect, error, .. } => {
                let (kind, name) = named(&effect.asks);
                self.trapped(&effect.asks, &error.code);
                self.retries.get_or_create(&OfEffect { kind, name, outcome: "failed" }).inc();
            }
            Step::Settled { effect, took, error, usage, .. } => {
                let (kind, name) = named(&effect.asks);
                if let Some(error) = &error {
                    self.trapped(&effect.asks, &error.code);
                }
                let outcome = if error.is_none() { "completed" } else { "failed" };
                if kind == "tool" {
                    self.outcomes.get_or_create(&OfEffect { kind, name: name.clone(), outcome }).inc();
                }
                if let Some(took) = took {
                    let of = OfEffect { kind, name: name.clone(), outcome };
                    self.effects.get_or_create(&of).observe(took.as_secs_f64());
                }
                if let Some(usage) = usage {
                    let tokens = |direction, count| {
                        self.tokens.get_or_create(&OfTokens { model: name.clone(), direction }).inc_by(count);
                    };
                    tokens("in", usage.input_tokens);
                    tokens("out", usage.output_tokens);
                    let dollars = Duration::from_micros(usage.cost_micro_usd.unwrap_or_default()).as_secs_f64();
                    self.cost.get_or_create(&OfModel { model: name.clone() }).inc_by(dollars);
                }
            }
            Step::Ended(end) => {
                let status = match end {
                    RunEnd::Completed { .. } => "completed",
                    RunEnd::Failed { .. } => "failed",
                    RunEnd::Cancelled { .. } => "cancelled",
                    RunEnd::Continued { .. } => "continued",
                };
                // Where nobody counts, or not quickly enough, it is lost: runs do not wait for their being counted.
                let _ = self.ended.0.try_send((progress.run.clone(), status));
            }
            _ => {}
        }
    }

    fn trapped(&self, asked: &Asked, code: &str) {
        if let Asked::Tool(tool) = asked
            && code == "trap"
        {
            self.traps.get_or_create(&OfTool { tool: tool.clone() }).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use bloom_ir::Digest;

    use super::*;

    /// The metrics that a text speaks of.
    fn named(text: &str) -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_lowercase() || c == '_';
        let parts = text.split(|c| !is_part(c)).filter(|part| part.starts_with("bloom_"));
        let plain = |part: &str| {
            let ends = ["_total", "_bucket", "_count", "_sum"];
            ends.iter().find_map(|end| part.strip_suffix(end)).unwrap_or(part).to_owned()
        };
        parts.map(plain).collect()
    }

    #[test]
    fn whoever_asks_makes_no_labels() {
        let metrics = Metrics::default();
        let answered = |method: &str, route: &str| metrics.answered(method, route, 405, Duration::from_millis(1));
        for n in 0..9 {
            answered(&format!("M{n}"), "/healthz");
            answered(&format!("M{n}"), "");
        }
        answered("GET", "/healthz");
        let mut written = String::new();
        prometheus_client::encoding::text::encode(&mut written, &metrics.registry).unwrap();
        let counted: Vec<&str> =
            written.lines().filter(|line| line.starts_with("bloom_http_requests_total{")).collect();
        assert_eq!(counted.len(), 3, "{written}");
        for method in ["GET", "OTHER", "ANY"] {
            assert!(counted.iter().any(|line| line.contains(&format!("method=\"{method}\""))), "{counted:?}");
        }
    }

    fn flow(id: &str, version: &str, stored_at: i64) -> FlowRecord {
        let hash = Digest::of(format!("{id}@{version}").as_bytes());
        let (id, version) = (id.to_owned(), version.to_owned());
        FlowRecord { hash, program: hash, id, version, title: String::new(), stored_at }
    }

    #[test]
    fn so_many_flows_have_a_label_and_keep_it() {
        let all = |count: usize| -> Vec<FlowRecord> {
            (1..).take(count).map(|at| flow(&format!("f{:03}", 1_000 - at), "1.0.0", at)).collect()
        };
        let few = labelled(all(5));
        assert_eq!(few.len(), 5);
        let mut many = all(2 * FLOWS);
        many.extend(["f800", "f801"].map(|id| flow(id, "1.0.1", 2_000)));
        many.push(flow("unpublished", "0.0.0", 0));
        let first = labelled(many);
        assert_eq!((first.len(), first.first().map(String::as_str)), (FLOWS, Some("f900")), "those that came first");
        let running = |flow: &str, runs, waiting| standing(flow, RunStatus::Running, runs, waiting);
        let counts = by_flow(&first, vec![running("f900", 3, 2), running("f801", 1, 0), running("unpublished", 1, 0)]);
        assert_eq!(counts.len(), (FLOWS + 1) * STANDING.len());
        let of = |flow: &str, status| counts[&(flow.to_owned(), status)];
        assert_eq!((of("f900", "running"), of("f900", "waiting"), of("f900", "queued")), (1, 2, 0));
        assert_eq!((of("", "running"), of("", "waiting")), (2, 0));
    }

    fn standing(flow: &str, status: RunStatus, runs: u64, waiting: u64) -> StandingCount {
        StandingCount { flow: flow.to_owned(), status, runs, waiting }
    }

    #[test]
    fn flows_are_looked_up_when_there_may_be_others() {
        let metrics = Metrics::default();
        let behind = |standing: &[StandingCount]| metrics.labels().are_behind(standing);
        let learn = |count, standing: &[StandingCount]| {
            let flows = (1..).take(count).map(|at| flow(&format!("f{at}"), "1.0.0", at)).collect();
            metrics.labels().learn(flows, standing);
        };
        assert!(behind(&[]), "none was looked up");
        let queued = |flow: &str| [standing(flow, RunStatus::Queued, 1, 0)];
        learn(1, &queued("unpublished"));
        assert!(!behind(&[]) && !behind(&queued("f1")) && !behind(&queued("unpublished")));
        assert!(behind(&queued("f2")));
        metrics.published();
        assert!(behind(&[]));
        learn(FLOWS, &[]);
        metrics.published();
        assert!(!behind(&queued("f200")), "there is no label left");
    }

    #[test]
    fn the_dashboard_shows_what_is_counted_and_nothing_else() {
        let metrics = Metrics::default();
        let text = || String::from("x");
        let of = |status| OfStatus { status };
        metrics.committed(3, Duration::from_millis(2));
        metrics.answered("GET", "/healthz", 200, Duration::from_millis(1));
        for family in [&metrics.tasks, &metrics.leases, &metrics.workers] {
            family.get_or_create(&of("x")).set(1);
        }
        metrics.runs.get_or_create(&OfRun { flow: text(), status: "queued" }).set(1);
        metrics.runs_ended.get_or_create(&OfRun { flow: text(), status: "completed" }).inc();
        metrics.heartbeats.get_or_create(&OfWorker { worker: text() }).set(1.5);
        let effect = OfEffect { kind: "tool", name: text(), outcome: "completed" };
        metrics.effects.get_or_create(&effect).observe(0.1);
        metrics.retries.get_or_create(&effect).inc();
        metrics.trapped(&Asked::Tool(text()), "trap");
        metrics.tokens.get_or_create(&OfTokens { model: text(), direction: "in" }).inc_by(7);
        metrics.cost.get_or_create(&OfModel { model: text() }).inc_by(0.5);
        let mut written = String::new();
        prometheus_client::encoding::text::encode(&mut written, &metrics.registry).unwrap();
        let counted: BTreeSet<String> = written
            .lines()
            .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
            .map(str::to_owned)
            .collect();
        let shown = named(include_str!("../../../docs/grafana.json"));
        assert_eq!(shown, counted);
    }
}
