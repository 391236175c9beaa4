//! Laplacians and similar operators agree with the trace of the Hessian for every operation of the table, reductions,
//! rules and loops, with exact values, at the edges, nested, and recorded.

use dualtape::generic_array::GenericArray;
use dualtape::generic_array::sequence::GenericSequence;
use dualtape::loops::{Step, scan};
use dualtape::rules::Op;
use dualtape::typenum::{U1, U3, U5};
use dualtape::{
    CustomRule, Differentiable, Dual, Error, Float, ForwardLaplacian, Program, Relation, biharmonic,
    divergence_form, gradient, hessian, hessian_diagonal, laplacian, laplacian_lanes, weighted_laplacian,
};
use dualtape_tests::close::{assert_close, close, near};
use dualtape_tests::modes::second_order;
use dualtape_tests::points::{edges, within};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// A function generic over the type of number.
trait Function {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D;
}

impl Function for Op {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        self.apply(x)
    }
}

/// An operation whose operands all depend on all inputs, with nonzero second derivatives.
struct Bent(Op);

impl Function for Bent {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let total: D = x.iter().copied().sum();
        let bend = (total - total.stop_gradient()).sin();
        let operand = |(i, &x): (usize, &D)| x + (bend * bend + bend * x) * (0.25 * (i + 1) as f64);
        self.0.apply(&x.iter().enumerate().map(operand).collect::<Vec<_>>())
    }
}

/// Reductions, branches, rules and loops of three numbers.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Sum,
    Dot,
    Affine,
    Norm,
    LogSumExp,
    Select,
    Branch,
    Literals,
    Rule,
    Loop,
}

const SHAPES: [Shape; 10] = [
    Shape::Sum,
    Shape::Dot,
    Shape::Affine,
    Shape::Norm,
    Shape::LogSumExp,
    Shape::Select,
    Shape::Branch,
    Shape::Literals,
    Shape::Rule,
    Shape::Loop,
];

impl Function for Shape {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let [a, b, c] = [x[0] * x[1], x[1].sin(), x[2] + x[0]];
        match self {
            Shape::Sum => D::sum_of(&[a, b * b, c]) + [a, b].into_iter().sum::<D>(),
            Shape::Dot => D::dot(&[a, b, c], &[b, c, a]),
            Shape::Affine => D::affine(&[a, b, c, a], &[c, b], &[a, b])[1],
            Shape::Norm => D::norm(&[a, b, c]),
            Shape::LogSumExp => D::log_sum_exp(&[a, b, c]),
            Shape::Select => D::select(Relation::Less, a, b, a * c, b.exp()),
            Shape::Branch if a < b => (a * c).sqrt(),
            Shape::Branch => b.exp() * c,
            Shape::Literals => {
                (a * 2.0 + 1.0 - b / 3.0).powf(D::constant(2.5)) + (c + 1.0).recip() % D::constant(0.75)
            }
            Shape::Rule => D::call(&Root, &[a * b]).expect("there is a root")[0] * c,
            Shape::Loop => scan(&Turn, 5, &[a, b], &[], &[c]).expect("it runs").state[1],
        }
    }
}

/// The real root z of z³ + z = x.
#[derive(Clone)]
struct Root;

impl CustomRule for Root {
    type Scalar = f64;
    fn inputs(&self) -> usize {
        1
    }
    fn outputs(&self) -> usize {
        1
    }
    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z[0] = x[0].cbrt();
        (0..100).for_each(|_| z[0] -= (z[0].powi(3) + z[0] - x[0]) / (3.0 * z[0] * z[0] + 1.0));
        Ok(())
    }
    fn vjp<D: Differentiable<Scalar = f64>>(&self, _: &[D], z: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] / (z[0] * z[0] * 3.0 + 1.0)])
    }
}

#[derive(Clone)]
struct Turn;

impl Step for Turn {
    type Scalar = f64;
    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        state[1] -= state[0].sin() * parameters[0] * 0.1;
        state[0] += state[1] * 0.1;
        Ok(())
    }
}

const POINT: [f64; 3] = [1.5, 0.75, 0.625];

