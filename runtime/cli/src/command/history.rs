//! `bloom history`: what was recorded of a run.

use std::io::Write as _;

use bloom_runtime::store::Store as _;
use clap::Args;

use crate::clock;
use crate::failure::Exit;
use crate::narrator::Narrator;
use crate::output::{Out, columns};
use crate::report;
use crate::session::{Form, Session};
use crate::store::Store;

/// Events read from the store at once.
const PAGE: usize = 256;

#[derive(Args, Debug)]
pub(crate) struct History {
    #[arg(value_name = "RUN")]
    run: String,
}

impl History {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let store = Store::open(session)?;
        let run = store.run(&self.run).await?;
        let icons = report::icons(&store, &run).await?;
        let mut narrator = Narrator::new(&icons, &session.catalogue);
        let mut from = 1;
        loop {
            let events = store.inner.history(&run.id, from, PAGE).await?;
            for event in &events {
                match session.form() {
                    // The bytes that the chain is made of, so that a file of them can be verified elsewhere.
                    Form::Json => out.exact(format!("{}\n", event.to_line()).as_bytes())?,
                    Form::Text => {
                        if let Some(line) = narrator.tell(event) {
                            let head = format!("{:>4}  {}  ", event.seq, clock::local(event.at));
                            let columns = columns().saturating_sub(head.len());
                            writeln!(out, "{head}{}", line.in_columns(columns))?;
                        }
                    }
                }
            }
            match events.last() {
                Some(last) if events.len() == PAGE && !out.is_closed() => from = last.seq + 1,
                _ => return Ok(Exit::Completed),
            }
        }
    }
}
