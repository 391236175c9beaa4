//! Training shared by several processes: what has to go between them, and the order in which it is added up.
//!
//! Each process holds the same model and data, and takes some chunks of each batch. Their sums are added up in the order of
//! a tree that depends on the batch only ([`SumTree`](dualtape::program::SumTree)), whatever process computed them: so one,
//! two or a hundred processes end with the same parameters, bit for bit. A [`Trainer`](crate::Trainer) does all that once
//! it is given an [`AllReduce`], by [`Trainer::over`](crate::Trainer::over).
//!
//! The engine is [MPI](https://www.mpi-forum.org), which clusters have, behind the feature `mpi`: `Mpi`. Anything else
//! that can do what [`AllReduce`] asks for will do as well.

mod in_order;
#[cfg(feature = "mpi")]
mod mpi;

pub use in_order::InOrder;
#[cfg(feature = "mpi")]
pub use mpi::Mpi;

use crate::Error;
use std::fmt;
use std::ops::Range;

/// What goes between processes that work together. They are counted by *rank* from 0. All of them call the same methods in the
/// same order; each call returns when everybody's part is there.
///
/// ```
/// use dualtape_nn::parallel::{AllReduce, Local};
/// let (mut alone, mut numbers) = (Local, [1.0, 2.0]);
/// alone.sum(&mut numbers)?;
/// assert_eq!((alone.size(), numbers), (1, [1.0, 2.0]));
/// # Ok::<(), dualtape_nn::Error>(())
/// ```
pub trait AllReduce: fmt::Debug {
    /// Which of the processes this is.
    ///
    /// ```
    /// use dualtape_nn::parallel::{AllReduce, Local};
    /// assert_eq!(Local.rank(), 0);
    /// ```
    fn rank(&self) -> usize;

    /// How many there are.
    ///
    /// ```
    /// use dualtape_nn::parallel::{AllReduce, Local};
    /// assert_eq!(Local.size(), 1);
    /// ```
    fn size(&self) -> usize;

    /// Replaces numbers by their sums over all processes, each of which gives as many. The order of the sum is that of the
    /// engine, so its bits may depend on the number of processes; what trains with the same bits uses
    /// [`exchange`](Self::exchange) and [`gather`](Self::gather).
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

    /// Replaces bytes, in any number, by those of rank 0.
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

    /// Sends each process a piece of `sent`, and receives one of each; both in order of rank, of the given lengths. The own
    /// piece is sent as well.
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

    /// Writes the numbers of all processes to `all`, in order of rank, of the given lengths.
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

/// Which of so many things one of several processes takes: as many as any other, or one more or less.
pub(crate) fn share(count: usize, rank: usize, size: usize) -> Range<usize> {
    let first = |rank: usize| (count as u128 * rank as u128 / size as u128) as usize;
    first(rank)..first(rank + 1)
}

/// One process alone.
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
