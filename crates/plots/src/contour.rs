//! The lines along which a grid of numbers crosses zero: marching squares, joined into curves.
//!
//! Lorensen and Cline, "Marching cubes", 1987, in two dimensions; where opposite corners of a square have the same
//! sign, the mean of all four decides which of them are joined.

use std::collections::BTreeMap;

/// An edge of the grid: the node where it starts, and whether it goes up rather than to the right.
type Edge = (usize, bool);

/// Curves through the zeros of numbers at the nodes of a grid, row after row, in units of nodes.
///
/// A zero counts as negative; squares with a number that is not finite have no line.
pub(crate) fn zeros(columns: usize, numbers: &[f64]) -> Vec<Vec<(f64, f64)>> {
    let mut next: BTreeMap<Edge, Vec<Edge>> = BTreeMap::new();
    for (from, to) in segments(columns, numbers) {
        next.entry(from).or_default().push(to);
        next.entry(to).or_default().push(from);
    }
    let mut curves = Vec::new();
    // Open curves are followed from their ends first; the remaining curves are closed.
    let ends: Vec<Edge> = next.iter().filter(|(_, to)| to.len() == 1).map(|(&edge, _)| edge).collect();
    let all: Vec<Edge> = next.keys().copied().collect();
    for start in ends.into_iter().chain(all) {
        let mut curve = vec![start];
        let mut here = start;
        while let Some(to) = next.get_mut(&here).and_then(Vec::pop) {
            // The reverse direction is removed as well.
            if let Some(back) = next.get_mut(&to) {
                let at = back.iter().position(|&edge| edge == here);
                at.map(|at| back.swap_remove(at));
            }
            curve.push(to);
            here = to;
        }
        if curve.len() > 1 {
            curves.push(curve.into_iter().map(|edge| crossing(columns, numbers, edge)).collect());
        }
    }
    curves
}

/// Line segments, each across one square.
fn segments(columns: usize, numbers: &[f64]) -> Vec<(Edge, Edge)> {
    let rows = numbers.len() / columns;
    let mut segments = Vec::new();
    for row in 0..rows.saturating_sub(1) {
        for column in 0..columns - 1 {
            let node = row * columns + column;
            let corners = [node, node + 1, node + columns + 1, node + columns].map(|node| numbers[node]);
            if !corners.iter().all(|number| number.is_finite()) {
                continue;
            }
            // Counterclockwise from the lower left; each edge lies between a corner and the next.
            let edges = [(node, false), (node + 1, true), (node + columns, false), (node, true)];
            let positive = corners.map(|number| number > 0.0);
            let crossed: Vec<Edge> =
                (0..4).filter(|&i| positive[i] != positive[(i + 1) % 4]).map(|i| edges[i]).collect();
            match crossed[..] {
                [from, to] => segments.push((from, to)),
                [lower, right, upper, left] => {
                    let middle = corners.iter().map(|number| number / 4.0).sum::<f64>() > 0.0;
                    if middle == positive[0] {
                        segments.extend([(lower, right), (upper, left)]);
                    } else {
                        segments.extend([(left, lower), (right, upper)]);
                    }
                }
                _ => {}
            }
        }
    }
    segments
}

/// Where an edge crosses zero.
fn crossing(columns: usize, numbers: &[f64], (node, up): Edge) -> (f64, f64) {
    let (column, row) = ((node % columns) as f64, (node / columns) as f64);
    let (from, to) = (numbers[node], numbers[if up { node + columns } else { node + 1 }]);
    let share = from / (from - to);
    if up { (column, row + share) } else { (column + share, row) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(columns: usize, rows: usize, of: impl Fn(f64, f64) -> f64) -> Vec<f64> {
        (0..columns * rows).map(|node| of((node % columns) as f64, (node / columns) as f64)).collect()
    }

    #[test]
    fn a_circle_is_one_closed_curve_on_the_circle() {
        let circle = grid(21, 21, |x, y| (x - 10.0).hypot(y - 10.0) - 7.3);
        let curves = zeros(21, &circle);
        assert_eq!(curves.len(), 1);
        assert_eq!(curves[0].first(), curves[0].last());
        for &(x, y) in &curves[0] {
            assert!(((x - 10.0).hypot(y - 10.0) - 7.3).abs() < 0.02, "({x}, {y})");
        }
    }

    #[test]
    fn a_straight_line_is_one_open_curve_exactly_on_it() {
        let curves = zeros(9, &grid(9, 7, |x, y| x - 2.0 * y + 3.25));
        assert_eq!(curves.len(), 1);
        for &(x, y) in &curves[0] {
            assert!((x - 2.0 * y + 3.25).abs() < 1e-12, "({x}, {y})");
        }
    }

    #[test]
    fn a_saddle_has_two_curves_and_constants_and_unknowns_have_none() {
        assert_eq!(zeros(10, &grid(10, 10, |x, y| (x - 4.5) * (y - 4.5) - 0.3)).len(), 2);
        for constant in [-1.0, 0.0, 1.0, f64::NAN, f64::INFINITY] {
            assert!(zeros(5, &grid(5, 5, |_, _| constant)).is_empty(), "{constant}");
        }
        let huge = zeros(2, &[-1e300, 1e300, -1e300, 1e300]);
        assert_eq!(huge, [[(0.5, 0.0), (0.5, 1.0)]]);
        let tiny = zeros(2, &[0.0, 5e-324, 0.0, 5e-324]);
        assert_eq!(tiny, [[(0.0, 0.0), (0.0, 1.0)]]);
    }
}
