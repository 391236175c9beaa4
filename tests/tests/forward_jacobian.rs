//! Sparse Jacobians in forward mode, without recording: they have the bits of dense ones, take few evaluations, and
//! report entries that a pattern lacks.

use dualtape::sparse::{ForwardJacobian, Pattern, jacobian_pattern};
use dualtape::{Differentiable, Error, Forward, Function};
use dualtape_tests::scenarios::rosenbrock_point;
use dualtape_tests::sparse::{SPARSE, Sparse};
use std::cell::Cell;

/// A function that counts its calls.
struct Counted<'a>(Sparse, &'a Cell<usize>);

impl Function<f64> for Counted<'_> {
    fn outputs(&self, inputs: usize) -> usize {
        self.0.outputs(inputs)
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        self.1.set(self.1.get() + 1);
        self.0.call(x, y);
    }
}

/// Sums over rows of squares, added up in the outputs.
struct Adding {
    rows: usize,
}

impl Function<f64> for Adding {
    fn outputs(&self, _: usize) -> usize {
        self.rows
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        for (row, y) in y.iter_mut().enumerate() {
            x.iter().for_each(|&x| *y += x * x * (row + 1) as f64);
        }
    }
}

#[test]
fn outputs_are_zero_at_each_call_so_that_a_function_may_add_to_them() {
    for (inputs, rows) in [(1, 1), (8, 3), (9, 1), (9, 9), (17, 2), (30, 40)] {
        let (f, x) = (Adding { rows }, vec![1.5; inputs]);
        let expected: Vec<f64> = (1..=rows).map(|row| 2.25 * (inputs * row) as f64).collect();
        let matrix: Vec<f64> =
            (1..=rows).flat_map(|row| (0..inputs).map(move |_| 3.0 * row as f64)).collect();
        assert_eq!(
            dualtape::jacobian(&f, &x),
            (expected.clone(), matrix.clone()),
            "{inputs} inputs, {rows} rows"
        );
        let (mut values, mut by_forward) = (vec![0.0; rows], vec![0.0; rows * inputs]);
        Forward::<f64>::new().jacobian(|x, y| f.call(x, y), &x, &mut values, &mut by_forward).unwrap();
        assert_eq!((&values, &by_forward), (&expected, &matrix));
        let mut sparse = ForwardJacobian::of_pattern(Pattern::dense(rows, inputs).unwrap()).unwrap();
        by_forward.fill(0.0);
        sparse.evaluate(&f, &x, &mut values, &mut by_forward).unwrap();
        assert_eq!((values, by_forward), (expected, matrix));
    }
}

/// The values, and the dense matrix by forward mode.
fn dense(f: Sparse, x: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let (mut values, mut matrix) = (vec![0.0; x.len()], vec![0.0; x.len() * x.len()]);
    Forward::<f64>::new().jacobian(|x, y| f.call(x, y), x, &mut values, &mut matrix).unwrap();
    (values, matrix)
}

/// The entries of a dense matrix in the order of a pattern.
fn read(pattern: &Pattern, matrix: &[f64]) -> Vec<f64> {
    pattern.entries().map(|(row, column)| matrix[row * pattern.columns() + column]).collect()
}

#[test]
fn entries_have_the_bits_of_dense_jacobians() {
    for f in SPARSE {
        let x = rosenbrock_point(f.inputs());
        let mut jacobian = ForwardJacobian::new(&f, &x).unwrap();
        // At a different point than where the pattern was found, and again in the same memory.
        for shift in [0.0, 0.3, -0.4] {
            let x: Vec<f64> = x.iter().map(|x| x + shift).collect();
            let (expected, matrix) = dense(f, &x);
            let (mut values, mut entries) =
                (vec![f64::NAN; x.len()], vec![f64::NAN; jacobian.pattern().len()]);
            jacobian.evaluate(&f, &x, &mut values, &mut entries).unwrap();
            assert_eq!(values, expected, "{f:?}");
            assert_eq!(entries, read(jacobian.pattern(), &matrix), "{f:?}");
            let all: f64 = matrix.iter().map(|entry| entry.abs()).sum();
            let told: f64 = entries.iter().map(|entry| entry.abs()).sum();
            assert!((all - told).abs() <= 1e-12 * all, "{f:?}: entries are missing");
        }
    }
}

#[test]
fn a_jacobian_takes_an_evaluation_for_eight_colours() {
    for f in SPARSE {
        let (x, calls) = (rosenbrock_point(f.inputs()), Cell::new(0));
        let counted = Counted(f, &calls);
        let mut jacobian = ForwardJacobian::new(&counted, &x).unwrap();
        assert_eq!(calls.replace(0), 1, "{f:?}");
        let (mut values, mut entries) = (vec![0.0; x.len()], vec![0.0; jacobian.pattern().len()]);
        jacobian.evaluate(&counted, &x, &mut values, &mut entries).unwrap();
        assert_eq!(calls.get(), jacobian.evaluations(), "{f:?}");
        let resting = matches!(f, Sparse::Resting);
        assert_eq!(jacobian.evaluations(), (jacobian.colours() + usize::from(resting)).div_ceil(8));
        let longest = (0..x.len()).map(|row| jacobian.pattern().row(row).len()).max().unwrap_or(0);
        assert!(jacobian.colours() >= longest, "{f:?}");
        let few = [(Sparse::Line, 2), (Sparse::Resting, 0)];
        let most = few.iter().find(|few| format!("{:?}", few.0) == format!("{f:?}")).map(|few| few.1);
        assert!(most.is_none_or(|most| jacobian.colours() == most), "{f:?}: {} colours", jacobian.colours());
    }
}

