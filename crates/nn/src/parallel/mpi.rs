//! Communication over MPI, which clusters provide, by the crate `mpi`.

use super::AllReduce;
use crate::Error;
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::datatype::{Partition, PartitionMut};
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use std::fmt;
use std::rc::Rc;

/// The largest number of bytes in one broadcast; MPI counts them by `i32`.
const BYTES_AT_ONCE: usize = 1 << 30;

/// All processes that were started together, by `mpirun` or a cluster's own launcher. A program started by itself is the
/// only one.
///
/// Only the thread that called [`start`](Self::start) communicates with the other processes; threads of rayon may work beside
/// it. If the last clone is dropped while its thread panics, all processes are ended, because they would otherwise wait for
/// this one.
///
/// ```no_run
/// use dualtape_nn::parallel::{AllReduce, Mpi};
///
/// let mut all = Mpi::start()?;
/// let mut numbers = [all.rank() as f64];
/// all.sum(&mut numbers)?; // by 4 processes: 0 + 1 + 2 + 3
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
#[derive(Clone)]
pub struct Mpi {
    world: Rc<World>,
}

struct World {
    all: SimpleCommunicator,
    /// MPI ends when this is dropped.
    _universe: Universe,
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.all.abort(101);
        }
    }
}

impl Mpi {
    /// Joins the other processes.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if this process has joined before, or if MPI cannot be used together with threads.
    ///
    /// ```no_run
    /// use dualtape_nn::parallel::{AllReduce, Mpi};
    /// let all = Mpi::start()?;
    /// println!("process {} of {}", all.rank(), all.size());
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn start() -> Result<Self, Error> {
        let wrong = |problem: &str| Error::Parallel { problem: problem.to_owned() };
        let begun = mpi::initialize_with_threading(Threading::Funneled);
        let (universe, threading) =
            begun.ok_or_else(|| wrong("MPI was started before; expected it to be started once"))?;
        if threading < Threading::Funneled {
            return Err(wrong("this MPI allows no threads; expected one built with thread level FUNNELED"));
        }
        Ok(Self { world: Rc::new(World { all: universe.world(), _universe: universe }) })
    }

    /// Ends all processes, with this exit code.
    ///
    /// ```no_run
    /// use dualtape_nn::parallel::Mpi;
    /// let all = Mpi::start()?;
    /// if std::fs::read("data.csv").is_err() {
    ///     eprintln!("there is no data.csv");
    ///     all.abort(1);
    /// }
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    pub fn abort(&self, code: i32) -> ! {
        self.world.all.abort(code)
    }
}

impl fmt::Debug for Mpi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mpi {{ rank: {}, size: {} }}", self.rank(), self.size())
    }
}

impl AllReduce for Mpi {
    fn rank(&self) -> usize {
        self.world.all.rank() as usize
    }

    fn size(&self) -> usize {
        self.world.all.size() as usize
    }

    fn sum(&mut self, numbers: &mut [f64]) -> Result<(), Error> {
        let own = numbers.to_vec();
        self.world.all.all_reduce_into(&own[..], numbers, SystemOperation::sum());
        Ok(())
    }

    fn broadcast(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        let first = self.world.all.process_at_rank(0);
        let mut length = bytes.len() as u64;
        first.broadcast_into(&mut length);
        bytes.resize(length as usize, 0);
        for part in bytes.chunks_mut(BYTES_AT_ONCE) {
            first.broadcast_into(part);
        }
        Ok(())
    }

    fn exchange(
        &mut self,
        sent: &[f64],
        sent_lengths: &[usize],
        received: &mut [f64],
        received_lengths: &[usize],
    ) -> Result<(), Error> {
        let (sent_counts, sent_firsts) = counts(sent_lengths, sent.len())?;
        let (counts, firsts) = counts(received_lengths, received.len())?;
        let sent = Partition::new(sent, &sent_counts[..], &sent_firsts[..]);
        let mut received = PartitionMut::new(received, &counts[..], &firsts[..]);
        self.world.all.all_to_all_varcount_into(&sent, &mut received);
        Ok(())
    }

    fn gather(&mut self, own: &[f64], lengths: &[usize], all: &mut [f64]) -> Result<(), Error> {
        let (counts, firsts) = counts(lengths, all.len())?;
        let mut all = PartitionMut::new(all, &counts[..], &firsts[..]);
        self.world.all.all_gather_varcount_into(own, &mut all);
        Ok(())
    }
}

/// The lengths and starting positions in the form that MPI requires.
fn counts(lengths: &[usize], all: usize) -> Result<(Vec<i32>, Vec<i32>), Error> {
    let sum: usize = lengths.iter().sum();
    assert!(sum == all, "the pieces have {sum} numbers in total; expected {all}");
    if i32::try_from(all).is_err() {
        let problem = format!("{all} numbers at once; expected at most {}", i32::MAX);
        return Err(Error::Parallel { problem });
    }
    let counts = lengths.iter().map(|&length| length as i32).collect();
    let firsts = lengths.iter().scan(0, |next, &length| Some(std::mem::replace(next, *next + length as i32)));
    Ok((counts, firsts.collect()))
}
