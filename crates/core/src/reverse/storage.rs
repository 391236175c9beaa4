//! What a tape holds, and the sweep over it.
//!
//! A node keeps the two partial derivatives of one operation and the places of its operands. The places differ: an
//! operation on a number and itself is recorded with one operand and the sum of its derivatives. The place of the
//! operand also encodes the kind of node, so that the sweep tests kind and bounds at once. A reduction keeps its
//! operands in a list of terms, and its node holds the number of its span in that list.

use super::adjoint::Adjoint;
use super::call::Call;
use crate::Differentiable;
use crate::rules::Partial;

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

/// Marks an operation with one operand, in the place of the second parent.
const ALONE: u32 = u32::MAX;

/// Marks a reduction, in the place of the second parent; its first parent is the number of its span.
const REDUCTION: u32 = u32::MAX - 1;

/// Marks an input, which has no parents, in the place of the second parent.
const INPUT: u32 = u32::MAX - 2;

/// Marks the last output of a call, in the place of the second parent; its first parent is the number of the call. A
/// sweep reaches it before the other outputs, when the adjoints of all outputs are known.
const CALL: u32 = u32::MAX - 3;

/// Marks the other outputs of a call, in the place of the second parent; their first parent is the last output.
const OUTPUT: u32 = u32::MAX - 4;

/// The most nodes that leave these marks free.
pub(super) const MAX_NODES: usize = OUTPUT as usize;

/// How many nodes a new tape reserves memory for: few, because many functions are small and growing is cheap.
const FIRST_ROOM: usize = 64;

pub(super) struct Storage<T> {
    /// Recorded up to `len`, with unused nodes after it: recording then takes one test, for the end of the unused
    /// nodes.
    nodes: Vec<Node<T>>,
    len: usize,
    /// How many nodes at the start are inputs. A recording can only start with inputs, so operations do not overwrite
    /// them.
    leading_inputs: usize,
    /// Recorded up to the last of `ends`, with unused terms after it.
    terms: Vec<Term<T>>,
    /// The end of each reduction in `terms`; it starts at the end of the one before.
    ends: Vec<usize>,
    calls: Vec<Call<T>>,
    limit: usize,
}

/// A place on a tape to rewind to.
#[derive(Clone, Copy, Default)]
pub(crate) struct Mark {
    nodes: usize,
    reductions: usize,
    calls: usize,
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
            len: 0,
            leading_inputs: 0,
            terms: Vec::new(),
            ends: Vec::new(),
            calls: Vec::new(),
            limit: limit.min(MAX_NODES),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn reserve(&mut self, nodes: usize) {
        let blank = Node { partials: [T::zero(); 2], parents: [0; 2] };
        self.nodes.resize((self.len + nodes).min(self.limit).max(self.nodes.len()), blank);
    }

    #[inline(always)]
    fn push(&mut self, node: Node<T>) -> u32 {
        if self.len >= self.nodes.len() {
            self.grow();
        }
        // The limit keeps every index below `REDUCTION`.
        let index = self.len as u32;
        // The address of the node is never taken on the way: if it were built in memory first, its fields would be
        // stored one by one and loaded together, which stalls the processor.
        self.nodes[self.len] = node;
        self.len += 1;
        index
    }

    fn full(&self) -> String {
        format!(
            "the tape is full: it may hold {} nodes; use a higher limit, fewer operations, or a driver that \
             rewinds the tape between points",
            self.limit
        )
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self) {
        assert!(self.len < self.limit, "{}", self.full());
        self.reserve(self.len.max(FIRST_ROOM));
    }

    /// Records inputs, which depend on nothing; returns the place of the first input.
    pub(super) fn inputs(&mut self, count: usize) -> u32 {
        let first = self.len;
        let end = first.saturating_add(count);
        if end > self.nodes.len() {
            assert!(end <= self.limit, "{}", self.full());
            self.reserve(count.max(first).max(FIRST_ROOM));
        }
        // The inputs that the last recording started with are still stored.
        let written = if first == 0 { self.leading_inputs.min(end) } else { first };
        self.nodes[written..end].fill(Node { partials: [T::zero(); 2], parents: [INPUT; 2] });
        if first == 0 {
            self.leading_inputs = end;
        }
        self.len = end;
        first as u32
    }

    /// Records an operation with one operand on the tape.
    #[inline(always)]
    pub(super) fn one(&mut self, parent: u32, partial: Partial<T>) -> u32 {
        self.push(Node { partials: [partial.number(), T::zero()], parents: [parent, ALONE] })
    }

    /// Records an operation with two operands on the tape.
    #[inline(always)]
    pub(super) fn two(&mut self, parents: [u32; 2], partials: [Partial<T>; 2]) -> u32 {
        let partials = partials.map(Partial::number);
        if parents[0] == parents[1] {
            return self.one(parents[0], Partial::Of(partials[0] + partials[1]));
        }
        self.push(Node { partials, parents })
    }

    /// Records a reduction; operands without a place are constants.
    #[inline]
    pub(super) fn many<E>(&mut self, edges: E) -> u32
    where
        E: Iterator<Item = (Option<u32>, Partial<T>)> + Clone,
    {
        let start = self.terms_len();
        let most = edges.size_hint().1.unwrap_or_else(|| edges.clone().count());
        // Reserves one place more, because a constant after the last operand is written too, but not counted.
        if self.terms.len() < start + most + 1 {
            self.grow_terms(most + 1);
        }
        let places = &mut self.terms[start..=start + most];
        let mut filled = 0;
        edges.for_each(|(parent, partial)| {
            places[filled] = Term { partial: partial.number(), parent: parent.unwrap_or(0) };
            filled += usize::from(parent.is_some());
        });
        self.ends.push(start + filled);
        // There are fewer spans than nodes, and the limit bounds the nodes.
        let span = self.ends.len() as u32 - 1;
        self.push(Node { partials: [T::zero(); 2], parents: [span, REDUCTION] })
    }

