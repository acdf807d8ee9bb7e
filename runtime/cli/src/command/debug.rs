//! `bloom debug`: goes through a recorded run or a rehearsal step by step, forward and back.

mod order;
mod repl;
mod tape;
mod view;

use std::path::PathBuf;

use bloom_interpreter::program::Program;
use bloom_interpreter::rehearse::{Bounds, HashOracle, rehearse};
use bloom_interpreter::replay::Stepper;
use clap::Args;

use self::repl::Repl;
use self::tape::{Rehearsed, Tape};
use super::replay::{document, exported, missing, stored};
use crate::diagram::Diagram;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs, FlowFile};
use crate::host::ToolArgs;
use crate::keyring::Keyring;
use crate::narrator::Icons;
use crate::output::Out;
use crate::session::Session;
use crate::store::Store;

#[derive(Args, Debug)]
pub(crate) struct Debug {
    #[arg(value_name = "RUN", required_unless_present = "file", conflicts_with = "file")]
    run: Option<String>,
    #[arg(long, conflicts_with_all = ["file", "ir"])]
    rehearse: bool,
    #[arg(long, value_name = "SEED", default_value = "1")]
    oracle: String,
    #[arg(long, value_name = "FILE", requires = "ir")]
    file: Option<PathBuf>,
    #[arg(long, value_name = "FLOW", requires = "file")]
    ir: Option<String>,
    #[command(flatten)]
    tools: ToolArgs,
    #[command(flatten)]
    options: CompileArgs,
}

impl Debug {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        if self.rehearse {
            return self.over_rehearsal(session, out);
        }
        let recording = match (&self.run, &self.file, &self.ir) {
            (Some(run), _, _) => {
                // Others may use the store meanwhile.
                let store = Store::open(session)?;
                stored(store.run(run).await?, &store, session).await?
            }
            (None, Some(file), Some(ir)) => {
                let tools = tokio::task::block_in_place(|| self.tools.host(session))?;
                let found = flow::find(ir, &self.options, &tools, &Keyring::of(session)?, session)?;
                let mut recording = exported(file, session)?;
                recording.ir = Some(document(found, None, session).await?);
                recording
            }
            // The arguments ask for one of the two.
            _ => return Ok(Exit::Usage),
        };
        let ir = recording.ir.as_ref().ok_or_else(|| missing(recording.events.first(), session))?;
        let program = Program::load(ir)?;
        let tape = Tape::Recorded(Stepper::new(&program, &recording.events));
        let (diagram, icons) = (Diagram::of(ir.document()), Icons::of(ir.document()));
        Repl::new(tape, diagram, &icons, session).talk(out)
    }

    fn over_rehearsal(&self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let file = FlowFile::read(self.run.as_deref().unwrap_or_default().as_ref(), session)?;
        let host = tokio::task::block_in_place(|| self.tools.host(session))?;
        let mut options = self.options.options(&host, session)?;
        options.prose = self.options.prose.rehearsed();
        let document = file.document(&options, session)?;
        let rehearsal = rehearse(&document, &mut HashOracle::new(self.oracle.as_str()), Bounds::default());
        let tape = Tape::Rehearsed(Rehearsed::new(&document, rehearsal));
        let (diagram, icons) = (Diagram::of(&document), Icons::of(&document));
        Repl::new(tape, diagram, &icons, session).talk(out)
    }
}
