//! Sparse Jacobians and Hessians compared with dense ones.

use dualtape::program::{Recording, Rows, Wrt};
use dualtape::sparse::{Colouring, ColouringKind, Order, Pattern, SparseHessian, SparseJacobian};
use dualtape::{Differentiable, Error, Float, Program, ProgramScalar, Relation, Traced};
use dualtape_tests::close::close;

/// Functions of a number of inputs whose Jacobians have different shapes, for any type of number.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    /// Each output depends on an input and its neighbours.
    Band,
    /// The same in two dimensions, on a square.
    Grid,
    /// The first output depends on all inputs, each other output on the first input and the input with the same index.
    Arrow,
    /// One output of all inputs.
    Row,
    /// All outputs depend on the same input.
    Column,
    /// Every output depends on every input, through many operations.
    Dense,
    /// Two outputs that depend on every input, through many operations.
    DenseRows,
    /// No output depends on any input.
    Constant,
    /// The same input twice, sums that cancel, step functions.
    Odd,
}

impl Shape {
    const ALL: [Self; 9] = [
        Self::Band,
        Self::Grid,
        Self::Arrow,
        Self::Row,
        Self::Column,
        Self::Dense,
        Self::DenseRows,
        Self::Constant,
        Self::Odd,
    ];

    fn call<D: Differentiable>(self, x: &[D]) -> Vec<D> {
        let n = x.len();
        let mixed = |rounds: usize| {
            let mut y = x.to_vec();
            for _ in 0..rounds {
                let sum = D::sum_of(&y).sin();
                y.iter_mut().for_each(|y| *y = (*y + sum).cos() * sum);
            }
            y
        };
        match self {
            Self::Band => {
                let at = |i: usize| x[i.clamp(1, n) - 1];
                (1..=n).map(|i| at(i - 1).sin() * at(i) + at(i + 1) * D::literal(3.0)).collect()
            }
            Self::Grid => {
                let side = n.isqrt();
                let at = |i: usize, j: usize| x[i.min(side - 1) * side + j.min(side - 1)];
                let cell = |i: usize, j: usize| {
                    let around =
                        [at(i + 1, j), at(i.saturating_sub(1), j), at(i, j + 1), at(i, j.saturating_sub(1))];
                    at(i, j).exp() + D::sum_of(&around) * at(i, j)
                };
                (0..side * side).map(|place| cell(place / side, place % side)).collect()
            }
            Self::Arrow => {
                let first = D::dot(x, x);
                std::iter::once(first).chain(x[1..].iter().map(|&own| own.powi(3) * x[0])).collect()
            }
            Self::Row => vec![D::norm(x)],
            Self::Column => x.iter().enumerate().map(|(i, _)| x[0].powi(i as i32 % 5)).collect(),
            Self::Dense => mixed(3),
            Self::DenseRows => {
                let y = mixed(3);
                vec![y[0] * y[n - 1], D::sum_of(&y)]
            }
            Self::Constant => vec![D::literal(2.0), x[0].floor(), x[0].stop_gradient()],
            Self::Odd => {
                let nothing = |a: D, b: D| a - b;
                x.iter().map(|&x| (x * x - x) + nothing(x, x) + x.floor() + x.max(x)).collect()
            }
        }
    }

    /// The sum of squares of the outputs, as a function with a Hessian.
    fn scalar<D: Differentiable>(self, x: &[D]) -> D {
        self.call(x).into_iter().map(|y| y * y).sum()
    }
}

const SIZES: [usize; 4] = [1, 4, 25, 121];

fn point<F: ProgramScalar>(n: usize) -> Vec<F> {
    (0..n).map(|i| F::nearest(0.3 + 0.5 * (i as f64 * 0.7).sin())).collect()
}

/// The dense matrix with a pattern's values.
fn spread<F: ProgramScalar>(pattern: &Pattern, values: &[F]) -> Vec<F> {
    let mut dense = vec![F::zero(); pattern.rows() * pattern.columns()];
    for ((row, column), &value) in pattern.entries().zip(values) {
        dense[row * pattern.columns() + column] = value;
    }
    dense
}

fn assert_close<F: ProgramScalar>(found: &[F], expected: &[F], what: &str) {
    let size = expected.iter().fold(1.0_f64, |size, entry| size.max(entry.wide().abs()));
    let units = F::epsilon().wide() * 1e3 * size;
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a.wide() - b.wide()).abs() <= units, "{what}: entry {index} is {a:e}, not {b:e}");
    }
}

