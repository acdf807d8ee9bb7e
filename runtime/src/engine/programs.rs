//! Flows that were used: one that is run often is verified and compiled once.

use std::collections::VecDeque;
use std::sync::PoisonError;

use bloom_interpreter::{LoadError, Program};
use bloom_ir::{Digest, VerifiedIr, VerifyError, verify};

use super::Engine;

/// So many of each are kept, those that were used last.
const KEPT: usize = 64;

/// What was made of documents. All that is kept follows from its digest, so one is as good as another.
#[derive(Debug, Default)]
pub(super) struct Programs {
    /// By the digest of all bytes, signatures too.
    verified: Recent<VerifiedIr>,
    /// By the hash of the document.
    loaded: Recent<Program>,
}

/// The last used first.
#[derive(Debug)]
struct Recent<T>(VecDeque<(Digest, T)>);

impl Engine {
    /// Verifies a document under this engine's trust list, as [`verify`] does.
    pub fn verified(&self, bytes: &[u8]) -> Result<VerifiedIr, VerifyError> {
        let kept = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let (digest, now) = (Digest::of(bytes), self.clock.now());
        let found = kept().verified.find(digest);
        if let Some(ir) = found {
            return ir.still_trusted(&self.trust.trusted(), now).map(|()| ir);
        }
        let ir = verify(bytes, &self.trust.trusted(), now)?;
        kept().verified.keep(digest, ir.clone());
        Ok(ir)
    }

    /// The program of a document.
    pub(super) fn program(&self, ir: &VerifiedIr) -> Result<Program, LoadError> {
        let kept = || self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept().loaded.find(ir.hash());
        if let Some(program) = found {
            return Ok(program);
        }
        let program = Program::load(ir)?;
        kept().loaded.keep(ir.hash(), program.clone());
        Ok(program)
    }
}

impl<T: Clone> Recent<T> {
    fn find(&mut self, digest: Digest) -> Option<T> {
        let place = self.0.iter().position(|(of, _)| *of == digest)?;
        let found = self.0.remove(place)?;
        let made = found.1.clone();
        self.0.push_front(found);
        Some(made)
    }

    fn keep(&mut self, digest: Digest, made: T) {
        if self.find(digest).is_none() {
            self.0.truncate(KEPT - 1);
            self.0.push_front((digest, made));
        }
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}
