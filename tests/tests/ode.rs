//! Differential equations compared with known solutions.

use dualtape::loops::Checkpoints;
use dualtape::ode::{Flow, Method, Solver};
use dualtape::{Differentiable, Error, Program, gradient, hessian};
use dualtape_tests::close::assert_close;

/// A spring and a clock: y″ = −p² y, together with y₂ = ∫ t dt.
#[derive(Clone)]
struct Spring;

impl Flow for Spring {
    type Scalar = f64;

    fn derivative<D: Differentiable<Scalar = f64>>(
        &self,
        time: D,
        state: &[D],
        parameters: &[D],
        derivative: &mut [D],
    ) -> Result<(), Error> {
        derivative.copy_from_slice(&[state[1], -(state[0] * parameters[0] * parameters[0]), time]);
        Ok(())
    }
}

const METHODS: [(Method, i32); 4] =
    [(Method::Euler, 1), (Method::Midpoint, 2), (Method::RungeKutta4, 4), (Method::DormandPrince5, 5)];

/// The solution at the given time, from t = 0.5 and y = (1, 0, 0), with p = 1.3.
fn exact(t: f64, p: f64) -> [f64; 3] {
    let turned = p * (t - 0.5);
    [turned.cos(), -p * turned.sin(), (t * t - 0.25) / 2.0]
}

fn end<D: Differentiable<Scalar = f64>>(solver: &Solver<Spring>, to: D, p: D) -> Vec<D> {
    let start = [D::one(), D::zero(), D::zero()];
    solver.end([D::constant(0.5), to], &start, &[p]).expect("nothing is refused")
}

#[test]
fn methods_converge_with_their_order_in_values_and_derivatives() {
    let (t, p) = (2.0_f64, 1.3_f64);
    let expected = exact(t, p);
    let turned = p * (t - 0.5);
    let derivatives = [-p * turned.sin(), -(t - 0.5) * turned.sin()];
    for (method, order) in METHODS {
        let errors = [40, 80].map(|steps| {
            let solver = Solver::new(Spring, method, steps);
            let value = end(&solver, t, p);
            assert_close("the clock", &value[2..], &expected[2..], if order == 1 { 0.1 } else { 1e-12 });
            let (_, gradient) = gradient(|x| end(&solver, x[0], x[1])[0], &[t, p]);
            [value[0] - expected[0], gradient[0] - derivatives[0], gradient[1] - derivatives[1]].map(f64::abs)
        });
        for (coarse, fine) in errors[0].into_iter().zip(errors[1]) {
            let halved = (coarse / fine).log2();
            assert!((halved - f64::from(order)).abs() < 0.35, "{method:?}: {coarse:e}, then {fine:e}");
        }
    }
}

#[test]
fn solutions_are_one_call_in_recordings_with_all_derivatives() {
    let solver = Solver::new(Spring, Method::DormandPrince5, 4000).checkpoints(Checkpoints::Snapshots(20));
    let program = Program::record(|x| end(&solver, x[0], x[1])[0], &[1.0, 1.0]).unwrap();
    assert!(program.graph().len() < 30, "{}", program.graph().len());
    let (t, p) = (2.0_f64, 1.3_f64);
    let turned = p * (t - 0.5);
    let (mut gradient, mut square) = ([0.0; 2], [0.0; 4]);
    let value = program.hessian(&mut program.workspace(), &[t, p], &mut gradient, &mut square).unwrap();
    assert_close("value", &[value], &[turned.cos()], 1e-10);
    assert_close("derivative", &gradient, &[-p * turned.sin(), -(t - 0.5) * turned.sin()], 1e-10);
    let mixed = -turned.sin() - turned * turned.cos();
    let expected = [-p * p * turned.cos(), mixed, mixed, -(t - 0.5) * (t - 0.5) * turned.cos()];
    assert_close("curvature", &square, &expected, 1e-9);
    let eager = hessian(|x| end(&solver, x[0], x[1])[0], &[t, p]);
    assert_close("eager", &eager.2, &expected, 1e-9);
}

#[test]
fn paths_pass_through_all_states_and_no_steps_stay_at_the_start() {
    let solver = Solver::new(Spring, Method::RungeKutta4, 300);
    let path = solver.path([0.5, 2.0], &[1.0, 0.0, 0.0], &[1.3]).unwrap();
    for (step, state) in path.chunks(3).enumerate() {
        assert_close("path", state, &exact(0.5 + 1.5 * (step + 1) as f64 / 300.0, 1.3), 1e-8);
    }
    let last = gradient(
        |x| solver.path([0.5.into(), x[0]], &[1.0, 0.0, 0.0].map(Into::into), &x[1..]).unwrap()[897],
        &[2.0, 1.3],
    );
    let end = gradient(|x| end(&solver, x[0], x[1])[0], &[2.0, 1.3]);
    assert_eq!(last.0, end.0);
    assert_close("derivative", &last.1, &end.1, 1e-14);
    let nowhere = Solver::new(Spring, Method::Euler, 0);
    assert_eq!(nowhere.end([0.5, 2.0], &[1.0, 0.0, 0.0], &[1.3]).unwrap(), [1.0, 0.0, 0.0]);
    assert!(nowhere.path([0.5, 2.0], &[1.0, 0.0, 0.0], &[1.3]).unwrap().is_empty());
}
