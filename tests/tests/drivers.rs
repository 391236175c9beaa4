//! Drivers: shapes that do not match are errors, and every way to compute a derivative gives the same result.

use dualtape::typenum::{U1, U2, U3, U6, U16};
use dualtape::{
    Differentiable, Dual, Error, Float, Forward, Function, Jacobian, Reverse, SecondOrder, Tape, check,
    derivatives, gradient, gradient_forward, gradient_lanes, hessian, hessian_diagonal, hvp, jacobian,
    jacobian_forward, jacobian_reverse, second_derivative,
};
use dualtape_tests::close::assert_close;
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_by_hand, rosenbrock_point};

/// Several outputs, one of which is constant.
struct Shape {
    outputs: usize,
}

impl Function<f64> for Shape {
    fn outputs(&self, _: usize) -> usize {
        self.outputs
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        for (i, y) in y.iter_mut().enumerate() {
            let wave = |(j, &x): (usize, &D)| (x * (1.0 + i as f64)).sin() * (1.0 + j as f64);
            *y = if i == 1 { D::constant(7.0) } else { x.iter().enumerate().map(wave).sum() };
        }
    }
}

impl Shape {
    fn vector<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> Vec<D> {
        let mut y = vec![D::zero(); self.outputs];
        self.call(x, &mut y);
        y
    }

    /// The Jacobian by hand.
    fn exact(&self, x: &[f64]) -> Vec<f64> {
        let derivative = |i: usize, j: usize| match i {
            1 => 0.0,
            _ => (x[j] * (1.0 + i as f64)).cos() * (1.0 + i as f64) * (1.0 + j as f64),
        };
        (0..self.outputs).flat_map(|i| (0..x.len()).map(move |j| derivative(i, j))).collect()
    }
}

#[test]
fn gradients_of_every_size_agree_with_the_hand_written_one() {
    for n in [0, 1, 2, 7, 8, 9, 15, 16, 17, 100] {
        let x = rosenbrock_point(n);
        let mut expected = vec![0.0; n];
        let value = rosenbrock_by_hand(&x, &mut expected);
        for (what, (got, gradient)) in [
            ("reverse", gradient(|x| rosenbrock(x), &x)),
            ("forward", gradient_forward(rosenbrock, &x)),
            ("one lane", gradient_lanes::<_, U1, _>(rosenbrock, &x)),
            ("three lanes", gradient_lanes::<_, U3, _>(rosenbrock, &x)),
            ("sixteen lanes", gradient_lanes::<_, U16, _>(rosenbrock, &x)),
        ] {
            assert_close(what, &[got], &[value], 1e-13);
            assert_close(what, &gradient, &expected, 1e-12);
        }
    }
}

#[test]
fn jacobians_of_every_shape_agree_with_the_exact_one() {
    for outputs in [0, 1, 2, 7, 8, 9, 20] {
        for inputs in [0, 1, 2, 8, 9, 17] {
            let (f, x) = (Shape { outputs }, rosenbrock_point(inputs));
            let expected = (f.vector(&x), f.exact(&x));
            for (what, (values, matrix)) in [
                ("forward", jacobian_forward(|x| f.vector(x), &x)),
                ("reverse", jacobian_reverse(|x| f.vector(x), &x)),
                ("either", jacobian(&f, &x)),
            ] {
                let what = format!("{what}, {outputs} x {inputs}");
                assert_eq!(values, expected.0, "{what}");
                assert_close(&what, &matrix, &expected.1, 1e-13);
            }
        }
    }
}

