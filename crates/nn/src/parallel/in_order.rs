//! The sum over all processes, in the order of the tree.
//!
//! Each process sends the sums of its largest subtrees. Few numbers go to everybody at once. Of many, each process adds up
//! a slice for all others, and the totals of the slices are gathered: with as many processes as a power of two, that moves
//! the bytes of an ordinary all-reduce.

use super::AllReduce;
use crate::Error;
use dualtape::program::SumTree;
use std::ops::Range;

/// Up to so many numbers go to everybody: one message less matters more than their bytes.
const FEW: usize = 1 << 12;

/// What one process has for the others.
pub(crate) struct Parcel<'a> {
    /// The sums of the subtrees that its share consists of, one after the other.
    pub(crate) sums: &'a [f64],
    /// Other numbers, which everybody is to have.
    pub(crate) others: &'a [f64],
    /// How many of these each process has.
    pub(crate) other_lengths: &'a [usize],
}

/// Writes the sum over all chunks of the tree to `total`, and returns the other numbers of all processes in order of rank.
/// Each process takes its [share](SumTree::share).
pub(crate) fn total_in_order(
    ranks: &mut impl AllReduce,
    tree: &SumTree,
    parcel: &Parcel<'_>,
    total: &mut [f64],
) -> Result<Vec<f64>, Error> {
    let shares: Vec<Vec<Range<usize>>> =
        (0..ranks.size()).map(|rank| tree.subtrees(tree.share(rank, ranks.size()))).collect();
    let subtrees = shares.concat();
    if subtrees.len() * total.len() <= FEW {
        return by_gathering(ranks, tree, &shares, parcel, total);
    }
    let (size, width) = (ranks.size(), total.len());
    let slice = |rank: usize| width * rank / size..width * (rank + 1) / size;
    let own = slice(ranks.rank());
    let sent: Vec<f64> = (0..size)
        .flat_map(|rank| parcel.sums.chunks_exact(width).flat_map(move |sums| &sums[slice(rank)]))
        .copied()
        .collect();
    let sent_lengths: Vec<usize> =
        (0..size).map(|rank| slice(rank).len() * shares[ranks.rank()].len()).collect();
    let received_lengths: Vec<usize> = shares.iter().map(|share| own.len() * share.len()).collect();
    let mut received = vec![0.0; subtrees.len() * own.len()];
    ranks.exchange(&sent, &sent_lengths, &mut received, &received_lengths)?;
    let mut message = vec![0.0; own.len()];
    tree.add_up(0..tree.chunks(), &subtrees, |i| &received[i * own.len()..][..own.len()], &mut message);
    message.extend_from_slice(parcel.others);
    let lengths: Vec<usize> =
        parcel.other_lengths.iter().enumerate().map(|(rank, others)| slice(rank).len() + others).collect();
    let mut all = vec![0.0; lengths.iter().sum()];
    ranks.gather(&message, &lengths, &mut all)?;
    let (mut rest, mut others) = (&all[..], Vec::new());
    for (rank, &length) in lengths.iter().enumerate() {
        let (own, after) = rest.split_at(length);
        let (sums, own_others) = own.split_at(slice(rank).len());
        total[slice(rank)].copy_from_slice(sums);
        others.extend_from_slice(own_others);
        rest = after;
    }
    Ok(others)
}

/// The same where everything goes to everybody.
fn by_gathering(
    ranks: &mut impl AllReduce,
    tree: &SumTree,
    shares: &[Vec<Range<usize>>],
    parcel: &Parcel<'_>,
    total: &mut [f64],
) -> Result<Vec<f64>, Error> {
    let width = total.len();
    let lengths: Vec<usize> =
        shares.iter().zip(parcel.other_lengths).map(|(share, others)| share.len() * width + others).collect();
    let mut all = vec![0.0; lengths.iter().sum()];
    ranks.gather(&[parcel.sums, parcel.others].concat(), &lengths, &mut all)?;
    let (mut rest, mut sums, mut others) = (&all[..], Vec::new(), Vec::new());
    for (share, &length) in shares.iter().zip(&lengths) {
        let (own, after) = rest.split_at(length);
        let (own_sums, own_others) = own.split_at(share.len() * width);
        sums.extend_from_slice(own_sums);
        others.extend_from_slice(own_others);
        rest = after;
    }
    tree.add_up(0..tree.chunks(), &shares.concat(), |i| &sums[i * width..][..width], total);
    Ok(others)
}
