//! Loops kept as one operation compared with the same loops unrolled, in every mode, at every order, with every choice of
//! stored states.

use dualtape::loops::{Checkpoints, RepeatWhile, Scan, Scanned, Step, repeat_while, scan};
use dualtape::program::{Rows, Wrt};
use dualtape::{CustomRule, Differentiable, Dual, Error, Program, Relation, Reverse, Traced, Var, Workspace};
use dualtape::{gradient, gradient_forward, hessian, hvp, jacobian_reverse};
use dualtape_tests::close::assert_close;
use dualtape_tests::modes::{Function, first_order, second_order};
use std::cell::Cell;

/// A driven spring. State: position and speed. Input: a push at each iteration. Parameters: stiffness and friction.
/// Output: the energy.
#[derive(Clone)]
struct Spring;

impl Step for Spring {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let force = input[0] - (state[0] * parameters[0]).sin() - state[1] * parameters[1];
        state[1] += force * 0.1;
        state[0] += state[1] * 0.1;
        output[0] = state[0] * state[0] * parameters[0] + D::dot(&[state[1]], &[state[1]]);
        Ok(())
    }
}

/// A step that contains loops: one with a fixed number of iterations, and one with as many as necessary.
#[derive(Clone)]
struct Nested;

impl Step for Nested {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let pushes = [input[0], -input[0], input[0] * parameters[1]];
        let Scanned { state: inner, outputs } = scan(&Spring, 3, state, &pushes, parameters)?;
        let is_off = |z: &[f64], p: &[f64]| (z[0] * z[0] - p[0]).abs() > 1e-13 * p[0];
        let square = inner[0] * inner[0] + 1.0;
        let root = repeat_while(is_off, &Newton, &[D::one()], &[square], 60)?[0];
        state.copy_from_slice(&[inner[0] / root, inner[1]]);
        output[0] = outputs[2] - outputs[0];
        Ok(())
    }
}

/// A step of Newton's method for a square root.
#[derive(Clone)]
struct Newton;

impl Step for Newton {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        state[0] = (state[0] + parameters[0] / state[0]) * 0.5;
        Ok(())
    }
}

/// z = (sin x · y, x), which counts its evaluations.
#[derive(Clone)]
struct Counted;

thread_local! {
    static VALUES: Cell<usize> = const { Cell::new(0) };
}

impl CustomRule for Counted {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        2
    }

    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        VALUES.set(VALUES.get() + 1);
        if x[0].abs() > 1e3 {
            return Err(Error::Rule { rule: "counted", reason: format!("{} is far away", x[0]) });
        }
        (z[0], z[1]) = (x[0].sin() * x[1], x[0]);
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] * x[0].cos() * x[1] + w[1], w[0] * x[0].sin()])
    }
}

/// A step that calls a custom rule.
#[derive(Clone)]
struct Ruled;

impl Step for Ruled {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let z = D::call(&Counted, &[state[0] + input[0], parameters[0]])?;
        state.copy_from_slice(&[z[0] + parameters[1], state[1] * 0.5 + z[1]]);
        output[0] = z[0] * state[1];
        Ok(())
    }
}

/// A step that selects, and has kinks.
#[derive(Clone)]
struct Kinked;

impl Step for Kinked {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        let turned = D::select(Relation::Less, state[0], input[0], state[1] * parameters[0], -state[0]);
        state.copy_from_slice(&[turned, (state[0] - input[0]).abs().max(parameters[1]) * 0.9]);
        output[0] = D::log_sum_exp(&[state[0], state[1], parameters[1]]);
        Ok(())
    }
}

/// A step that branches.
#[derive(Clone)]
struct Branching;

impl Step for Branching {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self, _: usize) -> usize {
        1
    }

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        input: &[D],
        parameters: &[D],
        output: &mut [D],
    ) -> Result<(), Error> {
        if state[0] > input[0] {
            state[0] = state[0].cos() * parameters[0];
        } else {
            state[1] += state[0] * parameters[1];
            state[0] += 0.3;
        }
        output[0] = state[0] * state[1];
        Ok(())
    }
}

/// A step, the number of iterations, and how it is run: unrolled, or with the given choice of stored states.
#[derive(Clone)]
struct Loop<S> {
    step: S,
    turns: usize,
    stored: Option<Checkpoints>,
}

