//! Colourings: every kind in every order separates all entries, recovers them exactly, and needs no more products than
//! published or proved for the same matrices.

use dualtape::Error;
use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, Source};
use std::time::Instant;

/// A random number generator (splitmix64), so that patterns are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True with this probability in thousandths.
    fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// The pattern with an entry wherever the condition holds.
fn pattern(rows: usize, columns: usize, mut holds: impl FnMut(usize, usize) -> bool) -> Pattern {
    let row = |i| (0..columns).filter(|&j| holds(i, j)).collect::<Vec<_>>();
    Pattern::from_rows(columns, (0..rows).map(row).collect::<Vec<_>>()).unwrap()
}

fn banded(n: usize, below: usize, above: usize) -> Pattern {
    Pattern::from_rows(n, (0..n).map(|i| i.saturating_sub(below)..n.min(i + above + 1))).unwrap()
}

/// A grid with the given numbers of points in each direction, where each point is joined to itself and to the points
/// at the offsets.
fn grid(sides: [usize; 3], offsets: impl Fn([i64; 3]) -> bool) -> Pattern {
    let near: Vec<[i64; 3]> =
        (0..27).map(|i| [i / 9 - 1, i / 3 % 3 - 1, i % 3 - 1]).filter(|&d| offsets(d)).collect();
    let [a, b, c] = sides.map(|side| side as i64);
    let row = |point: i64| {
        let at = [point / (b * c), point / c % b, point % c];
        let neighbours = near.iter().map(move |d| [at[0] + d[0], at[1] + d[1], at[2] + d[2]]);
        let inside = move |x: &[i64; 3]| x.iter().zip([a, b, c]).all(|(x, side)| (0..side).contains(x));
        neighbours.filter(inside).map(move |[x, y, z]| ((x * b + y) * c + z) as usize)
    };
    Pattern::from_rows((a * b * c) as usize, (0..a * b * c).map(row)).unwrap()
}

fn five_point(rows: usize, columns: usize) -> Pattern {
    grid([1, rows, columns], |d| d.iter().map(|x| x.abs()).sum::<i64>() <= 1)
}

fn nine_point(rows: usize, columns: usize) -> Pattern {
    grid([1, rows, columns], |_| true)
}

fn seven_point(side: usize) -> Pattern {
    grid([side; 3], |d| d.iter().map(|x| x.abs()).sum::<i64>() <= 1)
}

fn arrowhead(n: usize) -> Pattern {
    Pattern::from_rows(n, (0..n).map(|i| if i == 0 { (0..n).collect() } else { vec![0, i] })).unwrap()
}

fn blocks(count: usize, size: usize) -> Pattern {
    let n = count * size;
    Pattern::from_rows(n, (0..n).map(|i| i / size * size..(i / size + 1) * size)).unwrap()
}

/// Full first and last rows and columns.
fn frame(rows: usize, columns: usize) -> Pattern {
    pattern(rows, columns, |i, j| i == 0 || j == 0 || i == rows - 1 || j == columns - 1)
}

fn random(rows: usize, columns: usize, per_mille: u64, seed: u64) -> Pattern {
    let mut numbers = Numbers(seed);
    pattern(rows, columns, |_, _| numbers.chance(per_mille))
}

/// A random symmetric pattern; `diagonal` is the probability of a diagonal entry in thousandths.
fn random_symmetric(n: usize, per_mille: u64, diagonal: u64, seed: u64) -> Pattern {
    let mut numbers = Numbers(seed);
    let mut entries = Vec::new();
    for i in 0..n {
        entries.extend(numbers.chance(diagonal).then_some((i, i)));
        for j in (0..i).filter(|_| numbers.chance(per_mille)).collect::<Vec<_>>() {
            entries.extend([(i, j), (j, i)]);
        }
    }
    Pattern::from_entries(n, n, entries).unwrap()
}

/// The same matrix with the same permutation of rows and columns.
fn shuffled(pattern: &Pattern, seed: u64) -> Pattern {
    let n = pattern.rows();
    let (mut to, mut numbers) = ((0..n).collect::<Vec<_>>(), Numbers(seed));
    (1..n).rev().for_each(|i| to.swap(i, numbers.below(i + 1)));
    Pattern::from_entries(n, n, pattern.entries().map(|(i, j)| (to[i], to[j]))).unwrap()
}

