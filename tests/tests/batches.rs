//! A program at many points: a batch gives the same results as the eager modes, point by point.

use dualtape::program::{Results, Rows, Selected, Sums, Wrt};
use dualtape::{Differentiable, Error, Float, Program, Traced, gradient, hessian};
use dualtape_tests::close::assert_close;

/// A small network with a loss: affine maps, activations, reductions, and parameters outside affine maps.
fn network<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
    let (first, rest) = p.split_at(5 * 3);
    let (first_bias, rest) = rest.split_at(5);
    let (second, rest) = rest.split_at(2 * 5);
    let (second_bias, free) = rest.split_at(2);
    let hidden: Vec<D> = D::affine(first, first_bias, &x[..3]).iter().map(|h| h.tanh()).collect();
    let logits = D::affine(second, second_bias, &hidden);
    D::log_sum_exp(&logits) - logits[0] * x[3]
        + D::norm(&hidden) * free[0].exp()
        + D::dot(&x[..3], &free[1..4])
}

const PARAMETERS: usize = 5 * 3 + 5 + 2 * 5 + 2 + 4;
const DATA: usize = 4;

fn parameters() -> Vec<f64> {
    (0..PARAMETERS).map(|i| (i as f64 * 0.7).sin()).collect()
}

fn data(points: usize) -> Vec<f64> {
    (0..points * DATA).map(|i| (i as f64 * 1.3).cos() * 1.5).collect()
}

fn recorded() -> Program<f64> {
    Program::record_with_data(network, &[0.1; PARAMETERS], &[0.2; DATA]).unwrap()
}

/// Value and gradient at one point, by tape: first for the parameters, then for the data.
fn by_tape(parameters: &[f64], point: &[f64]) -> (f64, Vec<f64>) {
    let all = [parameters, point].concat();
    gradient(|all| network(&all[..PARAMETERS], &all[PARAMETERS..]), &all)
}

#[test]
fn sums_over_any_number_of_points_are_those_of_the_tape() {
    let (program, p) = (recorded(), parameters());
    let mut batch = program.batch_workspace();
    for count in [0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 79, 100, 1000] {
        let flat = data(count);
        let rows = Rows::new(&flat, DATA);
        let (mut derivative, mut data_derivatives, mut values) =
            (vec![9.0; PARAMETERS], vec![9.0; flat.len()], vec![9.0; count]);
        let results = Results {
            gradient: Some(&mut derivative),
            data_gradients: Some(&mut data_derivatives),
            values: Some(&mut values),
            ..Results::none()
        };
        let sum = program.sum(&mut batch, &p, &rows, &Sums::default(), results).unwrap();
        let mut expected = vec![0.0; PARAMETERS];
        let mut total = 0.0;
        for (k, point) in flat.chunks(DATA).enumerate() {
            let (value, all) = by_tape(&p, point);
            assert_close("value", &[values[k]], &[value], 1e-14);
            assert_close("data", &data_derivatives[k * DATA..(k + 1) * DATA], &all[PARAMETERS..], 1e-12);
            expected.iter_mut().zip(&all).for_each(|(sum, derivative)| *sum += derivative);
            total += value;
        }
        assert_close(&format!("{count} points"), &derivative, &expected, 1e-11);
        assert_close("sum", &[sum.value], &[total], 1e-12);
    }
}

#[test]
fn weights_and_clipping_act_on_each_points_own_gradient() {
    let (program, p, flat) = (recorded(), parameters(), data(50));
    let weights: Vec<f64> = (0..50).map(|k| f64::from(k % 5) - 1.0).collect();
    let (mut derivative, mut norms) = (vec![0.0; PARAMETERS], vec![0.0; 50]);
    let bound = 4.0;
    let sums = Sums { weights: Some(&weights), clip: Some(bound), ..Sums::none() };
    let results = Results { gradient: Some(&mut derivative), norms: Some(&mut norms), ..Results::none() };
    let sum =
        program.sum(&mut program.batch_workspace(), &p, &Rows::new(&flat, DATA), &sums, results).unwrap();
    let (mut expected, mut total, mut clipped) = (vec![0.0; PARAMETERS], 0.0, 0);
    for (k, point) in flat.chunks(DATA).enumerate() {
        let (value, all) = by_tape(&p, point);
        let own = &all[..PARAMETERS];
        let norm = f64::norm(own);
        assert_close("norm", &[norms[k]], &[norm], 1e-12);
        let factor = (bound / (norm + 1e-6)).min(1.0);
        clipped += usize::from(factor < 1.0);
        expected.iter_mut().zip(own).for_each(|(sum, derivative)| *sum += weights[k] * factor * derivative);
        total += weights[k] * value;
    }
    assert!(clipped > 5 && clipped < 45, "{clipped}");
    assert_eq!(sum.clipped, clipped);
    assert_close("clipped sum", &derivative, &expected, 1e-11);
    assert_close("weighted value", &[sum.value], &[total], 1e-11);
}