fn jacobians_agree<F: ProgramScalar>() {
    for (shape, n) in Shape::ALL.into_iter().flat_map(|shape| SIZES.map(|n| (shape, n))) {
        let what = format!("{shape:?} of {n}");
        let x = point::<F>(n);
        let program = Program::record(|x| shape.call(x), &point::<F>(n)[..]).unwrap();
        let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
        let (mut workspace, m) = (plan.workspace(), program.outputs());
        let (mut outputs, mut values) = (vec![F::zero(); m], vec![F::zero(); plan.pattern().len()]);
        let (mut expected, mut dense) = (vec![F::zero(); m], vec![F::zero(); m * n]);
        program.jacobian(&mut program.workspace(), &x, &mut expected, &mut dense).unwrap();
        for _ in 0..2 {
            plan.evaluate(&mut workspace, &x, &mut outputs, &mut values).unwrap();
            assert_close(&outputs, &expected, &what);
            assert_close(&spread(plan.pattern(), &values), &dense, &what);
        }
    }
}

#[test]
fn jacobians_of_every_shape_are_the_dense_ones() {
    jacobians_agree::<f64>();
    jacobians_agree::<f32>();
}

#[test]
fn hessians_of_every_shape_are_the_dense_ones_and_symmetric_to_the_bit() {
    for (shape, n) in Shape::ALL.into_iter().flat_map(|shape| SIZES.map(|n| (shape, n))) {
        let what = format!("{shape:?} of {n}");
        let x = point::<f64>(n);
        let program = Program::record(|x| shape.scalar(x), &x).unwrap();
        let plan = SparseHessian::new(&program, Wrt::Both).unwrap();
        let (mut gradient, mut values) = (vec![0.0; n], vec![0.0; plan.pattern().len()]);
        let (mut derivatives, mut dense) = (vec![0.0; n], vec![0.0; n * n]);
        let expected = program.hessian(&mut program.workspace(), &x, &mut derivatives, &mut dense).unwrap();
        let value = plan.evaluate(&mut plan.workspace(), &x, &mut gradient, &mut values).unwrap();
        assert_close(&[value], &[expected], &what);
        assert_close(&gradient, &derivatives, &what);
        let found = spread(plan.pattern(), &values);
        assert_close(&found, &dense, &what);
        for (row, column) in plan.pattern().entries() {
            let [one, other] = [found[row * n + column], found[column * n + row]];
            assert_eq!(one.to_bits(), other.to_bits(), "{what}: ({row}, {column})");
        }
    }
}

#[test]
fn each_way_and_each_mode_is_taken_by_some_shape() {
    let plan = |shape: Shape| {
        let program = Program::record(|x| shape.call(x), &point::<f64>(121)).unwrap();
        SparseJacobian::new(&program, Wrt::Both).unwrap()
    };
    let taken = |shape: Shape| {
        let plan = plan(shape);
        (plan.is_written_out(), plan.colouring().kind())
    };
    assert_eq!(taken(Shape::Band), (true, ColouringKind::Columns));
    assert_eq!(taken(Shape::Row), (true, ColouringKind::Rows));
    assert_eq!(taken(Shape::Arrow), (true, ColouringKind::Bidirectional));
    assert_eq!(taken(Shape::Dense), (false, ColouringKind::Columns));
    assert_eq!(taken(Shape::DenseRows).1, ColouringKind::Rows);
    // A line needs three colours, whatever its length; a constant needs none.
    assert_eq!(plan(Shape::Band).colouring().products(), 3);
    assert_eq!(plan(Shape::Constant).colouring().products(), 0);
    assert!(plan(Shape::Constant).pattern().is_empty());
}

#[test]
fn every_kind_of_colouring_gives_the_same_hessian() {
    for shape in [Shape::Band, Shape::Grid, Shape::Arrow, Shape::Dense] {
        let x = point::<f64>(25);
        let program = Program::record(|x| shape.scalar(x), &x).unwrap();
        let pattern = program.hessian_pattern(Wrt::Both).unwrap();
        let mut dense = vec![0.0; 625];
        program.hessian(&mut program.workspace(), &x, &mut [0.0; 25], &mut dense).unwrap();
        for (kind, order) in
            ColouringKind::ALL.into_iter().flat_map(|kind| Order::ALL.map(|order| (kind, order)))
        {
            let colouring = Colouring::new(&pattern, kind, order).unwrap();
            let plan = SparseHessian::trusting(&program, Wrt::Both, pattern.clone(), colouring).unwrap();
            let mut values = vec![0.0; pattern.len()];
            plan.evaluate(&mut plan.workspace(), &x, &mut [0.0; 25], &mut values).unwrap();
            assert_close(&spread(&pattern, &values), &dense, &format!("{shape:?}, {kind:?}, {order:?}"));
        }
    }
}