/// Figure 4.1 of Gebremedhin, Manne and Pothen 2005, by rows.
const FIGURE_4_1: [&[usize]; 6] = [&[0, 1], &[0, 1, 2, 4, 5], &[1, 2, 3], &[2, 3, 5], &[1, 4], &[1, 3, 5]];

/// Figure 6.1 of the same paper, which is also figures 1 and 4 of Gebremedhin, Tarafdar, Pothen and Walther 2009.
const FIGURE_6_1: [&[usize]; 10] = [
    &[0, 1, 6],
    &[0, 1, 2, 4],
    &[1, 2, 3, 5],
    &[2, 3, 9],
    &[1, 4, 5, 7],
    &[2, 4, 5, 8],
    &[0, 6, 7],
    &[4, 6, 7, 8],
    &[5, 7, 8, 9],
    &[3, 8, 9],
];

fn figure(rows: &[&[usize]]) -> Pattern {
    figure_of(rows.len(), rows)
}

fn figure_of(columns: usize, rows: &[&[usize]]) -> Pattern {
    Pattern::from_rows(columns, rows.iter().map(|row| row.iter().copied())).unwrap()
}

fn own(pattern: &Pattern, columns: &[Option<usize>], rows: &[Option<usize>]) -> Error {
    Colouring::from_colours(pattern, ColouringKind::Columns, columns, rows).unwrap_err()
}

/// Patterns of all kinds, small enough to be checked by definition.
fn patterns() -> Vec<(&'static str, Pattern)> {
    vec![
        ("nothing at all", pattern(0, 0, |_, _| true)),
        ("no rows", pattern(0, 3, |_, _| true)),
        ("no columns", pattern(3, 0, |_, _| true)),
        ("no entries", pattern(3, 3, |_, _| false)),
        ("one entry", pattern(1, 1, |_, _| true)),
        ("one entry of many", pattern(4, 5, |i, j| (i, j) == (2, 3))),
        ("one on the diagonal", pattern(4, 4, |i, j| (i, j) == (2, 2))),
        ("a pair of many", pattern(4, 4, |i, j| (i, j) == (1, 3) || (i, j) == (3, 1))),
        ("dense", pattern(7, 7, |_, _| true)),
        ("dense and wide", pattern(3, 9, |_, _| true)),
        ("dense and tall", pattern(9, 3, |_, _| true)),
        ("all but the diagonal", pattern(8, 8, |i, j| i != j)),
        ("rows with no entries", pattern(9, 9, |i, j| i % 3 == 0 && j >= i)),
        ("a row", pattern(1, 9, |_, _| true)),
        ("a column", pattern(9, 1, |_, _| true)),
        ("diagonal", banded(9, 0, 0)),
        ("antidiagonal", pattern(8, 8, |i, j| i + j == 7)),
        ("bidiagonal", banded(9, 0, 1)),
        ("tridiagonal", banded(30, 1, 1)),
        ("tridiagonal without its diagonal", pattern(30, 30, |i, j| i.abs_diff(j) == 1)),
        ("band of 7", banded(40, 3, 3)),
        ("lopsided band", banded(40, 1, 4)),
        ("shuffled band", shuffled(&banded(60, 4, 4), 3)),
        ("five-point", five_point(9, 11)),
        (
            "five-point without its diagonal",
            grid([1, 9, 11], |d| d.iter().map(|x| x.abs()).sum::<i64>() == 1),
        ),
        ("nine-point", nine_point(8, 9)),
        ("seven-point", seven_point(5)),
        ("arrowhead", arrowhead(20)),
        ("arrowhead without its diagonal", pattern(20, 20, |i, j| (i == 0) != (j == 0))),
        ("blocks", blocks(5, 4)),
        ("frame", frame(10, 20)),
        ("figure 4.1", figure(&FIGURE_4_1)),
        ("figure 6.1", figure(&FIGURE_6_1)),
        ("sparse random", random(40, 60, 40, 1)),
        ("random", random(60, 30, 150, 2)),
        ("square random", random(40, 40, 80, 3)),
        ("symmetric random", random_symmetric(60, 50, 1000, 4)),
        ("symmetric random, half of the diagonal", random_symmetric(60, 50, 500, 5)),
        ("symmetric random, no diagonal", random_symmetric(60, 30, 0, 6)),
        ("dense symmetric random", random_symmetric(30, 400, 700, 7)),
    ]
}

