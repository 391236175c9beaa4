//! Loops stay loops, with the same bits as the program, which walks them iteration by iteration.

mod common;

use common::{TIERS, all_same, assert_as_the_routine, called};
use dualtape::codegen::{Quantity, Routine};
use dualtape::loops::{Scan, Step};
use dualtape::{Differentiable, Error, Program, ProgramScalar, Scalar};
use dualtape_jit::{Jit, Number, Tier};
use std::marker::PhantomData;
use std::time::Instant;

/// A filter with a state of two numbers, two inputs and two outputs per iteration, and two parameters.
#[derive(Clone)]
struct Filter<F>(PhantomData<fn() -> F>);

impl<F: ProgramScalar> Step for Filter<F> {
    type Scalar = F;

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self, _: usize) -> usize {
        2
    }

    fn step<D: Differentiable<Scalar = F>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let angle = state[0] * parameters[0] + input[0];
        let wave = angle.sin();
        output[0] = wave * angle.cos();
        output[1] = D::norm(&[state[0], state[1], input[1]]);
        state[0] = wave + state[1] * parameters[1];
        state[1] = (state[1] - input[1]).tanh() + output[1] * F::nearest(0.25);
        Ok(())
    }
}

/// A loop that contains loops, one of them with inputs from outside.
#[derive(Clone)]
struct Nested<F>(PhantomData<fn() -> F>, usize);

impl<F: ProgramScalar> Step for Nested<F> {
    type Scalar = F;

    fn step<D: Differentiable<Scalar = F>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let taken: Vec<D> = (0..2 * self.1).map(|k| parameters[k % 2] * F::nearest(1.0 + k as f64)).collect();
        let inner = Scan::new(Filter(PhantomData), self.1).run(state, &taken, parameters)?;
        let given: D = D::sum_of(&inner.outputs);
        state.copy_from_slice(&inner.state);
        state[0] += given * F::nearest(0.125);
        Ok(())
    }
}

fn filtered<F: ProgramScalar, D: Differentiable<Scalar = F>>(turns: usize, x: &[D]) -> D {
    let taken: Vec<D> = (0..2 * turns).map(|k| x[4 + k % 3] * F::nearest(0.5 + (k % 5) as f64)).collect();
    let run =
        Scan::new(Filter(PhantomData), turns).run(&x[..2], &taken, &x[2..4]).expect("nothing is refused");
    D::sum_of(&run.outputs) + run.state[0] * run.state[1]
}

/// The same, with inputs taken directly from `x`.
fn filtered_inputs<F: ProgramScalar, D: Differentiable<Scalar = F>>(turns: usize, x: &[D]) -> D {
    let run = Scan::new(Filter(PhantomData), turns).run(&x[..2], &x[4..4 + 2 * turns], &x[2..4]);
    let run = run.expect("nothing is refused");
    D::sum_of(&run.outputs) + run.state[0] * run.state[1]
}

fn nested<F: ProgramScalar, D: Differentiable<Scalar = F>>(turns: [usize; 2], x: &[D]) -> D {
    let run = Scan::new(Nested(PhantomData, turns[1]), turns[0]).run(&x[..2], &[], &x[2..4]);
    let state = run.expect("nothing is refused").state;
    state[0] * state[1] + x[4]
}

fn point<F: Scalar>(len: usize, seed: usize) -> Vec<F> {
    (0..len).map(|k| F::nearest(0.3 + (k as f64 * 0.7 + seed as f64).sin() * 0.6)).collect()
}

