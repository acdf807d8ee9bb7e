//! The interfaces that tools import, and what stands behind each function.

use std::sync::Arc;

use bloom_interpreter::effect::EffectError;
use bloom_ir::Digest;
use bloom_ir::capability::ArtifactScope;
use bloom_runtime::record::RunId;
use bloom_runtime::tool::{Artifacts, FileEntry, Folders};
use wasmtime::Engine;
use wasmtime::component::HasSelf;

use super::{Environment, LogLevel, LogLine, Outside};
use crate::bindings::bloom::tool::artifacts::Artifact;
use crate::bindings::bloom::tool::files::{Entry, Page};
use crate::bindings::bloom::tool::http::{Request, Response};
use crate::bindings::bloom::tool::log::Level;
use crate::bindings::bloom::tool::types::Failure;
use crate::bindings::bloom::tool::{artifacts, config, files, http, log, types};
use crate::fault::Fault;
use crate::http::{FetchError, Fetched};
use crate::meter::Meter;

/// Links an interface whose functions are those of [`CallState`].
macro_rules! link {
    ($interface:ident, $linker:expr) => {
        $interface::add_to_linker::<_, HasSelf<CallState>>($linker, |state| state)
    };
}

/// What a log line counts beside its text, so that empty lines are no flood; the WIT package says so.
const LOG_LINE: usize = 16;

/// Entries in one part of a listing; the WIT package promises it.
const PAGE: usize = 1000;

/// An interface of the WIT package.
pub(crate) struct Interface {
    pub(crate) name: &'static str,
    /// The kind of capability that opens it; none where it is open to all.
    pub(crate) kind: Option<&'static str>,
    link: fn(&mut Linker) -> wasmtime::Result<()>,
}

type Linker = wasmtime::component::Linker<CallState>;

/// All that exist.
pub(crate) const INTERFACES: [Interface; 6] = [
    Interface { name: "bloom:tool/types", kind: None, link: |linker| link!(types, linker) },
    Interface { name: "bloom:tool/log", kind: None, link: |linker| link!(log, linker) },
    Interface { name: "bloom:tool/config", kind: Some("config"), link: |linker| link!(config, linker) },
    Interface { name: "bloom:tool/files", kind: Some("files"), link: |linker| link!(files, linker) },
    Interface { name: "bloom:tool/artifacts", kind: Some("artifacts"), link: |linker| link!(artifacts, linker) },
    Interface { name: "bloom:tool/http", kind: Some("http"), link: |linker| link!(http, linker) },
];

/// A linker with the interfaces that are open to all, and those that the kinds of capabilities open, as `files`.
pub(crate) fn linker(engine: &Engine, asks: impl Fn(&str) -> bool) -> wasmtime::Result<Linker> {
    let mut linker = Linker::new(engine);
    for interface in INTERFACES.iter().filter(|interface| interface.kind.is_none_or(&asks)) {
        (interface.link)(&mut linker)?;
    }
    Ok(linker)
}

/// What the host functions see, and what they leave.
pub(crate) struct CallState {
    pub(super) environment: Environment,
    pub(super) meter: Meter,
    pub(super) log: Vec<LogLine>,
    pub(super) fetched: Vec<Fetched>,
    log_left: usize,
    requests_left: u32,
    /// The listing whose parts are being asked for.
    listing: Option<Listing>,
}

struct Listing {
    root: String,
    prefix: String,
    entries: Arc<[Entry]>,
}

impl CallState {
    pub(super) fn new(environment: Environment) -> Self {
        Self {
            meter: Meter::new(environment.limits.memory_bytes),
            log: Vec::new(),
            fetched: Vec::new(),
            log_left: environment.limits.log_bytes,
            requests_left: environment.limits.http_requests,
            listing: None,
            environment,
        }
    }

    /// Waits for something outside, until the call must end.
    fn wait<T>(&self, outside: &Outside, work: impl Future<Output = T>) -> Result<T, Fault> {
        outside.reactor.wait(&self.environment.deadline, work)
    }

    /// The folders that have this root, where they are those of another machine.
    fn elsewhere(&self, root: &str) -> Option<(&Outside, &dyn Folders)> {
        let outside = self.environment.outside.as_ref().filter(|_| self.environment.access.elsewhere.contains(root))?;
        Some((outside, outside.folders.as_deref()?))
    }

    /// The artifacts that the call may read.
    fn artifacts(&self) -> Result<(&Outside, &dyn Artifacts, ArtifactScope), Failure> {
        let scope = self.environment.access.artifacts.ok_or_else(|| not_granted("artifacts"))?;
        let outside = self.environment.outside.as_ref().ok_or_else(|| not_granted("artifacts"))?;
        let none = || failure("unavailable", "this call is part of no run, so there are no artifacts", false);
        Ok((outside, outside.artifacts.as_deref().ok_or_else(none)?, scope))
    }
}

impl types::Host for CallState {}

impl log::Host for CallState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let Environment { tool, call_id, access, limits, .. } = &self.environment;
        let Some(left) = self.log_left.checked_sub(message.len().saturating_add(LOG_LINE)) else {
            return Err(Fault::LogTooLarge { limit: limits.log_bytes }.into());
        };
        self.log_left = left;
        let line = access.secrets.redact(message);
        // In debug form, so that a line break cannot pretend to be another line.
        let level = match level {
            Level::Debug => {
                tracing::debug!(target: "bloom::tool", tool, call_id, ?line);
                LogLevel::Debug
            }
            Level::Info => {
                tracing::info!(target: "bloom::tool", tool, call_id, ?line);
                LogLevel::Info
            }
            Level::Warn => {
                tracing::warn!(target: "bloom::tool", tool, call_id, ?line);
                LogLevel::Warn
            }
            Level::Error => {
                tracing::error!(target: "bloom::tool", tool, call_id, ?line);
                LogLevel::Error
            }
        };
        self.log.push(LogLine { level, text: line });
        Ok(())
    }
}

