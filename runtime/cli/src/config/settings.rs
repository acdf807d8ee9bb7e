//! What an operator can set. docs/configuration.md lists all of it; a test compares.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use bloom_ir::Digest;
use bloom_ir::capability::ArtifactScope;
use bloom_wasm::grant::HttpGrant;
use serde::{Deserialize, Serialize};

/// All settings, with what holds where nothing is set.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) server: Server,
    pub(crate) client: Client,
    pub(crate) run: Run,
    pub(crate) tasks: Tasks,
    pub(crate) worker: Worker,
    pub(crate) membridge: Membridge,
    pub(crate) artifacts: Artifacts,
    pub(crate) limits: Limits,
    pub(crate) log: Log,
    pub(crate) telemetry: Telemetry,
    pub(crate) network: Network,
    pub(crate) agents: BTreeMap<String, Agent>,
    pub(crate) budgets: BTreeMap<String, Budget>,
    pub(crate) tools: BTreeMap<String, Tool>,
}

/// `bloom serve`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) listen: SocketAddr,
    /// What clients must show; without one only this machine is served.
    pub(crate) api_key: Option<Secret>,
    /// Sessions of owners hold as long as this is the same.
    pub(crate) session_secret: Option<Secret>,
    /// Serves others without a key, too.
    pub(crate) insecure: bool,
    /// How others reach this server.
    pub(crate) public_url: Option<String>,
    /// The folder of a client that is served in place of the server's own pages.
    pub(crate) web: Option<PathBuf>,
    /// Networks whose `X-Forwarded-*` headers are believed.
    pub(crate) trusted_proxies: Vec<String>,
    /// Workers within the server's process.
    pub(crate) workers: u32,
    pub(crate) max_body_mib: u32,
    pub(crate) max_connections: u32,
    pub(crate) request_timeout_seconds: u32,
    /// The certificate, with those that vouch for it, as PEM; connections are encrypted then.
    pub(crate) tls_certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    pub(crate) tls_key: Option<PathBuf>,
    /// Of each who shows a key; 0: not limited.
    pub(crate) requests_per_minute: u32,
    /// Of each address, while there is no key; 0: not limited.
    pub(crate) open_requests_per_minute: u32,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 5000).into(),
            api_key: None,
            session_secret: None,
            insecure: false,
            public_url: None,
            web: None,
            trusted_proxies: ["127.0.0.0/8", "::1/128"].map(String::from).into(),
            workers: 1,
            max_body_mib: 8,
            max_connections: 16_384,
            request_timeout_seconds: 30,
            tls_certificate: None,
            tls_key: None,
            requests_per_minute: 0,
            open_requests_per_minute: 100,
        }
    }
}

/// Commands that speak to a server (`--server`).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    /// What they show.
    pub(crate) api_key: Option<Secret>,
    /// Certificates that are trusted beside the usual ones, in PEM.
    pub(crate) ca: Option<PathBuf>,
}

/// What runs have where nothing else is said: the options of `bloom run` of the same names.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Run {
    pub(crate) notes: Option<PathBuf>,
    pub(crate) context: Option<PathBuf>,
    pub(crate) flows: Option<PathBuf>,
    pub(crate) memory: Option<PathBuf>,
    pub(crate) tools: Option<PathBuf>,
    pub(crate) llm: Option<String>,
}

/// Tasks of workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tasks {
    pub(crate) lease_ttl_seconds: u32,
    /// How often leases are looked at whose time is over.
    pub(crate) reap_every_seconds: u32,
    /// Whether tasks that clients post are sent to node agents without being asked for.
    pub(crate) auto_dispatch: bool,
}

impl Default for Tasks {
    fn default() -> Self {
        Self { lease_ttl_seconds: 300, reap_every_seconds: 5, auto_dispatch: false }
    }
}

/// `bloom worker`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Worker {
    /// Whose tasks it does.
    pub(crate) server: String,
    /// What it shows there; else `server.api_key`.
    pub(crate) key: Option<Secret>,
    /// Certificates that are trusted beside the usual ones, in PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Else the machine's.
    pub(crate) name: Option<String>,
    /// How many tasks it does at a time.
    pub(crate) slots: u32,
    pub(crate) labels: Vec<String>,
    /// Whether it executes whole runs, too.
    pub(crate) flows: bool,
    pub(crate) heartbeat_seconds: u32,
    /// How long it goes on with what it holds when it is to stop.
    pub(crate) drain_seconds: u32,
}

impl Default for Worker {
    fn default() -> Self {
        Self {
            server: String::from("http://127.0.0.1:5000"),
            key: None,
            ca: None,
            name: None,
            slots: 1,
            labels: Vec::new(),
            flows: true,
            heartbeat_seconds: 10,
            drain_seconds: 60,
        }
    }
}

/// The control plane that knows nodes and their projects, and the agents on nodes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Membridge {
    pub(crate) url: Option<String>,
    /// What the control plane is shown.
    pub(crate) admin_key: Option<Secret>,
    /// What node agents are shown.
    pub(crate) agent_key: Option<Secret>,
}

/// Where the contents lie that runs and tasks hand out.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Artifacts {
    pub(crate) place: ArtifactPlace,
    /// A URL, or a host name with `port` and `tls`.
    pub(crate) endpoint: Option<String>,
    pub(crate) port: Option<u16>,
    /// Encrypted, unless it is said otherwise.
    pub(crate) tls: Option<bool>,
    pub(crate) bucket: Option<String>,
    pub(crate) region: String,
    pub(crate) access_key: Option<String>,
    pub(crate) secret_key: Option<Secret>,
    /// Certificates that are trusted beside the usual ones, in PEM.
    pub(crate) ca: Option<PathBuf>,
}