#[test]
fn parts_of_the_inputs_have_their_own_jacobians() {
    let f = |p: &[Traced<f64>], x: &[Traced<f64>]| vec![p[0] * x[0], p[1] * x[1] * x[2], p[0] + p[1]];
    let program = Program::record_with_data(f, &[1.0; 2], &[1.0; 3]).unwrap();
    let cases = [
        (Wrt::Parameters, vec![(0, 0), (1, 1), (2, 0), (2, 1)], vec![5.0, 42.0, 1.0, 1.0]),
        (Wrt::Data, vec![(0, 0), (1, 1), (1, 2)], vec![3.0, 28.0, 24.0]),
        (Wrt::FirstData(2), vec![(0, 0), (1, 1)], vec![3.0, 28.0]),
    ];
    for (wrt, places, expected) in cases {
        let plan = SparseJacobian::new(&program, wrt).unwrap();
        assert_eq!(plan.pattern().entries().collect::<Vec<_>>(), places, "{wrt:?}");
        let (mut outputs, mut values) = ([0.0; 3], vec![0.0; places.len()]);
        let x = [3.0, 4.0, 5.0, 6.0, 7.0];
        plan.evaluate(&mut plan.workspace(), &x, &mut outputs, &mut values).unwrap();
        assert_eq!((outputs, values), ([15.0, 168.0, 7.0], expected), "{wrt:?}");
    }
}