fn kinds(pattern: &Pattern) -> impl Iterator<Item = ColouringKind> {
    let symmetric = pattern.is_symmetric();
    ColouringKind::ALL.into_iter().filter(move |kind| symmetric || !kind.is_symmetric())
}

fn new(pattern: &Pattern, kind: ColouringKind, order: Order) -> Colouring {
    Colouring::new(pattern, kind, order).unwrap()
}

fn best(pattern: &Pattern, kind: ColouringKind) -> usize {
    Colouring::best(pattern, kind, &Order::ALL).unwrap().products()
}

/// Whole numbers for all entries; mirrored entries are equal if the pattern is symmetric.
fn entries(pattern: &Pattern) -> Vec<f64> {
    let symmetric = pattern.is_symmetric();
    let place = |(i, j): (usize, usize)| if symmetric { (i.min(j), i.max(j)) } else { (i, j) };
    let value = |(i, j)| (1 + (i * 7919 + j * 104_729) % 9973) as f64;
    pattern.entries().map(|at| value(place(at))).collect()
}

/// The products by definition: the dense matrix times vectors of zeros and ones.
fn products(colouring: &Colouring, pattern: &Pattern, values: &[f64]) -> Vec<f64> {
    let mut dense = vec![vec![0.0; pattern.columns()]; pattern.rows()];
    pattern.entries().zip(values).for_each(|((i, j), &value)| dense[i][j] = value);
    let mut products = Vec::new();
    for colour in 0..colouring.column_colours() {
        let columns = colouring.columns_of(colour);
        products.extend(dense.iter().map(|row| columns.iter().map(|&j| row[j as usize]).sum::<f64>()));
    }
    for colour in 0..colouring.row_colours() {
        let sum = |j| colouring.rows_of(colour).iter().map(|&i| dense[i as usize][j]).sum::<f64>();
        products.extend((0..pattern.columns()).map(sum));
    }
    products
}

/// Compresses a matrix and recovers it.
fn assert_exact(colouring: &Colouring, pattern: &Pattern, what: &str) {
    let values = entries(pattern);
    let compressed = products(colouring, pattern, &values);
    assert_eq!(colouring.compress(pattern, &values).unwrap(), compressed, "{what}");
    let recovery = colouring.recovery(pattern).unwrap();
    let mut recovered = vec![f64::NAN; pattern.len()];
    recovery.recover(&compressed, &mut recovered).unwrap();
    assert_eq!(recovered, values, "{what}");

    let single: Vec<f32> = compressed.iter().map(|&x| x as f32).collect();
    let mut recovered = vec![f32::NAN; pattern.len()];
    recovery.recover(&single, &mut recovered).unwrap();
    assert!(recovered.iter().zip(&values).all(|(&a, &b)| f64::from(a) == b), "{what}");
}

#[test]
fn every_kind_in_every_order_gives_all_entries_back() {
    for (name, pattern) in patterns() {
        for kind in kinds(&pattern) {
            for order in Order::ALL {
                let what = format!("{name}, {kind:?}, {order:?}");
                let colouring = new(&pattern, kind, order);
                assert_eq!(colouring.check(&pattern), Ok(()), "{what}");
                assert_exact(&colouring, &pattern, &what);
            }
        }
    }
}

#[test]
fn small_random_patterns_are_given_back() {
    let mut numbers = Numbers(17);
    for case in 0..3000 {
        let [rows, columns] = [(); 2].map(|()| numbers.below(9));
        let [density, diagonal] = [(); 2].map(|()| numbers.below(1000) as u64);
        let pattern = match case % 2 {
            0 => random(rows, columns, density, case),
            _ => random_symmetric(rows, density, diagonal, case),
        };
        for kind in kinds(&pattern) {
            for order in Order::ALL {
                let colouring = new(&pattern, kind, order);
                assert_eq!(colouring.check(&pattern), Ok(()), "{pattern:?} {kind:?} {order:?}");
                assert_exact(&colouring, &pattern, &format!("{pattern:?} {kind:?} {order:?}"));
            }
        }
    }
}

