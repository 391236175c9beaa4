//! Derivatives of programs as programs: every row of the table at every edge, in batches, differentiated again, and called.

use dualtape::program::{Rows, Wrt};
use dualtape::rules::Op;
use dualtape::{
    Differentiable, Error, Float, Program, Relation, Traced, gradient, gradient_forward, hessian,
};
use dualtape_tests::points::edges;

/// Whether two numbers are equal up to rounding; all NaN are equal.
fn same(a: f64, b: f64) -> bool {
    a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-13 * a.abs().max(b.abs())
}

fn all_same(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| same(a, b))
}

/// Every operation of the table, each with a program that contains only it.
fn rows() -> impl Iterator<Item = (Op, Program<f64>)> {
    Op::ALL.iter().map(|&op| {
        let middle: Vec<f64> = op.domain().iter().map(|(low, high)| 0.5 * (low + high)).collect();
        (op, Program::record(|x| op.apply(x), &middle).expect("the recording is small"))
    })
}

fn results(program: &Program<f64>, x: &[f64]) -> Vec<f64> {
    let mut results = vec![0.0; program.outputs()];
    program.evaluate(&mut program.workspace(), x, &mut results).expect("there are no guards");
    results
}

#[test]
fn gradient_programs_give_the_gradient_of_every_row_at_every_edge() {
    for (op, program) in rows() {
        let derivative = program.gradient_program(Wrt::Both).unwrap();
        assert_eq!((derivative.guards(), derivative.inputs()), (0, op.arity()), "{op:?}");
        for x in edges(op) {
            let expected = gradient(|x| op.apply(x), &x).1;
            let given = results(&derivative, &x);
            assert!(all_same(&given, &expected), "{op:?} at {x:?}: {given:?}, not {expected:?}");
        }
    }
}

#[test]
fn value_and_gradient_programs_give_both_of_every_row_at_every_edge() {
    for (op, program) in rows() {
        let both = program.value_and_gradient_program(Wrt::Both).unwrap();
        assert_eq!((both.guards(), both.inputs(), both.outputs()), (0, op.arity(), 1 + op.arity()), "{op:?}");
        for x in edges(op) {
            let (value, derivatives) = gradient(|x| op.apply(x), &x);
            let (given, expected) = (results(&both, &x), [vec![value], derivatives].concat());
            assert!(all_same(&given, &expected), "{op:?} at {x:?}: {given:?}, not {expected:?}");
        }
    }
}

#[test]
fn jvp_and_vjp_programs_give_the_products_of_every_row_at_every_edge() {
    for (op, program) in rows() {
        let (jvp, vjp) = (program.jvp_program(), program.vjp_program(Wrt::Both));
        for x in edges(op) {
            let (value, forward) = gradient_forward(|x| op.apply(x), &x);
            for (input, &gradient) in forward.iter().enumerate() {
                let unit: Vec<f64> = (0..x.len()).map(|i| f64::from(u8::from(i == input))).collect();
                let given = results(&jvp, &[&x[..], &unit].concat());
                assert!(
                    all_same(&given, &[value, gradient]),
                    "{op:?} at {x:?}: {given:?}, not {value}, {gradient}"
                );
            }
            let expected = [vec![value], gradient(|x| op.apply(x), &x).1].concat();
            let given = results(&vjp, &[&x[..], &[1.0]].concat());
            assert!(all_same(&given, &expected), "{op:?} at {x:?}: {given:?}, not {expected:?}");
        }
    }
}

/// A smooth function of two parameters and two data, with branches as selections.
fn smooth<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
    let z = D::dot(p, x).tanh() + D::log_sum_exp(&[p[0], x[1], p[1] * x[0]]) * D::norm(&[x[0], p[1], x[1]]);
    D::select(Relation::Less, z, D::constant(0.5), z * z, z.exp_m1() - z.sqrt())
}

const PARAMETERS: [f64; 2] = [0.7, -0.4];

fn points() -> Vec<f64> {
    (0..66).map(|i| (f64::from(i) * 0.37).sin()).collect()
}

fn both<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    smooth(&x[..2], &x[2..])
}

