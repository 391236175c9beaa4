//! Refusals and errors, memory and threads, and programs evaluated with machine code.

mod common;

use common::{TIERS, all_same, assert_as_the_routine, called, same};
use dualtape::codegen::{Compiler, MachineCode, Quantity, Routine};
use dualtape::loops::{RepeatWhile, Scan, Step};
use dualtape::program::Wrt;
use dualtape::sparse::{SparseHessian, SparseJacobian};
use dualtape::{CustomRule, Differentiable, Float, Program, ProgramScalar, Relation, Traced};
use dualtape_jit::{Compiled, Error, Jit, Number, Tier};
use dualtape_tests::points::EDGES;
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};
use std::sync::{Arc, Mutex};

fn jit() -> Jit {
    Jit::new(Tier::Optimised).unwrap()
}

#[test]
fn wrong_lengths_are_errors_that_name_what_was_given_and_expected() {
    let program = Program::record(rosenbrock, &rosenbrock_point(3)).unwrap();
    let mut gradient = jit().compile(&program, Quantity::Gradient).unwrap();
    let error = |x: &[f64], outputs: &mut [f64], gradient: &mut Compiled<f64>| {
        gradient.call(x, outputs).unwrap_err().to_string()
    };
    assert_eq!(error(&[0.0; 2], &mut [0.0; 4], &mut gradient), "the code needs 3 inputs, not 2");
    assert_eq!(error(&[0.0; 3], &mut [0.0; 5], &mut gradient), "the code needs 4 outputs, not 5");
    assert_eq!(error(&[], &mut [], &mut gradient), "the code needs 3 inputs, not 0");
}

#[test]
fn quantities_of_one_output_need_one_output() {
    let program = Program::record(|x| [x[0], x[1]], &[1.0, 2.0]).unwrap();
    let error = jit().compile(&program, Quantity::Gradient).unwrap_err();
    assert_eq!(error, Error::Program(dualtape::Error::NotOneOutput { given: 2 }));
}

#[derive(Clone)]
struct Half;

impl CustomRule for Half {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        1
    }

    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), dualtape::Error> {
        z[0] = x[0] / 2.0;
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = f64>>(
        &self,
        _: &[D],
        _: &[D],
        w: &[D],
    ) -> Result<Vec<D>, dualtape::Error> {
        Ok(vec![w[0] * 0.5])
    }
}

#[derive(Clone)]
struct Doubling;

impl Step for Doubling {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        _: &[D],
        _: &mut [D],
    ) -> Result<(), dualtape::Error> {
        state[0] = state[0] + state[0];
        Ok(())
    }
}

#[test]
fn rules_and_loops_that_end_by_themselves_are_no_machine_code_and_are_evaluated_as_ever() {
    let rule = Program::record(|x| Traced::call(&Half, x).unwrap(), &[3.0]).unwrap();
    let ends = |x: &[Traced<f64>]| {
        let goes_on = |state: &[f64], _: &[f64]| state[0] < 100.0;
        RepeatWhile::new(goes_on, Doubling, 50).run(x, &[]).unwrap()
    };
    let ends = Program::record(ends, &[3.0]).unwrap();
    for (program, value) in [(rule, 1.5), (ends, 192.0)] {
        let error = jit().compile(&program, Quantity::Values).unwrap_err();
        assert!(matches!(error, Error::Program(dualtape::Error::NotCompilable { .. })), "{error}");
        let program = program.optimized_by(Arc::new(jit()));
        assert_eq!(program.value(&mut program.workspace(), &[3.0]), Ok(value));
    }
}

fn branching<D: Differentiable<Scalar = f64>>(x: &[D]) -> D {
    let larger = if x[0] < x[1] { x[1] * x[1] } else { x[0] };
    if larger.is_finite() && !x[0].is_sign_negative() { larger.ln() } else { larger * x[0] }
}

