//! Where contents lie that are not in the store's file: objects that are named by their digest, and never change.
//!
//! An object is there before the commit that refers to it. One that no commit refers to, because there was no commit, stays: it is
//! used when the same bytes are handed out again.

use std::error::Error;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bloom_ir::Digest;
use bloom_runtime::store::StoreError;
use object_store::aws::AmazonS3Builder;
use object_store::client::{HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, RetryConfig};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// A request is tried again so often,
const RETRIES: usize = 4;
/// but not after this time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A place for contents.
#[derive(Clone)]
pub struct Place {
    objects: Arc<dyn ObjectStore>,
    /// For people.
    name: String,
}

/// A bucket of an S3-compatible store.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Where the store is, as `https://minio.example.org:9000`.
    pub endpoint: String,
    /// The bucket's name.
    pub name: String,
    /// The region that requests are signed for; stores that have none take any.
    pub region: String,
    /// The id of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: SecretString,
}

/// How a content lies in a place: what the store's file knows of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Placed {
    pub(crate) bytes: u64,
    /// The object's entity tag when it was put, by which a part of another object is told from a part of this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) e_tag: Option<String>,
}

/// Why a place does not do what is asked of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// What names it cannot be used.
    #[error("{place} cannot be used: {cause}")]
    Unfit {
        /// The place.
        place: String,
        /// Why.
        cause: String,
    },
    /// The key is not known there, or may not do this.
    #[error("{place} refuses the key: {cause}")]
    Refused {
        /// The place.
        place: String,
        /// What it said.
        cause: String,
    },
    /// The bucket is not there, or the object is not.
    #[error("{place} does not have it: {cause}")]
    Missing {
        /// The place.
        place: String,
        /// What it said.
        cause: String,
    },
    /// It does not answer, or not as it should.
    #[error("{place} does not answer as it should: {cause}")]
    Unreachable {
        /// The place.
        place: String,
        /// What happened.
        cause: String,
    },
    /// An object has other bytes than were put there.
    #[error("{place} has other bytes under {digest} than were put there")]
    Changed {
        /// The place.
        place: String,
        /// The digest.
        digest: Digest,
    },
}

impl From<PlaceError> for StoreError {
    fn from(error: PlaceError) -> Self {
        match error {
            PlaceError::Changed { .. } => Self::Damaged(error.to_string()),
            other => Self::Unavailable(other.to_string()),
        }
    }
}

impl Place {
    /// A bucket, which `client` speaks to. Nothing is sent yet.
    pub fn bucket(bucket: &Bucket, client: reqwest::Client) -> Result<Self, PlaceError> {
        let name = format!("the bucket `{}` at {}", bucket.name, bucket.endpoint);
        let built = AmazonS3Builder::new()
            .with_endpoint(&bucket.endpoint)
            .with_bucket_name(&bucket.name)
            .with_region(&bucket.region)
            .with_access_key_id(&bucket.access_key)
            .with_secret_access_key(bucket.secret_key.expose_secret())
            .with_http_connector(Given(client))
            .with_retry(RetryConfig {
                backoff: BackoffConfig { max_backoff: Duration::from_secs(2), ..BackoffConfig::default() },
                max_retries: RETRIES,
                retry_timeout: PATIENCE,
            })
            .build();
        match built {
            Ok(objects) => Ok(Self { objects: Arc::new(objects), name }),
            Err(error) => Err(PlaceError::Unfit { place: name, cause: told(&error) }),
        }
    }

    /// Any object store.
    pub fn over(objects: Arc<dyn ObjectStore>, name: impl Into<String>) -> Self {
        Self { objects, name: name.into() }
    }

    /// Puts a small object there and reads it: whether the place can be used.
    pub async fn check(&self) -> Result<(), PlaceError> {
        let bytes = b"ready".to_vec();
        let digest = Digest::of(&bytes);
        let placed = self.put(digest, bytes).await?;
        self.get(digest, &placed).await.map(drop)
    }

    /// Has bytes under their digest. Where there are such already, they become these.
    pub(crate) async fn put(&self, digest: Digest, bytes: Vec<u8>) -> Result<Placed, PlaceError> {
        let size = bytes.len() as u64;
        let put = self.objects.put(&at(digest), bytes.into()).await.map_err(|error| self.explained(&error))?;
        Ok(Placed { bytes: size, e_tag: put.e_tag })
    }

    /// All of a content, which is what its digest says.
    pub(crate) async fn get(&self, digest: Digest, placed: &Placed) -> Result<Vec<u8>, PlaceError> {
        let bytes = self.read(digest, GetOptions::default()).await.map_err(|error| self.explained(&error))?;
        if bytes.len() as u64 == placed.bytes && Digest::of(&bytes) == digest {
            Ok(bytes)
        } else {
            Err(PlaceError::Changed { place: self.name.clone(), digest })
        }
    }

    /// A part of a content, as far as there is such. A part alone has no digest: that it is of this object is known by the entity
    /// tag. Where that has changed, the whole is read, and its digest tells.
    pub(crate) async fn part(&self, digest: Digest, placed: &Placed, part: Range<u64>) -> Result<Vec<u8>, PlaceError> {
        let part = part.start..part.end.min(placed.bytes);
        if part.is_empty() {
            return Ok(Vec::new());
        }
        let Some(tag) = &placed.e_tag else { return Ok(part_of(&self.get(digest, placed).await?, &part)) };
        let range = Some(GetRange::Bounded(part.clone()));
        let options = GetOptions { range, if_match: Some(tag.clone()), ..GetOptions::default() };
        match self.read(digest, options).await {
            Ok(bytes) if bytes.len() as u64 == part.end.saturating_sub(part.start) => Ok(bytes),
            Ok(_) | Err(object_store::Error::Precondition { .. }) => {
                Ok(part_of(&self.get(digest, placed).await?, &part))
            }
            Err(error) => Err(self.explained(&error)),
        }
    }

    async fn read(&self, digest: Digest, options: GetOptions) -> Result<Vec<u8>, object_store::Error> {
        Ok(self.objects.get_opts(&at(digest), options).await?.bytes().await?.into())
    }

    fn explained(&self, error: &object_store::Error) -> PlaceError {
        let (place, cause) = (self.name.clone(), told(error));
        match error {
            object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. } => {
                PlaceError::Refused { place, cause }
            }
            object_store::Error::NotFound { .. } => PlaceError::Missing { place, cause },
            _ => PlaceError::Unreachable { place, cause },
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Place").field(&self.name).finish()
    }
}

/// The client that a place was given, with its own limits and whom it trusts.
#[derive(Debug)]
struct Given(reqwest::Client);

impl HttpConnector for Given {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// The part of some bytes that there is.
pub(crate) fn part_of(bytes: &[u8], part: &Range<u64>) -> Vec<u8> {
    let within = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(within(part.start)..within(part.end)).unwrap_or_default().to_vec()
}

/// The object of a digest.
fn at(digest: Digest) -> Path {
    Path::from_iter(["sha256", &digest.hex()])
}

/// On one line, with what it was caused by where it does not say so itself.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_told = cause.to_string();
        if !told.contains(&cause_told) {
            told = format!("{told}: {cause_told}");
        }
        source = cause.source();
    }
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