#[test]
fn engines_give_the_same_from_one_call_to_the_next_whatever_came_between() {
    let (mut forward, mut reverse) = (Forward::<f64>::new(), Reverse::new());
    for (n, outputs) in [(20, 3), (5, 12), (20, 3), (1, 1), (9, 9)] {
        let (f, x) = (Shape { outputs }, rosenbrock_point(n));
        let (mut values, mut a, mut b) = (vec![0.0; outputs], vec![0.0; outputs * n], vec![0.0; outputs * n]);
        let mut gradient = vec![0.0; n];
        forward.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut a).unwrap();
        reverse.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut b).unwrap();
        assert_close("forward", &a, &f.exact(&x), 1e-13);
        assert_close("reverse", &b, &f.exact(&x), 1e-13);
        let (mut moved, mut product) = (vec![0.0; outputs], vec![0.0; n]);
        forward.jvp(|x, y| f.call(x, y), &x, &x, &mut values, &mut moved).unwrap();
        let expected: Vec<f64> = a.chunks(n).map(|row| f64::dot(row, &x)).collect();
        assert_close("jvp", &moved, &expected, 1e-12);
        let weights: Vec<_> = (0..outputs).map(|i| 1.0 - i as f64).collect();
        reverse.vjp(|x, y| f.call(x, y), &x, &weights, &mut values, &mut product).unwrap();
        let column = |j| (0..outputs).map(|i| weights[i] * a[i * n + j]).sum();
        assert_close("vjp", &product, &(0..n).map(column).collect::<Vec<_>>(), 1e-12);
        forward.gradient(rosenbrock, &x, &mut gradient).unwrap();
        let mut expected = vec![0.0; n];
        rosenbrock_by_hand(&x, &mut expected);
        assert_close("forward gradient", &gradient, &expected, 1e-12);
        reverse.gradient(|x| rosenbrock(x), &x, &mut gradient).unwrap();
        assert_close("reverse gradient", &gradient, &expected, 1e-12);
    }
}

/// The Hessian of Rosenbrock's function by hand.
fn rosenbrock_hessian(x: &[f64]) -> Vec<f64> {
    let n = x.len();
    let mut all = vec![0.0; n * n];
    for i in 0..n.saturating_sub(1) {
        all[i * n + i] += 2.0 + 1200.0 * x[i] * x[i] - 400.0 * x[i + 1];
        all[(i + 1) * n + i + 1] += 200.0;
        all[i * n + i + 1] -= 400.0 * x[i];
        all[(i + 1) * n + i] -= 400.0 * x[i];
    }
    all
}

#[test]
fn hessians_of_every_size_agree_with_the_exact_one() {
    for n in [0, 1, 2, 7, 8, 9, 20] {
        let x = rosenbrock_point(n);
        let expected = rosenbrock_hessian(&x);
        let (_, first, all) = hessian(|x| rosenbrock(x), &x);
        assert_close("Hessian", &all, &expected, 1e-11);
        assert_close("gradient", &first, &gradient(|x| rosenbrock(x), &x).1, 1e-12);
        let (_, _, diagonal) = hessian_diagonal(|x| rosenbrock(x), &x);
        assert_close(
            "diagonal",
            &diagonal,
            &(0..n).map(|i| expected[i * (n + 1)]).collect::<Vec<_>>(),
            1e-11,
        );
        let (_, _, product) = hvp(|x| rosenbrock(x), &x, &x).unwrap();
        let rows = expected.chunks(n.max(1)).map(|row| f64::dot(row, &x));
        assert_close("product", &product, &rows.collect::<Vec<_>>(), 1e-11);
    }
}

#[test]
fn derivatives_of_a_power_are_falling_factorials() {
    let all = derivatives::<U6, f64>(|x| x.powi(5), 2.0);
    assert_eq!(all[..], [32.0, 80.0, 160.0, 240.0, 240.0, 120.0, 0.0]);
    assert_eq!(derivatives::<U1, f64>(|x| x.powi(5), 2.0)[..], [32.0, 80.0]);
    assert_eq!(derivatives::<U2, f32>(|x| x.powi(5), 2.0)[..], [32.0, 80.0, 160.0]);
    assert_eq!(second_derivative(Float::exp, 0.0), (1.0, 1.0, 1.0));
}

#[test]
fn third_derivatives_by_a_driver_in_a_driver() {
    // The directional derivative of a Hessian: d/dt of the Hessian of x²y at (3 + t, 4).
    let moving = [Dual::<f64>::variable(3.0), Dual::lift(4.0)];
    let (_, _, all) = hessian(|x| x[0] * x[0] * x[1], &moving);
    let derivatives: Vec<_> = all.iter().map(|h| h.derivative(0)).collect();
    assert_eq!(derivatives, [0.0, 2.0, 2.0, 0.0]);
}

