//! Functions defined by equations compared with closed forms, in every mode, to the second order and beyond.
#![cfg(feature = "integrations")]

use dualtape::implicit::{Equations, LinearOperator, Map, Objective, WarmRoot};
use dualtape::implicit::{conjugate_gradients, fixed_point, linear_solve, minimum, root};
use dualtape::program::{Rows, Wrt};
use dualtape::typenum::U8;
use dualtape::{
    Differentiable, Dual, Error, Program, Traced, Var, check, gradient, gradient_forward, hessian,
};
use dualtape::{Relation, second_derivative};
use dualtape_tests::close::assert_close;
use std::cell::Cell;

/// Kepler's equation z − e sin z = m for the parameters (e, m).
#[derive(Clone)]
struct Kepler;

impl Equations for Kepler {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        1
    }

    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0] - p[0] * z[0].sin() - p[1]]
    }

    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        // Slightly below 0, for finite differences at 0.
        if !(-0.1..=1.0).contains(&p[0]) {
            return Err(Error::Rule { rule: "Kepler", reason: format!("{} is no eccentricity", p[0]) });
        }
        // As many steps as necessary: a loop that cannot be recorded.
        let mut z = p[1];
        while (z - p[0] * z.sin() - p[1]).abs() > 1e-15 * z.abs().max(1.0) {
            let step = (z - p[0] * z.sin() - p[1]) / (1.0 - p[0] * z.cos());
            z -= step;
            if step.abs() < 1e-16 {
                break;
            }
        }
        Ok(vec![z])
    }
}

fn anomaly<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
    root(&Kepler, p).expect("an ellipse")[0]
}

/// The gradient and the Hessian with respect to (e, m), from the closed forms of the derivatives of z.
fn expected(e: f64, z: f64) -> ([f64; 2], [f64; 4]) {
    let (s, c) = z.sin_cos();
    let q = 1.0 - e * c;
    // z_m = 1/q, z_e = s/q; once more by the chain rule, as q_z = e s and q_e = −c.
    let (z_m, z_e) = (1.0 / q, s / q);
    let mm = -e * s * z_m / (q * q);
    let em = -(e * s * z_e - c) / (q * q);
    let ee = c * z_e / q - s * (e * s * z_e - c) / (q * q);
    ([z_e, z_m], [ee, em, em, mm])
}

#[test]
fn keplers_equation_has_its_derivatives_in_every_mode() {
    let program = Program::record(anomaly, &[0.1, 0.2]).unwrap();
    let derivative_program = program.gradient_program(Wrt::Both).unwrap();
    for x in [[0.3, 1.2], [0.0, 2.0], [0.9, -2.5], [0.6, 3.5]] {
        let z = anomaly(&x);
        let (first, second) = expected(x[0], z);
        for (value, gradient) in [gradient(|x| anomaly(x), &x), gradient_forward(anomaly, &x)] {
            assert_close("value", &[value], &[z], 1e-15);
            assert_close("gradient", &gradient, &first, 1e-12);
        }
        assert_close("Hessian", &hessian(|x| anomaly(x), &x).2, &second, 1e-10);
        let (mut workspace, mut gradient, mut square) = (program.workspace(), [0.0; 2], [0.0; 4]);
        assert_eq!(program.hessian(&mut workspace, &x, &mut gradient, &mut square), Ok(z));
        assert_close("replayed gradient", &gradient, &first, 1e-12);
        assert_close("replayed Hessian", &square, &second, 1e-10);
        derivative_program.evaluate(&mut workspace, &x, &mut gradient).unwrap();
        assert_close("gradient program", &gradient, &first, 1e-12);
        let report = check::program(&derivative_program, &x).unwrap();
        assert!(report.passes(), "{report}");
        let mut rows = [0.0; 2];
        let batch = program.jacobians(
            &mut program.batch_workspace(),
            &[],
            &Rows::new(&x, 2),
            Wrt::Both,
            &mut [0.0],
            &mut rows,
        );
        assert_eq!(batch, Ok(()));
        assert_close("batch", &rows, &first, 1e-12);
    }
    // The third derivative with respect to m, at e = 0.5, compared with a finite difference of the second.
    let second = |m: f64| second_derivative(|m| anomaly(&[Differentiable::literal(0.5), m]), m).2;
    let x = Dual::variable(Dual::variable(Dual::<f64>::variable(1.0)));
    let third = anomaly(&[Differentiable::literal(0.5), x]).derivative(0).derivative(0).derivative(0);
    assert_close("third", &[third], &[(second(1.0 + 1e-5) - second(1.0 - 1e-5)) / 2e-5], 1e-8);
}

