//! The keys in the data directory: private keys as `keys/<name>.pem`, and whom this machine trusts in `trust.json`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_ir::trust::{DistrustedKey, TrustedKey};
use bloom_ir::{PublicKey, SigningKey, TrustList};

use crate::catalogue::text;
use crate::data::create_private;
use crate::durable;
use crate::failure::Explained;
use crate::session::Session;

/// The key that signs what `bloom run` compiles; it is made on first use.
pub(crate) const DEVELOPMENT: &str = "development";

/// The key that signs what owners publish as diagrams, and the role that it is trusted with.
const SERVER: &str = "server";

/// The key that signs checkpoints of the audit log; it is made on first use, and nobody trusts it for anything else.
const AUDIT: &str = "audit";

/// The keys of a data directory.
pub(crate) struct Keyring<'a> {
    session: &'a Session,
    keys: PathBuf,
    trust: PathBuf,
}

/// A private key that is there.
pub(crate) struct OwnKey {
    pub(crate) name: String,
    pub(crate) public: PublicKey,
}

/// The trust list of a file, if it can be understood; without the file nobody is trusted.
pub(crate) fn read_trust(path: &Path) -> io::Result<serde_json::Result<TrustList>> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Ok(TrustList::default())),
        read => read.map(|bytes| serde_json::from_slice(&bytes)),
    }
}

impl<'a> Keyring<'a> {
    /// Those of the session's data directory, which may not be there yet.
    pub(crate) fn of(session: &'a Session) -> anyhow::Result<Self> {
        let data = session.data.path(&session.catalogue)?;
        Ok(Self { session, keys: data.join("keys"), trust: data.join("trust.json") })
    }

    /// The development key, made and trusted where it is not there. The flag says whether it was made now.
    pub(crate) fn development(&self) -> anyhow::Result<(SigningKey, bool)> {
        self.trusted(DEVELOPMENT, Vec::new())
    }

    /// The key of the server, made and trusted where it is not there.
    pub(crate) fn server(&self) -> anyhow::Result<SigningKey> {
        Ok(self.trusted(SERVER, vec![SERVER.to_owned()])?.0)
    }

    fn trusted(&self, name: &str, roles: Vec<String>) -> anyhow::Result<(SigningKey, bool)> {
        let (key, is_new) = match self.load(name)? {
            Some(key) => (key, false),
            None => match self.create(name)? {
                Some(key) => (key, true),
                // Another process made it just now.
                None => (self.named(name)?, false),
            },
        };
        let public = key.public();
        let is_known = |list: &TrustList| {
            list.keys.iter().any(|entry| entry.key == public) || list.distrusted.iter().any(|entry| entry.key == public)
        };
        // Also where it was made and a crash came before it was trusted. One that was taken off stays off.
        if !is_known(&self.trust_list()?) {
            self.trust(name, public, roles, None)?;
        }
        Ok((key, is_new))
    }

    /// The key that signs checkpoints of the audit log.
    pub(crate) fn auditor(&self) -> anyhow::Result<SigningKey> {
        match self.load(AUDIT)? {
            Some(key) => Ok(key),
            None => match self.create(AUDIT)? {
                Some(key) => Ok(key),
                // Another process made it just now.
                None => self.named(AUDIT),
            },
        }
    }

    /// Its public half, where it is there.
    pub(crate) fn auditor_known(&self) -> anyhow::Result<Option<PublicKey>> {
        Ok(self.load(AUDIT)?.map(|key| key.public()))
    }

    /// A private key by name.
    pub(crate) fn named(&self, name: &str) -> anyhow::Result<SigningKey> {
        match self.load(name)? {
            Some(key) => Ok(key),
            None => Err(Explained::failed(text!(self.session.catalogue, "key-missing", name = name))
                .hint(text!(self.session.catalogue, "key-missing-hint", name = name))
                .into()),
        }
    }

    /// Makes a key of that name.
    pub(crate) fn make(&self, name: &str) -> anyhow::Result<SigningKey> {
        let exists = || Explained::failed(text!(self.session.catalogue, "key-exists", name = name));
        Ok(self.create(name)?.ok_or_else(exists)?)
    }

