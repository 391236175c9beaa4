//! High-order derivatives of functions of many variables: jets, directional derivatives, mixed partial derivatives
//! and products with third derivatives agree with exact values and with nested modes.

use dualtape::typenum::{U1, U2, U3, U4, U5};
use dualtape::{
    Differentiable, Dual, Error, Float, Lanes, Program, Taylor, directional_derivatives, hessian, jet,
    mixed_partial, mixed_partials, third_derivative_product,
};
use dualtape_tests::close::{assert_close, close};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// e^(a·x) with a different a for each input: each derivative is a product of these factors.
const RATES: [f64; 4] = [0.5, -0.75, 1.25, 2.0];

fn exponential<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    let rates: Vec<D> = RATES.iter().map(|&a| D::constant(a)).collect();
    D::dot(&rates, x).exp()
}

const POINT: [f64; 4] = [0.5, 0.25, -0.5, 0.125];

/// All rows of four orders with the given sum.
fn rows(sum: usize) -> Vec<Vec<usize>> {
    let all =
        (0..(sum + 1).pow(4)).map(|k| (0..4).map(|i| k / (sum + 1).pow(i) % (sum + 1)).collect::<Vec<_>>());
    all.filter(|row| row.iter().sum::<usize>() == sum).collect()
}

fn assert_mixed<N: Lanes<f64>>(tolerance: f64) {
    let rows = rows(N::USIZE);
    let borrowed: Vec<&[usize]> = rows.iter().map(Vec::as_slice).collect();
    let all = mixed_partials::<N, _, _>(exponential, &POINT, &borrowed).expect("the rows fit");
    let value = exponential(&POINT);
    for (row, got) in rows.iter().zip(&all) {
        let expected: f64 = RATES.iter().zip(row).map(|(a, &n)| a.powi(n as i32)).product::<f64>() * value;
        assert!(close(*got, expected, tolerance), "{row:?}: {got}, not {expected}");
        let alone = mixed_partial::<N, _, _>(exponential, &POINT, row).expect("the row fits");
        assert!(close(alone, expected, tolerance), "{row:?} alone: {alone}, not {expected}");
    }
}

#[test]
fn all_mixed_partial_derivatives_of_an_exponential_are_products_of_its_rates() {
    assert_mixed::<U1>(1e-14);
    assert_mixed::<U2>(1e-13);
    assert_mixed::<U3>(1e-12);
    assert_mixed::<U4>(1e-12);
    assert_mixed::<U5>(1e-11);
}

#[test]
fn mixed_partial_derivatives_of_order_2_are_the_hessian() {
    let x = rosenbrock_point(6);
    let (_, _, expected) = hessian(|x| rosenbrock(x), &x);
    let unit =
        |i: usize, j: usize| (0..6).map(|k| usize::from(k == i) + usize::from(k == j)).collect::<Vec<_>>();
    let rows: Vec<Vec<usize>> = (0..36).map(|k| unit(k / 6, k % 6)).collect();
    let borrowed: Vec<&[usize]> = rows.iter().map(Vec::as_slice).collect();
    let got = mixed_partials::<U2, _, _>(rosenbrock, &x, &borrowed).expect("the rows fit");
    let scale = expected.iter().fold(0.0_f64, |scale, h| scale.max(h.abs()));
    got.iter().zip(&expected).for_each(|(a, b)| assert!((a - b).abs() < 1e-12 * scale, "{a}, not {b}"));
}

#[test]
fn directional_derivatives_of_an_exponential_are_powers_of_its_rate() {
    let direction = [1.0, 2.0, -0.5, 0.25];
    let rate: f64 = RATES.iter().zip(direction).map(|(a, v)| a * v).sum();
    let all = directional_derivatives::<U5, _, _>(exponential, &POINT, &direction).expect("the lengths fit");
    let expected: Vec<f64> = (0..6).map(|k| rate.powi(k) * exponential(&POINT)).collect();
    assert_close("derivatives", &all, &expected, 1e-14);
}