#[test]
fn other_branches_are_refused_and_the_program_says_which_guard_is_broken() {
    let program = Program::record(branching, &[1.0, 2.0]).unwrap();
    let by_machine = program.clone().optimized_by(Arc::new(jit()));
    let (mut workspace, mut outputs) = (program.workspace(), [0.0; 3]);
    for tier in TIERS {
        let mut gradient = Jit::new(tier).unwrap().compile(&program, Quantity::Gradient).unwrap();
        assert_eq!(gradient.call(&[1.0, 3.0], &mut outputs), Ok(()));
        for x in [[3.0, 2.0], [2.0, 2.0], [f64::NAN, 1.0], [1.0, f64::INFINITY], [-1.0, 2.0], [-0.0, 2.0]] {
            assert_eq!(gradient.call(&x, &mut outputs), Err(Error::Refused), "{x:?}");
            let mut derivative = [0.0; 2];
            let [expected, given] =
                [&program, &by_machine].map(|program| program.gradient(&mut workspace, &x, &mut derivative));
            assert!(matches!(expected, Err(dualtape::Error::BranchChanged { .. })), "{x:?}: {expected:?}");
            assert_eq!(given, expected);
        }
    }
}

fn asked<F: ProgramScalar>(which: usize, x: Traced<F>) -> Traced<F> {
    let holds = match which {
        0 => x.is_nan(),
        1 => x.is_infinite(),
        2 => x.is_finite(),
        3 => x.is_normal(),
        4 => Float::classify(x) == std::num::FpCategory::Subnormal,
        5 => x.is_sign_positive(),
        6 => x.is_sign_negative(),
        7 => x < Traced::constant(F::one()),
        8 => x <= Traced::constant(F::one()),
        9 => x > Traced::constant(F::one()),
        _ => x >= Traced::constant(F::one()),
    };
    if holds { x + x } else { x }
}

fn guards_are_as_the_routine<F: Number>() {
    let subnormal = F::min_positive_value() / F::nearest(8.0);
    let edges: Vec<Vec<F>> = EDGES
        .iter()
        .map(|&x| vec![F::nearest(x)])
        .chain([vec![subnormal], vec![F::min_positive_value()], vec![-subnormal]])
        .collect();
    for which in 0..=10 {
        for at in &edges {
            let Ok(program) = Program::record(|x| asked(which, x[0]), at) else { continue };
            assert_as_the_routine(&program, Quantity::Values, &edges, &format!("question {which} at {at:?}"));
        }
    }
}

#[test]
fn every_question_is_asked_as_the_recording_did() {
    guards_are_as_the_routine::<f64>();
    guards_are_as_the_routine::<f32>();
}

#[test]
fn what_was_read_as_a_plain_value_is_held_to_it() {
    for read in [0.5, 0.0, -0.0, f64::INFINITY, f64::NAN] {
        let f = |x: &[Traced<f64>]| {
            let plain = x[0].value();
            if plain.is_nan() { x[1] } else { x[1] * plain }
        };
        let Ok(program) = Program::record(f, &[read, 2.0]) else { continue };
        let points: Vec<Vec<f64>> = EDGES.iter().map(|&x| vec![x, 3.0]).collect();
        assert_as_the_routine(&program, Quantity::Values, &points, &format!("read {read}"));
    }
}

#[test]
fn reductions_and_choices_are_as_the_routine() {
    let f = |x: &[Traced<f64>]| {
        let norm = Traced::norm(x);
        let largest = Traced::log_sum_exp(x);
        let chosen = Traced::select(Relation::Less, x[0], x[1], x[2], norm);
        [
            norm,
            largest,
            chosen,
            Traced::dot(&x[..2], &x[2..]),
            Traced::sum_of(x),
            x[0].clamp(x[1], x[1] + x[1] * x[1]),
        ]
    };
    let program = Program::record(f, &[0.3, 0.2, 0.5, 0.7]).unwrap();
    let numbers = [0.0, -0.0, 1.0, 1e-310, 1e-200, 1e200, -3.0, f64::INFINITY, f64::NAN];
    let points: Vec<Vec<f64>> = (0..numbers.len().pow(4))
        .step_by(7)
        .map(|k| (0..4).map(|i| numbers[k / numbers.len().pow(i) % numbers.len()]).collect())
        .collect();
    assert_as_the_routine(&program, Quantity::Values, &points, "reductions");
    let routine = Routine::new(&program, Quantity::Jacobian).unwrap();
    let mut jacobian = jit().compile_routine(routine.clone()).unwrap();
    for x in points.iter().step_by(5) {
        let (given, wanted) = (called(&mut jacobian, x), common::evaluate(&routine, x));
        assert_eq!(given.is_some(), wanted.is_some());
        assert!(given.zip(wanted).is_none_or(|(given, wanted)| all_same(&given, &wanted)), "{x:?}");
    }
}

