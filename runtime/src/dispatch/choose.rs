//! Which of several workers gets a task.

use std::cmp::Reverse;

use crate::record::WorkerId;

/// A worker that could take a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Who.
    pub worker: WorkerId,
    /// Whether it works on another task of the same context: it need not load that again.
    pub has_context: bool,
    /// How many tasks more it could take.
    pub free: u32,
    /// When it was heard of last, in Unix milliseconds.
    pub last_heartbeat: i64,
}

impl Offer {
    /// The best of those that have a free slot: who has the context, then who has the most free slots, then who was heard of
    /// last, then the first by name.
    pub fn best(offers: impl IntoIterator<Item = Self>) -> Option<WorkerId> {
        let able = offers.into_iter().filter(|offer| offer.free > 0);
        let best = able
            .max_by_key(|offer| (offer.has_context, offer.free, offer.last_heartbeat, Reverse(offer.worker.clone())));
        best.map(|offer| offer.worker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(worker: &str, has_context: bool, free: u32, last_heartbeat: i64) -> Offer {
        Offer { worker: WorkerId::new(worker), has_context, free, last_heartbeat }
    }

    #[test]
    fn context_counts_first_then_free_slots_then_the_last_heartbeat() {
        let offers = [
            offer("full", true, 0, 9),
            offer("idle", false, 8, 9),
            offer("busy", true, 1, 1),
            offer("lively", true, 2, 5),
            offer("quiet", true, 2, 4),
            offer("lively-too", true, 2, 5),
        ];
        let mut left = offers.to_vec();
        let mut order = Vec::new();
        while let Some(best) = Offer::best(left.clone()) {
            left.retain(|offer| offer.worker != best);
            order.push(best.to_string());
        }
        assert_eq!(order, ["lively", "lively-too", "quiet", "busy", "idle"]);
    }
}
