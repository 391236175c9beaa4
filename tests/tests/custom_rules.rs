//! Custom rules, in every mode and at every order, compared with the same function without a rule.

use dualtape::program::{Kind, Rows, Wrt};
use dualtape::{CustomRule, Differentiable, Dual, Error, Program, Traced, Workspace, check};
use dualtape::{gradient, gradient_forward, hessian, hvp, jacobian_forward, jacobian_reverse};
use dualtape_tests::close::assert_close;

/// z = (x²y, sin x + y³), with only a vjp, or with a jvp as well. It has no value where x is beyond 100.
#[derive(Clone)]
struct Twist {
    with_jvp: bool,
}

impl CustomRule for Twist {
    type Scalar = f64;

    fn name(&self) -> &'static str {
        "twist"
    }

    fn inputs(&self) -> usize {
        2
    }

    fn outputs(&self) -> usize {
        2
    }

    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        if x[0] > 100.0 {
            return Err(Error::Rule { rule: self.name(), reason: format!("{} is beyond 100", x[0]) });
        }
        (z[0], z[1]) = (x[0] * x[0] * x[1], x[0].sin() + x[1].powi(3));
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        let [x, y] = [x[0], x[1]];
        Ok(vec![w[0] * x * y * 2.0 + w[1] * x.cos(), w[0] * x * x + w[1] * y * y * 3.0])
    }

    fn jvp<D: Differentiable<Scalar = f64>>(
        &self,
        x: &[D],
        _: &[D],
        t: &[D],
    ) -> Option<Result<Vec<D>, Error>> {
        let [x, y] = [x[0], x[1]];
        let product = vec![t[0] * x * y * 2.0 + t[1] * x * x, t[0] * x.cos() + t[1] * y * y * 3.0];
        self.with_jvp.then_some(Ok(product))
    }
}

const RULES: [Twist; 2] = [Twist { with_jvp: false }, Twist { with_jvp: true }];
const POINTS: [[f64; 2]; 3] = [[0.7, -1.3], [-2.0, 0.4], [0.0, 0.0]];

/// The rule called twice, one call inside the other, among operations of the table.
fn called<D: Differentiable<Scalar = f64>>(rule: &Twist, x: &[D]) -> Result<Vec<D>, Error> {
    let inner = D::call(rule, &[x[0] * x[1], x[1]])?;
    let outer = D::call(rule, &[inner[0].tanh(), inner[1]])?;
    Ok(vec![outer[0] + x[0].exp(), outer[1] * inner[0]])
}

/// The same function without a rule.
fn written<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
    let twist = |x: D, y: D| [x * x * y, x.sin() + y.powi(3)];
    let inner = twist(x[0] * x[1], x[1]);
    let outer = twist(inner[0].tanh(), inner[1]);
    vec![outer[0] + x[0].exp(), outer[1] * inner[0]]
}

fn sum<D: Differentiable>(outputs: &[D]) -> D {
    outputs[0] * outputs[1] + outputs[0]
}

fn close(ours: &[f64], expected: &[f64]) {
    assert_close("the rule", ours, expected, 1e-12);
}

#[test]
fn rules_have_the_derivatives_of_the_function_written_out_in_every_eager_mode() {
    for (rule, x) in RULES.iter().flat_map(|rule| POINTS.map(|x| (rule, x))) {
        let expected = gradient(|x| sum(&written(x)), &x);
        let by_tape = gradient(|x| sum(&called(rule, x).unwrap()), &x);
        let by_duals = gradient_forward(|x| sum(&called(rule, x).unwrap()), &x);
        for (value, gradient) in [by_tape, by_duals] {
            close(&[value], &[expected.0]);
            close(&gradient, &expected.1);
        }
        let expected = jacobian_reverse(|x| written(x), &x);
        for ours in [
            jacobian_reverse(|x| called(rule, x).unwrap(), &x),
            jacobian_forward(|x| called(rule, x).unwrap(), &x),
        ] {
            close(&ours.0, &expected.0);
            close(&ours.1, &expected.1);
        }
        let expected = hessian(|x| sum(&written(x)), &x);
        let ours = hessian(|x| sum(&called(rule, x).unwrap()), &x);
        close(&ours.2, &expected.2);
        let direction = [0.3, -2.0];
        let expected = hvp(|x| sum(&written(x)), &x, &direction).unwrap();
        let ours = hvp(|x| sum(&called(rule, x).unwrap()), &x, &direction).unwrap();
        close(&ours.2, &expected.2);
        // The third order.
        type Third = Dual<Dual<Dual<f64>>>;
        let x = x.map(|x| Third::variable(Dual::variable(Dual::variable(x))));
        let third = |y: Third| y.derivative(0).derivative(0).derivative(0);
        close(&[third(sum(&called(rule, &x).unwrap()))], &[third(sum(&written(&x)))]);
    }
}