impl<S: Step<Scalar = f64>> Function for Loop<S> {
    /// A function of the initial state, two parameters, and a number that determines the inputs of the iterations.
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let (start, parameters) = (&x[..2], &x[2..4]);
        let inputs: Vec<D> = (0..self.turns).map(|turn| x[4] * (turn as f64).cos()).collect();
        let Scanned { state, outputs } = match self.stored {
            Some(stored) => {
                let scan = Scan::new(self.step.clone(), self.turns).checkpoints(stored);
                scan.run(start, &inputs, parameters).expect("nothing is refused")
            }
            None => {
                let (mut state, mut outputs) = (start.to_vec(), vec![D::zero(); self.turns]);
                for (input, output) in inputs.chunks(1).zip(outputs.chunks_mut(1)) {
                    self.step.step(&mut state, input, parameters, output).expect("nothing is refused");
                }
                Scanned { state, outputs }
            }
        };
        let weighed = outputs.iter().enumerate().map(|(turn, &output)| output * (turn as f64 * 0.7).sin());
        state[0] * state[1] + state[0] + weighed.fold(D::zero(), |sum, term| sum + term)
    }
}

const X: [f64; 5] = [0.4, -0.3, 1.3, 0.2, 0.5];
const TURNS: [usize; 6] = [0, 1, 2, 7, 23, 60];
const STORED: [Checkpoints; 8] = [
    Checkpoints::All,
    Checkpoints::Every(1),
    Checkpoints::Every(4),
    Checkpoints::Snapshots(1),
    Checkpoints::Snapshots(3),
    Checkpoints::Snapshots(1000),
    Checkpoints::Bytes(100),
    Checkpoints::Bytes(1 << 20),
];

/// Compares all derivatives of first and second order with the unrolled loop.
fn holds<S: Step<Scalar = f64>>(name: &str, step: &S, tolerance: f64) {
    for turns in TURNS {
        let written = Loop { step: step.clone(), turns, stored: None };
        let expected = gradient(|x| written.call(x), &X);
        let expected_second = hessian(|x| written.call(x), &X).2;
        for stored in STORED {
            let ours = Loop { stored: Some(stored), ..written.clone() };
            for first in first_order(&ours, &X) {
                let what = format!("{name}, {turns} turns, {stored:?}, {}", first.mode);
                assert_eq!(first.value, expected.0, "{what}");
                assert_close(&what, &first.gradient, &expected.1, tolerance);
            }
            for second in second_order(&ours, &X) {
                let what = format!("{name}, {turns} turns, {stored:?}, {}", second.mode);
                assert_close(&what, &second.hessian, &expected_second, 10.0 * tolerance);
            }
        }
    }
}

#[test]
fn loops_have_the_derivatives_of_the_loop_written_out_in_every_mode_and_nesting() {
    holds("spring", &Spring, 1e-13);
    holds("kinked", &Kinked, 1e-13);
}

#[test]
fn loops_in_loops_and_rules_in_loops_do_as_well() {
    holds("nested", &Nested, 1e-11);
    holds("ruled", &Ruled, 1e-12);
}

#[test]
fn the_third_order_goes_through_loops() {
    type Third = Dual<Dual<Dual<f64>>>;
    let along = X.map(|x| Third::variable(Dual::variable(Dual::variable(x))));
    let third = |y: Third| y.derivative(0).derivative(0).derivative(0);
    for turns in [3, 23] {
        let written = Loop { step: Spring, turns, stored: None };
        let expected = third(written.call(&along));
        for stored in STORED {
            let ours = Loop { stored: Some(stored), ..written.clone() };
            // Forward mode three times, by the loop itself.
            assert_close("third", &[third(ours.call(&along))], &[expected], 1e-13);
            // Forward mode twice over a tape, over a program of the gradient, and in a recorded Hessian.
            let twice = X.map(|x| Dual::<Dual<f64>>::variable(Dual::variable(x)));
            let total = |derivatives: Vec<Dual<Dual<f64>>>| {
                derivatives.iter().map(|g| g.derivative(0).derivative(0)).sum::<f64>()
            };
            assert_close("tape", &[total(gradient(|x| ours.call(x), &twice).1)], &[expected], 1e-12);
            let program = Program::record(|x| ours.call(x), &X).unwrap();
            let gradient = program.gradient_program(Wrt::Both).unwrap();
            assert_close("program", &[total(gradient.call(&twice).unwrap())], &[expected], 1e-12);
            let twice = program.hessian_program(Wrt::Both).unwrap();
            let moved = twice.call(&X.map(Dual::<f64>::variable)).unwrap();
            let sum: f64 = moved.iter().map(|h| h.derivative(0)).sum();
            assert_close("recorded Hessian", &[sum], &[expected], 1e-12);
        }
    }
}