    /// Makes a key of that name, unless there is one.
    fn create(&self, name: &str) -> anyhow::Result<Option<SigningKey>> {
        let catalogue = &self.session.catalogue;
        if name.is_empty()
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
            || name.starts_with('.')
        {
            return Err(Explained::usage(text!(catalogue, "key-bad-name", name = name)).into());
        }
        self.session.data.create(catalogue)?;
        create_private(&self.keys)?;
        let mut seed = [0_u8; 32];
        getrandom::fill(&mut seed).map_err(io::Error::other).context(text!(catalogue, "key-no-randomness"))?;
        let key = SigningKey::from_seed(&seed);
        let path = self.path(name);
        match durable::create(&path, key.to_pem().as_bytes()) {
            Ok(()) => Ok(Some(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(error).context(text!(catalogue, "cannot-write", path = path.display().to_string())),
        }
    }

    /// The private keys that are there, by name.
    pub(crate) fn own(&self) -> anyhow::Result<Vec<OwnKey>> {
        let mut own = Vec::new();
        let entries = match fs::read_dir(&self.keys) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(own),
            entries => entries.with_context(|| self.cannot_read(&self.keys))?,
        };
        for entry in entries {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".pem")) else { continue };
            if let Some(key) = self.load(name)? {
                own.push(OwnKey { name: name.to_owned(), public: key.public() });
            }
        }
        own.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(own)
    }

    /// Where it stands whom this machine trusts.
    pub(crate) fn trust_path(&self) -> &Path {
        &self.trust
    }

    /// Whom this machine trusts.
    pub(crate) fn trust_list(&self) -> anyhow::Result<TrustList> {
        let malformed = || text!(self.session.catalogue, "trust-malformed", path = self.trust.display().to_string());
        read_trust(&self.trust).with_context(|| self.cannot_read(&self.trust))?.with_context(malformed)
    }

    /// Trusts a key. One that is trusted already gets the new name, roles and expiry.
    pub(crate) fn trust(
        &self,
        name: &str,
        key: PublicKey,
        roles: Vec<String>,
        expires_at: Option<i64>,
    ) -> anyhow::Result<()> {
        self.change(|list| {
            list.distrusted.retain(|entry| entry.key != key);
            list.keys.retain(|entry| entry.key != key);
            list.keys.push(TrustedKey { name: name.to_owned(), key, roles, expires_at });
        })
    }

    /// Has the signatures of a key count no more, and gives the name that it had. It stays listed, so that what ran under it can
    /// still be replayed.
    pub(crate) fn distrust(&self, key: PublicKey) -> anyhow::Result<String> {
        let mut name = key.id();
        self.change(|list| {
            let trusted = list.keys.iter().map(|entry| (&entry.name, &entry.key));
            let mut known = trusted.chain(list.distrusted.iter().map(|entry| (&entry.name, &entry.key)));
            if let Some((known, _)) = known.find(|(_, of)| **of == key) {
                name.clone_from(known);
            }
            list.keys.retain(|entry| entry.key != key);
            list.distrusted.retain(|entry| entry.key != key);
            list.distrusted.push(DistrustedKey { name: name.clone(), key });
        })?;
        Ok(name)
    }

    fn change(&self, change: impl FnOnce(&mut TrustList)) -> anyhow::Result<()> {
        self.session.data.create(&self.session.catalogue)?;
        // Held until the list is written: of two that change it at once, none is lost.
        let _lock = self.lock()?;
        let mut list = self.trust_list()?;
        change(&mut list);
        durable::replace(&self.trust, &serde_json::to_vec_pretty(&list)?)
            .with_context(|| text!(self.session.catalogue, "cannot-write", path = self.trust.display().to_string()))
    }

    fn lock(&self) -> anyhow::Result<fs::File> {
        let path = self.trust.with_extension("lock");
        let cannot_write = || text!(self.session.catalogue, "cannot-write", path = path.display().to_string());
        let file =
            fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path).with_context(cannot_write)?;
        file.lock().with_context(cannot_write)?;
        Ok(file)
    }

    fn load(&self, name: &str) -> anyhow::Result<Option<SigningKey>> {
        let path = self.path(name);
        let pem = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            pem => pem.with_context(|| self.cannot_read(&path))?,
        };
        self.refuse_if_others_may_read(&path)?;
        let shown = path.display().to_string();
        SigningKey::from_pem(&pem)
            .map(Some)
            .with_context(|| text!(self.session.catalogue, "key-malformed", path = shown))
    }

    #[cfg(unix)]
    fn refuse_if_others_may_read(&self, path: &Path) -> anyhow::Result<()> {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path)?.permissions().mode() & 0o777;
        // Nothing for the group and for others.
        if mode.trailing_zeros() >= 6 {
            return Ok(());
        }
        let (catalogue, path) = (&self.session.catalogue, path.display().to_string());
        Err(Explained::refused(text!(catalogue, "key-readable", path = &path, mode = format!("{mode:03o}")))
            .hint(text!(catalogue, "key-readable-hint", path = &path))
            .into())
    }

    #[cfg(not(unix))]
    fn refuse_if_others_may_read(&self, _: &Path) -> anyhow::Result<()> {
        Ok(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.keys.join(format!("{name}.pem"))
    }

    fn cannot_read(&self, path: &Path) -> String {
        text!(self.session.catalogue, "cannot-read", path = path.display().to_string())
    }
}
