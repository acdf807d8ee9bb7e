//! `bloom audit verify`: that nothing in the log was changed or removed.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bloom_runtime::record::{AuditChain, AuditEntry, AuditFault, AuditFaultKind};
use bloom_runtime::store::{AuditCheck, verify_audit};
use clap::Args;
use serde_json::json;

use super::PATH;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::output::Out;
use crate::remote::{Ask, Remote, ServerArg};
use crate::session::{Form, Session};
use crate::store::Store;

#[derive(Args, Debug)]
pub(super) struct Verify {
    #[arg(value_name = "FILE", conflicts_with = "server")]
    file: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArg,
}

impl Verify {
    pub(super) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let check = match (self.server.remote(session)?, &self.file) {
            (Some(remote), _) => of_server(&remote).await?,
            (None, Some(file)) => of_file(file, session)?,
            (None, None) => verify_audit(Store::open(session)?.inner.as_ref()).await?,
        };
        tell(check, session, out)
    }
}

/// A log that is read line by line.
#[derive(Default)]
struct Reader {
    chain: AuditChain,
    fault: Option<AuditFault>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        let unreadable = |error: serde_json::Error| AuditFault {
            seq: self.chain.seq().saturating_add(1),
            kind: AuditFaultKind::Unreadable(error.to_string()),
        };
        let read = serde_json::from_slice::<AuditEntry>(line).map_err(unreadable);
        self.fault = read.and_then(|entry| self.chain.accept(&entry)).err();
    }

    fn check(self) -> AuditCheck {
        AuditCheck { entries: self.chain.seq(), head: self.chain.head(), fault: self.fault }
    }
}

async fn of_server(remote: &Remote<'_>) -> anyhow::Result<AuditCheck> {
    let mut reader = Reader::default();
    let each = |line: &[u8]| {
        reader.line(line);
        Ok(())
    };
    remote.lines(Ask::get(&PATH).query("from", Some(1)), each).await?;
    Ok(reader.check())
}

fn of_file(path: &Path, session: &Session) -> anyhow::Result<AuditCheck> {
    let cannot_read = || text!(session.catalogue, "cannot-read", path = path.display().to_string());
    let file = File::open(path).with_context(cannot_read)?;
    let mut reader = Reader::default();
    for line in BufReader::new(file).split(b'\n') {
        let line = line.with_context(cannot_read)?;
        if !line.trim_ascii().is_empty() {
            reader.line(&line);
        }
    }
    Ok(reader.check())
}

fn tell(check: AuditCheck, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    let catalogue = &session.catalogue;
    let AuditCheck { entries, head, fault } = check;
    if session.form() == Form::Json {
        let described = fault.as_ref().map(|fault| json!({ "seq": fault.seq, "message": fault.kind.to_string() }));
        out.json(&json!({ "entries": entries, "head": head, "fault": described }))?;
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
    }
    Ok(Exit::Completed)
}
