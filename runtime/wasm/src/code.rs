//! What calls of a tool are instances of.

use std::sync::Arc;

use bloom_ir::manifest::ToolManifest;
use bloom_runtime::tool::InstalledTool;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;
use wasmtime::component::Component;

use crate::bindings::AdapterPre;
use crate::call::{self, CallState};
use crate::fault::Fault;
use crate::host::Workshop;
use crate::install::InstallError;
use crate::{manifest, shipped};

/// The code of a tool. Of one that ships with this program, and lies compiled on the disk, it is in memory from the first call on:
/// most servers call few of them, and all are megabytes.
#[derive(Default)]
pub(crate) struct Code(OnceCell<Arc<AdapterPre<CallState>>>);

impl Code {
    /// Code of which only what is on the disk is kept, where it can be had from there.
    pub(crate) fn of(adapter: AdapterPre<CallState>, installed: &InstalledTool, workshop: &Workshop) -> Self {
        if shipped::of(installed.digest).is_some() && workshop.cache.has(installed.digest) {
            return Self::default();
        }
        Self(OnceCell::new_with(Some(Arc::new(adapter))))
    }

    /// The code, which a first call loads on a thread where nobody waits. It is compiled, if it is gone from the disk.
    pub(crate) async fn get(
        &self,
        installed: &InstalledTool,
        workshop: &Arc<Workshop>,
    ) -> Result<Arc<AdapterPre<CallState>>, Fault> {
        let load = async || {
            let (installed, workshop) = (installed.clone(), Arc::clone(workshop));
            let loaded = spawn_blocking(move || load(&installed, &workshop)).await;
            loaded.map_err(|lost| Fault::Host(lost.to_string()))?.map_err(|error| Fault::Host(error.to_string()))
        };
        self.0.get_or_try_init(load).await.cloned()
    }
}

fn load(installed: &InstalledTool, workshop: &Workshop) -> Result<Arc<AdapterPre<CallState>>, InstallError> {
    let gone = || InstallError::Host("it does not ship with this program".into());
    let bytes = shipped::of(installed.digest).ok_or_else(gone)?;
    let component = workshop.cache.component(installed.digest, bytes);
    let component = component.map_err(|error| InstallError::NotAComponent(format!("{error:#}")))?;
    adapter(&component, |kind| asks(&installed.manifest, kind)).map(Arc::new)
}

/// Whether a manifest asks for a kind of capability.
pub(crate) fn asks(manifest: &ToolManifest, kind: &str) -> bool {
    manifest.capabilities.iter().any(|asked| manifest::kind(asked) == kind)
}

/// A component with the interfaces that need nothing, and those of the kinds that are asked for.
pub(crate) fn adapter(
    component: &Component,
    asks: impl Fn(&str) -> bool,
) -> Result<AdapterPre<CallState>, InstallError> {
    let linker = call::linker(component.engine(), asks);
    linker
        .and_then(|linker| linker.instantiate_pre(component))
        .and_then(AdapterPre::new)
        .map_err(|error| InstallError::WrongWorld(format!("{error:#}")))
}