#[test]
fn batches_have_the_values_of_single_points_by_either_way() {
    for (shape, n) in [(Shape::Band, 9), (Shape::Arrow, 30), (Shape::Dense, 40)] {
        let f = |p: &[Traced<f64>], x: &[Traced<f64>]| {
            let x: Vec<_> = x.iter().map(|&x| x * p[0]).collect();
            shape.call(&x)
        };
        let program = Program::record_with_data(f, &[1.0], &point::<f64>(n)).unwrap();
        let plan = SparseJacobian::new(&program, Wrt::Data).unwrap();
        let points: Vec<f64> = (0..37 * n).map(|i| (i as f64 * 0.11).cos()).collect();
        let (m, entries) = (program.outputs(), plan.pattern().len());
        let (mut outputs, mut values) = (vec![0.0; 37 * m], vec![0.0; 37 * entries]);
        let (mut workspace, rows) = (plan.workspace(), Rows::new(&points, n));
        plan.evaluate_batch(&mut workspace, &[0.8], &rows, &mut outputs, &mut values).unwrap();
        for (index, point) in points.chunks(n).enumerate() {
            let x = [&[0.8], point].concat();
            let (mut expected, mut single) = (vec![0.0; m], vec![0.0; entries]);
            plan.evaluate(&mut workspace, &x, &mut expected, &mut single).unwrap();
            assert_close(&outputs[index * m..][..m], &expected, "outputs");
            assert_close(&values[index * entries..][..entries], &single, "values");
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let x = point::<f64>(300);
    let program = Program::record(|x| Shape::Dense.call(x), &x).unwrap();
    let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
    assert!(!plan.is_written_out());
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut values = vec![0.0; plan.pattern().len()];
        pool.install(|| plan.evaluate(&mut plan.workspace(), &x, &mut vec![0.0; 300], &mut values)).unwrap();
        values.iter().map(|value| value.to_bits()).collect::<Vec<_>>()
    };
    let one = on(1);
    assert!([2, 3].into_iter().all(|threads| on(threads) == one));
}

#[test]
fn singular_points_follow_the_policy_of_dense_derivatives() {
    // Infinite derivatives and exact zeros in the same colour.
    let f = |x: &[Traced<f64>]| vec![x[0].sqrt(), x[1] * x[1], x[2].abs(), x[3].ln() * x[1], x[4].max(x[5])];
    let program = Program::record(f, &[1.0; 6]).unwrap();
    let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
    let mut workspace = plan.workspace();
    for x in [[0.0; 6], [0.0, f64::INFINITY, 0.0, 0.0, 1.0, 1.0], [f64::NAN, 1.0, -0.0, -1.0, 2.0, 3.0]] {
        let (mut outputs, mut values) = ([0.0; 5], vec![0.0; plan.pattern().len()]);
        let (mut expected, mut dense) = ([0.0; 5], [0.0; 30]);
        plan.evaluate(&mut workspace, &x, &mut outputs, &mut values).unwrap();
        program.jacobian(&mut program.workspace(), &x, &mut expected, &mut dense).unwrap();
        let same = |a: f64, b: f64| a == b || (a.is_nan() && b.is_nan());
        for ((row, column), &value) in plan.pattern().entries().zip(&values) {
            let entry = dense[row * 6 + column];
            assert!(same(value, entry), "at {x:?}, ({row}, {column}): {value}, not {entry}");
        }
    }
}

#[test]
fn loops_and_calls_and_rules_are_followed() {
    use dualtape::Piecewise;
    let table = Piecewise::linear(&[-10.0, 0.0, 10.0], &[5.0, 0.0, 20.0]).unwrap();
    // Large enough to stay a call.
    let large = Program::record(
        |x| {
            let mut y = [x[0], x[1]];
            for _ in 0..600 {
                y = [y[0].sin() + 0.5, y[1].cos() - 0.25];
            }
            y
        },
        &[0.5_f64; 2],
    )
    .unwrap();
    let f = |x: &[Traced<f64>]| {
        let mut y = large.call(&x[1..3]).unwrap();
        y.push(table.at(x[0]).unwrap());
        y
    };
    let program = Program::record(f, &[0.5; 3]).unwrap();
    let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
    assert_eq!(plan.pattern().entries().collect::<Vec<_>>(), [(0, 1), (1, 2), (2, 0)]);
    let (mut outputs, mut values) = ([0.0; 3], [0.0; 3]);
    plan.evaluate(&mut plan.workspace(), &[3.0, 0.4, 0.7], &mut outputs, &mut values).unwrap();
    let (mut expected, mut dense) = ([0.0; 3], [0.0; 9]);
    program.jacobian(&mut program.workspace(), &[3.0, 0.4, 0.7], &mut expected, &mut dense).unwrap();
    assert_close(&outputs, &expected, "outputs");
    assert_close(&spread(plan.pattern(), &values), &dense, "values");
    assert!(close(values[2], 2.0, 1e-15));
}

#[test]
fn both_sides_of_a_choice_are_in_a_pattern_and_one_at_a_point() {
    let f = |x: &[Traced<f64>]| Traced::select(Relation::Less, x[0], x[1], x[2] * x[3], x[4]);
    let program = Program::record(f, &[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
    assert_eq!(program.jacobian_pattern(Wrt::Both).unwrap().row(0), [2, 3, 4]);
    let at = |x: &[f64]| {
        program.jacobian_pattern_at(&mut program.workspace(), Wrt::Both, x).unwrap().row(0).to_vec()
    };
    assert_eq!(at(&[1.0, 2.0, 0.0, 4.0, 5.0]), [2]);
    assert_eq!(at(&[3.0, 2.0, 3.0, 4.0, 5.0]), [4]);
    assert_eq!(program.hessian_pattern(Wrt::Both).unwrap().entries().collect::<Vec<_>>(), [(2, 3), (3, 2)]);
}

#[test]
fn long_sums_built_up_one_by_one_take_little_memory_and_time() {
    // Storing the set of all inputs so far for each term would take 20 GB.
    let n = 100_000;
    let f = |x: &[Traced<f64>]| {
        let sum = x.iter().fold(Traced::from(0.0), |sum, &x| sum + x * x);
        [sum, sum * x[0]]
    };
    let program = Program::record(f, &vec![0.5; n]).unwrap();
    let pattern = program.jacobian_pattern(Wrt::Both).unwrap();
    assert_eq!((pattern.row(0).len(), pattern.row(1).len()), (n, n));
}

#[test]
fn what_is_wrong_is_named() {
    let program = Program::record(|x| [x[0] * x[1], x[1]], &[1.0_f64; 2]).unwrap();
    let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
    let mut workspace = plan.workspace();
    let mut evaluate = |n: usize, m: usize, entries: usize| {
        let (x, mut outputs, mut values) = (vec![1.0; n], vec![0.0; m], vec![0.0; entries]);
        plan.evaluate(&mut workspace, &x, &mut outputs, &mut values).unwrap_err().to_string()
    };
    let cases = [
        ((3, 2, 3), "the point needs 2 numbers, one for each input, not 3"),
        ((2, 1, 3), "the slice of outputs needs 2 numbers, one for each output, not 1"),
        ((2, 2, 4), "the slice of values needs 3 numbers, one for each entry of the pattern, not 4"),
    ];
    for ((n, m, entries), words) in cases {
        assert_eq!(evaluate(n, m, entries), words);
    }
    let narrow = SparseJacobian::plan(&program, Wrt::Both, Pattern::dense(2, 3).unwrap()).unwrap_err();
    assert_eq!(
        narrow.to_string(),
        "the list of columns of the pattern needs 2 numbers, one for each requested input, not 3"
    );
    assert_eq!(SparseHessian::new(&program, Wrt::Both).unwrap_err(), Error::NotOneOutput { given: 2 });

    let branches = |x: &[Traced<f64>]| if x[0] > x[1] { x[0] } else { x[1] };
    let branching = Recording::new().program(|_, x| branches(x), &[], &[1.0, 2.0]).unwrap();
    let plan = SparseJacobian::new(&branching, Wrt::Both).unwrap();
    let other = plan.evaluate(&mut plan.workspace(), &[2.0, 1.0], &mut [0.0], &mut [0.0]);
    assert!(matches!(other, Err(Error::BranchChanged { point: 0, .. })), "{other:?}");
}

#[test]
fn batches_of_the_wrong_split_are_refused_by_either_way() {
    for shape in [Shape::Band, Shape::Dense] {
        let f = |p: &[Traced<f64>], x: &[Traced<f64>]| shape.call(&[p, x].concat());
        let program = Program::record_with_data(f, &point::<f64>(2), &point::<f64>(58)).unwrap();
        let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
        assert_eq!(plan.is_written_out(), shape == Shape::Band);
        let (mut outputs, mut values) = (vec![0.0; 60], vec![0.0; plan.pattern().len()]);
        let mut evaluate = |parameters: &[f64], point: &[f64]| {
            let rows = Rows::new(point, point.len());
            plan.evaluate_batch(&mut plan.workspace(), parameters, &rows, &mut outputs, &mut values)
        };
        assert!(evaluate(&[0.5; 2], &[0.5; 58]).is_ok());
        let refused = evaluate(&[0.5; 3], &[0.5; 57]).unwrap_err();
        assert_eq!(
            refused,
            Error::Length { what: "slice of parameters", per: "parameter", expected: 2, given: 3 }
        );
        let refused = evaluate(&[0.5; 2], &[0.5; 57]).unwrap_err();
        assert_eq!(refused, Error::Length { what: "point", per: "datum", expected: 58, given: 57 });
    }
}

#[test]
fn what_would_be_large_written_out_goes_by_lanes_before_memory_is_taken() {
    // Each of 4000 operations depends on all of 1000 inputs: 4 million tangents, where lanes keep a number for each operation.
    let f = |x: &[Traced<f64>]| {
        let shared = (0..2000).fold(Traced::sum_of(x), |sum, _| sum.sin() + 0.1);
        x.iter().map(|&x| x * shared).collect::<Vec<_>>()
    };
    let x = vec![0.001; 1000];
    let program = Program::record(f, &x).unwrap();
    let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
    assert!(!plan.is_written_out());
    assert_eq!(plan.pattern().len(), 1_000_000);
}

#[test]
fn programs_without_inputs_or_outputs_have_empty_jacobians() {
    let nothing = Program::<f64>::record(|_| Vec::new(), &[]).unwrap();
    let no_outputs = Program::<f64>::record(|_| Vec::new(), &[1.0]).unwrap();
    let no_inputs = Program::<f64>::record(|_| vec![Traced::from(2.0)], &[]).unwrap();
    for program in [nothing, no_outputs, no_inputs] {
        let plan = SparseJacobian::new(&program, Wrt::Both).unwrap();
        assert!(plan.pattern().is_empty());
        let (x, mut outputs) = (vec![1.0; program.inputs()], vec![0.0; program.outputs()]);
        plan.evaluate(&mut plan.workspace(), &x, &mut outputs, &mut []).unwrap();
        assert!(outputs.iter().all(|&output| output == 2.0));
    }
}
