//! Derivatives within derivatives. If an inner function captures a number of an outer one and both have the same type,
//! no result can be right: debug builds panic in every driver of forward mode. What is right stays allowed.

use dualtape::generic_array::arr;
use dualtape::typenum::{U2, U8};
use dualtape::{
    Differentiable, Dual, Forward, ForwardLaplacian, Taylor, arrays, derivative, derivatives,
    directional_derivatives, gradient_forward, jacobian_forward, jet, jvp, laplacian, second_derivative,
};
use std::panic::catch_unwind;

/// A result that nobody reads.
fn ignore<T>(_: T) {}

type Case = (&'static str, fn());

/// Each driver within itself; the inner function is a product with a number of the outer one.
const CONFUSED: &[Case] = &[
    ("derivative", || ignore(derivative(|x| x * derivative(|y| x * y, 1.0).1, 4.0))),
    ("a product that is zero, and so is its tangent", || {
        ignore(derivative(|x| x * derivative(|y| x * (y - 1.0), 1.0).1, 4.0));
    }),
    ("second_derivative", || ignore(second_derivative(|x| x * second_derivative(|y| x * y * y, 1.0).2, 4.0))),
    ("derivatives", || {
        ignore(derivatives::<U2, f64>(|x| x * derivatives::<U2, f64>(|y| x * y, 1.0)[1], 4.0));
    }),
    ("gradient_forward", || {
        ignore(gradient_forward(|x| x[0] * gradient_forward(|y| x[0] * y[0], &[1.0]).1[0], &[4.0]));
    }),
    ("gradient_forward, an input that has no tangent yet", || {
        let outer = |x: &[Dual<f64, U8>]| x[0] * gradient_forward(|y| x[9] * y[0], &[1.0]).1[0];
        ignore(gradient_forward(outer, &[4.0; 10]));
    }),
    ("Forward::jvp", || {
        let mut inner = Forward::<f64>::new();
        let (mut values, mut product) = ([0.0], [0.0]);
        let outer = |x: &[Dual<f64, U8>], z: &mut [Dual<f64, U8>]| {
            let mut y = ([0.0], [0.0]);
            let f = |y: &[Dual<f64, U8>], z: &mut [Dual<f64, U8>]| z[0] = x[0] * y[0];
            inner.jvp(f, &[1.0], &[1.0], &mut y.0, &mut y.1).unwrap();
            z[0] = x[0] * y.1[0];
        };
        Forward::new().jvp(outer, &[4.0], &[1.0], &mut values, &mut product).unwrap();
    }),
    ("jacobian_forward", || {
        let outer = |x: &[Dual<f64, U8>]| {
            vec![x[0] * jacobian_forward(|y: &[Dual<f64, U8>]| vec![x[0] * y[0]], &[1.0]).1[0]]
        };
        ignore(jacobian_forward(outer, &[4.0]));
    }),
    ("jvp", || {
        let outer = |x: &[Dual<f64>]| vec![x[0] * jvp(|y| vec![x[0] * y[0]], &[1.0], &[1.0]).unwrap().1[0]];
        ignore(jvp(outer, &[4.0], &[1.0]));
    }),
    ("arrays::gradient_forward", || {
        let outer = |[x]: [arrays::Dual<f64, 1>; 1]| x * arrays::gradient_forward(|[y]| x * y, [1.0]).1[0];
        ignore(arrays::gradient_forward(outer, [4.0]));
    }),
    ("arrays::jvp", || {
        let outer = |[x]: [Dual<f64>; 1]| [x * arrays::jvp(|[y]| [x * y], [1.0], [1.0]).1[0]];
        ignore(arrays::jvp(outer, [4.0], [1.0]));
    }),
    ("jet", || {
        let f = |x: &[Taylor<f64, U2>]| {
            vec![x[0] * jet(|y| vec![x[0] * y[0]], &[1.0], &[1.0, 0.0]).unwrap().1[0]]
        };
        ignore(jet(f, &[4.0], &[1.0, 0.0]));
    }),
    ("directional_derivatives", || {
        let inner = |x: Taylor<f64, U2>| {
            directional_derivatives::<U2, _, _>(|y| x * y[0], &[1.0], &[1.0]).unwrap()[1]
        };
        ignore(directional_derivatives::<U2, _, _>(|x| x[0] * inner(x[0]), &[4.0], &[1.0]));
    }),
    #[cfg(feature = "integrations")]
    ("nalgebra's gradient", || {
        use dualtape::integrations::nalgebra::gradient;
        use nalgebra::vector;
        ignore(gradient(|x| x[0] * gradient(|y| x[0] * y[0], &vector![1.0]).1[0], &vector![4.0]));
    }),
    ("laplacian", || ignore(laplacian(|x| x[0] * laplacian(|y| x[0] * y[0], &[1.0]).2, &[4.0]))),
];

type Meeting<D> = (&'static str, fn(D, D) -> D);

/// Each way in which numbers meet, for a number type.
fn meetings<D: Differentiable<Scalar = f64>>() -> Vec<Meeting<D>> {
    vec![
        ("an operator", |a, b| a + b),
        ("an assignment", |mut a, b| {
            a *= b;
            a
        }),
        ("a function of two numbers", |a, b| a.atan2(b)),
        ("a function of three numbers", |a, b| a.mul_add(b, b)),
        ("a sum", |a, b| D::sum_of(&[a, b])),
        ("a product", |a, b| D::dot(&[a, a], &[b, a])),
        ("a bias", |a, b| D::affine(&[a], &[b], &[a])[0]),
        ("a norm", |a, b| D::norm(&[a, b])),
        ("a log-sum-exp", |a, b| D::log_sum_exp(&[a, b])),
        ("NaN", |a, b| a * f64::NAN + b),
    ]
}

/// Whether it panics, with the message about two derivatives.
fn is_refused(run: impl FnOnce() + std::panic::UnwindSafe) -> bool {
    match catch_unwind(run) {
        Ok(()) => false,
        Err(message) => {
            let message = message.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let message = message.expect("a message without numbers");
            assert!(message.contains("their derivatives would be confused"), "{message}");
            true
        }
    }
}

#[test]
fn debug_builds_refuse_a_captured_number_of_the_same_type_in_every_driver() {
    for &(name, confused) in CONFUSED {
        assert_eq!(is_refused(confused), cfg!(debug_assertions), "{name}");
    }
}

#[test]
fn debug_builds_refuse_it_wherever_numbers_meet() {
    for (name, meet) in meetings::<Dual<f64>>() {
        let run = move || ignore(derivative(|x| x * derivative(|y| meet(x, y), 1.0).1, 4.0));
        assert_eq!(is_refused(run), cfg!(debug_assertions), "Dual: {name}");
    }
    for (name, meet) in meetings::<Taylor<f64, U2>>() {
        let inner = move |x| derivatives::<U2, f64>(|y| meet(x, y), 1.0)[1];
        let run = move || ignore(derivatives::<U2, f64>(|x| x * inner(x), 4.0));
        assert_eq!(is_refused(run), cfg!(debug_assertions), "Taylor: {name}");
    }
    for (name, meet) in meetings::<ForwardLaplacian<f64, U8>>() {
        let run = move || ignore(laplacian(|x| x[0] * laplacian(|y| meet(x[0], y[0]), &[1.0]).2, &[4.0]));
        assert_eq!(is_refused(run), cfg!(debug_assertions), "ForwardLaplacian: {name}");
    }
}

#[test]
fn what_keeps_levels_apart_is_allowed_and_right() {
    // d/dx [x · d/dy (x · y)] = 2x, three ways to write the inner point.
    let points: [fn(Dual<f64>) -> Dual<f64>; 3] = [|x| x, |_| Dual::lift(1.0), |_| Dual::variable(1.0)];
    for point in points {
        let outer = |x| x * derivative(|y| Dual::lift(x) * y, point(x)).1;
        assert_eq!(derivative(outer, 4.0), (16.0, 8.0));
    }
    // An inner derivative that has nothing to do with the outer number: a constant.
    assert_eq!(derivative(|x| x * derivative(|y| y * y, 3.0).1, 4.0), (24.0, 6.0));
    // The value of an outer number is a constant.
    assert_eq!(derivative(|x| x * derivative(|y| y * x.value(), 3.0).1, 4.0), (16.0, 4.0));
    // Numbers of one evaluation meet numbers that a caller seeded.
    let seeded: Dual<f64> = Dual::new(2.0, arr![0.0]);
    assert_eq!(derivative(|x| x * seeded, 4.0), (8.0, 2.0));
    // Buffers may be used for one function after another.
    let (mut forward, mut gradient) = (Forward::<f64>::new(), [0.0; 10]);
    for _ in 0..2 {
        forward.gradient(|x| x[0] * x[9], &[3.0; 10], &mut gradient).unwrap();
        assert_eq!((gradient[0], gradient[1], gradient[9]), (3.0, 0.0, 3.0));
    }
    // Threads share the numbers of one evaluation.
    let parallel =
        |x: Dual<f64>| std::thread::scope(|scope| scope.spawn(|| x * x).join().expect("no panic")) + x;
    assert_eq!(derivative(parallel, 3.0), (12.0, 7.0));
}