/// A ball at rest on a floor: the contact force z with min(z, height) = 0, and the height to which the force lifts it.
#[derive(Clone)]
struct Contact;

impl Equations for Contact {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        3
    }

    /// The unknowns are angle, speed and contact force after a step; the parameters are angle and speed before it.
    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        let step = 0.1;
        let height = z[0] + 1.0;
        let complementarity = D::select(Relation::Less, z[2], height, z[2], height);
        vec![z[0] - p[0] - z[1] * step, z[1] - p[1] + p[0].sin() * step - z[2] * step, complementarity]
    }

    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        let free = p[1] - p[0].sin() * 0.1;
        let angle = p[0] + free * 0.1;
        if angle > -1.0 {
            return Ok(vec![angle, free, 0.0]);
        }
        let speed = (-1.0 - p[0]) / 0.1;
        Ok(vec![-1.0, speed, (speed - free) / 0.1])
    }
}

#[test]
fn a_pendulum_that_meets_a_stop_has_the_derivatives_of_the_side_it_is_on() {
    type D<'t> = Var<'t, Dual<f64, U8>>;
    fn after<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
        let z = root(&Contact, p).unwrap();
        z[0] * z[0] + z[1] * 2.0 + z[2] * z[2]
    }
    fn free<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
        let speed = p[1] - p[0].sin() * 0.1;
        let angle = p[0] + speed * 0.1;
        angle * angle + speed * 2.0
    }
    fn stopped<D: Differentiable<Scalar = f64>>(p: &[D]) -> D {
        let (free, speed) = (p[1] - p[0].sin() * 0.1, (-p[0] - 1.0) / 0.1);
        let force = (speed - free) / 0.1;
        speed * 2.0 + force * force + 1.0
    }
    let at = |f: &dyn for<'t> Fn(&[D<'t>]) -> D<'t>, x: [f64; 2]| {
        let (value, gradient, square) = hessian(f, &x);
        [vec![value], gradient, square].concat()
    };
    assert_close("free", &at(&|p| after(p), [0.3, -1.0]), &at(&|p| free(p), [0.3, -1.0]), 1e-10);
    assert_close("stopped", &at(&|p| after(p), [-0.95, -1.0]), &at(&|p| stopped(p), [-0.95, -1.0]), 1e-10);
    // The branch is a selection, so a recording made on one side is valid on the other.
    let program = Program::record(|p| root(&Contact, p).unwrap()[2], &[0.3, -1.0]).unwrap();
    assert_eq!(program.guards(), 0);
    let mut gradient = [0.0; 2];
    program.gradient(&mut program.workspace(), &[-0.95, -1.0], &mut gradient).unwrap();
    assert_close("replayed", &gradient, &[-100.0 + (-0.95_f64).cos(), -10.0], 1e-10);
}

