//! What goes wrong in a schedule, and how often. Each schedule has only some of it, so that what is rare is met beside what is not.

/// How often things go wrong, of a thousand times each, while they do.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults {
    /// A request, or its answer, is lost.
    pub(crate) lost: u64,
    /// A request comes twice.
    pub(crate) doubled: u64,
    /// A message takes seconds.
    pub(crate) late: u64,
    /// Something on the way answers in the server's place.
    pub(crate) foreign: u64,
    /// A verb of the store waits.
    pub(crate) slow_store: u64,
    /// An executor or a tool takes very long.
    pub(crate) slow_work: u64,
    /// An executor or a tool fails.
    pub(crate) failed_work: u64,
    /// What happens to machines from time to time.
    pub(crate) blows: Vec<Blow>,
}

/// What happens to a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blow {
    /// The server is killed, with what its disk has not synced.
    KillServer,
    /// The server's power goes while it writes.
    CutWrite,
    /// A worker is killed.
    KillWorker,
    /// A worker is asked to stop.
    StopWorker,
    /// A worker is removed by a person.
    RemoveWorker,
    /// A worker does not reach the server, nor the other way.
    Part,
    /// The server's clock is set.
    SetClock,
}

impl Faults {
    const BLOWS: [Blow; 7] = [
        Blow::KillServer,
        Blow::CutWrite,
        Blow::KillWorker,
        Blow::StopWorker,
        Blow::RemoveWorker,
        Blow::Part,
        Blow::SetClock,
    ];

    pub(crate) fn drawn(chance: &mut fastrand::Rng) -> Self {
        let mut often = |most: u64| if chance.bool() { chance.u64(0..=most) } else { 0 };
        let (lost, doubled, late, foreign) = (often(150), often(150), often(150), often(40));
        let (slow_store, slow_work, failed_work) = (often(150), often(150), often(150));
        let blows = Self::BLOWS.into_iter().filter(|_| chance.u64(0..5) < 3).collect();
        Self { lost, doubled, late, foreign, slow_store, slow_work, failed_work, blows }
    }
}
