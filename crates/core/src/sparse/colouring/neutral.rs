//! Products from which nothing is read: their colours are removed, and their columns or rows have no colour
//! (Montoison, Dalle and Gebremedhin 2025, on neutral colours).

use super::NONE;
use super::recovery::alone_in_rows;
use crate::sparse::Pattern;

/// Removes from a star or acyclic colouring of a symmetric pattern the colours that no entry needs.
pub(crate) fn thin_symmetric(pattern: &Pattern, mirrors: &[u32], colours: &mut [u32]) {
    let alone = alone_in_rows(pattern, colours);
    let mut needs = Needs::new(colours);
    for (entry, (row, column)) in pattern.entries().enumerate() {
        let (own, other) = (colours[column], colours[row]);
        match (alone[entry], alone[mirrors[entry] as usize]) {
            _ if row == column => needs.must(own),
            (true, true) => needs.one_of(own, other),
            (true, false) => needs.must(own),
            (false, true) => needs.must(other),
            // Inside a tree, both are read.
            (false, false) => [own, other].into_iter().for_each(|colour| needs.must(colour)),
        }
    }
    needs.thin(colours);
}

/// Removes from a colouring of columns and rows, which have different colours, those that no entry needs.
pub(crate) fn thin_both(pattern: &Pattern, order: &[u32], transposed: &Pattern, colours: &mut [u32]) {
    let (columns, rows) = colours.split_at(pattern.columns());
    let alone_in_row = alone_in_rows(pattern, columns);
    let mut alone_in_column = vec![false; pattern.len()];
    for (place, alone) in alone_in_rows(transposed, rows).into_iter().enumerate() {
        alone_in_column[order[place] as usize] = alone;
    }
    let mut needs = Needs::new(colours);
    for (entry, (row, column)) in pattern.entries().enumerate() {
        match (alone_in_row[entry], alone_in_column[entry]) {
            (true, true) => needs.one_of(columns[column], rows[row]),
            (true, false) => needs.must(columns[column]),
            (false, _) => needs.must(rows[row]),
        }
    }
    needs.thin(colours);
}

/// The colours from which entries are read.
struct Needs {
    needed: Vec<bool>,
    /// Either of these two.
    pairs: Vec<[u32; 2]>,
}

impl Needs {
    fn new(colours: &[u32]) -> Self {
        Self { needed: vec![false; super::count(colours)], pairs: Vec::new() }
    }

    fn must(&mut self, colour: u32) {
        self.needed[colour as usize] = true;
    }

    fn one_of(&mut self, a: u32, b: u32) {
        if !self.needed[a as usize] && !self.needed[b as usize] && self.pairs.last() != Some(&[a, b]) {
            self.pairs.push([a, b]);
        }
    }

    /// Keeps the colours that are needed, and of each remaining pair the colour that occurs in most pairs; then
    /// renumbers the colours.
    fn thin(mut self, colours: &mut [u32]) {
        self.pairs.sort_unstable();
        self.pairs.dedup();
        loop {
            self.pairs.retain(|pair| pair.iter().all(|&colour| !self.needed[colour as usize]));
            let mut uses = vec![0_usize; self.needed.len()];
            for &[a, b] in &self.pairs {
                uses[a as usize] += 1;
                uses[b as usize] += 1;
            }
            // The lowest colour if there are ties, because `max_by_key` gives the last.
            let most = (0..uses.len()).rev().max_by_key(|&colour| uses[colour]);
            match most.filter(|&colour| uses[colour] > 0) {
                Some(colour) => self.needed[colour] = true,
                None => break,
            }
        }
        let mut kept = 0;
        let renumber = |&needed: &bool| {
            kept += u32::from(needed);
            if needed { kept - 1 } else { NONE }
        };
        let numbers: Vec<u32> = self.needed.iter().map(renumber).collect();
        for colour in colours.iter_mut().filter(|colour| **colour != NONE) {
            *colour = numbers[*colour as usize];
        }
    }
}
