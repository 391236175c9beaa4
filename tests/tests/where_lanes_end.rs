//! Where the fast ways to evaluate a program end (lanes, instructions, speculation, generated code), the results and
//! the errors are still those of the function, whatever way is taken.

use dualtape::loops::{Step, scan};
use dualtape::program::{Compiled, Results, Rows, Sums, Wrt};
use dualtape::{Differentiable, Dual, Error, Float, Piecewise, Program, Traced, gradient};
use dualtape_jit::{Jit, Tier};
use std::sync::Arc;

/// More evaluations than a program walks before it makes instructions.
const MANY: usize = 20;

#[test]
fn derivatives_of_huge_angles_are_right_although_a_guard_makes_their_values_exact() {
    let f = |p: f64, x: f64| p * x;
    type Real = fn(f64) -> f64;
    let cases: [(&str, Real, Real); 2] = [("sin", f64::sin, f64::cos), ("cos", f64::cos, |x| -x.sin())];
    for (name, function, derivative) in cases {
        let program = Program::record_with_data(
            |p, x| {
                let angle = p[0] * x[0];
                let wave = if name == "sin" { angle.sin() } else { angle.cos() };
                if wave > 0.0.into() { wave } else { -wave }
            },
            &[1.0],
            &[if name == "sin" { -1.0 } else { 2.0 }],
        )
        .unwrap();
        let mut gradient = [0.0];
        for x in [1e3, 1e9, 1e12, 1e15, 1e18, 1e20] {
            // Whichever sign the recording has, one of the two takes its branch.
            let Some(p) = [1.0, -1.0, 1.5, -1.5].into_iter().find(|&p| function(f(p, x)) < 0.0) else {
                continue;
            };
            let points = vec![x; 5];
            program
                .sum_gradient(&mut program.batch_workspace(), &[p], &Rows::new(&points, 1), &mut gradient)
                .unwrap();
            let expected = -5.0 * x * derivative(f(p, x));
            assert!((gradient[0] / expected - 1.0).abs() < 1e-9, "{name} at {x}: {} {expected}", gradient[0]);
        }
    }
}

#[test]
fn no_group_of_a_point_whose_norm_overflows_passes_the_bound() {
    let program =
        Program::record_with_data(|p, x| p[0] * x[0] + p[1] * x[1], &[0.0, 0.0], &[1.0_f64, 1.0]).unwrap();
    let huge = [1.3e308, 1.3e308];
    // One huge point, as two would make the sum infinite, which is noticed.
    let points = [[0.3, 0.4], huge].concat();
    for groups in [&[][..], &[1, 1], &[2]] {
        let (mut gradient, mut norms) = ([0.0; 2], [0.0; 2]);
        let sums = Sums { clip: Some(1.0), groups, skip_non_finite: true, ..Sums::none() };
        let results = Results { gradient: Some(&mut gradient), norms: Some(&mut norms), ..Results::none() };
        let sum = program
            .sum(&mut program.batch_workspace(), &[0.0, 0.0], &Rows::new(&points, 2), &sums, results)
            .unwrap();
        assert_eq!((gradient, sum.clipped), ([0.3, 0.4], 1), "{groups:?}");
        assert_eq!(norms, [0.5, f64::INFINITY], "{groups:?}");
    }
}

#[test]
fn norms_whose_squares_underflow_are_limited_too() {
    // An affine map: the adjoint of its row is tiny, its vector is large; and a plain product.
    let map = |p: &[_], x: &[_]| Differentiable::affine(&p[..2], &p[2..3], &x[..2])[0] * x[2];
    let affine = Program::record_with_data(map, &[0.0_f32; 3], &[1.0_f32; 3]).unwrap();
    let plain = Program::record_with_data(|p, x| p[0] * x[0] * x[2], &[0.0_f32; 3], &[1.0_f32; 3]).unwrap();
    for (name, program, point) in [
        ("an affine map", &affine, [1e18_f32, 0.0, 2e-23]),
        ("an affine map with small numbers", &affine, [1.0, 1.0, 1e-30]),
        ("a product", &plain, [2e-23, 0.0, 1.0]),
    ] {
        let mut norms = [0.0; 3];
        let points = [point; 3].concat();
        let sums = Sums { clip: Some(1e-6), ..Sums::none() };
        let results = Results { norms: Some(&mut norms), ..Results::none() };
        program
            .sum(&mut program.batch_workspace(), &[0.0; 3], &Rows::new(&points, 3), &sums, results)
            .unwrap();
        let mut gradient = vec![0.0; program.inputs()];
        let at = [&[0.0; 3][..], &point].concat();
        program.gradient(&mut program.workspace(), &at, &mut gradient).unwrap();
        let expected = gradient[..3].iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        assert!(expected > 0.0);
        for norm in norms {
            assert!((f64::from(norm) / expected - 1.0).abs() < 1e-5, "{name}: {norm} {expected}");
        }
    }
}