/// If parameters and data meet only in affine maps, norms are computed without the gradients themselves.
#[test]
fn norms_of_plain_networks_are_those_of_the_gradients() {
    fn plain<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let hidden: Vec<D> = D::affine(&p[..12], &p[12..16], &x[..3]).iter().map(|h| h.sigmoid()).collect();
        D::affine(&p[16..20], &p[20..21], &hidden)[0].powi(2)
    }
    let p: Vec<f64> = (0..21).map(|i| (f64::from(i) * 0.9).cos()).collect();
    let flat = data(90);
    let program = Program::record_with_data(plain, &p, &flat[..DATA]).unwrap();
    let (mut norms, mut derivative) = (vec![0.0; 90], vec![0.0; 21]);
    let sums = Sums { clip: Some(0.5), ..Sums::default() };
    let results = Results { norms: Some(&mut norms), gradient: Some(&mut derivative), ..Results::none() };
    program.sum(&mut program.batch_workspace(), &p, &Rows::new(&flat, DATA), &sums, results).unwrap();
    let mut expected = vec![0.0; 21];
    for (point, norm) in flat.chunks(DATA).zip(norms) {
        let constant: Vec<f64> = point.to_vec();
        let (_, own) = gradient(
            |p| {
                let x: Vec<_> = constant.iter().map(|&x| Differentiable::constant(x)).collect();
                plain(p, &x)
            },
            &p,
        );
        assert_close("norm", &[norm], &[f64::norm(&own)], 1e-13);
        let factor = (0.5 / (f64::norm(&own) + 1e-6)).min(1.0);
        expected.iter_mut().zip(&own).for_each(|(sum, derivative)| *sum += factor * derivative);
    }
    assert_close("clipped sum", &derivative, &expected, 1e-12);
}

/// An affine map of data and of a number that depends only on parameters.
#[test]
fn matrices_of_every_shape_have_the_derivatives_of_a_plain_loop() {
    let shapes = [1, 2, 7, 8, 17].into_iter().flat_map(|rows| [1, 2, 7, 8, 9, 16, 17, 75].map(|x| (rows, x)));
    for ((rows, columns), count) in shapes.flat_map(|shape| [1, 16, 33, 70].map(|count| (shape, count))) {
        each_way::<f64>(rows, columns, count, 1e-12);
        each_way::<f32>(rows, columns, count, 2e-4);
    }
}

/// Half the sum of squares of W x + b, whose derivatives are Σ (W x + b) xᵀ and Σ (W x + b): for an input x, and for
/// a computed x.
fn each_way<F: dualtape::ProgramScalar>(rows: usize, columns: usize, count: usize, tolerance: f64) {
    let number = |i: usize| F::nearest((i as f64 * 0.77).sin());
    let p: Vec<F> = (0..rows * (columns + 1)).map(number).collect();
    let flat: Vec<F> = (0..columns * count).map(|i| number(3 * i + 1)).collect();
    for computed in [false, true] {
        let f = |p: &[Traced<F>], x: &[Traced<F>]| {
            let x: Vec<_> = x.iter().map(|&x| if computed { -x } else { x }).collect();
            let z = Traced::affine(&p[..rows * columns], &p[rows * columns..], &x);
            Traced::dot(&z, &z) * Traced::literal(0.5)
        };
        let program = Program::record_with_data(f, &p, &flat[..columns]).unwrap();
        let mut gradient = vec![F::zero(); p.len()];
        let points = Rows::new(&flat, columns);
        program.sum_gradient(&mut program.batch_workspace(), &p, &points, &mut gradient).unwrap();
        let mut expected = vec![0.0; p.len()];
        for x in flat.chunks(columns) {
            let x: Vec<f64> = x.iter().map(|x| if computed { -x.wide() } else { x.wide() }).collect();
            for row in 0..rows {
                let weights = &p[row * columns..][..columns];
                let bias = p[rows * columns + row].wide();
                let z = weights.iter().zip(&x).fold(bias, |sum, (w, x)| sum + w.wide() * x);
                expected[rows * columns + row] += z;
                expected[row * columns..][..columns].iter_mut().zip(&x).for_each(|(sum, x)| *sum += z * x);
            }
        }
        let gradient: Vec<f64> = gradient.into_iter().map(F::wide).collect();
        let scale = expected.iter().fold(1.0, |max: f64, x| max.max(x.abs()));
        for (gradient, expected) in gradient.iter().zip(&expected) {
            let off = (gradient - expected).abs() / scale;
            assert!(
                off < tolerance,
                "{rows} × {columns}, {count} points: {gradient} is {off:e} off {expected}"
            );
        }
    }
}

