//! The forms in which a formula may be written: plain numbers and references on either side, for every type of number, and
//! arrays in place of slices.

#![allow(clippy::op_ref, reason = "references are what is tested")]

use dualtape::typenum::U2;
use dualtape::{
    Differentiable, Dual, ForwardLaplacian, Program, Tape, Taylor, Traced, arrays, gradient,
    gradient_forward, hessian, hvp, jacobian_forward, jacobian_reverse, jvp, vjp,
};

const X: f64 = 1.75;
const PLAIN: f64 = -3.6;

/// Each operator between `$x` and a plain number: by value, and in another form.
macro_rules! forms {
    ($x:expr) => { forms!($x; + += - -= * *= / /= % %=) };
    ($x:expr; $($op:tt $assign:tt)*) => {{
        let (x, plain) = ($x, PLAIN);
        let mut pairs = vec![(-x, -&x)];
        $(
            pairs.extend([&x $op plain, x $op &plain, &x $op &plain].map(|form| (x $op plain, form)));
            pairs.extend([&plain $op x, plain $op &x, &plain $op &x].map(|form| (plain $op x, form)));
            let mut assigned = x;
            assigned $assign &plain;
            pairs.push((x $op plain, assigned));
        )*
        pairs
    }};
}

#[test]
fn references_and_plain_numbers_on_either_side_are_one_operation() {
    let moved = |x: Dual<f64>| forms!(x);
    for (k, (plain, form)) in moved(Dual::variable(X)).into_iter().enumerate() {
        assert_eq!(
            (plain.value(), plain.derivative(0)),
            (form.value(), form.derivative(0)),
            "dual, form {k}"
        );
        assert!(plain.derivative(0) != 0.0, "form {k} has no derivative");
    }
    for (k, (plain, form)) in forms!(Taylor::<f64, U2>::variable(X)).into_iter().enumerate() {
        let orders = |y: &Taylor<f64, U2>| [0, 1, 2].map(|order| y.derivative(order));
        assert_eq!(orders(&plain), orders(&form), "series, form {k}");
    }
    for (k, (plain, form)) in forms!(ForwardLaplacian::<f64, U2>::along(X, 1)).into_iter().enumerate() {
        assert_eq!(
            (plain.tangent(), plain.laplacian()),
            (form.tangent(), form.laplacian()),
            "Laplacian, form {k}"
        );
    }
    let tape = Tape::new();
    let x = tape.var(X);
    for (k, (plain, form)) in forms!(x).into_iter().enumerate() {
        let derivative = |y| tape.gradient(y)[x];
        assert_eq!((plain.value(), derivative(plain)), (form.value(), derivative(form)), "tape, form {k}");
    }
}

#[test]
fn a_recording_takes_the_same_forms() {
    let both = |x: &[Traced<f64>]| -> Vec<Traced<f64>> {
        forms!(x[0]).into_iter().flat_map(|(plain, form)| [plain, form]).collect()
    };
    let program = Program::record(both, &[1.0]).unwrap();
    let (mut values, mut jacobian) = (vec![0.0; program.outputs()], vec![0.0; program.outputs()]);
    program.jacobian(&mut program.workspace(), &[X], &mut values, &mut jacobian).unwrap();
    assert_eq!(values.len(), 2 * forms!(Dual::<f64>::variable(X)).len());
    for (k, (values, derivatives)) in values.chunks(2).zip(jacobian.chunks(2)).enumerate() {
        assert_eq!((values[0], derivatives[0]), (values[1], derivatives[1]), "form {k}");
    }
}

#[test]
fn data_by_reference_may_stand_beside_variables_in_a_closure() {
    let data = [1.0, 2.0, 3.0];
    let (value, gradient) = gradient(|p| data.iter().map(|x| p[0] * x + -&p[1]).sum(), &[5.0, 0.5]);
    assert_eq!((value, gradient), (28.5, vec![6.0, -3.0]));
}

/// A function whose derivatives are all different from zero.
fn two<D: Differentiable<Scalar = f64>>([x, y, z]: [D; 3]) -> [D; 2] {
    [x * y.sin() + z * z * x, (x - z).exp() / y]
}

#[test]
fn drivers_of_arrays_give_the_bits_of_those_of_slices() {
    let x = [0.3, 1.2, -0.7];
    let (tangent, cotangent) = ([1.0, -2.0, 0.5], [3.0, -0.25]);
    let of_slice = |x: &[Dual<f64, _>]| two([x[0], x[1], x[2]]).to_vec();
    let (values, jacobian) = jacobian_forward(of_slice, &x);
    let rows = [[jacobian[0], jacobian[1], jacobian[2]], [jacobian[3], jacobian[4], jacobian[5]]];
    assert_eq!(arrays::jacobian_forward(two, x), ([values[0], values[1]], rows));
    let (_, reverse) = jacobian_reverse(|x| two([x[0], x[1], x[2]]).to_vec(), &x);
    assert_eq!(arrays::jacobian_reverse(|x| two(x), x).1.as_flattened(), reverse);
    let (_, pushed) = jvp(|x| two([x[0], x[1], x[2]]).to_vec(), &x, &tangent).unwrap();
    assert_eq!(arrays::jvp(two, x, tangent).1[..], pushed);
    let (_, pulled) = vjp(|x| two([x[0], x[1], x[2]]).to_vec(), &x, &cotangent).unwrap();
    assert_eq!(arrays::vjp(|x| two(x), x, cotangent).1[..], pulled);

    let (value, first) = gradient(|x| two([x[0], x[1], x[2]])[1], &x);
    assert_eq!(
        (arrays::gradient(|x| two(x)[1], x).0, &arrays::gradient(|x| two(x)[1], x).1[..]),
        (value, &first[..])
    );
    let (_, first) = gradient_forward(|x| two([x[0], x[1], x[2]])[1], &x);
    assert_eq!(arrays::gradient_forward(|x| two(x)[1], x).1[..], first);
    let (_, _, second) = hessian(|x| two([x[0], x[1], x[2]])[1], &x);
    assert_eq!(arrays::hessian(|x| two(x)[1], x).2.as_flattened(), second);
    let (_, _, product) = hvp(|x| two([x[0], x[1], x[2]])[1], &x, &tangent).unwrap();
    assert_eq!(arrays::hvp(|x| two(x)[1], x, tangent).2[..], product);
}

#[test]
fn arrays_may_be_empty_and_have_many_outputs() {
    assert_eq!(arrays::gradient(|_: [dualtape::Var<'_, f64>; 0]| 7.0.into(), []), (7.0, []));
    assert_eq!(arrays::gradient_forward(|_: [arrays::Dual<f64, 0>; 0]| 7.0.into(), []), (7.0, []));
    assert_eq!(arrays::jacobian_reverse(|_: [dualtape::Var<'_, f64>; 0]| [7.0.into()], []), ([7.0], [[]]));
    assert_eq!(arrays::jacobian_forward(|_: [arrays::Dual<f64, 2>; 2]| [], [1.0, 2.0]), ([], []));
    // More outputs than fit into one sweep, and more inputs than a default driver differentiates at a time.
    let x: [f64; 20] = std::array::from_fn(|i| 1.0 + i as f64);
    let diagonal: [[f64; 20]; 20] =
        std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 2.0 * x[i] } else { 0.0 }));
    assert_eq!(arrays::jacobian_reverse(|x| x.map(|x| x * x), x).1, diagonal);
    assert_eq!(arrays::jacobian_forward(|x| x.map(|x| x * x), x).1, diagonal);
}
