//! Lower bounds for the number of colours of any colouring.

use super::ColouringKind;
use super::distance_two::longest_row;
use super::graph::Graph;
use crate::sparse::Pattern;

/// The least number of products needed.
pub(crate) fn lower_bound(pattern: &Pattern, kind: ColouringKind) -> usize {
    match kind {
        ColouringKind::Columns => longest_row(pattern),
        ColouringKind::Rows => longest_row(&pattern.transposed()),
        // Each product gives at most one entry at each of its places.
        ColouringKind::Bidirectional => pattern.len().div_ceil(pattern.rows().max(pattern.columns()).max(1)),
        ColouringKind::Star | ColouringKind::Acyclic => forests(pattern),
    }
}

/// The edges between each two of k colours are a forest, so there are at most (k − 1)·n − k·(k − 1)/2 edges on n
/// vertices. A vertex without a diagonal entry may have no colour, which counts as one more.
fn forests(pattern: &Pattern) -> usize {
    let (edges, joined) = Graph::of_symmetric(pattern).size();
    let diagonal = (0..pattern.rows()).filter(|&row| pattern.position(row, row).is_some()).count();
    let possible = |colours: usize| (colours - 1) * joined - colours * (colours - 1) / 2;
    let colours = (1..=joined).find(|&colours| possible(colours) >= edges).unwrap_or(0);
    if edges == 0 {
        usize::from(diagonal > 0)
    } else if diagonal < joined {
        1.max(colours - 1)
    } else {
        colours
    }
}
