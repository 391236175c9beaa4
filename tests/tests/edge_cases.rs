//! The edge-case policy, reference values and classic bugs; the numbers come from 50-digit arithmetic and from proofs.

// The reference values have 17 digits, as they were computed.
#![allow(clippy::excessive_precision)]

use dualtape::{Differentiable, Dual, derivative, gradient, gradient_forward};
use dualtape_tests::close::assert_close;
use dualtape_tests::modes::{Function, first_order, second_order};
use std::f64::consts::{LN_2, PI};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Functions as values, generic over the type of number.
macro_rules! functions {
    ($($Name:ident: |$x:ident| $body:expr;)*) => { $(
        struct $Name;
        impl Function for $Name {
            fn call<D: Differentiable<Scalar = f64>>(&self, $x: &[D]) -> D { $body }
        }
    )* };
}

functions! {
    Rosenbrock: |x| dualtape_tests::scenarios::rosenbrock(x);
    Product: |x| x.iter().product();
    Wang: |x| (x[0] / x[1]).sin().mul_add(D::one(), x[0] / x[1] - x[1].exp()) * (x[0] / x[1] - x[1].exp());
    Tangent: |x| {
        let tan = (x[2] * x[3]).tan();
        x[0] * tan / (x[1] - tan)
    };
    Griewank: |x| x[0].ln() + x[0] * x[1] - x[1].sin();
    Numerical: |x| x[0].exp() / (x[0].sin().powi(3) + x[0].cos().powi(3)).sqrt();
    TanSquared: |x| x[0].sin().powi(2) / x[0].cos().powi(2);
    Power: |x| x[0].powf(x[1]);
    SelfPower: |x| x[0].powf(x[0]);
    SinSquare: |x| (x[0] * x[0]).sin();
    Determinant: |x| {
        x[0] * (x[4] * x[8] - x[5] * x[7]) - x[1] * (x[3] * x[8] - x[5] * x[6])
            + x[2] * (x[3] * x[7] - x[4] * x[6])
    };
    Angle: |x| x[0].atan2(x[1]);
    LogSumExp: |x| D::log_sum_exp(x);
    VectorNorm: |x| D::norm(x);
    Constant: |_x| D::constant(7.0);
    Identity: |x| x[0];
    Branch: |x| if x[0] > D::zero() { x[0].ln() } else { D::zero() };
    Quotient: |x| x[0] / x[1];
    Norm: |x| x[0].hypot(x[1]);
    LargerOfSame: |x| x[0].max(x[0]);
    Square: |x| x[0].powi(2);
    Zeroth: |x| x[0].powi(0);
    LeastPower: |x| x[0].powi(i32::MIN);
    SquareRoot: |x| x[0].powf(D::constant(0.5));
    SquareByPowf: |x| x[0].powf(D::constant(2.0));
    // A constant factor 0 cancels an infinite derivative.
    CutOff: |x| x[0].sqrt() * 0.0 + x[1];
}

/// Checks that a function has this value, gradient and Hessian at a point, in every mode.
#[track_caller]
fn check<F: Function>(what: &str, f: &F, x: &[f64], value: f64, gradient: &[f64], hessian: &[f64]) {
    for got in first_order(f, x) {
        let what = format!("{what} at {x:?}, {}", got.mode);
        assert_close(&what, &[got.value], &[value], 1e-13);
        assert_close(&what, &got.gradient, gradient, 1e-13);
    }
    if hessian.is_empty() {
        return;
    }
    for got in second_order(f, x) {
        assert_close(&format!("{what} at {x:?}, {}", got.mode), &got.hessian, hessian, 1e-13);
    }
}

