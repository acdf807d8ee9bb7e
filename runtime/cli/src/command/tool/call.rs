//! `bloom tool call`: one call in the sandbox.

use std::io::{Read as _, Write as _};

use anyhow::Context as _;
use clap::Args;
use serde_json::Value;

use super::granted::GrantArgs;
use super::report;
use super::sandbox::Sandbox;
use crate::catalogue::text;
use crate::failure::{Exit, Explained};
use crate::host::ToolArgs;
use crate::output::{self, Out};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Call {
    #[arg(value_name = "DIR|FILE|NAME")]
    tool: String,
    #[arg(value_name = "JSON", default_value = "{}")]
    input: String,
    #[command(flatten)]
    grants: GrantArgs,
    #[command(flatten)]
    tools: ToolArgs,
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: Option<u64>,
}

impl Call {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let input = input(&self.input, session)?;
        let granted = self.grants.read(session)?;
        let sandbox = Sandbox::named(&self.tool, &self.tools, granted, session)?;
        let sandbox = sandbox.for_agent(self.agent, self.timeout.map(|seconds| seconds.saturating_mul(1000)));
        let report = sandbox.call(&input).await;
        if session.form() == Form::Json {
            out.json(&report::json_of(&report))?;
            return Ok(if report.result.is_ok() { Exit::Completed } else { Exit::Failed });
        }
        let mut stderr = output::stderr();
        report::write_log(&report, "  ", &mut stderr)?;
        let figures = report::figures(&report, &session.catalogue);
        match &report.result {
            Ok(value) => {
                writeln!(out, "{}", serde_json::to_string_pretty(&value.to_json())?)?;
                writeln!(stderr, "  {figures}")?;
                Ok(Exit::Completed)
            }
            Err(error) => {
                writeln!(stderr, "  {figures}")?;
                let explained = Explained::failed(format!("{}: {}", error.code, error.message));
                Err(match error.code.as_str() {
                    "not_granted" => explained.hint(text!(session.catalogue, "tool-not-granted.hint")),
                    _ => explained,
                }
                .into())
            }
        }
    }
}

/// JSON on the command line, `@FILE`, or `-` for the standard input.
pub(crate) fn input(text: &str, session: &Session) -> anyhow::Result<Value> {
    let catalogue = &session.catalogue;
    let read = match text.strip_prefix('@') {
        Some(path) => std::fs::read_to_string(path)
            .with_context(|| Explained::failed(text!(catalogue, "cannot-read", path = path)))?,
        None if text == "-" => {
            let mut read = String::new();
            let _ = std::io::stdin().lock().read_to_string(&mut read)?;
            read
        }
        None => text.to_owned(),
    };
    let value: Value =
        serde_json::from_str(&read).with_context(|| Explained::usage(text!(catalogue, "tool-bad-input")))?;
    if value.is_object() { Ok(value) } else { Err(Explained::usage(text!(catalogue, "tool-bad-input")).into()) }
}