#[test]
fn clipping_reaches_uniform_components_of_an_affine_maps_vector() {
    fn mixed<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let vector = [x[0], p[6].exp(), x[1]];
        D::affine(&p[..3], &p[3..4], &vector)[0].sin() * p[4] + p[5]
    }
    let p: Vec<f64> = (0..7).map(|i| (f64::from(i) * 0.9).cos()).collect();
    let flat = data(10);
    let program = Program::record_with_data(mixed, &p, &flat[..2]).unwrap();
    let mut derivative = vec![0.0; 7];
    let sums = Sums { clip: Some(0.7), ..Sums::default() };
    let results = Results { gradient: Some(&mut derivative), ..Results::none() };
    program.sum(&mut program.batch_workspace(), &p, &Rows::new(&flat, 2), &sums, results).unwrap();
    let mut expected = vec![0.0; 7];
    for point in flat.chunks(2) {
        let (_, all) = gradient(|all| mixed(&all[..7], &all[7..]), &[&p[..], point].concat());
        let factor = (0.7 / (f64::norm(&all[..7]) + 1e-6)).min(1.0);
        expected.iter_mut().zip(&all).for_each(|(sum, derivative)| *sum += factor * derivative);
    }
    assert_close("clipped sum", &derivative, &expected, 1e-12);
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let (program, p, flat) = (recorded(), parameters(), data(5000));
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut gradient = vec![0.0; PARAMETERS];
        let value = pool.install(|| {
            program
                .sum_gradient(&mut program.batch_workspace(), &p, &Rows::new(&flat, DATA), &mut gradient)
                .unwrap()
        });
        (value.to_bits(), gradient.iter().map(|gradient| gradient.to_bits()).collect::<Vec<_>>())
    };
    let one = run(1);
    for threads in [2, 3, 8] {
        assert_eq!(run(threads), one, "{threads} threads");
    }
}

#[test]
fn points_of_an_iterator_have_the_sums_of_the_same_points_in_a_slice() {
    let (program, p) = (recorded(), parameters());
    let mut batch = program.batch_workspace();
    for count in [0, 1, 15, 16, 17, 16_384, 16_385, 40_000] {
        let flat = data(count);
        let (mut expected, mut gradient) = (vec![0.0; PARAMETERS], vec![7.0; PARAMETERS]);
        let sum = program.sum_gradient(&mut batch, &p, &Rows::new(&flat, DATA), &mut expected).unwrap();
        let (same, counted) =
            program.sum_gradient_from(&mut batch, &p, flat.chunks(DATA), &mut gradient).unwrap();
        assert_eq!(counted, count);
        assert_close("sum", &[same], &[sum], 1e-13);
        assert_close("gradient", &gradient, &expected, 1e-13);
    }
}

#[test]
fn points_of_an_iterator_can_be_without_data() {
    let program = Program::record_with_data(|p, _: &[_]| p[0] * p[0], &[1.0], &[]).unwrap();
    let (mut gradient, points) = ([0.0], (0..20_000).map(|_| [0.0; 0]));
    let sum =
        program.sum_gradient_from(&mut program.batch_workspace(), &[3.0], points, &mut gradient).unwrap();
    assert_eq!((sum, gradient), ((180_000.0, 20_000), [120_000.0]));
}

#[test]
fn errors_of_an_iterator_count_points_from_its_first() {
    let step =
        |p: &[Traced<f64>], x: &[Traced<f64>]| if x[0] < Traced::literal(0.5) { p[0] * x[0] } else { p[0] };
    let program = Program::record_with_data(step, &[1.0], &[0.0]).unwrap();
    let run = |bad: usize| {
        let points = (0..50_000).map(|i| [if i == bad { 1.0 } else { 0.0 }]);
        program.sum_gradient_from(&mut program.batch_workspace(), &[1.0], points, &mut [0.0])
    };
    for bad in [0, 16_383, 16_384, 49_999] {
        let Err(Error::BranchChanged { point, .. }) = run(bad) else { panic!("no error at {bad}") };
        assert_eq!(point, bad);
    }
    let mut gradient = [0.0; 2];
    let mut batch = program.batch_workspace();
    let none = std::iter::empty::<[f64; 1]>;
    let message = |answer: Result<(f64, usize), Error>| answer.unwrap_err().to_string();
    assert_eq!(
        message(program.sum_gradient_from(&mut batch, &[1.0; 2], none(), &mut gradient[..1])),
        "the parameter needs 1 numbers, one for each parameter, not 2"
    );
    assert_eq!(
        message(program.sum_gradient_from(&mut batch, &[1.0], none(), &mut gradient)),
        "the gradient needs 1 numbers, one for each parameter, not 2"
    );
    let wide = std::iter::once([1.0; 3]);
    assert_eq!(
        message(program.sum_gradient_from(&mut batch, &[1.0], wide, &mut gradient[..1])),
        "the point needs 1 numbers, one for each datum, not 3"
    );
}

