//! What a tape holds, and the sweep over it.
//!
//! A node keeps the two partial derivatives of one operation and where its operands stand, which differ: an
//! operation of a number with itself is recorded with one operand, and the sum of its derivatives. The operand's
//! place doubles as the node's kind, so that the sweep tests kind and bounds at once. A reduction keeps its
//! operands in a list of terms, and its node holds the number of its span there.

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

/// Stands for the second parent of an operation with one operand.
const ALONE: u32 = u32::MAX;

/// Stands for the second parent of a reduction, whose first parent is the number of its span.
const REDUCTION: u32 = u32::MAX - 1;

/// Stands for the second parent of an input, which has none.
const INPUT: u32 = u32::MAX - 2;

/// Stands for the second parent of the last output of a call, whose first parent is the number of the call. A sweep
/// comes to it before the other outputs, when the adjoints of all are known.
const CALL: u32 = u32::MAX - 3;

/// Stands for the second parent of the other outputs of a call, whose first parent is the last output.
const OUTPUT: u32 = u32::MAX - 4;

/// The most nodes that indices can tell apart from those.
pub(super) const MAX_NODES: usize = OUTPUT as usize;

/// How much a new tape makes room for: little, as many functions are small and growing is cheap.
const FIRST_ROOM: usize = 64;

pub(super) struct Storage<T> {
    /// Recorded up to `len`, with blanks beyond: recording then takes one test, for the end of the blanks.
    nodes: Vec<Node<T>>,
    len: usize,
    /// How many nodes from the first on are inputs. Only inputs can be first, so later nodes spare them.
    leading_inputs: usize,
    /// Recorded up to the last of `ends`, with blanks beyond.
    terms: Vec<Term<T>>,
    /// Where in `terms` each reduction ends; it begins where the one before ends.
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
        // Nothing takes the node's address on the way: built in memory first, its fields would be stored
        // one by one and loaded together, which stalls.
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

    /// Records inputs, which depend on nothing; returns the place of the first.
    pub(super) fn inputs(&mut self, count: usize) -> u32 {
        let first = self.len;
        let end = first.saturating_add(count);
        if end > self.nodes.len() {
            assert!(end <= self.limit, "{}", self.full());
            self.reserve(count.max(first).max(FIRST_ROOM));
        }
        // What the last recording began with is still there.
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
        // One place more, since a constant after the last operand is written, too, and then not counted.
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
        // The spans are fewer than the nodes, which the limit bounds.
        let span = self.ends.len() as u32 - 1;
        self.push(Node { partials: [T::zero(); 2], parents: [span, REDUCTION] })
    }

    /// Records a call, which has outputs; returns the place of the first.
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

    /// The last node that a sweep from this one has to begin with: the outputs of a call go together.
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

    /// Carries adjoints back to operands, from the last node that has an adjoint down to `down_to`.
    ///
    /// `KEEP` leaves the adjoints in place to be read; otherwise each is set to zero once carried on, which
    /// leaves the slice clean for the next sweep at no cost.
    ///
    /// An exact zero wins over ∞ on either side of a product. Only an adjoint that is itself zero,
    /// infinite or NaN can bring this about, or a zero partial beside such an adjoint, so the usual case
    /// takes one test a node.
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

    /// Carries on an adjoint that is infinite or NaN, or zero in value though not in its own derivatives.
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

    /// Carries the adjoints of all outputs of a call on, given that of the last.
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
