#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::*;

fn id(run: &str) -> RunId {
    RunId::new(run)
}

fn share(at_once: u32, queued: u32) -> Share {
    Share { at_once: Some(at_once), queued: Some(queued) }
}

fn gate(at_once: u32, each_agent: Share) -> Gate {
    let mut gate = Gate::new(Admission { at_once: Some(at_once), each_agent, agents: BTreeMap::new() });
    assert!(gate.load(Vec::new(), Vec::new()).is_empty());
    gate
}

fn standing(id: &str, flow: &str, waiting: bool, turn: Option<u64>) -> StandingRun {
    StandingRun { id: RunId::new(id), flow: flow.to_owned(), waiting, awaited: false, turn }
}

/// Lets a run in, and keeps it; says which turn it has.
fn submit(gate: &mut Gate, run: &str, agent: &str) -> Option<u64> {
    let number = gate.enter(&id(run), agent).unwrap();
    let standing = if number.is_some() { Standing::Queued } else { Standing::Busy };
    let begun = gate.hear(&id(run), standing);
    assert!(begun.is_empty(), "{begun:?}");
    gate.position(&id(run))
}

fn names(runs: &[RunId]) -> Vec<&str> {
    runs.iter().map(RunId::as_str).collect()
}

#[test]
fn one_run_of_an_agent_is_under_way_and_the_next_begins_when_it_has_ended() {
    let mut gate = gate(10, share(1, 2));
    assert_eq!(submit(&mut gate, "a1", "a"), None);
    assert_eq!(submit(&mut gate, "b1", "b"), None, "another agent");
    assert_eq!(submit(&mut gate, "a2", "a"), Some(1));
    assert_eq!(submit(&mut gate, "a3", "a"), Some(2));
    let full = QueueFull { agent: "a".to_owned(), under_way: 1, queued: 2 };
    assert_eq!(gate.enter(&id("a4"), "a"), Err(full));
    assert!(!gate.may_begin(&id("a2")));
    assert!(gate.hear(&id("a1"), Standing::Rests).is_empty(), "who waits is under way");
    assert_eq!(names(&gate.hear(&id("a1"), Standing::Over)), ["a2"]);
    assert!(gate.may_begin(&id("a2")));
    assert_eq!(names(&gate.due()), ["a2"]);
    assert!(gate.hear(&id("a2"), Standing::Busy).is_empty());
    assert!(gate.due().is_empty());
    assert_eq!((gate.position(&id("a2")), gate.position(&id("a3"))), (None, Some(1)));
    assert_eq!(submit(&mut gate, "a4", "a"), Some(2), "there is room again");
}

#[test]
fn a_run_that_is_cancelled_in_the_queue_makes_room() {
    let mut gate = gate(10, share(1, 2));
    for run in ["a1", "a2", "a3"] {
        submit(&mut gate, run, "a");
    }
    assert!(gate.hear(&id("a2"), Standing::Over).is_empty());
    assert_eq!(gate.position(&id("a3")), Some(1));
    assert_eq!(submit(&mut gate, "a4", "a"), Some(2));
    assert_eq!(names(&gate.hear(&id("a1"), Standing::Over)), ["a3"]);
}

#[test]
fn places_of_the_server_are_given_in_the_order_of_submission_and_none_is_taken_by_who_waits() {
    let mut gate = gate(2, share(2, 5));
    for (run, agent) in [("a1", "a"), ("a2", "a")] {
        assert_eq!(submit(&mut gate, run, agent), None);
    }
    for (run, agent) in [("a3", "a"), ("c1", "c"), ("b1", "b"), ("c2", "c")] {
        assert!(submit(&mut gate, run, agent).is_some());
    }
    // The agent has no place for its next run, so the others go before it.
    assert_eq!(names(&gate.hear(&id("a1"), Standing::Rests)), ["c1"]);
    assert!(gate.hear(&id("a1"), Standing::Busy).is_empty(), "who goes on is not held up");
    assert!(gate.hear(&id("c1"), Standing::Over).is_empty(), "there was one too many");
    assert_eq!(names(&gate.hear(&id("a2"), Standing::Over)), ["a3"]);
    assert_eq!(names(&gate.hear(&id("a1"), Standing::Over)), ["b1"]);
    assert_eq!(names(&gate.hear(&id("b1"), Standing::Over)), ["c2"]);
}