#[test]
fn golden_values() {
    check("Rosenbrock", &Rosenbrock, &[-1.2, 1.0], 24.2, &[-215.6, -88.0], &[1330.0, 480.0, 480.0, 200.0]);
    let hessian = [-66.0, -40.0, 0.0, -40.0, 130.0, -80.0, 0.0, -80.0, 200.0];
    check("Rosenbrock", &Rosenbrock, &[0.1, 0.2, 0.3], 11.82, &[-9.4, 15.6, 52.0], &hessian);
    let x = [1.0, 2.0, 3.0, 4.0, 5.0];
    let mixed = |k: usize| if k / 5 == k % 5 { 0.0 } else { 120.0 / (x[k / 5] * x[k % 5]) };
    let hessian: Vec<_> = (0..25).map(mixed).collect();
    check("product", &Product, &x, 120.0, &[120.0, 60.0, 40.0, 30.0, 24.0], &hessian);
    check("product", &Product, &[0.0, 2.0, 3.0], 0.0, &[6.0, 0.0, 0.0], &[]);
    check("Wang", &Wang, &[1.5, 0.5], 2.0166466694282014, &[3.0118433276739066, -13.723961509314075], &[]);
    let derivatives = [0.37580203998910796, -0.25851460662454153, 1.2288699731390457, 0.61443498656952285];
    check("tangent", &Tangent, &[1.0, 2.0, 0.5, 1.0], 0.37580203998910796, &derivatives, &[]);
    let hessian = [-0.25, 1.0, 1.0, -0.95892427466313847];
    check("Griewank", &Griewank, &[2.0, 5.0], 11.652071455223084, &[5.5, 1.7163378145367737], &hessian);
    check("numerical", &Numerical, &[1.5], 4.4977800539461620, &[4.0534278938986206], &[9.4630736815966034]);
    check("tan²", &TanSquared, &[1.0], 2.4255188208147598, &[10.669858944975317], &[56.702999867277814]);
    let hessian = [12.0, 12.317766166719343, 12.317766166719343, 3.8436241113456113];
    check("power", &Power, &[2.0, 3.0], 8.0, &[12.0, 5.5451774444795625], &hessian);
    check("self-power", &SelfPower, &[2.0], 4.0, &[6.7725887222397812], &[13.466989500152368]);
    check("sin x²", &SinSquare, &[1.5], 0.77807319688792124, &[-1.8845208681682173], &[-8.2590060174367694]);
    let cofactors = [10.0, -4.0, 1.0, 1.0, 8.0, -2.0, -3.0, -3.0, 6.0];
    check("det", &Determinant, &[2.0, 0.0, 1.0, 1.0, 3.0, 2.0, 0.0, 1.0, 4.0], 21.0, &cofactors, &[]);
    check("atan2", &Angle, &[1.0, -1.0], 2.3561944901923449, &[-0.5, -0.5], &[]);
    let weights = [0.090030573170380458, 0.24472847105479765, 0.66524095577482189];
    check("log-sum-exp", &LogSumExp, &[1.0, 2.0, 3.0], 3.4076059644443803, &weights, &[]);
}

#[test]
fn higher_derivatives_by_nesting() {
    use dualtape::Float;
    let third = |f: fn(D3) -> D3, x| derivative(|x| derivative(|x| derivative(f, x).1, x).1, x).1;
    type D3 = Dual<Dual<Dual<f64>>>;
    assert_close("(sin x²)‴", &[third(|x| (x * x).sin(), 1.5)], &[2.9553702695313731], 1e-13);
    assert_close("(eˣ sin x)‴", &[third(|x| x.exp() * x.sin(), 1.0)], &[-1.6373226945259145], 1e-13);
    let fourth =
        derivative(|x| derivative(|x| derivative(|x| derivative(|x| x.exp() * x.sin(), x).1, x).1, x).1, 1.0)
            .1;
    assert_close("(eˣ sin x)⁗", &[fourth], &[-9.1494211487153696], 1e-13);
}

#[test]
fn a_perceptron_written_out_has_its_golden_gradient() {
    fn network<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
        let hidden = |w1: usize, w2: usize, b: usize| (p[w1] * 0.5 - p[w2] + p[b]).tanh();
        let output = p[6] * hidden(0, 1, 2) + p[7] * hidden(3, 4, 5) + p[8];
        (output - 0.25).powi(2) * 0.5
    }
    let (value, gradient) = gradient(|p| network(p), &[0.1, -0.2, 0.3, 0.4, 0.5, -0.6, 0.7, -0.8, 0.9]);
    let expected = [
        0.41273151697487854,
        -0.82546303394975708,
        0.82546303394975708,
        -0.30644678642124919,
        0.61289357284249839,
        -0.61289357284249839,
        0.78751972355430036,
        -1.1270248195976846,
        1.5734024439923842,
    ];
    assert_close("value", &[value], &[1.2377976253806038], 1e-13);
    assert_close("derivative", &gradient, &expected, 1e-13);
}