/// The first or the second input, chosen by an `if`.
struct Branch;

impl Function<f64> for Branch {
    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        y[0] = if x[0] < x[1] { x[0] * 3.0 } else { x[1] * 5.0 };
    }
}

#[test]
fn a_branch_that_was_not_taken_is_an_error_unless_its_entries_are_there() {
    let (there, elsewhere) = ([1.0, 2.0], [2.0, 1.0]);
    let mut jacobian = ForwardJacobian::new(&Branch, &there).unwrap();
    let (mut values, mut entries) = ([0.0], [0.0]);
    jacobian.evaluate(&Branch, &there, &mut values, &mut entries).unwrap();
    assert_eq!((values, entries), ([3.0], [3.0]));
    // Nothing depended on column 1 there.
    assert_eq!(jacobian.pattern(), &Pattern::from_entries(1, 2, [(0, 0)]).unwrap());
    let refused = jacobian.evaluate(&Branch, &elsewhere, &mut values, &mut entries).unwrap_err();
    assert!(refused.to_string().contains("output 0 moves with one of the columns 1, where"), "{refused}");

    let united = Pattern::from_entries(1, 2, [(0, 0), (0, 1)]).unwrap();
    let mut jacobian = ForwardJacobian::of_pattern(united).unwrap();
    let mut entries = [0.0; 2];
    jacobian.evaluate(&Branch, &elsewhere, &mut values, &mut entries).unwrap();
    assert_eq!((values, entries), ([5.0], [0.0, 5.0]));
}

#[test]
fn an_output_that_moves_where_it_has_no_entry_is_an_error() {
    let f = Sparse::Line;
    let x = rosenbrock_point(f.inputs());
    let whole = ForwardJacobian::new(&f, &x).unwrap();
    for lost in [0, 20, x.len() - 1] {
        let places = whole.pattern().entries().filter(|(row, _)| *row != lost);
        let pattern = Pattern::from_entries(x.len(), x.len(), places).unwrap();
        let mut jacobian = ForwardJacobian::of_pattern(pattern).unwrap();
        let mut entries = vec![0.0; jacobian.pattern().len()];
        let refused = jacobian.evaluate(&f, &x, &mut vec![0.0; x.len()], &mut entries).unwrap_err();
        assert!(
            refused.to_string().contains(&format!("output {lost} moves with one of the columns")),
            "{refused}"
        );
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused() {
    let f = Sparse::Line;
    let x = rosenbrock_point(5);
    let mut jacobian = ForwardJacobian::new(&f, &x).unwrap();
    let mut evaluate = |inputs: usize, values: usize, entries: usize| {
        jacobian.evaluate(&f, &vec![1.0; inputs], &mut vec![0.0; values], &mut vec![0.0; entries])
    };
    assert_eq!(evaluate(5, 5, 9), Ok(()));
    for shape in [[4, 5, 9], [5, 4, 9], [5, 5, 8]] {
        assert!(matches!(evaluate(shape[0], shape[1], shape[2]), Err(Error::Length { .. })), "{shape:?}");
    }
    let mut higher = ForwardJacobian::of_pattern(Pattern::dense(6, 5).unwrap()).unwrap();
    let refused = higher.evaluate(&f, &x, &mut [0.0; 6], &mut [0.0; 30]).unwrap_err();
    let expected = Error::Length { what: "pattern: its rows", per: "output", expected: 5, given: 6 };
    assert_eq!(refused, expected);
}

#[test]
fn a_warm_one_allocates_nothing() {
    let f = Sparse::Brusselator(8);
    let x = rosenbrock_point(f.inputs());
    let mut jacobian = ForwardJacobian::new(&f, &x).unwrap();
    let (mut values, mut entries) = (vec![0.0; x.len()], vec![0.0; jacobian.pattern().len()]);
    let mut run = || {
        jacobian.evaluate(&f, &x, &mut values, &mut entries).unwrap();
    };
    run();
    let measured = allocation_counter::measure(run);
    assert_eq!(measured.count_total, 0, "{measured:?}");
}

#[test]
fn the_pattern_is_that_of_a_traced_evaluation() {
    for f in SPARSE {
        let x = rosenbrock_point(f.inputs());
        let (_, pattern) = jacobian_pattern(
            |x| {
                let mut y = vec![Differentiable::constant(0.0); x.len()];
                f.call(x, &mut y);
                y
            },
            &x,
        )
        .unwrap();
        assert_eq!(ForwardJacobian::new(&f, &x).unwrap().pattern(), &pattern, "{f:?}");
    }
}