#[test]
fn sine_and_cosine_in_one_call_have_the_bits_of_each_alone() {
    let mut state = 1_u64;
    let mut program_points = Vec::new();
    for k in 0..1_000_000_u64 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // Half of the numbers have any magnitude, half are small.
        let any = f64::from_bits(state);
        let x = if k % 2 == 0 { any } else { (state >> 11) as f64 / (1_u64 << 53) as f64 * 20.0 - 10.0 };
        let ((sin, cos), narrow) = (std::hint::black_box(x).sin_cos(), x as f32);
        assert!(same(sin, x.sin()) && same(cos, x.cos()), "{x:e}");
        let (sin, cos) = std::hint::black_box(narrow).sin_cos();
        assert!(same(sin, narrow.sin()) && same(cos, narrow.cos()), "{narrow:e}");
        if k % 100 == 0 {
            program_points.push(x);
        }
    }
    let program = Program::record(|x| [x[0].sin(), x[0].cos()], &[1.0_f64]).unwrap();
    let mut values = jit().compile(&program, Quantity::Values).unwrap();
    for x in program_points {
        let given = called(&mut values, &[x]);
        assert!(given.is_none_or(|given| all_same(&given, &[x.sin(), x.cos()])), "{x:e}");
    }
}

#[test]
fn all_quantities_of_a_program_come_from_machine_code_with_the_same_bits() {
    let f = |x: &[Traced<f64>]| rosenbrock(x) + (x[0] * x[1]).sin().exp();
    let program = Program::record(f, &rosenbrock_point(4)).unwrap();
    let by_machine = program.clone().optimized_by(Arc::new(jit()));
    let (mut workspace, x) = (program.workspace(), [0.3, -0.2, 0.9, 1.1]);
    let direction = [1.0, -2.0, 0.5, 0.25];
    let mut all = |program: &Program<f64>| {
        let [mut g, mut h, mut p] = [[0.0; 4]; 3];
        let (mut v, mut q) = ([0.0], [0.0]);
        let value = program.value(&mut workspace, &x).unwrap();
        let again = program.gradient(&mut workspace, &x, &mut g).unwrap();
        program.vjp(&mut workspace, &x, &[2.0], &mut v, &mut p).unwrap();
        program.jvp(&mut workspace, &x, &direction, &mut v, &mut q).unwrap();
        let third = program.hvp(&mut workspace, &x, &direction, &mut g, &mut h).unwrap();
        ([value, again, third, v[0]], g, p, q, h)
    };
    let (walked, given) = (all(&program), all(&by_machine));
    assert_eq!((walked.0, walked.1, walked.2), (given.0, given.1, given.2));
    assert!(all_close(&walked.3, &given.3) && all_close(&walked.4, &given.4), "{walked:?} and {given:?}");
}

/// A compiler that notes what it was asked for.
#[derive(Default)]
struct Noting(Mutex<Vec<Quantity>>);

impl Compiler<f64> for Noting {
    fn compile(&self, routine: Routine<f64>) -> Option<Arc<dyn MachineCode<f64>>> {
        self.0.lock().unwrap().push(routine.quantity());
        Compiler::compile(&jit(), routine)
    }
}

