//! `bloom keys`: private keys of this machine, and whom it trusts.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use bloom_ir::PublicKey;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use crate::catalogue::text;
use crate::clock;
use crate::failure::{Exit, Explained};
use crate::keyring::Keyring;
use crate::output::{Out, Table};
use crate::session::{Form, Session};

#[derive(Args, Debug)]
pub(crate) struct Keys {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    New(New),
    List(List),
    Trust(Trust),
    Distrust(Distrust),
}

#[derive(Args, Debug)]
struct New {
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args, Debug)]
struct List {}

#[derive(Args, Debug)]
struct Trust {
    #[arg(value_name = "KEY")]
    key: String,
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[arg(long = "role", value_name = "ROLE")]
    roles: Vec<String>,
    #[arg(long, value_name = "TIME")]
    expires: Option<Timestamp>,
}

#[derive(Args, Debug)]
struct Distrust {
    #[arg(value_name = "KEY")]
    key: String,
}

impl Keys {
    pub(crate) fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let keyring = Keyring::of(session)?;
        match self.command {
            Command::New(new) => new.perform(&keyring, session, out)?,
            Command::List(_) => list(&keyring, session, out)?,
            Command::Trust(trust) => trust.perform(&keyring, session, out)?,
            Command::Distrust(distrust) => distrust.perform(&keyring, session, out)?,
        }
        Ok(Exit::Completed)
    }
}

impl New {
    fn perform(self, keyring: &Keyring<'_>, session: &Session, out: &mut Out) -> anyhow::Result<()> {
        let key = keyring.make(&self.name)?.public();
        match session.form() {
            Form::Json => out.json(&json!({ "name": self.name, "key_id": key.id(), "public_key": key }))?,
            Form::Text => {
                writeln!(out, "{key}")?;
                writeln!(out, "{}", text!(session.catalogue, "key-made", name = &self.name, id = key.id()))?;
            }
        }
        Ok(())
    }
}

fn list(keyring: &Keyring<'_>, session: &Session, out: &mut Out) -> anyhow::Result<()> {
    let (own, trust) = (keyring.own()?, keyring.trust_list()?);
    if session.form() == Form::Json {
        let own: Vec<_> = own
            .iter()
            .map(|key| json!({ "name": key.name, "key_id": key.public.id(), "public_key": key.public }))
            .collect();
        out.json(&json!({ "own": own, "trust": trust }))?;
        return Ok(());
    }
    let catalogue = &session.catalogue;
    let mut table = Table::with_head([
        text!(catalogue, "column-key"),
        text!(catalogue, "column-name"),
        text!(catalogue, "column-signs"),
        text!(catalogue, "column-trusted"),
        text!(catalogue, "column-roles"),
        text!(catalogue, "column-expires"),
    ]);
    let yes = |is: bool| if is { text!(catalogue, "yes") } else { String::from("–") };
    let is_listed = |key: &PublicKey| {
        trust
            .keys
            .iter()
            .map(|entry| &entry.key)
            .chain(trust.distrusted.iter().map(|entry| &entry.key))
            .any(|of| of == key)
    };
    for key in &own {
        if !is_listed(&key.public) {
            table.row([key.public.id(), key.name.clone(), yes(true), yes(false), String::new(), String::new()]);
        }
    }
    for entry in &trust.keys {
        let signs = own.iter().any(|key| key.public == entry.key);
        let expires = entry.expires_at.map(clock::local).unwrap_or_default();
        table.row([entry.key.id(), entry.name.clone(), yes(signs), yes(true), entry.roles.join(", "), expires]);
    }
    for entry in &trust.distrusted {
        let signs = own.iter().any(|key| key.public == entry.key);
        let no_more = text!(catalogue, "no-more");
        table.row([entry.key.id(), entry.name.clone(), yes(signs), no_more, String::new(), String::new()]);
    }
    table.write(out)?;
    Ok(())
}

impl Trust {
    fn perform(self, keyring: &Keyring<'_>, session: &Session, out: &mut Out) -> anyhow::Result<()> {
        let catalogue = &session.catalogue;
        let key = named(&self.key, keyring, session)?;
        let name = self.name.clone().unwrap_or_else(|| self.default_name(&key));
        keyring.trust(&name, key, self.roles, self.expires.map(Timestamp::as_millisecond))?;
        match session.form() {
            Form::Json => out.json(&json!({ "name": name, "key_id": key.id(), "public_key": key }))?,
            Form::Text => writeln!(out, "{}", text!(catalogue, "key-trusted", name = name, id = key.id()))?,
        }
        Ok(())
    }

    fn default_name(&self, key: &PublicKey) -> String {
        match Path::new(&self.key).file_stem().and_then(|stem| stem.to_str()) {
            Some(stem) if !self.key.starts_with("ed25519:") => stem.to_owned(),
            _ => key.id(),
        }
    }
}

impl Distrust {
    fn perform(self, keyring: &Keyring<'_>, session: &Session, out: &mut Out) -> anyhow::Result<()> {
        let trust = keyring.trust_list()?;
        let known = trust.keys.iter().find(|entry| entry.name == self.key || entry.key.id() == self.key);
        let key = known.map_or_else(|| named(&self.key, keyring, session), |entry| Ok(entry.key))?;
        let name = keyring.distrust(key)?;
        match session.form() {
            Form::Json => out.json(&json!({ "name": name, "key_id": key.id(), "public_key": key }))?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "key-distrusted", name = name, id = key.id()))?,
        }
        Ok(())
    }
}

/// A key as it is written, the file that holds it, or the name of a key of this machine.
fn named(given: &str, keyring: &Keyring<'_>, session: &Session) -> anyhow::Result<PublicKey> {
    let catalogue = &session.catalogue;
    if let Ok(key) = given.parse() {
        return Ok(key);
    }
    if let Some(own) = keyring.own()?.into_iter().find(|own| own.name == given || own.public.id() == given) {
        return Ok(own.public);
    }
    if !Path::new(given).is_file() {
        return Err(Explained::usage(text!(catalogue, "key-unreadable", key = given)).into());
    }
    let text = fs::read_to_string(given).with_context(|| text!(catalogue, "cannot-read", path = given))?;
    text.parse().with_context(|| text!(catalogue, "key-unreadable", key = given))
}
