//! Colourings: every kind in every order tells all entries apart, gives them back exactly, and needs no more products than
//! are published or proved for the same matrices.

use dualtape::Error;
use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern};
use std::time::Instant;

/// A generator of numbers by splitmix64, so that patterns are the same everywhere.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// True so often in a thousand times.
    fn chance(&mut self, per_mille: u64) -> bool {
        self.next() % 1000 < per_mille
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// The pattern with an entry wherever this holds.
fn pattern(rows: usize, columns: usize, mut holds: impl FnMut(usize, usize) -> bool) -> Pattern {
    let row = |i| (0..columns).filter(|&j| holds(i, j)).collect::<Vec<_>>();
    Pattern::from_rows(columns, (0..rows).map(row).collect::<Vec<_>>()).unwrap()
}

fn banded(n: usize, below: usize, above: usize) -> Pattern {
    Pattern::from_rows(n, (0..n).map(|i| i.saturating_sub(below)..n.min(i + above + 1))).unwrap()
}

/// A grid of so many points in each direction, each point joined with itself and those that differ by an offset.
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

/// Symmetric, with the diagonal entries that `diagonal` says in a thousand.
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

/// The same matrix with rows and columns shuffled alike.
fn shuffled(pattern: &Pattern, seed: u64) -> Pattern {
    let n = pattern.rows();
    let (mut to, mut numbers) = ((0..n).collect::<Vec<_>>(), Numbers(seed));
    (1..n).rev().for_each(|i| to.swap(i, numbers.below(i + 1)));
    Pattern::from_entries(n, n, pattern.entries().map(|(i, j)| (to[i], to[j]))).unwrap()
}

/// Figure 4.1 of Gebremedhin, Manne and Pothen 2005, by rows.
const FIGURE_4_1: [&[usize]; 6] = [&[0, 1], &[0, 1, 2, 4, 5], &[1, 2, 3], &[2, 3, 5], &[1, 4], &[1, 3, 5]];

/// Figure 6.1 of the same, which is figures 1 and 4 of Gebremedhin, Tarafdar, Pothen and Walther 2009.
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
    Pattern::from_rows(rows.len(), rows.iter().map(|row| row.iter().copied())).unwrap()
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

/// Whole numbers for all entries, those that mirror each other alike where the pattern is symmetric.
fn entries(pattern: &Pattern) -> Vec<f64> {
    let symmetric = pattern.is_symmetric();
    let place = |(i, j): (usize, usize)| if symmetric { (i.min(j), i.max(j)) } else { (i, j) };
    let value = |(i, j)| (1 + (i * 7919 + j * 104_729) % 9973) as f64;
    pattern.entries().map(|at| value(place(at))).collect()
}

/// The products by their definition: the matrix, dense, with vectors of zeros and ones.
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

/// Takes a matrix apart and puts it together again.
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

/// Whatever colours are given, right or wrong: what the check lets through can be recovered, and what can be recovered is
/// right.
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

/// A colouring of one pattern, asked for the entries of another of the same shape.
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

#[test]
#[ignore = "prints a table"]
fn counts() {
    let patterns = [
        ("banded 5", banded(100, 2, 2)),
        ("banded 11", banded(5000, 5, 5)),
        ("banded 21", banded(5000, 10, 10)),
        ("tridiagonal", banded(100, 1, 1)),
        ("five-point", five_point(30, 30)),
        ("five-point 200x300", five_point(200, 300)),
        ("nine-point", nine_point(30, 30)),
        ("seven-point", seven_point(12)),
        ("arrowhead", arrowhead(50)),
        ("blocks", blocks(10, 4)),
        ("frame", frame(10, 20)),
        ("random", random(100, 200, 30, 1)),
        ("symmetric", random_symmetric(100, 30, 1000, 1)),
        ("symmetric, half diagonal", random_symmetric(100, 30, 500, 1)),
    ];
    for (name, pattern) in &patterns {
        for kind in ColouringKind::ALL {
            if kind.is_symmetric() && !pattern.is_symmetric() {
                continue;
            }
            let counts = Order::ALL.map(|order| Colouring::new(pattern, kind, order).unwrap().products());
            println!("{name:30} {kind:?} {counts:?}");
        }
    }
    let grid = five_point(1000, 1000);
    for kind in ColouringKind::ALL {
        for order in Order::ALL {
            let start = Instant::now();
            let colouring = Colouring::new(&grid, kind, order).unwrap();
            let coloured = start.elapsed();
            let recovery = colouring.recovery(&grid).unwrap();
            println!(
                "{kind:?} {order:?}: {} in {coloured:?}; {:?}",
                colouring.products(),
                start.elapsed() - coloured
            );
            let values = vec![1.0; grid.len()];
            let compressed = colouring.compress(&grid, &values).unwrap();
            let mut back = vec![0.0; grid.len()];
            recovery.recover(&compressed, &mut back).unwrap();
            let start = Instant::now();
            recovery.recover(&compressed, &mut back).unwrap();
            println!("   recovered in {:?}", start.elapsed());
            assert_eq!(values, back);
        }
    }
}
