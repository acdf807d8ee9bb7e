//! The chain: each event holds the hash of the one before.

use bloom_ir::Digest;

use super::{Event, Payload, Sealed};

/// The end of a chain: what the next event is linked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    seq: u64,
    head: Digest,
}

/// The start of a history.
impl Default for Chain {
    fn default() -> Self {
        Self { seq: 0, head: Digest::of(b"") }
    }
}

impl Chain {
    /// The chain whose last event has this sequence number and hash, as a run's record holds them.
    pub fn at(seq: u64, head: Digest) -> Self {
        Self { seq, head }
    }

    /// The sequence number of the last event; 0 when there is none.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The hash of the last event; the digest of no bytes when there is none.
    pub fn head(&self) -> Digest {
        self.head
    }

    /// Makes the next event, recorded `at` (Unix milliseconds), and moves on to it.
    pub fn next(&mut self, at: i64, payload: Payload) -> Event {
        self.seal(at, payload).into()
    }

    /// The same, with what was hashed.
    pub fn seal(&mut self, at: i64, payload: Payload) -> Sealed {
        let bytes = payload.to_bytes();
        let event = Event {
            at,
            payload_sha256: Digest::of(&bytes),
            prev: self.head,
            seq: self.seq.saturating_add(1),
            kind: payload.kind(),
            payload: Some(payload),
        };
        self.seq = event.seq;
        self.head = event.hash();
        Sealed { event, payload: Some(bytes), hash: self.head }
    }

    /// Checks that the event is the next one, and moves on to it; on an error it stays where it is.
    pub fn accept(&mut self, event: &Event) -> Result<(), ChainError> {
        self.check(event).map(drop)
    }

    /// The same, and keeps what was hashed.
    pub fn admit(&mut self, event: Event) -> Result<Sealed, ChainError> {
        let payload = self.check(&event)?;
        Ok(Sealed { event, payload, hash: self.head })
    }

    /// The bytes of its payload.
    fn check(&mut self, event: &Event) -> Result<Option<Vec<u8>>, ChainError> {
        self.must_follow(event)?;
        let fault = |fault| Err(ChainError { seq: event.seq, fault });
        let mut bytes = None;
        if let Some(payload) = &event.payload {
            if payload.kind() != event.kind {
                return fault(ChainFault::Type);
            }
            let computed = Digest::of(bytes.insert(payload.to_bytes()));
            if computed != event.payload_sha256 {
                return fault(ChainFault::Payload { recorded: event.payload_sha256, computed });
            }
        }
        self.seq = event.seq;
        self.head = event.hash();
        Ok(bytes)
    }

    /// Moves on to an event that was hashed before; on an error it stays where it is.
    pub fn link(&mut self, event: &Sealed) -> Result<(), ChainError> {
        self.must_follow(event)?;
        *self = Self { seq: event.seq, head: event.hash };
        Ok(())
    }

    fn must_follow(&self, event: &Event) -> Result<(), ChainError> {
        let expected = self.seq.saturating_add(1);
        let fault = |fault| Err(ChainError { seq: expected, fault });
        if event.seq != expected {
            return fault(ChainFault::Sequence { found: event.seq });
        }
        if event.prev != self.head {
            return fault(ChainFault::Previous { recorded: event.prev, computed: self.head });
        }
        Ok(())
    }

    /// Checks a whole history and gives its end.
    pub fn verify(events: &[Event]) -> Result<Self, ChainError> {
        let mut chain = Self::default();
        for event in events {
            chain.accept(event)?;
        }
        Ok(chain)
    }
}

/// An event that does not continue its chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event {seq}: {fault}")]
pub struct ChainError {
    /// The sequence number that was due.
    pub seq: u64,
    /// What is wrong with it.
    pub fault: ChainFault,
}

/// What is wrong with an event of a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// Events are missing, repeated or out of order.
    #[error("its sequence number is {found}: events are missing, repeated or out of order")]
    Sequence {
        /// What stands there.
        found: u64,
    },
    /// The event before it was changed, or does not belong here.
    #[error("it follows an event with hash {recorded}, but the one before it has {computed}")]
    Previous {
        /// What the event says.
        recorded: Digest,
        /// The hash of the event before it.
        computed: Digest,
    },
    /// Its payload was changed.
    #[error("its payload was changed: it has digest {computed}, recorded was {recorded}")]
    Payload {
        /// What the event says.
        recorded: Digest,
        /// Of the payload as it is.
        computed: Digest,
    },
    /// The payload is of another kind than the event says.
    #[error("its payload is of another type")]
    Type,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(reasons: &[&str]) -> Vec<Event> {
        let mut chain = Chain::default();
        reasons
            .iter()
            .zip(1..)
            .map(|(reason, at)| chain.next(at, Payload::RunCancelled { reason: (*reason).to_owned() }))
            .collect()
    }

    #[test]
    fn verified_chain_ends_at_the_last_hash() {
        let events = history(&["a", "b", "c"]);
        let chain = Chain::verify(&events).unwrap();
        assert_eq!((chain.seq(), chain.head()), (3, events[2].hash()));
    }

    #[test]
    fn erased_payload_still_verifies() {
        let mut events = history(&["a", "b", "c"]);
        let chain = Chain::verify(&events).unwrap();
        events[1] = events[1].clone().erased();
        assert_eq!(Chain::verify(&events), Ok(chain));
    }

    #[test]
    fn changed_payload_is_found() {
        let mut events = history(&["a", "b", "c"]);
        events[1].payload = Some(Payload::RunCancelled { reason: "x".to_owned() });
        let error = Chain::verify(&events).unwrap_err();
        assert_eq!(error.seq, 2);
        assert!(matches!(error.fault, ChainFault::Payload { .. }), "{error}");
    }

    #[test]
    fn recomputed_payload_digest_is_found_at_the_next_event() {
        let mut events = history(&["a", "b", "c"]);
        let payload = Payload::RunCancelled { reason: "x".to_owned() };
        events[1].payload_sha256 = payload.digest();
        events[1].payload = Some(payload);
        let error = Chain::verify(&events).unwrap_err();
        assert_eq!(error.seq, 3);
        assert!(matches!(error.fault, ChainFault::Previous { .. }), "{error}");
    }

    #[test]
    fn changed_time_or_type_is_found() {
        let mut events = history(&["a", "b"]);
        events[0].at = 99;
        assert_eq!(Chain::verify(&events).unwrap_err().seq, 2);

        let mut events = history(&["a", "b"]);
        events[0].kind = super::super::EventType::Emitted;
        assert_eq!(Chain::verify(&events).unwrap_err(), ChainError { seq: 1, fault: ChainFault::Type });
        events[0].payload = None;
        assert_eq!(Chain::verify(&events).unwrap_err().seq, 2);
    }

    #[test]
    fn missing_event_is_found() {
        let mut events = history(&["a", "b", "c"]);
        events.remove(1);
        let error = Chain::verify(&events).unwrap_err();
        assert_eq!(error, ChainError { seq: 2, fault: ChainFault::Sequence { found: 3 } });
    }
}
