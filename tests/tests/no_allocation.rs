//! Drivers allocate nothing after a first call.

use dualtape::program::{Results, Rows, Sums, Wrt};
use dualtape::sparse::{SparseHessian, SparseJacobian};
use dualtape::typenum::U1;
use dualtape::{
    Differentiable, Float, Forward, Function, Jacobian, Program, Reverse, SecondOrder, derivatives,
};
use dualtape_tests::scenarios::{rosenbrock, rosenbrock_point};

/// Runs once as a warm-up, then counts allocations.
#[track_caller]
fn assert_no_allocation(mut run: impl FnMut()) {
    run();
    let measured = allocation_counter::measure(run);
    assert_eq!(measured.count_total, 0, "{measured:?}");
}

/// A function of 20 inputs and the given number of outputs.
struct Outputs(usize);

impl Function<f64> for Outputs {
    fn outputs(&self, _: usize) -> usize {
        self.0
    }

    fn call<D: Differentiable<Scalar = f64>>(&self, x: &[D], y: &mut [D]) {
        for (i, y) in y.iter_mut().enumerate() {
            *y = D::dot(x, x).sin() * x[i % x.len()];
        }
    }
}

#[test]
fn gradients() {
    let x = rosenbrock_point(100);
    let mut gradient = vec![0.0; x.len()];
    let mut reverse = Reverse::new();
    assert_no_allocation(|| {
        reverse.gradient(|x| rosenbrock(x), &x, &mut gradient).unwrap();
    });
    let mut forward: Forward<f64> = Forward::new();
    assert_no_allocation(|| {
        forward.gradient(rosenbrock, &x, &mut gradient).unwrap();
    });
}

#[test]
fn jacobians_and_products() {
    let x = rosenbrock_point(20);
    for outputs in [3, 30] {
        let f = Outputs(outputs);
        let (mut values, mut matrix) = (vec![0.0; outputs], vec![0.0; outputs * 20]);
        let (mut forward, mut reverse, mut either) = (Forward::<f64>::new(), Reverse::new(), Jacobian::new());
        assert_no_allocation(|| {
            forward.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut matrix).unwrap();
            reverse.jacobian(|x, y| f.call(x, y), &x, &mut values, &mut matrix).unwrap();
            either.evaluate(&f, &x, &mut values, &mut matrix).unwrap();
        });
        let (weights, mut moved, mut product) = (vec![1.0; outputs], vec![0.0; outputs], vec![0.0; 20]);
        assert_no_allocation(|| {
            forward.jvp(|x, y| f.call(x, y), &x, &x, &mut values, &mut moved).unwrap();
            reverse.vjp(|x, y| f.call(x, y), &x, &weights, &mut values, &mut product).unwrap();
        });
    }
}

#[test]
fn second_derivatives() {
    let x = rosenbrock_point(20);
    let (mut gradient, mut hessian, mut product) = (vec![0.0; 20], vec![0.0; 400], vec![0.0; 20]);
    let (mut second, mut one) = (SecondOrder::<f64>::new(), SecondOrder::<f64, U1>::with_lanes());
    assert_no_allocation(|| {
        second.hessian(|x| rosenbrock(x), &x, &mut gradient, &mut hessian).unwrap();
        second.hessian_diagonal(|x| rosenbrock(x), &x, &mut gradient, &mut product).unwrap();
        one.hvp(|x| rosenbrock(x), &x, &x, &mut gradient, &mut product).unwrap();
    });
    assert_no_allocation(|| {
        let all = derivatives::<dualtape::typenum::U4, f64>(|x| x.exp() * x.sin(), 1.0);
        assert!((all[2] - 2.9373878798317703).abs() < 1e-12);
    });
}

#[test]
fn memory_stays_flat_over_2000_points() {
    let mut reverse = Reverse::new();
    let mut gradient = [0.0; 2];
    assert_no_allocation(|| {
        let points = (0..2000).map(f64::from);
        let loss = reverse.sum_gradient(&[2.0, 1.0], points, |p, x| (p[0] * x + p[1]).powi(2), &mut gradient);
        assert!(loss.unwrap() > 0.0);
    });
}

#[test]
fn replays_at_one_point() {
    let x = rosenbrock_point(50);
    let program = Program::record(rosenbrock, &x).unwrap();
    let mut workspace = program.workspace();
    let (mut gradient, mut product, mut matrix, mut value) =
        (vec![0.0; 50], vec![0.0; 50], vec![0.0; 2500], [0.0]);
    assert_no_allocation(|| {
        program.gradient(&mut workspace, &x, &mut gradient).unwrap();
        program.hvp(&mut workspace, &x, &x, &mut gradient, &mut product).unwrap();
        program.hessian(&mut workspace, &x, &mut gradient, &mut matrix).unwrap();
        program.vjp(&mut workspace, &x, &[1.0], &mut value, &mut gradient).unwrap();
    });
}

#[test]
fn replays_over_a_batch() {
    fn loss<D: Differentiable<Scalar = f64>>(p: &[D], x: &[D]) -> D {
        let hidden: Vec<D> = D::affine(&p[..6], &p[6..9], x).iter().map(|h| h.tanh()).collect();
        D::log_sum_exp(&hidden) + p[9].exp() * x[0]
    }
    let (p, flat) = ([0.3; 10], rosenbrock_point(120));
    let program = Program::record_with_data(loss, &p, &[1.0, 2.0]).unwrap();
    let points = Rows::new(&flat, 2);
    let mut batch = program.batch_workspace();
    let (mut derivative, mut values, mut rows) = ([0.0; 10], vec![0.0; 60], vec![0.0; 600]);
    assert_no_allocation(|| {
        program.mean_gradient(&mut batch, &p, &points, &mut derivative).unwrap();
        let clipped = Sums { clip: Some(0.1), ..Sums::none() };
        let results = Results { gradient: Some(&mut derivative), ..Results::none() };
        program.sum(&mut batch, &p, &points, &clipped, results).unwrap();
        program.jacobians(&mut batch, &p, &points, Wrt::Parameters, &mut values, &mut rows).unwrap();
    });
}

#[test]
fn sparse_matrices() {
    let x = rosenbrock_point(100);
    let program = Program::record(rosenbrock, &x).unwrap();
    let plan = SparseHessian::new(&program, Wrt::Both).unwrap();
    let (mut workspace, mut derivative) = (plan.workspace(), vec![0.0; x.len()]);
    let mut values = vec![0.0; plan.pattern().len()];
    assert_no_allocation(|| {
        plan.evaluate(&mut workspace, &x, &mut derivative, &mut values).unwrap();
    });
    // In lanes.
    let f = Outputs(30);
    let all = |x: &[_]| {
        let mut y = vec![x[0]; 30];
        f.call(x, &mut y);
        f.call(x, &mut y);
        y
    };
    let x = rosenbrock_point(20);
    let plan = SparseJacobian::new(&Program::record(all, &x).unwrap(), Wrt::Both).unwrap();
    let (mut workspace, mut outputs) = (plan.workspace(), vec![0.0; 30]);
    let mut values = vec![0.0; plan.pattern().len()];
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        assert_no_allocation(|| {
            plan.evaluate(&mut workspace, &x, &mut outputs, &mut values).unwrap();
        });
    });
}