/// For any colours, right or wrong: if the check passes, the matrix can be recovered, and what is recovered is
/// correct.
#[test]
fn colours_that_do_not_fit_are_refused() {
    let mut numbers = Numbers(23);
    let (mut taken, mut refused) = (0, 0);
    for case in 0..20_000 {
        let n = 2 + numbers.below(5);
        let pattern = match case % 2 {
            0 => random(n, n, 350, case),
            _ => random_symmetric(n, 350, 600, case),
        };
        let colours = 1 + numbers.below(n);
        let mut some = || (0..n).map(|_| numbers.below(colours + 1).checked_sub(1)).collect::<Vec<_>>();
        let (columns, rows, none) = (some(), some(), vec![None; n]);
        for kind in kinds(&pattern) {
            let given = match kind {
                ColouringKind::Rows => Colouring::from_colours(&pattern, kind, &none, &rows),
                ColouringKind::Bidirectional => Colouring::from_colours(&pattern, kind, &columns, &rows),
                _ => Colouring::from_colours(&pattern, kind, &columns, &none),
            };
            match &given {
                Ok(colouring) => assert_exact(colouring, &pattern, &format!("{pattern:?} {colouring:?}")),
                Err(error) => assert!(matches!(error, Error::NotAColouring { .. }), "{error}"),
            }
            taken += u32::from(given.is_ok());
            refused += u32::from(given.is_err());
        }
    }
    assert!(taken > 2000 && refused > 2000, "{taken} {refused}");
}

/// Uses a colouring of one pattern to recover the entries of another pattern of the same shape.
#[test]
fn entries_of_another_pattern_are_exact_or_refused() {
    for case in 0..2000 {
        let [one, other] = [case, case + 5000].map(|seed| random_symmetric(6, 300, 700, seed));
        for kind in ColouringKind::ALL {
            let colouring = new(&one, kind, Order::Natural);
            match (colouring.recovery(&other), colouring.check(&other)) {
                (Ok(_), _) => assert_exact(&colouring, &other, &format!("{one:?} {other:?} {kind:?}")),
                (Err(_), checked) => assert!(checked.is_err(), "{one:?} {other:?} {kind:?}"),
            }
        }
    }
}

/// Published numbers of colours: the matrix, what is coloured, the largest number of colours, and the source.
fn published() -> Vec<(&'static str, Pattern, ColouringKind, usize, &'static str)> {
    use ColouringKind::{Acyclic, Bidirectional, Columns, Rows, Star};
    let band = |n, half| banded(n, half, half);
    let formula =
        "2⌊ρ/2⌋ + 1 and ⌊ρ/2⌋ + 1: Gebremedhin et al. 2009; SparseMatrixColorings.jl, test/theory.jl";
    let bicoloured = "SparseMatrixColorings.jl, test/small.jl, with postprocessing";
    let cliques = "SparseMatrixColorings.jl, test/order.jl, in a perfect elimination order";
    let documented = "SparseMatrixColorings.jl, the examples of `coloring` and `compress`";
    let grids = "the star chromatic number of grids: Fertin, Raspaud and Reed 2004";
    let small = "SparseMatrixColorings.jl, test/small.jl";
    let mut table = vec![
        ("band, ρ = 10, n = 5000", band(5000, 5), Star, 11, formula),
        ("band, ρ = 10, n = 5000", band(5000, 5), Acyclic, 6, formula),
        ("band, ρ = 20, n = 5000", band(5000, 10), Star, 21, formula),
        ("band, ρ = 20, n = 5000", band(5000, 10), Acyclic, 11, formula),
        ("band, ρ = 10, n = 20000", band(20_000, 5), Star, 11, formula),
        ("band, ρ = 10, n = 20000", band(20_000, 5), Acyclic, 6, formula),
        ("band, ρ = 20, n = 20000", band(20_000, 10), Star, 21, formula),
        ("band, ρ = 20, n = 20000", band(20_000, 10), Acyclic, 11, formula),
        ("figure 4.1", figure(&FIGURE_4_1), Star, 3, "Gebremedhin, Manne and Pothen 2005, figure 4.1"),
        (
            "figure 6.1",
            figure(&FIGURE_6_1),
            Acyclic,
            3,
            "Gebremedhin et al. 2005, figure 6.1; 2009, figure 4",
        ),
        ("figure 6.1", figure(&FIGURE_6_1), Star, 5, "Gebremedhin et al. 2009, figure 1"),
        ("antidiagonal", pattern(4, 4, |i, j| i + j == 3), Bidirectional, 1, bicoloured),
        ("triangle", pattern(3, 3, |i, j| j == i || j == (i + 1) % 3), Bidirectional, 3, bicoloured),
        ("frame", frame(10, 20), Bidirectional, 4, bicoloured),
        ("three columns", figure(&[&[0, 2], &[1, 2], &[0]]), Columns, 2, small),
        ("three rows", figure(&[&[0, 2], &[1], &[0, 1]]), Rows, 2, small),
        ("four rows", figure_of(6, &[&[2, 3, 5], &[0, 4], &[1, 4], &[1, 2]]), Columns, 3, documented),
        ("five-point, 60 × 70", five_point(60, 70), Star, 5, grids),
    ];
    for (n, half) in [(100, 10), (200, 20), (400, 40), (800, 80)] {
        table.push(("shuffled band", shuffled(&band(n, half), n as u64), Acyclic, half + 1, cliques));
    }
    table
}

