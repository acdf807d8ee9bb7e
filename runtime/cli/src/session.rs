//! What every command needs: the language, the form of the output, the data directory, the time and fresh ids.

use std::io::IsTerminal as _;

use crate::args::Global;
use crate::catalogue::Catalogue;
use crate::clock::SystemClock;
use crate::data::DataDir;

/// One invocation of `bloom`.
pub(crate) struct Session {
    pub(crate) catalogue: Catalogue,
    pub(crate) data: DataDir,
    pub(crate) clock: SystemClock,
    form: Option<Form>,
}

/// What the output is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Session {
    pub(crate) fn open(global: &Global, catalogue: Catalogue) -> Self {
        let form = match (global.json, global.text) {
            (true, _) => Some(Form::Json),
            (false, true) => Some(Form::Text),
            (false, false) => None,
        };
        Self { catalogue, data: DataDir::named(global.data.clone()), clock: SystemClock, form }
    }

    /// What was asked for; text where nothing was.
    pub(crate) fn form(&self) -> Form {
        self.form.unwrap_or(Form::Text)
    }

    /// What was asked for; where nothing was, text on a terminal, else JSON: for commands that scripts start.
    pub(crate) fn form_by_terminal(&self) -> Form {
        self.form.unwrap_or(if std::io::stdout().is_terminal() { Form::Text } else { Form::Json })
    }
}
