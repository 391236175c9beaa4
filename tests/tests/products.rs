//! Groups of dot products whose uniform factors are matrices or triangles: batches give the results of the tape, point
//! by point, whatever the layout of the operands.

use dualtape::program::{Results, Rows, Sums, Wrt};
use dualtape::{Differentiable, Program, ProgramScalar, Scalar, Tape, Traced};
use dualtape_tests::close::assert_close as assert_all_close;

/// A function of parameters and a point, for any type of number.
trait Function {
    fn call<D: Differentiable>(&self, p: &[D], x: &[D]) -> D;
}

/// The layout of the operands of a group of dot products.
#[derive(Clone, Copy, Debug)]
enum Operands {
    /// A matrix times the data.
    Matrix { rows: usize, columns: usize },
    /// A lower triangle times numbers computed from data, with the diagonal separate.
    Triangle { rows: usize },
    /// Rows of increasing and decreasing lengths.
    Ragged { columns: usize },
    /// Several matrices, each times its own vector, and rows that share only the first component.
    Disjoint { columns: usize },
    /// A vector that contains the same component several times, out of order.
    Repeated { columns: usize },
    /// Computed factors, constants, and the same parameter several times.
    Computed { columns: usize },
    /// Loops that start at parameters, at data, at results.
    Chains { columns: usize },
}

impl Function for Operands {
    fn call<D: Differentiable>(&self, p: &[D], x: &[D]) -> D {
        let number = |i: usize| D::constant(D::Scalar::nearest(0.25 + i as f64 * 0.125));
        let number = |i: usize| number(i % 7);
        let mixed: Vec<D> = x.iter().zip(p).map(|(&x, &p)| x - p).collect();
        let rows: Vec<D> = match *self {
            Self::Matrix { rows, columns } => {
                (0..rows).map(|row| D::dot(&p[row * columns..][..columns], &x[..columns])).collect()
            }
            Self::Triangle { rows } => (0..rows)
                .map(|row| {
                    let l = &p[row * (row + 1) / 2..][..row];
                    p[row].exp() * mixed[row] + D::dot(l, &mixed[..row])
                })
                .collect(),
            Self::Ragged { columns } => (0..2 * columns)
                .map(|row| {
                    let len = 1 + row * 5 % columns;
                    D::dot(&mixed[..len], &p[row..row + len])
                })
                .collect(),
            Self::Disjoint { columns } => (0..24)
                .map(|row| match row % 4 {
                    0 => D::dot(&p[row..row + columns], &x[..columns]),
                    1 => D::dot(&p[row..row + columns], &mixed[..columns]),
                    2 => D::dot(&p[row..row + 2], &[mixed[0], mixed[columns - 1 - row / 12]]),
                    _ => D::dot(&[p[row], x[0]], &[x[1], mixed[2]]),
                })
                .collect(),
            Self::Repeated { columns } => {
                let x: Vec<D> = (0..columns).map(|i| mixed[i * 3 % 4]).collect();
                (0..9).map(|row| D::dot(&p[row * 2..][..columns], &x)).collect()
            }
            Self::Computed { columns } => (0..7)
                .map(|row| {
                    let factor = |i: usize| match (row + i) % 3 {
                        0 => p[i].sin(),
                        1 => number(row + i),
                        _ => p[0],
                    };
                    D::dot(&(0..columns).map(factor).collect::<Vec<D>>(), &mixed[..columns])
                })
                .collect(),
            Self::Chains { columns } => (0..13)
                .map(|row| {
                    let start = [p[row], x[row % 3], mixed[0], mixed[1] * p[1]][row % 4];
                    (0..columns).fold(start, |sum, i| sum + p[row * 2 + i] * mixed[i])
                })
                .collect(),
        };
        let squares = D::dot(&rows, &rows) * number(0);
        rows.iter().fold(squares, |sum, row| sum + row.sin())
    }
}

const PARAMETERS: usize = 300;
const DATA: usize = 20;

const EACH: [Operands; 16] = [
    Operands::Matrix { rows: 1, columns: 5 },
    Operands::Matrix { rows: 4, columns: 1 },
    Operands::Matrix { rows: 5, columns: 7 },
    Operands::Matrix { rows: 7, columns: 16 },
    Operands::Matrix { rows: 14, columns: 20 },
    Operands::Triangle { rows: 2 },
    Operands::Triangle { rows: 4 },
    Operands::Triangle { rows: 11 },
    Operands::Triangle { rows: 20 },
    Operands::Ragged { columns: 4 },
    Operands::Ragged { columns: 19 },
    Operands::Disjoint { columns: 20 },
    Operands::Repeated { columns: 4 },
    Operands::Repeated { columns: 11 },
    Operands::Computed { columns: 6 },
    Operands::Chains { columns: 9 },
];

fn assert_close(what: &str, actual: f64, expected: f64, tolerance: f64) {
    assert_all_close(what, &[actual], &[expected], tolerance);
}