impl Default for Artifacts {
    fn default() -> Self {
        Self {
            place: ArtifactPlace::Local,
            endpoint: None,
            port: None,
            tls: None,
            bucket: None,
            region: String::from("us-east-1"),
            access_key: None,
            secret_key: None,
            ca: None,
        }
    }
}

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ArtifactPlace {
    /// The store's file.
    Local,
    /// A bucket of an S3-compatible store.
    S3,
}

/// How much runs and tools may use where a flow does not say.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Limits {
    pub(crate) tool_timeout_seconds: u32,
    pub(crate) tool_memory_mib: u32,
    pub(crate) tool_fuel: u64,
    pub(crate) tool_input_kib: u32,
    pub(crate) tool_output_kib: u32,
    pub(crate) tool_log_kib: u32,
    pub(crate) tool_file_kib: u32,
    pub(crate) tool_calls_at_once: u32,
    pub(crate) http_requests: u32,
    pub(crate) http_request_kib: u32,
    pub(crate) http_response_kib: u32,
    pub(crate) http_connect_seconds: u32,
    pub(crate) http_timeout_seconds: u32,
    pub(crate) store_cache_mib: u32,
    pub(crate) attempts: u32,
    pub(crate) flow_depth: u32,
    pub(crate) proposal_ttl_hours: u32,
    /// On a server; 0: any number.
    pub(crate) runs_at_once: u32,
    /// Of each agent, on a server; 0: any number.
    pub(crate) runs_of_agent: u32,
    /// Of each agent, that wait for their turn.
    pub(crate) runs_queued: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            tool_timeout_seconds: 45,
            tool_memory_mib: 64,
            tool_fuel: 10_000_000_000,
            tool_input_kib: 16 << 10,
            tool_output_kib: 1 << 10,
            tool_log_kib: 64,
            tool_file_kib: 8 << 10,
            tool_calls_at_once: 16,
            http_requests: 64,
            http_request_kib: 1 << 10,
            http_response_kib: 8 << 10,
            http_connect_seconds: 10,
            http_timeout_seconds: 30,
            store_cache_mib: 32,
            attempts: 3,
            flow_depth: 128,
            proposal_ttl_hours: 72,
            runs_at_once: 10,
            runs_of_agent: 1,
            runs_queued: 5,
        }
    }
}

/// What is logged, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// Directives of `tracing`, as `info,bloom_server=debug`.
    pub(crate) filter: Option<String>,
    pub(crate) format: LogFormat,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// Text on a terminal, else JSON.
    #[default]
    Auto,
    Json,
    Text,
}

/// What a collector of OpenTelemetry is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Telemetry {
    /// The collector's URL, before `/v1/traces`.
    pub(crate) otlp_endpoint: Option<String>,
    /// Certificates that are trusted beside the usual ones, in PEM.
    pub(crate) ca: Option<PathBuf>,
}

/// How requests of all tools find and trust their servers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Network {
    /// Certification authorities beside the usual ones, in PEM.
    pub(crate) ca: Option<PathBuf>,
    /// Addresses of names, as in a hosts file.
    pub(crate) hosts: BTreeMap<String, Vec<IpAddr>>,
}

/// What holds for the runs of one agent, in place of what holds for all.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Agent {
    /// As `limits.runs_of_agent`.
    pub(crate) runs: Option<u32>,
    /// As `limits.runs_queued`.
    pub(crate) runs_queued: Option<u32>,
    /// The budget profile of runs that name none.
    pub(crate) budget: Option<String>,
}

/// A budget profile. What is not said is not bounded by it.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Budget {
    /// Of a run.
    pub(crate) calls: Option<u64>,
    pub(crate) max_tokens: Option<u64>,
    pub(crate) max_cost_micro_usd: Option<u64>,
    pub(crate) timeout_seconds: Option<u32>,
    /// Of all runs of an agent in a day.
    pub(crate) day_calls: Option<u64>,
    pub(crate) day_tokens: Option<u64>,
    pub(crate) day_cost_micro_usd: Option<u64>,
}

/// What the operator grants to a tool.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Tool {
    /// The component that is meant; none: whichever has the name.
    pub(crate) digest: Option<Digest>,
    /// Where it may send requests to: `https://api.example.org GET POST`.
    pub(crate) http: Vec<HttpGrant>,
    /// Its settings and secrets.
    pub(crate) config: BTreeMap<String, ToolValue>,
    /// Whose artifacts it may read; none: those of the calling agent.
    pub(crate) artifacts: Option<ArtifactScope>,
}

/// A value of the operator's for a tool.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged, expecting = "a text, { public = \"…\" }, { env = \"NAME\" } or { file = \"PATH\" }")]
pub(crate) enum ToolValue {
    /// Anybody may see it.
    Public { public: String },
    /// It is taken out of whatever the tool hands out.
    Secret(Secret),
}

/// Something that nobody but its user shall see, or where it is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields, expecting = "a text, { env = \"NAME\" } or { file = \"PATH\" }")]
pub(crate) enum Secret {
    Inline(String),
    Env { env: String },
    File { file: PathBuf },
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => formatter.write_str(MASK),
            Self::Env { env } => write!(formatter, "env {env}"),
            Self::File { file } => write!(formatter, "file {}", file.display()),
        }
    }
}

/// What is shown in place of a secret.
pub(crate) const MASK: &str = "********";