#[test]
fn recorded_loops_replay_elsewhere_in_every_way() {
    let elsewhere = [-1.1, 0.8, 0.6, 0.9, -0.4];
    let written = Loop { step: Nested, turns: 17, stored: None };
    let ours = Loop { stored: Some(Checkpoints::Snapshots(3)), ..written.clone() };
    let (value, gradient, square) = hessian(|x| written.call(x), &elsewhere);
    let program = Program::record(|x| ours.call(x), &X).unwrap();
    assert!(program.graph().len() < 200, "{} nodes", program.graph().len());
    assert_eq!(program.guards(), 0);
    let mut workspace = Workspace::default();
    for _ in 0..20 {
        let mut again = [0.0; 5];
        assert_eq!(program.gradient(&mut workspace, &elsewhere, &mut again).unwrap(), value);
        assert_close("gradient", &again, &gradient, 1e-11);
    }
    let (mut again, mut product) = ([0.0; 5], [0.0; 5]);
    let direction = [0.3, -1.0, 0.5, 2.0, 0.1];
    program.hvp(&mut workspace, &elsewhere, &direction, &mut again, &mut product).unwrap();
    let expected = hvp(|x| written.call(x), &elsewhere, &direction).unwrap().2;
    assert_close("hvp", &product, &expected, 1e-10);
    let (mut again, mut matrix) = ([0.0; 5], [0.0; 25]);
    program.hessian(&mut workspace, &elsewhere, &mut again, &mut matrix).unwrap();
    assert_close("Hessian", &matrix, &square, 1e-10);
    let derived = program.gradient_program(Wrt::Both).unwrap();
    derived.evaluate(&mut workspace, &elsewhere, &mut again).unwrap();
    assert_close("gradient program", &again, &gradient, 1e-11);
    let derived = program.hessian_program(Wrt::Both).unwrap();
    derived.evaluate(&mut workspace, &elsewhere, &mut matrix).unwrap();
    assert_close("Hessian program", &matrix, &square, 1e-10);
    let product = program.jvp_program().call(&[elsewhere, direction].concat()).unwrap();
    let along: f64 = gradient.iter().zip(direction).map(|(gradient, d)| gradient * d).sum();
    assert_close("jvp program", &product, &[value, along], 1e-11);
}

#[test]
fn batches_go_through_loops_on_any_number_of_threads() {
    let points: Vec<f64> = (0..300).map(|k| (f64::from(k) * 0.37).sin()).collect();
    let rows = Rows::new(&points, 1);
    let f = |stored| {
        let this = Loop { step: Spring, turns: 20, stored };
        let f = move |p: &[Traced<f64>], x: &[Traced<f64>]| this.call(&[p[0], p[1], p[2], p[3], x[0]]);
        Program::record_with_data(f, &X[..4], &X[4..]).unwrap()
    };
    let run = |program: &Program<f64>| {
        let (mut gradient, mut values) = ([0.0; 4], vec![0.0; 300]);
        let total =
            program.sum_gradient(&mut program.batch_workspace(), &X[..4], &rows, &mut gradient).unwrap();
        program.values(&mut program.batch_workspace(), &X[..4], &rows, &mut values).unwrap();
        [&[total][..], &gradient, &values].concat()
    };
    let ours = f(Some(Checkpoints::Snapshots(4)));
    assert_close("batch", &run(&ours), &run(&f(None)), 1e-11);
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&ours))
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn jacobians_of_all_that_a_loop_gives_take_one_vjp_a_row() {
    let scan = Scan::new(Spring, 12).checkpoints(Checkpoints::Snapshots(2));
    let written = Loop { step: Spring, turns: 12, stored: None };
    fn inputs<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
        (0..12).map(|turn| x[4] * f64::from(turn).cos()).collect()
    }
    let ours = jacobian_reverse(
        |x| {
            let Scanned { mut state, outputs } = scan.run(&x[..2], &inputs(x), &x[2..4]).unwrap();
            state.extend(outputs);
            state
        },
        &X,
    );
    let expected = jacobian_reverse(
        |x| {
            let (mut state, mut outputs) = (x[..2].to_vec(), vec![x[0]; 12]);
            for (input, output) in inputs(x).chunks(1).zip(outputs.chunks_mut(1)) {
                written.step.step(&mut state, input, &x[2..4], output).unwrap();
            }
            state.extend(outputs);
            state
        },
        &X,
    );
    assert_eq!(ours.0, expected.0);
    assert_close("Jacobian", &ours.1, &expected.1, 1e-13);
}