#[test]
fn a_run_begins_once_it_is_kept_and_what_is_not_kept_takes_no_place() {
    let mut gate = gate(10, share(1, 5));
    assert_eq!(gate.enter(&id("a1"), "a"), Ok(None));
    assert_eq!(gate.enter(&id("a2"), "a"), Ok(Some(1)));
    assert!(gate.withdraw(&id("a1")).is_empty(), "the next one is not kept yet");
    assert_eq!(gate.enter(&id("a3"), "a"), Ok(Some(2)), "nor does anybody overtake it");
    assert_eq!(names(&gate.hear(&id("a2"), Standing::Queued)), ["a2"]);
    assert!(gate.hear(&id("a3"), Standing::Queued).is_empty());
    assert!(gate.hear(&id("a2"), Standing::Busy).is_empty());
    assert_eq!(names(&gate.hear(&id("a2"), Standing::Over)), ["a3"]);
    gate.hear(&id("a3"), Standing::Over);
    assert!(gate.placed.is_empty() && gate.queued.is_empty() && gate.agents.is_empty() && gate.ready.is_empty());
    assert_eq!(gate.busy, 0);
}

#[test]
fn a_submission_that_comes_twice_at_the_same_time_is_one_run() {
    let mut gate = gate(10, share(1, 1));
    for run in ["a1", "a2"] {
        let first = gate.enter(&id(run), "a");
        assert_eq!(gate.enter(&id(run), "a"), first);
    }
    gate.hear(&id("a1"), Standing::Busy);
    assert!(gate.withdraw(&id("a1")).is_empty(), "the other one kept it");
    assert!(gate.withdraw(&id("a2")).is_empty());
    assert_eq!(gate.position(&id("a2")), Some(1), "the other one may keep it");
    assert!(gate.withdraw(&id("a2")).is_empty());
    assert_eq!(gate.position(&id("a2")), None);
}

#[test]
fn who_goes_on_in_the_place_of_a_run_has_its_place() {
    let mut gate = gate(1, share(1, 5));
    submit(&mut gate, "a1", "a");
    submit(&mut gate, "a2", "a");
    submit(&mut gate, "b1", "b");
    let next = Standing::ContinuedBy { run: id("a1b"), rests: true };
    assert_eq!(names(&gate.hear(&id("a1"), next)), ["b1"], "it waits, so the server has a place");
    assert!(gate.hear(&id("a1"), Standing::Over).is_empty(), "it is not there any more");
    assert!(gate.hear(&id("b1"), Standing::Over).is_empty());
    assert_eq!(names(&gate.hear(&id("a1b"), Standing::Over)), ["a2"]);
}

#[test]
fn after_a_restart_places_and_turns_are_as_before() {
    let limits = Admission { at_once: Some(2), each_agent: share(1, 2), agents: BTreeMap::new() };
    let mut gate = Gate::new(limits);
    // What happens while the store is read.
    assert!(gate.hear(&id("b1"), Standing::Over).is_empty());
    assert!(gate.hear(&id("c1"), Standing::ContinuedBy { run: id("c1b"), rests: false }).is_empty());
    assert!(gate.hear(&id("d2"), Standing::Over).is_empty());
    let queued = vec![
        standing("a3", "a", false, Some(9)),
        standing("a2", "a", false, Some(4)),
        standing("b2", "b", false, Some(7)),
        standing("d2", "d", false, Some(2)),
    ];
    let mut running = vec![
        standing("a1", "a", true, None),
        standing("b1", "b", false, None),
        standing("c1", "c", true, Some(1)),
        standing("x", "b", false, None),
    ];
    running[3].awaited = true;
    assert_eq!(names(&gate.load(queued, running)), ["b2"]);
    assert!(gate.load(vec![standing("z", "z", false, None)], Vec::new()).is_empty(), "it is read once");
    assert_eq!((gate.position(&id("a2")), gate.position(&id("a3"))), (Some(1), Some(2)));
    assert_eq!(gate.enter(&id("c2"), "c"), Ok(Some(10)), "behind all others");
    assert_eq!(names(&gate.hear(&id("c1b"), Standing::Over)), [""; 0], "what is not kept waits");
    assert_eq!(names(&gate.hear(&id("a1"), Standing::Over)), ["a2"]);
}

