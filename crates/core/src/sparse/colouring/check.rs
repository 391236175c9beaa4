//! The definitions of colourings, written out directly: slow, and independent of the code that finds and uses
//! colourings.

use super::acyclic::Trees;
use super::recovery::unread;
use super::{Colouring, ColouringKind, check_symmetric};
use crate::Error;
use crate::sparse::Pattern;
use std::collections::BTreeMap;

pub(crate) fn check(colouring: &Colouring, pattern: &Pattern) -> Result<(), Error> {
    colouring.check_shape(pattern)?;
    let kind = colouring.kind();
    let transposed = pattern.transposed();
    if kind.is_symmetric() {
        check_symmetric(pattern, &transposed)?;
    }
    if kind != ColouringKind::Bidirectional {
        let (unused, what) = match kind {
            ColouringKind::Rows => (colouring.column_colours(), "columns"),
            _ => (colouring.row_colours(), "rows"),
        };
        if unused > 0 {
            return Err(kind.refused(format!("{what} have colours as well")));
        }
    }
    match kind {
        ColouringKind::Columns => apart(kind, pattern, |j| colouring.column_colour(j), ["columns", "row"]),
        ColouringKind::Rows => apart(kind, &transposed, |i| colouring.row_colour(i), ["rows", "column"]),
        ColouringKind::Bidirectional => either(kind, pattern, |row, column| {
            let in_row = |other| colouring.column_colour(other) == colouring.column_colour(column);
            let in_column = |other| colouring.row_colour(other) == colouring.row_colour(row);
            (colouring.column_colour(column).is_some() && count(pattern.row(row), in_row) == 1)
                || (colouring.row_colour(row).is_some() && count(transposed.row(column), in_column) == 1)
        }),
        ColouringKind::Star => either(kind, pattern, |row, column| {
            shown(colouring, pattern, row, column) || shown(colouring, pattern, column, row)
        }),
        ColouringKind::Acyclic => acyclic(colouring, pattern),
    }
}

/// No two entries of a row have columns of the same colour, and all have a colour.
fn apart(
    kind: ColouringKind,
    pattern: &Pattern,
    colour: impl Fn(usize) -> Option<usize>,
    [plural, across]: [&str; 2],
) -> Result<(), Error> {
    for row in 0..pattern.rows() {
        let mut first = BTreeMap::new();
        for column in pattern.row(row).iter().map(|&column| column as usize) {
            let Some(colour) = colour(column) else {
                return Err(
                    kind.refused(format!("one of the {plural}, number {column}, has entries but no colour"))
                );
            };
            if let Some(other) = first.insert(colour, column) {
                let both = format!("{plural} {other} and {column} of colour {colour}");
                return Err(kind.refused(format!("{both} meet in {across} {row}")));
            }
        }
    }
    Ok(())
}

/// Each entry is given by one product or another.
fn either(kind: ColouringKind, pattern: &Pattern, shown: impl Fn(usize, usize) -> bool) -> Result<(), Error> {
    match pattern.entries().find(|&(row, column)| !shown(row, column)) {
        Some(place) => Err(unread(kind, place)),
        None => Ok(()),
    }
}

/// Whether the number of a row, in the product of a column's colour, is that entry alone.
fn shown(colouring: &Colouring, pattern: &Pattern, row: usize, column: usize) -> bool {
    let colour = colouring.column_colour(column);
    colour.is_some() && count(pattern.row(row), |other| colouring.column_colour(other) == colour) == 1
}

fn count(indices: &[u32], holds: impl Fn(usize) -> bool) -> usize {
    indices.iter().filter(|&&index| holds(index as usize)).count()
}

/// Diagonal entries are given, neighbours differ, and the edges between two colours have no cycle. An edge to a
/// vertex without a colour is given at that vertex.
fn acyclic(colouring: &Colouring, pattern: &Pattern) -> Result<(), Error> {
    let kind = colouring.kind();
    let mut trees = Trees::default();
    // For each pair of colours and each vertex, the member that stands for it in the trees.
    let mut members = BTreeMap::new();
    for (row, column) in pattern.entries().filter(|(row, column)| row <= column) {
        let colours = [colouring.column_colour(row), colouring.column_colour(column)];
        let [Some(a), Some(b)] = colours else {
            if !shown(colouring, pattern, row, column) && !shown(colouring, pattern, column, row) {
                return Err(unread(kind, (row, column)));
            }
            continue;
        };
        if row == column {
            if !shown(colouring, pattern, row, column) {
                return Err(unread(kind, (row, column)));
            }
            continue;
        }
        if a == b {
            return Err(kind.refused(format!("{row} and {column} are neighbours of colour {a}")));
        }
        let mut member =
            |vertex| *members.entry((a.min(b), a.max(b), vertex)).or_insert_with(|| trees.plant());
        let [one, other] = [member(row), member(column)];
        if !trees.join(one, other) {
            let edge = format!("the edge between {row} and {column}");
            return Err(kind.refused(format!("{edge} closes a cycle of colours {a} and {b}")));
        }
    }
    Ok(())
}
