//! What every command needs: the language, the form of the output, the data directory, the time and fresh ids.

use std::cell::OnceCell;
use std::io::IsTerminal as _;
use std::path::PathBuf;

use crate::args::Global;
use crate::catalogue::Catalogue;
use crate::clock::SystemClock;
use crate::config::{self, Config, Places};
use crate::data::DataDir;

/// One invocation of `bloom`.
pub(crate) struct Session {
    pub(crate) catalogue: Catalogue,
    pub(crate) data: DataDir,
    pub(crate) clock: SystemClock,
    form: Option<Form>,
    /// The file of settings that was named.
    named: Option<PathBuf>,
    config: OnceCell<Config>,
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
        let named = global.config.clone().filter(|path| !path.as_os_str().is_empty());
        let data = DataDir::named(global.data.clone());
        Self { catalogue, data, clock: SystemClock, form, named, config: OnceCell::new() }
    }

    /// The operator's settings, read when they are first asked for: what needs none works without them.
    pub(crate) fn config(&self) -> anyhow::Result<&Config> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let data = self.data.path(&self.catalogue).ok().map(|data| data.join(config::FILE));
        let searched = [Some(PathBuf::from(config::FILE)), data, config::of_user()].into_iter().flatten().collect();
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let places = Places { named: self.named.as_deref(), searched, variables: variables.collect() };
        let config = Config::load(&places, &self.catalogue)?;
        Ok(self.config.get_or_init(|| config))
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
