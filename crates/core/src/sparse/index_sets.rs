//! Sets of inputs that share their parts, created as numbers are computed and read once at the end.

use super::pattern::{Pattern, dedup};
use crate::Error;
use std::cell::{Cell, RefCell};

/// Up to this many inputs, a union lists them. A larger union refers to its parts, so that a sum of a million terms,
/// added one by one, takes two numbers for each term and not a list for each partial sum.
const LISTED: usize = 32;

/// How many unions are remembered, in case they are needed again: a power of two.
const REMEMBERED: usize = 1 << 10;

/// A set of inputs in an [`IndexSets`]: its number there. For each input i, set i is {i}.
pub(crate) type Set = u32;

/// The set without inputs, which is in every [`IndexSets`].
pub(crate) const EMPTY: Set = Set::MAX;

/// The sets created in one evaluation of a function, and how many numbers were created.
#[derive(Debug)]
pub(crate) struct IndexSets {
    storage: RefCell<Storage>,
    numbers: Cell<u64>,
}

impl IndexSets {
    /// The sets for a function with the given number of inputs, which must fit into a [`Set`] below [`EMPTY`].
    pub(crate) fn new(inputs: Set) -> Self {
        let recent = vec![Recent::default(); REMEMBERED];
        let storage = Storage { inputs, starts: vec![0], parts: Vec::new(), recent, full: false };
        Self { storage: RefCell::new(storage), numbers: Cell::new(0) }
    }

    /// A number that is different each time.
    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// The union of two sets.
    #[inline]
    pub(crate) fn union(&self, a: Set, b: Set) -> Set {
        if a == b || b == EMPTY {
            return a;
        }
        if a == EMPTY {
            return b;
        }
        self.storage.borrow_mut().union(a.min(b), a.max(b))
    }

    /// The union of any number of sets.
    pub(crate) fn union_of(&self, mut sets: Vec<Set>) -> Set {
        sets.sort_unstable();
        sets.dedup();
        if sets.last() == Some(&EMPTY) {
            sets.pop();
        }
        match sets[..] {
            [] => EMPTY,
            [only] => only,
            [a, b] => self.union(a, b),
            _ => self.storage.borrow_mut().union_of_many(&sets),
        }
    }

    /// The inputs of each set, as the rows of a pattern.
    ///
    /// # Errors
    ///
    /// [`Error::NotAPattern`] for 2³² or more entries.
    pub(crate) fn pattern(&self, sets: &[Set]) -> Result<Pattern, Error> {
        self.storage.borrow().pattern(sets, 1)
    }
}

/// A union that was computed recently.
#[derive(Clone, Copy, Debug)]
struct Recent {
    of: [Set; 2],
    union: Set,
}

impl Default for Recent {
    fn default() -> Self {
        Self { of: [EMPTY; 2], union: EMPTY }
    }
}

/// A set is a list of other sets, its parts, whose numbers increase and are smaller than its own. Because the first
/// sets are single inputs, a set that lists its inputs is a union like all others.
#[derive(Debug)]
struct Storage {
    inputs: Set,
    /// The start of the parts of each set, beginning with the first set that is not an input; a last number gives the
    /// end of all.
    starts: Vec<u32>,
    parts: Vec<Set>,
    recent: Vec<Recent>,
    /// Whether some sets did not fit.
    full: bool,
}