#[test]
fn the_best_penalty_of_a_ridge_regression_has_its_hypergradient() {
    // Two independent features: weights are sᵢ / (qᵢ + λ), so the validation loss has a closed form.
    let (q, s, validation) = ([3.0, 7.0], [2.0, -5.0], [0.4, -0.9]);
    fn loss<D: Differentiable<Scalar = f64>>(lambda: D, q: [f64; 2], s: [f64; 2], validation: [f64; 2]) -> D {
        let matrix = [lambda + q[0], D::zero(), D::zero(), lambda + q[1]];
        let weights = linear_solve(&matrix, &s.map(D::constant)).unwrap();
        (weights[0] - validation[0]).powi(2) + (weights[1] - validation[1]).powi(2)
    }
    let (_, gradient, curvature) = hessian(|x| loss(x[0], q, s, validation), &[0.7]);
    let (mut first, mut second) = (0.0, 0.0);
    for i in 0..2 {
        let d = q[i] + 0.7;
        let (w, w1, w2) = (s[i] / d, -s[i] / (d * d), 2.0 * s[i] / (d * d * d));
        first += 2.0 * (w - validation[i]) * w1;
        second += 2.0 * (w1 * w1 + (w - validation[i]) * w2);
    }
    assert_close("hypergradient", &[gradient[0], curvature[0]], &[first, second], 1e-12);
}

#[test]
fn what_has_no_derivative_is_an_error_that_says_why() {
    // At e = 1 and m = 0, the Jacobian 1 − e cos z is zero: a value, but no derivative.
    assert_eq!(root(&Kepler, &[1.0, 0.0]), Ok(vec![0.0]));
    let singular = root(&Kepler, &[Dual::<f64>::variable(1.0), Dual::constant(0.0)]).unwrap_err().to_string();
    assert!(singular.contains("singular") && singular.contains("condition is about inf"), "{singular}");
    let program = Program::record(|p| root(&Kepler, p).unwrap()[0], &[0.5, 1.0]).unwrap();
    let replayed = program.gradient(&mut program.workspace(), &[1.0, 0.0], &mut [0.0; 2]);
    assert!(matches!(replayed, Err(Error::Rule { rule: "linear_solve", .. })), "{replayed:?}");
    let refused = program.value(&mut program.workspace(), &[2.0, 0.0]).unwrap_err().to_string();
    assert_eq!(refused, "the rule `Kepler` has no value here: 2 is no eccentricity");
    let nearly = linear_solve(&[1.0, 1.0, 1.0, 1.0 + 1e-16], &[1.0, 0.0]).unwrap_err().to_string();
    assert!(nearly.contains("singular to working precision"), "{nearly}");
    let short = linear_solve(&[1.0, 2.0, 3.0], &[1.0, 2.0]).unwrap_err().to_string();
    assert_eq!(short, "the matrix needs 4 numbers, one for each pair of unknowns, not 3");
    assert_eq!(linear_solve::<f64>(&[], &[]), Ok(vec![]));
    // A solver that stops too early.
    #[derive(Clone)]
    struct Early;
    impl Equations for Early {
        type Scalar = f64;
        fn unknowns(&self) -> usize {
            1
        }
        fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
            vec![z[0] * z[0] - p[0]]
        }
        fn solve(&self, _: &[f64]) -> Result<Vec<f64>, Error> {
            Ok(vec![1.5])
        }
    }
    let early = root(&Early, &[2.0]).unwrap_err().to_string();
    assert!(early.contains("[1.5]") && early.contains("does not solve the equations"), "{early}");
}

#[test]
fn linear_systems_of_any_size_hold_to_differences_in_every_mode() {
    for n in [1, 3, 6] {
        let solved = |x: &[Traced<f64>]| linear_solve(&x[..n * n], &x[n * n..]).unwrap();
        let mut x: Vec<f64> = (0..n * (n + 1)).map(|k| (k as f64 * 0.7).sin()).collect();
        (0..n).for_each(|i| x[i * n + i] += 4.0);
        let program = Program::record(solved, &x).unwrap();
        assert!(check::program(&program, &x).unwrap().passes());
        let third = program.vjp_program(Wrt::Both).vjp_program(Wrt::Both);
        let point: Vec<f64> = x.iter().copied().chain((1..).map(f64::from)).take(third.inputs()).collect();
        assert!(check::program(&third, &point).unwrap().passes());
    }
}