#[test]
fn loops_that_end_by_themselves_take_other_turns_at_other_points() {
    let is_off = |z: &[f64], p: &[f64]| (z[0] * z[0] - p[0]).abs() > 1e-14 * p[0];
    for stored in STORED {
        let newton = RepeatWhile::new(is_off, Newton, 60).checkpoints(stored);
        let program = Program::record(|x| newton.run(&[x[1]], &x[..1]).unwrap()[0], &[1.0, 1.0]).unwrap();
        let mut workspace = program.workspace();
        for (a, start) in [(1.0, 1.0), (2.0, 1.0), (1e10, 3.0), (1e-6, 1.0)] {
            let root = f64::sqrt(a);
            let expected = [0.5 / root, 0.0];
            let mut got = [0.0; 2];
            let value = program.gradient(&mut workspace, &[a, start], &mut got).unwrap();
            assert_close("value", &[value], &[root], 1e-14);
            // Without iterations, the derivative is that of the initial state.
            let expected = if a == 1.0 { [0.0, 1.0] } else { expected };
            assert_close("program", &got, &expected, 1e-9);
            let eager = gradient(|x| newton.run(&[x[1]], &x[..1]).unwrap()[0], &[a, start]);
            assert_close("tape", &eager.1, &got, 1e-13);
            let forward = newton.run(&[Dual::lift(start)], &[Dual::<f64>::variable(a)]).unwrap()[0];
            assert_close("forward", &[forward.derivative(0)], &got[..1], 1e-13);
            if a != 1.0 {
                let mut square = [0.0; 4];
                program.hessian(&mut workspace, &[a, start], &mut got, &mut square).unwrap();
                assert_close("curvature", &[square[0] * a], &[-0.25 / root], 1e-7);
            }
        }
    }
}

#[test]
fn a_loop_that_does_not_end_is_an_error() {
    let expected = "the rule `loop` has no value here: it would go on after 5 turns, the most that it may take; its \
                    state is [";
    let never = repeat_while(|_, _| true, &Newton, &[1.0], &[2.0], 5).unwrap_err();
    assert!(never.to_string().starts_with(expected), "{never}");
    let is_off = |z: &[f64], p: &[f64]| (z[0] * z[0] - p[0]).abs() > 1e-12 * p[0];
    let root = |x: &[Traced<f64>]| repeat_while(is_off, &Newton, &[1.0.into()], x, 5).unwrap()[0];
    let program = Program::record(root, &[2.0]).unwrap();
    let (mut workspace, mut gradient) = (program.workspace(), [0.0]);
    assert!(
        program
            .gradient(&mut workspace, &[1e9], &mut gradient)
            .unwrap_err()
            .to_string()
            .starts_with(expected)
    );
    assert!(program.gradient(&mut workspace, &[2.0], &mut gradient).is_ok());
    // A condition on NaN is false.
    assert!(repeat_while(is_off, &Newton, &[1.0], &[f64::NAN], 5).unwrap()[0] == 1.0);
}

