//! Who works on what: the rules for tasks, leases and workers.
//!
//! Nothing here touches a store, a clock or a network. [`decide`] says what becomes of a task and its newest lease; stores and
//! the engine have no rules of their own. [`Fleet`] knows who is there, from what it is told; [`Offer::best`] chooses among
//! workers.
//!
//! # Tasks and leases
//!
//! A command that a holder gives shows the lease and its epoch. It is *newest* when that is the task's newest lease, and
//! nothing has raised the task's epoch since.
//!
//! | task | lease | command | when | task becomes | lease becomes |
//! |---|---|---|---|---|---|
//! | queued | any | grant | due, or asked for by name | leased, `attempts + 1`, `epoch + 1` | active, a new one |
//! | leased, running | active | heartbeat | newest | running | active, and lives longer |
//! | leased, running | active | complete | newest | completed | released |
//! | queued | expired | complete | newest | completed: work that was paid for is not thrown away | released |
//! | completed | released | complete | newest, same answer | unchanged | unchanged |
//! | leased, running | active | fail | newest, not retryable | failed | failed |
//! | leased, running | active | fail | newest, retryable, attempts left | queued, after a delay | failed |
//! | leased, running | active | fail | newest, retryable, no attempt left | dead | failed |
//! | queued, failed, dead | failed | fail | newest, same error | unchanged | unchanged |
//! | leased, running | active | expire | newest, attempts left | queued | expired |
//! | leased, running | active | expire | newest, no attempt left | dead | expired |
//! | leased, running | active | release | newest | queued, `attempts - 1` | released |
//! | leased, running | active | revoke | – | queued, `attempts - 1` | released |
//! | queued | any | delay | – | queued, not granted before a time | unchanged |
//! | failed, dead | any | requeue | not resolved | queued, `attempts = 0` | unchanged |
//! | queued | any | cancel | – | failed, resolved, `epoch + 1` | unchanged |
//! | leased, running | any | cancel | – | failed, resolved, `epoch + 1` | released |
//! | completed, failed, dead | any | cancel | – | unchanged, but resolved | unchanged |
//!
//! Whatever else is tried is a [`TaskError`], and changes nothing; a test holds this table against the code. So:
//!
//! - The epoch is never lowered, and no two grants of a task have the same.
//! - A stale lease changes nothing: a newer grant exists, the lease was taken back, or the task has ended.
//! - *Release* is the holder's, who drains or whose provider has no quota left; *revoke* is the server's, where a worker is
//!   removed. Neither attempt counts.
//! - What a node asks and a whole run have time limits, which workers keep to. Of one that is heard of and does not, the server
//!   *fails* the lease after an overtime: the question as its worker would have, and the run for good. Time in the queue counts
//!   against neither; of a run only the time that workers had it, up to when they were heard of, does.
//! - A task is *resolved* when the history of its run has an outcome of its effect. No requeue can change that.
//!
//! # Workers
//!
//! | worker | event | becomes |
//! |---|---|---|
//! | any | registers | online, or as it says of itself |
//! | any | is heard of: a heartbeat, a heartbeat of its lease, a pull, an answer to a health call | online, or as it said |
//! | of this process | cannot reach the store | error, and is granted nothing until it can |
//! | online | is not heard of for 60 s | offline, and is granted nothing; its leases live as long as they do |
//! | any | is called, and does not answer as it should | unknown, and is granted nothing until it is heard of |
//! | any | drains | granted nothing; what it holds it ends or gives back |
//! | any | is removed | unknown; its leases are revoked |
//!
//! Heartbeats are not recorded, and are forgotten when the process ends: then every active lease gets one fresh time to live,
//! and workers are offline until they are heard of again.

mod choose;
mod decide;
mod fleet;

pub use self::choose::Offer;
pub use self::decide::{Command, Decision, Granting, Proof, TaskError, decide};
pub use self::fleet::{Blocked, Fleet, FleetTimes, Seat};