/// Three equations with the known solution (a b, a + c², exp(b / 4)).
#[derive(Clone)]
struct Three;

fn three<D: Differentiable<Scalar = f64>>(p: &[D]) -> Vec<D> {
    vec![p[0] * p[1], p[0] + p[2] * p[2], (p[1] * 0.25).exp()]
}

impl Equations for Three {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        3
    }

    /// The equations are mixed, so that none has only one unknown.
    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        let s = three(p);
        let g = [z[0] - s[0], z[1] - s[1], z[2] - s[2]];
        vec![g[0] + g[1] * g[2] + g[2] * z[0], g[1] * z[2] - g[0].sin(), g[2] + g[0] * g[0] + g[1] * 2.0]
    }

    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        Ok(three(p))
    }
}

impl Map for Three {
    type Scalar = f64;

    fn image<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        // Half the way to the solution, plus a small part of the errors of the others.
        let off: Vec<D> = three(p).iter().zip(z).map(|(&s, &z)| s - z).collect();
        (0..3).map(|i| z[i] + off[i] * 0.5 + off[(i + 1) % 3].sin() * 0.125).collect()
    }
}

impl Objective for Three {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        3
    }

    fn value<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> D {
        let off: Vec<D> = three(p).iter().zip(z).map(|(&s, &z)| s - z).collect();
        D::dot(&off, &off) + (off[0] * off[1]).powi(2) - off[2].cos() + off[0] * off[2] * 0.5
    }

    fn minimize(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        Ok(three(p))
    }
}

/// A function of the solution, computed as a root (0), as a fixed point (1), as a minimum (2), or otherwise in closed form.
fn of_three<D: Differentiable<Scalar = f64>>(way: usize, p: &[D]) -> D {
    let z = match way {
        0 => root(&Three, p),
        1 => fixed_point(&Three, &[0.0; 3], p),
        2 => minimum(&Three, p),
        _ => Ok(three(p)),
    };
    let z = z.expect("it is regular");
    z[0] * z[1].sin() + z[2] * z[2] * z[0]
}

#[test]
fn roots_fixed_points_and_minima_in_three_dimensions_have_the_derivatives_of_their_closed_form() {
    for x in [[0.4, -0.7, 1.1], [-1.2, 0.3, 0.5]] {
        let (value, gradient, square) = hessian(|p| of_three(3, p), &x);
        for way in 0..3 {
            let ours = hessian(|p| of_three(way, p), &x);
            assert_close("value", &[ours.0], &[value], 1e-10);
            assert_close("gradient", &ours.1, &gradient, 1e-10);
            assert_close("Hessian", &ours.2, &square, 1e-10);
            assert_close("forward", &gradient_forward(|p| of_three(way, p), &x).1, &gradient, 1e-10);
            let program = Program::record(|p| of_three(way, p), &[0.1, 0.2, 0.3]).unwrap();
            let (mut first, mut second) = ([0.0; 3], [0.0; 9]);
            program.hessian(&mut program.workspace(), &x, &mut first, &mut second).unwrap();
            assert_close("replayed gradient", &first, &gradient, 1e-10);
            assert_close("replayed Hessian", &second, &square, 1e-10);
        }
    }
}

#[test]
fn a_map_that_does_not_come_to_rest_is_an_error() {
    #[derive(Clone)]
    struct Doubled;
    impl Map for Doubled {
        type Scalar = f64;
        fn image<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
            vec![-z[0] + p[0]]
        }
    }
    let restless = fixed_point(&Doubled, &[3.0], &[1.0]).unwrap_err().to_string();
    assert!(restless.contains("not converge in 10000 steps; it is at [3.0]"), "{restless}");
    let short = fixed_point(&Doubled, &[3.0, 1.0], &[1.0]).unwrap_err().to_string();
    assert_eq!(short, "the image of the map needs 2 numbers, one for each unknown, not 1");
}