#[test]
fn powers_where_base_or_exponent_is_zero() {
    check("0^0", &Power, &[0.0, 0.0], 1.0, &[0.0, 0.0], &[]);
    check("0^1", &Power, &[0.0, 1.0], 0.0, &[1.0, 0.0], &[]);
    check("0^2", &Power, &[0.0, 2.0], 0.0, &[0.0, 0.0], &[]);
    check("0^½", &Power, &[0.0, 0.5], 0.0, &[INF, 0.0], &[]);
    check("0^−1", &Power, &[0.0, -1.0], INF, &[-INF, -INF], &[]);
    check("(−2)^2", &Power, &[-2.0, 2.0], 4.0, &[-4.0, NAN], &[]);
    check("(−2)^2, exponent constant", &SquareByPowf, &[-2.0], 4.0, &[-4.0], &[2.0]);
    check("0^2, exponent constant", &SquareByPowf, &[0.0], 0.0, &[0.0], &[2.0]);
    check("0^½, exponent constant", &SquareRoot, &[0.0], 0.0, &[INF], &[]);
    check("powi 2", &Square, &[0.0], 0.0, &[0.0], &[2.0]);
    for x in [0.0, -0.0, 1.0, INF, NAN] {
        check("powi 0", &Zeroth, &[x], 1.0, &[0.0], &[0.0]);
    }
    check("powi MIN", &LeastPower, &[1.0], 1.0, &[f64::from(i32::MIN)], &[]);
    check("powi MIN", &LeastPower, &[2.0], 0.0, &[0.0], &[]);
}

/// Checks that an operation of one operand has this value and derivative at a point, in every mode.
#[test]
fn one_argument_and_selections() {
    use dualtape::rules::Op::*;
    let cases = [
        (Abs, 0.0, 0.0, 0.0),
        (Abs, -0.0, 0.0, 0.0),
        (Sqrt, 0.0, 0.0, INF),
        (Sqrt, -0.0, -0.0, INF),
        (Cbrt, 0.0, 0.0, INF),
        (Cbrt, -0.0, -0.0, INF),
        (Ln, 0.0, -INF, INF),
        (Ln, -0.0, -INF, INF),
        (Ln, -1.0, NAN, NAN),
        (Log2, -0.0, -INF, INF),
        (Log10, -0.0, -INF, INF),
        (Relu, 0.0, 0.0, 0.0),
        (Asin, 1.0, PI / 2.0, INF),
        (Asin, -1.0, -PI / 2.0, INF),
        (Acos, 1.0, 0.0, -INF),
        (Acos, -1.0, PI, -INF),
        (Acosh, 1.0, 0.0, INF),
        (Atanh, 1.0, INF, INF),
        (Floor, 0.5, 0.0, 0.0),
        (Ceil, 0.5, 1.0, 0.0),
        (Round, 0.5, 1.0, 0.0),
        (Trunc, -1.5, -1.0, 0.0),
        (Signum, 0.0, 1.0, 0.0),
        (Fract, 1.25, 0.25, 1.0),
        (Tanh, 1000.0, 1.0, 0.0),
        (Tanh, -1000.0, -1.0, 0.0),
        (Sigmoid, 1000.0, 1.0, 0.0),
        (Sigmoid, -1000.0, 0.0, 0.0),
        (Softplus, 1000.0, 1000.0, 1.0),
        (Softplus, -1000.0, 0.0, 0.0),
        (Softplus, INF, INF, 1.0),
        (Softplus, -INF, 0.0, 0.0),
        (Relu, NAN, NAN, NAN),
    ];
    for (op, x, value, gradient) in cases {
        check(op.name(), &op, &[x], value, &[gradient], &[]);
    }
    // Derivatives far below 1, correct to the last digits.
    for (op, x, gradient) in [
        (Tanh, 20.0, 1.6993417021166356e-17),
        (Tanh, -20.0, 1.6993417021166356e-17),
        (Sigmoid, 40.0, 4.248_354_255_291_589e-18),
        (ExpM1, 1e-10, 1.000_000_000_1),
        (Ln1p, 1e-10, 0.999_999_999_9),
    ] {
        for got in first_order(&op, &[x]) {
            assert_close(op.name(), &[got.gradient[0] / gradient], &[1.0], 1e-13);
        }
    }
}

