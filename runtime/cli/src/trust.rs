//! Whose certificates are believed when a server is spoken to, and what to do where one is not.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use bloom_worker::{TlsFault, Trust};

use crate::catalogue::{Catalogue, text};
use crate::failure::Explained;
use crate::output;

/// The usual certificates, and those of the file that a setting names.
pub(crate) fn read(ca: Option<&Path>, setting: &str, catalogue: &Catalogue) -> anyhow::Result<Trust> {
    let Some(file) = ca else { return Ok(Trust::usual()) };
    let path = file.display().to_string();
    let unread = || Explained::usage(text!(catalogue, "cannot-read", path = path.as_str()));
    let pem = std::fs::read(file).with_context(unread)?;
    let bad = || Explained::usage(text!(catalogue, "tls-bad-ca", setting = setting, path = path.as_str()));
    Trust::beside_usual(&pem).with_context(bad)
}

/// Says that others on the way to a server can read the key that it is shown.
pub(crate) fn warn_of_exposed_key(url: &str, catalogue: &Catalogue) {
    // A standard error that cannot be written leaves nobody to warn.
    let _ = writeln!(output::stderr(), "{}", text!(catalogue, "tls-key-exposed", url = url));
}

/// What to do about a server that TLS stands in the way of. The setting is the one that names more certificates.
pub(crate) fn explained(fault: &TlsFault, url: &str, setting: &str, catalogue: &Catalogue) -> Explained {
    let (message, hint) = match fault {
        TlsFault::Untrusted(_) => {
            (text!(catalogue, "tls-untrusted", url = url), text!(catalogue, "tls-untrusted-hint", setting = setting))
        }
        TlsFault::WrongName(_) => {
            (text!(catalogue, "tls-wrong-name", url = url), text!(catalogue, "tls-wrong-name-hint"))
        }
        TlsFault::NotSpoken => (text!(catalogue, "tls-not-spoken", url = url), text!(catalogue, "tls-not-spoken-hint")),
        TlsFault::Wanted => (text!(catalogue, "tls-wanted", url = url), text!(catalogue, "tls-wanted-hint")),
        TlsFault::Failed(_) => (text!(catalogue, "tls-failed", url = url), text!(catalogue, "tls-failed-hint")),
    };
    Explained::failed(message).hint(hint)
}
