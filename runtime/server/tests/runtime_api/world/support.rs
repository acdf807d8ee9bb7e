//! What a server needs that these tests do not.

use async_trait::async_trait;
use bloom_interpreter::effect::EffectError;
use bloom_ir::document::Locale;
use bloom_ir::{Diagnostic, Digest};
use bloom_runtime::compiler::{Called, Compiled, Compiler, Explanation, Picture};
use bloom_runtime::tool::{InstalledTool, ToolCall, ToolHost};
use bloom_server::{Appliers, NotAdded, Toolbox};

use super::{Applier, Arc, IrValue, Still, Store};

pub(crate) struct NoTools;

#[async_trait]
impl ToolHost for NoTools {
    fn describe(&self, name: &str, _: Option<Digest>) -> Result<InstalledTool, EffectError> {
        Err(EffectError::new("unknown_tool", format!("no tool `{name}`")))
    }

    fn may_call(&self, _: &InstalledTool, _: &str, _: &[String]) -> Result<(), EffectError> {
        Ok(())
    }

    fn installed(&self) -> Vec<InstalledTool> {
        Vec::new()
    }

    async fn call(&self, _: ToolCall) -> Result<IrValue, EffectError> {
        Err(EffectError::new("unknown_tool", "no tools"))
    }
}

#[async_trait]
impl Toolbox for NoTools {
    async fn add(&self, _: Vec<u8>) -> Result<InstalledTool, NotAdded> {
        Err(NotAdded::Refused("no tools".to_owned()))
    }
}

pub(super) struct NoCompiler;

impl Compiler for NoCompiler {
    fn compile(&self, _: &str, _: &[u8], _: Called) -> Compiled {
        Compiled { document: None, diagnostics: Vec::new() }
    }

    fn pseudocode(&self, _: &str, _: &[u8], _: Locale) -> Result<String, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn draw(&self, _: &str, _: &[u8], _: &Picture) -> Result<String, Vec<Diagnostic>> {
        Err(Vec::new())
    }

    fn explain(&self, _: &str, _: Locale) -> Option<Explanation> {
        None
    }
}

/// Applies to a folder of no run: these tests decide on nothing.
pub(super) struct Nowhere(Arc<Applier>);

impl Appliers for Nowhere {
    fn of(&self, _: &IrValue) -> std::io::Result<Arc<Applier>> {
        Ok(self.0.clone())
    }
}

pub(super) fn appliers(store: &Arc<dyn Store>, clock: &Arc<Still>) -> Nowhere {
    Nowhere(Arc::new(Applier::new(store.clone(), clock.clone(), std::env::temp_dir())))
}
