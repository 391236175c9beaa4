//! Which states a loop stores as it runs forward, so that a sweep can go back.
//!
//! A sweep visits the steps from the last to the first, and needs the state before each. States that are not stored
//! are recomputed from the last stored state before them.

use crate::Error;

/// Which states a loop stores for its reverse sweep.
///
/// ```
/// use dualtape::loops::Checkpoints;
/// // A thousand steps with eight stored states: each is taken forward four or five times.
/// assert_eq!(Checkpoints::forward_steps(1000, 8), 4285);
/// assert_eq!(Checkpoints::forward_steps(1000, 1000), 999); // all are stored: once forward
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checkpoints {
    /// All states: each step is computed once forward, and once in the sweep.
    All,
    /// A state every k steps, n/k of n states. When the sweep reaches the interval between two of them, it computes
    /// and stores the k states in it. Each step is computed twice forward, and n/k + k states are stored at once.
    Every(usize),
    /// The given number of states at once, including the start. The algorithm *revolve* places them, which takes the
    /// fewest steps possible; see [`forward_steps`](Self::forward_steps).
    Snapshots(usize),
    /// All states if they fit into the given number of bytes, and otherwise as many as fit, placed as for
    /// `Snapshots`. The limit is for one call: a tape keeps what a loop has stored until it is swept and cleared.
    Bytes(usize),
}

impl Default for Checkpoints {
    /// 32 MiB.
    fn default() -> Self {
        Self::Bytes(32 << 20)
    }
}

impl Checkpoints {
    /// The least number of forward steps that a sweep back through `steps` steps needs, if `snapshots` states are
    /// stored at once, including the start. The sweep computes each step once more as it goes back through it; this
    /// is not counted.
    ///
    /// Source: Griewank and Walther, Algorithm 799: revolve, ACM Transactions on Mathematical Software 26 (2000). If
    /// r is the least number for which (s + r)! / (s! r!) is not less than n, the result is r n − (s + r)! / ((s +
    /// 1)! (r − 1)!).
    ///
    /// # Panics
    ///
    /// If there are steps, but no state is stored.
    ///
    /// ```
    /// use dualtape::loops::Checkpoints;
    /// assert_eq!(Checkpoints::forward_steps(10, 3), 15);
    /// assert_eq!(Checkpoints::forward_steps(10, 1), 45); // from the start each time
    /// ```
    pub fn forward_steps(steps: usize, snapshots: usize) -> u128 {
        if steps <= 1 {
            return 0;
        }
        assert!(snapshots > 0, "0 snapshots were given; expected 1 or more, as the start is stored");
        match snapshots {
            1 => return steps as u128 * (steps as u128 - 1) / 2,
            _ if snapshots >= steps => return steps as u128 - 1,
            _ => {}
        }
        let (repetitions, [held, _]) = repetitions(steps, snapshots);
        // C(s + r, s + 1) = C(s + r, s) · r / (s + 1).
        let saved = held * repetitions as u128 / (snapshots as u128 + 1);
        repetitions as u128 * steps as u128 - saved
    }

    /// The schedule for states of a given size in bytes, and for the number of steps if it is known.
    pub(super) fn schedule(self, bytes: usize, steps: Option<usize>) -> Result<Schedule, Error> {
        let refused = |reason: &str| Err(Error::Rule { rule: "loop", reason: reason.to_owned() });
        match self {
            Self::All => Ok(Schedule::Every(usize::MAX)),
            Self::Every(0) => refused("it would store a state every 0 steps; expected 1 or more"),
            Self::Every(steps) => Ok(Schedule::Every(steps)),
            Self::Snapshots(0) => {
                refused("it would store 0 states; expected 1 or more, as the start is stored")
            }
            Self::Snapshots(snapshots) => Ok(Schedule::Binomial(snapshots)),
            Self::Bytes(budget) => {
                // Each state is stored with the number of its step.
                let all = budget / (bytes + size_of::<usize>());
                let fits = steps.is_none_or(|steps| steps <= all);
                // Otherwise, a sweep stores other states beside those from the forward run.
                Ok(Schedule::Binomial(if fits { all } else { all / 2 }.max(1)))
            }
        }
    }
}

/// Where the next state is stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum Schedule {
    Every(usize),
    Binomial(usize),
}

impl Schedule {
    /// The step before which the next state is stored, given that the state before the step `at` is the last of
    /// `stored` states, and that the sweep begins after the step before `end`. `None` if there is no place for
    /// another state.
    pub(super) fn next(self, at: usize, end: usize, stored: usize) -> Option<usize> {
        let steps = end - at;
        match self {
            Self::Every(apart) if steps > apart => Some(at + apart),
            Self::Every(_) => Some(at + 1),
            Self::Binomial(snapshots) => {
                let free = snapshots.saturating_sub(stored);
                (free > 0).then(|| at + first_part(steps, free + 1))
            }
        }
    }

    /// The same during the forward run, when the number of steps is not yet known.
    pub(super) fn next_of_many(self, at: usize, stored: usize) -> Option<usize> {
        match self {
            Self::Every(usize::MAX) => Some(at + 1),
            Self::Every(apart) => Some(at + apart),
            Self::Binomial(snapshots) => (stored < snapshots).then_some(at + 1),
        }
    }

    /// How many states the forward run stores, if it has the given number of steps.
    pub(super) fn most(self, steps: usize) -> usize {
        match self {
            Self::Every(usize::MAX) => steps,
            Self::Every(apart) => steps.div_ceil(apart),
            Self::Binomial(snapshots) => snapshots.min(steps),
        }
    }
}

/// How often at most a step is run forward, if `steps` steps are reversed with `snapshots` snapshots; and how many
/// steps need no more repetitions than that, and one repetition less.
fn repetitions(steps: usize, snapshots: usize) -> (usize, [u128; 2]) {
    // C(s + r, s) from C(s + r − 1, s).
    let (mut held, mut before) = (1, 0);
    for repetitions in 0.. {
        if held >= steps as u128 {
            return (repetitions, [held, before]);
        }
        before = held;
        held = held * (snapshots as u128 + repetitions as u128 + 1) / (repetitions as u128 + 1);
    }
    unreachable!("the numbers grow without end")
}

/// The number of steps from one snapshot to the next, if `steps` steps are reversed with `snapshots` snapshots,
/// including the one at the start: as many as can be reversed with one repetition less, unless this leaves too few
/// steps to use the other snapshots.
fn first_part(steps: usize, snapshots: usize) -> usize {
    if steps <= snapshots {
        return 1;
    }
    let (repetitions, [_, held_before]) = repetitions(steps, snapshots);
    // C(s + r − 2, s − 1) from C(s + r − 1, s).
    let least_behind = held_before * snapshots as u128 / (snapshots + repetitions - 1) as u128;
    let before = held_before.min((steps as u128).saturating_sub(least_behind));
    (before as usize).clamp(1, steps - 1)
}