#[test]
fn wrong_lengths_are_errors() {
    let message = |result: Result<Scanned<f64>, Error>| result.unwrap_err().to_string();
    let short = message(scan(&Spring, 3, &X[..2], &[0.0; 2], &X[2..4]));
    assert_eq!(short, "the list of inputs of a loop needs 3 numbers, one for each turn and input, not 2");
    let huge = message(scan(&Spring, usize::MAX, &X[..2], &[0.0; 2], &X[2..4]));
    assert!(huge.contains("not 2"), "{huge}");
    let given = repeat_while(|_, _| false, &Spring, &X[..2], &X[2..4], 3).unwrap_err().to_string();
    assert!(given.contains("the list of inputs of a turn of `repeat_while` needs 0 numbers"), "{given}");
    for (stored, words) in
        [(Checkpoints::Every(0), "every 0 steps"), (Checkpoints::Snapshots(0), "store 0 states")]
    {
        let refused = Scan::new(Spring, 2).checkpoints(stored).run(&X[..2], &[0.0; 2], &X[2..4]);
        assert!(message(refused.clone()).contains(words), "{refused:?}");
    }
    // An empty loop: no state, no iterations.
    #[derive(Clone)]
    struct Nothing;
    impl Step for Nothing {
        type Scalar = f64;
        fn step<D: Differentiable<Scalar = f64>>(
            &self,
            _: &mut [D],
            _: &[D],
            _: &[D],
            _: &mut [D],
        ) -> Result<(), Error> {
            Ok(())
        }
    }
    let nothing = Scanned { state: vec![], outputs: vec![] };
    assert_eq!(scan(&Nothing, 5, &[], &[], &[] as &[f64]).unwrap(), nothing);
    let program = Program::record(
        |x| {
            let scanned = scan(&Nothing, 5, &[], &[], x).unwrap();
            x[0] + scanned.state.len() as f64
        },
        &[2.0],
    );
    assert_eq!(program.unwrap().value(&mut Workspace::default(), &[3.0]).unwrap(), 3.0);
}

#[test]
fn steps_that_branch_go_over_tapes_and_name_the_line_in_recordings() {
    let written = Loop { step: Branching, turns: 30, stored: None };
    let expected = gradient(|x| written.call(x), &X);
    for stored in STORED {
        let ours = Loop { stored: Some(stored), ..written.clone() };
        let on_tape = gradient(|x| ours.call(x), &X);
        assert_eq!(on_tape.0, expected.0);
        assert_close("tape", &on_tape.1, &expected.1, 1e-13);
        let square = hessian(|x| ours.call(x), &X).2;
        assert_close("Hessian", &square, &hessian(|x| written.call(x), &X).2, 1e-12);
        let program = Program::record(|x| ours.call(x), &X).unwrap();
        let refused = program.gradient(&mut program.workspace(), &X, &mut [0.0; 5]);
        // On plain numbers, the sweep uses the function itself, but its derivatives as programs are recorded.
        assert_close("program", &[refused.unwrap()], &[expected.0], 0.0);
        let derived = program.gradient_program(Wrt::Both).unwrap();
        let refused = derived.evaluate(&mut derived.workspace(), &X, &mut [0.0; 5]).unwrap_err();
        let Error::BranchChanged { guard, .. } = &refused else { panic!("{refused}") };
        assert!(guard.contains("tests/loops.rs:"), "{guard}");
    }
}

#[test]
fn what_a_step_refuses_is_an_error_in_every_mode() {
    let run = |start: f64| {
        let program = Program::record(
            |x| scan(&Ruled, 2, &[x[0], x[1]], &[x[2], x[2]], &x[3..5]).unwrap().state[0],
            &X,
        )
        .unwrap();
        let x = [start, 0.0, 0.0, 1.0, 1.0];
        let mut gradient = [0.0; 5];
        (program.gradient(&mut program.workspace(), &x, &mut gradient), program)
    };
    assert!(run(1.0).0.is_ok());
    let expected = Error::Rule { rule: "counted", reason: "2000 is far away".to_owned() };
    assert_eq!(run(2000.0).0.unwrap_err(), expected);
    assert_eq!(scan(&Ruled, 1, &[2000.0, 0.0], &[0.0], &[1.0, 1.0]).unwrap_err(), expected);
    let dual = [Dual::<f64>::variable(2000.0), Dual::constant(0.0)];
    assert_eq!(scan(&Ruled, 1, &dual, &[Dual::constant(0.0)], &dual).unwrap_err(), expected);
    let program = run(1.0).1;
    assert_eq!(program.to_bytes().unwrap_err(), Error::NotSavable { rule: "loop" });
}