/// Compares value, gradient and Laplacian with the value, the gradient and the trace of the Hessian.
fn assert_laplacian(what: &str, f: &impl Function, x: &[f64]) {
    let (value, derivative, expected) = hessian(|x| f.call(x), x);
    let trace: f64 = (0..x.len()).map(|i| expected[i * x.len() + i]).sum();
    let scale = expected.iter().fold(1.0_f64, |scale, h| scale.max(h.abs()));
    // With one lane, three lanes, and more lanes than inputs.
    let all = [
        laplacian_lanes::<_, U1, _>(|x| f.call(x), x),
        laplacian_lanes::<_, U3, _>(|x| f.call(x), x),
        laplacian(|x| f.call(x), x),
    ];
    for (same, gradient, laplacian) in all {
        assert!(same.to_bits() == value.to_bits(), "{what} at {x:?}: {same}, not {value}");
        assert_close(what, &gradient, &derivative, 1e-13);
        assert!((laplacian - trace).abs() <= 1e-13 * scale, "{what} at {x:?}: {laplacian:e}, not {trace:e}");
    }
}

#[test]
fn every_operation_has_the_trace_of_its_hessian() {
    for &op in Op::ALL {
        for x in within(op) {
            assert_laplacian(&format!("{op:?}"), &op, &x);
            assert_laplacian(&format!("bent {op:?}"), &Bent(op), &x);
        }
    }
}

#[test]
fn reductions_branches_rules_and_loops_have_the_trace_of_their_hessian() {
    for shape in SHAPES {
        assert_laplacian(&format!("{shape:?}"), &shape, &POINT);
        assert_laplacian(&format!("{shape:?}"), &shape, &[0.25, 2.0, 1.0]);
    }
}

#[test]
fn operations_of_one_operand_agree_with_second_derivatives_at_the_edges() {
    for &op in Op::ALL.iter().filter(|op| op.arity() == 1) {
        for x in edges(op) {
            let expected = second_order(&op, &x)[0].hessian[0];
            let (value, _, got) = laplacian(|x| op.call(x), &x);
            assert!(value.to_bits() == op.apply(&x).to_bits() || value.is_nan());
            assert!(near(got, expected, 64.0), "{op:?} at {x:?}: {got:e}, not {expected:e}");
        }
    }
}

#[test]
fn a_nan_moves_and_what_does_not_move_contributes_exactly_zero() {
    let (value, _, lost) = laplacian(|x| (x[0] - 2.0).ln() * 0.0 + x[1], &[1.0, 1.0]);
    assert!(value.is_nan() && lost.is_nan());
    let (_, derivative, kept) = laplacian(|x| (x[0] - 2.0).ln().max(x[1] * x[1]), &[1.0, 1.0]);
    assert_eq!((derivative, kept), (vec![0.0, 2.0], 2.0));
    let still = ForwardLaplacian::<f64, U3>::lift(0.0).sqrt() + ForwardLaplacian::along(1.0, 0);
    assert_eq!((still.tangent()[0], still.laplacian()), (1.0, 0.0));
    assert_eq!(laplacian(|_| ForwardLaplacian::lift(7.0), &[]), (7.0, vec![], 0.0));
}

#[test]
fn many_inputs_go_through_in_blocks() {
    for n in [1, 7, 8, 9, 20] {
        let x = rosenbrock_point(n.max(2));
        let (value, derivative, diagonal) = hessian_diagonal(|x| rosenbrock(x), &x);
        let (same, gradient, laplacian) = laplacian(rosenbrock, &x);
        assert_eq!(value, same);
        assert_close("gradient", &gradient, &derivative, 1e-13);
        let trace: f64 = diagonal.iter().sum();
        assert!(close(laplacian, trace, 1e-13), "{n}: {laplacian}, not {trace}");
    }
}

#[test]
fn harmonic_functions_have_none() {
    let x = [0.3, -0.8, 0.5, 0.25];
    let harmonic = |x: &[ForwardLaplacian<f64>]| x[0].exp() * x[1].sin() + (x[2] * x[2] + x[3] * x[3]).ln();
    let (_, _, none) = laplacian(harmonic, &x);
    assert!(none.abs() < 1e-13, "{none}");
}

