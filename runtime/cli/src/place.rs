//! Where artifacts lie, by the operator's settings.

use std::time::Duration;

use anyhow::Context as _;
use bloom_store::{Bucket, Place, PlaceError};
use reqwest::Url;

use crate::catalogue::{Catalogue, text};
use crate::config::{ArtifactPlace, Artifacts, Config};
use crate::failure::Explained;
use crate::store::Store;
use crate::trust;

/// To connect, with TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// Between two parts of an answer.
const SILENCE: Duration = Duration::from_secs(15);

/// The place that is set; none where artifacts lie in the store's file.
pub(crate) fn of(given: &Artifacts, catalogue: &Catalogue) -> anyhow::Result<Option<Place>> {
    if given.place == ArtifactPlace::Local {
        return Ok(None);
    }
    let missing = |key| move || Explained::usage(text!(catalogue, "artifacts-incomplete", key = key));
    let missing = |key| missing(key)().hint(text!(catalogue, "artifacts-hint"));
    let endpoint = given.endpoint.as_deref().with_context(|| missing("artifacts.endpoint"))?;
    let name = given.bucket.clone().with_context(|| missing("artifacts.bucket"))?;
    let access_key = given.access_key.clone().with_context(|| missing("artifacts.access_key"))?;
    let secret_key = given.secret_key.as_ref().with_context(|| missing("artifacts.secret_key"))?;
    let endpoint = url(endpoint, given, catalogue)?;
    let trust = trust::read(given.ca.as_deref(), "artifacts.ca", catalogue)?;
    let client = trust.client().connect_timeout(CONNECT).read_timeout(SILENCE).build()?;
    let bucket = Bucket {
        endpoint,
        name,
        region: given.region.clone(),
        access_key,
        secret_key: secret_key.read("artifacts.secret_key", catalogue)?,
    };
    Place::bucket(&bucket, client).map(Some).map_err(|error| explained(&error, given, catalogue))
}

/// Whether the place can be used; and whether nothing is set that is for one, where there is none.
pub(crate) async fn check(store: &Store<'_>, config: &Config, catalogue: &Catalogue) -> anyhow::Result<()> {
    let given = &config.settings.artifacts;
    let unused = [
        ("endpoint", given.endpoint.is_some()),
        ("port", given.port.is_some()),
        ("tls", given.tls.is_some()),
        ("bucket", given.bucket.is_some()),
        ("access_key", given.access_key.is_some()),
        ("secret_key", given.secret_key.is_some()),
    ];
    if let Some((key, _)) = unused.iter().find(|(_, is_set)| *is_set && given.place == ArtifactPlace::Local) {
        let origin = config.origin(&["artifacts", key]).shown(catalogue);
        let key = format!("artifacts.{key} ({origin})");
        return Err(Explained::usage(text!(catalogue, "artifacts-unused", key = key))
            .hint(text!(catalogue, "artifacts-hint"))
            .into());
    }
    store.inner.check_place().await.map_err(|error| explained(&error, given, catalogue))
}

/// The URL of an endpoint, which may be a host name.
fn url(endpoint: &str, given: &Artifacts, catalogue: &Catalogue) -> anyhow::Result<String> {
    let bad = || Explained::usage(text!(catalogue, "artifacts-bad-endpoint", endpoint = endpoint));
    let differs =
        |key| Explained::usage(text!(catalogue, "artifacts-endpoint-differs", endpoint = endpoint, key = key));
    let is_url = endpoint.contains("://");
    let scheme = if given.tls == Some(false) { "http" } else { "https" };
    let whole = if is_url { endpoint.to_owned() } else { format!("{scheme}://{endpoint}") };
    let mut url = Url::parse(&whole).with_context(bad)?;
    let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_bare {
        return Err(bad().into());
    }
    if given.tls.is_some_and(|tls| tls != (url.scheme() == "https")) {
        return Err(differs("artifacts.tls").into());
    }
    match (url.port(), given.port) {
        (Some(port), Some(other)) if port != other => return Err(differs("artifacts.port").into()),
        (None, Some(port)) => url.set_port(Some(port)).map_err(|()| bad())?,
        _ => {}
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

fn explained(error: &PlaceError, given: &Artifacts, catalogue: &Catalogue) -> anyhow::Error {
    let bucket = given.bucket.clone().unwrap_or_default();
    let endpoint = given.endpoint.clone().unwrap_or_default();
    let (message, cause) = match error {
        PlaceError::Unfit { cause, .. } => {
            (text!(catalogue, "artifacts-unfit", bucket = bucket, endpoint = endpoint), cause.clone())
        }
        PlaceError::Refused { cause, .. } => {
            (text!(catalogue, "artifacts-refused", bucket = bucket, endpoint = endpoint), cause.clone())
        }
        PlaceError::Missing { cause, .. } => {
            (text!(catalogue, "artifacts-missing", bucket = bucket, endpoint = endpoint), cause.clone())
        }
        PlaceError::Unreachable { cause, .. } => {
            (text!(catalogue, "artifacts-unreachable", endpoint = endpoint), cause.clone())
        }
        PlaceError::Changed { .. } => {
            (text!(catalogue, "artifacts-unreachable", endpoint = endpoint), error.to_string())
        }
    };
    anyhow::anyhow!(cause).context(Explained::failed(message).hint(text!(catalogue, "artifacts-hint")))
}

#[cfg(test)]
mod tests {
    use bloom_ir::document::Locale;

    use super::*;

    fn of_endpoint(endpoint: &str, port: Option<u16>, tls: Option<bool>) -> Result<String, String> {
        let given = Artifacts { port, tls, ..Artifacts::default() };
        url(endpoint, &given, &Catalogue::of(Locale::En)).map_err(|error| error.to_string())
    }

    #[test]
    fn an_endpoint_is_a_url_or_a_host_name_with_its_port() {
        for (endpoint, port, tls, url) in [
            ("https://minio.example.org:9000", None, None, "https://minio.example.org:9000"),
            ("http://127.0.0.1:9000/", Some(9000), Some(false), "http://127.0.0.1:9000"),
            ("minio", Some(9000), Some(false), "http://minio:9000"),
            ("minio:9001", None, Some(true), "https://minio:9001"),
            ("s3.example.org", None, None, "https://s3.example.org"),
            ("[::1]", Some(9000), None, "https://[::1]:9000"),
        ] {
            assert_eq!(of_endpoint(endpoint, port, tls).as_deref(), Ok(url));
        }
        for (endpoint, port, tls, word) in [
            ("http://minio", None, Some(true), "artifacts.tls"),
            ("minio:9000", Some(9001), None, "artifacts.port"),
            ("ftp://minio", None, None, "neither"),
            ("https://minio/folder", None, None, "neither"),
            ("https://name:word@minio", None, None, "neither"),
            ("", None, None, "neither"),
        ] {
            let told = of_endpoint(endpoint, port, tls).unwrap_err();
            assert!(told.contains(word), "{endpoint}: {told}");
        }
    }
}