#[test]
fn a_jet_is_the_series_of_the_function_along_the_curve() {
    // (1 + t)·e^(2t − t²) and its logarithm.
    let f = |x: &[Taylor<f64, U4>]| vec![x[0] * x[1].exp(), (x[0] * x[1].exp()).ln()];
    let curve = [1.0, 0.0, 0.0, 0.0, 2.0, -1.0, 0.0, 0.0];
    let (values, coefficients) = jet(f, &[1.0, 0.0], &curve).expect("the lengths fit");
    assert_eq!(values, [1.0, 0.0]);
    // e^(2t − t²) is the generating function of Hermite's polynomials at 1: Hₖ(1)/k!.
    let hermite = [1.0, 2.0, 1.0, -2.0 / 3.0, -5.0 / 6.0];
    let first: Vec<f64> = (1..5).map(|k| hermite[k] + hermite[k - 1]).collect();
    let second = [3.0, -1.5, 1.0 / 3.0, -0.25];
    assert_close("coefficients", &coefficients, &[&first[..], &second].concat(), 1e-14);
}

#[test]
fn third_derivatives_times_vectors_agree_with_exact_ones_and_with_the_hessian_that_moves() {
    let (u, v) = ([1.0, -2.0, 0.5, 0.0], [0.25, 1.0, 3.0, -1.0]);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let got = third_derivative_product(|x| exponential(x), &POINT, &u, &v).expect("the lengths fit");
    let factor = dot(&RATES, &u) * dot(&RATES, &v) * exponential(&POINT);
    assert_close("product", &got, &RATES.map(|a| a * factor), 1e-13);
    let x = rosenbrock_point(4);
    let got = third_derivative_product(|x| rosenbrock(x), &x, &u, &v).expect("the lengths fit");
    let moving: Vec<Dual<f64>> = x.iter().zip(u).map(|(&x, u)| Dual::new(x, [u].into())).collect();
    let (_, _, hessian) = hessian(|x| rosenbrock(x), &moving);
    let rows: Vec<f64> = hessian.iter().map(|h| h.derivative(0)).collect();
    let expected: Vec<f64> = rows.chunks(4).map(|row| dot(row, &v)).collect();
    assert_close("product", &got, &expected, 1e-12);
}

#[test]
fn drivers_of_high_order_record() {
    let program = Program::record(
        |x| {
            let all = directional_derivatives::<U3, _, _>(exponential, x, &RATES.map(Into::into));
            let mixed = mixed_partial::<U3, _, _>(exponential, x, &[1, 1, 0, 1]);
            vec![all.expect("the lengths fit")[3], mixed.expect("the row fits")]
        },
        &[0.0; 4],
    )
    .expect("it is small");
    let mut got = [0.0; 2];
    program.evaluate(&mut program.workspace(), &POINT, &mut got).expect("there are no guards");
    let value = exponential(&POINT);
    let square: f64 = RATES.iter().map(|a| a * a).sum();
    assert_close("replayed", &got, &[square.powi(3) * value, RATES[0] * RATES[1] * RATES[3] * value], 1e-12);
}

#[test]
fn wrong_lengths_and_orders_are_named() {
    let huge = mixed_partials::<U3, _, _>(|x| x[0] * x[1], &[1.0, 2.0], &[&[usize::MAX, 4]]);
    assert_eq!(huge.unwrap_err(), Error::Order { expected: 3, given: usize::MAX });
    let x = [1.0, 2.0];
    let f = |x: &[Taylor<f64, U2>]| x[0] * x[1];
    let errors = [
        (
            jet(|x: &[Taylor<f64, U2>]| x.to_vec(), &x, &[1.0]).map(drop),
            "the curve needs 4 numbers, one for each input and order, not 1",
        ),
        (
            directional_derivatives::<U2, _, _>(f, &x, &[1.0]).map(drop),
            "the direction needs 2 numbers, one for each input, not 1",
        ),
        (
            mixed_partial::<U2, _, _>(f, &x, &[2]).map(drop),
            "the row of orders needs 2 numbers, one for each input, not 1",
        ),
        (
            mixed_partial::<U2, _, _>(f, &x, &[2, 1]).map(drop),
            "the orders of a mixed derivative must add up to the order of the series, 2, not to 3",
        ),
        (
            third_derivative_product(|x| x[0] * x[1], &x, &x, &[1.0]).map(drop),
            "the second direction needs 2 numbers, one for each input, not 1",
        ),
    ];
    for (result, expected) in errors {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    assert_eq!(mixed_partial::<U2, _, _>(f, &x, &[0, 3]), Err(Error::Order { expected: 2, given: 3 }));
}