/// Compares values and gradients of the code with those of the walk.
fn assert_as_the_walk<F: Number>(program: &Program<F>, what: &str) {
    let (n, mut workspace) = (program.inputs(), program.workspace());
    for tier in TIERS {
        let jit = Jit::new(tier).unwrap();
        let mut gradient = jit.compile(program, Quantity::Gradient).unwrap();
        let mut values = jit.compile(program, Quantity::Values).unwrap();
        for seed in 0..4 {
            let (x, mut derivative) = (point::<F>(n, seed), vec![F::zero(); n]);
            let walked = program.clone().gradient(&mut workspace, &x, &mut derivative).unwrap();
            let given = called(&mut gradient, &x).expect("it is smooth");
            assert!(
                all_same(&given, &[&[walked], &derivative[..]].concat()),
                "{what}: {given:?}, not {walked} {derivative:?}"
            );
            assert!(all_same(&called(&mut values, &x).unwrap(), &[walked]), "{what}");
        }
    }
}

fn assert_all<F: Number>(program: &Program<F>, what: &str) {
    assert_as_the_walk(program, what);
    for quantity in Quantity::ALL {
        // Operations on matrices have a loop for each column.
        let is_matrix = !matches!(
            quantity,
            Quantity::Values | Quantity::Gradient | Quantity::Jvp | Quantity::Vjp | Quantity::Hvp
        );
        let routine = Routine::new(program, quantity).unwrap();
        if is_matrix && routine.operations() > 20_000 {
            continue;
        }
        let len = routine.inputs().iter().map(|array| array.len).sum();
        let points: Vec<Vec<F>> = (0..2).map(|seed| point(len, seed)).collect();
        assert_as_the_routine(program, quantity, &points, what);
    }
}

fn loops_agree<F: Number>() {
    for turns in [0, 1, 2, 3, 10] {
        let program = Program::record(|x| filtered::<F, _>(turns, x), &point(7, 0)).unwrap();
        assert_all(&program, &format!("{turns} turns"));
        let width = 4 + 2 * turns;
        let program = Program::record(|x| filtered_inputs::<F, _>(turns, x), &point(width, 0)).unwrap();
        assert_all(&program, &format!("{turns} turns over inputs"));
    }
    for turns in [[0, 3], [1, 1], [2, 0], [2, 1], [1, 3], [2, 2], [3, 5]] {
        let program = Program::record(|x| nested::<F, _>(turns, x), &point(5, 0)).unwrap();
        assert_all(&program, &format!("{turns:?} turns"));
    }
}

#[test]
fn loops_have_the_bits_of_the_walk_in_f64() {
    loops_agree::<f64>();
}

#[test]
fn loops_have_the_bits_of_the_walk_in_f32() {
    loops_agree::<f32>();
}

#[test]
fn long_loops_have_the_bits_of_the_walk() {
    let program = Program::record(|x| filtered::<f64, _>(1000, x), &point(7, 0)).unwrap();
    assert_as_the_walk(&program, "1000 turns");
    let program = Program::record(|x| nested::<f64, _>([100, 10], x), &point(5, 0)).unwrap();
    assert_as_the_walk(&program, "100 turns of 10");
}

/// A step for a loop whose code stays short however many iterations it has.
#[derive(Clone)]
struct Decay;

impl Step for Decay {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        state[0] = (state[0] * parameters[0]).sin();
        Ok(())
    }
}

#[test]
fn a_loop_takes_as_long_to_compile_however_many_turns_it_has() {
    let time = |turns: usize| {
        let f = |x: &[dualtape::Traced<f64>]| {
            Scan::new(Decay, turns).run(&x[..1], &[], &x[1..]).unwrap().state[0]
        };
        let program = Program::record(f, &[0.5, 0.9]).unwrap();
        let routine = Routine::new(&program, Quantity::Gradient).unwrap();
        let start = Instant::now();
        let mut compiled = Jit::new(Tier::Optimised).unwrap().compile_routine(routine.clone()).unwrap();
        let time = start.elapsed();
        assert!(called(&mut compiled, &[0.5, 0.9]).is_some());
        (routine.operations(), time)
    };
    let (few, many) = (time(10), time(1_000_000));
    assert_eq!(few.0, many.0);
    assert!(many.1 < few.1 * 20, "{few:?} and {many:?}");
}