    /// Records a call that has outputs; returns the place of the first output.
    pub(super) fn call(&mut self, call: Call<T>) -> u32 {
        let none = [T::zero(); 2];
        let (first, number) = (self.len as u32, self.calls.len() as u32);
        let last = first + (call.outputs() as u32 - 1);
        for _ in first..last {
            self.push(Node { partials: none, parents: [last, OUTPUT] });
        }
        self.push(Node { partials: none, parents: [number, CALL] });
        self.calls.push(call);
        first
    }

    /// The last node from which a sweep of this node has to start: the outputs of a call belong together.
    pub(super) fn swept_with(&self, node: usize) -> usize {
        match self.nodes[node].parents {
            [last, OUTPUT] => last as usize,
            _ => node,
        }
    }

    #[cold]
    #[inline(never)]
    fn grow_terms(&mut self, more: usize) {
        let blank = Term { partial: T::zero(), parent: 0 };
        self.terms.resize(self.terms_len() + more.max(self.terms.len()).max(FIRST_ROOM), blank);
    }

    fn terms_len(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { nodes: self.len, reductions: self.ends.len(), calls: self.calls.len() }
    }

    pub(super) fn rewind(&mut self, mark: Mark) {
        self.len = mark.nodes;
        self.ends.truncate(mark.reductions);
        self.calls.truncate(mark.calls);
    }

    /// Propagates adjoints to operands, from the last node that has an adjoint down to `down_to`.
    ///
    /// `KEEP` leaves the adjoints in place to be read; otherwise each adjoint is set to zero after it is propagated,
    /// which clears the slice for the next sweep at no cost.
    ///
    /// An exact zero wins over ∞ on either side of a product. This matters only if the adjoint is zero, infinite or
    /// NaN, so the usual case takes one test for each node.
    pub(super) fn sweep<const KEEP: bool, A: Adjoint<T>>(&self, adjoints: &mut [A], down_to: usize) {
        let nodes = &self.nodes[..adjoints.len()];
        for i in (down_to..nodes.len()).rev() {
            let node = &nodes[i];
            let (earlier, this) = adjoints.split_at_mut(i);
            let adjoint = this[0];
            if !adjoint.is_ordinary() && adjoint.is_zero() && node.parents[1] != CALL {
                continue;
            }
            if !KEEP {
                this[0] = A::zero();
            }
            let ([left, right], [to_left, to_right]) = (node.parents, node.partials);
            if !adjoint.is_ordinary() {
                self.carry_with_care(node, adjoint, earlier);
            } else if (right as usize) < earlier.len() {
                let (left, right) = (left as usize, right as usize);
                // Both are read before either is written: the second load need not wait for the store.
                let (at_left, at_right) = (earlier[left], earlier[right]);
                earlier[left] = at_left.plus(to_left, adjoint);
                earlier[right] = at_right.plus(to_right, adjoint);
            } else if right == ALONE {
                earlier[left as usize] = earlier[left as usize].plus(to_left, adjoint);
            } else if right == REDUCTION {
                for term in self.span(left) {
                    earlier[term.parent as usize] = earlier[term.parent as usize].plus(term.partial, adjoint);
                }
            } else if right == CALL {
                self.pull_back_call(&self.calls[left as usize], adjoint, earlier);
            }
        }
    }

    /// Propagates an adjoint that is infinite or NaN, or whose value is zero although its own derivatives are not.
    #[cold]
    #[inline(never)]
    fn carry_with_care<A: Adjoint<T>>(&self, node: &Node<T>, adjoint: A, earlier: &mut [A]) {
        if node.parents[1] == CALL {
            return self.pull_back_call(&self.calls[node.parents[0] as usize], adjoint, earlier);
        }
        let mut add = |parent: u32, partial| {
            earlier[parent as usize] = earlier[parent as usize].plus_with_care(partial, adjoint);
        };
        let [left, right] = node.parents;
        match right {
            REDUCTION => self.span(left).iter().for_each(|term| add(term.parent, term.partial)),
            ALONE => add(left, node.partials[0]),
            INPUT | OUTPUT => {}
            _ => {
                add(left, node.partials[0]);
                add(right, node.partials[1]);
            }
        }
    }

    /// Propagates the adjoints of all outputs of a call, given that of the last output.
    #[cold]
    #[inline(never)]
    fn pull_back_call<A: Adjoint<T>>(&self, call: &Call<T>, last: A, earlier: &mut [A]) {
        let mut own = earlier[earlier.len() + 1 - call.outputs()..].to_vec();
        own.push(last);
        if own.iter().all(|adjoint| !adjoint.is_ordinary() && adjoint.is_zero()) {
            return;
        }
        let gained = A::each_lane(&own, |cotangent| call.vjp(cotangent));
        for (place, gained) in call.places.iter().zip(gained) {
            if let Some(place) = *place {
                earlier[place as usize] = earlier[place as usize].and(gained);
            }
        }
    }

    /// The terms of a reduction.
    #[inline]
    fn span(&self, number: u32) -> &[Term<T>] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.terms[start..self.ends[number]]
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
