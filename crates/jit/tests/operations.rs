//! Machine code gives the same bits as the program for each operation of the rule table.

mod common;

use common::{all_same, assert_as_the_routine, called};
use dualtape::codegen::Quantity;
use dualtape::rules::Op;
use dualtape::{Program, ProgramScalar};
use dualtape_jit::{Jit, Number, Tier};
use dualtape_tests::points::{edges, within};

/// Points for an operation, at the edges of its domain and inside.
fn points<F: ProgramScalar>(op: Op) -> Vec<Vec<F>> {
    let narrow = |x: Vec<f64>| x.into_iter().map(F::nearest).collect();
    edges(op).chain(within(op)).map(narrow).filter(|x: &Vec<F>| op != Op::Clamp || x[1] <= x[2]).collect()
}

fn all_operations() -> Vec<Op> {
    let powers = [4, 5, 7, -3, 64, 65, -1000, i32::MAX, i32::MIN].map(Op::Powi);
    Op::ALL.iter().copied().chain(powers).chain([Op::Polygamma(2), Op::Polygamma(5)]).collect()
}

fn program<F: ProgramScalar>(op: Op) -> Program<F> {
    let x: Vec<F> = within(op).next().unwrap().into_iter().map(F::nearest).collect();
    Program::record(|x| op.apply(x), &x).unwrap()
}

fn values_have_the_bits_of_the_program<F: Number>() {
    let jit = Jit::new(Tier::Optimised).unwrap();
    for op in all_operations() {
        let program = program::<F>(op);
        let mut values = jit.compile(&program, Quantity::Values).unwrap();
        for x in points::<F>(op) {
            let wanted = op.apply(&x);
            match called(&mut values, &x) {
                Some(given) => {
                    assert!(all_same(&given, &[wanted]), "{op:?} of {x:?}: {given:?}, not {wanted:?}");
                }
                None => assert!(wanted.is_nan(), "{op:?} of {x:?} is refused instead of {wanted:?}"),
            }
        }
    }
}

#[test]
fn every_operation_has_its_bits_in_f64() {
    values_have_the_bits_of_the_program::<f64>();
}

#[test]
fn every_operation_has_its_bits_in_f32() {
    values_have_the_bits_of_the_program::<f32>();
}

/// Points for a quantity: `x`, and all other inputs.
fn filled<F: ProgramScalar>(x: &[F], len: usize) -> Vec<F> {
    let more = (0..len - x.len()).map(|k| F::nearest(0.75 - 0.5 * k as f64));
    x.iter().copied().chain(more).collect()
}

fn every_quantity_is_as_the_routine<F: Number>() {
    for op in all_operations() {
        let program = program::<F>(op);
        for quantity in Quantity::ALL {
            let routine = dualtape::codegen::Routine::new(&program, quantity).unwrap();
            let len = routine.inputs().iter().map(|array| array.len).sum();
            let all = points::<F>(op);
            let some = all.iter().step_by(1 + all.len() / 300).map(|x| filled(x, len));
            assert_as_the_routine(&program, quantity, &some.collect::<Vec<_>>(), &format!("{op:?}"));
        }
    }
}

#[test]
fn every_quantity_of_every_operation_is_as_the_routine_in_f64() {
    every_quantity_is_as_the_routine::<f64>();
}

#[test]
fn every_quantity_of_every_operation_is_as_the_routine_in_f32() {
    every_quantity_is_as_the_routine::<f32>();
}
