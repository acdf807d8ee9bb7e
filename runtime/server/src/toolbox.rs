//! Components that clients add for flows: taken to disk as they come, and compiled afterwards, one at a time.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::{Body, Bytes};
use bloom_ir::{Digest, Value};
use bloom_runtime::record::{Actor, AuditNote};
use bloom_runtime::tool::InstalledTool;
use futures::StreamExt as _;
use tempfile::TempPath;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::app::App;
use crate::error::{ApiError, Code};
use crate::request::BYTES_A_SECOND;

/// The largest component, in bytes.
pub(crate) const LARGEST: u64 = 64 << 20;

/// So many are taken in at a time.
const UPLOADS: usize = 4;

/// So many may wait to be compiled.
const WAITING: usize = 8;

/// Of so many that were refused it is known why.
const REMEMBERED: usize = 64;

/// Every component begins so, and every core module.
const MAGIC: &[u8] = b"\0asm";

/// Makes tools of components, and keeps them.
#[async_trait]
pub trait Toolbox: Send + Sync {
    /// Compiles a component, which may take many seconds, and keeps it: from then on flows may call it, also after a restart.
    /// Repeating it is harmless.
    async fn add(&self, component: Vec<u8>) -> Result<InstalledTool, NotAdded>;
}

/// Why a component became no tool.
#[derive(Debug, thiserror::Error)]
pub enum NotAdded {
    /// It is none, or not one that this server can have.
    #[error("{0}")]
    Refused(String),
    /// It cannot be kept.
    #[error("it cannot be kept: {0}")]
    Io(#[from] io::Error),
}

/// What is being added.
pub(crate) struct Adding {
    uploads: Arc<Semaphore>,
    turn: Arc<Semaphore>,
    fates: Mutex<Fates>,
}

#[derive(Default)]
struct Fates {
    compiling: BTreeSet<Digest>,
    /// The oldest first.
    refused: VecDeque<(Digest, String)>,
}

/// What has become of a component that is no tool.
#[derive(Debug)]
pub(crate) enum Fate {
    /// It waits for its turn, or is being compiled.
    Compiling,
    /// It is none, for this reason.
    Refused(String),
}

/// A component on disk, which is deleted with this.
pub(crate) struct Upload {
    path: TempPath,
    pub(crate) digest: Digest,
}

impl Default for Adding {
    fn default() -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { uploads: semaphore(UPLOADS), turn: semaphore(1), fates: Mutex::default() }
    }
}

impl Adding {
    /// What has become of a component, if that is known.
    pub(crate) fn fate(&self, digest: Digest) -> Option<Fate> {
        let fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        if fates.compiling.contains(&digest) {
            return Some(Fate::Compiling);
        }
        let (_, reason) = fates.refused.iter().find(|(refused, _)| *refused == digest)?;
        Some(Fate::Refused(reason.clone()))
    }

    /// Takes a component to disk, as fast as it comes, but not for longer than a slow line needs.
    pub(crate) async fn take(&self, body: Body, declared: Option<u64>, patience: Duration) -> Result<Upload, ApiError> {
        let too_large = || ApiError::new(Code::PayloadTooLarge, format!("a component has at most {LARGEST} bytes"));
        let length = declared.unwrap_or(LARGEST);
        if length > LARGEST {
            return Err(too_large());
        }
        let _permit: OwnedSemaphorePermit = Arc::clone(&self.uploads)
            .try_acquire_owned()
            .map_err(|_| ApiError::new(Code::RateLimited, "other components are being sent"))?;
        let limit = patience.saturating_add(Duration::from_secs(length / BYTES_A_SECOND));
        let failed = |error: io::Error| ApiError::internal(&error);
        let (file, path) = tempfile::NamedTempFile::new().map_err(failed)?.into_parts();
        let taken = async {
            let (mut stream, mut file, mut bytes) = (body.into_data_stream(), file, 0_u64);
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|error| ApiError::invalid("body", error.to_string()))?;
                bytes = bytes.saturating_add(chunk.len() as u64);
                if bytes > LARGEST {
                    return Err(too_large());
                }
                file = written(file, chunk).await.map_err(failed)?;
            }
            Ok(())
        };
        let late = || ApiError::new(Code::RequestTimeout, "the component did not come in time");
        tokio::time::timeout(limit, taken).await.map_err(|_| late())??;
        let (path, digest) = blocking(move || {
            let bytes = std::fs::read(&path)?;
            Ok((path, bytes.starts_with(MAGIC).then(|| Digest::of(&bytes))))
        })
        .await
        .map_err(failed)?;
        let no_component = || ApiError::new(Code::CompileFailed, "this is no WebAssembly component");
        Ok(Upload { path, digest: digest.ok_or_else(no_component)? })
    }

    /// Has a component compiled and kept, after those that came before it. One that is being compiled is not compiled twice.
    pub(crate) fn compile(app: &App, upload: Upload, by: Actor) -> Result<(), ApiError> {
        {
            let mut fates = app.adding().fates.lock().unwrap_or_else(PoisonError::into_inner);
            if fates.compiling.contains(&upload.digest) {
                return Ok(());
            }
            if fates.compiling.len() >= WAITING {
                return Err(ApiError::new(Code::RateLimited, "other components wait to be compiled"));
            }
            fates.compiling.insert(upload.digest);
            fates.refused.retain(|(refused, _)| *refused != upload.digest);
        }
        let app = app.clone();
        tokio::spawn(async move {
            let digest = upload.digest;
            let reason = match added(&app, upload, &by).await {
                Ok(()) => None,
                Err(NotAdded::Refused(reason)) => Some(reason),
                Err(error) => {
                    tracing::error!(%digest, %error, "a component cannot be kept");
                    Some(String::from("it cannot be kept; the server's log says why"))
                }
            };
            let mut fates = app.adding().fates.lock().unwrap_or_else(PoisonError::into_inner);
            fates.compiling.remove(&digest);
            if let Some(reason) = reason {
                fates.refused.push_back((digest, reason));
                if fates.refused.len() > REMEMBERED {
                    fates.refused.pop_front();
                }
            }
        });
        Ok(())
    }
}

async fn added(app: &App, upload: Upload, by: &Actor) -> Result<(), NotAdded> {
    // It is never closed.
    let _turn = app.adding().turn.acquire().await.map_err(io::Error::other)?;
    let component = blocking(move || std::fs::read(&upload.path)).await?;
    let tool = app.toolbox.add(component).await?;
    let name = format!("{}@{}", tool.manifest.name, tool.manifest.version);
    let detail = [("digest", Value::from(tool.digest.to_string()))].into_iter().collect();
    let note = AuditNote { detail, ..AuditNote::new(app.clock.now(), by, "tool_added", ("tool", &name)) };
    app.store().note(vec![note]).await.map_err(io::Error::other)?;
    Ok(())
}

async fn written(mut file: File, chunk: Bytes) -> io::Result<File> {
    blocking(move || file.write_all(&chunk).map(|()| file)).await
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