#[test]
fn hessian_programs_and_gradients_of_gradients_agree_with_nested_numbers() {
    let program = Program::record_with_data(smooth, &PARAMETERS, &[1.0; 2]).unwrap();
    let by_name = program.hessian_program(Wrt::Both).unwrap();
    let first = program.gradient_program(Wrt::Both).unwrap();
    for point in points().chunks(2) {
        let x = [&PARAMETERS[..], point].concat();
        let expected = hessian(|x| both(x), &x).2;
        let close = |given: &[f64]| {
            given.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-11 * b.abs().max(1.0))
        };
        assert!(close(&results(&by_name, &x)), "{:?}, not {expected:?}", results(&by_name, &x));
        // The Jacobian of the gradient, by the program's own sweeps.
        let (mut derivatives, mut matrix) = ([0.0; 4], [0.0; 16]);
        first.jacobian(&mut first.workspace(), &x, &mut derivatives, &mut matrix).unwrap();
        assert!(close(&matrix), "{matrix:?}, not {expected:?}");
    }
}

#[test]
fn a_gradient_program_in_a_batch_agrees_with_the_batch_of_gradients() {
    let program = Program::record_with_data(smooth, &PARAMETERS, &[1.0; 2]).unwrap();
    for wrt in [Wrt::Parameters, Wrt::Data, Wrt::FirstData(1), Wrt::Both] {
        let derivative = program.gradient_program(wrt).unwrap();
        let (width, data) = (derivative.outputs(), points());
        let rows = Rows::new(&data, 2);
        let mut by_values = vec![0.0; 33 * width];
        derivative.values(&mut derivative.batch_workspace(), &PARAMETERS, &rows, &mut by_values).unwrap();
        let (mut values, mut by_sweeps) = (vec![0.0; 33], vec![0.0; 33 * width]);
        program
            .jacobians(&mut program.batch_workspace(), &PARAMETERS, &rows, wrt, &mut values, &mut by_sweeps)
            .unwrap();
        let far = by_values.iter().zip(&by_sweeps).any(|(a, b)| (a - b).abs() > 1e-12 * b.abs().max(1.0));
        assert!(!far, "{wrt:?}: {by_values:?}, not {by_sweeps:?}");
    }
}

#[test]
fn composed_and_called_programs_are_the_composed_function_in_every_number() {
    let polar = Program::record(|x| [x[0].hypot(x[1]), x[1].atan2(x[0])], &[1.0_f64, 2.0]).unwrap();
    let area = Program::record(|p| p[0] * p[0] * p[1] / 2.0, &[1.0_f64, 1.0]).unwrap();
    let composed = polar.then(&area).unwrap();
    let by_hand = |x: f64, y: f64| x.hypot(y) * x.hypot(y) * y.atan2(x) / 2.0;
    let recorded =
        Program::record(|x: &[Traced<f64>]| area.call(&polar.call(x).unwrap()).unwrap(), &[1.0, 2.0])
            .unwrap();
    let derivative = composed.gradient_program(Wrt::Both).unwrap();
    for (x, y) in [(1.0, 2.0), (-3.0, 0.5), (0.1, -4.0)] {
        let (value, derivatives) =
            gradient_forward(|x| area.call(&polar.call(x).unwrap()).unwrap()[0], &[x, y]);
        assert_eq!(value, by_hand(x, y));
        assert_eq!(area.call(&polar.call(&[x, y]).unwrap()).unwrap(), [value]);
        assert_eq!(results(&composed, &[x, y]), [value]);
        assert_eq!(results(&recorded, &[x, y]), [value]);
        assert!(all_same(
            &gradient(|x| area.call(&polar.call(x).unwrap()).unwrap()[0], &[x, y]).1,
            &derivatives
        ));
        assert!(all_same(&results(&derivative, &[x, y]), &derivatives));
    }
    assert!(matches!(area.then(&polar), Err(Error::Length { expected: 1, given: 2, .. })));
    assert!(matches!(area.call(&[1.0]), Err(Error::Length { expected: 2, given: 1, .. })));
    assert!(matches!(polar.gradient_program(Wrt::Both), Err(Error::NotOneOutput { given: 2 })));
    assert!(matches!(polar.value_and_gradient_program(Wrt::Both), Err(Error::NotOneOutput { given: 2 })));
    assert!(matches!(polar.hessian_program(Wrt::Both), Err(Error::NotOneOutput { given: 2 })));
}

