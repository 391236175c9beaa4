//! Sets of columns that grow by unions.

use std::cmp::Ordering;
use std::rc::Rc;

/// A set of so many items needs no memory of its own.
const FEW: usize = 7;

/// A set of columns, of which there are fewer than 2³². Copies share what is large until one of them grows.
#[derive(Clone, Debug)]
pub(crate) enum Set {
    Few { len: u8, items: [u32; FEW] },
    Many(Rc<Many>),
}

/// A large set: its items, rising, or where these would take more room, a bit for each column there is.
#[derive(Clone, Debug)]
pub(crate) enum Many {
    Items(Vec<u32>),
    Bits(Vec<u64>),
}

impl Default for Set {
    fn default() -> Self {
        Self::Few { len: 0, items: [0; FEW] }
    }
}

impl Set {
    /// The set of one column.
    pub(crate) fn one(column: u32) -> Self {
        let mut items = [0; FEW];
        items[0] = column;
        Self::Few { len: 1, items }
    }

    fn few(rising: &[u32]) -> Self {
        let mut items = [0; FEW];
        items[..rising.len()].copy_from_slice(rising);
        Self::Few { len: rising.len() as u8, items }
    }

    /// Adds the items of another set. There are so many columns in all.
    pub(crate) fn extend(&mut self, other: Self, columns: usize) {
        let mut other = other;
        if let (Self::Few { .. }, Self::Many(_)) = (&*self, &other) {
            std::mem::swap(self, &mut other);
        }
        match (&mut *self, &other) {
            (Self::Few { len, items }, Self::Few { len: more, items: others }) => {
                let (few, others) = (&items[..*len as usize], &others[..*more as usize]);
                if others.is_empty() || few == others {
                    return;
                }
                let (mut both, mut count) = ([0; 2 * FEW], 0);
                merge(few, others, |item| {
                    both[count] = item;
                    count += 1;
                });
                *self = match both[..count] {
                    ref rising if count <= FEW => Self::few(rising),
                    ref rising => Self::Many(Rc::new(Many::Items(rising.to_vec()).compact(columns))),
                };
            }
            (Self::Many(many), Self::Few { len, items }) => {
                let items = &items[..*len as usize];
                if !items.iter().all(|&item| many.contains(item)) {
                    Rc::make_mut(many).insert(items, columns);
                }
            }
            (Self::Many(many), Self::Many(others)) => {
                if !Rc::ptr_eq(many, others) {
                    Rc::make_mut(many).extend(others, columns);
                }
            }
            (Self::Few { .. }, Self::Many(_)) => unreachable!("the larger one comes first"),
        }
    }

    /// Shows all items, rising.
    pub(crate) fn for_each(&self, mut show: impl FnMut(u32)) {
        match self {
            Self::Few { len, items } => items[..*len as usize].iter().copied().for_each(show),
            Self::Many(many) => match &**many {
                Many::Items(items) => items.iter().copied().for_each(show),
                Many::Bits(words) => {
                    for (word, &bits) in (0..).zip(words) {
                        let mut left = bits;
                        while left != 0 {
                            show(word * u64::BITS + left.trailing_zeros());
                            left &= left - 1;
                        }
                    }
                }
            },
        }
    }
}

impl Many {
    fn contains(&self, item: u32) -> bool {
        match self {
            Self::Items(items) => items.binary_search(&item).is_ok(),
            Self::Bits(words) => words[item as usize / 64] >> (item % 64) & 1 == 1,
        }
    }

    fn insert(&mut self, few: &[u32], columns: usize) {
        match self {
            Self::Items(items) => {
                for &item in few {
                    // What comes in order goes to the end.
                    match items.last() {
                        Some(&last) if last < item => items.push(item),
                        _ => {
                            if let Err(place) = items.binary_search(&item) {
                                items.insert(place, item);
                            }
                        }
                    }
                }
                self.compact_in_place(columns);
            }
            Self::Bits(words) => few.iter().for_each(|&item| set(words, item)),
        }
    }

    fn extend(&mut self, other: &Self, columns: usize) {
        match (&mut *self, other) {
            (Self::Items(items), Self::Items(others)) => {
                let mut both = Vec::with_capacity(items.len() + others.len());
                merge(items, others, |item| both.push(item));
                *items = both;
                self.compact_in_place(columns);
            }
            (Self::Bits(words), Self::Bits(others)) => {
                words.iter_mut().zip(others).for_each(|(word, &other)| *word |= other);
            }
            (Self::Bits(words), Self::Items(others)) => others.iter().for_each(|&item| set(words, item)),
            (Self::Items(items), Self::Bits(others)) => {
                let mut words = others.clone();
                items.iter().for_each(|&item| set(&mut words, item));
                *self = Self::Bits(words);
            }
        }
    }

    fn compact(mut self, columns: usize) -> Self {
        self.compact_in_place(columns);
        self
    }

    /// Goes over to bits where they take no more room than items.
    fn compact_in_place(&mut self, columns: usize) {
        let words = columns.div_ceil(64);
        if let Self::Items(items) = self
            && items.len() * size_of::<u32>() >= words * size_of::<u64>()
        {
            let mut bits = vec![0; words];
            items.iter().for_each(|&item| set(&mut bits, item));
            *self = Self::Bits(bits);
        }
    }
}

fn set(words: &mut [u64], item: u32) {
    words[item as usize / 64] |= 1 << (item % 64);
}

/// Shows the items of two rising lists in order, each once.
fn merge(a: &[u32], b: &[u32], mut show: impl FnMut(u32)) {
    let (mut a, mut b) = (a.iter().copied().peekable(), b.iter().copied().peekable());
    loop {
        let next = match (a.peek(), b.peek()) {
            (Some(x), Some(y)) => match x.cmp(y) {
                Ordering::Less => a.next(),
                Ordering::Greater => b.next(),
                Ordering::Equal => {
                    b.next();
                    a.next()
                }
            },
            (Some(_), None) => a.next(),
            (None, _) => b.next(),
        };
        match next {
            Some(item) => show(item),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Set;
    use std::collections::BTreeSet;

    #[test]
    fn unions_of_all_forms_hold_what_a_tree_of_items_holds() {
        // A step that is prime to the number of columns visits all of them.
        for columns in [1, 64, 65, 1000, 100_000] {
            let (mut set, mut oracle, mut item) = (Set::default(), BTreeSet::new(), 0);
            for round in 0..200_usize {
                let (mut other, kept) = (Set::default(), set.clone());
                for _ in 0..round % 23 {
                    item = (item + 37) % columns;
                    other.extend(Set::one(item as u32), columns);
                    oracle.insert(item as u32);
                }
                let before = items(&kept);
                if round % 2 == 0 {
                    set.extend(other, columns)
                } else {
                    set = extended(other, set, columns)
                }
                assert_eq!(items(&set), oracle.iter().copied().collect::<Vec<_>>(), "{columns} columns");
                assert_eq!(items(&kept), before, "a copy grew with the original");
            }
        }
    }

    fn extended(mut a: Set, b: Set, columns: usize) -> Set {
        a.extend(b, columns);
        a
    }

    fn items(set: &Set) -> Vec<u32> {
        let mut items = Vec::new();
        set.for_each(|item| items.push(item));
        items
    }
}