#[test]
fn no_more_products_are_needed_than_are_published() {
    for (name, pattern, kind, published, source) in published() {
        let ours = best(&pattern, kind);
        println!("{name:24} {:13} {ours:3} of {published:3}  {source}", format!("{kind:?}"));
        assert!(ours <= published, "{name}: {ours} products, and {published} are published ({source})");
    }
}

/// Lower bounds: the number of entries in the longest row, or of forests that cover the edges of a graph; no
/// colouring has fewer.
#[test]
fn no_colouring_has_fewer_where_a_bound_is_met() {
    use ColouringKind::{Acyclic, Bidirectional, Columns, Rows, Star};
    let table = [
        ("band", banded(300, 4, 4), &[Columns, Rows, Bidirectional][..], 9),
        ("band by substitution", banded(300, 4, 4), &[Acyclic], 5),
        ("lopsided band", banded(300, 2, 5), &[Columns, Rows, Bidirectional], 8),
        ("tridiagonal by substitution", banded(300, 1, 1), &[Acyclic], 2),
        ("five-point", five_point(60, 70), &[Columns, Rows, Bidirectional], 5),
        ("nine-point", nine_point(40, 50), &[Columns, Rows, Bidirectional], 9),
        ("blocks", blocks(50, 6), &ColouringKind::ALL, 6),
        ("dense", pattern(12, 12, |_, _| true), &ColouringKind::ALL, 12),
        ("diagonal", banded(30, 0, 0), &ColouringKind::ALL, 1),
        ("arrowhead", arrowhead(200), &[Star, Acyclic], 2),
        ("arrowhead, by columns and rows", arrowhead(200), &[Bidirectional], 3),
        ("arrowhead, by one of them", arrowhead(200), &[Columns, Rows], 200),
        ("no entries", pattern(5, 5, |_, _| false), &ColouringKind::ALL, 0),
    ];
    for (name, pattern, kinds, optimum) in table {
        for &kind in kinds {
            assert_eq!(best(&pattern, kind), optimum, "{name}, {kind:?}");
        }
    }
}

/// Where greedy colouring does not reach the optimum, it must not get worse: the matrix, what is coloured, and the
/// number of colours; the optimum of the first is 7, of the second 3 (Fertin, Godard and Raspaud 2003), of the third
/// 4.
#[test]
fn counts_above_the_optimum_do_not_grow() {
    let table = [
        ("seven-point", seven_point(12), ColouringKind::Columns, 11),
        ("five-point", five_point(60, 70), ColouringKind::Acyclic, 4),
        ("seven-point", seven_point(12), ColouringKind::Acyclic, 6),
        ("seven-point", seven_point(12), ColouringKind::Star, 10),
        ("nine-point", nine_point(40, 50), ColouringKind::Star, 9),
    ];
    for (name, pattern, kind, held) in table {
        assert!(best(&pattern, kind) <= held, "{name}, {kind:?}: {}", best(&pattern, kind));
    }
}

#[test]
fn both_together_need_no_more_than_columns_or_rows_and_stars_no_more_than_columns() {
    use ColouringKind::{Bidirectional, Columns, Rows, Star};
    for case in 0..300 {
        let [one, other] = [random(25, 35, 100, case), random_symmetric(25, 120, 1000, case)];
        for pattern in [&one, &other] {
            let both = best(pattern, Bidirectional);
            assert!(both <= best(pattern, Columns) && both <= best(pattern, Rows), "{case}");
        }
        assert!(best(&other, Star) <= best(&other, Columns), "{case}");
    }
}