#[test]
fn agents_may_have_shares_of_their_own_and_a_server_without_limits_counts_nothing() {
    let agents = BTreeMap::from([("m".to_owned(), Share::default()), ("n".to_owned(), share(1, 0))]);
    let mut gate = Gate::new(Admission { at_once: None, each_agent: share(1, 1), agents });
    gate.load(Vec::new(), Vec::new());
    for n in 0..100 {
        assert_eq!(submit(&mut gate, &format!("m{n}"), "m"), None);
    }
    assert_eq!(submit(&mut gate, "n1", "n"), None);
    assert!(gate.enter(&id("n2"), "n").is_err(), "none waits");

    let mut gate = Gate::new(Admission::default());
    // Limits were taken away while one waited.
    assert_eq!(names(&gate.load(vec![standing("a1", "a", false, Some(3))], Vec::new())), ["a1"]);
    for n in 0..100 {
        assert_eq!(submit(&mut gate, &format!("a{n}"), "a"), None);
    }
    assert_eq!(gate.placed.len(), 1);
    assert!(gate.may_begin(&id("whichever")));
}

/// What the gate must do, done slowly: all runs in the order of submission.
#[derive(Default)]
struct Reference {
    runs: Vec<(String, String, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Queued,
    Busy,
    Rests,
}

impl Reference {
    const SERVER: usize = 3;
    const AGENT: usize = 2;
    const QUEUE: usize = 2;

    fn count(&self, is: impl Fn(&str, Kind) -> bool) -> usize {
        self.runs.iter().filter(|(_, agent, kind)| is(agent, *kind)).count()
    }

    fn admit(&mut self) -> Vec<String> {
        let mut begun = Vec::new();
        for at in 0..self.runs.len() {
            let (run, agent, kind) = self.runs[at].clone();
            let under_way = self.count(|of, kind| of == agent && kind != Kind::Queued);
            let busy = self.count(|_, kind| kind == Kind::Busy);
            if kind == Kind::Queued && under_way < Self::AGENT && busy < Self::SERVER {
                self.runs[at].2 = Kind::Busy;
                begun.push(run);
            }
        }
        begun
    }
}

#[test]
fn whatever_happens_in_whatever_order_the_gate_does_what_the_rules_say() {
    let mut state = 7_u64;
    let mut below = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let mut gate = gate(3, share(2, 2));
    let mut reference = Reference::default();
    let mut refused = 0;
    for n in 0..20_000 {
        let begun = if below(3) == 0 {
            let (run, agent) = (format!("r{n:05}"), format!("a{}", below(4)));
            let queued = reference.count(|of, kind| of == agent && kind == Kind::Queued);
            let under_way = reference.count(|of, kind| of == agent && kind != Kind::Queued);
            let busy = reference.count(|_, kind| kind == Kind::Busy);
            let begins = queued == 0 && under_way < Reference::AGENT && busy < Reference::SERVER;
            match gate.enter(&id(&run), &agent) {
                Err(full) => {
                    refused += 1;
                    assert_eq!((full.under_way, full.queued), (under_way, Reference::QUEUE));
                    continue;
                }
                Ok(turn) => assert_eq!(turn.is_none(), begins, "{run}"),
            }
            let (kind, standing) = if begins { (Kind::Busy, Standing::Busy) } else { (Kind::Queued, Standing::Queued) };
            reference.runs.push((run.clone(), agent, kind));
            gate.hear(&id(&run), standing)
        } else if reference.runs.is_empty() {
            continue;
        } else {
            let at = below(reference.runs.len());
            let (run, _, kind) = reference.runs[at].clone();
            let standing = match (kind, below(3)) {
                (_, 0) | (Kind::Queued, _) => {
                    reference.runs.remove(at);
                    Standing::Over
                }
                (_, 1) => {
                    reference.runs[at].2 = Kind::Rests;
                    Standing::Rests
                }
                _ => {
                    reference.runs[at].2 = Kind::Busy;
                    Standing::Busy
                }
            };
            gate.hear(&id(&run), standing)
        };
        assert_eq!(names(&begun), reference.admit(), "step {n}");
    }
    assert!(refused > 100, "{refused}");
}