#[test]
fn numbers_that_are_not_finite_have_the_derivatives_of_the_loop_written_out() {
    /// The square root of a number that may be 0, times a number that may be 0.
    #[derive(Clone)]
    struct Singular;
    impl Step for Singular {
        type Scalar = f64;
        fn inputs(&self) -> usize {
            1
        }
        fn outputs(&self, _: usize) -> usize {
            1
        }
        fn step<D: Differentiable<Scalar = f64>>(
            &self,
            state: &mut [D],
            input: &[D],
            parameters: &[D],
            output: &mut [D],
        ) -> Result<(), Error> {
            output[0] = state[0].sqrt() * parameters[0] + input[0];
            state[0] = D::select(
                Relation::Less,
                state[1],
                D::constant(0.5),
                state[0] * parameters[1],
                state[0].ln(),
            );
            state[1] = state[1] * 0.5 + 0.1;
            Ok(())
        }
    }
    let points = [
        [0.0, 0.3, 0.0, 1.0, 0.5],
        [0.0, 0.3, 2.0, 0.0, 0.5],
        [-1.0, 0.9, 1.0, 1.0, 0.5],
        [0.0, 0.9, 1.0, 1.0, 0.5],
        [f64::NAN, 0.3, 1.0, 1.0, 0.5],
        [f64::INFINITY, 0.3, 0.0, 1.0, 0.5],
        [1.0, f64::NAN, 1.0, 1.0, 0.5],
        [1.0, 0.3, f64::INFINITY, 1.0, 0.0],
    ];
    let same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * b.abs();
    for x in points {
        for turns in [1, 3, 20] {
            let written = Loop { step: Singular, turns, stored: None };
            let expected = gradient(|x| written.call(x), &x);
            for stored in STORED {
                let ours = Loop { stored: Some(stored), ..written.clone() };
                for first in first_order(&ours, &x) {
                    let what = format!("{x:?}, {turns} turns, {stored:?}, {}", first.mode);
                    assert!(same(first.value, expected.0), "{what}: {} for {}", first.value, expected.0);
                    for (ours, expected) in first.gradient.iter().zip(&expected.1) {
                        assert!(same(*ours, *expected), "{what}: {:?}, not {expected:?}", first.gradient);
                    }
                }
            }
        }
    }
}

/// The number of evaluations of the step's rule on this thread.
fn evaluations(run: impl FnOnce()) -> u128 {
    let before = VALUES.get();
    run();
    (VALUES.get() - before) as u128
}

#[test]
fn sweeps_take_no_more_steps_than_revolve_does() {
    for turns in [1, 2, 10, 100, 1000] {
        for snapshots in [1, 2, 3, 8, 32] {
            if turns == 1000 && snapshots == 1 {
                continue; // half a million
            }
            let scan = Scan::new(Ruled, turns).checkpoints(Checkpoints::Snapshots(snapshots));
            let inputs = vec![0.0.into(); turns];
            let on_tape = evaluations(|| {
                gradient(|x| scan.run(&x[..2], &inputs, &x[2..4]).unwrap().state[0], &X);
            });
            // The value also takes the last step, and the sweep takes each step once more.
            let bound = Checkpoints::forward_steps(turns, snapshots) + 1 + turns as u128;
            let recording = u128::from(turns >= 16);
            assert_eq!(on_tape, bound + recording, "{turns} turns, {snapshots} snapshots");
            let inputs = vec![0.0.into(); turns];
            let f = |x: &[Traced<f64>]| scan.run(&x[..2], &inputs, &x[2..4]).unwrap().state[0];
            let program = Program::record(f, &X).unwrap();
            let replayed = evaluations(|| {
                program.gradient(&mut program.workspace(), &X, &mut [0.0; 5]).unwrap();
            });
            assert_eq!(replayed, bound, "{turns} turns, {snapshots} snapshots");
        }
    }
}

/// The spring without a push and without outputs.
#[derive(Clone)]
struct Free;

impl Step for Free {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        Spring.step(state, &[D::zero()], parameters, &mut [D::zero()])
    }
}

/// The peak of allocated bytes.
fn bytes(run: impl FnOnce()) -> u64 {
    allocation_counter::measure(run).bytes_max
}

#[test]
fn a_million_turns_take_the_memory_of_the_states_that_are_stored() {
    let x = &X[..4];
    let (mut reverse, mut gradient) = (Reverse::new(), [0.0; 4]);
    for (stored, most) in [
        (Checkpoints::default(), 64 << 20),
        (Checkpoints::Bytes(1 << 20), 4 << 20),
        (Checkpoints::Every(1000), 1 << 20),
        (Checkpoints::Snapshots(32), 1 << 16),
    ] {
        let scan = Scan::new(Free, 1_000_000).checkpoints(stored);
        let on_tape = bytes(|| {
            reverse
                .gradient(|x| scan.run(&x[..2], &[], &x[2..]).unwrap().state[0], x, &mut gradient)
                .unwrap();
        });
        assert!(on_tape < most, "{stored:?}: {on_tape} bytes on a tape");
        let program = Program::record(|x| scan.run(&x[..2], &[], &x[2..]).unwrap().state[0], x).unwrap();
        let replayed = bytes(|| {
            program.gradient(&mut program.workspace(), x, &mut gradient).unwrap();
        });
        assert!(replayed < most, "{stored:?}: {replayed} bytes in a program");
    }
}

