//! Entries of a symmetric matrix computed from each other: in each tree of two colours from the leaves inwards
//! (Gebremedhin, Tarafdar, Pothen and Walther 2009).

use super::recovery::{Layout, unread};
use super::{ColouringKind, NONE};
use crate::Error;
use crate::sparse::Pattern;

/// Subtracts known entries from the number read for an entry, and copies the result to its mirror image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) entry: u32,
    pub(crate) mirror: u32,
    /// The end of its terms; they start at the end of those of the step before.
    pub(crate) end: u32,
}

/// The place from which each entry is read, and the steps and their terms.
pub(crate) type Plan = (Vec<u32>, Vec<Step>, Vec<u32>);

/// Each number of a product is a sum of the entries of a row whose columns have its colour. If all of them but one
/// are known, that one follows, and with it its mirror image, which is a term of another sum. The sums of one term
/// come first, and the sums are in the order in which they became ready, so that paths through trees are short.
pub(crate) fn plan(
    pattern: &Pattern,
    mirrors: &[u32],
    colours: &[u32],
    layout: Layout,
) -> Result<Plan, Error> {
    let mut sums = Sums::new(pattern, colours);
    let (mut positions, mut steps, mut terms) = (vec![NONE; pattern.len()], Vec::new(), Vec::new());
    let mut found = vec![false; pattern.len()];
    let mut ready: Vec<u32> =
        (0..sums.unknown.len() as u32).filter(|&s| sums.unknown[s as usize] == 1).collect();
    let mut next = 0;
    while let Some(&sum) = ready.get(next) {
        next += 1;
        let members = sums.members(sum);
        // `None` if its mirror image came first.
        let Some(&entry) = members.iter().find(|&&entry| !found[entry as usize]) else { continue };
        let mirror = mirrors[entry as usize];
        let row = sums.rows[sum as usize] as usize;
        let position = layout.in_columns(colours[pattern.indices()[entry as usize] as usize], row);
        (positions[entry as usize], positions[mirror as usize]) = (position, position);
        if members.len() > 1 {
            terms.extend(members.iter().filter(|&&other| other != entry));
            steps.push(Step { entry, mirror, end: terms.len() as u32 });
        }
        for known in [entry, mirror] {
            if !std::mem::replace(&mut found[known as usize], true) && sums.lessen(known) {
                ready.push(sums.of_entry[known as usize]);
            }
        }
    }
    match pattern.entries().zip(&found).find(|&(_, &found)| !found) {
        Some((place, _)) => Err(unread(ColouringKind::Acyclic, place)),
        None => Ok((positions, steps, terms)),
    }
}

/// The numbers of products that have terms.
struct Sums {
    /// For each entry the sum that contains it; `NONE` if its column has no colour.
    of_entry: Vec<u32>,
    rows: Vec<u32>,
    /// How many of the terms are not known yet.
    unknown: Vec<u32>,
    /// The start of the terms of each sum; a last number gives the end of all.
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl Sums {
    fn new(pattern: &Pattern, colours: &[u32]) -> Self {
        let mut of_entry = Vec::with_capacity(pattern.len());
        let (mut rows, mut unknown) = (Vec::new(), Vec::new());
        // For each colour, the last row that had it, and the sum.
        let mut last = vec![(NONE, NONE); super::count(colours)];
        for (row, column) in pattern.entries() {
            let Some((last_row, sum)) = last.get_mut(colours[column] as usize) else {
                of_entry.push(NONE);
                continue;
            };
            if std::mem::replace(last_row, row as u32) != row as u32 {
                *sum = rows.len() as u32;
                rows.push(row as u32);
                unknown.push(0);
            }
            unknown[*sum as usize] += 1;
            of_entry.push(*sum);
        }
        let mut starts = vec![0; unknown.len() + 1];
        for (sum, &terms) in unknown.iter().enumerate() {
            starts[sum + 1] = starts[sum] + terms;
        }
        let (mut next, mut entries) = (starts.clone(), vec![0; starts[unknown.len()] as usize]);
        for (entry, &sum) in of_entry.iter().enumerate().filter(|&(_, &sum)| sum != NONE) {
            entries[next[sum as usize] as usize] = entry as u32;
            next[sum as usize] += 1;
        }
        Self { of_entry, rows, unknown, starts, entries }
    }

    fn members(&self, sum: u32) -> &[u32] {
        &self.entries[self.starts[sum as usize] as usize..self.starts[sum as usize + 1] as usize]
    }

    /// Notes that a term is known; returns whether all but one are now known.
    fn lessen(&mut self, entry: u32) -> bool {
        let Some(unknown) = self.unknown.get_mut(self.of_entry[entry as usize] as usize) else {
            return false;
        };
        *unknown -= 1;
        *unknown == 1
    }
}