#[test]
fn weights_may_have_any_sign_and_zeros() {
    let x = rosenbrock_point(11);
    let weights: Vec<f64> = (0..11).map(|i| [2.0, -0.5, 0.0][i % 3] * (i + 1) as f64).collect();
    let (value, _, diagonal) = hessian_diagonal(|x| rosenbrock(x), &x);
    let expected: f64 = diagonal.iter().zip(&weights).map(|(d, w)| d * w).sum();
    let (same, got) = weighted_laplacian(rosenbrock, &x, &weights).expect("the lengths fit");
    assert!(same == value && close(got, expected, 1e-12), "{got}, not {expected}");
    assert_eq!(weighted_laplacian(rosenbrock, &x, &[0.0; 11]), Ok((value, 0.0)));
    assert!(weighted_laplacian(rosenbrock, &x, &[f64::NAN; 11]).unwrap().1.is_nan());
    let error = weighted_laplacian(rosenbrock, &x, &[1.0]).unwrap_err();
    assert_eq!(error.to_string(), "the slice of weights needs 11 numbers, one for each input, not 1");
}

#[test]
fn divergence_form_is_the_divergence_of_the_flux() {
    fn conductivity<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
        (x[0] * x[1]).sin() + x[2] * x[2] + 2.0
    }
    let x = [0.5, -0.25, 1.5];
    let (value, got) = divergence_form(|x| [rosenbrock(x), conductivity(x)], &x);
    // ∂ᵢ (a ∂ᵢ f), by a derivative of the gradient.
    let expected: f64 = (0..3)
        .map(|i| {
            let moving: Vec<Dual<f64>> = x
                .iter()
                .enumerate()
                .map(|(j, &x)| if i == j { Dual::variable(x) } else { Dual::lift(x) })
                .collect();
            let (_, gradient) = gradient(|x| rosenbrock(x), &moving);
            (conductivity(&moving) * gradient[i]).derivative(0)
        })
        .sum();
    assert!(value == rosenbrock(&x) && close(got, expected, 1e-13), "{got}, not {expected}");
}

#[test]
fn the_biharmonic_operator_has_exact_values() {
    // e^(a·x) is multiplied by |a|⁴, and r² ln r solves the plate's equation in two dimensions.
    let rates = [0.5, -0.75, 1.25, 1.0, 0.25, -0.5];
    let square: f64 = rates.iter().map(|a| a * a).sum();
    let f = |x: &[dualtape::Twice<f64>]| {
        x.iter().zip(rates).map(|(&x, a)| x * a).sum::<dualtape::Twice<f64>>().exp()
    };
    let (value, laplacian, twice) = biharmonic(f, &[0.1; 6]);
    assert!(close(laplacian, square * value, 1e-13) && close(twice, square * square * value, 1e-13));
    let plate = |x: &[dualtape::Twice<f64>]| {
        let square = x[0] * x[0] + x[1] * x[1];
        square * square.ln()
    };
    let (_, laplacian, none) = biharmonic(plate, &[0.6, 0.8]);
    assert!(close(laplacian, 8.0, 1e-13) && none.abs() < 1e-12, "{laplacian}, {none}");
}