/// A program that calls the rule, and one of the function without a rule.
fn programs(rule: &Twist) -> [Program<f64>; 2] {
    let ours = |x: &[Traced<f64>]| sum(&called(rule, x).unwrap());
    [
        Program::record(ours, &[0.5, 0.25]).unwrap(),
        Program::record(|x| sum(&written(x)), &[0.5, 0.25]).unwrap(),
    ]
}

/// Value, gradient and Hessian at a point, with and without the rule, evaluated often enough for the program to be
/// optimised.
fn second_order(program: &Program<f64>, x: &[f64]) -> Vec<f64> {
    let mut workspace = Workspace::default();
    let (mut gradient, mut product, mut square) = ([0.0; 2], [0.0; 2], [0.0; 4]);
    for _ in 0..20 {
        program.gradient(&mut workspace, x, &mut gradient).unwrap();
    }
    program.hvp(&mut workspace, x, &[0.3, -2.0], &mut gradient, &mut product).unwrap();
    let value = program.hessian(&mut workspace, x, &mut gradient, &mut square).unwrap();
    [&[value][..], &gradient, &product, &square].concat()
}

#[test]
fn recorded_rules_replay_with_all_their_derivatives() {
    for (rule, x) in RULES.iter().flat_map(|rule| POINTS.map(|x| (rule, x))) {
        let [ours, expected] = programs(rule);
        close(&second_order(&ours, &x), &second_order(&expected, &x));
        close(&second_order(&ours.clone().optimized(), &x), &second_order(&expected, &x));
        // Derivatives as programs, and derivatives of those.
        let derived = |program: &Program<f64>| {
            let gradient = program.gradient_program(Wrt::Both).unwrap();
            let twice = program.hessian_program(Wrt::Both).unwrap();
            let forward = program.jvp_program();
            let mut results = vec![0.0; 2 + 4 + 2];
            let (first, rest) = results.split_at_mut(2);
            let (second, third) = rest.split_at_mut(4);
            gradient.evaluate(&mut gradient.workspace(), &x, first).unwrap();
            twice.evaluate(&mut twice.workspace(), &x, second).unwrap();
            forward.evaluate(&mut forward.workspace(), &[x[0], x[1], 1.0, -0.5], third).unwrap();
            results
        };
        close(&derived(&ours), &derived(&expected));
        let [eager, written] =
            [&ours, &expected].map(|program| gradient(|x| program.call(x).unwrap()[0], &x));
        close(&eager.1, &written.1);
        // A gradient that was recorded.
        let recorded =
            Program::record(|x| gradient(|y| sum(&called(rule, y).unwrap()), x).1, &[0.5, 0.25]).unwrap();
        let mut gradient = [0.0; 2];
        recorded.evaluate(&mut recorded.workspace(), &x, &mut gradient).unwrap();
        close(&gradient, &written.1);
    }
}

#[test]
fn batches_go_through_rules_point_by_point_on_any_number_of_threads() {
    let points: Vec<f64> = (0..600).map(|k| (f64::from(k) * 0.37).sin()).collect();
    let rows = Rows::new(&points, 1);

    for rule in &RULES {
        let ours = |p: &[Traced<f64>], x: &[Traced<f64>]| sum(&called(rule, &[p[0], x[0]]).unwrap());
        let ours = Program::record_with_data(ours, &[0.5], &[0.1]).unwrap();
        let expected = |p: &[Traced<f64>], x: &[Traced<f64>]| sum(&written(&[p[0], x[0]]));
        let expected = Program::record_with_data(expected, &[0.5], &[0.1]).unwrap();
        let run = |program: &Program<f64>| {
            let (mut gradient, mut values, mut jacobians) = ([0.0], vec![0.0; 600], vec![0.0; 1200]);
            let total =
                program.sum_gradient(&mut program.batch_workspace(), &[0.8], &rows, &mut gradient).unwrap();
            program
                .jacobians(
                    &mut program.batch_workspace(),
                    &[0.8],
                    &rows,
                    Wrt::Both,
                    &mut values,
                    &mut jacobians,
                )
                .unwrap();
            [vec![total, gradient[0]], values, jacobians].concat()
        };
        close(&run(&ours), &run(&expected));
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| run(&ours))
        };
        assert_eq!(on(1), on(3));
        assert!(ours.operations() > 0);
    }
}