#[test]
fn chosen_points_are_taken_in_their_order() {
    let (program, p, flat) = (recorded(), parameters(), data(40));
    let rows = Rows::new(&flat, DATA);
    let indices = [39, 3, 3, 0, 17];
    let chosen: Vec<Vec<f64>> = indices.iter().map(|&i| flat[i * DATA..(i + 1) * DATA].to_vec()).collect();
    let mut values = [[0.0; 5]; 2];
    let mut batch = program.batch_workspace();
    program.values(&mut batch, &p, &Selected { points: &rows, indices: &indices }, &mut values[0]).unwrap();
    program.values(&mut batch, &p, &chosen, &mut values[1]).unwrap();
    assert_eq!(values[0], values[1]);
}

#[test]
fn jacobians_and_hessians_of_many_points_are_those_of_each() {
    fn residuals<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> [D; 3] {
        [p[0] * x[0].sin(), p[1] - p[0] * p[1], x[0] * x[1] + p[1].exp()]
    }
    let (p, flat) = ([0.3, -0.8], data(70));
    let program = Program::record_with_data(residuals, &p, &flat[..2]).unwrap();
    let parts = [(Wrt::Both, 0..4), (Wrt::Parameters, 0..2), (Wrt::Data, 2..4), (Wrt::FirstData(1), 2..3)];
    for ((wrt, part), count) in parts.iter().flat_map(|part| [10, 17, 64, 140].map(|count| (part, count))) {
        let (rows, width) = (Rows::new(&flat[..2 * count], 2), part.len());
        let (mut values, mut jacobians) = (vec![0.0; 3 * count], vec![0.0; 3 * count * width]);
        program
            .jacobians(&mut program.batch_workspace(), &p, &rows, *wrt, &mut values, &mut jacobians)
            .unwrap();
        for (k, point) in flat[..2 * count].chunks(2).enumerate() {
            let all = [&p[..], point].concat();
            let (value, jacobian) =
                dualtape::jacobian_reverse(|x| residuals(&x[..2], &x[2..]).to_vec(), &all);
            assert_close("values", &values[k * 3..][..3], &value, 1e-15);
            let expected: Vec<f64> = jacobian.chunks(4).flat_map(|row| &row[part.clone()]).copied().collect();
            assert_close("Jacobian", &jacobians[k * 3 * width..][..3 * width], &expected, 1e-14);
        }
    }
    let rows = Rows::new(&flat[..20], 2);
    let program =
        Program::record_with_data(|p, x| residuals(p, x).into_iter().sum::<Traced<f64>>(), &p, &flat[..2]);
    let (mut values, mut derivatives, mut hessians) = (vec![0.0; 10], vec![0.0; 40], vec![0.0; 160]);
    program.unwrap().hessians(&p, &rows, &mut values, &mut derivatives, &mut hessians).unwrap();
    for (k, point) in flat[..20].chunks(2).enumerate() {
        let all = [&p[..], point].concat();
        let (value, gradient, matrix) = hessian(|x| residuals(&x[..2], &x[2..]).into_iter().sum(), &all);
        assert_close("value", &[values[k]], &[value], 0.0);
        assert_close("gradient", &derivatives[k * 4..k * 4 + 4], &gradient, 1e-14);
        assert_close("Hessian", &hessians[k * 16..k * 16 + 16], &matrix, 1e-14);
    }
}