/// A state that adds the derivative of √y² at itself, which is 0 at 0 by the policy on kinks, although its parts are
/// infinite.
#[derive(Clone)]
struct Kinked {
    /// A function that hides a NaN.
    hides: bool,
}

impl Step for Kinked {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        _: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let x = if self.hides { state[0].max((-1.0).into()) } else { state[0] };
        let y = Dual::<D>::variable(x);
        state[0] = x + (y * y).sqrt().derivative(0);
        Ok(())
    }
}

/// A kink, and two other points.
const POINTS: [f64; 3] = [0.0, 0.5, -3.0];

#[test]
fn loops_of_derivatives_are_right_at_kinks_however_often_they_are_evaluated() {
    for hides in [false, true] {
        let step = Kinked { hides };
        let run = |x: f64, turns| scan(&step, turns, &[x], &[], &[]).unwrap().state[0];
        assert_eq!((run(0.0, 2), run(0.5, 2)), (0.0, 2.5));
        for turns in [1, 2, 3, 40] {
            let record = || {
                let f = |_: &[_], x: &[Traced<f64>]| scan(&step, turns, x, &[], &[]).unwrap().state[0];
                Program::record_with_data(f, &[], &[0.5]).unwrap()
            };
            let compiled = record().optimized_by(Arc::new(Jit::new(Tier::SinglePass).unwrap()));
            for (name, program) in
                [("program", record()), ("instructions", record().optimized()), ("code", compiled)]
            {
                let mut workspace = program.workspace();
                for evaluation in 0..MANY {
                    for x in POINTS {
                        let value = program.value(&mut workspace, &[x]).unwrap();
                        assert_eq!(
                            value,
                            run(x, turns),
                            "{name}, {turns} turns, evaluation {evaluation} at {x}"
                        );
                    }
                }
                let (mut values, points) = ([f64::NAN; 3], Rows::new(&POINTS, 1));
                program.values(&mut program.batch_workspace(), &[], &points, &mut values).unwrap();
                assert_eq!(values, POINTS.map(|x| run(x, turns)), "{name}, {turns} turns, in a batch");
            }
        }
    }
}

#[test]
fn a_guard_is_not_tested_on_what_speculation_got_wrong() {
    // The derivative of √x² is 0 at 0 by the policy; without it, 0 · ∞ would be NaN.
    let root = Program::record_with_data(|_, x| (x[0] * x[0]).sqrt(), &[], &[1.0_f64]).unwrap();
    let derivative = root.gradient_program(Wrt::Both).unwrap();
    let bent = |d: &[Traced<f64>]| if d[0] < 0.5.into() { d[0] + 1.0 } else { d[0] * 2.0 };
    let bent = Program::record(bent, &[-1.0]).unwrap();
    let program = derivative.then(&bent).unwrap();
    let mut workspace = program.workspace();
    for _ in 0..MANY {
        assert_eq!(program.value(&mut workspace, &[0.0]), Ok(1.0));
    }
    let mut values = [0.0; 3];
    program
        .values(&mut program.batch_workspace(), &[], &Rows::new(&[0.0, -2.0, 0.0], 1), &mut values)
        .unwrap();
    assert_eq!(values, [1.0, 0.0, 1.0]);

    fn both<D: Differentiable<Scalar = f64>>(_: &[D], x: &[D]) -> D {
        let y = Dual::<D>::variable(x[0]);
        let d = (y * y).sqrt().derivative(0);
        if d < 0.5.into() { d + x[0] } else { d * 2.0 + x[0] }
    }
    let mut compiled = Compiled::new(|p: &[_], x: &[_]| both(p, x));
    for points in [[1.0, 0.0, -1.0], [0.0, 0.0, 1.0]] {
        let sum = compiled.sum_gradient(&[], &Rows::new(&points, 1), &mut []).unwrap();
        assert_eq!(sum, points.iter().map(|&x| both(&[], &[x])).sum::<f64>());
    }
}