fn parameters<F: ProgramScalar>() -> Vec<F> {
    (0..PARAMETERS).map(|i| F::nearest((i as f64 * 0.7).sin() * 0.5)).collect()
}

fn data<F: ProgramScalar>(points: usize) -> Vec<F> {
    (0..points * DATA).map(|i| F::nearest((i as f64 * 1.3).cos() * 0.6)).collect()
}

fn recorded<F: ProgramScalar>(function: &impl Function) -> Program<F> {
    let (p, x) = ([F::nearest(0.1); PARAMETERS], [F::nearest(0.2); DATA]);
    Program::record_with_data(|p: &[_], x: &[_]| function.call(p, x), &p, &x).unwrap()
}

/// Value and gradient at one point, by tape: first for the parameters, then for the data.
fn by_tape<F: ProgramScalar>(function: &impl Function, p: &[F], x: &[F]) -> (F, Vec<F>) {
    let tape = Tape::new();
    let (p, x) = (tape.vars(p), tape.vars(x));
    let value = function.call(&p, &x);
    let adjoints = tape.gradient(value);
    (value.value(), p.iter().chain(&x).map(|&x| adjoints[x]).collect())
}

fn agree<F: ProgramScalar>(operands: Operands, count: usize, tolerance: f64) {
    let (program, p, flat) = (recorded::<F>(&operands), parameters::<F>(), data::<F>(count));
    let (mut batch, rows) = (program.batch_workspace(), Rows::new(&flat, DATA));
    let (mut derivative, mut data_derivatives, mut values) =
        (vec![F::zero(); PARAMETERS], vec![F::zero(); flat.len()], vec![F::zero(); count]);
    let results = Results {
        gradient: Some(&mut derivative),
        data_gradients: Some(&mut data_derivatives),
        values: Some(&mut values),
        ..Results::none()
    };
    program.sum(&mut batch, &p, &rows, &Sums::none(), results).unwrap();
    let mut alone = vec![F::zero(); PARAMETERS];
    program.sum_gradient(&mut batch, &p, &rows, &mut alone).unwrap();
    let width = PARAMETERS + DATA;
    let mut jacobians = vec![F::zero(); count * width];
    let mut again = vec![F::zero(); count];
    program.jacobians(&mut batch, &p, &rows, Wrt::Both, &mut again, &mut jacobians).unwrap();
    let mut clipped = vec![F::zero(); PARAMETERS];
    let sums = Sums { clip: Some(F::nearest(0.5)), ..Sums::none() };
    let mut norms = vec![F::zero(); count];
    let results = Results { gradient: Some(&mut clipped), norms: Some(&mut norms), ..Results::none() };
    program.sum(&mut batch, &p, &rows, &sums, results).unwrap();

    let mut expected = vec![0.0; PARAMETERS];
    let mut expected_clipped = vec![0.0; PARAMETERS];
    for (k, x) in flat.chunks(DATA).enumerate() {
        let (value, all) = by_tape(&operands, &p, x);
        let what = format!("{operands:?}, point {k} of {count}");
        assert_close(&what, values[k].wide(), value.wide(), tolerance);
        assert_close(&what, again[k].wide(), value.wide(), tolerance);
        let norm = all[..PARAMETERS].iter().map(|x| x.wide() * x.wide()).sum::<f64>().sqrt();
        assert_close(&what, norms[k].wide(), norm, tolerance);
        for (i, derivative) in all.iter().enumerate() {
            assert_close(&what, jacobians[k * width + i].wide(), derivative.wide(), tolerance);
            match i.checked_sub(PARAMETERS) {
                None => {
                    expected[i] += derivative.wide();
                    expected_clipped[i] += derivative.wide() * (0.5 / (norm + 1e-6)).min(1.0);
                }
                Some(i) => {
                    assert_close(&what, data_derivatives[k * DATA + i].wide(), derivative.wide(), tolerance);
                }
            }
        }
    }
    for i in 0..PARAMETERS {
        let what = format!("{operands:?}, parameter {i} over {count} points");
        let tolerance = tolerance * (1.0 + count as f64);
        assert_close(&what, derivative[i].wide(), expected[i], tolerance);
        assert_close(&what, alone[i].wide(), expected[i], tolerance);
        assert_close(&what, clipped[i].wide(), expected_clipped[i], tolerance);
    }
}

#[test]
fn groups_agree_with_the_tape_however_their_operands_lie() {
    for operands in EACH {
        for count in [1, 16, 17, 40, 64, 130] {
            agree::<f64>(operands, count, 1e-12);
            agree::<f32>(operands, count, 1e-4);
        }
    }
}