#[test]
fn the_best_of_several_orders_is_the_first_of_the_fewest() {
    let mut better = 0;
    for case in 0..100 {
        let pattern = random_symmetric(40, 80, 1000, case);
        for kind in [ColouringKind::Columns, ColouringKind::Rows, ColouringKind::Acyclic] {
            let all = Order::ALL.map(|order| new(&pattern, kind, order));
            let fewest = all.iter().map(Colouring::products).min().unwrap();
            let first = all.iter().find(|colouring| colouring.products() == fewest).unwrap();
            assert_eq!(&Colouring::best(&pattern, kind, &Order::ALL).unwrap(), first);
            better += usize::from(fewest < all[0].products());
        }
        let natural = new(&pattern, ColouringKind::Columns, Order::Natural);
        assert_eq!(Colouring::best(&pattern, ColouringKind::Columns, &[]).unwrap(), natural);
    }
    assert!(better > 50, "{better}");
}

/// A full row, a full column or both do not make the work quadratic if there are few colours.
#[test]
fn long_rows_are_coloured_in_no_time() {
    let n = 200_000;
    let start = Instant::now();
    for kind in [ColouringKind::Bidirectional, ColouringKind::Star, ColouringKind::Acyclic] {
        for order in Order::ALL {
            let colouring = new(&arrowhead(n), kind, order);
            assert!(colouring.products() <= 3, "{kind:?} {order:?}");
            assert_eq!(colouring.recovery(&arrowhead(n)).unwrap().positions().len(), 3 * n - 2);
        }
    }
    // With quadratic work, one of them would take minutes.
    assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
}

#[test]
fn sources_and_positions_name_the_same_numbers() {
    let wide = frame(4, 7);
    let recovery = new(&wide, ColouringKind::Bidirectional, Order::Natural).recovery(&wide).unwrap();
    let colouring = new(&wide, ColouringKind::Bidirectional, Order::Natural);
    let rows_start = colouring.column_colours() * 4;
    let mut kinds = [0, 0];
    for (entry, (row, column)) in wide.entries().enumerate() {
        let position = recovery.positions()[entry] as usize;
        match recovery.source(entry) {
            Source::Columns { colour, row: read } => {
                assert_eq!((position, read), (colour * 4 + row, row));
                assert!(colouring.columns_of(colour).contains(&(column as u32)));
                kinds[0] += 1;
            }
            Source::Rows { colour, column: read } => {
                assert_eq!((position, read), (rows_start + colour * 7 + column, column));
                assert!(colouring.rows_of(colour).contains(&(row as u32)));
                kinds[1] += 1;
            }
        }
    }
    assert!(kinds[0] > 0 && kinds[1] > 0, "{kinds:?}");
}

/// Mirrored entries are read from the same number, although rounding made the two products differ.
#[test]
fn entries_that_mirror_each_other_have_the_same_bits() {
    let mut numbers = Numbers(5);
    for (name, pattern) in patterns().into_iter().filter(|(_, pattern)| pattern.is_symmetric()) {
        for kind in [ColouringKind::Star, ColouringKind::Acyclic] {
            let recovery = new(&pattern, kind, Order::SmallestLast).recovery(&pattern).unwrap();
            let noise: Vec<f64> =
                (0..recovery.compressed_len()).map(|_| numbers.below(1000) as f64 * 1e-3).collect();
            let mut values = vec![0.0; pattern.len()];
            recovery.recover(&noise, &mut values).unwrap();
            for ((i, j), value) in pattern.entries().zip(&values) {
                let mirror = pattern.position(j, i).unwrap();
                assert_eq!(value.to_bits(), values[mirror].to_bits(), "{name}");
            }
        }
    }
}

#[test]
fn a_recovery_allocates_nothing() {
    let pattern = five_point(30, 30);
    for kind in ColouringKind::ALL {
        let colouring = new(&pattern, kind, Order::Natural);
        let recovery = colouring.recovery(&pattern).unwrap();
        let compressed = colouring.compress(&pattern, &entries(&pattern)).unwrap();
        let mut values = vec![0.0; pattern.len()];
        let counted = allocation_counter::measure(|| recovery.recover(&compressed, &mut values).unwrap());
        assert_eq!(counted.count_total, 0, "{kind:?}");
    }
}

