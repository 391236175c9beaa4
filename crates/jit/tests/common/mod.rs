//! Shared by the tests: a simple evaluator of routines, independent of machine code, and bitwise comparisons.

use dualtape::codegen::{
    Check, Expression, Loop, Memory, Place, Quantity, Requirement, Routine, Statement, Value,
};
use dualtape::{Program, ProgramScalar};
use dualtape_jit::{Compiled, Error, Jit, Number, Tier};
use std::collections::HashMap;

pub(crate) const TIERS: [Tier; 2] = [Tier::SinglePass, Tier::Optimised];

/// Whether two numbers have the same bits; all NaN count as equal.
pub(crate) fn same<F: ProgramScalar>(a: F, b: F) -> bool {
    (a.is_nan() && b.is_nan()) || a.wide().to_bits() == b.wide().to_bits()
}

pub(crate) fn all_same<F: ProgramScalar>(a: &[F], b: &[F]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| same(a, b))
}

/// The result of a routine, or `None` if it refuses.
pub(crate) fn evaluate<F: ProgramScalar>(routine: &Routine<F>, inputs: &[F]) -> Option<Vec<F>> {
    let mut rest = inputs;
    let split = |array: &dualtape::codegen::Array| {
        let (these, others) = rest.split_at(array.len);
        rest = others;
        these.to_vec()
    };
    let inputs = routine.inputs().iter().map(split).collect();
    let nan = |len| vec![F::nan(); len];
    let outputs = routine.outputs().iter().map(|array| nan(array.len)).collect();
    let mut oracle = Oracle { inputs, outputs, workspace: nan(routine.workspace()), values: HashMap::new() };
    for part in routine.parts() {
        oracle.values.clear();
        oracle.block(part, 0)?;
    }
    let holds = |(array, numbers): (&dualtape::codegen::Array, &Vec<F>)| match array.required {
        Requirement::Anything => true,
        Requirement::NotNan => numbers.iter().all(|number| !number.is_nan()),
        Requirement::Finite => numbers.iter().all(|number| number.is_finite()),
    };
    let reliable = routine.outputs().iter().zip(&oracle.outputs).all(holds);
    reliable.then(|| oracle.outputs.concat())
}

struct Oracle<F> {
    inputs: Vec<Vec<F>>,
    outputs: Vec<Vec<F>>,
    workspace: Vec<F>,
    values: HashMap<Value, F>,
}

impl<F: ProgramScalar> Oracle<F> {
    fn block(&mut self, statements: &[Statement<F>], turn: usize) -> Option<()> {
        for statement in statements {
            match statement {
                Statement::Let { value, is } => {
                    let number = self.expression(is, turn);
                    self.values.insert(*value, number);
                }
                Statement::Store { to, value } => *self.place(to, turn) = self.values[value],
                Statement::Check(check) => self.holds(check).then_some(())?,
                Statement::Loop(turns) => self.repeat(turns)?,
            }
        }
        Some(())
    }

    fn repeat(&mut self, Loop { turns, backwards, carried, body }: &Loop<F>) -> Option<()> {
        let mut now: Vec<F> = carried.iter().map(|carried| self.values[&carried.start]).collect();
        for count in 0..*turns {
            for (carried, &now) in carried.iter().zip(&now) {
                self.values.insert(carried.inside, now);
            }
            self.block(body, if *backwards { turns - 1 - count } else { count })?;
            now = carried.iter().map(|carried| self.values[&carried.next]).collect();
        }
        for (carried, now) in carried.iter().zip(now) {
            self.values.insert(carried.after, now);
        }
        Some(())
    }

    fn place(&mut self, place: &Place, turn: usize) -> &mut F {
        let memory = match place.memory {
            Memory::Input(array) => &mut self.inputs[array],
            Memory::Output(array) => &mut self.outputs[array],
            Memory::Workspace => &mut self.workspace,
        };
        &mut memory[place.first + place.stride * turn]
    }

    fn expression(&mut self, is: &Expression<F>, turn: usize) -> F {
        match is {
            Expression::Constant(number) => *number,
            Expression::Load(place) => *self.place(place, turn),
            Expression::Apply(op, operands) => {
                let operands: Vec<F> =
                    operands[..op.arity()].iter().map(|operand| self.values[operand]).collect();
                op.apply(&operands)
            }
            Expression::Norm(terms) => {
                let terms: Vec<F> = terms.iter().map(|term| self.values[term]).collect();
                F::norm(&terms)
            }
        }
    }

    fn holds(&self, check: &Check<F>) -> bool {
        match *check {
            Check::NotNan(value) => !self.values[&value].is_nan(),
            Check::Ordered([low, high]) => self.values[&low] <= self.values[&high],
            Check::Relation { relation, operands, outcome, .. } => {
                relation.holds(self.values[&operands[0]], self.values[&operands[1]]) == outcome
            }
            Check::Property { property, operand, outcome, .. } => {
                property.holds(self.values[&operand]) == outcome
            }
            Check::Same { operand, number, .. } => same(self.values[&operand], number),
        }
    }
}

/// Compiles a quantity in all tiers, whole and in small parts, and compares each at all points with the evaluator of
/// routines: the bits must agree, and it must refuse the same points.
pub(crate) fn assert_as_the_routine<F: Number>(
    program: &Program<F>,
    quantity: Quantity,
    points: &[Vec<F>],
    what: &str,
) {
    let routine = Routine::new(program, quantity).expect("it is compilable");
    for tier in TIERS {
        let jit = Jit::new(tier).expect("there is code for this processor");
        for size in [usize::MAX, 40, 3] {
            let parts = routine.clone().split(size);
            let mut compiled = jit.compile_routine(parts.clone()).expect("it is compilable");
            for x in points {
                let wanted = evaluate(&routine, x);
                let split = evaluate(&parts, x);
                assert_eq!(
                    split.as_ref().map(|split| all_same(split, wanted.as_ref().unwrap())),
                    wanted.as_ref().map(|_| true),
                    "{what}: parts of {size} give {split:?}, the whole {wanted:?} at {x:?}"
                );
                let given = called(&mut compiled, x);
                let agrees = match (&wanted, &given) {
                    (None, None) => true,
                    (Some(wanted), Some(given)) => all_same(wanted, given),
                    _ => false,
                };
                assert!(
                    agrees,
                    "{what}, {quantity:?}, {tier:?}, parts of {size}: {given:?}, not {wanted:?}, at {x:?}"
                );
            }
        }
    }
}

/// The result of the code, or `None` if it refuses.
pub(crate) fn called<F: Number>(compiled: &mut Compiled<F>, x: &[F]) -> Option<Vec<F>> {
    let len = compiled.outputs().iter().map(|array| array.len).sum();
    let mut outputs = vec![F::nan(); len];
    match compiled.call(x, &mut outputs) {
        Ok(()) => Some(outputs),
        Err(Error::Refused) => None,
        Err(error) => panic!("{error}"),
    }
}
