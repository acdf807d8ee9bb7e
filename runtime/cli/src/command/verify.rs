//! `bloom verify`: whether an IR document is whole, signed, and signed by somebody this machine trusts.

use std::io::Write as _;
use std::path::PathBuf;

use bloom_ir::verify;
use bloom_runtime::clock::Clock as _;
use clap::Args;
use serde_json::json;

use crate::catalogue::text;
use crate::failure::Exit;
use crate::flow::FlowFile;
use crate::keyring::Keyring;
use crate::output::Out;
use crate::refusal;
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Verify {
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Verify {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(&self.file, session)?;
        let trust = Keyring::of(session)?.trust_list()?;
        let verified = verify(&file.bytes, &trust, session.clock.now())
            .map_err(|error| refusal::of_document(&file.name, &error, session))?;
        let flow = &verified.document().flow;
        let signers: Vec<String> = verified
            .signers()
            .iter()
            .map(|signer| {
                let name = trust.keys.iter().find(|entry| entry.key == *signer).map_or("", |entry| entry.name.as_str());
                format!("{} ({name})", signer.id())
            })
            .collect();
        match session.form() {
            Form::Json => out.json(&json!({
                "id": flow.id,
                "version": flow.version,
                "hash": verified.hash(),
                "program": verified.program(),
                "signers": verified.signers().iter().map(bloom_ir::PublicKey::id).collect::<Vec<_>>(),
                "warnings": verified.warnings(),
            }))?,
            Form::Text => {
                let name = format!("{}@{}", flow.id, flow.version);
                let (hash, signers) = (verified.hash().to_string(), signers.join(", "));
                writeln!(out, "{}", text!(session.catalogue, "verified", flow = name, hash = hash, signers = signers))?;
            }
        }
        Ok(Exit::Completed)
    }
}