#[test]
fn guards_go_with_derivatives_compositions_and_calls() {
    let bent = Program::record(|x| if x[0] > 1.0.into() { x[0] * x[0] } else { x[0] }, &[2.0_f64]).unwrap();
    let double = Program::record(|x| x[0] * 2.0, &[1.0_f64]).unwrap();
    let derived = [
        bent.gradient_program(Wrt::Both).unwrap(),
        bent.hessian_program(Wrt::Both).unwrap(),
        double.then(&bent).unwrap(),
        Program::record(|x: &[Traced<f64>]| bent.call(&[x[0] + x[0]]).unwrap(), &[2.0]).unwrap(),
    ];
    for program in &derived {
        assert_eq!(program.guards(), 1);
        let value = |x: f64| program.value(&mut program.workspace(), &[x]);
        assert!(value(3.0).is_ok() && matches!(value(0.1), Err(Error::BranchChanged { .. })));
    }
    for (program, inputs) in [(bent.jvp_program(), [0.1, 1.0]), (bent.vjp_program(Wrt::Both), [0.1, 1.0])] {
        let refused = program.evaluate(&mut program.workspace(), &inputs, &mut [0.0; 2]);
        assert!(matches!(refused, Err(Error::BranchChanged { .. })));
    }
    assert!(matches!(bent.call(&[0.1]), Err(Error::BranchChanged { .. })));
    let recorded_elsewhere = Program::record(
        |x: &[Traced<f64>]| match bent.call(x) {
            Ok(outputs) => outputs[0],
            Err(_) => -x[0],
        },
        &[0.5],
    );
    // The refusal was recorded as well: such a program gives a result wherever the call is refused again.
    let value = |x: f64| recorded_elsewhere.as_ref().unwrap().value(&mut bent.workspace(), &[x]);
    assert!(value(0.25) == Ok(-0.25) && matches!(value(3.0), Err(Error::BranchChanged { .. })));
}

#[test]
fn functions_that_contradict_each_other_answer_nowhere() {
    // Two numbers unchanged, and a function of them that was recorded on the other side.
    let keep =
        Program::record(|x| if x[0] > x[1] { [x[0], x[1]] } else { [x[1], x[0]] }, &[2.0, 1.0]).unwrap();
    let down = Program::record(|x| if x[0] > x[1] { x[0] } else { x[1] * 10.0 }, &[1.0, 2.0]).unwrap();
    let both = keep.then(&down).unwrap();
    assert_eq!(both.guards(), 2);
    for x in [[2.0, 1.0], [1.0, 2.0]] {
        let refused = both.value(&mut both.workspace(), &x);
        assert!(matches!(refused, Err(Error::BranchChanged { .. })), "{refused:?}");
    }
}

#[test]
fn jacobians_by_instructions_are_those_of_the_walk() {
    let wide = |x: &[Traced<f64>]| (0..12).map(|i| (x[0] * f64::from(i)).sin() + x[1]).collect::<Vec<_>>();
    let narrow = |x: &[Traced<f64>]| vec![Traced::dot(x, x), Traced::log_sum_exp(x)];
    let forward = Program::record(wide, &[0.5, 0.25]).unwrap();
    let reverse = Program::record(narrow, &[0.1; 20]).unwrap();
    for program in [forward, reverse] {
        let (rows, columns) = (program.outputs(), program.inputs());
        let jacobian = |program: &Program<f64>, x: &[f64]| {
            let (mut values, mut matrix) = (vec![0.0; rows], vec![0.0; rows * columns]);
            program.jacobian(&mut program.workspace(), x, &mut values, &mut matrix).unwrap();
            [values, matrix].concat()
        };
        let warm = program.clone();
        for shift in 0..40 {
            let x: Vec<f64> = (0..columns).map(|i| (i as f64 * 0.7 + f64::from(shift)).sin()).collect();
            // A clone that was never evaluated is walked.
            assert!(all_same(&jacobian(&warm, &x), &jacobian(&program.clone(), &x)), "at {x:?}");
        }
    }
}
