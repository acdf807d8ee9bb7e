//! `bloom config`: the operator's settings.

use std::io::Write as _;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::catalogue::text;
use crate::failure::Exit;
use crate::output::{Out, Table, plain};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Config {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Show(Show),
}

#[derive(Args, Debug)]
struct Show {}

impl Config {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Show(_) => show(session, out),
        }
    }
}

fn show(session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
    let config = session.config()?;
    let entries = config.entries();
    if session.form() == Form::Json {
        let settings: Vec<Value> = entries
            .iter()
            .map(|entry| json!({ "key": entry.key, "value": entry.value, "origin": entry.origin.name() }))
            .collect();
        out.json(&json!({ "file": config.file, "settings": settings }))?;
        return Ok(Exit::Completed);
    }
    let catalogue = &session.catalogue;
    match &config.file {
        Some(file) => writeln!(out, "{}", text!(catalogue, "config-file", path = file.display().to_string()))?,
        None => writeln!(out, "{}", text!(catalogue, "config-no-file"))?,
    }
    let mut table = Table::with_head([
        text!(catalogue, "column-setting"),
        text!(catalogue, "column-value"),
        text!(catalogue, "column-origin"),
    ]);
    for entry in entries {
        table.row([entry.key, told(&entry.value), entry.origin.shown(catalogue)]);
    }
    table.write(out)?;
    Ok(Exit::Completed)
}

fn told(value: &Value) -> String {
    match value {
        Value::Null => String::from("–"),
        Value::String(text) => plain(text).into_owned(),
        Value::Array(items) => items.iter().map(told).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