#[test]
fn a_recording_takes_the_same_memory_for_any_number_of_turns() {
    let recorded = |turns: usize| {
        let mut nodes = 0;
        let bytes = bytes(|| {
            let run = |x: &[Traced<f64>]| scan(&Free, turns, &x[..2], &[], &x[2..]).unwrap().state[0];
            nodes = Program::record(run, &X[..4]).unwrap().graph().len();
        });
        (bytes, nodes)
    };
    assert_eq!(recorded(10), recorded(100_000));
}

/// A step that calls a function of the state, an input and two parameters.
#[derive(Clone)]
struct By(Way);

/// How a step decides.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    /// By `==`, on a number that counts iterations.
    Equality,
    /// By `==`, on plain values.
    PlainEquality,
    /// By `is_zero`.
    IsZero,
    /// By `<`.
    Order,
    /// No decision, but an error for large states.
    Refuses,
}

impl Step for By {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let five = D::constant(5.0);
        let decided = match self.0 {
            Way::Equality => state[1] == five,
            Way::PlainEquality => state[1].value() == 5.0,
            Way::IsZero => (state[1] - five).is_zero(),
            Way::Order => state[0] > D::constant(1.0),
            Way::Refuses if state[0].value() > 5.0 => {
                return Err(Error::Rule { rule: "by", reason: "it is too large".to_owned() });
            }
            Way::Refuses => false,
        };
        let [a, p] = [state[0], parameters[0]];
        state[0] = if decided { a * 0.5 * p * p } else { a * p + p * p * 0.1 };
        state[1] += 1.0;
        Ok(())
    }
}

/// The final state, given the initial state and the parameter.
fn decided<D: Differentiable<Scalar = f64>>(scan: &Scan<By>, x: &[D]) -> D {
    scan.run(&[x[0], D::zero()], &[], &x[1..]).expect("nothing is refused").state[0]
}

/// The same, unrolled.
fn decided_written<D: Differentiable<Scalar = f64>>(way: Way, turns: usize, x: &[D]) -> D {
    let mut state = [x[0], D::zero()];
    (0..turns).for_each(|_| By(way).step(&mut state, &[], &x[1..], &mut []).expect("nothing is refused"));
    state[0]
}

#[test]
fn an_equality_in_a_step_is_no_silent_wrong_derivative() {
    for (turns, way) in [8, 20].into_iter().flat_map(|turns| [(turns, Way::Equality), (turns, Way::IsZero)]) {
        let scan = Scan::new(By(way), turns);
        let on_tape = std::panic::catch_unwind(|| gradient(|x| decided(&scan, x), &[0.3, 1.1]));
        let refused = *on_tape.unwrap_err().downcast::<String>().expect("a panic has a message");
        assert!(
            refused.contains("tests/loops.rs:") && refused.contains("x.value() == y.value()"),
            "{refused}"
        );
        let program = Program::record(|x| decided(&scan, x), &[0.3, 1.1]).unwrap();
        let refused = program.gradient(&mut program.workspace(), &[0.3, 1.1], &mut [0.0; 2]).unwrap_err();
        assert!(matches!(refused, Error::EqualityHeld { .. }), "{refused}");
    }
    for turns in [3, 8, 20] {
        let scan = Scan::new(By(Way::PlainEquality), turns);
        let expected = gradient(|x| decided_written(Way::PlainEquality, turns, x), &[0.3, 1.1]);
        let ours = gradient(|x| decided(&scan, x), &[0.3, 1.1]);
        assert_eq!(ours.0, expected.0);
        assert_close("by plain values", &ours.1, &expected.1, 1e-13);
    }
}

