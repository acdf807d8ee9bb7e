//! `bloom completions`: what a shell needs to complete our arguments.

use clap::Args;
use clap_complete::Shell;

use crate::args;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[derive(Args, Debug)]
pub(crate) struct Completions {
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl Completions {
    pub(crate) fn perform(&self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let mut grammar = args::grammar(&session.catalogue);
        // Into memory first: the generator panics where it cannot write.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut grammar, "bloom", &mut script);
        std::io::Write::write_all(out, &script)?;
        Ok(Exit::Completed)
    }
}
