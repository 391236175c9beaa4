//! Columns and rows coloured together, each entry read from a product of one or the other.

use super::graph::Graph;
use super::order::Order;
use super::{ColouringKind, NONE, bounds, count, distance_two, neutral, star};
use crate::sparse::Pattern;

/// The colours of columns and of rows.
pub(crate) type Both = [Vec<u32>; 2];

/// Colours columns and rows in three ways, and keeps the one with the fewest colours, the first of them if there are
/// ties:
///
/// - the rows with the most entries by rows and the rest by columns, or all by columns;
/// - the columns with the most entries by columns and the rest by rows, or all by rows;
/// - a star colouring of the graph that joins columns and rows by their entries, without the colours from which
///   nothing is read (Montoison, Dalle and Gebremedhin 2025).
///
/// For each entry of the transposed pattern, `entries` has its number in this pattern.
pub(crate) fn colour(pattern: &Pattern, transposed: &Pattern, entries: &[u32], order: Order) -> Both {
    let bound = bounds::lower_bound(pattern, ColouringKind::Bidirectional);
    let [by_rows, by_columns] = [Split::of(pattern), Split::of(transposed)];
    let mut best = by_rows.colour(pattern, order);
    if by_columns.bound < total(&best) && total(&best) > bound {
        let [rows, columns] = by_columns.colour(transposed, order);
        keep_fewer(&mut best, [columns, rows]);
    }
    if total(&best) > bound
        && let Some(graph) = Graph::of_both(pattern, transposed)
    {
        let mut colours = star::colour(&graph, order);
        tell_apart(&mut colours, pattern.columns());
        neutral::thin_both(pattern, entries, transposed, &mut colours);
        let mut rows = colours.split_off(pattern.columns());
        renumber(&mut colours);
        renumber(&mut rows);
        keep_fewer(&mut best, [colours, rows]);
    }
    best
}

fn total([columns, rows]: &Both) -> usize {
    count(columns) + count(rows)
}

fn keep_fewer(best: &mut Both, other: Both) {
    if total(&other) < total(best) {
        *best = other;
    }
}

/// Which rows are read from products with rows; all others are read from products with columns.
struct Split {
    by_rows: Vec<bool>,
    /// The number of colours needed.
    bound: usize,
}

impl Split {
    /// Among the splits that take the longest rows, the one with the lowest lower bound: the length of the longest
    /// remaining row, plus the most entries of a column in the rows taken.
    fn of(pattern: &Pattern) -> Self {
        let mut rows: Vec<usize> = (0..pattern.rows()).collect();
        rows.sort_by_key(|&row| std::cmp::Reverse(pattern.row(row).len()));
        let mut in_column = vec![0_usize; pattern.columns()];
        let (mut longest_column, mut taken, mut bound) = (0, 0, distance_two::longest_row(pattern));
        for (before, &row) in rows.iter().enumerate() {
            for &column in pattern.row(row) {
                in_column[column as usize] += 1;
                longest_column = longest_column.max(in_column[column as usize]);
            }
            let left = rows.get(before + 1).map_or(0, |&next| pattern.row(next).len());
            if longest_column + left < bound {
                (taken, bound) = (before + 1, longest_column + left);
            }
        }
        let mut by_rows = vec![false; pattern.rows()];
        rows[..taken].iter().for_each(|&row| by_rows[row] = true);
        Self { by_rows, bound }
    }

    fn colour(&self, pattern: &Pattern, order: Order) -> Both {
        let left = self.part(pattern, false);
        let taken = self.part(pattern, true);
        [
            distance_two::colour(&left.transposed(), &left, order),
            distance_two::colour(&taken, &taken.transposed(), order),
        ]
    }

    /// The pattern with only the entries of the rows taken, or only the others.
    fn part(&self, pattern: &Pattern, taken: bool) -> Pattern {
        let mut part = Pattern::without_rows(pattern.columns()).expect("as many columns as a pattern has");
        for row in 0..pattern.rows() {
            let kept = if self.by_rows[row] == taken { pattern.row(row) } else { &[] };
            part.push_row(kept.iter().copied()).expect("no more entries than a pattern has");
        }
        part
    }
}

/// Gives rows other colours than columns, because a star colouring may give the same colour to both.
fn tell_apart(colours: &mut [u32], columns: usize) {
    let first = count(&colours[..columns]) as u32;
    colours[columns..].iter_mut().filter(|colour| **colour != NONE).for_each(|colour| *colour += first);
}

/// Renumbers colours from 0 in their former order, without gaps.
fn renumber(colours: &mut [u32]) {
    let mut numbers = vec![NONE; count(colours)];
    colours.iter().filter(|&&colour| colour != NONE).for_each(|&colour| numbers[colour as usize] = 0);
    let used = numbers.iter_mut().filter(|number| **number != NONE);
    used.enumerate().for_each(|(next, number)| *number = next as u32);
    colours.iter_mut().filter(|c| **c != NONE).for_each(|colour| *colour = numbers[*colour as usize]);
}
