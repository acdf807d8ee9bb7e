//! `bloom audit verify`: that nothing in the log was changed or removed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_ir::PublicKey;
use bloom_ir::dsse::Envelope;
use bloom_runtime::record::{AuditChain, AuditEntry, AuditFault, AuditFaultKind, Checkpoint};
use bloom_runtime::store::{AuditCheck, verify_audit};
use clap::Args;
use serde_json::json;

use super::PATH;
use super::checkpoint::{self, Signed};
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::keyring::Keyring;
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct Verify {
    #[arg(value_name = "FILE", conflicts_with = "server")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    server: ServerArg,
}

impl Verify {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let remote = self.server.remote(session)?;
        // Taken before the log is read, which then has at least as many entries.
        let signed = match (&self.checkpoint, &remote) {
            (Some(path), _) => Some(self.signed(&read(path, session)?, session)?),
            (None, Some(remote)) => Some(self.signed(&checkpoint::of_server(remote).await?, session)?),
            (None, None) => None,
        };
        let checkpoint = signed.as_ref().map(|signed| &signed.checkpoint);
        let check = match (&remote, &self.file) {
            (Some(remote), _) => of_server(remote, checkpoint).await?,
            (None, Some(file)) => of_file(file, checkpoint, session)?,
            (None, None) => verify_audit(Store::open(session)?.inner.as_ref(), checkpoint).await?,
        };
        tell(check, signed.as_ref(), session, out)
    }

    /// A checkpoint must be signed by the key that was named. Where none was, and this machine did not sign it itself, whose it
    /// is stays open.
    fn signed(&self, envelope: &Envelope, session: &Session) -> anyhow::Result<Signed> {
        let catalogue = &session.catalogue;
        let bad = || Explained::refused(text!(catalogue, "audit-bad-checkpoint"));
        let key = match self.key.as_deref().map(|key| named(key, session)).transpose()? {
            Some(key) => Some(key),
            None => Keyring::of(session)?.auditor_known()?,
        };
        let verified = Checkpoint::verified(envelope, key.as_slice());
        match verified {
            Ok((checkpoint, key)) => Ok(Signed { checkpoint, key: Some(key) }),
            Err(error) if self.key.is_some() => Err(anyhow::Error::new(error).context(bad())),
            Err(_) => Ok(Signed { checkpoint: Checkpoint::unverified(envelope).with_context(bad)?, key: None }),
        }
    }
}

/// A public key as it is written, or the file that holds it.
fn named(key: &str, session: &Session) -> anyhow::Result<PublicKey> {
    let unreadable = || Explained::usage(text!(session.catalogue, "key-unreadable", key = key));
    if let Ok(key) = key.parse() {
        return Ok(key);
    }
    std::fs::read_to_string(key).ok().and_then(|text| text.parse().ok()).ok_or_else(|| unreadable().into())
}

fn read(path: &Path, session: &Session) -> anyhow::Result<Envelope> {
    let cannot_read = || text!(session.catalogue, "cannot-read", path = path.display().to_string());
    let bytes = std::fs::read(path).with_context(cannot_read)?;
    Envelope::read(&bytes).with_context(|| Explained::refused(text!(session.catalogue, "audit-bad-checkpoint")))
}

/// A log that is read line by line.
struct Reader<'a> {
    chain: AuditChain,
    fault: Option<AuditFault>,
    signed: Option<&'a Checkpoint>,
}

impl<'a> Reader<'a> {
    fn new(signed: Option<&'a Checkpoint>) -> Self {
        Self { chain: AuditChain::default(), fault: None, signed }
    }

    fn line(&mut self, line: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let unreadable = |error: serde_json::Error| AuditFault {
            seq: self.chain.seq().saturating_add(1),
            kind: AuditFaultKind::Unreadable(error.to_string()),
        };
        let read = serde_json::from_slice::<AuditEntry>(line).map_err(unreadable);
        let accepted = read.and_then(|entry| self.chain.accept(&entry));
        self.fault = accepted.and_then(|()| self.signed.map_or(Ok(()), |signed| signed.holds(&self.chain))).err();
    }

    fn check(&self) -> AuditCheck {
        let cut = || self.signed.and_then(|signed| signed.ends(&self.chain).err());
        AuditCheck { entries: self.chain.seq(), head: self.chain.head(), fault: self.fault.clone().or_else(cut) }
    }
}

async fn of_server(remote: &Remote<'_>, signed: Option<&Checkpoint>) -> anyhow::Result<AuditCheck> {
    let mut reader = Reader::new(signed);
    let each = |line: &[u8]| {
        reader.line(line);
        Ok(())
    };
    remote.lines(Ask::get(&PATH).query("from", Some(1)), each).await?;
    Ok(reader.check())
}

fn of_file(path: &Path, signed: Option<&Checkpoint>, session: &Session) -> anyhow::Result<AuditCheck> {
    let cannot_read = || text!(session.catalogue, "cannot-read", path = path.display().to_string());
    let file = File::open(path).with_context(cannot_read)?;
    let mut reader = Reader::new(signed);
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(cannot_read)?;
        if !line.trim_ascii().is_empty() {
            reader.line(&line);
        }
    }
    Ok(reader.check())
}

fn tell(check: AuditCheck, signed: Option<&Signed>, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    let catalogue = &session.catalogue;
    let AuditCheck { entries, head, fault } = check;
    if session.form() == Form::Json {
        let described = fault.as_ref().map(|fault| json!({ "seq": fault.seq, "message": fault.kind.to_string() }));
        let checkpoint = signed.map(|Signed { checkpoint, key }| {
            json!({ "entries": checkpoint.entries, "at": checkpoint.at, "key_id": key.map(|key| key.id()) })
        });
        out.json(&json!({ "entries": entries, "head": head, "fault": described, "checkpoint": checkpoint }))?;
    }
    if let Some(fault) = fault {
        let broken = Explained::failed(text!(catalogue, "audit-broken", seq = fault.seq));
        return Err(anyhow::Error::new(fault.kind).context(broken));
    }
    if session.form() == Form::Text {
        let line = match entries {
            0 => text!(catalogue, "audit-empty"),
            count => text!(catalogue, "audit-sound", count = count, head = head.to_string()),
        };
        writeln!(out, "{line}")?;
        if let Some(Signed { checkpoint, key }) = signed {
            let count = checkpoint.entries;
            let line = if let Some(key) = key {
                text!(catalogue, "audit-signed", count = count, key = key.id())
            } else {
                text!(catalogue, "audit-signed-by-whom", count = count)
            };
            writeln!(out, "{line}")?;
        }
    }
    Ok(Exit::Completed)
}
