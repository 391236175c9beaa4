//! Recorded programs: a replay, at one point or many, computes the same as the eager modes.

use dualtape::program::{Graph, Recording, Rows, Wrt};
use dualtape::rules::Op;
use dualtape::{Differentiable, Error, Float, Program, Traced};
use dualtape_tests::close::{assert_close, near};
use dualtape_tests::modes::{Function, first_order};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// The middle of an operation's domain.
fn middle(op: Op) -> Vec<f64> {
    op.domain().iter().map(|&(low, high)| 0.4 * low + 0.6 * high).collect()
}

/// Points of an operation's domain, and points where it is singular.
fn points(op: Op) -> Vec<Vec<f64>> {
    const EDGES: [f64; 10] =
        [0.0, -0.0, 1.0, -1.0, 3.0, 1e-310, 1e200, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let arity = op.arity();
    let edges = (0..EDGES.len().pow(arity as u32))
        .map(|k| (0..arity).map(|i| EDGES[k / EDGES.len().pow(i as u32) % EDGES.len()]).collect());
    let smooth = (0..40).map(|k| {
        let share = |i: usize| (f64::from(k) * 0.618_033_988_749_894_9 * (i + 1) as f64).fract();
        op.domain().iter().enumerate().map(|(i, &(low, high))| low + (high - low) * share(i)).collect()
    });
    smooth.chain(edges).filter(|x: &Vec<f64>| op != Op::Clamp || x[1] <= x[2]).collect()
}

#[test]
fn a_program_recorded_elsewhere_gives_the_eager_bits() {
    for &op in Op::ALL {
        let program = Program::record(|x| op.apply(x), &middle(op)).unwrap();
        let mut workspace = program.workspace();
        for x in points(op) {
            let eager = &first_order(&op, &x)[0];
            let mut gradient = vec![0.0; x.len()];
            let value = program.gradient(&mut workspace, &x, &mut gradient).unwrap();
            assert_eq!(
                value.to_bits() | u64::from(value.is_nan()),
                eager.value.to_bits() | u64::from(value.is_nan())
            );
            assert_close(&format!("{op:?} at {x:?}"), &gradient, &eager.gradient, 1e-15);
        }
    }
}

#[test]
fn lanes_have_the_values_and_derivatives_of_every_operation_also_at_the_edges() {
    for &op in Op::ALL {
        let program = Program::record(|x| op.apply(x), &middle(op)).unwrap();
        let points = points(op);
        let n = op.arity();
        let (mut values, mut derivatives) = (vec![0.0; points.len()], vec![0.0; points.len() * n]);
        let mut batch = program.batch_workspace();
        // All at once, including singular points, and one by one.
        program.jacobians(&mut batch, &[], &points, Wrt::Both, &mut values, &mut derivatives).unwrap();
        for (k, x) in points.iter().enumerate() {
            let eager = &first_order(&op, x)[0];
            let (mut value, mut gradient) = ([0.0], vec![0.0; n]);
            let row = Rows::new(x, n);
            program.jacobians(&mut batch, &[], &row, Wrt::Data, &mut value, &mut gradient).unwrap();
            let what = format!("{op:?} at {x:?}");
            for (value, gradient) in
                [(values[k], &derivatives[k * n..(k + 1) * n]), (value[0], &gradient[..])]
            {
                assert_close(&what, &[value], &[eager.value], 1e-15);
                assert_close(&what, gradient, &eager.gradient, 4e-15);
            }
        }
    }
}

#[test]
#[should_panic(expected = "affine needs 2 rows of 3 weights, 6 in all, not 5")]
fn a_recorded_affine_map_with_too_few_weights_panics_as_it_does_eagerly() {
    let short = |p: &[_], x: &[_]| Traced::affine(&p[..5], &p[5..7], x);
    let _ = Program::record_with_data(short, &[1.0_f64; 7], &[1.0; 3]);
}

#[test]
fn products_at_one_point_are_those_of_the_drivers() {
    let x = rosenbrock_point(12);
    let program = Program::record(rosenbrock, &rosenbrock_point(12)).unwrap();
    let mut workspace = program.workspace();
    let v: Vec<f64> = (0..12).map(|i| (f64::from(i)).cos()).collect();
    let (mut gradient, mut product) = (vec![0.0; 12], vec![0.0; 12]);
    let value = program.hvp(&mut workspace, &x, &v, &mut gradient, &mut product).unwrap();
    let (same, expected_derivative, expected) = dualtape::hvp(|x| rosenbrock(x), &x, &v).unwrap();
    assert_eq!(value.to_bits(), same.to_bits());
    assert_close("gradient", &gradient, &expected_derivative, 1e-13);
    assert_close("hvp", &product, &expected, 1e-12);
    let (mut moved, mut along) = ([0.0], [0.0]);
    program.jvp(&mut workspace, &x, &v, &mut moved, &mut along).unwrap();
    let directional: f64 = expected_derivative.iter().zip(&v).map(|(g, v)| g * v).sum();
    assert_close("jvp", &along, &[directional], 1e-12);
    let (mut values, mut jacobian) = ([0.0], vec![0.0; 12]);
    program.jacobian(&mut workspace, &x, &mut values, &mut jacobian).unwrap();
    assert_close("Jacobian", &jacobian, &expected_derivative, 1e-13);
}

#[test]
fn a_jacobian_with_many_outputs_goes_forward_and_is_the_same() {
    fn wide<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
        (0..9).map(|i| (x[i % 3] * x[(i + 1) % 3]).sin() + D::literal(i as f64)).collect()
    }
    let x = [0.3, 1.1, -0.7];
    let program = Program::record(wide, &[1.0, 1.0, 1.0]).unwrap();
    let (mut values, mut jacobian) = (vec![0.0; 9], vec![0.0; 27]);
    program.jacobian(&mut program.workspace(), &x, &mut values, &mut jacobian).unwrap();
    let (same, expected) = dualtape::jacobian_forward(wide, &x);
    assert_eq!(values, same);
    assert_close("Jacobian", &jacobian, &expected, 1e-15);
}

