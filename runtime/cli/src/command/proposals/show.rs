//! `bloom proposals show`.

use std::io::Write as _;

use clap::Args;

use crate::catalogue::text;
use crate::clock;
use crate::failure::Exit;
use crate::output::{Out, one_line};
use crate::session::{Form, Session};
use crate::store::{Store, words};

#[derive(Args, Debug)]
pub(crate) struct Show {
    #[arg(value_name = "PROPOSAL")]
    proposal: String,
}

impl Show {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let proposal = Store::open(session)?.proposal(&self.proposal).await?;
        if session.form() == Form::Json {
            out.json(&proposal)?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut lines = vec![
            (text!(catalogue, "column-proposal"), proposal.id.to_string()),
            (text!(catalogue, "column-action"), proposal.action),
            (text!(catalogue, "column-target"), proposal.target),
            (text!(catalogue, "column-agent"), proposal.agent),
            (text!(catalogue, "column-run"), proposal.run.to_string()),
            (text!(catalogue, "column-status"), words::proposal(proposal.status, catalogue)),
            (text!(catalogue, "column-made"), clock::local(proposal.created_at)),
            (text!(catalogue, "column-expires"), clock::local(proposal.expires_at)),
        ];
        if let Some(of) = proposal.duplicate_of {
            lines.push((text!(catalogue, "column-repeats"), of.to_string()));
        }
        if let Some(approval) = proposal.approval {
            let note = approval.note.map(|note| format!(": {note}")).unwrap_or_default();
            let decided = format!("{}, {}{note}", approval.decided_by, clock::local(approval.decided_at));
            lines.push((text!(catalogue, "column-decided"), decided));
        }
        if let Some(result) = &proposal.apply_result {
            lines.push((text!(catalogue, "column-applied"), serde_json::to_string(result)?));
        }
        for (name, value) in lines {
            writeln!(out, "{name}: {}", one_line(&value))?;
        }
        writeln!(out, "{}", serde_json::to_string_pretty(&proposal.content)?)?;
        Ok(Exit::Completed)
    }
}