/// A chain of springs with stiffnesses p between two walls.
#[derive(Clone)]
struct Chain;

impl LinearOperator for Chain {
    type Scalar = f64;

    fn apply<D: Differentiable<Scalar = f64>>(&self, x: &[D], p: &[D]) -> Vec<D> {
        let at = |i: usize| x.get(i).copied().unwrap_or(D::zero());
        let pull = |i: usize| (at(i) - at(i.wrapping_sub(1))) * p[i % p.len()];
        (0..x.len()).map(|i| pull(i) - pull(i + 1)).collect()
    }
}

/// The same operator as a matrix, row by row.
fn chain_matrix<D: Differentiable<Scalar = f64>>(n: usize, p: &[D]) -> Vec<D> {
    let columns: Vec<Vec<D>> = (0..n)
        .map(|column| {
            let unit: Vec<D> = (0..n).map(|i| if i == column { D::one() } else { D::zero() }).collect();
            Chain.apply(&unit, p)
        })
        .collect();
    // The matrix is symmetric.
    columns.concat()
}

#[test]
fn conjugate_gradients_have_the_derivatives_of_the_dense_solution() {
    fn total<D: Differentiable<Scalar = f64>>(solution: &[D]) -> D {
        solution.iter().enumerate().map(|(i, &x)| x * x * (i as f64 + 1.0)).fold(D::zero(), |a, b| a + b)
    }
    fn ours<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
        total(&conjugate_gradients(&Chain, &x[..6], &x[6..]).expect("it is positive definite"))
    }
    fn dense<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
        total(&linear_solve(&chain_matrix(6, &x[6..]), &x[..6]).expect("it is regular"))
    }
    let x = [1.0, -0.5, 2.0, 0.3, 0.0, -1.0, 1.5, 0.7, 2.2];
    let (value, first, square) = hessian(|x| dense(x), &x);
    let eager = hessian(|x| ours(x), &x);
    assert_close("value", &[eager.0], &[value], 1e-12);
    assert_close("derivative", &eager.1, &first, 1e-11);
    assert_close("curvature", &eager.2, &square, 1e-10);
    let program = Program::record(ours, &[1.0; 9]).unwrap();
    let (mut again, mut matrix) = ([0.0; 9], [0.0; 81]);
    program.hessian(&mut program.workspace(), &x, &mut again, &mut matrix).unwrap();
    assert_close("replayed", &matrix, &square, 1e-10);
    // A zero right side, no unknowns, and NaN in the right side or in the stiffness.
    assert_eq!(conjugate_gradients(&Chain, &[0.0; 3], &[1.0]).unwrap(), [0.0; 3]);
    assert!(conjugate_gradients(&Chain, &[], &[1.0]).unwrap().is_empty());
    assert!(conjugate_gradients(&Chain, &[f64::NAN], &[1.0]).unwrap()[0].is_nan());
    assert!(conjugate_gradients(&Chain, &[1.0], &[f64::NAN]).unwrap()[0].is_nan());
    // Very small and very large right sides, and cotangents.
    for scale in [1e-250, 1e250] {
        let ours = conjugate_gradients(&Chain, &[scale, 2.0 * scale], &[2.0]).unwrap();
        assert_close("scaled", &[ours[0] / scale, ours[1] / scale], &[2.0 / 3.0, 5.0 / 6.0], 1e-12);
        let one = [1.0.into(), 2.0.into()];
        let gradient = gradient(|p| conjugate_gradients(&Chain, &one, p).unwrap()[0] * scale, &[2.0]).1;
        assert_close("cotangent", &[gradient[0] / scale], &[-1.0 / 3.0], 1e-12);
    }
}

