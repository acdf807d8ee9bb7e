//! `bloom owner`: the people who log in to a server and decide by name.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

use anyhow::Context as _;
use bloom_runtime::clock::{Clock as _, Ids as _};
use bloom_runtime::store::Store as _;
use bloom_server::{HashedPassword, OwnerName, Owners, PasswordError};
use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::catalogue::text;
use crate::clock::{self, TimeOrderedIds};
use crate::failure::{Exit, Explained};
use crate::output::{Out, Table};
use crate::remote::{Ask, ServerArg};
use crate::session::{Form, Session};
use crate::store::{Store, owner};

#[derive(Args, Debug)]
pub(crate) struct Owner {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(Set),
    List(List),
    Remove(Remove),
}

#[derive(Args, Debug)]
struct Set {
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    server: ServerArg,
}

#[derive(Args, Debug)]
struct Remove {
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    server: ServerArg,
}

const OWNERS: [&str; 3] = ["api", "v1", "owners"];

impl Owner {
    pub(crate) async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        match self.command {
            Command::Set(set) => set.perform(session, out).await,
            Command::List(list) => list.perform(session, out).await,
            Command::Remove(remove) => remove.perform(session, out).await,
        }
    }
}

fn named(name: &str, session: &Session) -> anyhow::Result<OwnerName> {
    name.parse().map_err(|_| Explained::usage(text!(session.catalogue, "owner-bad-name", name = name)).into())
}

impl Set {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let name = named(&self.name, session)?;
        if let Some(remote) = self.server.remote(session)? {
            let password = password(&name, session)?;
            let [api, v1, owners] = OWNERS;
            let body = serde_json::to_vec(&json!({ "password": password.expose_secret() }))?;
            remote.json(Ask::put(&[api, v1, owners, name.as_str()], body)).await?;
        } else {
            // A server that has the store is told of before anything is typed.
            let store = Store::open(session)?;
            let hashed = hashed(&password(&name, session)?, session)?;
            let mut owners: Owners = store.setting(Owners::SETTING).await?;
            let note = owners.set(&name, hashed, &owner(), session.clock.now());
            store.inner.put_setting(Owners::SETTING, serde_json::to_string(&owners)?, vec![note]).await?;
        }
        match session.form() {
            Form::Json => out.json(&json!({ "name": name }))?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "owner-set", name = name.as_str()))?,
        }
        Ok(Exit::Completed)
    }
}

fn hashed(password: &SecretString, session: &Session) -> anyhow::Result<HashedPassword> {
    let catalogue = &session.catalogue;
    HashedPassword::of(password, &TimeOrderedIds.secret()).map_err(|error| {
        let explained = match error {
            PasswordError::Short => text!(catalogue, "owner-password-short", count = HashedPassword::SHORTEST),
            PasswordError::Long => text!(catalogue, "owner-password-long", count = HashedPassword::LONGEST),
            PasswordError::Hash(_) => return error.into(),
        };
        Explained::usage(explained).into()
    })
}

/// A password from the terminal, where it is not shown and typed twice, or the first line of the standard input. It is never an
/// argument, which other users of the machine see.
fn password(name: &OwnerName, session: &Session) -> anyhow::Result<SecretString> {
    let catalogue = &session.catalogue;
    if std::io::stdin().is_terminal() {
        let ask = |text: String| {
            let typed = rpassword::prompt_password(text);
            typed.map(SecretString::from).with_context(|| text!(catalogue, "owner-no-terminal"))
        };
        let first = ask(text!(catalogue, "owner-password", name = name.as_str()))?;
        let again = ask(text!(catalogue, "owner-password-again"))?;
        if first.expose_secret() != again.expose_secret() {
            return Err(Explained::usage(text!(catalogue, "owner-passwords-differ")).into());
        }
        return Ok(first);
    }
    let mut line = Vec::new();
    // With a byte more than any password has, and the line break, it is seen to be too long.
    let longest = u64::try_from(HashedPassword::LONGEST).unwrap_or(u64::MAX).saturating_add(3);
    let missing = || Explained::usage(text!(catalogue, "owner-no-password"));
    std::io::stdin().lock().take(longest).read_until(b'\n', &mut line).with_context(missing)?;
    let line = line.strip_suffix(b"\n").map_or(&line[..], |line| line.strip_suffix(b"\r").unwrap_or(line));
    if line.len() > HashedPassword::LONGEST {
        let long = text!(catalogue, "owner-password-long", count = HashedPassword::LONGEST);
        return Err(Explained::usage(long).into());
    }
    let line = std::str::from_utf8(line).with_context(missing)?;
    if line.is_empty() { Err(missing().into()) } else { Ok(line.into()) }
}

impl List {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let owners = if let Some(remote) = self.server.remote(session)? {
            remote.json(Ask::get(&OWNERS)).await?["owners"].take()
        } else {
            let owners = Store::open(session)?.setting::<Owners>(Owners::SETTING).await?;
            let shown = |owner: &bloom_server::Owner| json!({ "name": owner.name, "set_at": clock::iso(owner.set_at), "set_by": owner.set_by });
            owners.iter().map(shown).collect::<Value>()
        };
        if session.form() == Form::Json {
            out.json(&owners)?;
            return Ok(Exit::Completed);
        }
        let catalogue = &session.catalogue;
        let mut table = Table::with_head([
            text!(catalogue, "column-owner"),
            text!(catalogue, "column-password-set"),
            text!(catalogue, "column-set-by"),
        ]);
        for owner in owners.as_array().into_iter().flatten() {
            let of = |name: &str| owner[name].as_str().unwrap_or_default();
            table.row([of("name").to_owned(), clock::told(of("set_at")), of("set_by").to_owned()]);
        }
        table.write(out)?;
        Ok(Exit::Completed)
    }
}

impl Remove {
    async fn perform(self, session: &Session, out: &mut Out) -> anyhow::Result<Exit> {
        let name = named(&self.name, session)?;
        if let Some(remote) = self.server.remote(session)? {
            let [api, v1, owners] = OWNERS;
            remote.done(Ask::delete(&[api, v1, owners, name.as_str()])).await?;
        } else {
            let store = Store::open(session)?;
            let mut owners: Owners = store.setting(Owners::SETTING).await?;
            let missing = || Explained::failed(text!(session.catalogue, "no-such-owner", name = name.as_str()));
            let note = owners.remove(&name, &owner(), session.clock.now()).ok_or_else(missing)?;
            store.inner.put_setting(Owners::SETTING, serde_json::to_string(&owners)?, vec![note]).await?;
        }
        match session.form() {
            Form::Json => out.json(&json!({ "removed": true, "name": name }))?,
            Form::Text => writeln!(out, "{}", text!(session.catalogue, "owner-removed", name = name.as_str()))?,
        }
        Ok(Exit::Completed)
    }
}
