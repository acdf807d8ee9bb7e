//! The effects that a machine waits for while it follows a history.

use std::collections::{BTreeMap, BTreeSet};

use crate::effect::{EffectId, EffectRequest};
use crate::record::OpenEffect;

/// Open effects in the order in which they were asked for, and by their ids: there may be many.
#[derive(Clone, Debug, Default)]
pub(super) struct OpenEffects {
    all: BTreeMap<u64, OpenEffect>,
    by_id: BTreeMap<EffectId, u64>,
    unrequested: BTreeSet<u64>,
    next: u64,
}

impl OpenEffects {
    /// Takes note of what a turn asks for, unless it is known.
    pub(super) fn ask(&mut self, request: &EffectRequest) {
        if self.by_id.contains_key(&request.id) {
            return;
        }
        self.by_id.insert(request.id.clone(), self.next);
        self.all.insert(self.next, OpenEffect::new(request.clone()));
        self.unrequested.insert(self.next);
        self.next = self.next.saturating_add(1);
    }

    pub(super) fn get_mut(&mut self, effect: &EffectId) -> Option<&mut OpenEffect> {
        self.all.get_mut(self.by_id.get(effect)?)
    }

    pub(super) fn get(&self, effect: &EffectId) -> Option<&OpenEffect> {
        self.all.get(self.by_id.get(effect)?)
    }

    /// The first whose request was not met.
    pub(super) fn first_unrequested(&self) -> Option<&OpenEffect> {
        self.all.get(self.unrequested.first()?)
    }

    pub(super) fn note_requested(&mut self, effect: &EffectId) {
        let Some(number) = self.by_id.get(effect) else { return };
        self.unrequested.remove(number);
        if let Some(open) = self.all.get_mut(number) {
            open.note_requested();
        }
    }

    /// All are to be requested again.
    pub(super) fn forget_requests(&mut self) {
        self.all.values_mut().for_each(OpenEffect::forget);
        self.unrequested = self.all.keys().copied().collect();
    }

    pub(super) fn remove(&mut self, effect: &EffectId) -> Option<OpenEffect> {
        let number = self.by_id.remove(effect)?;
        self.unrequested.remove(&number);
        self.all.remove(&number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenEffect> {
        self.all.values()
    }

    pub(super) fn into_vec(self) -> Vec<OpenEffect> {
        self.all.into_values().collect()
    }
}