impl Storage {
    /// The parts of a set; an input is its own part.
    fn parts<'a>(&'a self, set: &'a Set) -> &'a [Set] {
        let Some(index) = set.checked_sub(self.inputs) else { return std::slice::from_ref(set) };
        let index = index as usize;
        &self.parts[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// Whether its parts are inputs.
    fn is_listed(&self, parts: &[Set]) -> bool {
        parts.last().is_some_and(|&last| last < self.inputs)
    }

    /// The union of two sets; the first has the smaller number.
    fn union(&mut self, a: Set, b: Set) -> Set {
        let hash = (u64::from(a) << 32 | u64::from(b)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let place = (hash >> (u64::BITS - REMEMBERED.trailing_zeros())) as usize;
        if self.recent[place].of == [a, b] {
            return self.recent[place].union;
        }
        let union = self.new_union(a, b);
        self.recent[place] = Recent { of: [a, b], union };
        union
    }

    fn new_union(&mut self, a: Set, b: Set) -> Set {
        let (of_a, of_b) = (self.parts(&a), self.parts(&b));
        // If a set refers to others, only its parts are known.
        if !(self.is_listed(of_a) && self.is_listed(of_b)) {
            return if of_b.binary_search(&a).is_ok() { b } else { self.push(&[a, b]) };
        }
        let ((small, large), larger) =
            if of_a.len() < of_b.len() { ((of_a, of_b), b) } else { ((of_b, of_a), a) };
        if small.len() > LISTED {
            return self.push(&[a, b]);
        }
        if small.iter().all(|input| large.binary_search(input).is_ok()) {
            return larger;
        }
        if large.len() > LISTED {
            return self.push(&[a, b]);
        }
        let (mut list, count) = ([0; 2 * LISTED], small.len() + large.len());
        list[..small.len()].copy_from_slice(small);
        list[small.len()..count].copy_from_slice(large);
        list[..count].sort_unstable();
        let count = dedup(&mut list[..count]);
        if count <= LISTED { self.push(&list[..count]) } else { self.push(&[a, b]) }
    }

    /// The union of at least two sets, whose numbers increase.
    fn union_of_many(&mut self, sets: &[Set]) -> Set {
        let few = sets.len() <= LISTED;
        let all_listed = few && sets.iter().all(|set| self.is_listed(self.parts(set)));
        if !all_listed {
            return self.push(sets);
        }
        let mut list: Vec<Set> = sets.iter().flat_map(|set| self.parts(set)).copied().collect();
        list.sort_unstable();
        list.dedup();
        if let Some(&whole) = sets.iter().find(|set| self.parts(set).len() == list.len()) {
            return whole;
        }
        self.push(if list.len() <= LISTED { &list } else { sets })
    }

    /// A new set with these parts. Above 2³² sets or parts, there is no new set, and no pattern.
    fn push(&mut self, parts: &[Set]) -> Set {
        self.parts.extend(parts);
        let set = u64::from(self.inputs) + self.starts.len() as u64 - 1;
        let counted = u32::try_from(self.parts.len()).ok().filter(|_| set < u64::from(EMPTY));
        let Some(end) = counted else {
            self.full = true;
            return EMPTY;
        };
        self.starts.push(end);
        set as Set
    }

    /// See [`IndexSets::pattern`]. Sets are followed to their inputs one by one, as long as this takes no more than
    /// `share` of the time for computing all sets, for 64 inputs at a time; the other rows are computed in that way.
    fn pattern(&self, sets: &[Set], share: usize) -> Result<Pattern, Error> {
        if self.full {
            let reason = "its sets of inputs need 2³² parts or more; differentiate a part of the function";
            return Err(Error::NotAPattern { reason: reason.into() });
        }
        let mut pattern = Pattern::without_rows(self.inputs as usize)?;
        let all_at_once = self.parts.len().saturating_mul((self.inputs as usize).div_ceil(64));
        let mut search = Search::new(self, all_at_once.saturating_mul(share));
        for (row, &set) in sets.iter().enumerate() {
            if !search.find(set) {
                self.push_rows(&mut pattern, &sets[row..])?;
                break;
            }
            pattern.push_row(search.found.iter().copied())?;
        }
        Ok(pattern)
    }

    /// Appends rows, from the bits of 64 inputs in all sets, and so on for each next 64.
    fn push_rows(&self, pattern: &mut Pattern, sets: &[Set]) -> Result<(), Error> {
        let mut rows = vec![Vec::new(); sets.len()];
        let mut bits = vec![0_u64; self.starts.len() - 1];
        for first in (0..self.inputs).step_by(64) {
            let bits_of = |bits: &[u64], set: Set| match set.checked_sub(self.inputs) {
                Some(index) => bits[index as usize],
                None if (first..first.saturating_add(64)).contains(&set) => 1 << (set - first),
                None => 0,
            };
            for index in 0..bits.len() {
                let parts = &self.parts[self.starts[index] as usize..self.starts[index + 1] as usize];
                bits[index] = parts.iter().fold(0, |all, &part| all | bits_of(&bits, part));
            }
            for (row, &set) in rows.iter_mut().zip(sets).filter(|(_, set)| **set != EMPTY) {
                let mut left = bits_of(&bits, set);
                while left != 0 {
                    row.push(first + left.trailing_zeros());
                    left &= left - 1;
                }
            }
        }
        rows.into_iter().try_for_each(|row| pattern.push_row(row))
    }
}

/// Follows sets to their inputs.
struct Search<'a> {
    storage: &'a Storage,
    /// For each set, the last search that visited it.
    seen: Vec<u32>,
    searches: u32,
    /// How many more parts may be visited.
    budget: usize,
    waiting: Vec<Set>,
    /// The inputs of the last set, in increasing order.
    found: Vec<u32>,
    /// The set in which they were found.
    last: Set,
}

impl<'a> Search<'a> {
    fn new(storage: &'a Storage, budget: usize) -> Self {
        let sets = storage.inputs as usize + storage.starts.len() - 1;
        let (waiting, found) = (Vec::new(), Vec::new());
        Self { storage, seen: vec![0; sets], searches: 0, budget, waiting, found, last: EMPTY }
    }

    /// Finds the inputs of a set, unless the budget is too small.
    fn find(&mut self, set: Set) -> bool {
        if set == self.last {
            return true;
        }
        self.last = set;
        self.found.clear();
        if set == EMPTY {
            return true;
        }
        let parts = self.storage.parts(&set);
        if self.storage.is_listed(parts) {
            self.found.extend(parts);
            return true;
        }
        self.follow(set)
    }

    fn follow(&mut self, set: Set) -> bool {
        self.searches += 1;
        let Self { storage, seen, searches, budget, waiting, found, .. } = self;
        waiting.clear();
        waiting.push(set);
        while let Some(set) = waiting.pop() {
            let parts = storage.parts(&set);
            let Some(left) = budget.checked_sub(parts.len()) else { return false };
            *budget = left;
            for &part in parts {
                if std::mem::replace(&mut seen[part as usize], *searches) != *searches {
                    let unread = if part < storage.inputs { &mut *found } else { &mut *waiting };
                    unread.push(part);
                }
            }
        }
        found.sort_unstable();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Uniform numbers (splitmix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) % n as u64) as usize
        }
    }

