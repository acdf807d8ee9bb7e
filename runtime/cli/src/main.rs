//! `bloom`, the one binary: the edge where arguments, files, clocks, random numbers and people meet the library crates.
//!
//! It holds no rule of the language, of runs or of storage: those live in the crates that it puts together. What it
//! prints comes from a catalogue in each language (`messages/`), never from the code.

mod agents;
mod apply;
mod args;
mod callees;
mod catalogue;
mod clock;
mod command;
mod compiler;
mod config;
mod data;
mod diagram;
mod durable;
mod engine;
mod failure;
mod flow;
mod granting;
mod help;
mod host;
mod keyring;
mod limits;
mod llm;
mod locale;
mod logging;
mod narrator;
mod output;
mod page;
mod place;
mod prose;
mod raster;
mod refusal;
mod remote;
mod report;
mod run_error;
mod sarif;
mod session;
mod setting;
mod sheets;
mod signal;
mod store;
#[cfg(feature = "otlp")]
mod telemetry;
mod telling;
mod there;
mod trust;
mod trust_file;
mod usage;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::catalogue::Catalogue;
use crate::failure::Exit;
use crate::output::Out;
use crate::session::Session;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let catalogue = Catalogue::of(locale::choose(&arguments, |name| std::env::var(name).ok()));
    let mut out = Out::stdout();
    let exit = match args::parse(arguments, &catalogue) {
        Err(message) => usage::answer(&message, &catalogue, &mut out),
        Ok(cli) => {
            let session = Session::open(&cli.global, catalogue);
            let logging = logging::start(&session, cli.command.logs());
            // It is dropped when the command has ended.
            let performed = logging.and_then(|_logging| command::perform(cli.command, &session, &mut out));
            performed.unwrap_or_else(|error| telling::explain(&error, &session))
        }
    };
    ExitCode::from(exit.finish(out))
}

impl Exit {
    /// The status to exit with. Standard output that could not be written is a failure, unless its reader went away.
    fn finish(self, out: Out) -> u8 {
        match out.finish() {
            Ok(()) => self.status(),
            Err(_) => Exit::Failed.status().max(self.status()),
        }
    }
}