#[test]
fn dot_products_that_share_a_vector_are_planned_as_a_group() {
    let groups = |operands: Operands| {
        let plan = recorded::<f64>(&operands).to_string();
        plan.lines().filter(|line| line.contains("group")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(groups(Operands::Matrix { rows: 3, columns: 9 }), [] as [&str; 0]);
    let [matrix] = &groups(Operands::Matrix { rows: 5, columns: 9 })[..] else { panic!("there is one") };
    assert!(matrix.ends_with("a group of products of 18 operands"), "{matrix}");
    // The first row is a single product, and each other row has that of its diagonal as the last pair.
    let [triangle] = &groups(Operands::Triangle { rows: 9 })[..] else { panic!("there is one") };
    assert!(triangle.ends_with("a group of products of 4 to 18 operands"), "{triangle}");
    assert_eq!(groups(Operands::Disjoint { columns: 20 }).len(), 2);
}

/// The number added to a row of a matrix, given parameters, data and the index of the row.
type Addend = fn(&[Traced<f64>], &[Traced<f64>], usize) -> Traced<f64>;

/// The plan of a function of parameters and data, recorded at some parameters and data.
fn plan_of(function: impl Fn(&[Traced<f64>], &[Traced<f64>]) -> Traced<f64>) -> String {
    Program::record_with_data(function, &parameters::<f64>(), &data::<f64>(1)).unwrap().to_string()
}

#[test]
fn a_product_added_to_a_dot_product_moves_nothing_into_lanes_and_parts_no_group() {
    let uniform = plan_of(|p, x| {
        let r = p[0] * x[0] - x[1];
        Traced::dot(&p[..20], &p[20..40]) + r * r
    });
    let dots: Vec<&str> = uniform.lines().filter(|line| line.contains("dot")).collect();
    assert!(dots.len() == 1 && dots[0].starts_with("uniform"), "{uniform}");
    let rows = |product: Addend| {
        move |p: &[Traced<f64>], x: &[Traced<f64>]| {
            let row = |row: usize| Traced::dot(&p[row * 9..][..9], &x[..9]) + product(p, x, row);
            let rows: Vec<Traced<f64>> = (0..5).map(row).collect();
            Traced::dot(&rows, &rows)
        }
    };
    let products: [Addend; 3] =
        [|p, _, row| p[60] * p[61 + row], |p, x, row| p[61 + row] * x[row], |_, x, row| x[row] * x[row + 1]];
    for product in products {
        let plan = plan_of(rows(product));
        let groups = plan.lines().filter(|line| line.contains("a group of products of 18 operands")).count();
        assert_eq!(groups, 1, "{plan}");
    }
}

/// A triangle for which some lanes are not finite.
#[derive(Clone, Copy)]
struct Singular;

impl Function for Singular {
    fn call<D: Differentiable>(&self, p: &[D], x: &[D]) -> D {
        let x: Vec<D> = x.iter().map(|x| x.ln()).collect();
        let rows: Vec<D> = (0..8).map(|row| D::dot(&p[row * 8..][..row + 1], &x[..row + 1])).collect();
        // A zero adjoint wins over infinite numbers in the last rows.
        rows[..6].iter().fold(D::zero(), |sum, &row| sum + row) + D::dot(&rows[6..], &p[100..102])
    }
}

#[test]
fn exact_zeros_win_where_a_lane_is_infinite_or_nan() {
    let mut p = parameters::<f64>();
    p[100..102].fill(0.0);
    for singular in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        for place in 0..8 {
            let program = recorded::<f64>(&Singular);
            let mut flat: Vec<f64> = data::<f64>(40).iter().map(|x| x.abs() + 0.5).collect();
            flat[21 * DATA + place] = singular;
            let (mut gradient, mut expected) = (vec![0.0; PARAMETERS], vec![0.0; PARAMETERS]);
            let rows = Rows::new(&flat, DATA);
            let value =
                program.sum_gradient(&mut program.batch_workspace(), &p, &rows, &mut gradient).unwrap();
            let mut total = 0.0;
            for x in flat.chunks(DATA) {
                let (value, all) = by_tape(&Singular, &p, x);
                total += value;
                expected.iter_mut().zip(all).for_each(|(sum, gradient)| *sum += gradient);
            }
            let what = format!("{singular} in place {place}");
            assert_close(&what, value, total, 1e-11);
            for i in 0..PARAMETERS {
                assert_close(&format!("{what}, parameter {i}"), gradient[i], expected[i], 1e-11);
            }
        }
    }
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let program = recorded::<f64>(&Operands::Triangle { rows: 20 });
    let (p, flat) = (parameters(), data(5000));
    let sums = [1, 2, 5].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut gradient = vec![0.0; PARAMETERS];
        let rows = Rows::new(&flat, DATA);
        let value = pool
            .install(|| program.sum_gradient(&mut program.batch_workspace(), &p, &rows, &mut gradient))
            .unwrap();
        (value.to_bits(), gradient.iter().map(|x: &f64| x.to_bits()).collect::<Vec<_>>())
    });
    assert!(sums.iter().all(|sum| *sum == sums[0]));
}