#[test]
fn jacobians_and_hessians_come_from_machine_code_product_by_product() {
    let rows =
        |x: &[Traced<f64>]| vec![rosenbrock(x), (x[0] * x[1]).sin(), if x[0] > x[3] { x[2] } else { x[3] }];
    let x = rosenbrock_point(4);
    let by_columns = Program::record(rows, &x).unwrap();
    let by_rows = Program::record(|x| [rosenbrock(x)], &x).unwrap();
    for (program, quantity) in [(&by_columns, Quantity::Jvp), (&by_rows, Quantity::Vjp)] {
        let noting = Arc::new(Noting::default());
        let by_machine = program.clone().optimized_by(noting.clone());
        let mut workspace = program.workspace();
        let mut jacobian = |program: &Program<f64>, x: &[f64]| {
            let mut both = [vec![0.0; program.outputs()], vec![0.0; program.outputs() * 4]];
            let [outputs, jacobian] = &mut both;
            program.jacobian(&mut workspace, x, outputs, jacobian).map(|()| both)
        };
        for x in [x.clone(), vec![0.3, -0.2, 0.9, 1.1], vec![2.0, 0.5, -1.0, 1.0]] {
            match (jacobian(program, &x), jacobian(&by_machine, &x)) {
                (Ok([a, b]), Ok([c, d])) => assert!(all_same(&a, &c) && all_close(&b, &d), "{b:?} and {d:?}"),
                (expected, given) => assert_eq!(given, expected),
            }
        }
        assert_eq!(*noting.0.lock().unwrap(), [quantity]);
    }
    let noting = Arc::new(Noting::default());
    let by_machine = by_rows.clone().optimized_by(noting.clone());
    let [mut g, mut h] = [[0.0; 4]; 2];
    let [mut a, mut b] = [[0.0; 16]; 2];
    let mut workspace = by_rows.workspace();
    let expected = by_rows.hessian(&mut workspace, &x, &mut g, &mut a).unwrap();
    let given = by_machine.hessian(&mut workspace, &x, &mut h, &mut b).unwrap();
    assert!(same(expected, given) && all_close(&g, &h) && all_close(&a, &b), "{a:?} and {b:?}");
    assert_eq!(*noting.0.lock().unwrap(), [Quantity::Hvp]);
}

#[test]
fn derived_programs_and_sparse_plans_come_from_machine_code_of_the_same_compiler() {
    type Derive = fn(&Program<f64>) -> Program<f64>;
    let derived: [(&str, Derive); 6] = [
        ("gradient", |program| program.gradient_program(Wrt::Both).unwrap()),
        ("value and gradient", |program| program.value_and_gradient_program(Wrt::Both).unwrap()),
        ("jvp", Program::jvp_program),
        ("vjp", |program| program.vjp_program(Wrt::Both)),
        ("hessian", |program| program.hessian_program(Wrt::Both).unwrap()),
        ("composition", |program| program.then(&Program::record(|x| x[0].tanh(), &[0.5]).unwrap()).unwrap()),
    ];
    let program = Program::record(|x| rosenbrock(x) + x[0].abs().sqrt(), &rosenbrock_point(4)).unwrap();
    // At 0, the square root has no finite derivative, so the program has to be walked.
    let points = [[0.3, -0.2, 0.9, 1.1], [0.0, 0.5, -1.0, 2.0]];
    for (name, derive) in derived {
        let noting = Arc::new(Noting::default());
        let [walked, by_machine] = [&program, &program.clone().optimized_by(noting.clone())].map(derive);
        for point in points {
            let x: Vec<f64> = point.iter().cycle().take(walked.inputs()).copied().collect();
            let [expected, given] = [&walked, &by_machine].map(|program| {
                let mut outputs = vec![0.0; program.outputs()];
                program.evaluate(&mut program.workspace(), &x, &mut outputs).map(|()| outputs).unwrap()
            });
            assert!(all_same(&expected, &given), "{name} at {x:?}: {expected:?} and {given:?}");
        }
        assert_eq!(*noting.0.lock().unwrap(), [Quantity::Values], "{name}");
    }
    let noting = Arc::new(Noting::default());
    let [walked, by_machine] = [&program, &program.clone().optimized_by(noting.clone())]
        .map(|p| SparseHessian::new(p, Wrt::Both).unwrap());
    for x in points {
        let [expected, given] = [&walked, &by_machine].map(|plan| {
            let (mut gradient, mut entries) = ([0.0; 4], vec![0.0; plan.pattern().len()]);
            let value = plan.evaluate(&mut plan.workspace(), &x, &mut gradient, &mut entries).unwrap();
            [vec![value], gradient.to_vec(), entries].concat()
        });
        assert!(all_same(&expected, &given), "at {x:?}: {expected:?} and {given:?}");
    }
    let rows = |x: &[Traced<f64>]| vec![x[0] * x[1], x[1].abs().sqrt(), x[2] * x[3].exp()];
    let program = Program::record(rows, &rosenbrock_point(4)).unwrap();
    let [walked, by_machine] = [&program, &program.clone().optimized_by(noting.clone())]
        .map(|p| SparseJacobian::new(p, Wrt::Both).unwrap());
    for x in points {
        let [expected, given] = [&walked, &by_machine].map(|plan| {
            let (mut outputs, mut entries) = ([0.0; 3], vec![0.0; plan.pattern().len()]);
            plan.evaluate(&mut plan.workspace(), &x, &mut outputs, &mut entries).unwrap();
            [outputs.to_vec(), entries].concat()
        });
        assert!(all_same(&expected, &given), "at {x:?}: {expected:?} and {given:?}");
    }
    assert_eq!(*noting.0.lock().unwrap(), [Quantity::Values; 2]);
}

