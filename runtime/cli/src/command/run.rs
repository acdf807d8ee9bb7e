//! `bloom run`: from a diagram to its result.

mod driving;
pub(super) mod inputs;
mod progress;

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use bloom_runtime::engine::Submit;
use bloom_runtime::record::ContextId;
use clap::Args;

pub(super) use self::driving::{DriveArgs, Ready, Task};
use self::driving::{conclude, over};
use self::inputs::Asked;
use crate::apply;
use crate::engine;
use crate::failure::Exit;
use crate::flow::{self, CompileArgs};
use crate::keyring::Keyring;
use crate::limits::BudgetArgs;
use crate::llm::Choice;
use crate::output::{self, Out};
use crate::report;
use crate::session::Session;
use crate::setting::Setting;
use crate::store::{Store, owner};

/// The execution context of runs that a person starts at this machine.
const CONTEXT: &str = "local";

#[derive(Args, Debug)]
pub(crate) struct Run {
    #[arg(value_name = "FLOW", required_unless_present = "resume")]
    flow: Option<String>,
    #[arg(long, value_name = "NAME=VALUE")]
    input: Vec<String>,
    #[arg(long, value_name = "FILE")]
    inputs: Option<PathBuf>,
    #[arg(long, value_name = "RUN", conflicts_with_all = ["flow", "input", "inputs", "id", "flow_version", "limit", "max_tokens", "max_cost", "timeout"])]
    resume: Option<String>,
    #[command(flatten)]
    driving: DriveArgs,
    #[command(flatten)]
    options: CompileArgs,
    #[command(flatten)]
    budget: BudgetArgs,
}

impl Run {
    /// A flow of the store with these inputs, and otherwise as the operator set.
    pub(super) fn stored(flow: String, input: Vec<String>, inputs: Option<PathBuf>, wait: bool) -> Self {
        let driving = DriveArgs::waiting(wait);
        let (options, budget) = (CompileArgs::default(), BudgetArgs::default());
        Self { flow: Some(flow), input, inputs, resume: None, driving, options, budget }
    }

    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let form = session.form_by_terminal();
        let keyring = Keyring::of(session)?;
        let defaults = Setting::of_operator(session)?;
        let given = self.driving.setting();
        let (task, document, store, tools, setting) = if let Some(run) = &self.resume {
            let store = Store::open(session)?;
            apply::finish(&store, session).await?;
            let run = engine::newest(store.run(run).await?, &store).await?;
            if run.status.is_terminal() {
                // Who resumes after a crash need not know whether it came before the end or after it.
                writeln!(output::stderr(), "{}", over(&run, session))?;
                return conclude(&run.id, &store, form, session, out).await;
            }
            let setting = given.or(Setting::of(&engine::first(&run, &store).await?, &store).await?).or(defaults);
            let document = report::document(&store, &run).await?;
            let tools = Arc::new(tokio::task::block_in_place(|| setting.host(session))?);
            (Task::Resumed(run.id), document, store, tools, setting)
        } else {
            // What was asked for is checked before anything is made.
            let given = given.or(defaults);
            Choice::parse(given.llm.as_deref(), &session.catalogue)?;
            let tools = Arc::new(tokio::task::block_in_place(|| given.host(session))?);
            let name = self.flow.as_deref().unwrap_or_default();
            let limits = self.budget.with(&self.options.limits, &session.catalogue)?;
            let options = CompileArgs { limits, ..self.options.clone() };
            let found = flow::find(name, &options, tools.as_ref(), &keyring, session)?;
            let store = Store::open(session)?;
            apply::finish(&store, session).await?;
            let ir = found.verified(&store, &keyring, session).await?;
            let inputs = inputs::read(self.inputs.as_deref(), &self.input, Asked::by(ir.document()), session)?;
            let document = ir.document().clone();
            let context = ContextId::new(CONTEXT);
            let limits = options.limits.within(document.policy.limits, name, &session.catalogue)?;
            let submit = Submit {
                ir,
                inputs,
                by: owner(),
                context,
                setting: given.to_value(),
                limits,
                budget: None,
                is_awaited: false,
            };
            (Task::New(submit), Some(document), store, tools, given)
        };
        self.driving.drive(Ready { task, document, store, tools, setting }, session, out).await
    }
}
