//! A large program called from another stays one call, with the same values and derivatives as the inlined function.

use dualtape::program::{Kind, Rows, Wrt};
use dualtape::{Differentiable, Error, Program, Traced, Workspace};
use dualtape_tests::close::assert_close;
use dualtape_tests::modes::{Function, first_order, second_order};

/// A function of four numbers with about a thousand operations, including an affine map.
fn long<D: Differentiable<Scalar = f64>>(x: &[D]) -> Vec<D> {
    let mut z = D::affine(x, &x[..2], &[x[1], x[3]]);
    for k in 0..400 {
        let turned = z[0] * (x[2] * 0.1).cos() - z[1] * 0.3 + f64::from(k % 7) * 0.01;
        z = vec![turned.sin(), z[0] * x[3] * 0.9 + turned * 0.1];
    }
    z
}

fn recorded() -> Program<f64> {
    let program =
        Program::record_with_data(|p, x| long(&[p, x].concat()), &[0.4, -0.3, 1.1], &[0.7]).unwrap();
    assert!(program.graph().len() > 2000);
    program
}

const X: [f64; 4] = [0.3, -0.8, 0.9, 0.6];

/// A larger function that contains the function, called or inlined.
struct Outer(Option<Program<f64>>);

impl Function for Outer {
    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D]) -> D {
        let inner = |x: &[D]| match &self.0 {
            Some(program) => program.call(x).expect("there are no guards"),
            None => long(x),
        };
        let first = inner(x);
        let second = inner(&[first[0], first[1] * 2.0, x[2].tanh(), x[3]]);
        second[0] * first[1] + second[1].exp()
    }
}

#[test]
fn called_programs_have_the_derivatives_of_the_function_in_every_mode() {
    let [ours, expected] = [Outer(Some(recorded())), Outer(None)];
    for (ours, expected) in first_order(&ours, &X).into_iter().zip(first_order(&expected, &X)) {
        assert_eq!(ours.value, expected.value, "{}", ours.mode);
        assert_close(ours.mode, &ours.gradient, &expected.gradient, 1e-12);
    }
    for (ours, expected) in second_order(&ours, &X).into_iter().zip(second_order(&expected, &X)) {
        assert_close(ours.mode, &ours.hessian, &expected.hessian, 1e-11);
    }
}

#[test]
fn recordings_of_called_programs_stay_small_and_replay_in_batches_and_when_saved() {
    let [ours, expected] = [Some(recorded()), None].map(|inner| {
        let outer = Outer(inner);
        Program::record_with_data(move |p, x| outer.call(&[p, x].concat()), &X[..3], &X[3..]).unwrap()
    });
    assert!(ours.graph().len() < 50, "{}", ours.graph().len());
    assert!(ours.graph().nodes().any(|node| node.kind() == Kind::Rule { name: "program", output: 1 }));
    let points: Vec<f64> = (0..100).map(|k| f64::from(k) * 0.01).collect();
    let run = |program: &Program<f64>| {
        let mut gradient = [0.0; 3];
        let rows = Rows::new(&points, 1);
        let sum =
            program.sum_gradient(&mut program.batch_workspace(), &X[..3], &rows, &mut gradient).unwrap();
        let (mut one, mut workspace) = ([0.0; 4], Workspace::default());
        for _ in 0..20 {
            program.gradient(&mut workspace, &X, &mut one).unwrap();
        }
        [&[sum][..], &gradient, &one].concat()
    };
    assert_close("batch", &run(&ours), &run(&expected), 1e-11);
    let back = Program::<f64>::from_bytes(&ours.to_bytes().unwrap()).unwrap();
    assert_close("saved", &run(&back), &run(&expected), 1e-11);
    let derived = ours.gradient_program(Wrt::Both).unwrap();
    assert!(derived.graph().len() < 100, "{}", derived.graph().len());
    let mut gradient = [0.0; 4];
    derived.evaluate(&mut derived.workspace(), &X, &mut gradient).unwrap();
    assert_close("derived", &gradient, &run(&expected)[4..], 1e-11);
}

#[test]
fn a_called_program_names_its_guard_where_it_takes_another_branch() {
    let branching = |x: &[Traced<f64>]| {
        let z = long(&[x[0], x[0], x[0], x[0]]);
        if z[0] > x[1] { z[0] } else { z[1] }
    };
    let inner = Program::record(branching, &[0.3, -10.0]).unwrap();
    let outer = Program::record(|x| inner.call(x).unwrap()[0], &[0.3, -10.0]).unwrap();
    let mut workspace = outer.workspace();
    assert!(outer.value(&mut workspace, &[0.5, -10.0]).is_ok());
    for refused in [
        outer.value(&mut workspace, &[0.5, 10.0]).unwrap_err(),
        outer.gradient(&mut workspace, &[0.5, 10.0], &mut [0.0; 2]).unwrap_err(),
        outer.values(&mut outer.batch_workspace(), &[], &Rows::new(&[0.5, 10.0], 2), &mut [0.0]).unwrap_err(),
    ] {
        let Error::BranchChanged { guard, .. } = &refused else { panic!("{refused}") };
        assert!(guard.contains("tests/calls.rs:"), "{guard}");
    }
    assert_eq!(
        inner.call(&[0.5]).unwrap_err().to_string(),
        "the point needs 2 numbers, one for each input, not 1"
    );
}
