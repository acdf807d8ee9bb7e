//! `--prose` and `--opaque`: what becomes of text that people read and no program.

use bloom_compiler::Prose;
use clap::{Args, ValueEnum};

#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct ProseArgs {
    #[arg(long, value_enum, value_name = "WHOM")]
    prose: Option<Whom>,
    #[arg(long)]
    opaque: bool,
}

/// Who does what prose says.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Whom {
    Error,
    Llm,
    Human,
}

impl ProseArgs {
    /// An error where nothing was said, unless all is prose: then it is for an LLM.
    pub(crate) fn mode(self) -> Prose {
        match self.prose {
            Some(Whom::Llm) => Prose::Llm,
            Some(Whom::Human) => Prose::Human,
            None if self.opaque => Prose::Llm,
            Some(Whom::Error) | None => Prose::Error,
        }
    }

    /// For a rehearsal, in which nobody is asked.
    pub(crate) fn rehearsed(self) -> Prose {
        if self.prose.is_some() { self.mode() } else { Prose::Llm }
    }

    /// Whether all text is prose.
    pub(crate) fn opaque(self) -> bool {
        self.opaque
    }
}