#[test]
fn wrong_lengths_are_errors_that_say_what_was_expected() {
    let program = recorded();
    let mut batch = program.batch_workspace();
    let (p, flat) = (parameters(), data(3));
    let mut gradient = vec![0.0; PARAMETERS];
    let rows = Rows::new(&flat, DATA);
    let message = |result: Result<f64, Error>| result.unwrap_err().to_string();
    let short = program.sum_gradient(&mut batch, &p[1..], &rows, &mut gradient);
    assert_eq!(
        message(short),
        "the parameters needs 36 numbers, one for each parameter, not 35".replace("parameters", "parameter")
    );
    let narrow = program.sum_gradient(&mut batch, &p, &Rows::new(&flat, 3), &mut gradient);
    assert_eq!(message(narrow), "the point needs 4 numbers, one for each datum, not 3");
    let small = program.sum_gradient(&mut batch, &p, &rows, &mut gradient[1..]);
    assert_eq!(message(small), "the gradient needs 36 numbers, one for each parameter, not 35");
    let many = Program::record(|x| [x[0], x[1]], &[1.0, 2.0]).unwrap();
    let several = many.value(&mut many.workspace(), &[1.0, 2.0]).unwrap_err();
    assert_eq!(several.to_string(), "this needs a program with one output, not 2");
    let weights = [1.0; 2];
    let sums = Sums { weights: Some(&weights), ..Sums::default() };
    let few = program.sum(&mut batch, &p, &rows, &sums, Results::none()).unwrap_err();
    assert_eq!(few.to_string(), "the weight needs 3 numbers, one for each point, not 2");
}

#[test]
fn groups_of_parameters_are_clipped_apart_from_each_other() {
    let (program, p) = (recorded(), parameters());
    let only_matrices: Program<f64> = Program::record_with_data(
        |p: &[Traced<f64>], x| {
            let hidden: Vec<_> =
                Traced::affine(&p[..6], &p[6..8], &x[..3]).iter().map(|h| h.tanh()).collect();
            Traced::log_sum_exp(&Traced::affine(&p[8..12], &p[12..14], &hidden)) - x[3]
        },
        &[0.1; 14],
        &[0.2; DATA],
    )
    .unwrap();
    for (program, p, groups) in [
        (&program, &p[..], &[15, 5, 10, 2, 4][..]),
        (&program, &p[..], &[20, 16]),
        (&program, &p[..], &[36]),
        (&only_matrices, &p[..14], &[8, 6]),
        (&only_matrices, &p[..14], &[0, 6, 8]),
    ] {
        for count in [0, 1, 16, 17, 50, 300] {
            let (flat, weights) = (data(count), (0..count).map(|i| 0.5 + i as f64).collect::<Vec<_>>());
            let points = Rows::new(&flat, DATA);
            let width = p.len();
            let (mut values, mut rows) = (vec![0.0; count], vec![0.0; count * width]);
            program
                .jacobians(
                    &mut program.batch_workspace(),
                    p,
                    &points,
                    Wrt::Parameters,
                    &mut values,
                    &mut rows,
                )
                .unwrap();
            let bound = 0.3;
            let (mut expected, mut clipped, mut expected_norms) = (vec![0.0; width], 0, Vec::new());
            for (row, weight) in rows.chunks(width).zip(&weights) {
                expected_norms.push(row.iter().map(|x| x * x).sum::<f64>().sqrt());
                let (mut first, mut any) = (0, false);
                for &length in groups {
                    let group = first..first + length;
                    first += length;
                    let norm = row[group.clone()].iter().map(|x| x * x).sum::<f64>().sqrt();
                    let factor = (bound / (norm + 1e-6)).min(1.0);
                    any |= factor < 1.0;
                    group.for_each(|i| expected[i] += weight * factor * row[i]);
                }
                clipped += usize::from(any);
            }
            let (mut derivative, mut norms) = (vec![9.0; width], vec![9.0; count]);
            let sums = Sums { weights: Some(&weights), clip: Some(bound), groups, ..Sums::none() };
            let results =
                Results { gradient: Some(&mut derivative), norms: Some(&mut norms), ..Results::none() };
            let sum = program.sum(&mut program.batch_workspace(), p, &points, &sums, results).unwrap();
            assert_eq!(sum.clipped, clipped, "{groups:?}, {count} points");
            let scale = 1.0 + weights.iter().sum::<f64>();
            for (got, want) in derivative.iter().zip(&expected).chain(norms.iter().zip(&expected_norms)) {
                assert!((got - want).abs() < 1e-13 * scale, "{groups:?}, {count} points: {got} {want}");
            }
        }
    }
    let odd = Sums { clip: Some(1.0), groups: &[3, 4], ..Sums::none() };
    let none = Rows::new(&[], DATA);
    let error = program.sum(&mut program.batch_workspace(), &p, &none, &odd, Results::none()).unwrap_err();
    assert!(error.to_string().contains("7"), "{error}");
}