#[test]
fn what_follows_a_branch_is_not_computed_on_the_other_one() {
    // A table that ends at 20, and a clamp whose bounds are in order on one branch only.
    let table = Piecewise::linear(&[0.0, 10.0, 20.0], &[0.0, 100.0, 0.0]).unwrap();
    let mut looked_up = Compiled::new(
        move |_, x: &[Traced<f64>]| {
            if x[0] <= 20.0.into() { table.at(x[0]).unwrap() } else { x[0] }
        },
    );
    let mut clamped = Compiled::new(
        |p: &[Traced<f64>], x: &[Traced<f64>]| {
            if x[0] <= x[1] { p[0].clamp(x[0], x[1]) } else { p[0] }
        },
    );
    for _ in 0..MANY {
        let mut g = [0.0];
        assert_eq!(looked_up.gradient(&[], &[5.0], &mut g), Ok(50.0));
        assert_eq!(looked_up.gradient(&[], &[25.0], &mut g), Ok(25.0));
        let mut g = [0.0; 3];
        assert_eq!(clamped.gradient(&[5.0], &[0.0, 1.0], &mut g), Ok(1.0));
        assert_eq!(g, [0.0, 0.0, 1.0]);
        assert_eq!(clamped.gradient(&[5.0], &[1.0, 0.0], &mut g), Ok(5.0));
        assert_eq!(g, [1.0, 0.0, 0.0]);
    }
    let points = [0.0, 1.0, 1.0, 0.0, 4.0, 9.0];
    let mut g = [0.0];
    assert_eq!(clamped.sum_gradient(&[5.0], &Rows::new(&points, 2), &mut g), Ok(11.0));
    assert_eq!(g, [2.0]);

    // A program that is called says that the branch is another one, too.
    let f = |x: &[Traced<f64>]| if x[0] <= x[1] { x[2].clamp(x[0], x[1]) } else { x[2] };
    let program = Program::record(f, &[0.0, 1.0, 5.0]).unwrap();
    let called = gradient(|x| program.call(x).unwrap()[0], &[0.0, 1.0, 0.5]);
    assert_eq!(called, (0.5, vec![0.0, 0.0, 1.0]));
    assert!(matches!(program.call(&[1.0, 0.0, 5.0]), Err(Error::BranchChanged { number: 0, .. })));
}

#[test]
fn points_wider_than_a_piece_of_a_stream_are_summed() {
    let width = (1 << 20) + 1;
    let program = Program::record_with_data(|p, x| p[0] * x[0], &[1.0], &vec![1.0_f64; width]).unwrap();
    let points = (1..=3).map(|k| {
        let mut point = vec![0.0; width];
        point[0] = f64::from(k);
        point
    });
    let mut gradient = [0.0];
    let mut workspace = program.batch_workspace();
    let sum = program.sum_gradient_from(&mut workspace, &[2.0], points, &mut gradient).unwrap();
    assert_eq!((sum, gradient), ((12.0, 3), [6.0]));
}

#[test]
fn hessians_and_norms_of_programs_without_inputs_are_written() {
    let constant = Program::record_with_data(|_, _| Traced::from(7.0), &[], &[] as &[f64]).unwrap();
    let mut values = [0.0; 3];
    constant.hessians(&[], &Rows::without_data(3), &mut values, &mut [], &mut []).unwrap();
    assert_eq!(values, [7.0; 3]);

    let square = Program::record_with_data(|_, x| x[0] * x[0], &[], &[1.0_f64]).unwrap();
    for groups in [&[][..], &[0]] {
        let mut norms = [f64::NAN; 2];
        let sums = Sums { clip: Some(1.0), groups, ..Sums::none() };
        let results = Results { norms: Some(&mut norms), ..Results::none() };
        square.sum(&mut square.batch_workspace(), &[], &Rows::new(&[1.0, 2.0], 1), &sums, results).unwrap();
        assert_eq!(norms, [0.0; 2], "{groups:?}");
    }
}