#[test]
fn buffers_that_do_not_fit_are_errors_that_name_both_lengths() {
    let x = [1.0, 2.0];
    let (mut two, mut three) = ([0.0; 2], [0.0; 3]);
    let f = Shape { outputs: 2 };
    let errors: [(Result<(), Error>, &str); 9] = [
        (
            Reverse::new().gradient(|x| x[0], &x, &mut three).map(drop),
            "the gradient needs 2 numbers, one for each input, not 3",
        ),
        (
            Forward::<f64>::new().gradient(|x| x[0], &x, &mut three).map(drop),
            "the gradient needs 2 numbers, one for each input, not 3",
        ),
        (
            Forward::<f64>::new().jacobian(|x, y| f.call(x, y), &x, &mut two, &mut three),
            "the Jacobian needs 4 numbers, one for each output and input, not 3",
        ),
        (
            Reverse::new().jacobian(|x, y| f.call(x, y), &x, &mut two, &mut three),
            "the Jacobian needs 4 numbers, one for each output and input, not 3",
        ),
        (
            Jacobian::new().evaluate(&f, &x, &mut three, &mut [0.0; 6]),
            "the slice of values needs 2 numbers, one for each output, not 3",
        ),
        (
            SecondOrder::<f64>::new().hessian(|x| x[0], &x, &mut two, &mut three).map(drop),
            "the Hessian needs 4 numbers, one for each pair of inputs, not 3",
        ),
        (
            SecondOrder::<f64>::new().hessian_diagonal(|x| x[0], &x, &mut two, &mut three).map(drop),
            "the diagonal needs 2 numbers, one for each input, not 3",
        ),
        (hvp(|x| x[0], &x, &[1.0]).map(drop), "the direction needs 2 numbers, one for each input, not 1"),
        (
            Reverse::new().vjp(|x, y| f.call(x, y), &x, &[1.0], &mut two, &mut [0.0; 2]),
            "the cotangent needs 2 numbers, one for each output, not 1",
        ),
    ];
    for (result, expected) in errors {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
}

#[test]
fn checks_pass_what_is_right_and_name_what_is_wrong() {
    let x = rosenbrock_point(5);
    for report in [
        check::gradient(|x| rosenbrock(x), &x),
        check::hessian(|x| rosenbrock(x), &x),
        check::jacobian(|x| Shape { outputs: 4 }.vector(x), &x),
        check::gradient(|_| 7.0.into(), &x),
        check::gradient(|x| x[0], &[1e8]),
    ] {
        assert!(report.passes(), "{report}");
    }
    let wrong = check::jacobian(|x| vec![x[0] * x[1], x[1] * x[0].value()], &[2.0_f64, 3.0]);
    assert!(!wrong.passes());
    let worst = wrong.worst().unwrap();
    assert_eq!((worst.row, worst.column), (1, 0));
    assert!(
        wrong.to_string().starts_with("derivatives disagree; at worst, in row 1, column 0: reverse 0e0"),
        "{wrong}"
    );
    let empty = check::gradient(|_| 7.0.into(), &[] as &[f64]);
    assert!(empty.passes() && empty.to_string() == "nothing to check");
    // At a kink the modes agree by policy, but the finite difference may not.
    let kink = check::gradient(|x| x[0].relu(), &[0.0_f64]);
    assert_eq!(kink.components()[0].between_modes(), 0.0);
    assert!(!kink.passes());
}

#[test]
fn a_dot_product_of_100_pairs_is_one_statement_where_a_loop_takes_200() {
    let tape = Tape::new();
    let x = tape.vars(&rosenbrock_point(200));
    let start = tape.len();
    let one = dualtape::Var::dot(&x[..100], &x[100..]);
    let fused = tape.len() - start;
    let looped =
        x[..100].iter().zip(&x[100..]).fold(dualtape::Var::constant(0.0), |sum, (&a, &b)| sum + a * b);
    assert_eq!((fused, tape.len() - start - fused), (1, 200));
    assert_eq!(one.value().to_bits(), looped.value().to_bits());
    assert_eq!(tape.gradient(one).of(&x), tape.gradient(looped).of(&x));
}