fn all_close(a: &[f64], b: &[f64]) -> bool {
    a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-13 * a.abs().max(1.0))
}

/// A step that clamps a number that is the same in all iterations.
#[derive(Clone)]
struct Clamping;

impl Step for Clamping {
    type Scalar = f64;

    fn step<D: Differentiable<Scalar = f64>>(
        &self,
        state: &mut [D],
        _: &[D],
        parameters: &[D],
        _: &mut [D],
    ) -> Result<(), dualtape::Error> {
        state[0] *= parameters[0].clamp(parameters[1], parameters[2]);
        Ok(())
    }
}

#[test]
fn bounds_are_checked_before_they_clamp_within_loops_as_well() {
    let f = |x: &[Traced<f64>]| Scan::new(Clamping, 5).run(&x[..1], &[], &x[1..]).unwrap().state[0];
    let program = Program::record(f, &[1.0, 2.0, 0.5, 3.0]).unwrap();
    let points =
        [[1.0, 2.0, 0.5, 3.0], [1.0, 9.0, 0.5, 3.0], [1.0, 2.0, 3.0, 0.5], [1.0, 2.0, f64::NAN, 0.5]];
    let points = points.map(Vec::from);
    for quantity in [Quantity::Values, Quantity::Gradient] {
        assert_as_the_routine(&program, quantity, &points, "clamps");
    }
    let mut values = jit().compile(&program, Quantity::Values).unwrap();
    assert_eq!(points.map(|x| called(&mut values, &x).map(|y| y[0])), [Some(32.0), Some(243.0), None, None]);
}

#[test]
fn a_routine_that_was_cut_is_not_cut_again() {
    let x = rosenbrock_point(100);
    let program = Program::record(rosenbrock, &x).unwrap();
    let routine = Routine::new(&program, Quantity::Gradient).unwrap();
    let parts = routine.clone().split(7);
    assert_eq!(parts.clone().split(300).parts().len(), parts.parts().len());
    let [cut, whole] =
        [parts, routine].map(|routine| called(&mut jit().compile_routine(routine).unwrap(), &x));
    assert!(all_same(&cut.unwrap(), &whole.unwrap()));
}

#[test]
fn a_singular_point_is_left_to_the_program() {
    let program = Program::record(|x| x[0].sqrt() * x[1], &[1.0, 1.0]).unwrap();
    let by_machine = program.clone().optimized_by(Arc::new(jit()));
    let (mut workspace, [mut a, mut b]) = (program.workspace(), [[0.0; 2]; 2]);
    for x in [[0.0, 0.0], [0.0, 1.0], [-1.0, 1.0], [f64::NAN, 0.0]] {
        let expected = program.gradient(&mut workspace, &x, &mut a).unwrap();
        let given = by_machine.gradient(&mut workspace, &x, &mut b).unwrap();
        assert!(same(expected, given) && all_same(&a, &b), "{x:?}: {a:?} and {b:?}");
    }
}

#[test]
fn threads_share_code_and_each_has_its_own_workspace() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Compiled<f64>>();
    is_shared::<Jit>();
    is_shared::<Program<f32>>();
    let f = |x: &[Traced<f64>]| Scan::new(Doubling, 20).run(&x[..1], &[], &[]).unwrap().state[0] * x[0].sin();
    let program = Program::record(f, &[1.0]).unwrap();
    let gradient = jit().compile(&program, Quantity::Gradient).unwrap();
    let wanted: Vec<_> = (0..100).map(|k| called(&mut gradient.clone(), &[f64::from(k)])).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let mut gradient = gradient.clone();
            let wanted = &wanted;
            scope.spawn(move || {
                for _ in 0..50 {
                    for (k, wanted) in wanted.iter().enumerate() {
                        assert_eq!(&called(&mut gradient, &[k as f64]), wanted);
                    }
                }
            });
        }
        drop(gradient.clone());
    });
}
