//! The lines on which a grid of numbers crosses zero: marching squares.
//!
//! Lorensen and Cline, "Marching cubes", 1987, in two dimensions; where opposite corners of a square agree, the
//! mean of all four decides which of them are joined.

/// An edge of the grid: the node it starts from, and whether it goes up rather than to the right.
type Edge = (usize, bool);

/// Pieces of the lines through the zeros of numbers at the nodes of a grid, row after row, in units of nodes; each piece
/// crosses one square.
///
/// A zero counts as negative; squares with a number that is not finite have no line.
pub(crate) fn zeros(columns: usize, numbers: &[f64]) -> Vec<[(f64, f64); 2]> {
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
    segments.into_iter().map(|(from, to)| [from, to].map(|edge| crossing(columns, numbers, edge))).collect()
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
    fn pieces_lie_on_the_line_and_are_as_long_as_it() {
        let circle = zeros(21, &grid(21, 21, |x, y| (x - 10.0).hypot(y - 10.0) - 7.3));
        let length: f64 = circle.iter().map(|[a, b]| (a.0 - b.0).hypot(a.1 - b.1)).sum();
        assert!((length / (2.0 * std::f64::consts::PI * 7.3) - 1.0).abs() < 0.01, "{length}");
        for &(x, y) in circle.iter().flatten() {
            assert!(((x - 10.0).hypot(y - 10.0) - 7.3).abs() < 0.02, "({x}, {y})");
        }
        let straight = zeros(9, &grid(9, 7, |x, y| x - 2.0 * y + 3.25));
        assert!(straight.len() >= 8);
        for &(x, y) in straight.iter().flatten() {
            assert!((x - 2.0 * y + 3.25).abs() < 1e-12, "({x}, {y})");
        }
    }

    #[test]
    fn a_saddle_has_two_curves_and_constants_and_unknowns_have_none() {
        assert_eq!(zeros(2, &[1.0, -1.0, -1.0, 1.0]).len(), 2);
        for constant in [-1.0, 0.0, 1.0, f64::NAN, f64::INFINITY] {
            assert!(zeros(5, &grid(5, 5, |_, _| constant)).is_empty(), "{constant}");
        }
        for end in [1e300, 5e-324] {
            let [[from, to]] = zeros(2, &[-end, end, -end, end])[..] else { panic!("one piece") };
            assert_eq!((from.0.min(to.0), from.1.min(to.1), from.1.max(to.1)), (0.5, 0.0, 1.0));
        }
    }
}
