//! Training shared by several processes: how they communicate, and the order in which their sums are added up.
//!
//! Each process holds the same model and data, and takes some chunks of each batch. The sums of the chunks are added up in
//! the order of a tree ([`SumTree`](dualtape::program::SumTree)). The tree depends only on the batch, not on the process that
//! computed a sum. Therefore, one, two or a hundred processes end with the same parameters, bit for bit. To use this, give a
//! [`Trainer`](crate::Trainer) an [`AllReduce`] by [`Trainer::over`](crate::Trainer::over).
//!
//! The feature `mpi` adds `Mpi`, which uses [MPI](https://www.mpi-forum.org), as available on clusters. Any other type that
//! implements [`AllReduce`] works as well.

mod in_order;
#[cfg(feature = "mpi")]
mod mpi;

pub use in_order::InOrder;
#[cfg(feature = "mpi")]
pub use mpi::Mpi;

use crate::Error;
use std::fmt;
use std::ops::Range;

/// Communication between processes that work together. Their *ranks* count from 0. All processes must call the same methods
/// in the same order. Each call returns when the parts of all processes have arrived.
///
/// ```
/// use dualtape_nn::parallel::{AllReduce, Local};
/// let (mut alone, mut numbers) = (Local, [1.0, 2.0]);
/// alone.sum(&mut numbers)?;
/// assert_eq!((alone.size(), numbers), (1, [1.0, 2.0]));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub trait AllReduce: fmt::Debug {
    /// The rank of this process.
    ///
    /// ```
    /// use dualtape_nn::parallel::{AllReduce, Local};
    /// assert_eq!(Local.rank(), 0);
    /// ```
    fn rank(&self) -> usize;

    /// The number of processes.
    ///
    /// ```
    /// use dualtape_nn::parallel::{AllReduce, Local};
    /// assert_eq!(Local.size(), 1);
    /// ```
    fn size(&self) -> usize;

    /// Replaces numbers by their sums over all processes, each of which passes equally many. The implementation chooses the
    /// order of the sum, so the bits may depend on the number of processes. Training that must have the same bits uses
    /// [`exchange`](Self::exchange) and [`gather`](Self::gather) instead.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached.
    ///
    /// ```
    /// # use dualtape_nn::parallel::{AllReduce, Local};
    /// let mut numbers = [2.0];
    /// Local.sum(&mut numbers)?;
    /// assert_eq!(numbers, [2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn sum(&mut self, numbers: &mut [f64]) -> Result<(), Error>;

    /// Replaces the bytes by the bytes of rank 0; their number may differ between processes.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached.
    ///
    /// ```
    /// # use dualtape_nn::parallel::{AllReduce, Local};
    /// let mut bytes = b"said by rank 0".to_vec();
    /// Local.broadcast(&mut bytes)?;
    /// assert_eq!(bytes, b"said by rank 0");
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn broadcast(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error>;

    /// Sends a piece of `sent` to each process, and receives a piece from each. The pieces are in order of rank and have the
    /// given lengths. A process also sends a piece to itself.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached.
    ///
    /// # Panics
    ///
    /// If the lengths do not add up.
    ///
    /// ```
    /// # use dualtape_nn::parallel::{AllReduce, Local};
    /// let mut received = [0.0; 2];
    /// Local.exchange(&[1.0, 2.0], &[2], &mut received, &[2])?;
    /// assert_eq!(received, [1.0, 2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn exchange(
        &mut self,
        sent: &[f64],
        sent_lengths: &[usize],
        received: &mut [f64],
        received_lengths: &[usize],
    ) -> Result<(), Error>;

    /// Writes the numbers of all processes to `all`, in order of rank. Each process has as many as the given lengths say.
    ///
    /// # Errors
    ///
    /// [`Error::Parallel`] if a process cannot be reached.
    ///
    /// # Panics
    ///
    /// If the lengths do not add up.
    ///
    /// ```
    /// # use dualtape_nn::parallel::{AllReduce, Local};
    /// let mut all = [0.0; 2];
    /// Local.gather(&[1.0, 2.0], &[2], &mut all)?;
    /// assert_eq!(all, [1.0, 2.0]);
    /// # Ok::<(), dualtape_nn::Error>(())
    /// ```
    fn gather(&mut self, own: &[f64], lengths: &[usize], all: &mut [f64]) -> Result<(), Error>;
}

/// The range of `count` things that one of several processes takes. The numbers of things that two processes take differ by
/// at most one.
pub(crate) fn share(count: usize, rank: usize, size: usize) -> Range<usize> {
    let first = |rank: usize| (count as u128 * rank as u128 / size as u128) as usize;
    first(rank)..first(rank + 1)
}

/// A single process, which communicates with no other.
///
/// ```
/// use dualtape_nn::parallel::{AllReduce, Local};
/// assert_eq!((Local.rank(), Local.size()), (0, 1));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Local;

impl AllReduce for Local {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn sum(&mut self, _: &mut [f64]) -> Result<(), Error> {
        Ok(())
    }

    fn broadcast(&mut self, _: &mut Vec<u8>) -> Result<(), Error> {
        Ok(())
    }

    fn exchange(
        &mut self,
        sent: &[f64],
        _: &[usize],
        received: &mut [f64],
        _: &[usize],
    ) -> Result<(), Error> {
        received.copy_from_slice(sent);
        Ok(())
    }

    fn gather(&mut self, own: &[f64], _: &[usize], all: &mut [f64]) -> Result<(), Error> {
        all.copy_from_slice(own);
        Ok(())
    }
}

impl<R: AllReduce + ?Sized> AllReduce for Box<R> {
    fn rank(&self) -> usize {
        (**self).rank()
    }

    fn size(&self) -> usize {
        (**self).size()
    }

    fn sum(&mut self, numbers: &mut [f64]) -> Result<(), Error> {
        (**self).sum(numbers)
    }

    fn broadcast(&mut self, bytes: &mut Vec<u8>) -> Result<(), Error> {
        (**self).broadcast(bytes)
    }

    fn exchange(
        &mut self,
        sent: &[f64],
        sent_lengths: &[usize],
        received: &mut [f64],
        received_lengths: &[usize],
    ) -> Result<(), Error> {
        (**self).exchange(sent, sent_lengths, received, received_lengths)
    }

    fn gather(&mut self, own: &[f64], lengths: &[usize], all: &mut [f64]) -> Result<(), Error> {
        (**self).gather(own, lengths, all)
    }
}
