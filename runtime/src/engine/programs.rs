//! Programs that were loaded: a flow that is run often is compiled once.

use std::collections::VecDeque;
use std::sync::PoisonError;

use bloom_interpreter::{LoadError, Program};
use bloom_ir::{Digest, VerifiedIr};

use super::Engine;

/// So many are kept, those that were used last.
const KEPT: usize = 64;

/// The last used first. All that a program holds follows from its hash, so one is as good as another.
#[derive(Debug, Default)]
pub(super) struct Programs(VecDeque<Program>);

impl Engine {
    /// The program of a document.
    pub(super) fn program(&self, ir: &VerifiedIr) -> Result<Program, LoadError> {
        let kept = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = kept().find(ir.hash()) {
            return Ok(program);
        }
        let program = Program::load(ir)?;
        kept().keep(program.clone());
        Ok(program)
    }
}

impl Programs {
    fn find(&mut self, hash: Digest) -> Option<Program> {
        let place = self.0.iter().position(|program| program.hash() == hash)?;
        let program = self.0.remove(place)?;
        self.0.push_front(program.clone());
        Some(program)
    }

    fn keep(&mut self, program: Program) {
        if self.find(program.hash()).is_none() {
            self.0.truncate(KEPT - 1);
            self.0.push_front(program);
        }
    }
}