#[test]
fn a_sweep_that_panics_leaves_no_trace_in_later_derivatives() {
    let refuses = Scan::new(By(Way::Equality), 8);
    let mut reverse = Reverse::new();
    let mut derive = |bad: bool, jacobian: bool| {
        fn run<'t>(bad: bool, scan: &Scan<By>, x: &[Var<'t, f64>], y: &mut [Var<'t, f64>]) {
            let tripled = x[1] * 3.0;
            let looped = if bad { decided(scan, x) } else { x[0] };
            y[0] = looped + tripled;
        }
        let (mut values, mut result) = ([0.0], [0.0; 2]);
        if jacobian {
            reverse.jacobian(|x, y| run(bad, &refuses, x, y), &[1.0, 1.0], &mut values, &mut result).unwrap();
        } else {
            reverse
                .vjp(|x, y| run(bad, &refuses, x, y), &[1.0, 1.0], &[1.0], &mut values, &mut result)
                .unwrap();
        }
        result
    };
    for jacobian in [false, true] {
        assert_eq!(derive(false, jacobian), [1.0, 3.0]);
        let tried = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| derive(true, jacobian)));
        assert!(tried.is_err());
        assert_eq!(derive(false, jacobian), [1.0, 3.0]);
    }
}

#[test]
fn a_run_that_is_refused_spoils_no_later_one() {
    let scan = Scan::new(By(Way::Refuses), 20);
    let tape = dualtape::Tape::new();
    let far = tape.vars(&[6.0, 0.0]);
    assert!(scan.run(&far, &[], &[tape.var(1.01)]).is_err());
    let expected = gradient(|x| decided_written(Way::Refuses, 20, x), &[1.0, 1.01]);
    let ours = gradient(|x| decided(&scan, x), &[1.0, 1.01]);
    assert_eq!(ours.0, expected.0);
    assert_close("later", &ours.1, &expected.1, 1e-13);
}

/// A step that contains a loop of branching steps.
#[derive(Clone)]
struct Around;

impl Step for Around {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), Error> {
        let inner = scan(&By(Way::Order), 4, &[state[0], D::zero()], &[], parameters)?;
        state[0] = inner.state[0] * 0.7;
        Ok(())
    }
}

#[test]
fn branches_inside_nested_loops_and_under_duals_go_over_tapes() {
    fn outer<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
        scan(&Around, 20, &x[..1], &[], &x[1..]).expect("nothing is refused").state[0]
    }
    fn written<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
        (0..20).fold(x[0], |a, _| decided_written(Way::Order, 4, &[a, x[1]]) * 0.7)
    }
    let x = [0.3, 1.4];
    let (value, first, square) = hessian(|x| written(x), &x);
    let ours = hessian(|x| outer(x), &x);
    assert_eq!(ours.0, value);
    assert_close("derivative", &ours.1, &first, 1e-12);
    assert_close("curvature", &ours.2, &square, 1e-11);
    // A gradient of a gradient: row sums of the Hessian.
    let sums = [square[0] + square[1], square[2] + square[3]];
    let over_tapes = gradient(|x| gradient(|y| outer(y), x).1.iter().sum(), &x);
    assert_close("tape over tape", &over_tapes.1, &sums, 1e-11);
    let over_dual = gradient(|x| gradient_forward(outer, x).1.iter().sum(), &x);
    assert_close("tape under duals", &over_dual.1, &sums, 1e-11);
}

#[test]
fn branching_loops_answer_alike_at_points_and_in_batches_and_are_not_saved() {
    let scan = Scan::new(By(Way::Order), 12);
    // A run at another point must not affect the content of a recording.
    let _ = gradient(|x| decided(&scan, x), &[9.0, 0.1]);
    let program = Program::record(|x| decided(&scan, x), &[0.3, 1.1]).unwrap();
    let mut workspace = program.workspace();
    let points = [[0.3, 1.1], [2.0, 0.9], [0.1, 1.3]];
    let mut values = [0.0; 3];
    program
        .values(&mut program.batch_workspace(), &[], &Rows::new(points.as_flattened(), 2), &mut values)
        .unwrap();
    for (point, in_batch) in points.iter().zip(values) {
        let expected = gradient(|x| decided_written(Way::Order, 12, x), point);
        let mut gradient = [0.0; 2];
        let value = program.gradient(&mut workspace, point, &mut gradient).unwrap();
        assert_eq!((value, in_batch), (expected.0, expected.0));
        assert_close("derivative", &gradient, &expected.1, 1e-13);
    }
    assert_eq!(program.to_bytes().unwrap_err(), Error::NotSavable { rule: "loop" });
}