impl config::Host for CallState {
    fn get(&mut self, key: String) -> wasmtime::Result<Result<String, Failure>> {
        let value = self.environment.access.settings.get(&key).map(|setting| setting.expose().to_owned());
        Ok(value.ok_or_else(|| not_granted(&format!("config:{key}"))))
    }
}

impl files::Host for CallState {
    fn list(
        &mut self,
        root: String,
        prefix: String,
        cursor: Option<String>,
    ) -> wasmtime::Result<Result<Page, Failure>> {
        let entries = match &self.listing {
            Some(listing) if cursor.is_some() && listing.root == root && listing.prefix == prefix => {
                Arc::clone(&listing.entries)
            }
            _ if let Some((outside, folders)) = self.elsewhere(&root) => {
                match self.wait(outside, folders.list(&root, &prefix))? {
                    Ok(files) => files.into_iter().map(entry).collect(),
                    Err(error) => return Ok(Err(of_store(error))),
                }
            }
            _ => {
                let Environment { access, limits, deadline, .. } = &self.environment;
                let Some(folder) = access.roots.get(&root) else {
                    return Ok(Err(not_granted(&format!("files:{root}"))));
                };
                match folder.list(&prefix, limits, deadline) {
                    Ok(entries) => entries.into(),
                    Err(error) => return Ok(Err(error.into_failure()?)),
                }
            }
        };
        let page = page(&entries, cursor.as_deref());
        self.listing = Some(Listing { root, prefix, entries });
        Ok(Ok(page))
    }

    fn read(&mut self, root: String, path: String) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        let Environment { access, limits, deadline, .. } = &self.environment;
        if let Some((outside, folders)) = self.elsewhere(&root) {
            return Ok(self.wait(outside, folders.read(&root, &path))?.map_err(of_store));
        }
        let Some(folder) = access.roots.get(&root) else { return Ok(Err(not_granted(&format!("files:{root}")))) };
        Ok(match folder.read(&path, limits, deadline) {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(error.into_failure()?),
        })
    }
}

impl artifacts::Host for CallState {
    fn find(&mut self, name: String, run: Option<String>) -> wasmtime::Result<Result<Artifact, Failure>> {
        let (outside, artifacts, scope) = match self.artifacts() {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        let run = run.map(RunId::new);
        let found = self.wait(outside, artifacts.find(scope, &name, run.as_ref()))?;
        Ok(match found {
            Ok(Some(artifact)) => {
                Ok(Artifact { digest: artifact.digest.to_string(), name: artifact.name, run: artifact.run.to_string() })
            }
            Ok(None) => Err(failure("not_found", "there is no such artifact that this tool may read", false)),
            Err(error) => Err(of_store(error)),
        })
    }

    fn read(&mut self, digest: String) -> wasmtime::Result<Result<Vec<u8>, Failure>> {
        let (outside, artifacts, scope) = match self.artifacts() {
            Ok(opened) => opened,
            Err(failure) => return Ok(Err(failure)),
        };
        let Ok(digest) = digest.parse::<Digest>() else {
            return Ok(Err(failure("invalid_request", "that is no digest", false)));
        };
        let read = self.wait(outside, artifacts.read(scope, digest))?;
        let limit = self.environment.limits.file_bytes;
        Ok(match read {
            Ok(Some(bytes)) if bytes.len() as u64 > limit => {
                let message =
                    format!("the artifact has {} bytes, more than the {limit} that a tool may read", bytes.len());
                Err(failure("artifact_too_large", &message, false))
            }
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(failure("not_found", "there is no such artifact that this tool may read", false)),
            Err(error) => Err(of_store(error)),
        })
    }
}

impl http::Host for CallState {
    fn fetch(&mut self, request: Request) -> wasmtime::Result<Result<Response, Failure>> {
        let Environment { access, limits, outside, .. } = &self.environment;
        let Some(outside) = outside else { return Ok(Err(not_granted("http"))) };
        let Some(left) = self.requests_left.checked_sub(1) else {
            return Ok(Err(FetchError::TooMany { limit: limits.http_requests }.into()));
        };
        self.requests_left = left;
        let (result, fetched) = self.wait(outside, outside.client.fetch(&request, &access.http, limits))?;
        if let Some(fetched) = fetched {
            let (tool, call_id) = (&self.environment.tool, &self.environment.call_id);
            tracing::debug!(target: "bloom::tool", tool, call_id, ?fetched, "fetched");
            self.fetched.push(fetched);
        }
        Ok(result.map_err(Failure::from))
    }
}

/// The part of a listing that follows a path.
pub(super) fn page(entries: &[Entry], after: Option<&str>) -> Page {
    let start = after.map_or(0, |after| entries.partition_point(|entry| entry.path.as_str() <= after));
    let rest = entries.get(start..).unwrap_or_default();
    let entries = rest.get(..PAGE.min(rest.len())).unwrap_or_default().to_vec();
    let next = if rest.len() > PAGE { entries.last().map(|entry| entry.path.clone()) } else { None };
    Page { entries, next }
}

fn entry(file: FileEntry) -> Entry {
    Entry { path: file.path, size: file.size, modified: file.modified }
}

fn not_granted(capability: &str) -> Failure {
    failure("not_granted", &format!("`{capability}` was not granted to this tool"), false)
}

fn of_store(error: EffectError) -> Failure {
    Failure { code: error.code, message: error.message, retryable: error.retryable }
}

fn failure(code: &str, message: &str, retryable: bool) -> Failure {
    Failure { code: code.into(), message: message.into(), retryable }
}