#[test]
fn what_a_rule_refuses_is_an_error_wherever_it_is_called() {
    let rule = &RULES[0];
    let refused = f64::call(rule, &[1.0, 2.0, 3.0]).unwrap_err().to_string();
    assert_eq!(refused, "the argument of the rule needs 2 numbers, one for each input, not 3");
    let expected = Error::Rule { rule: "twist", reason: "101 is beyond 100".to_owned() };
    assert_eq!(expected.to_string(), "the rule `twist` has no value here: 101 is beyond 100");
    assert_eq!(f64::call(rule, &[101.0, 0.0]), Err(expected.clone()));
    assert!(Dual::<f64>::call(rule, &[Dual::variable(101.0), Dual::constant(0.0)]).is_err());
    let program = Program::record(|x| D::call(rule, x).unwrap(), &[1.0, 2.0]).unwrap();
    let (mut workspace, mut outputs) = (program.workspace(), [0.0; 2]);
    let beyond = [101.0, 0.0];
    assert_eq!(program.evaluate(&mut workspace, &beyond, &mut outputs), Err(expected.clone()));
    assert_eq!(
        program.vjp(&mut workspace, &beyond, &[1.0; 2], &mut outputs, &mut [0.0; 2]),
        Err(expected.clone())
    );
    let rows = [1.0, 1.0, 101.0, 0.0];
    let batch = program.values(&mut program.batch_workspace(), &[], &Rows::new(&rows, 2), &mut [0.0; 4]);
    assert_eq!(batch, Err(expected));
    // After an error, it still gives results where it can.
    assert_eq!(program.evaluate(&mut workspace, &[2.0, 1.0], &mut outputs), Ok(()));
    assert_eq!(outputs, [4.0, 2.0_f64.sin() + 1.0]);
    assert_eq!(program.to_bytes().unwrap_err(), Error::NotSavable { rule: "twist" });
    let kinds: Vec<_> = program.graph().nodes().map(|node| node.kind()).collect();
    assert_eq!(kinds[2..], [0, 1].map(|output| Kind::Rule { name: "twist", output }));
    assert_eq!(program.graph().expression(&["a", "b"]).unwrap(), "twist(a, b)[0]\ntwist(a, b)[1]");
    assert!(program.graph().dot(&["a", "b"], &[1.0, 2.0]).unwrap().contains("label=\"twist\""));
}

type D = Traced<f64>;

/// A rule whose derivative has the wrong number of results, or branches on a value.
#[derive(Clone)]
struct Wrong {
    branches: bool,
}

impl CustomRule for Wrong {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        1
    }

    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z[0] = x[0];
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(if self.branches && x[0] > D::constant(-1.0) { vec![w[0]] } else { vec![w[0], w[0]] })
    }
}

#[test]
fn a_derivative_of_the_wrong_length_is_an_error() {
    let rule = Wrong { branches: false };
    let message = "the result of the rule's vjp needs 1 numbers, one for each input, not 2";
    let x = Dual::<f64>::variable(1.0);
    assert_eq!(Dual::call(&rule, &[x]).unwrap_err().to_string(), message);
    let program = Program::record(|x| D::call(&rule, x).unwrap()[0], &[1.0]).unwrap();
    let mut workspace = program.workspace();
    // As many evaluations as would make another program produce instructions.
    for _ in 0..20 {
        let gradient = program.gradient(&mut workspace, &[1.0], &mut [0.0]);
        assert_eq!(gradient.unwrap_err().to_string(), message);
    }
}

#[test]
#[should_panic(expected = "has to select")]
fn a_derivative_that_branches_panics_in_a_recording() {
    let rule = Wrong { branches: true };
    assert_eq!(Dual::call(&rule, &[Dual::<f64>::variable(1.0)]).unwrap()[0].derivative(0), 1.0);
    let program = Program::record(|x| D::call(&rule, x).unwrap()[0], &[1.0]).unwrap();
    let mut gradient = [0.0];
    program.gradient(&mut program.workspace(), &[1.0], &mut gradient).unwrap();
    assert_eq!(gradient, [1.0]); // plain numbers may branch
    let _ = program.gradient_program(Wrt::Both);
}

#[test]
fn check_finds_wrong_derivatives_of_every_order() {
    for (rule, x) in RULES.iter().flat_map(|rule| POINTS.map(|x| (rule, x))) {
        for report in check::rule(rule, &x).unwrap() {
            assert!(report.passes(), "{report}");
        }
    }
    assert!(check::rule(&RULES[0], &[101.0, 0.0]).is_err());
    // A rule whose derivative has the right value, but the wrong derivative.
    let reports = check::rule(&Still, &[0.7]).unwrap();
    assert_eq!(reports.map(|report| report.passes()), [true, false, false]);
}

/// The sine, with a derivative that is treated as constant.
#[derive(Clone)]
struct Still;

impl CustomRule for Still {
    type Scalar = f64;

    fn inputs(&self) -> usize {
        1
    }

    fn outputs(&self) -> usize {
        1
    }

    fn value(&self, x: &[f64], z: &mut [f64]) -> Result<(), Error> {
        z[0] = x[0].sin();
        Ok(())
    }

    fn vjp<D: Differentiable<Scalar = f64>>(&self, x: &[D], _: &[D], w: &[D]) -> Result<Vec<D>, Error> {
        Ok(vec![w[0] * x[0].cos().stop_gradient()])
    }
}

#[test]
fn programs_go_to_other_threads_and_are_safe_to_look_at_after_a_panic() {
    fn holds<T: Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>() {}
    holds::<Program<f64>>();
    holds::<dualtape::program::Graph<f32>>();
    holds::<dualtape::program::Compiled<f64, fn(&[Traced<f64>], &[Traced<f64>]) -> Traced<f64>>>();
}