    /// Random sets, and their contents.
    fn drawn(random: &mut Random, inputs: usize, unions: usize) -> (IndexSets, Vec<Set>, Vec<BTreeSet<u32>>) {
        let sets = IndexSets::new(inputs as u32);
        let mut numbers: Vec<Set> = (0..inputs as u32).chain([EMPTY]).collect();
        let single = |input| BTreeSet::from_iter([input]);
        let mut held: Vec<_> = (0..inputs as u32).map(single).chain([BTreeSet::new()]).collect();
        for _ in 0..unions {
            let count = [2, 2, 2, 3, 7, 40][random.below(6)];
            // Late ones are preferred, so that sets refer to sets.
            let mut draw =
                || numbers.len() - 1 - random.below(numbers.len()).min(random.below(numbers.len()));
            let of: Vec<usize> = (0..count).map(|_| draw()).collect();
            let chosen: Vec<Set> = of.iter().map(|&place| numbers[place]).collect();
            numbers.push(match chosen[..] {
                [a, b] => sets.union(a, b),
                _ => sets.union_of(chosen),
            });
            held.push(of.iter().flat_map(|&place| &held[place]).copied().collect());
        }
        (sets, numbers, held)
    }

    #[test]
    fn sets_hold_what_their_parts_hold_whichever_way_they_are_read() {
        for seed in 0..300 {
            let mut random = Random(seed);
            let inputs = [1, 5, 31, 64, 65, 200][random.below(6)];
            let unions = [0, 10, 300][random.below(3)];
            let (sets, numbers, held) = drawn(&mut random, inputs, unions);
            let rows = held.iter().map(|set| set.iter().map(|&input| input as usize));
            let expected = Pattern::from_rows(inputs, rows).unwrap();
            for share in [0, 1, usize::MAX] {
                let pattern = sets.storage.borrow().pattern(&numbers, share).unwrap();
                assert_eq!(pattern, expected, "seed {seed}, share {share}");
            }
        }
    }

    #[test]
    fn a_union_with_what_is_contained_makes_nothing_new() {
        let sets = IndexSets::new(100);
        let few = sets.union_of(vec![3, 1, 4, 1, 5]);
        let many = (0..90).fold(EMPTY, |sum, input| sets.union(sum, input));
        for (whole, part) in [(few, 4), (few, few), (few, EMPTY), (sets.union(few, 2), few), (many, 89)] {
            assert_eq!([sets.union(whole, part), sets.union(part, whole)], [whole; 2]);
        }
        assert_eq!(sets.union(few, many), sets.union(many, few));
        let again = sets.union_of(vec![1, 3, 4]);
        assert_eq!(sets.union_of(vec![again, few, 5]), few);
    }

    #[test]
    fn a_sum_of_many_terms_takes_two_parts_for_each() {
        let inputs = 100_000;
        let sets = IndexSets::new(inputs);
        let sum = (0..inputs).fold(EMPTY, |sum, input| sets.union(sum, input));
        assert!(sets.storage.borrow().parts.len() < 2 * inputs as usize + LISTED * LISTED);
        assert_eq!(sets.pattern(&[sum, sum, EMPTY, 7]).unwrap().len(), 2 * inputs as usize + 1);
    }
}
