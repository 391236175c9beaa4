//! What a tape holds, and the sweep over it.
//!
//! A node keeps the two partial derivatives of one operation and where its operands stand. An operation of
//! one operand names itself as the second, with slope 0: naming one common dummy instead would chain every
//! step of the sweep to the one before. A reduction keeps its operands in a list of terms, and its node
//! holds the number of its span there.

use crate::rules::Partial;
use crate::{Differentiable, Scalar};

/// One recorded operation: 24 bytes for `f64`.
#[derive(Clone, Copy)]
pub(super) struct Node<T> {
    partials: [T; 2],
    parents: [u32; 2],
}

/// One operand of a reduction.
#[derive(Clone, Copy)]
struct Term<T> {
    partial: T,
    parent: u32,
}

/// Stands for the first parent of a reduction, whose second parent is the number of its span.
const REDUCTION: u32 = u32::MAX;

/// The most nodes that indices can tell apart.
pub(super) const MAX_NODES: usize = REDUCTION as usize;

pub(super) struct Storage<T> {
    nodes: Vec<Node<T>>,
    terms: Vec<Term<T>>,
    /// Where in `terms` each reduction ends; it begins where the one before ends.
    ends: Vec<usize>,
    /// The number of nodes at which recording has to stop and look: capacity or limit, whichever is less.
    ceiling: usize,
    limit: usize,
}

/// A place on a tape to rewind to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    nodes: usize,
    reductions: usize,
}

impl Mark {
    /// The number of nodes recorded before the mark.
    pub(crate) fn nodes(self) -> usize {
        self.nodes
    }
}

impl<T: Differentiable> Storage<T> {
    pub(super) fn with_limit(limit: usize) -> Self {
        Self {
            nodes: Vec::new(),
            terms: Vec::new(),
            ends: Vec::new(),
            ceiling: 0,
            limit: limit.min(MAX_NODES),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve_exact(nodes);
        self.ceiling = self.nodes.capacity().min(self.limit);
    }

    #[inline(always)]
    fn push(&mut self, node: impl FnOnce(u32) -> Node<T>) -> u32 {
        let index = self.nodes.len();
        if index == self.ceiling {
            self.grow();
        }
        // The limit keeps every index below `REDUCTION`.
        let index = index as u32;
        self.nodes.push(node(index));
        index
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        let len = self.nodes.len();
        assert!(
            len < self.limit,
            "the tape is full: it may hold {} nodes; use a higher limit, fewer operations, or a driver that \
             rewinds the tape between points",
            self.limit
        );
        self.reserve(len.max(1024).min(self.limit - len));
    }

    /// Records an input, which depends on nothing.
    pub(super) fn input(&mut self) -> u32 {
        self.push(|this| Node { partials: [T::zero(); 2], parents: [this; 2] })
    }

    /// Records an operation with one operand on the tape.
    #[inline(always)]
    pub(super) fn one(&mut self, parent: u32, partial: Partial<T>) -> u32 {
        self.push(|this| Node { partials: [partial.number(), T::zero()], parents: [parent, this] })
    }

    /// Records an operation with two operands on the tape.
    #[inline(always)]
    pub(super) fn two(&mut self, parents: [u32; 2], partials: [Partial<T>; 2]) -> u32 {
        self.push(|_| Node { partials: partials.map(Partial::number), parents })
    }

    /// Records a reduction.
    #[inline]
    pub(super) fn many(&mut self, edges: impl Iterator<Item = (u32, Partial<T>)>) -> u32 {
        let terms = &mut self.terms;
        edges.for_each(|(parent, partial)| terms.push(Term { partial: partial.number(), parent }));
        self.ends.push(self.terms.len());
        // The spans are fewer than the nodes, which the limit bounds.
        let span = self.ends.len() as u32 - 1;
        self.push(|_| Node { partials: [T::zero(); 2], parents: [REDUCTION, span] })
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { nodes: self.nodes.len(), reductions: self.ends.len() }
    }

    pub(super) fn rewind(&mut self, mark: Mark) {
        self.nodes.truncate(mark.nodes);
        self.ends.truncate(mark.reductions);
        self.terms.truncate(self.ends.last().copied().unwrap_or(0));
    }

    /// Carries adjoints back to operands, from the last node that has an adjoint down to `down_to`.
    ///
    /// `KEEP` leaves the adjoints in place to be read; otherwise each is set to zero once carried on, which
    /// leaves the slice clean for the next sweep at no cost.
    ///
    /// An exact zero wins over ∞ on either side of a product. Only an adjoint that is itself zero,
    /// infinite or NaN can bring this about, or a zero partial beside such an adjoint, so the usual case
    /// takes one test a node.
    pub(super) fn sweep<const KEEP: bool>(&self, adjoints: &mut [T], down_to: usize) {
        let nodes = &self.nodes[..adjoints.len()];
        for i in (down_to..nodes.len()).rev() {
            let adjoint = adjoints[i];
            if !adjoint.value().is_ordinary() && adjoint.is_identically_zero() {
                continue;
            }
            let node = &nodes[i];
            let [left, right] = node.parents;
            if left == REDUCTION {
                self.sweep_reduction(right as usize, adjoint, adjoints);
            } else if adjoint.value().is_ordinary() {
                let (left, right) = (left as usize, right as usize);
                let [to_left, to_right] = node.partials.map(|partial| partial * adjoint);
                if left == right {
                    adjoints[left] += to_left;
                    adjoints[left] += to_right;
                } else {
                    // Both are read before either is written: the second load need not wait for the store.
                    let (at_left, at_right) = (adjoints[left], adjoints[right]);
                    adjoints[left] = at_left + to_left;
                    adjoints[right] = at_right + to_right;
                }
            } else {
                for (parent, partial) in node.parents.into_iter().zip(node.partials) {
                    adjoints[parent as usize] += Partial::Of(partial).times(adjoint);
                }
            }
            if !KEEP {
                adjoints[i] = T::zero();
            }
        }
    }

    #[inline]
    fn sweep_reduction(&self, span: usize, adjoint: T, adjoints: &mut [T]) {
        let start = if span == 0 { 0 } else { self.ends[span - 1] };
        let terms = &self.terms[start..self.ends[span]];
        if adjoint.value().is_ordinary() {
            for term in terms {
                adjoints[term.parent as usize] += term.partial * adjoint;
            }
        } else {
            for term in terms {
                adjoints[term.parent as usize] += Partial::Of(term.partial).times(adjoint);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_takes_24_bytes_for_f64() {
        assert_eq!(size_of::<Node<f64>>(), 24);
        assert_eq!(size_of::<Term<f64>>(), 16);
    }
}