#[test]
fn conjugate_gradients_refuse_what_is_not_positive_definite() {
    /// A rotation, which has no symmetric part; or a result with one number too many.
    #[derive(Clone)]
    struct Turn(usize);
    impl LinearOperator for Turn {
        type Scalar = f64;
        fn apply<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D]) -> Vec<D> {
            let mut turned = vec![-x[1], x[0]];
            turned.resize(self.0, D::zero());
            turned
        }
    }
    let refused = conjugate_gradients(&Turn(2), &[1.0, 0.0], &[]).unwrap_err().to_string();
    assert!(refused.contains("has to be symmetric and positive definite"), "{refused}");
    let refused = conjugate_gradients(&Turn(3), &[1.0, 0.0], &[]).unwrap_err().to_string();
    assert_eq!(refused, "the product with the operator needs 2 numbers, one for each unknown, not 3");
}

thread_local! {
    static STEPS: Cell<usize> = const { Cell::new(0) };
}

/// z³ + z = p, by Newton's method with counted steps.
#[derive(Clone)]
struct Cubic;

impl Equations for Cubic {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        1
    }

    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0] * z[0] * z[0] + z[0] - p[0]]
    }

    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        self.solve_near(p, &[100.0])
    }

    fn solve_near(&self, p: &[f64], last: &[f64]) -> Result<Vec<f64>, Error> {
        let mut z = last[0];
        for _ in 0..100 {
            STEPS.set(STEPS.get() + 1);
            let step = (z * z * z + z - p[0]) / (3.0 * z * z + 1.0);
            z -= step;
            if step.abs() <= 1e-15 * z.abs() {
                break;
            }
        }
        Ok(vec![z])
    }
}

/// atan z = p, by Newton's method from 0 or nearby.
#[derive(Clone)]
struct Tangent;

impl Equations for Tangent {
    type Scalar = f64;

    fn unknowns(&self) -> usize {
        1
    }

    fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
        vec![z[0].atan() - p[0]]
    }

    fn solve(&self, p: &[f64]) -> Result<Vec<f64>, Error> {
        self.solve_near(p, &[0.0])
    }

    fn solve_near(&self, p: &[f64], last: &[f64]) -> Result<Vec<f64>, Error> {
        let step = |z: f64| z - (z.atan() - p[0]) * (1.0 + z * z);
        Ok(vec![(0..50).fold(last[0], |z, _| step(z))])
    }
}

#[test]
fn warm_roots_begin_where_the_last_search_ended() {
    let taken = |solve: &dyn Fn(f64) -> f64| {
        let before = STEPS.get();
        for p in [2.0, 2.001, 2.002, 2.003] {
            let z = solve(p);
            assert!((z * z * z + z - p).abs() < 1e-14);
        }
        STEPS.get() - before
    };
    let warm = WarmRoot::new(Cubic);
    let program = Program::record(|x| warm.solve(x).unwrap()[0], &[2.0]).unwrap();
    let cold = Program::record(|x| root(&Cubic, x).unwrap()[0], &[2.0]).unwrap();
    let replay = |program: &Program<f64>, p: f64| program.value(&mut program.workspace(), &[p]).unwrap();
    let (warm_steps, cold_steps) = (taken(&|p| replay(&program, p)), taken(&|p| replay(&cold, p)));
    assert!(2 * warm_steps < cold_steps, "{warm_steps} steps, and {cold_steps} cold");
    let [ours, expected] = [&program, &cold].map(|program| {
        let (mut gradient, mut square) = ([0.0], [0.0]);
        program.hessian(&mut program.workspace(), &[3.0], &mut gradient, &mut square).unwrap();
        [gradient[0], square[0]]
    });
    assert_close("derivatives", &ours, &expected, 1e-14);
    // Newton's method for the arc tangent diverges from where the last search ended; from 0, it converges.
    let warm = WarmRoot::new(Tangent);
    assert_close("near", &warm.solve(&[1.2]).unwrap(), &[1.2_f64.tan()], 1e-12);
    assert_close("anew", &warm.solve(&[-0.5]).unwrap(), &[-0.5_f64.tan()], 1e-12);
}

