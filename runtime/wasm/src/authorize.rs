//! What a call gets of what its tool asks for: all of it, or the call is refused.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use bloom_ir::capability::{ArtifactScope, Capability, HttpAsk, HttpMethod};
use bloom_runtime::tool::{InstalledTool, SHARED_ROOTS};

use crate::Config;
use crate::call::{Access, Secrets};
use crate::fault::Fault;
use crate::files::Root;
use crate::grant::{HttpGrant, ToolGrants};

/// The root of which a call sees its own agent's folder only.
const MEMORY: &str = "memory";

/// Both sides must agree: `capabilities` are what the flow's signed policy carries, and the operator decides in `config`. Where
/// the shared roots are `elsewhere`, it is for who has them to say whether they may be read.
pub(crate) fn authorize(
    config: &Config,
    tool: &InstalledTool,
    agent: &str,
    capabilities: &[String],
    elsewhere: bool,
) -> Result<Access, Fault> {
    let named = config.grants.get(&tool.manifest.name);
    let none = ToolGrants::default();
    let meant = named.filter(|grants| grants.digest.is_none_or(|digest| digest == tool.digest));
    let grants = meant.unwrap_or(&none);
    let not_set = |reason: &'static str| match (named, meant) {
        (Some(_), None) => "and what the operator granted is for another component of this name",
        _ => reason,
    };
    let mut access = Access { secrets: Secrets::of(&grants.config), ..Access::default() };
    for asked in &tool.manifest.capabilities {
        let refused = |reason: Cow<'static, str>| Fault::NotGranted { capability: asked.clone(), reason };
        if !capabilities.contains(asked) {
            return Err(refused("and the flow's policy does not have that".into()));
        }
        match asked.parse() {
            Ok(Capability::Files(name)) if elsewhere && SHARED_ROOTS.contains(&name.as_str()) => {
                access.elsewhere.insert(name);
            }
            Ok(Capability::Files(name)) => {
                let folder =
                    config.roots.get(&name).ok_or_else(|| refused("and no folder is named for that".into()))?;
                let root = root(name.clone(), folder, agent)?;
                access.roots.insert(name, root);
            }
            Ok(Capability::Config(key)) => {
                let value = grants.config.get(&key);
                let value = value.ok_or_else(|| refused(not_set("and the operator has not set that").into()))?;
                access.settings.insert(key, value.clone());
            }
            Ok(Capability::Artifacts(scope)) => {
                if scope > grants.artifacts.unwrap_or(ArtifactScope::Own) {
                    return Err(refused(not_set("and the operator grants those of its own agent alone").into()));
                }
                access.artifacts = access.artifacts.max(Some(scope));
            }
            Ok(Capability::Http(ask)) => {
                let opened = hosts(&ask, grants).map_err(|reason| match reason {
                    Reason::NoHost => refused(not_set("and the operator has granted no such host").into()),
                    Reason::Methods(missing) => {
                        refused(format!("and the operator does not grant {missing} there").into())
                    }
                    Reason::Header(key) => {
                        refused(format!("and the setting `{key}` is not there, which a header needs").into())
                    }
                })?;
                access.http.grants.extend(opened);
            }
            Ok(Capability::Unknown(_)) | Err(_) => return Err(refused("which this version does not have".into())),
        }
    }
    let injected: BTreeSet<&str> = access.http.grants.iter().flat_map(HttpGrant::keys).collect();
    let setting = |key: &str| grants.config.get(key).map(|setting| (key.to_owned(), setting.clone()));
    access.http.settings = injected.into_iter().filter_map(setting).collect();
    // What the tool may read anyway, nobody needs to hide from it.
    let hidden = access.http.settings.iter().filter(|(key, _)| !access.settings.contains_key(*key));
    access.http.hidden = hidden.filter_map(|(_, setting)| Some(setting.secret()?.to_owned())).collect();
    Ok(access)
}

/// A root as calls for an agent see it.
pub(crate) fn root(name: String, folder: &Path, agent: &str) -> Result<Root, Fault> {
    let within = (name == MEMORY).then(|| agents_folder(agent)).transpose()?;
    Ok(Root { name, folder: folder.to_owned(), within })
}

/// Why a tool may not send what it wants to.
enum Reason {
    NoHost,
    Methods(String),
    Header(String),
}

/// The grants that answer what is asked for, each with the methods that are both asked for and granted.
fn hosts(ask: &HttpAsk, grants: &ToolGrants) -> Result<Vec<HttpGrant>, Reason> {
    let opened = grants.http.iter().filter(|grant| grant.answers(ask)).map(|grant| {
        let methods: BTreeSet<HttpMethod> = grant.methods.intersection(&ask.methods).copied().collect();
        HttpGrant { methods, ..grant.clone() }
    });
    let opened: Vec<HttpGrant> = opened.collect();
    if opened.is_empty() {
        return Err(Reason::NoHost);
    }
    let granted: BTreeSet<HttpMethod> = opened.iter().flat_map(|grant| grant.methods.iter().copied()).collect();
    let missing: Vec<&str> = ask.methods.difference(&granted).map(|method| method.as_str()).collect();
    if !missing.is_empty() {
        return Err(Reason::Methods(missing.join(", ")));
    }
    let unset = opened.iter().flat_map(HttpGrant::keys).find(|key| !grants.config.contains_key(*key));
    if let Some(key) = unset {
        return Err(Reason::Header(key.to_owned()));
    }
    Ok(opened)
}

/// The folder of an agent within the memory.
fn agents_folder(agent: &str) -> Result<String, Fault> {
    if bloom_runtime::apply::may_name_folder(agent) {
        Ok(agent.to_owned())
    } else {
        Err(Fault::InvalidAgent(agent.chars().take(100).collect()))
    }
}
