//! Programs as bytes: they are restored unchanged, and damaged bytes are refused.

use dualtape::program::Kind;
use dualtape::rules::Op;
use dualtape::{Differentiable, Error, Float, Program, Relation};
use std::collections::HashSet;

/// Every operation of the table, every reduction, an affine map, constants and guards.
fn everything<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> Vec<D> {
    of_operations(|_| true, p, x)
}

/// The same with those operations of the table only that are wanted.
fn of_operations<D: Differentiable<Scalar = f64>>(wanted: fn(Op) -> bool, p: &[D], x: &[D]) -> Vec<D> {
    let mut outputs = D::affine(&p[..4], &p[4..6], &[x[0] * 0.5, x[1]]);
    for op in Op::ALL.iter().filter(|op| wanted(**op)) {
        // Inside the domain of the operation, whatever the inputs are.
        let operands: Vec<D> = op
            .domain()
            .iter()
            .enumerate()
            .map(|(i, &(low, high))| x[i % 2].tanh() * (0.4 * (high - low)) + 0.5 * (low + high))
            .collect();
        outputs.push(op.apply(&operands));
    }
    outputs.extend([D::sum_of(x), D::dot(p, &outputs[..6]), D::log_sum_exp(p), D::norm(x)]);
    outputs.push(D::select(Relation::Less, x[0], p[0], D::constant(-0.0), D::constant(f64::NAN)));
    outputs.push(if p[0] < x[1] || x[0].is_nan() { p[0] } else { x[1] });
    outputs.push(D::constant(x[1].stop_gradient().floor().to_f64().unwrap()));
    outputs
}

const PARAMETERS: [f64; 6] = [0.3, -0.7, 1.1, 0.2, -0.4, 0.9];

fn program() -> Program<f64> {
    Program::record_with_data(everything, &PARAMETERS, &[0.4, 0.6]).unwrap()
}

/// Parameters and data at which the guards pass.
fn points() -> impl Iterator<Item = Vec<f64>> {
    (0..8).map(|i| [&PARAMETERS[..], &[f64::from(i) * 0.3 - 1.0, 0.6]].concat())
}

fn same_bits(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()))
}

#[test]
fn names_tell_operations_apart() {
    let names: HashSet<&str> = Op::ALL.iter().map(|op| op.name()).collect();
    let numbered = Op::ALL.iter().filter(|op| matches!(op, Op::Powi(_))).count();
    assert_eq!(names.len(), Op::ALL.len() - numbered + 1);
}

#[test]
fn programs_come_back_with_their_bits_guards_and_derivatives() {
    let program = program();
    let back = Program::<f64>::from_bytes(&program.to_bytes().unwrap()).unwrap();
    assert_eq!(back.to_bytes().unwrap(), program.to_bytes().unwrap());
    assert_eq!((back.parameters(), back.data(), back.guards()), (6, 2, program.guards()));
    let kinds = |program: &Program<f64>| {
        let graph = program.graph();
        format!("{:?} {:?}", graph.nodes().collect::<Vec<_>>(), graph.guards().collect::<Vec<_>>())
    };
    assert_eq!(kinds(&back), kinds(&program));
    let count = program.outputs();
    for x in points() {
        let run = |program: &Program<f64>| {
            let (mut values, mut matrix) = (vec![0.0; count], vec![0.0; count * 8]);
            program.jacobian(&mut program.workspace(), &x, &mut values, &mut matrix).unwrap();
            [values, matrix].concat()
        };
        assert!(same_bits(&run(&back), &run(&program)), "at {x:?}");
    }
    let elsewhere = [&PARAMETERS[..], &[0.4, -5.0]].concat();
    let refused = |program: &Program<f64>| {
        let refused = program.evaluate(&mut program.workspace(), &elsewhere, &mut vec![0.0; count]);
        let Err(Error::BranchChanged { number, .. }) = refused else { panic!("{refused:?}") };
        number
    };
    assert_eq!(refused(&back), refused(&program));
}

#[test]
fn derivatives_come_back_too() {
    let program = Program::record(|x| x[0].tanh() / x[1], &[1.0_f32, 2.0]).unwrap();
    let derivative = program.gradient_program(dualtape::program::Wrt::Both).unwrap();
    let back = Program::<f32>::from_bytes(&derivative.to_bytes().unwrap()).unwrap();
    for x in [[0.3, 2.0], [0.0, 0.0], [f32::NAN, 1.0], [5.0, -0.1]] {
        let run = |program: &Program<f32>| {
            let mut derivatives = [0.0; 2];
            program.evaluate(&mut program.workspace(), &x, &mut derivatives).unwrap();
            derivatives.map(|gradient| if gradient.is_nan() { None } else { Some(gradient.to_bits()) })
        };
        assert_eq!(run(&back), run(&derivative));
    }
}

#[test]
fn damaged_bytes_are_refused() {
    let bytes = program().to_bytes().unwrap();
    let refused = |bytes: &[u8]| match Program::<f64>::from_bytes(bytes) {
        Err(Error::NotAProgram { reason }) => reason,
        other => panic!("{other:?}"),
    };
    for length in 0..bytes.len() {
        refused(&bytes[..length]);
    }
    refused(&[&bytes[..], &[0]].concat());
    for place in 0..bytes.len() {
        for bit in [1, 16, 128] {
            let mut damaged = bytes.clone();
            damaged[place] ^= bit;
            refused(&damaged);
        }
    }
    let mut later = bytes.clone();
    later[8] += 1;
    assert!(refused(&later).contains("version"));
    assert!(refused(b"PNG").contains("short") && refused(&[7; 100]).contains("begin"));
    let narrow = Program::<f32>::from_bytes(&bytes).unwrap_err().to_string();
    assert!(narrow.contains("its numbers are f64, not f32"), "{narrow}");
}

#[test]
fn damaged_content_is_refused_or_answers_without_a_panic_even_if_its_checksum_is_right() {
    const HEAD: usize = 13;
    // A clamp with bounds in the wrong order panics, as in the function itself.
    let all_but_clamp = |p: &[_], x: &[_]| of_operations(|op| op != Op::Clamp, p, x);
    let whole = Program::record_with_data(all_but_clamp, &PARAMETERS, &[0.4, 0.6]).unwrap();
    let bytes = whole.to_bytes().unwrap();
    let (mut refused, mut taken) = (0, 0);
    for place in HEAD..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1 << bit;
            let checksum = crc32fast::hash(&damaged[HEAD..]).to_le_bytes();
            damaged[HEAD - 4..HEAD].copy_from_slice(&checksum);
            match Program::<f64>::from_bytes(&damaged) {
                Err(Error::NotAProgram { .. }) => refused += 1,
                Err(other) => panic!("{other}"),
                Ok(program) => {
                    taken += 1;
                    if program.graph().nodes().any(|node| node.kind() == Kind::Operation(Op::Clamp)) {
                        continue;
                    }
                    let x = vec![0.5; program.inputs()];
                    let _ = program.evaluate(&mut program.workspace(), &x, &mut vec![0.0; program.outputs()]);
                    let _ = program.values(
                        &mut program.batch_workspace(),
                        &x[..program.parameters()],
                        &[&x[..program.data()]][..],
                        &mut vec![0.0; program.outputs()],
                    );
                }
            }
        }
    }
    assert!(refused > 100 && taken > 100, "{refused} refused, {taken} taken");
}
