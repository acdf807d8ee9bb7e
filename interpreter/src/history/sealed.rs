//! Events that were hashed: what that took is not done again.

use std::borrow::Borrow;
use std::ops::Deref;

use bloom_ir::Digest;

use super::{Chain, ChainError, Event, lines};

/// An event whose payload has the digest that it says, with what was hashed. [`Chain::seal`] makes it, or [`Chain::admit`] of an
/// event that came from elsewhere; it cannot be changed.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub(super) event: Event,
    pub(super) payload: Option<Vec<u8>>,
    pub(super) hash: Digest,
}

impl Sealed {
    /// What follows the end of a chain; a whole history follows [`Chain::default`].
    pub fn after(mut chain: Chain, events: impl IntoIterator<Item = Event>) -> Result<Vec<Self>, ChainError> {
        events.into_iter().map(|event| chain.admit(event)).collect()
    }

    /// The bytes of the event's line, and those of its payload where they are more than `inline`: the line is without them
    /// then.
    pub fn to_parts(&self, inline: usize) -> (Vec<u8>, Option<Vec<u8>>) {
        match &self.payload {
            Some(payload) if payload.len() > inline => (lines::line_with(&self.event, None), Some(payload.clone())),
            payload => (lines::line_with(&self.event, payload.as_deref()), None),
        }
    }
}

impl Deref for Sealed {
    type Target = Event;

    fn deref(&self) -> &Event {
        &self.event
    }
}

impl Borrow<Event> for Sealed {
    fn borrow(&self) -> &Event {
        &self.event
    }
}

impl From<Sealed> for Event {
    fn from(sealed: Sealed) -> Self {
        sealed.event
    }
}

/// As the event that it is.
impl PartialEq<Event> for Sealed {
    fn eq(&self, other: &Event) -> bool {
        self.event == *other
    }
}

impl PartialEq for Sealed {
    fn eq(&self, other: &Self) -> bool {
        self.event == other.event
    }
}