#[test]
fn what_is_not_symmetric_is_refused() {
    let table = [
        (pattern(2, 3, |_, _| true), "of 2 rows and 3 columns is not symmetric: it is not square"),
        (
            figure(&[&[0, 1], &[1]]),
            "of 2 rows and 2 columns is not symmetric: there is an entry at row 0, column 1, and none at row 1, column 0",
        ),
    ];
    for (pattern, reason) in table {
        for kind in [ColouringKind::Star, ColouringKind::Acyclic] {
            let error = Colouring::best(&pattern, kind, &Order::ALL).unwrap_err();
            assert!(
                matches!(error, Error::NotSymmetric { .. }) && error.to_string().contains(reason),
                "{error}"
            );
        }
    }
}

#[test]
fn wrong_lengths_shapes_and_colours_are_refused() {
    let band = banded(4, 1, 1);
    let colouring = new(&band, ColouringKind::Columns, Order::Natural);
    let recovery = colouring.recovery(&band).unwrap();
    let (compressed, mut values) = (vec![0.0; 12], vec![0.0; 10]);
    assert_eq!((recovery.compressed_len(), recovery.recover(&compressed, &mut values)), (12, Ok(())));
    let errors = [
        (recovery.recover(&compressed[..11], &mut values).unwrap_err(), "compressed matrix needs 12 numbers"),
        (recovery.recover(&compressed, &mut values[..9]).unwrap_err(), "matrix needs 10 numbers"),
        (colouring.compress(&band, &values[..9]).unwrap_err(), "matrix needs 10 numbers"),
        (colouring.recovery(&banded(5, 1, 1)).unwrap_err(), "for 4 rows and 4 columns, but it has 5 and 5"),
        (colouring.check(&banded(5, 1, 1)).unwrap_err(), "for 4 rows and 4 columns, but it has 5 and 5"),
        (colouring.compress(&banded(5, 1, 1), &values).unwrap_err(), "for 4 rows and 4 columns"),
        (colouring.recovery(&banded(4, 2, 2)).unwrap_err(), "no product shows the entry at row"),
        (own(&band, &[Some(9); 4], &[None; 4]), "colour 9 is more than 4 columns or rows need"),
        (
            own(&band, &[Some(0), None, Some(1), Some(2)], &[None; 4]),
            "one of the columns, number 1, has entries but no colour",
        ),
        (own(&band, &[Some(0), Some(1), Some(2), Some(0)], &[Some(0); 4]), "rows have colours as well"),
        (own(&band, &[Some(0)], &[None; 4]), "for 4 rows and 1 columns"),
    ];
    for (error, reason) in errors {
        assert!(error.to_string().contains(reason), "{error}");
    }
}

/// Products with more numbers than can be indexed are refused before anything is allocated.
#[test]
fn products_that_are_too_long_are_refused() {
    let n = 70_000;
    let pattern = Pattern::from_rows(n, (0..n).map(|i| if i == 0 { 0..n } else { 0..0 })).unwrap();
    let colouring = new(&pattern, ColouringKind::Columns, Order::Natural);
    let error = colouring.recovery(&pattern).unwrap_err();
    assert!(error.to_string().contains("its products have 4900000000 numbers"), "{error}");
}

/// Colours of all kinds in all orders, and times on a grid of a million points: run with `--ignored --nocapture`.
#[test]
#[ignore = "prints tables, and is of use in release only"]
fn counts_and_times() {
    for (name, pattern) in patterns() {
        for kind in kinds(&pattern) {
            let counts = Order::ALL.map(|order| new(&pattern, kind, order).products());
            println!("{name:40} {:13} {counts:?}", format!("{kind:?}"));
        }
    }
    let grid = five_point(1000, 1000);
    for kind in ColouringKind::ALL {
        for order in Order::ALL {
            let start = Instant::now();
            let colouring = new(&grid, kind, order);
            let coloured = start.elapsed();
            let recovery = colouring.recovery(&grid).unwrap();
            let planned = start.elapsed() - coloured;
            let compressed = vec![1.0; recovery.compressed_len()];
            let mut values = vec![0.0; grid.len()];
            recovery.recover(&compressed, &mut values).unwrap();
            let start = Instant::now();
            recovery.recover(&compressed, &mut values).unwrap();
            let (recovered, products) = (start.elapsed(), colouring.products());
            println!(
                "{kind:?} {order:?}: {products} in {coloured:.0?}, tables {planned:.0?}, entries {recovered:.1?}"
            );
        }
    }
}