/// Chains and identities that the optimiser rewrites, compared with the original function.
struct Rewritten;

impl Function for Rewritten {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let chain = (0..9).fold(x[0], |sum, i| sum + x[i % 4] * x[(i + 1) % 4]);
        let sum = (0..9).fold(x[1], |sum, i| sum + x[(i * i) % 4]);
        let same = (x[2] * 1.0 - 0.0 + -0.0) / 1.0;
        let twice = (x[0] * x[3]).sin() + (x[3] * x[0]).sin();
        -(-(chain * sum)) + same.powi(1) * twice + D::sum_of(&[x[3]]) + x[0] * 0.0 + (x[1] - x[1].abs())
    }
}

#[test]
fn the_optimiser_changes_no_bit() {
    for x in [
        [0.3, -1.2, 2.0, 0.7],
        [0.0, -0.0, 0.0, -0.0],
        [1e300, 1e10, -1e300, 2.0],
        [f64::NAN, 1.0, f64::INFINITY, 0.5],
    ] {
        let all = first_order(&Rewritten, &x);
        for got in &all[1..] {
            let same = got.value.to_bits() == all[0].value.to_bits();
            assert!(same || got.value.is_nan() && all[0].value.is_nan(), "{got:?} not {:?}", all[0].value);
            let close = got.gradient.iter().zip(&all[0].gradient).all(|(&a, &b)| near(a, b, 16.0));
            assert!(close, "{got:?} at {x:?}, not {:?}", all[0].gradient);
        }
    }
    let graph = Graph::record(|x| Rewritten.call(x), &[1.0, 2.0, 3.0, 4.0]).unwrap();
    assert!(Program::from(graph.clone()).operations() < graph.len() - 20, "{}", Program::from(graph));
}

#[test]
fn functions_without_inputs_or_operations_are_programs() {
    let constant = Program::record(|_| Traced::constant(3.0), &[]).unwrap();
    assert_eq!(constant.gradient(&mut constant.workspace(), &[], &mut []), Ok(3.0));
    let nothing = Program::record(|_: &[Traced<f64>]| Vec::new(), &[1.0]).unwrap();
    assert_eq!(nothing.evaluate(&mut nothing.workspace(), &[1.0], &mut []), Ok(()));
    let itself = Program::record(|x| x[0], &[1.0]).unwrap();
    let mut gradient = [0.0];
    assert_eq!(itself.gradient(&mut itself.workspace(), &[7.0], &mut gradient), Ok(7.0));
    assert_eq!(gradient, [1.0]);
    let of_parameters = Program::record_with_data(|p, _| p[0] * p[0], &[1.0], &[1.0]).unwrap();
    let mut gradient = [0.0];
    let rows = Rows::new(&[5.0, 6.0, 7.0], 1);
    let value =
        of_parameters.sum_gradient(&mut of_parameters.batch_workspace(), &[3.0], &rows, &mut gradient);
    assert_eq!((value, gradient), (Ok(27.0), [18.0]));
    let mut values = [0.0; 3];
    let mut derivatives = [9.0; 6];
    of_parameters
        .jacobians(
            &mut of_parameters.batch_workspace(),
            &[3.0],
            &rows,
            Wrt::Both,
            &mut values,
            &mut derivatives,
        )
        .unwrap();
    assert_eq!(derivatives, [6.0, 0.0, 6.0, 0.0, 6.0, 0.0]);
    let mut none = [1.0];
    let empty = of_parameters.mean_gradient(
        &mut of_parameters.batch_workspace(),
        &[3.0],
        &Rows::new(&[], 1),
        &mut none,
    );
    assert!(empty.unwrap().is_nan() && none[0].is_nan());
}

