//! Tables joined by straight lines, in every mode, compared with the lines.

use dualtape::program::Wrt;
use dualtape::{
    Differentiable, Error, Piecewise, Program, check, derivative, gradient, gradient_forward, hessian,
};

const X: [f64; 5] = [-2.0, -0.5, 0.0, 1.0, 4.0];
const Y: [f64; 5] = [1.0, 4.0, 3.0, 5.0, -1.0];
/// The derivatives at the points of the table: at an end that of the only piece, at a peak or in a valley 0,
/// elsewhere the smaller one.
const DERIVATIVES_AT_X: [f64; 5] = [2.0, 0.0, 0.0, 0.0, -2.0];

fn table() -> Piecewise<f64> {
    Piecewise::linear(&X, &Y).unwrap()
}

/// Points inside the pieces, with values and derivatives computed by hand.
const INSIDE: [[f64; 3]; 4] = [[-1.0, 3.0, 2.0], [-0.25, 3.5, -2.0], [0.25, 3.5, 2.0], [2.5, 2.0, -2.0]];

#[test]
fn values_and_derivatives_are_those_of_the_lines_in_every_mode() {
    let table = table();
    let program = Program::record(|x| table.at(x[0]).unwrap() * x[1], &[0.1, 1.0]).unwrap();
    let at_points = (0..X.len()).map(|point| [X[point], Y[point], DERIVATIVES_AT_X[point]]);
    for [x, value, line_derivative] in INSIDE.into_iter().chain(at_points) {
        assert_eq!(table.at(x).unwrap(), value);
        assert_eq!(derivative(|x| table.at(x).unwrap(), x), (value, line_derivative), "at {x}");
        let expected = (3.0 * value, vec![3.0 * line_derivative, value]);
        assert_eq!(gradient(|x| table.at(x[0]).unwrap() * x[1], &[x, 3.0]), expected);
        assert_eq!(gradient_forward(|x| table.at(x[0]).unwrap() * x[1], &[x, 3.0]), expected);
        let mut replayed = [0.0; 2];
        let value_then = program.gradient(&mut program.workspace(), &[x, 3.0], &mut replayed).unwrap();
        assert_eq!((value_then, replayed.to_vec()), expected);
        let (_, _, second) = hessian(|x| table.at(x[0]).unwrap() * x[1], &[x, 3.0]);
        assert_eq!(second, [0.0, line_derivative, line_derivative, 0.0]);
        let recorded = program.hessian_program(Wrt::Both).unwrap();
        let mut second = [f64::NAN; 4];
        recorded.evaluate(&mut recorded.workspace(), &[x, 3.0], &mut second).unwrap();
        assert_eq!(second, [0.0, line_derivative, line_derivative, 0.0]);
    }
}

#[test]
fn a_kink_between_derivatives_of_one_sign_has_the_smaller() {
    for [left, right, expected] in
        [[1.0, 3.0, 1.0], [3.0, 1.0, 1.0], [-1.0, -3.0, -1.0], [-3.0, -1.0, -1.0], [0.0, 2.0, 0.0]]
    {
        let kink = Piecewise::linear(&[-1.0, 0.0, 1.0], &[-left, 0.0, right]).unwrap();
        assert_eq!(derivative(|x| kink.at(x).unwrap(), 0.0), (0.0, expected));
    }
}

#[test]
fn derivatives_are_those_of_differences_to_the_third_order() {
    for [x, ..] in INSIDE {
        for report in check::rule(&table(), &[x]).unwrap() {
            assert!(report.passes(), "{report}");
        }
    }
}

#[test]
fn a_table_of_single_precision_is_the_same_function() {
    let table = Piecewise::linear(&X.map(|x| x as f32), &Y.map(|y| y as f32)).unwrap();
    for [x, value, line_derivative] in INSIDE {
        assert_eq!(derivative(|x| table.at(x).unwrap(), x as f32), (value as f32, line_derivative as f32));
    }
}

#[test]
fn nan_and_what_is_outside_are_not_answered_by_a_number() {
    let table = table();
    let (value, derivative) = derivative(|x| table.at(x).unwrap(), f64::NAN);
    assert!(value.is_nan() && derivative.is_nan());
    for x in [-2.0_f64.next_up() - 1.0, (-2.0_f64).next_down(), 4.0_f64.next_up(), f64::INFINITY] {
        let error = table.at(x).unwrap_err().to_string();
        assert!(error.contains("outside the table, which goes from -2 to 4"), "{error}");
    }
}

#[test]
fn tables_that_are_no_functions_are_refused() {
    let cases: [(&[f64], &[f64], &str); 7] = [
        (&[], &[], "two points or more, not 0"),
        (&[1.0], &[1.0], "two points or more, not 1"),
        (&[0.0, 0.0], &[1.0, 2.0], "x must increase, but 0 follows 0"),
        (&[0.0, 1.0, 0.5], &[1.0; 3], "x must increase, but 0.5 follows 1"),
        (&[0.0, f64::NAN], &[1.0; 2], "finite numbers, not NaN"),
        (&[0.0, 1.0], &[1.0, f64::INFINITY], "finite numbers, not inf"),
        (&[0.0, 1e-300], &[0.0, 1e300], "too large"),
    ];
    for (x, y, words) in cases {
        let error = Piecewise::linear(x, y).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let error = Piecewise::linear(&[0.0, 1.0], &[1.0]).unwrap_err();
    assert!(matches!(error, Error::Length { expected: 2, given: 1, .. }), "{error}");
}

#[test]
fn a_flat_kink_wins_over_an_infinite_derivative_in_every_mode() {
    let tent = Piecewise::linear(&[-1.0, 0.0, 1.0], &[0.0, 1.0, 0.0]).unwrap();
    fn root<D: Differentiable<Scalar = f64>>(tent: &Piecewise<f64>, x: D) -> D {
        (D::one() - tent.at(x).unwrap()).sqrt()
    }
    assert_eq!(gradient(|x| root(&tent, x[0]), &[0.0]).1, [0.0]);
    assert_eq!(gradient_forward(|x| root(&tent, x[0]), &[0.0]).1, [0.0]);
    let program = Program::record(|x| root(&tent, x[0]), &[0.5]).unwrap();
    let (mut workspace, mut derivative) = (program.workspace(), [1.0]);
    for _ in 0..20 {
        program.gradient(&mut workspace, &[0.0], &mut derivative).unwrap();
        assert_eq!(derivative, [0.0]);
    }
}

#[test]
fn pieces_whose_width_is_no_number_are_refused() {
    let wide = Piecewise::linear(&[-1e308, 1e308], &[0.0, 1.0]).unwrap_err().to_string();
    assert!(wide.contains("distance") && wide.contains("too large"), "{wide}");
    assert!(Piecewise::linear(&[-3e38_f32, 3e38], &[0.0, 1.0]).is_err());
    assert!(Piecewise::linear(&[-1e307, 1e307], &[0.0, 1.0]).is_ok());
}