/// Checks that an operation of one operand has this second derivative at a point, in every nesting.
#[test]
fn second_derivatives_at_kinks_and_singular_points() {
    use dualtape::rules::Op::*;
    let cases = [
        (Abs, 0.0, 0.0),
        (Relu, 0.0, 0.0),
        (Sqrt, 0.0, -INF),
        (Sqrt, -0.0, -INF),
        (Ln, 0.0, -INF),
        (Ln, -0.0, -INF),
        (Ln, -1.0, NAN),
        (Sqrt, -1.0, NAN),
        (Recip, 2.0, 0.25),
        (Asin, 1.0, INF),
        (Asin, -1.0, -INF),
        (Acos, 1.0, -INF),
        (Acos, -1.0, INF),
        (Acosh, 1.0, -INF),
        (Atanh, 1.0, INF),
        (Atanh, -1.0, -INF),
        (Floor, 0.5, 0.0),
        (Round, 0.5, 0.0),
        (Signum, 0.0, 0.0),
        (Fract, 1.25, 0.0),
        (Tanh, 0.0, 0.0),
        (Tanh, 1000.0, 0.0),
        (Tanh, -1000.0, 0.0),
        (Sigmoid, 0.0, 0.0),
        (Sigmoid, 1000.0, 0.0),
        (Sigmoid, -1000.0, 0.0),
        (Softplus, 0.0, 0.25),
        (Softplus, 1000.0, 0.0),
        (Softplus, -1000.0, 0.0),
        (Powi(0), 0.0, 0.0),
        (Powi(1), 0.0, 0.0),
        (Powi(2), 0.0, 2.0),
        (Powi(3), 0.0, 0.0),
        (Erf, 0.0, 0.0),
    ];
    for (op, x, expected) in cases {
        for got in second_order(&op, &[x]) {
            assert_close(&format!("{op:?}″ at {x}, {}", got.mode), &got.hessian, &[expected], 1e-15);
        }
    }
    for op in [Max, Min] {
        for got in second_order(&op, &[2.0, 2.0]) {
            assert_close(&format!("{op:?}, {}", got.mode), &got.hessian, &[0.0; 4], 0.0);
        }
    }
    for got in second_order(&Hypot, &[0.0, 0.0]) {
        assert_close(&format!("hypot, {}", got.mode), &got.hessian, &[0.0; 4], 0.0);
    }
}

#[test]
fn two_arguments_at_ties_and_extremes() {
    use dualtape::rules::Op::*;
    let cases = [
        (Max, [2.0, 2.0], 2.0, [0.5, 0.5]),
        (Min, [2.0, 2.0], 2.0, [0.5, 0.5]),
        (Max, [NAN, 1.0], 1.0, [0.0, 1.0]),
        (Min, [1.0, NAN], 1.0, [1.0, 0.0]),
        (Copysign, [2.0, -1.0], -2.0, [-1.0, 0.0]),
        (Copysign, [0.0, -1.0], -0.0, [0.0, 0.0]),
        (Atan2, [0.0, 0.0], 0.0, [NAN, NAN]),
        (Atan2, [1e-200, 1e-200], PI / 4.0, [5e199, -5e199]),
        (Hypot, [0.0, 0.0], 0.0, [0.0, 0.0]),
        (Hypot, [1e200, 1e200], 2.0_f64.sqrt() * 1e200, [0.5_f64.sqrt(), 0.5_f64.sqrt()]),
        (Rem, [5.5, 2.0], 1.5, [1.0, -2.0]),
        (Rem, [-5.5, 2.0], -1.5, [1.0, 2.0]),
        (Rem, [1.0, 0.0], NAN, [NAN, NAN]),
        (RemEuclid, [-5.5, 2.0], 0.5, [1.0, 3.0]),
        (RemEuclid, [5.5, -2.0], 1.5, [1.0, 2.0]),
        (DivEuclid, [-5.5, 2.0], -3.0, [0.0, 0.0]),
        (Div, [1e-200, 1e-200], 1.0, [1e200, -1e200]),
        (Sub, [INF, INF], NAN, [NAN, NAN]),
        (Mul, [0.0, INF], NAN, [NAN, NAN]),
        (AbsSub, [1.0, 1.0], 0.0, [0.0, 0.0]),
        (Log, [8.0, 2.0], 3.0, [1.0 / (8.0 * LN_2), -3.0 / (2.0 * LN_2)]),
    ];
    for (op, x, value, derivatives) in cases {
        check(op.name(), &op, &x, value, &derivatives, &[]);
    }
    check("max(x, x)", &LargerOfSame, &[2.0], 2.0, &[1.0], &[]);
    let special = [
        (Erf, 0.5, 0.5204998778130465, 0.8787825789354449),
        (Erfc, 3.0, 2.209049699858544e-5, -0.00013925305194674787),
        (LnGamma, 4.5, 2.453736570842442, 1.388870926359529),
        (LnGamma, -0.5, 1.2655121234846454, 0.03648997397857652),
        (Digamma, 1.0, -0.5772156649015329, 1.6449340668482264),
    ];
    for (op, x, value, derivative) in special {
        check(op.name(), &op, &[x], value, &[derivative], &[]);
    }
    check("norm of a vector", &VectorNorm, &[3.0, 0.0, 4.0], 5.0, &[0.6, 0.0, 0.8], &[]);
    check("norm at the origin", &VectorNorm, &[0.0, 0.0], 0.0, &[0.0, 0.0], &[]);
    check("huge norm", &VectorNorm, &[3e200, 4e200], 5e200, &[0.6, 0.8], &[]);
    check("tiny norm", &VectorNorm, &[3e-200, 4e-200], 5e-200, &[0.6, 0.8], &[]);
    check("clamp at the edge", &Clamp, &[1.0, 1.0, 2.0], 1.0, &[1.0, 0.0, 0.0], &[]);
    check("clamp below", &Clamp, &[0.0, 1.0, 2.0], 1.0, &[0.0, 1.0, 0.0], &[]);
    check("clamp above", &Clamp, &[3.0, 1.0, 2.0], 2.0, &[0.0, 0.0, 1.0], &[]);
    check("mul_add", &MulAdd, &[2.0, 3.0, 4.0], 10.0, &[3.0, 2.0, 1.0], &[]);
    check("quotient", &Quotient, &[1e-200, 1e-200], 1.0, &[1e200, -1e200], &[]);
    check("norm", &Norm, &[3.0, -4.0], 5.0, &[0.6, -0.8], &[]);
}