#[test]
fn a_linear_system_on_a_tape_takes_one_solution_for_the_value_and_one_for_the_sweep() {
    // With 300 unknowns, one factorisation per row of the Jacobian would take 300 factorisations.
    let n = 300;
    let (value, gradient) = gradient(
        |x| {
            let matrix = (0..n * n).map(|k| if k % (n + 1) == 0 { x[0] } else { (0.5 / n as f64).into() });
            let right = vec![x[1]; n];
            linear_solve(&matrix.collect::<Vec<_>>(), &right).expect("it is regular")[7]
        },
        &[2.0, 3.0],
    );
    // All unknowns are equal: z (x₀ + (n − 1) 0.5 / n) = x₁.
    let sum = 2.0 + 0.5 * (n as f64 - 1.0) / n as f64;
    assert_close("value", &[value], &[3.0 / sum], 1e-13);
    assert_close("derivative", &gradient, &[-3.0 / (sum * sum), 1.0 / sum], 1e-12);
}

#[test]
fn a_minimiser_that_stops_at_a_maximum_or_a_saddle_point_is_an_error() {
    /// a z₀² + b z₁² + z₀⁴ + z₁⁴, stationary at the origin.
    #[derive(Clone)]
    struct Saddle;
    impl Objective for Saddle {
        type Scalar = f64;
        fn unknowns(&self) -> usize {
            2
        }
        fn value<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> D {
            p[0] * z[0] * z[0] + p[1] * z[1] * z[1] + z[0].powi(4) + z[1].powi(4)
        }
        fn minimize(&self, _: &[f64]) -> Result<Vec<f64>, Error> {
            Ok(vec![0.0; 2])
        }
    }
    for p in [[-1.0, -2.0], [1.0, -2.0], [1e9, -1e4], [-1.0, 0.0]] {
        let refused = minimum(&Saddle, &p).unwrap_err().to_string();
        assert!(refused.contains("maximum or a saddle point") && refused.contains("[0.0, 0.0]"), "{refused}");
    }
    // Flat along one direction, or along both: a minimum, as far as second derivatives tell.
    for p in [[1.0, 2.0], [1.0, 0.0], [0.0, 0.0]] {
        assert_eq!(minimum(&Saddle, &p).unwrap(), [0.0, 0.0]);
    }
}

#[test]
fn an_answer_where_the_jacobian_is_singular_must_solve_the_equations() {
    /// z₀² = p₀ · s and z₁ = p₁, in units of s; its solver returns the point that it holds.
    #[derive(Clone)]
    struct Stuck {
        unit: f64,
        at: [f64; 2],
    }
    impl Equations for Stuck {
        type Scalar = f64;
        fn unknowns(&self) -> usize {
            2
        }
        fn residual<D: Differentiable<Scalar = f64>>(&self, z: &[D], p: &[D]) -> Vec<D> {
            vec![z[0] * z[0] - p[0], (z[1] - p[1]) * self.unit]
        }
        fn solve(&self, _: &[f64]) -> Result<Vec<f64>, Error> {
            Ok(self.at.to_vec())
        }
    }
    for (unit, at, p, solves) in [
        (1.0, [0.0, 3.0], [4.0, 3.0], false),
        (1.0, [0.0, 3.0], [0.0, 3.0], true),
        (1e-18, [2.0, 5.0], [4.0, 3.0], false),
        (1e-18, [2.0, 3.0], [4.0, 3.0], true),
        (1e18, [2.0, 3.0], [4.0, 3.0], true),
    ] {
        let answer = root(&Stuck { unit, at }, &p);
        match answer {
            Ok(z) => assert!(solves && z == at, "{at:?} for {p:?}"),
            Err(error) => assert!(!solves && error.to_string().contains("does not solve"), "{at:?}: {error}"),
        }
    }
}