#[test]
fn recordings_nest_and_survive_panics() {
    let outer = Program::record(
        |x| {
            let inner = Program::record(|y| y[0] * y[0], &[2.0]).unwrap();
            x[0] + inner.value(&mut inner.workspace(), &[3.0]).unwrap()
        },
        &[1.0],
    )
    .unwrap();
    assert_eq!(outer.value(&mut outer.workspace(), &[1.0]), Ok(10.0));
    let failed =
        std::panic::catch_unwind(|| Program::record(|_| -> Traced<f64> { panic!("of the user's") }, &[1.0]));
    assert!(failed.is_err());
    assert!(Program::record(|x| x[0] + 1.0, &[1.0_f64]).is_ok());
}

#[test]
#[should_panic(expected = "belongs to another recording")]
fn numbers_of_two_recordings_do_not_mix() {
    let _ = Program::record(|x| Program::record(|y| y[0] * x[0], &[1.0]).map(|_| x[0]).unwrap(), &[1.0]);
}

#[test]
#[should_panic(expected = "outlived its recording")]
fn a_traced_number_outside_its_recording_is_refused() {
    let mut kept = None;
    let _ = Program::record(
        |x| {
            kept = Some(x[0]);
            x[0]
        },
        &[1.0_f64],
    );
    let _ = kept.unwrap() * 2.0;
}

#[test]
fn a_recording_beyond_its_limit_is_an_error() {
    let refused =
        Recording::new().limit(1000).graph(|_, x| rosenbrock(x), &[], &rosenbrock_point(500)).unwrap_err();
    assert_eq!(refused, Error::TooLarge { limit: 1000 });
    assert!(refused.to_string().contains("1000 nodes"), "{refused}");
}

#[test]
fn programs_of_f32_agree_with_those_of_f64() {
    fn f<D: Differentiable>(x: &[D]) -> D {
        (x[0] * x[1]).sin().exp() + D::log_sum_exp(x) * x[0].tanh().softplus()
    }
    let narrow = Program::record(f, &[1.0_f32, 2.0]).unwrap();
    let wide = Program::record(f, &[1.0_f64, 2.0]).unwrap();
    let points: Vec<f32> = (0..100).map(|k| (k as f32 * 0.37).sin() * 3.0).collect();
    let points_wide: Vec<f64> = points.iter().map(|&x| f64::from(x)).collect();
    let (mut a, mut b) = ((vec![0.0; 50], vec![0.0; 100]), (vec![0.0; 50], vec![0.0; 100]));
    narrow
        .jacobians(&mut narrow.batch_workspace(), &[], &Rows::new(&points, 2), Wrt::Data, &mut a.0, &mut a.1)
        .unwrap();
    wide.jacobians(
        &mut wide.batch_workspace(),
        &[],
        &Rows::new(&points_wide, 2),
        Wrt::Data,
        &mut b.0,
        &mut b.1,
    )
    .unwrap();
    let widened = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
    assert_close("values", &widened(&a.0), &b.0, 1e-6);
    assert_close("derivatives", &widened(&a.1), &b.1, 1e-5);
}

#[test]
fn log_sum_exps_of_infinite_terms_are_those_of_the_function_once_instructions_run() {
    let f = |x: &[Traced<f64>]| {
        let sum = Traced::log_sum_exp(&x[1..]);
        let scale = if sum < Traced::from(3.0) { 1.0 } else { 2.0 };
        x[0] * scale
    };
    let program = Program::record(f, &[1.0, 5.0, 4.0, 3.0]).unwrap().optimized();
    let (mut workspace, mut derivatives) = (program.workspace(), [0.0; 4]);
    assert_eq!(program.gradient(&mut workspace, &[7.0, 5.0, 1.0, 2.0], &mut derivatives).unwrap(), 14.0);
    assert_eq!(derivatives, [2.0, 0.0, 0.0, 0.0]);
    // The sum is −∞, and below 3; no output shows it.
    let below = program.gradient(
        &mut workspace,
        &[7.0, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
        &mut derivatives,
    );
    assert!(matches!(below, Err(Error::BranchChanged { .. })), "{below:?}");
    for x in
        [[f64::INFINITY, 0.0, 0.0], [f64::NEG_INFINITY, 4.0, f64::INFINITY], [f64::NEG_INFINITY, 4.0, 2.0]]
    {
        let x = [7.0, x[0], x[1], x[2]];
        let walked = Program::record(f, &[1.0, 5.0, 4.0, 3.0]).unwrap();
        let mut expected = [0.0; 4];
        let value = walked.gradient(&mut walked.workspace(), &x, &mut expected).unwrap();
        let replayed = program.gradient(&mut workspace, &x, &mut derivatives).unwrap();
        assert_eq!(replayed.to_bits(), value.to_bits(), "{x:?}");
        assert_eq!(derivatives.map(f64::to_bits), expected.map(f64::to_bits), "{x:?}");
    }
}