#[test]
fn log_sum_exp_without_finite_terms_and_with_large_ones() {
    let (low, high) = (0.2689414213699951, 0.7310585786300049);
    check("large", &LogSumExp, &[1000.0, 1001.0], 1001.3132616875182, &[low, high], &[]);
    check("all −∞", &LogSumExp, &[-INF, -INF], -INF, &[0.0, 0.0], &[]);
    check("one −∞", &LogSumExp, &[-INF, 1.0], 1.0, &[0.0, 1.0], &[]);
    check("+∞", &LogSumExp, &[INF, 1.0], INF, &[1.0, 0.0], &[]);
    check("NaN", &LogSumExp, &[NAN, 1.0], NAN, &[NAN, NAN], &[]);
    check("empty", &LogSumExp, &[], -INF, &[], &[]);
}

#[test]
fn what_does_not_depend_contributes_nothing() {
    check("constant", &Constant, &[1.0, 2.0], 7.0, &[0.0, 0.0], &[]);
    check("identity", &Identity, &[3.0], 3.0, &[1.0], &[]);
    check("branch not taken", &Branch, &[0.0], 0.0, &[0.0], &[]);
    check("zero beside an infinite derivative", &CutOff, &[0.0, 5.0], 5.0, &[0.0, 1.0], &[]);
}

#[test]
fn nested_levels_are_not_confused() {
    let sum = derivative(|x| x * derivative(|y| Dual::lift(x) + y, Dual::<f64>::variable(1.0)).1, 1.0).1;
    assert_eq!(sum, 1.0);
    let product = derivative(|x| x * derivative(|y| Dual::lift(x) * y, Dual::<f64>::variable(1.0)).1, 4.0).1;
    assert_eq!(product, 8.0);
}

#[test]
fn assigning_operators_equal_their_long_forms() {
    let (_, long) = gradient(
        |x| (x[0] * x[1] / x[2] - x[1] + x[0]) * (x[0] * x[1] / x[2] - x[1] + x[0]),
        &[3.0, 5.0, 7.0],
    );
    let (_, assigned) = gradient(
        |x| {
            let mut y = x[0];
            y *= x[1];
            y /= x[2];
            y -= x[1];
            y += x[0];
            y *= y;
            y
        },
        &[3.0, 5.0, 7.0],
    );
    assert_close("assigned", &assigned, &long, 1e-15);
    let (_, literal) = gradient_forward(
        |x| {
            let mut y = x[0];
            y *= 2.0;
            y += 1.0;
            y -= 3.0;
            y /= 4.0;
            y %= 5.0;
            2.0 * y + 1.0 - (3.0 - y) / 1.0 + 1.0 / y
        },
        &[3.0_f64],
    );
    // y = (x − 1)/2 = 1, so 3 dy − dy / y².
    assert_eq!(literal, [(3.0 - 1.0) * 0.5]);
}

#[test]
fn f32_stays_f32() {
    let (value, gradient): (f32, Vec<f32>) = gradient(|x| x[0] * 0.1_f32 + x[1], &[0.3_f32, 0.7]);
    assert_eq!((value, gradient), (0.3_f32 * 0.1 + 0.7, vec![0.1, 1.0]));
}
