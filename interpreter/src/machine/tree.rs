//! The branches of a run: the main one, and within it those of the forks that it is in.

use std::collections::BTreeMap;
use std::sync::Arc;

use bloom_ir::Value;

use super::frame::{Frame, Standing};
use super::step::Fault;
use crate::effect::EffectError;
use crate::expr::Slot;
use crate::program::{Inner, NodeIndex, Op};

/// Names a frame while it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FrameKey(u32);

impl FrameKey {
    pub(super) const MAIN: Self = Self(0);
}

/// The frames that are there. Others are gone, and their places are taken again.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    all: Vec<Option<Frame>>,
    free: Vec<FrameKey>,
}

impl Frames {
    pub(super) fn new(main: Frame) -> Self {
        Self { all: vec![Some(main)], free: Vec::new() }
    }

    pub(super) fn main(&self) -> &Frame {
        self.get(FrameKey::MAIN)
    }

    pub(super) fn main_mut(&mut self) -> &mut Frame {
        self.get_mut(FrameKey::MAIN)
    }

    pub(super) fn get(&self, key: FrameKey) -> &Frame {
        self.all[key.0 as usize].as_ref().unwrap_or_else(|| unreachable!("keys are held of frames that are there"))
    }

    pub(super) fn get_mut(&mut self, key: FrameKey) -> &mut Frame {
        self.all[key.0 as usize].as_mut().unwrap_or_else(|| unreachable!("keys are held of frames that are there"))
    }

    pub(super) fn insert(&mut self, frame: Frame) -> FrameKey {
        if let Some(key) = self.free.pop() {
            self.all[key.0 as usize] = Some(frame);
            return key;
        }
        let key = FrameKey(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.all.push(Some(frame));
        key
    }

    fn remove(&mut self, key: FrameKey) -> Option<Frame> {
        self.free.push(key);
        self.all[key.0 as usize].take()
    }

    /// All frames, each before those of its fork, those in the order of branches.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (FrameKey, &Frame)> {
        let mut rest = vec![FrameKey::MAIN];
        std::iter::from_fn(move || {
            let key = rest.pop()?;
            let frame = self.get(key);
            if let Standing::Forked(forked) = &frame.standing {
                rest.extend(forked.arms.iter().rev().filter_map(|arm| match arm {
                    Arm::Open(key) => Some(*key),
                    Arm::Ended(_) => None,
                }));
            }
            Some((key, frame))
        })
    }
}

/// A fork whose branches are being run.
#[derive(Clone, Debug)]
pub(super) struct Forked {
    /// In the order of branches.
    pub(super) arms: Vec<Arm>,
    /// How many of them have not ended.
    pub(super) open: usize,
}

/// A branch, for its fork.
#[derive(Clone, Debug)]
pub(super) enum Arm {
    Open(FrameKey),
    Ended(Box<Ended>),
}

/// A variable that a branch hands on: its slot in the region around, its value, and what that counts for.
pub(super) type Written = (Slot, Value, u64);

/// The error of a branch, and the node that raised it.
pub(super) type Failure = (Box<EffectError>, NodeIndex);

/// What is left of a branch that has ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    /// What it hands on; or its error.
    pub(super) result: Result<Vec<Written>, Failure>,
    /// `run.now` in it, in Unix milliseconds.
    pub(super) now: i64,
    /// Nodes since its last recorded result.
    pub(super) steps: u64,
    pub(super) timers: Arc<BTreeMap<Arc<str>, i64>>,
}

impl Frames {
    /// Starts the branches of the fork that a frame is at. They are to be run in the order given; the frame itself, if no
    /// branch has a node.
    pub(super) fn fork(&mut self, program: &Inner, key: FrameKey) -> Vec<FrameKey> {
        let frame = self.get(key);
        let Op::Fork { branches, .. } = &program.node(frame.node).op else {
            unreachable!("a frame forks where it has entered a fork")
        };
        let started: Vec<Result<Frame, Ended>> = branches
            .iter()
            .enumerate()
            .map(|(number, branch)| match branch.entry {
                Some(_) => Ok(frame.branch(program, key, number, branch)),
                None => Err(Ended {
                    result: Ok(Vec::new()),
                    now: frame.run.now,
                    steps: frame.steps,
                    timers: frame.timers.clone(),
                }),
            })
            .collect();
        let mut keys = Vec::new();
        let arms = started.into_iter().map(|branch| match branch {
            Ok(frame) => {
                let key = self.insert(frame);
                keys.push(key);
                Arm::Open(key)
            }
            Err(ended) => Arm::Ended(Box::new(ended)),
        });
        let arms = arms.collect();
        self.get_mut(key).standing = Standing::Forked(Box::new(Forked { arms, open: keys.len() }));
        keys
    }

    /// A branch has come to its join, or failed. Gives the frame of the fork if that was the last of its branches.
    pub(super) fn end_branch(&mut self, program: &Inner, key: FrameKey, failure: Option<Failure>) -> Option<FrameKey> {
        let frame = self.remove(key)?;
        let (outer, number) = frame.outer?;
        let around = self.get_mut(outer);
        let Op::Fork { branches, .. } = &program.node(around.node).op else { return None };
        let written = |(own, outer): &(Slot, Slot)| {
            let (value, weight) = frame.weighed_variable(*own);
            (*outer, value, weight)
        };
        let result = match failure {
            Some(failure) => Err(failure),
            None => Ok(branches[number].writes.iter().map(written).collect()),
        };
        let Standing::Forked(forked) = &mut around.standing else { return None };
        let ended = Ended { result, now: frame.run.now, steps: frame.steps, timers: frame.timers };
        forked.arms[number] = Arm::Ended(Box::new(ended));
        forked.open = forked.open.saturating_sub(1);
        (forked.open == 0).then_some(outer)
    }

    /// All branches of a frame's fork have ended: takes over what they hand on, and goes to the join; or gives the first
    /// error, in the order of branches. Either way the order in which they ended makes no difference.
    pub(super) fn join(&mut self, program: &Inner, key: FrameKey, inputs: u64) -> Result<(), Fault> {
        let frame = self.get_mut(key);
        let Standing::Forked(forked) = std::mem::replace(&mut frame.standing, Standing::Ready) else { return Ok(()) };
        let ended: Vec<Ended> = forked
            .arms
            .into_iter()
            .filter_map(|arm| match arm {
                Arm::Ended(ended) => Some(*ended),
                Arm::Open(_) => None,
            })
            .collect();
        frame.run.now = ended.iter().map(|branch| branch.now).max().unwrap_or(frame.run.now);
        // Of the branch that has heard of the world last.
        frame.steps = ended.iter().map(|branch| branch.steps).min().unwrap_or(frame.steps);
        let before = frame.timers.clone();
        let mut written = Vec::new();
        for branch in ended {
            written.push(branch.result.map_err(|(error, at)| Fault { error, ends_run: false, at: Some(at) })?);
            if !Arc::ptr_eq(&branch.timers, &before) {
                let started = branch.timers.iter().filter(|(name, due)| before.get(*name) != Some(due));
                Arc::make_mut(&mut frame.timers).extend(started.map(|(name, due)| (name.clone(), *due)));
            }
        }
        for (slot, value, weight) in written.into_iter().flatten() {
            frame.bind_weighed(slot, value, weight, inputs)?;
        }
        if let Op::Fork { join, .. } = &program.node(frame.node).op {
            frame.node = *join;
        }
        Ok(())
    }
}