#[test]
fn laplacians_nest_with_duals_and_tapes() {
    for shape in SHAPES {
        let direction = [0.5, -1.0, 0.25];
        let h = 1e-5;
        let at = |h: f64| -> f64 {
            let x: Vec<f64> = (0..3).map(|i| POINT[i] + h * direction[i]).collect();
            laplacian(|x| shape.call(x), &x).2
        };
        let difference = (at(h) - at(-h)) / (2.0 * h);
        let inner: Vec<Dual<f64>> = (0..3).map(|i| Dual::new(POINT[i], [direction[i]].into())).collect();
        let along = laplacian(|x| shape.call(x), &inner).2.derivative(0);
        let scale = along.abs().max(1.0);
        assert!((along - difference).abs() < 1e-6 * scale, "{shape:?}: {along}, by differences {difference}");
        // The gradient of a Laplacian, on a tape.
        let (_, derivatives) = gradient(|x| laplacian(|x| shape.call(x), x).2, &POINT);
        let got: f64 = derivatives.iter().zip(direction).map(|(a, b)| a * b).sum();
        assert!((got - along).abs() < 1e-11 * scale, "{shape:?} on a tape: {got}, not {along}");
        // Dual numbers of Laplacians.
        let outer = |i: usize| {
            let x = ForwardLaplacian::<f64, U3>::along(POINT[i], i);
            Dual::<_, U1>::new(x, GenericArray::generate(|_| ForwardLaplacian::lift(direction[i])))
        };
        let got = shape.call(&[outer(0), outer(1), outer(2)]).derivative(0).laplacian();
        assert!((got - along).abs() < 1e-11 * scale, "{shape:?}, Dual<ForwardLaplacian>: {got}, not {along}");
    }
}

#[test]
fn a_recorded_laplacian_has_no_guard_of_its_own_and_goes_by_lanes() {
    let points: Vec<Vec<f64>> =
        (0..40).map(|k| POINT.iter().map(|x| x * (1.0 + 0.01 * f64::from(k))).collect()).collect();
    for shape in SHAPES.into_iter().filter(|shape| !matches!(shape, Shape::Branch)) {
        let f = |x: &[_]| laplacian_lanes::<_, U5, _>(|x| shape.call(x), x).2;
        let program = Program::record(f, &POINT).expect("it is small");
        assert_eq!(program.guards(), 0, "{shape:?}");
        let (mut all, mut workspace) = (vec![0.0; points.len()], program.workspace());
        program.values(&mut program.batch_workspace(), &[], &points, &mut all).expect("there are no guards");
        for (x, in_batch) in points.iter().zip(all) {
            let expected = laplacian(|x| shape.call(x), x).2;
            let one = program.value(&mut workspace, x).expect("there are no guards");
            for got in [one, in_batch] {
                assert!(close(got, expected, 1e-12), "{shape:?} at {x:?}: {got}, not {expected}");
            }
        }
    }
}

#[test]
fn every_operation_records_and_replays_anywhere_in_its_domain() {
    for &op in Op::ALL {
        let points: Vec<_> = within(op).collect();
        let f = |x: &[_]| laplacian_lanes::<_, U3, _>(|x| Bent(op).call(x), x).2;
        let program = Program::record(f, &points[0]).expect("it is small");
        assert_eq!(program.guards(), 0, "{op:?}");
        for x in &points {
            let got = program.value(&mut program.workspace(), x).expect("there are no guards");
            let expected = laplacian(|x| Bent(op).call(x), x).2;
            assert!(close(got, expected, 1e-12), "{op:?} at {x:?}: {got}, not {expected}");
        }
    }
}

#[test]
fn a_zero_laplacian_wins_over_an_infinite_coefficient() {
    // f = x has no curvature, and the derivative of a = 1/x is −∞.
    assert_eq!(divergence_form(|x| [x[0], x[0].recip()], &[0.0_f64]).1, f64::NEG_INFINITY);
}

#[test]
fn an_exact_zero_wins_over_an_infinite_derivative_in_products_of_gradients() {
    // ∂²/∂x² √x is −∞ at 0, and the mixed terms are products of 0 and ∞.
    let (_, _, of_product) = laplacian(|x| x[0].sqrt() * x[1], &[0.0, 1.0]);
    assert_eq!(of_product, f64::NEG_INFINITY);
    assert_eq!(divergence_form(|x| [x[0].sqrt(), x[1]], &[0.0, 1.0]).1, f64::NEG_INFINITY);
    let (_, _, of_dot) = laplacian(|x| ForwardLaplacian::dot(&[x[0].sqrt()], &[x[1]]), &[0.0, 1.0]);
    assert_eq!(of_dot, f64::NEG_INFINITY);
    // A NaN is not lost either.
    assert!(divergence_form(|x| [x[0], x[0] + f64::NAN], &[1.0]).1.is_nan());
}
