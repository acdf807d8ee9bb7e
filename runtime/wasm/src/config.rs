//! What the operator decides.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use crate::grant::ToolGrants;

/// What a [`WasmHost`](crate::WasmHost) is set up with.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The folder for compiled components, made with mode 0700 if it is not there; none: compile at every start.
    pub cache: Option<PathBuf>,
    /// A folder of the operator's own tools: every `*.wasm` in it is installed.
    pub tools: Option<PathBuf>,
    /// Where components that ship are kept once a stored flow pins them, so that a later version of this program, which ships
    /// others, still has them. None: they are not.
    pub kept: Option<PathBuf>,
    /// The folders that tools may read, by root: `notes`, `context`, `memory`, others. A call sees of `memory` only the folder
    /// with its agent's name.
    pub roots: BTreeMap<String, PathBuf>,
    /// What each tool gets beside that, by name.
    pub grants: BTreeMap<String, ToolGrants>,
    /// Certification authorities that are trusted beside the usual ones: a PEM file.
    pub ca: Option<PathBuf>,
    /// Addresses of names that the system is not asked for, as in a hosts file. An address that is not public must be granted to
    /// the tool all the same.
    pub hosts: BTreeMap<String, Vec<IpAddr>>,
    /// What a call may use.
    pub limits: Limits,
}

/// What one call may use. Its time limit comes with the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Work, in wasmtime's fuel: about one for each instruction. The same call uses the same on every machine.
    pub fuel: u64,
    /// All linear memories of the call together, in bytes.
    pub memory_bytes: usize,
    /// The call's arguments as JSON, in bytes.
    pub input_bytes: usize,
    /// What it returns as JSON, in bytes.
    pub output_bytes: usize,
    /// All its log lines together, in bytes.
    pub log_bytes: usize,
    /// A file or an artifact that it reads, in bytes.
    pub file_bytes: u64,
    /// Files and folders in a listing.
    pub listed_files: usize,
    /// Requests that it sends.
    pub http_requests: u32,
    /// URL, header fields and body of a request, in bytes.
    pub http_request_bytes: usize,
    /// The body of a response, in bytes.
    pub http_response_bytes: usize,
    /// For a connection, with its TLS, in milliseconds.
    pub http_connect_ms: u64,
    /// For a request from its beginning to the end of its response, in milliseconds.
    pub http_timeout_ms: u64,
    /// How many calls run at the same time, up to 1024; more wait for their turn. One tool gets half of them, so that one that hangs does
    /// not keep the others from working.
    pub concurrent_calls: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            fuel: 10_000_000_000,
            memory_bytes: 64 << 20,
            input_bytes: 16 << 20,
            output_bytes: 1 << 20,
            log_bytes: 64 << 10,
            file_bytes: 8 << 20,
            listed_files: 100_000,
            http_requests: 64,
            http_request_bytes: 1 << 20,
            http_response_bytes: 8 << 20,
            http_connect_ms: 10_000,
            http_timeout_ms: 30_000,
            concurrent_calls: 16,
        }
    }
}

impl Limits {
    /// `describe` only hands out a constant, so it gets little.
    pub(crate) fn for_describe(&self) -> Self {
        Self { fuel: self.fuel.min(1_000_000_000), output_bytes: 256 << 10, log_bytes: 4 << 10, ..self.clone() }
    }

    /// Calls of one tool at the same time.
    pub(crate) fn calls_of_one(&self) -> usize {
        (self.concurrent_calls as usize / 2).max(1)
    }
}
